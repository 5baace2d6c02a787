#include "copy/file-impl.h"

#include "base/open.h"
#include "base/opts.h"
#include "display/writeback.h"
#include "sys/symlink.h"

#include <fcntl.h>
#include <string.h>

struct fail file_not_giving(void) {
	return fail_make(0, "not giving attributes to %d, as it belongs to another user");
}

struct fail file_not_through(int ret) {
	if (ret == REACH_REFUSED) {
		return fail_make(0, tree_made_link);
	}
	return fail_make(0, ret == OPEN_NO_PROC
		? "not writing through %d: symbolic links of others are followed only if /proc is mounted"
		: "not writing through %d: who made this symbolic link does not own what it leads to");
}

struct fail file_cannot_create(int ret) {
	bool not_through = ret == REACH_FOREIGN || ret == OPEN_NO_PROC || ret == REACH_REFUSED;
	return not_through ? file_not_through(ret) : fail_make(ret, "cannot create regular file %d");
}

int file_access_mode(const struct opts *opts) {
	return opts->flags & OPT_VERIFY ? O_RDWR : O_WRONLY;
}

bool file_is_atomic(const struct file_context *ctx, const struct entry *entry) {
	size_t len = strlen(entry->dst_name);
	// Nothing but a directory has a name with a slash behind it: what is wrong with it will be said
	return (ctx->files->opts->flags & OPT_ATOMIC) && len > 0 && entry->dst_name[len - 1] != '/';
}
