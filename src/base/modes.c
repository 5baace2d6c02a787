// SPDX-License-Identifier: MIT
#include "base/modes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** All bits that chmod(2) can set, and those that a number does not clear on directories. */
#define ALL_BITS 07777u
#define SET_ID_BITS 06000u

/** Permissions of everyone: to read, to write, to execute. */
#define READ_BITS 0444u
#define WRITE_BITS 0222u
#define EXECUTE_BITS 0111u

/** Flags of struct change. */
enum change_flags {
	/** Only for directories, or only for everything else. */
	CHANGE_DIRECTORIES = 1 << 0,
	CHANGE_FILES = 1 << 1,
	/** change::value selects bits of the mode, and these stand for those of all. */
	CHANGE_COPIES = 1 << 2,
	/** X: also EXECUTE_BITS, if the mode has one of these or is a directory's. */
	CHANGE_EXECUTE = 1 << 3,
};

/** One operator with what follows, as in gnulib (modechange.c), whose rules are those of chmod(1). */
struct change {
	/** One of "+-=". */
	char op;
	unsigned flags;
	/** The bits of those whom the clause names (u, g, o, a); 0 for none. */
	unsigned affected;
	/** Bits to add, to remove or to set. */
	unsigned value;
	/** The bits that the clause names; others of SET_ID_BITS are left alone on directories. */
	unsigned mentioned;
};

struct modes {
	size_t count;
	struct change changes[];
};

/** Read an octal number that ends the clause. Returns whether it is one; then TEXT is moved behind it. */
static bool read_number(const char **text, unsigned *value, size_t *digits) {
	size_t len = strspn(*text, "01234567");
	char end = (*text)[len];
	// More digits are only zeros in front of it
	unsigned long number = len > 0 && (end == '\0' || end == ',') ? strtoul(*text, NULL, 8) : ALL_BITS + 1;
	*value = (unsigned)number;
	*digits = len;
	*text += number <= ALL_BITS ? len : 0;
	return number <= ALL_BITS;
}

/** Read whom a clause is for. */
static unsigned read_affected(const char **text) {
	unsigned affected = 0;
	for (;; ++*text) {
		switch (**text) {
		case 'u':
			affected |= S_ISUID | S_IRWXU;
			break;
		case 'g':
			affected |= S_ISGID | S_IRWXG;
			break;
		case 'o':
			affected |= S_ISVTX | S_IRWXO;
			break;
		case 'a':
			affected |= ALL_BITS;
			break;
		default:
			return affected;
		}
	}
}

/** Read the letters of permissions. */
static void read_letters(const char **text, struct change *change) {
	static const struct {
		char letter;
		unsigned bits;
	} letters[] = {{'r', READ_BITS}, {'w', WRITE_BITS}, {'x', EXECUTE_BITS}, {'s', SET_ID_BITS}, {'t', S_ISVTX},
		{'X', 0}};
	for (bool found = true; found;) {
		found = false;
		for (size_t i = 0; i < countof(letters) && !found; ++i) {
			found = **text == letters[i].letter;
			change->value |= found ? letters[i].bits : 0;
			change->flags |= found && **text == 'X' ? CHANGE_EXECUTE : 0;
		}
		*text += found;
	}
}

/** Read an operator, at TEXT, with what follows. Returns whether that is valid. */
static bool read_operation(const char **text, unsigned affected, struct change *change) {
	static const char names[] = "ugo";
	static const unsigned bits[] = {S_IRWXU, S_IRWXG, S_IRWXO};
	size_t digits;
	change->op = *(*text)++;
	change->affected = affected;
	const char *name = **text ? strchr(names, **text) : NULL;
	if (**text >= '0' && **text <= '7') {
		change->affected = change->mentioned = ALL_BITS;
		return affected == 0 && read_number(text, &change->value, &digits);
	}
	if (name) {
		change->value = bits[name - names];
		change->flags |= CHANGE_COPIES;
		++*text;
	} else {
		read_letters(text, change);
	}
	change->mentioned = affected ? affected & change->value : change->value;
	return true;
}

/** Read the clauses of TEXT. Returns how many changes they are, or -EINVAL. */
static int read_clauses(const char *text, struct change *changes) {
	int count = 0;
	for (bool more = true; more; ++text) {
		size_t digits;
		unsigned kind = *text == 'D' ? CHANGE_DIRECTORIES : 0;
		kind |= *text == 'F' ? CHANGE_FILES : 0;
		text += kind != 0;
		struct change number = {.op = '=', .flags = kind, .affected = ALL_BITS};
		if (read_number(&text, &number.value, &digits)) {
			number.mentioned = digits < 5 ? (number.value & ~0777u) | 0777 : ALL_BITS;
			changes[count++] = number;
		} else {
			unsigned affected = read_affected(&text);
			if (*text != '+' && *text != '-' && *text != '=') {
				return -EINVAL;
			}
			while (*text == '+' || *text == '-' || *text == '=') {
				changes[count] = (struct change) {.flags = kind};
				if (!read_operation(&text, affected, &changes[count++])) {
					return -EINVAL;
				}
			}
		}
		if (*text != '\0' && *text != ',') {
			return -EINVAL;
		}
		more = *text == ',';
	}
	return count;
}

int modes_parse(struct modes **modes, const char *text) {
	size_t before = *modes ? (*modes)->count : 0;
	// Each change takes at least one character
	struct modes *longer = calloc(1, sizeof(*longer) + (before + strlen(text) + 1) * sizeof(struct change));
	if (!longer) {
		return -ENOMEM;
	}
	int count = read_clauses(text, longer->changes + before);
	if (count < 0) {
		free(longer);
		return count;
	}
	if (before > 0) {
		memcpy(longer->changes, (*modes)->changes, before * sizeof(struct change));
	}
	longer->count = before + (size_t)count;
	free(*modes);
	*modes = longer;
	return 0;
}

/** Apply one change. */
static mode_t apply(const struct change *change, mode_t mode, mode_t umask) {
	bool directory = S_ISDIR(mode);
	unsigned omitted = directory ? SET_ID_BITS & ~change->mentioned : 0;
	unsigned value = change->value;
	if (change->flags & CHANGE_COPIES) {
		value &= mode;
		value = (value & READ_BITS ? READ_BITS : 0) | (value & WRITE_BITS ? WRITE_BITS : 0)
			| (value & EXECUTE_BITS ? EXECUTE_BITS : 0);
	}
	if ((change->flags & CHANGE_EXECUTE) && (directory || (mode & EXECUTE_BITS))) {
		value |= EXECUTE_BITS;
	}
	value &= (change->affected ? change->affected : ~umask) & ~omitted & ALL_BITS;
	if (change->op == '+') {
		return mode | value;
	}
	if (change->op == '-') {
		return mode & ~value;
	}
	unsigned kept = (change->affected ? ~change->affected : 0) | omitted | ~ALL_BITS;
	return (mode & kept) | value;
}

mode_t modes_apply(const struct modes *modes, mode_t mode, mode_t umask) {
	unsigned other = S_ISDIR(mode) ? CHANGE_FILES : CHANGE_DIRECTORIES;
	for (size_t i = 0; modes && i < modes->count; ++i) {
		const struct change *change = &modes->changes[i];
		mode = change->flags & other ? mode : apply(change, mode, umask);
	}
	return mode;
}

uint64_t modes_number(const struct modes *modes) {
	uint64_t number = 0;
	for (size_t i = 0; modes && i < modes->count; ++i) {
		const struct change *c = &modes->changes[i];
		const uint64_t parts[] = {(uint64_t)c->op, c->flags, c->affected, c->value, c->mentioned};
		for (size_t k = 0; k < countof(parts); ++k) {
			// The prime of FNV-1a
			number = (number ^ (parts[k] + 1)) * 1099511628211u;
		}
	}
	return number;
}

void modes_free(struct modes *modes) {
	free(modes);
}
