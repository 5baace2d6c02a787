// SPDX-License-Identifier: MIT
#include "faults.h"

#include <errno.h>
#include <fnmatch.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum fault_kind {
	FAULT_FAIL,
	FAULT_SHORT,
	FAULT_HOLD,
	FAULT_ORDER,
};

struct fault {
	struct fault *next;
	enum fault_kind kind;
	char op[24];
	char pattern[256];
	int err;
	uint64_t from;
	/** Only what is written with this in it counts; empty: everything. */
	char with[24];
	size_t max;
	/** How often it still counts. */
	uint64_t times;
	uint64_t hits;
};

static const char *const kinds[] = {"fail", "short", "hold", "order"};

/** What can be named in a rule. */
static const char *const ops[] = {
	"*", "getattr", "readlink", "mknod", "mkdir", "unlink", "rmdir", "symlink", "rename", "link", "chmod", "chown",
	"truncate", "open", "create", "read", "write", "statfs", "flush", "fsync", "setxattr", "getxattr", "listxattr",
	"removexattr", "opendir", "readdir", "fsyncdir", "utimens", "fallocate", "copy_file_range", "lseek",
};

static const char *const opcode_names[FAULTS_OPCODES] = {
	[FUSE_LOOKUP] = "lookup", [FUSE_GETATTR] = "getattr", [FUSE_SETATTR] = "setattr", [FUSE_READLINK] = "readlink",
	[FUSE_SYMLINK] = "symlink", [FUSE_MKNOD] = "mknod", [FUSE_MKDIR] = "mkdir", [FUSE_UNLINK] = "unlink",
	[FUSE_RMDIR] = "rmdir", [FUSE_RENAME] = "rename", [FUSE_LINK] = "link", [FUSE_OPEN] = "open",
	[FUSE_READ] = "read", [FUSE_WRITE] = "write", [FUSE_STATFS] = "statfs", [FUSE_RELEASE] = "release",
	[FUSE_FSYNC] = "fsync", [FUSE_SETXATTR] = "setxattr", [FUSE_GETXATTR] = "getxattr",
	[FUSE_LISTXATTR] = "listxattr", [FUSE_REMOVEXATTR] = "removexattr", [FUSE_FLUSH] = "flush",
	[FUSE_OPENDIR] = "opendir", [FUSE_READDIR] = "readdir", [FUSE_RELEASEDIR] = "releasedir",
	[FUSE_FSYNCDIR] = "fsyncdir", [FUSE_CREATE] = "create", [FUSE_FALLOCATE] = "fallocate",
	[FUSE_READDIRPLUS] = "readdirplus", [FUSE_RENAME2] = "rename2", [FUSE_LSEEK] = "lseek",
	[FUSE_COPY_FILE_RANGE] = "copy_file_range", [FUSE_IOCTL] = "ioctl",
};

void faults_init(struct faults *faults) {
	memset(faults, 0, sizeof(*faults));
	pthread_mutex_init(&faults->lock, NULL);
	pthread_cond_init(&faults->changed, NULL);
}

// --- Commands

static int errno_of(const char *name) {
	for (int err = 1; err < 256; ++err) {
		const char *known = strerrorname_np(err);
		if (known && strcmp(known, name) == 0) {
			return err;
		}
	}
	return 0;
}

static bool parse_number(const char *text, uint64_t *number) {
	char *end;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static bool is_op(const char *name) {
	for (size_t i = 0; i < countof(ops); ++i) {
		if (strcmp(ops[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static bool parse_setting(struct fault *rule, const char *word) {
	if (strncmp(word, "from=", 5) == 0 && (rule->kind == FAULT_FAIL || rule->kind == FAULT_HOLD)) {
		return parse_number(word + 5, &rule->from);
	}
	if (strncmp(word, "times=", 6) == 0 && rule->kind == FAULT_FAIL) {
		return parse_number(word + 6, &rule->times);
	}
	if (strncmp(word, "with=", 5) == 0 && rule->kind != FAULT_SHORT && word[5] && strlen(word + 5) < sizeof(rule->with)) {
		strcpy(rule->with, word + 5);
		return true;
	}
	return false;
}

static bool parse_rule(struct fault *rule, char *const words[], unsigned count) {
	unsigned next = 3;
	if (count < 3 || !is_op(words[1]) || strlen(words[2]) >= sizeof(rule->pattern)) {
		return false;
	}
	strcpy(rule->op, words[1]);
	strcpy(rule->pattern, words[2]);
	rule->times = UINT64_MAX;
	if (rule->kind != FAULT_HOLD && count <= next) {
		return false;
	}
	if (rule->kind == FAULT_FAIL || rule->kind == FAULT_ORDER) {
		rule->err = errno_of(words[next++]);
		if (rule->err == 0 || (rule->kind == FAULT_ORDER && strcmp(rule->op, "write") != 0)) {
			return false;
		}
	} else if (rule->kind == FAULT_SHORT) {
		uint64_t most;
		bool moves = strcmp(rule->op, "read") == 0 || strcmp(rule->op, "write") == 0;
		if (!moves || !parse_number(words[next++], &most) || most == 0) {
			return false;
		}
		rule->max = (size_t)most;
	}
	while (next < count && parse_setting(rule, words[next])) {
		++next;
	}
	return next == count;
}

static int add_rule(struct faults *faults, enum fault_kind kind, char *const words[], unsigned count) {
	struct fault *rule = calloc(1, sizeof(*rule));
	if (!rule) {
		return -ENOMEM;
	}
	rule->kind = kind;
	if (!parse_rule(rule, words, count)) {
		free(rule);
		return -EINVAL;
	}
	pthread_mutex_lock(&faults->lock);
	rule->next = faults->rules;
	faults->rules = rule;
	pthread_mutex_unlock(&faults->lock);
	return 0;
}

/** Forget the rules, or only those that hold, and let go of what is held. */
static void clear(struct faults *faults, bool all) {
	pthread_mutex_lock(&faults->lock);
	for (struct fault **at = &faults->rules, *rule; (rule = *at);) {
		if (all || rule->kind == FAULT_HOLD) {
			*at = rule->next;
			free(rule);
		} else {
			at = &rule->next;
		}
	}
	++faults->epoch;
	pthread_cond_broadcast(&faults->changed);
	pthread_mutex_unlock(&faults->lock);
}

static void reset(struct faults *faults) {
	for (unsigned i = 0; i < FAULTS_OPCODES; ++i) {
		atomic_store(&faults->requests[i], 0);
	}
	atomic_store(&faults->most, 0);
}

static int set_latency(struct faults *faults, const char *text) {
	char *end;
	double ms = strtod(text, &end);
	if (end == text || *end != '\0' || !(ms >= 0 && ms <= 60000)) {
		return -EINVAL;
	}
	atomic_store(&faults->latency_ns, (uint64_t)(ms * 1e6));
	return 0;
}

int faults_command(struct faults *faults, const char *command) {
	char copy[512];
	char *words[8];
	char *rest = copy;
	unsigned count = 0;
	if (strlen(command) >= sizeof(copy)) {
		return -EINVAL;
	}
	strcpy(copy, command);
	for (char *word; (word = strtok_r(rest, " \n", &rest));) {
		if (count == countof(words)) {
			return -EINVAL;
		}
		words[count++] = word;
	}
	if (count == 0) {
		return 0;
	}
	for (unsigned kind = 0; kind < countof(kinds); ++kind) {
		if (strcmp(words[0], kinds[kind]) == 0) {
			return add_rule(faults, (enum fault_kind)kind, words, count);
		}
	}
	if (strcmp(words[0], "latency") == 0 && count == 2) {
		return set_latency(faults, words[1]);
	}
	if ((strcmp(words[0], "clear") == 0 || strcmp(words[0], "let-go") == 0) && count == 1) {
		clear(faults, words[0][0] == 'c');
		return 0;
	}
	if (strcmp(words[0], "reset") == 0 && count == 1) {
		reset(faults);
		return 0;
	}
	return -EINVAL;
}

static void describe_rule(FILE *out, const struct fault *rule) {
	fprintf(out, "%s %s %s", kinds[rule->kind], rule->op, rule->pattern);
	if (rule->kind == FAULT_FAIL || rule->kind == FAULT_ORDER) {
		fprintf(out, " %s", strerrorname_np(rule->err));
	} else if (rule->kind == FAULT_SHORT) {
		fprintf(out, " %zu", rule->max);
	}
	if (rule->from) {
		fprintf(out, " from=%ju", (uintmax_t)rule->from);
	}
	if (rule->with[0]) {
		fprintf(out, " with=%s", rule->with);
	}
	fprintf(out, " hits=%ju\n", (uintmax_t)rule->hits);
}

char *faults_describe(struct faults *faults) {
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	if (!out) {
		return NULL;
	}
	fprintf(out, "latency %g\n", (double)atomic_load(&faults->latency_ns) / 1e6);
	pthread_mutex_lock(&faults->lock);
	for (const struct fault *rule = faults->rules; rule; rule = rule->next) {
		describe_rule(out, rule);
	}
	fprintf(out, "held %u\n", faults->held);
	pthread_mutex_unlock(&faults->lock);
	fprintf(out, "at once %u\n", atomic_load(&faults->most));
	for (unsigned i = 0; i < FAULTS_OPCODES; ++i) {
		uint64_t n = atomic_load(&faults->requests[i]);
		if (n && opcode_names[i]) {
			fprintf(out, "requests %s %ju\n", opcode_names[i], (uintmax_t)n);
		}
	}
	fclose(out);
	return text;
}

// --- Meeting them

static bool is_about(const struct fault *rule, const char *op, const char *path) {
	if (strcmp(rule->op, "*") != 0 && strcmp(rule->op, op) != 0) {
		return false;
	}
	path += *path == '/';
	const char *slash = strrchr(path, '/');
	const char *name = strchr(rule->pattern, '/') || !slash ? path : slash + 1;
	return fnmatch(rule->pattern, name, 0) == 0;
}

bool faults_need_direct(struct faults *faults, const char *path) {
	bool found = false;
	pthread_mutex_lock(&faults->lock);
	for (const struct fault *rule = faults->rules; rule && !found; rule = rule->next) {
		found = rule->kind == FAULT_SHORT && is_about(rule, "read", path);
	}
	pthread_mutex_unlock(&faults->lock);
	return found;
}

/** Whether a rule is about such data. */
static bool is_about_data(const struct fault *rule, const struct faults_range *range) {
	size_t len = strlen(rule->with);
	return len == 0 || (range && range->data && memmem(range->data, range->len, rule->with, len));
}

/** Apply the rules to an operation. Returns the rule that holds it, or NULL with the result in *ERR. */
static const struct fault *apply(struct faults *faults, const char *op, const char *path, struct faults_range *range,
	int *err)
{
	*err = 0;
	for (struct fault *rule = faults->rules; rule; rule = rule->next) {
		if (rule->times == 0 || !is_about(rule, op, path) || (rule->from && !range) || !is_about_data(rule, range)) {
			continue;
		}
		if (rule->kind == FAULT_SHORT) {
			if (range && range->partly && range->len > rule->max) {
				++rule->hits;
				range->len = rule->max;
			}
			continue;
		}
		if (rule->kind == FAULT_ORDER && (!range || range->off == range->size)) {
			continue;
		}
		if (range && range->off + range->len <= rule->from) {
			continue;
		}
		if (range && range->off < rule->from && range->partly) {
			range->len = (size_t)(rule->from - range->off);
			continue;
		}
		++rule->hits;
		if (rule->kind == FAULT_HOLD) {
			return rule;
		}
		--rule->times;
		*err = -rule->err;
		break;
	}
	return NULL;
}

int faults_meet(struct faults *faults, const char *op, const char *path, struct faults_range *range) {
	int err;
	struct faults_range asked = range ? *range : (struct faults_range) {0};
	pthread_mutex_lock(&faults->lock);
	while (apply(faults, op, path, range, &err)) {
		unsigned epoch = faults->epoch;
		++faults->held;
		while (faults->epoch == epoch) {
			pthread_cond_wait(&faults->changed, &faults->lock);
		}
		--faults->held;
		if (range) {
			*range = asked;
		}
	}
	pthread_mutex_unlock(&faults->lock);
	return err;
}

void faults_begin(struct faults *faults, unsigned opcode) {
	unsigned at_once = atomic_fetch_add(&faults->now, 1) + 1;
	unsigned most = atomic_load(&faults->most);
	while (at_once > most && !atomic_compare_exchange_weak(&faults->most, &most, at_once)) {
	}
	if (opcode < FAULTS_OPCODES) {
		atomic_fetch_add(&faults->requests[opcode], 1);
	}
	uint64_t ns = atomic_load(&faults->latency_ns);
	if (ns != 0) {
		struct timespec rest = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
		while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR) {
		}
	}
}

void faults_end(struct faults *faults) {
	atomic_fetch_sub(&faults->now, 1);
}
