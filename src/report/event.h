/**
 * Events for programs that read what ucp prints (--json): their members.
 */

#ifndef UCP_EVENT_H
#define UCP_EVENT_H

/** What a line of -v or --debug is about. */
enum say {
	SAY_NOTE,
	/** A copy is begun. */
	SAY_COPYING,
	/** Something was removed from the destination. */
	SAY_REMOVED,
};

/** What a member of an event holds. */
enum member_kind {
	MEMBER_NUMBER,
	MEMBER_REAL,
	MEMBER_BOOL,
	/** A text, or NULL: left out then. */
	MEMBER_TEXT,
	/** A text, or NULL: null then. */
	MEMBER_WORD,
	/** The name of a file, any bytes, or NULL: left out then. */
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

/** Make a number of an event. */
static inline struct member member_number(const char *key, uint64_t number) {
	return (struct member) {.key = key, .kind = MEMBER_NUMBER, .number = number};
}

/** Make one that need not be whole. */
static inline struct member member_real(const char *key, double real) {
	return (struct member) {.key = key, .kind = MEMBER_REAL, .real = real};
}

/** Make one that is true or false. */
static inline struct member member_bool(const char *key, bool is) {
	return (struct member) {.key = key, .kind = MEMBER_BOOL, .number = is};
}

/** Make a text. */
static inline struct member member_text(const char *key, const char *text) {
	return (struct member) {.key = key, .kind = MEMBER_TEXT, .text = text};
}

/** Make a text that may be null. */
static inline struct member member_word(const char *key, const char *text) {
	return (struct member) {.key = key, .kind = MEMBER_WORD, .text = text};
}

/** Make the name of a file. */
static inline struct member member_name(const char *key, const char *name) {
	return (struct member) {.key = key, .kind = MEMBER_NAME, .text = name};
}

#endif // UCP_EVENT_H
