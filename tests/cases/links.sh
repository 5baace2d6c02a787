# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Symbolic links followed or kept, and hard links kept or not.
# modes: default sync tiny

# same_inode A B
same_inode() {
	[[ $(stat -c %d:%i "$1") == "$(stat -c %d:%i "$2")" ]] || fail "$1 and $2 are not hard links of each other"
}

other_inode() {
	[[ $(stat -c %d:%i "$1") != "$(stat -c %d:%i "$2")" ]] || fail "$1 and $2 are hard links of each other"
}

is_link() { # PATH TARGET
	[[ -L $1 && $(readlink "$1") == "$2" ]] || fail "$1 is not a link to $2"
}

is_file() {
	[[ -f $1 && ! -L $1 ]] || fail "$1 is not a regular file"
}

# --- symbolic links as operands

case_link_is_followed() {
	echo a >a
	ln -s a link
	check ucp link new
	is_file new
	check cmp a new
}

case_link_is_kept_with_P() {
	ln -s a link
	check ucp -P link new
	is_link new a
}

case_link_is_kept_with_d() {
	ln -s a link
	check ucp -d link new
	is_link new a
}

case_link_is_kept_with_a() {
	ln -s a link
	check ucp -a link new
	is_link new a
}

case_link_is_kept_with_r() {
	ln -s a link
	check ucp -r link new
	is_link new a
}

case_link_is_followed_with_L() {
	echo a >a
	ln -s a link
	check ucp -rL link new
	is_file new
}

case_link_is_followed_with_H() {
	echo a >a
	ln -s a link
	check ucp -rH link new
	is_file new
}

case_last_of_H_L_P_wins() {
	echo a >a
	ln -s a link
	check ucp -L -P link n1
	is_link n1 a
	check ucp -P -L link n2
	is_file n2
	check ucp -d -H link n3
	is_file n3
	check ucp -a -L link n4
	is_file n4
}

case_dangling_link_is_followed() {
	ln -s nowhere link
	run_ucp link new
	expect_status 1
	expect_err "ucp: cannot stat 'link': No such file or directory"
	check_not test -e new
}

case_dangling_link_is_kept() {
	ln -s nowhere link
	run_ucp -P link new
	expect_status 0
	expect_no_err
	is_link new nowhere
}

case_looping_link_is_followed() {
	ln -s loop loop
	run_ucp loop new
	expect_status 1
	expect_err "ucp: cannot stat 'loop': Too many levels of symbolic links"
}

case_link_with_long_target() {
	local target
	target=$(printf '%01000d/' {1..4})
	ln -s "${target:0:4000}" link
	check ucp -P link new
	is_link new "${target:0:4000}"
}

case_link_with_odd_target() {
	ln -s $'new\nline \xff' link
	check ucp -P link new
	is_link new $'new\nline \xff'
}

case_link_replaces_file() {
	echo a >a
	ln -s a link
	echo old >new
	check ucp -P link new
	is_link new a
}

case_link_replaces_link() {
	echo victim >victim
	ln -s a link
	ln -s victim new
	check ucp -P link new
	is_link new a
	[[ $(<victim) == victim ]] || fail "the target of the old link was touched"
}

case_link_to_directory_with_slash_is_followed() {
	mkdir s d
	echo f >s/f
	ln -s s link
	check ucp -r link/ d
	[[ -d d/link && ! -L d/link ]] || fail "d/link is not a directory"
	check cmp s/f d/link/f
}

case_link_to_directory_without_slash_is_kept() {
	mkdir s d
	ln -s s link
	check ucp -r link d
	is_link d/link s
}

case_link_does_not_replace_directory() {
	mkdir -p d/link/kept
	ln -s a link
	run_ucp -P link d
	expect_status 1
	expect_err "ucp: cannot overwrite directory 'd/link' with non-directory 'link'"
	[[ -d d/link/kept ]] || fail "the directory is gone"
}

# --- symbolic links in trees

linked_tree() {
	mkdir -p s/dir/sub
	echo a >s/a
	echo b >s/dir/b
	ln -s a s/to-a
	ln -s ../a s/dir/to-a
	ln -s dir s/to-dir
	ln -s "$PWD/s/dir/b" s/absolute
}

case_tree_keeps_links() {
	linked_tree
	ln -s nowhere s/dangling
	ln -s self s/self
	ln -s .. s/dir/up
	run_ucp -r s d
	expect_status 0
	expect_no_err
	same_tree s d --no-times
}

case_tree_followed_with_L() {
	linked_tree
	run_ucp -rL s d
	expect_status 0
	expect_no_err
	[[ -z $(find d -type l) ]] || fail "links are left: $(find d -type l)"
	check cmp s/a d/to-a
	check cmp s/a d/dir/to-a
	check cmp s/dir/b d/to-dir/b
	check cmp s/dir/b d/absolute
}

case_tree_with_H_follows_operands_only() {
	linked_tree
	ln -s s top
	check ucp -rH top d
	same_tree s d --no-times
}

case_L_with_dangling_link() {
	linked_tree
	ln -s nowhere s/dir/dangling
	run_ucp -rL s d
	expect_status 1
	expect_err_has "ucp: cannot stat 's/dir/dangling': No such file or directory"
	check cmp s/dir/b d/dir/b
	check cmp s/a d/to-a
	check_not test -L d/dir/dangling
}

case_L_with_cycle() {
	mkdir -p s/sub
	echo f >s/sub/f
	ln -s .. s/sub/up
	run_ucp -rL s d
	expect_status 1
	expect_err "ucp: cannot copy cyclic symbolic link 's/sub/up'"
	check cmp s/sub/f d/sub/f
}

case_L_with_link_to_own_directory() {
	mkdir s
	echo f >s/f
	ln -s . s/here
	run_ucp -rL s d
	expect_status 1
	expect_err "ucp: cannot copy cyclic symbolic link 's/here'"
	check cmp s/f d/f
}

case_L_with_self_loop() {
	mkdir s
	echo f >s/f
	ln -s self s/self
	run_ucp -rL s d
	expect_status 1
	expect_err "ucp: cannot stat 's/self': Too many levels of symbolic links"
	check cmp s/f d/f
}

case_L_with_one_directory_twice() {
	mkdir -p c s/a s/b
	echo f >c/f
	ln -s ../../c s/a/c
	ln -s ../../c s/b/c
	run_ucp -rL s d
	expect_status 0
	expect_no_err
	check cmp c/f d/a/c/f
	check cmp c/f d/b/c/f
}

# --- hard links

three_links() {
	mkdir -p s/sub/deep
	head -c 150000 /dev/urandom >s/one
	ln s/one s/sub/two
	ln s/one s/sub/deep/three
	echo single >s/single
}

case_hard_links_with_a() {
	three_links
	check ucp -a s d
	same_tree s d
	same_inode d/one d/sub/two
	same_inode d/one d/sub/deep/three
	[[ $(stat -c %h d/one) == 3 ]] || fail "wrong link count"
}

case_hard_links_with_preserve_links() {
	three_links
	check ucp -r --preserve=links s d
	same_tree s d --no-times
}

case_hard_links_with_rd() {
	three_links
	check ucp -rd s d
	same_tree s d --no-times
}

case_hard_links_not_with_r() {
	three_links
	check ucp -r s d
	same_tree s d --no-times --no-links
	other_inode d/one d/sub/two
	other_inode d/one d/sub/deep/three
}

case_hard_links_not_with_p() {
	three_links
	check ucp -rp s d
	other_inode d/one d/sub/two
}

case_hard_links_not_with_no_preserve() {
	three_links
	check ucp -a --no-preserve=links s d
	same_tree s d --no-links
	other_inode d/one d/sub/two
}

case_hard_links_across_operands() {
	head -c 100000 /dev/urandom >a
	ln a b
	mkdir d
	check ucp -d a b d
	same_inode d/a d/b
	check cmp a d/a
}

case_hard_links_across_trees() {
	mkdir s t d
	head -c 100000 /dev/urandom >s/a
	ln s/a t/b
	check ucp -a s t d
	same_inode d/s/a d/t/b
	check cmp s/a d/t/b
}

case_hard_links_to_outside_are_single() {
	mkdir s
	head -c 100000 /dev/urandom >outside
	ln outside s/a
	check ucp -a s d
	[[ $(stat -c %h d/a) == 1 ]] || fail "wrong link count"
	check cmp outside d/a
}

case_many_hard_links() {
	local i j
	for i in {0..9}; do
		mkdir -p "s/$i"
	done
	for i in {1..60}; do
		echo "$i" >"s/$((i % 10))/$i"
		for j in 1 3 5 7; do
			ln "s/$((i % 10))/$i" "s/$(((i + j) % 10))/$i-$j"
		done
	done
	check ucp -a s d
	same_tree s d
}

# The other names must not be linked to a file that is still to be replaced or filled wrongly.
# modes: all
case_hard_links_of_a_big_file() {
	local i
	mkdir -p s/{a,b,c,d}
	head -c 5000000 /dev/urandom >s/a/0
	for i in {1..12}; do
		ln s/a/0 "s/a/$i"
		ln s/a/0 "s/b/$i"
		ln s/a/0 "s/c/$i"
	done
	check ucp -a s d
	same_tree s d
}

case_hard_linked_symlinks() {
	mkdir -p s/sub
	ln -s target s/one
	ln -P s/one s/sub/two
	check ucp -a s d
	same_tree s d
	is_link d/sub/two target
	same_inode d/one d/sub/two
}

case_hard_linked_fifos() {
	mkdir -p s/sub
	mkfifo s/one
	ln s/one s/sub/two
	check ucp -a s d
	same_tree s d
	same_inode d/one d/sub/two
}

case_hard_links_copied_twice() {
	three_links
	check ucp -aT s d
	check ucp -aT s d
	same_tree s d
}

case_hard_links_replace_other_files() {
	three_links
	mkdir -p d/sub
	echo old >d/one
	echo older >d/sub/two
	check ucp -aT s d
	same_tree s d
}

# A destination with other links is not written through when links are kept.
case_hard_linked_destination_is_replaced() {
	echo new >a
	echo old >b
	ln b c
	check ucp --preserve=links a b
	check cmp a b
	[[ $(<c) == old ]] || fail "the other name was written too"
}

case_hard_links_of_an_unreadable_file() {
	need user
	chmod 777 .
	three_links
	chmod 0 s/one
	run as_user ucp -r --preserve=links s d
	expect_status 1
	expect_err_has "ucp: cannot open 's/one' for reading: Permission denied"
	expect_err_has "ucp: cannot open 's/sub/two' for reading: Permission denied"
	expect_err_has "ucp: cannot open 's/sub/deep/three' for reading: Permission denied"
	[[ $(wc -l <"$ERR") == 3 ]] || fail "three messages were expected: $(<"$ERR")"
	check_not test -e d/one
	check_not test -e d/sub/two
	check cmp s/single d/single
}

# With -L a link and its target are one file.
case_L_and_preserve_links() {
	echo a >a
	ln -s a link
	mkdir d
	check ucp -L --preserve=links a link d
	is_file d/link
	same_inode d/a d/link
}

case_H_and_preserve_links() {
	echo a >a
	ln -s a link
	mkdir d
	check ucp -rH --preserve=links a link d
	is_file d/link
	same_inode d/a d/link
}

case_verbose_tells_each_link() {
	three_links
	run_ucp -av s d
	expect_status 0
	sort "$OUT" >"$CASE/sorted"
	printf '%s\n' "'s' -> 'd'" "'s/one' -> 'd/one'" "'s/single' -> 'd/single'" \
		"'s/sub' -> 'd/sub'" "'s/sub/deep' -> 'd/sub/deep'" \
		"'s/sub/deep/three' -> 'd/sub/deep/three'" "'s/sub/two' -> 'd/sub/two'" |
		sort | cmp -s - "$CASE/sorted" || fail "wrong lines: $(<"$OUT")"
}
