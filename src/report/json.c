// SPDX-License-Identifier: MIT
#include "base/buf.h"
#include "report/report-impl.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/** Replaces a byte that is not UTF-8 (U+FFFD). */
#define REPLACEMENT "\xef\xbf\xbd"

/** Significant digits of real numbers. */
#define PRECISION 9

/** The length of the UTF-8 character at TEXT; 0 if there is none. */
static size_t character(const char *text) {
	for (size_t len = 1; len <= 4 && text[len - 1] != '\0'; ++len) {
		json_t *string = json_stringn(text, len);
		if (string) {
			json_decref(string);
			return len;
		}
	}
	return 0;
}

/** A string in which bytes that are not UTF-8 are replaced. */
static json_t *lossy(const char *text) {
	struct buf buf = {0};
	while (*text) {
		size_t len = character(text);
		if (len > 0) {
			buf_add(&buf, text, len);
		} else {
			buf_str(&buf, REPLACEMENT);
		}
		text += max(len, (size_t)1);
	}
	json_t *string = json_string(buf.data ? buf.data : "");
	buf_free(&buf);
	return string;
}

/** A string with all bytes in base64 (RFC 4648). */
static json_t *base64(const char *text) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)text;
	size_t left = strlen(text);
	struct buf buf = {0};

	for (; left > 0; p += 3, left -= min(left, (size_t)3)) {
		unsigned bits = (unsigned)p[0] << 16 | (left > 1 ? (unsigned)p[1] << 8 : 0) | (left > 2 ? p[2] : 0);
		buf_char(&buf, digits[bits >> 18]);
		buf_char(&buf, digits[bits >> 12 & 63]);
		buf_char(&buf, left > 1 ? digits[bits >> 6 & 63] : '=');
		buf_char(&buf, left > 2 ? digits[bits & 63] : '=');
	}
	json_t *string = json_string(buf.data ? buf.data : "");
	buf_free(&buf);
	return string;
}

/** Set a file name; if it is not UTF-8, also in base64. */
static void set_name(json_t *object, const char *key, const char *name) {
	json_t *string = json_string(name);
	if (string) {
		json_object_set_new(object, key, string);
		return;
	}
	char other[64];
	snprintf(other, sizeof(other), "%s_base64", key);
	json_object_set_new(object, key, lossy(name));
	json_object_set_new(object, other, base64(name));
}

static void set(json_t *object, const struct member *member) {
	switch (member->kind) {
	case MEMBER_NUMBER:
		json_object_set_new(object, member->key, json_integer((json_int_t)min(member->number, (uint64_t)INT64_MAX)));
		break;
	case MEMBER_REAL:
		json_object_set_new(object, member->key, json_real(member->real));
		break;
	case MEMBER_BOOL:
		json_object_set_new(object, member->key, json_boolean(member->number != 0));
		break;
	case MEMBER_TEXT:
		if (member->text) {
			json_object_set_new(object, member->key, lossy(member->text));
		}
		break;
	case MEMBER_WORD:
		json_object_set_new(object, member->key, member->text ? lossy(member->text) : json_null());
		break;
	case MEMBER_NAME:
		if (member->text) {
			set_name(object, member->key, member->text);
		}
		break;
	}
}

/** Append JSON, and escape DEL and the C1 controls (U+0080 to U+009F), too, which jansson does not escape. */
static void add_printable(struct buf *buf, const char *text) {
	char escape[8];
	for (const unsigned char *p = (const unsigned char *)text; *p; ++p) {
		bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f;
		if (*p == 0x7f || c1) {
			p += c1 ? 1 : 0;
			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)*p);
			buf_str(buf, escape);
		} else {
			buf_char(buf, (char)*p);
		}
	}
}

void json_line(struct buf *buf, const char *type, const struct member *members, size_t count) {
	json_t *object = json_object();
	json_object_set_new(object, "type", json_string(type));
	for (size_t i = 0; i < count; ++i) {
		set(object, &members[i]);
	}
	char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(PRECISION));
	if (text) {
		add_printable(buf, text);
		buf_char(buf, '\n');
	} else {
		buf->failed = true;
	}
	free(text);
	json_decref(object);
}

/** The failed operation, in one word. */
static const char *const operations[] = {
	[ERROR_COPY] = "copy",
	[ERROR_OPEN] = "open",
	[ERROR_STAT] = "stat",
	[ERROR_SEEK] = "seek",
	[ERROR_READ] = "read",
	[ERROR_WRITE] = "write",
	[ERROR_CLOSE] = "close",
	[ERROR_CLONE] = "clone",
	[ERROR_CREATE] = "create",
	[ERROR_REMOVE] = "remove",
	[ERROR_BACKUP] = "backup",
	[ERROR_ACCESS] = "access",
	[ERROR_PRESERVE] = "preserve",
	[ERROR_START] = "start",
	[ERROR_SYNC] = "sync",
	[ERROR_REPORT] = "report",
	[ERROR_VERIFY] = "verify",
	[ERROR_USAGE] = "usage",
};

void json_error(struct buf *buf, const struct message *message) {
	struct buf text = {0};
	struct member members[10];
	size_t count = 0;

	const char *path = fill_in(&text, message->text, message->src, message->dst, FILL_TERMINAL);
	if (message->err != 0) {
		const char *name = strerrorname_np(message->err);
		char strerror_buf[256];
		buf_str(&text, ": ");
		buf_str(&text, strerror_r(message->err, strerror_buf, sizeof(strerror_buf)));
		members[count++] = member_number("errno", (uint64_t)message->err);
		members[count++] = member_text("errno_name", name ? name : "?");
	}
	members[count++] = member_text("operation", operations[message->op]);
	members[count++] = member_name("path", path ? path : message->src);
	// What a command line is wrong about is no source
	bool named = message->op != ERROR_USAGE;
	members[count++] = member_name("source", named ? message->src : NULL);
	members[count++] = member_name("destination", named ? message->dst : NULL);
	members[count++] = member_bool("warning", message->warning);
	members[count++] = member_text("message", text.data);
	json_line(buf, "error", members, count);
	buf_free(&text);
}

void json_said(struct buf *buf, enum say say, const char *what, const char *src, const char *dst) {
	static const char *const types[] = {
		[SAY_NOTE] = "note",
		[SAY_COPYING] = "copying",
		[SAY_REMOVED] = "removed",
		[SAY_SOURCE_REMOVED] = "source_removed",
	};
	struct buf text = {0};
	fill_in(&text, what, src, dst, 0);
	const struct member members[] = {
		member_name("source", say == SAY_REMOVED ? NULL : src),
		member_name("destination", say == SAY_SOURCE_REMOVED ? NULL : dst),
		member_text("text", text.data),
	};
	json_line(buf, types[say], members, countof(members));
	buf_free(&text);
}
