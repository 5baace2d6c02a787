// SPDX-License-Identifier: MIT
/**
 * Events for programs that read ucp's output (--json), and their members.
 */

#ifndef UCP_EVENT_H
#define UCP_EVENT_H

/** Subject of a line of -v or --debug. */
enum say {
	SAY_NOTE,
	/** A copy begins. */
	SAY_COPYING,
	/** A file was removed from the destination. */
	SAY_REMOVED,
	/** A source was removed after it was copied (--move). */
	SAY_SOURCE_REMOVED,
};

/** What happened to a name in the destination (--itemize). */
enum change {
	/** Something was made where nothing had been. */
	CHANGE_NEW,
	/** What had been there was replaced or written to. */
	CHANGE_DATA,
	/** Only attributes were set. */
	CHANGE_ATTRIBUTES,
	/** It was removed, and nothing took its place. */
	CHANGE_DELETED,
};

/** Type of a member's value. */
enum member_kind {
	MEMBER_NUMBER,
	MEMBER_REAL,
	MEMBER_BOOL,
	/** A text; the member is left out if it is NULL. */
	MEMBER_TEXT,
	/** A text; the value is null if it is NULL. */
	MEMBER_WORD,
	/** A file name of arbitrary bytes; the member is left out if it is NULL. */
	MEMBER_NAME,
};

/** A member of an event. */
struct member {
	const char *key;
	enum member_kind kind;
	uint64_t number;
	double real;
	const char *text;
};

/** Make a member with an integer. */
static inline struct member member_number(const char *key, uint64_t number) {
	return (struct member) {.key = key, .kind = MEMBER_NUMBER, .number = number};
}

/** Make a member with a real number. */
static inline struct member member_real(const char *key, double real) {
	return (struct member) {.key = key, .kind = MEMBER_REAL, .real = real};
}

/** Make a member that is true or false. */
static inline struct member member_bool(const char *key, bool is) {
	return (struct member) {.key = key, .kind = MEMBER_BOOL, .number = is};
}

/** Make a member with a text. */
static inline struct member member_text(const char *key, const char *text) {
	return (struct member) {.key = key, .kind = MEMBER_TEXT, .text = text};
}

/** Make a member with a text or null. */
static inline struct member member_word(const char *key, const char *text) {
	return (struct member) {.key = key, .kind = MEMBER_WORD, .text = text};
}

/** Make a member with a file name. */
static inline struct member member_name(const char *key, const char *name) {
	return (struct member) {.key = key, .kind = MEMBER_NAME, .text = name};
}

#endif // UCP_EVENT_H
