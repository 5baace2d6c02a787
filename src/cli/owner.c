// SPDX-License-Identifier: MIT
#include "cli/cli-impl.h"

#include "base/modes.h"
#include "base/opts.h"
#include "report/report.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Parse the number of a user or group, which may begin with '+'. Returns whether it is one; -1 is none. */
static bool parse_id(const char *text, unsigned *id) {
	const char *digits = text + (text[0] == '+');
	size_t len = strlen(digits);
	errno = 0;
	uintmax_t number = strtoumax(digits, NULL, 10);
	*id = (unsigned)number;
	return len > 0 && strspn(digits, "0123456789") == len && errno == 0 && number < UINT32_MAX;
}

#ifdef UCP_STATIC
/** Find a name in /etc/passwd: getpwnam() loads modules of the C library, on which a static program cannot rely. */
static const struct passwd *find_passwd(const char *name) {
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *user = NULL;
	while (file && (user = fgetpwent(file)) && strcmp(user->pw_name, name) != 0) {
	}
	if (file) {
		fclose(file);
	}
	return user;
}

/** Find a name in /etc/group. */
static const struct group *find_group_entry(const char *name) {
	FILE *file = fopen("/etc/group", "re");
	const struct group *group = NULL;
	while (file && (group = fgetgrent(file)) && strcmp(group->gr_name, name) != 0) {
	}
	if (file) {
		fclose(file);
	}
	return group;
}
#else
#	define find_passwd getpwnam
#	define find_group_entry getgrnam
#endif

/** Find a user by name or number. Returns whether that is a user. */
static bool find_user(const char *name, uid_t *uid) {
	const struct passwd *user = name[0] == '+' ? NULL : find_passwd(name);
	if (user) {
		*uid = user->pw_uid;
	}
	return user || parse_id(name, uid);
}

/** Find a group by name or number. Returns whether that is a group. */
static bool find_group(const char *name, gid_t *gid) {
	const struct group *group = name[0] == '+' ? NULL : find_group_entry(name);
	if (group) {
		*gid = group->gr_gid;
	}
	return group || parse_id(name, gid);
}

/** Parse [USER][:GROUP]. */
static error_t parse_owner(struct parser *p, const char *arg) {
	struct opts *opts = p->opts;
	const char *colon = strchr(arg, ':');
	char *user = colon ? strndup(arg, (size_t)(colon - arg)) : strdup(arg);
	const char *group = colon ? colon + 1 : "";
	if (!user) {
		return cli_complain(p, "memory exhausted", NULL);
	}
	bool nothing = user[0] == '\0' && group[0] == '\0';
	opts->uid = (uid_t)-1;
	opts->gid = (gid_t)-1;
	bool known = !nothing && (user[0] == '\0' || find_user(user, &opts->uid));
	free(user);
	if (!known) {
		return cli_complain(p, "invalid user: %s", arg);
	}
	return group[0] == '\0' || find_group(group, &opts->gid) ? 0 : cli_complain(p, "invalid group: %s", arg);
}

error_t cli_parse_owner(struct parser *p, int key, const char *arg) {
	int ret;
	switch (key) {
	case KEY_CHOWN:
		return parse_owner(p, arg);
	case KEY_CHMOD:
		ret = modes_parse(&p->opts->modes, arg);
		if (ret == -ENOMEM) {
			return cli_complain(p, "memory exhausted", NULL);
		}
		return ret < 0 ? cli_complain(p, "invalid mode: %s", arg) : 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

bool cli_settle_owner(struct parser *p) {
	struct opts *opts = p->opts;
	bool given = opts->uid != (uid_t)-1 || opts->gid != (gid_t)-1;
	if ((given || opts->modes) && (opts->flags & (OPT_HARD_LINK | OPT_SYMBOLIC_LINK))) {
		report_usage(p->report, "--chown and --chmod cannot be used with -l or -s, which copy no files", NULL, NULL,
			NULL);
		return false;
	}
	if (given) {
		opts->preserve |= opts->preserve & PRESERVE_OWNERSHIP ? 0 : PRESERVE_OWNERSHIP | PRESERVE_OWNERSHIP_GIVEN;
	}
	opts->preserve |= opts->modes ? PRESERVE_MODE_CHANGED : 0;
	return true;
}
