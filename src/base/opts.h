/**
 * What the user asked for. Filled in by cli_parse(), on main's stack, and const from then on. struct limits has what the machine
 * allows of it.
 */

#ifndef UCP_OPTS_H
#define UCP_OPTS_H

#include <sys/types.h>

struct meta_rules;
struct select;

/** When to do something that can be switched. */
enum when {
	WHEN_NEVER,
	WHEN_AUTO,
	WHEN_ALWAYS,
};

/** Which symbolic links in the source are followed. */
enum deref {
	/** Not said: decided once all options are known. */
	DEREF_UNDEFINED,
	/** None (-P). */
	DEREF_NEVER,
	/** Those given as operands (-H). */
	DEREF_OPERANDS,
	/** All (-L). */
	DEREF_ALWAYS,
};

/** How progress is shown. */
enum progress_style {
	PROGRESS_NEVER,
	/** A line that changes, on a terminal. */
	PROGRESS_AUTO,
	PROGRESS_ALWAYS,
	/** A line now and then. */
	PROGRESS_PLAIN,
	/** Like PROGRESS_ALWAYS, but of what is on the medium. */
	PROGRESS_SYNCED,
};

/** How file data is moved. */
enum engine {
	/** io_uring where the kernel gives one, system calls where not. */
	ENGINE_AUTO,
	/** io_uring, or fail. */
	ENGINE_URING,
	/** pread and pwrite. */
	ENGINE_SYNC,
};

/** Which existing destinations --update lets be replaced. */
enum update {
	/** All. */
	UPDATE_ALL,
	/** None, without a word (-n, --update=none). */
	UPDATE_NONE,
	/** None, and each one met is an error. */
	UPDATE_NONE_FAIL,
	/** Those older than their source (-u). */
	UPDATE_OLDER,
	/** Those that differ from their source in type, size or time of last modification, or that lead elsewhere. */
	UPDATE_DIFFER,
	/** The same, but files of one size are compared by their contents. */
	UPDATE_CHECKSUM,
};

/** How an existing destination is kept under another name. */
enum backup {
	BACKUP_NONE,
	/** NAME and a suffix. */
	BACKUP_SIMPLE,
	/** Numbered if there are numbered ones already, else simple. */
	BACKUP_EXISTING,
	/** NAME.~N~ */
	BACKUP_NUMBERED,
};

/** Switches of struct opts::flags. */
enum opt_flags {
	OPT_RECURSIVE = 1 << 0,
	/** -f: remove a destination that cannot be opened, and try again. */
	OPT_FORCE = 1 << 1,
	OPT_VERBOSE = 1 << 2,
	/** Say how each file was copied, and what the rings did. */
	OPT_DEBUG = 1 << 3,
	OPT_ONE_FILE_SYSTEM = 1 << 4,
	OPT_NO_TARGET_DIRECTORY = 1 << 5,
	/** -i: ask before replacing. */
	OPT_INTERACTIVE = 1 << 6,
	/** -l: hard links in place of copies. */
	OPT_HARD_LINK = 1 << 7,
	/** -s: symbolic links in place of copies. */
	OPT_SYMBOLIC_LINK = 1 << 8,
	OPT_REMOVE_DESTINATION = 1 << 9,
	/** Copy no file data. */
	OPT_ATTRIBUTES_ONLY = 1 << 10,
	/** Read fifos and devices even when recursive. */
	OPT_COPY_CONTENTS = 1 << 11,
	OPT_KEEP_DIRECTORY_SYMLINK = 1 << 12,
	OPT_PARENTS = 1 << 13,
	OPT_STRIP_TRAILING_SLASHES = 1 << 14,
	/** POSIXLY_CORRECT is set: write through dangling symlinks. */
	OPT_POSIX = 1 << 15,
	/** Effective user 0: refused ownership is an error. */
	OPT_PRIVILEGED = 1 << 16,
	/** All that is written is on its medium in the end. */
	OPT_FSYNC = 1 << 17,
	/** Each file is read back and compared. */
	OPT_VERIFY = 1 << 18,
	/** Say at the end what was done. */
	OPT_STATS = 1 << 19,
	/** Say all of it in JSON. */
	OPT_JSON = 1 << 20,
	/** Take only what nobody else wants. */
	OPT_IDLE = 1 << 21,
	/** Only say what would be done. */
	OPT_DRY_RUN = 1 << 22,
	/** Follow no symbolic link below the destination. */
	OPT_BENEATH = 1 << 23,
	/** Files appear under their names only when they are whole. */
	OPT_ATOMIC = 1 << 24,
	/** Go on where an earlier run was interrupted; implies OPT_ATOMIC. */
	OPT_RESUME = 1 << 25,
};

/** What struct opts::preserve asks to keep. */
enum preserve {
	/** Mode and ACLs. */
	PRESERVE_MODE = 1 << 0,
	PRESERVE_OWNERSHIP = 1 << 1,
	PRESERVE_TIMESTAMPS = 1 << 2,
	PRESERVE_LINKS = 1 << 3,
	PRESERVE_XATTR = 1 << 4,
	/** There is no SELinux support to do it with: an error in the end. */
	PRESERVE_CONTEXT = 1 << 5,
	PRESERVE_ALL = PRESERVE_MODE | PRESERVE_OWNERSHIP | PRESERVE_TIMESTAMPS | PRESERVE_LINKS | PRESERVE_XATTR,

	/** --no-preserve=mode: new files get the mode any new file gets. */
	PRESERVE_MODE_NOT = 1 << 8,
	/** xattrs were named: not to be able to copy them is an error. */
	PRESERVE_XATTR_REQUIRED = 1 << 9,
	/** -a: say nothing of xattrs that could not be copied. */
	PRESERVE_XATTR_QUIET = 1 << 10,
	/** All that something has to be given, or kept from, after it was made. */
	PRESERVE_ATTRIBUTES = PRESERVE_MODE | PRESERVE_MODE_NOT | PRESERVE_OWNERSHIP | PRESERVE_TIMESTAMPS | PRESERVE_XATTR,
};

/** Faults made on purpose (--x-inject), so that tests reach every path. None of them forges a result. */
enum inject {
	/** Ask for less than is wanted when reading. */
	INJECT_SHORT_READ = 1 << 0,
	/** Ask for less than is wanted when writing. */
	INJECT_SHORT_WRITE = 1 << 1,
	/** Behave as on kernels without these. */
	INJECT_NO_CQE_SKIP = 1 << 2,
	INJECT_NO_FIXED_BUFFERS = 1 << 3,
	INJECT_NO_FIXED_FILES = 1 << 4,
	INJECT_NO_SINGLE_ISSUER = 1 << 5,
	/** No io_uring at all. */
	INJECT_NO_RING = 1 << 6,
	/** In files that are copied in order, spoil the byte at offset opts::seed once it was read and hashed. */
	INJECT_CORRUPT = 1 << 7,
	/** Behave as on file systems that do not take O_DIRECT. */
	INJECT_NO_DIRECT = 1 << 8,
	/** Take the page cache for so small that a few MiB fill it. */
	INJECT_LITTLE_MEMORY = 1 << 9,
	/** No files without a name (O_TMPFILE). */
	INJECT_NO_UNNAMED = 1 << 10,
};

/** What the user asked for. */
struct opts {
	/** Which of what the operands lead to is copied; NULL: all of it. */
	struct select *select;
	/** What /etc/xattr.conf says of extended attributes; NULL: nothing. */
	struct meta_rules *rules;
	/** enum opt_flags. */
	unsigned flags;
	/** enum preserve. */
	unsigned preserve;
	/** enum inject. */
	unsigned inject;
	/** Seed of the injected faults. */
	uint64_t seed;

	enum deref deref;
	enum engine engine;
	enum when reflink;
	enum when direct;
	enum when sparse;
	enum progress_style progress;
	enum update update;
	enum backup backup;
	/** What simple backups end in. */
	const char *suffix;

	/** Worker threads to begin with; 0: as many as processors. */
	unsigned threads;
	/** Most chunks a worker keeps in flight. */
	unsigned queue_depth;
	/** Bytes of a chunk. */
	size_t chunk_size;
	/** Bytes of a range; a file larger than this is shared among the workers. */
	uint64_t range_size;
	/** Most bytes a worker keeps in flight. */
	size_t window;
	/** Most names in a batch. */
	unsigned batch_size;

	/** Bytes a second that may be moved, or 0; and the file that says so, or NULL. */
	uint64_t rate;
	const char *rate_file;

	/** The file creation mask. */
	mode_t umask;

	/** Where a list of checksums is written: a path, "-" for standard output, or NULL. */
	const char *checksums;
	/** -t, or NULL. */
	const char *target_directory;
	/** The words of the command line, of which the above and the operands are parts; owned. */
	char **words;
	/** The operands, and how many. */
	char **operands;
	int operand_count;
};

/** Whether a destination that does not differ from its source is left alone, but for its attributes. */
static inline bool opts_compare(const struct opts *opts) {
	return opts->update == UPDATE_DIFFER || opts->update == UPDATE_CHECKSUM;
}

#endif // UCP_OPTS_H
