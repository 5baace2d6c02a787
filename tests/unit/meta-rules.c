// SPDX-License-Identifier: MIT
/**
 * meta-rules.c: which extended attributes are copied, and with what.
 */

#include "unit.h"

#include "base/opts.h"
#include "sys/meta-impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/** Read a text as if it were the file. */
static int read_text(struct opts *opts, const char *text) {
	char path[] = "/tmp/ucp-rules.XXXXXX";
	int fd = mkstemp(path);
	CHECK(fd >= 0);
	CHECK(dprintf(fd, "%s", text) >= 0);
	close(fd);
	int ret = meta_rules_read(path, &opts->rules);
	unlink(path);
	return ret;
}

TEST(without_rules_only_acls_are_apart) {
	struct opts opts = {0};
	CHECK(meta_rules_read("/nonexistent/xattr.conf", &opts.rules) == 0 && !opts.rules);
	CHECK(meta_action(&opts, "user.a") == META_COPY);
	CHECK(meta_action(&opts, "security.selinux") == META_COPY);
	CHECK(meta_action(&opts, "system.nfs4_acl") == META_PERMISSIONS);
	CHECK(meta_action(&opts, "system.posix_acl_access") == META_POSIX_ACL);
	CHECK(meta_action(&opts, "system.posix_acl_default") == META_POSIX_ACL);
}

TEST(last_line_counts) {
	struct opts opts = {0};
	CHECK(read_text(&opts, "#none\n\nuser.* skip # all\nuser.a\tpermissions\n\t afs.* skip") == 0);
	CHECK(meta_action(&opts, "user.a") == META_PERMISSIONS);
	CHECK(meta_action(&opts, "user.b") == META_SKIP);
	CHECK(meta_action(&opts, "afs.b") == META_SKIP);
	CHECK(meta_action(&opts, "xuser.a") == META_COPY);
	meta_rules_free(opts.rules);
}

TEST(no_rule_takes_acls_away) {
	struct opts opts = {0};
	CHECK(read_text(&opts, "* skip\n") == 0);
	CHECK(meta_action(&opts, "user.b") == META_SKIP);
	CHECK(meta_action(&opts, "system.nfs4_acl") == META_PERMISSIONS);
	CHECK(meta_action(&opts, "system.posix_acl_access") == META_POSIX_ACL);
	meta_rules_free(opts.rules);
}

TEST(nonsense_is_no_rule) {
	static const char *const texts[] = {"user.a\n", "user.a keep\n", "user.a skip too\n", "user.b skip\nuser.a", "user.a # skip"};
	for (size_t i = 0; i < countof(texts); ++i) {
		struct opts opts = {0};
		CHECK(read_text(&opts, texts[i]) == -EINVAL && !opts.rules);
	}
	struct opts opts = {0};
	CHECK(meta_rules_read("/", &opts.rules) == -EISDIR && !opts.rules);
}

UNIT_MAIN
