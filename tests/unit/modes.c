// SPDX-License-Identifier: MIT
/**
 * modes.c: changes of modes, as chmod(1) makes them.
 */

#include "unit.h"

#include "base/modes.h"

#include <errno.h>
#include <sys/stat.h>

/** What becomes of a file and of a directory. */
struct changed {
	const char *text;
	mode_t from;
	mode_t file;
	mode_t dir;
};

static const struct changed table[] = {
	{"644", 0777, 0644, 0644},
	{"0", 07777, 0, 06000},
	{"00000", 07777, 0, 0},
	{"00755", 06000, 0755, 0755},
	{"0755", 06000, 0755, 06755},
	{"4755", 02000, 04755, 06755},
	{"D755,F644", 0700, 0644, 0755},
	{"D2750,Fgo-rwx", 0777, 0700, 02750},
	{"D=,u+w", 0777, 0777, 0200},
	{"u+rwX,go=rX", 0600, 0644, 0755},
	{"u+rwX,go=rX", 0100, 0755, 0755},
	{"a-x+X", 0755, 0644, 0755},
	{"g=u,o=g-w", 0741, 0775, 0775},
	{"u=g", 0750, 0550, 0550},
	{"o=u", 04700, 04707, 04707},
	{"+w", 0444, 0644, 0644},
	{"-w", 0666, 0466, 0466},
	{"=rwx", 06777, 0755, 06755},
	{"=", 07777, 0, 06000},
	{"a=", 07777, 0, 06000},
	{"a=s", 0777, 06000, 06000},
	{"ug-s", 06755, 0755, 0755},
	{"u=rwxs,g=xt,o=t", 0, 04710 | 01000, 05710},
	{"+t", 0777, 01777, 01777},
	{"o+s", 0777, 0777, 0777},
	{"=0644", 0777, 0644, 0644},
	{"+0022", 0700, 0722, 0722},
	{"-6000", 06755, 0755, 0755},
	{"u-r-w,u+x", 0600, 0100, 0100},
	{"u", 0, 1, 0}, {"", 0, 1, 0}, {"8", 0, 1, 0}, {"10000", 0, 1, 0}, {"777777777777777777777777", 0, 1, 0},
	{"u=8", 0, 1, 0}, {"u+7", 0, 1, 0}, {"u+q", 0, 1, 0}, {"rwx", 0, 1, 0}, {"755,", 0, 1, 0}, {",755", 0, 1, 0},
	{"D", 0, 1, 0}, {"F", 0, 1, 0}, {"DF755", 0, 1, 0}, {"u=gr", 0, 1, 0}, {"u=ug", 0, 1, 0}, {"+7u", 0, 1, 0},
	{"7 ", 0, 1, 0}, {"+010000", 0, 1, 0},
};

TEST(agrees_with_chmod) {
	for (size_t i = 0; i < countof(table); ++i) {
		const struct changed *row = &table[i];
		struct modes *modes = NULL;
		int ret = modes_parse(&modes, row->text);
		CHECK_MSG(ret == (row->file == 1 ? -EINVAL : 0), "%s: %d", row->text, ret);
		if (ret == 0) {
			mode_t file = modes_apply(modes, S_IFREG | row->from, 022);
			mode_t dir = modes_apply(modes, S_IFDIR | row->from, 022);
			CHECK_MSG(file == (S_IFREG | row->file), "%s: file %o", row->text, file);
			CHECK_MSG(dir == (S_IFDIR | row->dir), "%s: directory %o", row->text, dir);
		}
		modes_free(modes);
	}
}

TEST(lists_add_up) {
	struct modes *modes = NULL;
	CHECK(modes_number(modes) == 0);
	CHECK_EQ(modes_apply(modes, S_IFREG | 0750, 0), S_IFREG | 0750);
	CHECK(modes_parse(&modes, "F600,g=u") == 0);
	uint64_t number = modes_number(modes);
	CHECK(modes_parse(&modes, "nonsense") == -EINVAL);
	CHECK(modes_number(modes) == number && number != 0);
	CHECK(modes_parse(&modes, "o+r") == 0);
	CHECK(modes_number(modes) != number);
	CHECK_EQ(modes_apply(modes, S_IFREG | 0777, 0), S_IFREG | 0664);
	modes_free(modes);
}

UNIT_MAIN
