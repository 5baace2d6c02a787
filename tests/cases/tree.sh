# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Directories: new, merged, deep, wide, forbidden, and into themselves.
# modes: default sync tiny

# A small tree with something of most kinds.
small_tree() { # DIR
	mkdir -p "$1/one/two/three" "$1/empty" "$1/other"
	head -c 70000 /dev/urandom >"$1/big"
	echo a >"$1/one/a"
	echo b >"$1/one/two/b"
	echo c >"$1/one/two/three/c"
	: >"$1/other/nothing"
	ln -s ../one/a "$1/other/link"
}

# LEVELS directories below each other, each called NAME, with a file here and there.
deep_tree() { # DIR LEVELS NAME
	python3 - "$@" <<-'END' || fail "cannot make a deep tree"
		import os, sys
		top, levels, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
		os.mkdir(top)
		fd = os.open(top, os.O_RDONLY)
		for level in range(levels):
		    if level % 250 == 0 or level == levels - 1:
		        f = os.open("file", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=fd)
		        os.write(f, b"level %d\n" % level)
		        os.close(f)
		    os.mkdir(name, dir_fd=fd)
		    below = os.open(name, os.O_RDONLY, dir_fd=fd)
		    os.close(fd)
		    fd = below
	END
}

# COUNT files in one directory, the content of each its name.
wide_directory() { # DIR COUNT
	python3 - "$@" <<-'END' || fail "cannot make a wide directory"
		import os, sys
		top, count = sys.argv[1], int(sys.argv[2])
		os.mkdir(top)
		fd = os.open(top, os.O_RDONLY)
		for i in range(count):
		    f = os.open("file-%d" % i, os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=fd)
		    os.write(f, b"%d" % i)
		    os.close(f)
	END
}

# --- where a tree goes

case_tree_to_new_name() {
	small_tree s
	run_ucp -r s d
	expect_status 0
	expect_no_err
	expect_no_out
	same_tree s d --no-times
}

case_capital_r() {
	small_tree s
	check ucp -R s d
	same_tree s d --no-times
}

case_tree_into_directory() {
	small_tree s
	mkdir d
	check ucp -r s d
	same_tree s d/s --no-times
}

case_source_with_slash() {
	small_tree s
	mkdir d
	check ucp -r s/ d
	same_tree s d/s --no-times
}

case_content_of_dot() {
	small_tree s
	mkdir d
	check ucp -r s/. d
	same_tree s d --no-times
}

case_source_ending_in_dotdot() {
	small_tree s
	mkdir d
	check ucp -r s/one/.. d
	same_tree s d --no-times
}

case_tree_without_target_directory() {
	small_tree s
	mkdir d
	echo kept >d/kept
	check ucp -rT s d
	[[ $(<d/kept) == kept ]] || fail "a file of the destination was lost"
	rm d/kept
	same_tree s d --no-times
}

case_several_trees() {
	small_tree s
	small_tree t
	echo f >f
	mkdir d
	check ucp -r s f t d
	same_tree s d/s --no-times
	same_tree t d/t --no-times
	check cmp f d/f
}

case_merge_into_existing_tree() {
	small_tree s
	mkdir -p d/s/one/two d/s/own
	echo "old and longer than the new one" >d/s/one/two/b
	echo kept >d/s/one/kept
	echo kept >d/s/own/kept
	check ucp -r s d
	[[ $(<d/s/one/kept) == kept && $(<d/s/own/kept) == kept ]] || fail "something was lost"
	rm -r d/s/one/kept d/s/own
	same_tree s d/s --no-times
}

case_copy_twice_is_the_same() {
	small_tree s
	check ucp -rT s d
	check ucp -rT s d
	same_tree s d --no-times
}

case_tree_to_missing_parent() {
	small_tree s
	run_ucp -r s no/d
	expect_status 1
	expect_err "ucp: cannot create directory 'no/d': No such file or directory"
}

case_empty_tree() {
	mkdir s
	check ucp -r s d
	same_tree s d --no-times
}

# --- shapes

# modes: all
case_many_small_directories() {
	local i
	for i in {1..150}; do
		mkdir -p "s/$((i % 10))/$i/sub"
		echo "$i" >"s/$((i % 10))/$i/file"
		echo "$i again" >"s/$((i % 10))/$i/sub/file"
	done
	check ucp -r s d
	same_tree s d --no-times
}

case_wide_directory() {
	wide_directory s 3000
	check ucp -r s d
	same_tree s d --no-times
}

case_wide_tree_of_directories() {
	local i
	mkdir s
	for i in {1..1000}; do
		echo "s/$i"
	done | xargs mkdir
	check ucp -r s d
	same_tree s d --no-times
}

# modes: all
case_big_files_beside_small_ones() {
	local i
	mkdir -p s/sub
	for i in {1..200}; do
		echo "$i" >"s/$i"
		echo "$i" >"s/sub/$i"
	done
	for i in a b c; do
		head -c 3000001 /dev/urandom >"s/$i"
		head -c 2000001 /dev/urandom >"s/sub/$i"
	done
	check ucp -r s d
	same_tree s d --no-times
}

# cp itself fails in the next two: its names get too long.
case_deeper_than_path_max() {
	deep_tree s 60 "$(printf 'n%.0s' {1..200})"
	check ucp -r s d
	same_tree s d --no-times
}

case_1000_levels_with_64_descriptors() {
	deep_tree s 1000 level
	run limit_fds 64 ucp -r s d
	expect_status 0
	expect_no_err
	same_tree s d --no-times
}

once_archive_of_5000_levels() {
	deep_tree s 5000 level
	run limit_fds 64 ucp -a s d
	expect_status 0
	expect_no_err
	same_tree s d
}

once_20000_entries() {
	wide_directory s 20000
	check ucp -r s d
	same_tree s d --no-times
}

# In memory: on a disk most of the time would go into making and removing the source.
# limit: 600
# only: release
long_200000_entries() {
	mount_tmpfs 6G m
	cd m || fail "cd"
	wide_directory s 200000
	check ucp -r s d
	same_tree s d --no-times
	check ucp --engine=sync -r s e
	same_tree s e --no-times
}

# --- what may not be read or written

# modes: all
case_unreadable_file() {
	need user
	chmod 777 .
	small_tree s
	chmod 0 s/one/a
	run as_user ucp -r s d
	expect_status 1
	expect_err "ucp: cannot open 's/one/a' for reading: Permission denied"
	check_not test -e d/one/a
	chmod 644 s/one/a
	echo a >d/one/a
	same_tree s d --no-times --no-owner --no-mode
}

case_unreadable_directory() {
	need user
	chmod 777 .
	small_tree s
	chmod 311 s/one
	run as_user ucp -r s d
	expect_status 1
	expect_err "ucp: cannot access 's/one': Permission denied"
	[[ -d d/one ]] || fail "the directory itself was not made"
	check_not test -e d/one/a
	rm -r d/one s/one
	same_tree s d --no-times --no-owner
}

case_directory_without_search() {
	need user
	chmod 777 .
	mkdir -p s/no
	echo a >s/no/a
	echo b >s/b
	chmod 744 s/no
	((EUID == 0)) || chmod 444 s/no
	run as_user ucp -r s d
	expect_status 1
	expect_err "ucp: cannot stat 's/no/a': Permission denied"
	check cmp s/b d/b
	chmod 755 s/no
}

case_directory_without_write_is_a_source() {
	need user
	chmod 777 .
	small_tree s
	chmod 555 s/one/two/three s/one/two s/one s/empty s
	run as_user ucp -r s d
	expect_status 0
	expect_no_err
	same_tree s d --no-times --no-owner
	((EUID == 0)) || chmod -R u+w s d
}

case_destination_directory_without_write() {
	need user
	chmod 777 .
	small_tree s
	mkdir -m 555 ro
	run as_user ucp s/big ro
	expect_status 1
	expect_err "ucp: cannot create regular file 'ro/big': Permission denied"
	run as_user ucp -r s ro
	expect_status 1
	expect_err "ucp: cannot create directory 'ro/s': Permission denied"
	[[ -z $(ls ro) ]] || fail "something was made"
}

case_missing_inner_directory_right_does_not_stop_others() {
	need user
	chmod 777 .
	small_tree s
	mkdir -p d/s
	chmod 777 d d/s
	mkdir -m 555 d/s/one
	mkdir -m 777 d/s/other
	((EUID != 0)) || chown 65534 d/s/one d/s/other
	run as_user ucp -r s d
	expect_status 1
	expect_err_has "ucp: cannot create regular file 'd/s/one/a': Permission denied"
	expect_err_has "ucp: cannot create directory 'd/s/one/two': Permission denied"
	[[ $(wc -l <"$ERR") == 2 ]] || fail "two messages were expected: $(<"$ERR")"
	check cmp s/big d/s/big
	[[ -L d/s/other/link ]] || fail "the rest was not copied"
}

# --- kinds that do not match

case_file_over_directory() {
	echo f >f
	mkdir d
	run_ucp -T f d
	expect_status 1
	expect_err "ucp: cannot overwrite directory 'd' with non-directory 'f'"
	[[ -d d ]] || fail "the directory is gone"
}

case_file_over_directory_in_directory() {
	echo f >f
	mkdir -p d/f/kept
	run_ucp f d
	expect_status 1
	expect_err "ucp: cannot overwrite directory 'd/f' with non-directory 'f'"
	[[ -d d/f/kept ]] || fail "the directory is gone"
}

case_directory_over_file() {
	mkdir s
	echo kept >f
	run_ucp -rT s f
	expect_status 1
	expect_err "ucp: cannot overwrite non-directory 'f' with directory 's'"
	[[ $(<f) == kept ]] || fail "the file was touched"
}

case_tree_to_existing_file() {
	small_tree s
	echo kept >f
	run_ucp -r s f
	expect_status 1
	expect_err "ucp: cannot overwrite non-directory 'f' with directory 's'"
	[[ $(<f) == kept ]] || fail "the file was touched"
}

case_kinds_clash_inside_a_tree() {
	small_tree s
	mkdir -p d/s/big
	echo kept >d/s/one
	run_ucp -r s d
	expect_status 1
	expect_err_has "ucp: cannot overwrite directory 'd/s/big' with non-directory 's/big'"
	expect_err_has "ucp: cannot overwrite non-directory 'd/s/one' with directory 's/one'"
	[[ $(wc -l <"$ERR") == 2 ]] || fail "two messages were expected: $(<"$ERR")"
	[[ $(<d/s/one) == kept && -d d/s/big ]] || fail "something was overwritten"
	check cmp s/other/nothing d/s/other/nothing
}

# A link in the place of a directory is not walked through.
case_symlink_in_place_of_directory() {
	small_tree s
	mkdir -p d/s outside
	ln -s ../../outside d/s/one
	run_ucp -r s d
	expect_status 1
	expect_err "ucp: cannot overwrite non-directory 'd/s/one' with directory 's/one'"
	[[ -z $(ls outside) ]] || fail "something was written outside"
	check cmp s/big d/s/big
}

# --- into themselves

# refused_in_itself DESTINATION COPY MADE: copying s to DESTINATION would make COPY; MADE must not be there.
refused_in_itself() {
	small_tree s
	cp -a s saved
	run_ucp -r s "$1"
	expect_status 1
	expect_err "ucp: cannot copy a directory, 's', into itself, '$2'"
	check_not test -e "$3"
	rm -rf "$2"
	same_tree saved s --no-times
}

case_into_own_subdirectory() {
	refused_in_itself s/new s/new s/new/new
}

case_into_own_deeper_subdirectory() {
	refused_in_itself s/one/two/new s/one/two/new s/one/two/new/one/two/new
}

case_into_itself() {
	refused_in_itself s s/s s/s/s
}

case_dot_into_subdirectory() {
	small_tree s
	cp -a s saved
	cd s || fail "cd"
	mkdir sub
	run_ucp -r . sub
	expect_status 1
	expect_err "ucp: cannot copy a directory, '.', into itself, 'sub/.'"
	check_not test -e sub/sub/sub
	cd ..
	rm -rf s/sub
	same_tree saved s --no-times
}

case_into_itself_through_symlink() {
	small_tree s
	cp -a s saved
	ln -s s/one link
	run_ucp -r s link/new
	expect_status 1
	# cp's own message depends on the spelling here.
	grep -qxE "ucp: (cannot copy a directory, 's', into itself, 'link/new'|will not create hard link 'link/new/one/new' to directory 'link/new')" "$ERR" ||
		fail "wrong message: $(<"$ERR")"
	check_not test -e s/one/new/one/new
	rm -rf s/one/new
	same_tree saved s --no-times
}

case_into_itself_does_not_stop_others() {
	small_tree s
	mkdir s/sub t
	echo t >t/t
	echo f >f
	run_ucp -r t s f s/sub
	expect_status 1
	expect_err "ucp: cannot copy a directory, 's', into itself, 's/sub/s'"
	check cmp f s/sub/f
	check cmp t/t s/sub/t/t
}

# --- two trees of one name

# cp lets the later one win. Whatever wins, no file may be a mixture of both.
case_two_trees_of_one_name() {
	local i
	mkdir -p x/t y/t d
	for i in {1..20}; do
		head -c $((i * 9000)) /dev/zero | tr '\0' x >"x/t/$i"
		head -c $((i * 9000 + 5000)) /dev/zero | tr '\0' y >"y/t/$i"
	done
	run_ucp -r x/t y/t d
	for i in {1..20}; do
		if ! cmp -s "y/t/$i" "d/t/$i"; then
			check cmp "x/t/$i" "d/t/$i"
			expect_status 1
			expect_err_has "ucp: will not overwrite just-created 'd/t/$i' with 'y/t/$i'"
		fi
	done
}

# --- what -v prints

case_verbose_lists_everything_once() {
	small_tree s
	run_ucp -rv s d
	expect_status 0
	find s -printf "'%p' -> 'd/%P'\n" | sed "s,/'\$,'," | sort >"$CASE/want"
	sort "$OUT" | cmp -s - "$CASE/want" ||
		fail "wrong lines: $(sort "$OUT" | diff "$CASE/want" -)"
}

case_verbose_names_directories_first() {
	small_tree s
	run_ucp -rv s d
	awk -F "'" '
		{ path = $2; seen[path] = 1; parent = path; sub("/[^/]*$", "", parent) }
		path != "s" && !(parent in seen) { print "too early: " $0; bad = 1 }
		END { exit bad }' "$OUT" || fail "a directory comes after what is in it"
}

case_verbose_merge_is_silent_about_directories() {
	mkdir -p s/sub d/s/sub
	echo f >s/sub/f
	run_ucp -rv s d
	expect_status 0
	expect_out "'s/sub/f' -> 'd/s/sub/f'"
}

# --- a copy that the source shows as well, under another device number

# overlay: a file system m that shows the directory up, in a tmpfs of a few inodes at tmp.
overlay() {
	need root
	mkdir tmp
	mount -t tmpfs -o nr_inodes=2000 ucp-test tmp || skip "cannot mount a tmpfs"
	cd tmp || fail "cd tmp"
	mkdir lower up work m
	mount -t overlay -o lowerdir=lower,upperdir=up,workdir=work ucp-test m || skip "cannot mount an overlay"
	mkdir -p m/x/y
	echo 1 >m/f
}

# ends_with SOURCE DESTINATION: the copy of SOURCE ends, and the message names them.
ends_with() {
	expect_status 1
	expect_err "ucp: cannot copy a directory, '$1', into itself, '$2'"
	(($(find . | wc -l) < 100)) || fail "there are: $(find . | wc -l)"
}

case_into_an_overlay_of_itself() {
	overlay
	run_ucp -r up m/copy
	ends_with up m/copy
	check cmp up/f m/copy/f
	rm -rf m/copy
	run_ucp -a up m/x/y
	ends_with up m/x/y/up
	rm -rf m/x/y/up
	run_ucp -a --atomic up/. m/x/y/new
	ends_with up/. m/x/y/new
	rm -rf m/x/y/new
	mkdir m/x/there
	run_ucp -r up/. m/x/there
	ends_with up/. m/x/there/.
}

once_out_of_an_overlay_into_what_it_shows() {
	overlay
	run_ucp -r m up/copy
	expect_status 1
	(($(find . | wc -l) < 100)) || fail "there are: $(find . | wc -l)"
}

case_into_a_fuse_file_system_of_itself() {
	mkdir -p b/x
	echo 1 >b/f
	mount_faultfs m b
	run_ucp -r b m/x/copy
	ends_with b m/x/copy
	rm -rf m/x/copy
	# What is kept of attributes is old
	run_ucp -r m b/x/copy
	ends_with m b/x/copy
}

# Source directories that change meanwhile are no copies.
once_source_directories_that_change() {
	mkdir -p s/a/b/c
	mount_faultfs m s "hold opendir a"
	start_ucp -a -j1 m d
	wait_for "[[ \$(faultfs_count m held) == 1 ]]"
	echo new >s/a/new
	echo new >s/a/b/new
	echo new >s/a/b/c/new
	faultfs m clear
	finish_ucp
	expect_status 0
	[[ $(find d -name new | wc -l) -gt 0 ]] || fail "nothing new was met"
}
