# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# No spelling of a name, no link and no option makes ucp destroy its source.
# only: release, asan

make_source() {
	head -c 100000 /dev/urandom >a
	chmod 640 a
	touch -d '2001-02-03 04:05:06.789' a
	cp -a a "$CASE/saved"
}

unharmed() {
	same_tree "$CASE/saved" a --no-links
}

# refused NAME NAME ARGS…: the message, and the source as it was.
refused() {
	run_ucp "${@:3}"
	expect_status 1
	expect_err "ucp: '$1' and '$2' are the same file"
	unharmed
}

once_same_name() {
	make_source
	refused a a a a
}

once_dot_slash() {
	make_source
	refused a ./a a ./a
}

once_dot_slash_first() {
	make_source
	refused ./a a ./a a
}

once_absolute_name() {
	make_source
	refused a "$PWD/a" a "$PWD/a"
}

once_through_dotdot() {
	make_source
	mkdir sub
	refused a sub/../a a sub/../a
}

once_onto_symlink_to_itself() {
	make_source
	ln -s a link
	refused a link a link
	[[ -L link ]] || fail "the link is gone"
}

once_symlink_onto_its_target() {
	make_source
	ln -s a link
	refused link a link a
	[[ -L link ]] || fail "the link is gone"
}

once_two_symlinks_to_one_file() {
	make_source
	ln -s a l1
	ln -s a l2
	refused l1 l2 l1 l2
}

once_symlink_chain() {
	make_source
	ln -s a l1
	ln -s l1 l2
	refused a l2 a l2
}

once_hard_link() {
	make_source
	ln a b
	refused a b a b
}

once_hard_link_by_symlink() {
	make_source
	ln a b
	ln -s b link
	refused a link a link
}

once_into_own_directory() {
	make_source
	refused a ./a a .
}

once_into_own_directory_with_t() {
	make_source
	refused a ./a -t . a
}

once_into_directory_of_symlink_to_it() {
	make_source
	mkdir d
	ln -s ../a d/a
	refused a d/a a d
}

once_directory_reached_by_symlink() {
	make_source
	ln -s . here
	refused a here/a a here/a
}

once_with_force() {
	make_source
	refused a a -f a a
}

once_with_force_onto_symlink() {
	make_source
	ln -s a link
	refused a link -f a link
}

once_with_force_onto_hard_link() {
	make_source
	ln a b
	refused a b -f a b
}

once_with_archive() {
	make_source
	refused a a -a a a
}

once_with_archive_onto_hard_link() {
	make_source
	ln a b
	refused a b -a a b
}

once_with_no_dereference_onto_symlink() {
	make_source
	ln -s a link
	refused a link -P a link
}

once_with_recursive() {
	make_source
	refused a ./a -r a ./a
}

once_with_reflink_never() {
	make_source
	refused a a --reflink=never a a
}

once_with_sparse_always() {
	make_source
	refused a a --sparse=always a a
}

once_unwritable_with_force() {
	need user
	chmod 777 .
	make_source
	chmod 444 a
	((EUID != 0)) || chown 65534:65534 a
	cp -a a "$CASE/saved"
	run as_user ucp -f a ./a
	expect_status 1
	expect_err "ucp: 'a' and './a' are the same file"
	unharmed
}

# Each of many is refused, each other one copied.
once_among_others() {
	make_source
	mkdir d
	echo b >b
	ln a d/a
	run_ucp a b d
	expect_status 1
	expect_err "ucp: 'a' and 'd/a' are the same file"
	unharmed
	check cmp b d/b
}

# --- symbolic links themselves

once_symlink_onto_itself() {
	make_source
	ln -s a link
	run_ucp -P link link
	expect_status 1
	expect_err "ucp: 'link' and 'link' are the same file"
	[[ $(readlink link) == a ]] || fail "the link changed"
	unharmed
}

once_hard_linked_symlinks() {
	make_source
	ln -s a l1
	ln -P l1 l2
	run_ucp -P l1 l2
	expect_status 0
	expect_no_err
	[[ $(readlink l1) == a && $(readlink l2) == a ]] || fail "a link changed"
	unharmed
}

# --- trees

make_source_tree() {
	mkdir -p s/sub
	head -c 50000 /dev/urandom >s/f
	echo g >s/sub/g
	cp -a s "$CASE/tree"
}

tree_refused() { # NAME NAME ARGS…
	run_ucp "${@:3}"
	expect_status 1
	expect_err "ucp: '$1' and '$2' are the same file"
	same_tree "$CASE/tree" s
}

once_tree_onto_itself() {
	make_source_tree
	tree_refused s s -rT s s
}

once_tree_onto_itself_with_slash() {
	make_source_tree
	tree_refused s/ s/ -rT s/ s/
}

once_tree_onto_itself_with_one_slash() {
	make_source_tree
	tree_refused s ./s// -rT s ./s//
}

once_tree_onto_itself_as_dot() {
	make_source_tree
	tree_refused s/. s/. -r s/. s
}

once_tree_into_its_parent() {
	make_source_tree
	tree_refused s ./s -r s .
}

once_tree_onto_itself_by_symlink() {
	make_source_tree
	ln -s s link
	tree_refused s link/ -rT s link/
}

once_tree_by_symlink_onto_itself() {
	make_source_tree
	ln -s s link
	tree_refused link/ s -rT link/ s
}

once_tree_archived_onto_itself() {
	make_source_tree
	tree_refused s s -aT s s
}

# The destination tree consists of the very files of the source.
once_tree_of_hard_links() {
	make_source_tree
	echo new >s/sub/new
	cp -al s d
	rm d/sub/new
	cp -a s "$CASE/tree2"
	run_ucp -rT s d
	expect_status 1
	sort "$ERR" >"$CASE/sorted"
	printf '%s\n' "ucp: 's/f' and 'd/f' are the same file" \
		"ucp: 's/sub/g' and 'd/sub/g' are the same file" | cmp -s - "$CASE/sorted" ||
		fail "wrong messages: $(<"$ERR")"
	same_tree "$CASE/tree2" s --no-links --no-times
	check cmp s/sub/new d/sub/new
}

# The destination tree has a symbolic link back to each file.
once_tree_of_symlinks_back() {
	make_source_tree
	mkdir -p d/sub
	ln -s ../s/f d/f
	ln -s ../../s/sub/g d/sub/g
	run_ucp -rT s d
	expect_status 1
	expect_err_has "ucp: 's/f' and 'd/f' are the same file"
	expect_err_has "ucp: 's/sub/g' and 'd/sub/g' are the same file"
	same_tree "$CASE/tree" s
}

# A bind mount has another path and the same inodes.
once_tree_onto_itself_by_mount() {
	need root
	make_source_tree
	mkdir m
	mount --bind s m 2>/dev/null || skip "cannot make a bind mount"
	tree_refused s m -rT s m
	run_ucp s/f m/f
	expect_status 1
	expect_err "ucp: 's/f' and 'm/f' are the same file"
	same_tree "$CASE/tree" s
}

# --- one file that two file systems show

once_file_of_an_overlay() {
	local args
	need root
	mkdir tmp
	mount_tmpfs 10M tmp
	cd tmp || fail "cd tmp"
	mkdir lower up work m
	mount -t overlay -o lowerdir=lower,upperdir=up,workdir=work ucp-test m || skip "cannot mount an overlay"
	echo data >m/g
	touch -d 2001-02-03T04:05:06.789 m/g
	for args in "up/g m/g" "m/g up/g" "-a up/g m" "-f up/g m/g" "-b up/g m/g" "--remove-destination up/g m/g" \
		"--atomic up/g m/g" "--dry-run up/g m/g"; do
		# shellcheck disable=SC2086 # words
		run_ucp $args
		expect_status 1
		expect_err_has "are the same file"
		[[ $(<up/g) == data ]] || fail "ucp $args: the source is $(<up/g)"
		[[ $(stat -c %Y.%y up/g) == *04:05:06.789* ]] || fail "ucp $args: its time is $(stat -c %y up/g)"
	done
	ln -s up/g from
	ln -s g m/to
	for args in "from m/g" "up/g m/to" "from m/to"; do
		# shellcheck disable=SC2086 # words
		run_ucp $args
		expect_status 1
		[[ $(<up/g) == data ]] || fail "ucp $args: the source is $(<up/g)"
	done
	rm m/to
	run_ucp -r up/. m
	expect_status 1
	expect_err "ucp: 'up/./g' and 'm/./g' are the same file"
}

# Whether both are one file is not tried out on what a link of others leads to, nor on what is left alone.
once_time_of_what_is_not_written_is_not_touched() {
	local options before
	need root
	mkdir tmp
	mount_tmpfs 10M tmp
	cd tmp || fail "cd tmp"
	mkdir lower up work m d
	mount -t overlay -o lowerdir=lower,upperdir=up,workdir=work ucp-test m || skip "cannot mount an overlay"
	echo data >m/g
	before=$(stat -c '%y %z' up/g)
	ln -s ../up/g d/g
	chown -h "$USER_ID" d d/g
	for options in -r -a -f --atomic --attributes-only "-a --beneath"; do
		# shellcheck disable=SC2086 # words
		run_ucp -r $options m/. d
		expect_status 1
		[[ $(stat -c '%y %z' up/g) == "$before" ]] || fail "ucp $options: it was touched behind a link of somebody else"
	done
	for options in -n -u --update=none --dry-run; do
		# shellcheck disable=SC2086 # words
		run_ucp $options up/g m/g
		[[ $(stat -c '%y %z' up/g) == "$before" ]] || fail "ucp $options: it was touched, and left alone"
	done
}

once_file_of_a_fuse_file_system() {
	mkdir b
	echo data >b/g
	mount_faultfs m b
	run_ucp b/g m/g
	expect_status 1
	expect_err "ucp: 'b/g' and 'm/g' are the same file"
	[[ $(<b/g) == data ]] || fail "the source is $(<b/g)"
	run_ucp m/g b/g
	expect_status 1
	[[ $(<b/g) == data ]] || fail "the source is $(<b/g)"
}

# Two images of one file system show files alike in everything, which are two all the same.
once_file_of_an_image_and_its_copy() {
	mount_image ext4 10M one
	echo data >one/g
	sync -f one/g
	umount one || skip "cannot unmount"
	cp "$CASE"/image.* "$CASE/second" || fail "cp"
	mkdir two
	mount -o loop "$CASE"/image.* one || skip "cannot mount"
	mount -o loop "$CASE/second" two || skip "cannot mount a second one"
	run_ucp one/g two/g
	expect_status 0
	expect_no_err
}
