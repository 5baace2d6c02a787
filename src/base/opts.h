// SPDX-License-Identifier: MIT
/**
 * The user's options and operands. Filled in by cli_parse(), on main's stack, and const from then on. struct limits has
 * the values that the machine allows.
 */

#ifndef UCP_OPTS_H
#define UCP_OPTS_H

#include <sys/types.h>

struct meta_rules;
struct modes;
struct select;

/** When to use an optional technique. */
enum when {
	WHEN_NEVER,
	WHEN_AUTO,
	WHEN_ALWAYS,
};

/** Which symbolic links in the source are followed. */
enum deref {
	/** Not given: decided after all options are parsed. */
	DEREF_UNDEFINED,
	/** No links (-P). */
	DEREF_NEVER,
	/** Operands (-H). */
	DEREF_OPERANDS,
	/** All links (-L). */
	DEREF_ALWAYS,
};

/** How progress is shown. */
enum progress_style {
	PROGRESS_NEVER,
	/** An updated line, on a terminal. */
	PROGRESS_AUTO,
	PROGRESS_ALWAYS,
	/** A new line now and then. */
	PROGRESS_PLAIN,
	/** Like PROGRESS_ALWAYS, but counts only data on the medium. */
	PROGRESS_SYNCED,
};

/** How file data is moved. */
enum engine {
	/** io_uring if the kernel allows it, else system calls. */
	ENGINE_AUTO,
	/** io_uring, or fail. */
	ENGINE_URING,
	/** pread and pwrite. */
	ENGINE_SYNC,
};

/** Which existing destinations --update replaces. */
enum update {
	/** All. */
	UPDATE_ALL,
	/** None, silently (-n, --update=none). */
	UPDATE_NONE,
	/** None, and each existing one is an error. */
	UPDATE_NONE_FAIL,
	/** Those older than their source (-u). */
	UPDATE_OLDER,
	/** Those that differ from their source in type, size, mtime or link text. */
	UPDATE_DIFFER,
	/** As UPDATE_DIFFER, but files of the same size are compared by content. */
	UPDATE_CHECKSUM,
};

/** How existing destinations are backed up. */
enum backup {
	BACKUP_NONE,
	/** The name with a suffix. */
	BACKUP_SIMPLE,
	/** Numbered if numbered backups exist, else simple. */
	BACKUP_EXISTING,
	/** NAME.~N~ */
	BACKUP_NUMBERED,
};

/** Most directories of --link-dest, and of --reflink-dest. */
#define OPTS_EARLIER 20

/** Directories with earlier copies, as the user named them. */
struct opts_dirs {
	const char *paths[OPTS_EARLIER];
	unsigned count;
};

/** Switches of struct opts::flags. */
enum opt_flags {
	OPT_RECURSIVE = 1 << 0,
	/** -f: remove a destination that cannot be opened, and try again. */
	OPT_FORCE = 1 << 1,
	OPT_VERBOSE = 1 << 2,
	/** Print how each file was copied, and the rings' statistics. */
	OPT_DEBUG = 1 << 3,
	OPT_ONE_FILE_SYSTEM = 1 << 4,
	OPT_NO_TARGET_DIRECTORY = 1 << 5,
	/** -i: ask before replacing. */
	OPT_INTERACTIVE = 1 << 6,
	/** -l: make hard links instead of copies. */
	OPT_HARD_LINK = 1 << 7,
	/** -s: make symbolic links instead of copies. */
	OPT_SYMBOLIC_LINK = 1 << 8,
	OPT_REMOVE_DESTINATION = 1 << 9,
	/** Copy no file data. */
	OPT_ATTRIBUTES_ONLY = 1 << 10,
	/** Read FIFOs and devices even when recursive. */
	OPT_COPY_CONTENTS = 1 << 11,
	OPT_KEEP_DIRECTORY_SYMLINK = 1 << 12,
	OPT_PARENTS = 1 << 13,
	OPT_STRIP_TRAILING_SLASHES = 1 << 14,
	/** POSIXLY_CORRECT is set: write through dangling symlinks. */
	OPT_POSIX = 1 << 15,
	/** Effective user 0: refused ownership is an error. */
	OPT_PRIVILEGED = 1 << 16,
	/** Flush everything to the medium before the end. */
	OPT_FSYNC = 1 << 17,
	/** Read each copy back and compare it. */
	OPT_VERIFY = 1 << 18,
	/** Print statistics at the end. */
	OPT_STATS = 1 << 19,
	/** Print everything on standard output as JSON. */
	OPT_JSON = 1 << 20,
	/** Use only idle processor and disk time. */
	OPT_IDLE = 1 << 21,
	/** Only print what would be done. */
	OPT_DRY_RUN = 1 << 22,
	/** Follow no symbolic link below the destination. */
	OPT_BENEATH = 1 << 23,
	/** Files get their names only when they are complete. */
	OPT_ATOMIC = 1 << 24,
	/** Continue an interrupted run; implies OPT_ATOMIC. */
	OPT_RESUME = 1 << 25,
	/** Remove names from the destination that the source does not have. */
	OPT_DELETE = 1 << 26,
	/** Also remove names that were left out of the copy. */
	OPT_DELETE_EXCLUDED = 1 << 27,
	/** OPT_DELETE removes nothing if there are more than opts::max_delete names to remove. */
	OPT_MAX_DELETE = 1 << 28,
	/** Attributes that the destination's file system refuses are no error. */
	OPT_BEST_EFFORT = 1 << 29,
	/** With OPT_VERBOSE: print the lines only to opts::log_file. */
	OPT_LOG_ONLY = 1 << 30,
	/** Move: rename, or copy and then remove the source; implies OPT_ATOMIC and OPT_REMOVE_DESTINATION. */
	OPT_MOVE = 1u << 31,
};

/** Attributes for struct opts::preserve. */
enum preserve {
	/** Mode and ACLs. */
	PRESERVE_MODE = 1 << 0,
	PRESERVE_OWNERSHIP = 1 << 1,
	PRESERVE_TIMESTAMPS = 1 << 2,
	PRESERVE_LINKS = 1 << 3,
	PRESERVE_XATTR = 1 << 4,
	/** ucp has no SELinux support: an error in the end. */
	PRESERVE_CONTEXT = 1 << 5,
	PRESERVE_ALL = PRESERVE_MODE | PRESERVE_OWNERSHIP | PRESERVE_TIMESTAMPS | PRESERVE_LINKS | PRESERVE_XATTR,

	/** --no-preserve=mode: new files get the default mode. */
	PRESERVE_MODE_NOT = 1 << 8,
	/** xattrs were named explicitly: a failure to copy them is an error. */
	PRESERVE_XATTR_REQUIRED = 1 << 9,
	/** -a: do not report xattrs that could not be copied. */
	PRESERVE_XATTR_QUIET = 1 << 10,
	/** --chmod: the mode that a copy would get is changed. */
	PRESERVE_MODE_CHANGED = 1 << 11,
	/** With PRESERVE_OWNERSHIP: set only what --chown names. */
	PRESERVE_OWNERSHIP_GIVEN = 1 << 12,
	/** All that sets a mode. */
	PRESERVE_ANY_MODE = PRESERVE_MODE | PRESERVE_MODE_NOT | PRESERVE_MODE_CHANGED,
	/** All attributes that are set or removed after a file was made. */
	PRESERVE_ATTRIBUTES = PRESERVE_ANY_MODE | PRESERVE_OWNERSHIP | PRESERVE_TIMESTAMPS | PRESERVE_XATTR,
};

/** Injected faults (--x-inject), so that tests reach every path. None of them falsifies a result. */
enum inject {
	/** Request shorter reads. */
	INJECT_SHORT_READ = 1 << 0,
	/** Request shorter writes. */
	INJECT_SHORT_WRITE = 1 << 1,
	/** Behave as on kernels without these features. */
	INJECT_NO_CQE_SKIP = 1 << 2,
	INJECT_NO_FIXED_BUFFERS = 1 << 3,
	INJECT_NO_FIXED_FILES = 1 << 4,
	INJECT_NO_SINGLE_ISSUER = 1 << 5,
	/** No io_uring at all. */
	INJECT_NO_RING = 1 << 6,
	/** In files that are copied in order, change the byte at offset opts::seed after it was read and hashed. */
	INJECT_CORRUPT = 1 << 7,
	/** Behave as on file systems without O_DIRECT. */
	INJECT_NO_DIRECT = 1 << 8,
	/** Assume a page cache of a few MiB. */
	INJECT_LITTLE_MEMORY = 1 << 9,
	/** Use no unnamed files (O_TMPFILE). */
	INJECT_NO_UNNAMED = 1 << 10,
};

/** The user's options and operands. */
struct opts {
	/** Selects the files to copy; NULL for all. */
	struct select *select;
	/** The rules of /etc/xattr.conf for extended attributes; NULL for none. */
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
	/** The suffix of simple backups; it may be empty with backup_dir. */
	const char *suffix;
	/** The directory for backups, or NULL: beside the files. */
	const char *backup_dir;

	/** Initial number of worker threads; 0: one for each processor. */
	unsigned threads;
	/** Most chunks a worker keeps in flight. */
	unsigned queue_depth;
	/** Bytes of a chunk. */
	size_t chunk_size;
	/** Bytes of a range; larger files are shared among the workers. */
	uint64_t range_size;
	/** Most bytes a worker keeps in flight. */
	size_t window;
	/** Most names in a batch. */
	unsigned batch_size;

	/** Limit in bytes per second, or 0; and the file that contains it, or NULL. */
	uint64_t rate;
	const char *rate_file;

	/** With OPT_MAX_DELETE: how many names may be removed. */
	uint64_t max_delete;
	/** After how many errors no more files are begun; 0: any number. */
	unsigned max_errors;

	/** Earlier copies: files that are the same there become hard links to them, or clones of them. */
	struct opts_dirs link_dests;
	struct opts_dirs reflink_dests;

	/** The file creation mask. */
	mode_t umask;
	/** The owner and the group that --chown names; -1 for none. */
	uid_t uid;
	gid_t gid;
	/** With PRESERVE_MODE_CHANGED, the changes of --chmod; else NULL. */
	struct modes *modes;

	/** The file for the list of checksums: a path, "-" for standard output, or NULL. */
	const char *checksums;
	/** Whether to print each change of the destination (--itemize). */
	bool itemize;
	/** The file to which everything printed is appended, with the time, or NULL. */
	const char *log_file;
	/** The argument of -t, or NULL. */
	const char *target_directory;
	/** The words of the command line, into which other members point; owned. */
	char **words;
	/** The operands, and their number. */
	char **operands;
	int operand_count;
};

/** Whether destinations equal to their source are left alone, except for attributes. */
static inline bool opts_compare(const struct opts *opts) {
	return opts->update == UPDATE_DIFFER || opts->update == UPDATE_CHECKSUM;
}

#endif // UCP_OPTS_H
