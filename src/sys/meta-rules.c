// SPDX-License-Identifier: MIT
#include "sys/meta-impl.h"

#include "base/opts.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Separators between the words of a line. */
#define BLANKS " \t\n"

/** A line of the file: the action for names that match a pattern. */
struct rule {
	struct rule *next;
	enum meta_action action;
	char pattern[];
};

/** The rules, last line first, because the last match counts. */
struct meta_rules {
	struct rule *first;
};

/**
 * Attributes that the kernel treats as access control lists, whatever the rules say; meta-acl.c copies the POSIX ones.
 */
static enum meta_action built_in(const char *name) {
	if (strcmp(name, META_ACL_ACCESS) == 0 || strcmp(name, META_ACL_DEFAULT) == 0) {
		return META_POSIX_ACL;
	}
	bool nfs4 = strcmp(name, "system.nfs4_acl") == 0 || strcmp(name, "system.nfs4acl") == 0;
	return nfs4 ? META_PERMISSIONS : META_COPY;
}

enum meta_action meta_action(const struct opts *opts, const char *name) {
	enum meta_action action = built_in(name);
	const struct rule *rule = action == META_COPY && opts->rules ? opts->rules->first : NULL;
	while (rule && fnmatch(rule->pattern, name, 0) != 0) {
		rule = rule->next;
	}
	return rule ? rule->action : action;
}

/** Add a line: a pattern, an action, and possibly a comment. Returns 0, -EINVAL or -ENOMEM. */
static int add_line(struct meta_rules *rules, char *line) {
	char *rest;
	line[strcspn(line, "#")] = '\0';
	const char *pattern = strtok_r(line, BLANKS, &rest);
	const char *action = pattern ? strtok_r(NULL, BLANKS, &rest) : NULL;
	if (!pattern) {
		return 0;
	}
	bool skip = action && strcmp(action, "skip") == 0;
	if ((!skip && (!action || strcmp(action, "permissions") != 0)) || strtok_r(NULL, BLANKS, &rest)) {
		return -EINVAL;
	}
	size_t size = strlen(pattern) + 1;
	struct rule *rule = malloc(sizeof(*rule) + size);
	if (!rule) {
		return -ENOMEM;
	}
	*rule = (struct rule) {.next = rules->first, .action = skip ? META_SKIP : META_PERMISSIONS};
	memcpy(rule->pattern, pattern, size);
	rules->first = rule;
	return 0;
}

int meta_rules_read(const char *path, struct meta_rules **rules) {
	*rules = NULL;
	FILE *file = fopen(path, "re");
	if (!file) {
		return errno == ENOENT ? 0 : -errno;
	}
	struct meta_rules *read = calloc(1, sizeof(*read));
	char *line = NULL;
	size_t size = 0;
	int ret = read ? 0 : -ENOMEM;
	errno = 0;
	while (ret == 0 && getline(&line, &size, file) >= 0) {
		ret = add_line(read, line);
		errno = 0;
	}
	if (ret == 0 && !feof(file)) {
		ret = errno ? -errno : -EIO;
	}
	free(line);
	fclose(file);
	if (ret < 0) {
		meta_rules_free(read);
		return ret;
	}
	*rules = read;
	return 0;
}

void meta_rules_free(struct meta_rules *rules) {
	while (rules && rules->first) {
		struct rule *rule = rules->first;
		rules->first = rule->next;
		free(rule);
	}
	free(rules);
}
