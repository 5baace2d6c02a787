# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# -x stays on one file system.
# modes: default sync tiny

mounted_tree() {
	mkdir -p s/sub/mnt s/other
	echo f >s/sub/f
	mount_tmpfs 1M s/sub/mnt
	echo inside >s/sub/mnt/inside
	mkdir s/sub/mnt/dir
}

case_x_leaves_a_mount_point_empty() {
	mounted_tree
	run_ucp -rx s d
	expect_status 0
	expect_no_err
	check cmp s/sub/f d/sub/f
	[[ -d d/other && -d d/sub/mnt ]] || fail "a directory is missing"
	[[ -z $(ls d/sub/mnt) ]] || fail "the other file system was copied"
}

case_long_option() {
	mounted_tree
	check ucp -a --one-file-system s d
	[[ -d d/sub/mnt && -z $(ls d/sub/mnt) ]] || fail "the other file system was copied"
}

case_without_x_all_is_copied() {
	mounted_tree
	check ucp -a s d
	same_tree s d
}

case_x_with_a_mount_point_as_operand() {
	mounted_tree
	check ucp -ax s/sub/mnt d
	same_tree s/sub/mnt d
}

case_x_keeps_the_attributes_of_the_mount_point() {
	mounted_tree
	chmod 1770 s/sub/mnt
	touch -d '2001-02-03 04:05:06.123456789' s/sub/mnt
	check ucp -ax s d
	rm -rf s/sub/mnt/*
	touch -d '2001-02-03 04:05:06.123456789' s/sub/mnt
	same_tree s/sub/mnt d/sub/mnt
}

case_x_with_a_link_to_another_file_system() {
	mounted_tree
	ln -s sub/mnt s/link
	check ucp -rx s d
	[[ -L d/link ]] || fail "the link was not kept"
	check ucp -rxL s e
	[[ -d e/link && ! -L e/link && -z $(ls e/link) ]] || fail "the other file system was copied"
}
