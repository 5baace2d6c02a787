# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Destinations that stand in the way: unwritable, busy, and symbolic links of all kinds.
# only: release, asan

user_place() {
	need user
	mkdir place
	((EUID != 0)) || chown 65534:65534 place
	cd place || fail "cd"
	as_user sh -c 'echo new >a; echo old >b; chmod 444 b'
}

# --- unwritable

once_unwritable_without_f() {
	user_place
	run as_user ucp a b
	expect_status 1
	expect_err "ucp: cannot create regular file 'b': Permission denied"
	[[ $(<b) == old ]] || fail "b was touched"
}

once_unwritable_with_f() {
	user_place
	ln b c
	run as_user ucp -f a b
	expect_status 0
	expect_no_err
	[[ $(<b) == new && $(<c) == old ]] || fail "b was not replaced by a new file"
	[[ $(stat -c %a b) == 644 ]] || fail "b has mode $(stat -c %a b)"
}

once_unwritable_in_a_tree_with_f() {
	user_place
	as_user sh -c 'mkdir -p s/sub d/s/sub; echo new >s/sub/f; echo old >d/s/sub/f; chmod 444 d/s/sub/f'
	run as_user ucp -rf s d
	expect_status 0
	expect_no_err
	check cmp s/sub/f d/s/sub/f
}

once_unwritable_in_unwritable_directory() {
	user_place
	as_user sh -c 'mkdir ro; echo old >ro/b; chmod 444 ro/b; chmod 555 ro'
	run as_user ucp -f a ro/b
	expect_status 1
	expect_err "ucp: cannot remove 'ro/b': Permission denied"
	[[ $(<ro/b) == old ]] || fail "b was touched"
	chmod u+w ro
}

once_unwritable_does_not_stop_others() {
	user_place
	as_user sh -c 'mkdir d; echo c >c; echo old >d/a; chmod 444 d/a'
	run as_user ucp a c d
	expect_status 1
	expect_err "ucp: cannot create regular file 'd/a': Permission denied"
	check cmp c d/c
}

once_f_is_not_needed() {
	echo new >a
	echo old >b
	ln b c
	check ucp -f a b
	[[ $(<c) == new ]] || fail "a writable file was replaced instead of written"
}

once_verbose_tells_of_removal() {
	user_place
	run as_user ucp -fv a b
	expect_status 0
	expect_out "'a' -> 'b'" "removed 'b'"
}

# --- a program that runs

once_busy_program() {
	local pid
	echo new >a
	cp /bin/sleep b
	./b 50 &
	pid=$!
	# shellcheck disable=SC2016 # evaluated later
	wait_for '[[ $(readlink "/proc/'"$pid"'/exe") == */b ]]'
	run_ucp a b
	expect_status 1
	expect_err "ucp: cannot create regular file 'b': Text file busy"
	check cmp /bin/sleep b
	run_ucp -f a b
	expect_status 0
	expect_no_err
	check cmp a b
	kill "$pid"
}

# --- symbolic links as destinations

once_link_to_file_is_followed() {
	echo new >a
	echo old >target
	ln -s target link
	check ucp a link
	[[ -L link ]] || fail "the link is gone"
	check cmp a target
}

once_link_to_file_in_a_tree_is_followed() {
	mkdir -p s d/s
	echo new >s/f
	echo old >target
	ln -s ../../target d/s/f
	check ucp -r s d
	[[ -L d/s/f ]] || fail "the link is gone"
	check cmp s/f target
}

once_link_to_directory_is_entered() {
	echo new >a
	mkdir d
	ln -s d link
	check ucp a link
	check cmp a d/a
	[[ -L link ]] || fail "the link is gone"
}

once_link_to_directory_with_T() {
	echo new >a
	mkdir d
	ln -s d link
	run_ucp -T a link
	expect_status 1
	expect_err "ucp: cannot overwrite directory 'link' with non-directory 'a'"
	[[ -L link && -z $(ls d) ]] || fail "something was made"
}

once_dangling_link_is_refused() {
	echo new >a
	ln -s nowhere link
	run_ucp a link
	expect_status 1
	expect_err "ucp: not writing through dangling symlink 'link'"
	check_not test -e nowhere
	[[ -L link ]] || fail "the link is gone"
}

once_dangling_link_is_refused_with_f() {
	echo new >a
	ln -s nowhere link
	run_ucp -f a link
	expect_status 1
	expect_err "ucp: not writing through dangling symlink 'link'"
	check_not test -e nowhere
}

once_dangling_link_is_refused_in_a_tree() {
	mkdir -p s d/s
	echo new >s/f
	echo new >s/g
	ln -s nowhere d/s/f
	run_ucp -r s d
	expect_status 1
	expect_err "ucp: not writing through dangling symlink 'd/s/f'"
	check_not test -e d/s/nowhere
	check cmp s/g d/s/g
}

once_looping_link() {
	echo new >a
	ln -s loop loop
	run_ucp a loop
	expect_status 1
	expect_err "ucp: cannot stat 'loop': Too many levels of symbolic links"
	[[ -L loop ]] || fail "the link is gone"
}

once_looping_link_with_f() {
	echo new >a
	ln -s loop loop
	run_ucp -f a loop
	expect_status 0
	expect_no_err
	[[ ! -L loop ]] || fail "the link is still there"
	check cmp a loop
}

# --- symbolic links made by this very run

once_just_created_link_is_not_followed() {
	mkdir x y d
	echo victim >victim
	ln -s ../victim x/f
	echo evil >y/f
	run_ucp -P x/f y/f d
	expect_status 1
	expect_err "ucp: will not copy 'y/f' through just-created symlink 'd/f'"
	[[ $(<victim) == victim ]] || fail "the target of the link was written"
}

# cp looks at operands only, and writes through this one.
once_just_created_link_in_a_tree_is_not_followed() {
	mkdir -p x/t y/t d
	echo victim >victim
	ln -s ../../victim x/t/f
	echo evil >y/t/f
	run_ucp -r x/t y/t d
	[[ $(<victim) == victim ]] || fail "the target of the link was written"
}

once_just_created_dangling_link_is_not_followed() {
	mkdir x y d
	ln -s ../victim x/f
	echo evil >y/f
	run_ucp -P x/f y/f d
	expect_status 1
	check_not test -e victim
}
