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

/** Rules, the last one first, because the last match counts. */
struct meta_rules {
	/** Those of the file. */
	struct rule *first;
	/** What the user chose, META_COPY or META_SKIP, and what is done if nothing matches. */
	struct rule *chosen;
	enum meta_action others;
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

/** The action of the first rule that matches, or else OTHERWISE. */
static enum meta_action match(const struct rule *rule, const char *name, enum meta_action otherwise) {
	while (rule && fnmatch(rule->pattern, name, 0) != 0) {
		rule = rule->next;
	}
	return rule ? rule->action : otherwise;
}

enum meta_action meta_action(const struct opts *opts, const char *name) {
	enum meta_action action = built_in(name);
	if (action == META_COPY && opts->rules) {
		action = match(opts->rules->first, name, action);
	}
	// What says who gets in goes with the mode, whatever was chosen
	return action == META_COPY && opts->rules ? match(opts->rules->chosen, name, opts->rules->others) : action;
}

/** Put a rule before others. Returns 0 or -ENOMEM. */
static int add_rule(struct rule **rules, const char *pattern, size_t len, enum meta_action action) {
	struct rule *rule = malloc(sizeof(*rule) + len + 1);
	if (!rule) {
		return -ENOMEM;
	}
	*rule = (struct rule) {.next = *rules, .action = action};
	memcpy(rule->pattern, pattern, len);
	rule->pattern[len] = '\0';
	*rules = rule;
	return 0;
}

int meta_rules_choose(struct meta_rules **rules, const char *patterns) {
	if (!*rules) {
		*rules = calloc(1, sizeof(**rules));
	}
	struct meta_rules *all = *rules;
	int ret = all ? 0 : -ENOMEM;
	while (ret == 0) {
		bool skip = *patterns == '-';
		patterns += skip;
		size_t len = strcspn(patterns, ",");
		if (len == 0) {
			return -EINVAL;
		}
		if (!all->chosen) {
			all->others = skip ? META_COPY : META_SKIP;
		}
		ret = add_rule(&all->chosen, patterns, len, skip ? META_SKIP : META_COPY);
		if (patterns[len] == '\0') {
			break;
		}
		patterns += len + 1;
	}
	return ret;
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
	return add_rule(&rules->first, pattern, strlen(pattern), skip ? META_SKIP : META_PERMISSIONS);
}

/** Free the rules of a list. */
static void free_list(struct rule **list) {
	while (*list) {
		struct rule *rule = *list;
		*list = rule->next;
		free(rule);
	}
}

int meta_rules_read(const char *path, struct meta_rules **rules) {
	FILE *file = fopen(path, "re");
	if (!file) {
		return errno == ENOENT ? 0 : -errno;
	}
	struct meta_rules *read = *rules ? *rules : calloc(1, sizeof(*read));
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
	if (ret < 0 && read) {
		free_list(&read->first);
	}
	if (ret < 0 && read && !read->chosen) {
		meta_rules_free(read);
		read = NULL;
	}
	*rules = read;
	return ret;
}

void meta_rules_free(struct meta_rules *rules) {
	if (rules) {
		free_list(&rules->first);
		free_list(&rules->chosen);
	}
	free(rules);
}
