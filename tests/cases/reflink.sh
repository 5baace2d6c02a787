# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Clones where the file system can, and clear words where it cannot.
# modes: default sync tiny

# Every data extent of the file is shared with another.
is_shared() {
	sync "$1"
	filefrag -v "$1" | awk '/^ *[0-9]+:/ { n++; if (/shared/) s++ } END { exit !(n && n == s) }' ||
		fail "$1 shares no data: $(filefrag -v "$1")"
}

is_not_shared() {
	sync "$1"
	! filefrag -v "$1" | grep -q shared || fail "$1 shares data"
}

on_btrfs() {
	need cmd filefrag
	mount_image btrfs 256M fs
	cd fs || fail "cd"
	head -c 2000001 /dev/urandom >a
	sync a
}

case_always_shares() {
	on_btrfs
	run_ucp --reflink=always a b
	expect_status 0
	expect_no_err
	check cmp a b
	is_shared b
}

case_reflink_alone_means_always() {
	on_btrfs
	check ucp --reflink a b
	check cmp a b
	is_shared b
}

case_auto_shares() {
	on_btrfs
	check ucp a b
	check cmp a b
	is_shared b
	check ucp --reflink=auto a c
	is_shared c
}

case_never_copies() {
	on_btrfs
	check ucp --reflink=never a b
	check cmp a b
	is_not_shared b
}

case_sparse_never_copies() {
	on_btrfs
	check ucp --sparse=never a b
	check cmp a b
	is_not_shared b
}

case_always_on_xfs() {
	need cmd filefrag
	mount_image xfs 320M fs -m reflink=1
	cd fs || fail "cd"
	head -c 2000001 /dev/urandom >a
	sync a
	check ucp --reflink=always a b
	check cmp a b
	is_shared b
}

case_always_in_a_tree() {
	on_btrfs
	local i
	mkdir -p s/sub
	for i in {1..20}; do
		head -c $((i * 10000)) /dev/urandom >"s/sub/$i"
	done
	: >s/empty
	truncate -s 1M s/hole
	sync -f .
	run_ucp -a --reflink=always s d
	expect_status 0
	expect_no_err
	same_tree s d
	is_shared d/sub/20
}

case_clone_over_a_longer_file() {
	on_btrfs
	head -c 5000000 /dev/urandom >b
	check ucp --reflink=always a b
	check cmp a b
	is_shared b
}

case_always_is_refused() {
	mount_image ext4 16M fs
	cd fs || fail "cd"
	head -c 100000 /dev/urandom >a
	run_ucp --reflink=always a b
	expect_status 1
	expect_err "ucp: failed to clone 'b' from 'a': Operation not supported"
	check_not test -e b
}

case_always_is_refused_in_a_tree() {
	mount_image ext4 16M fs
	cd fs || fail "cd"
	mkdir -p s/sub
	head -c 100000 /dev/urandom >s/sub/a
	ln -s a s/sub/link
	run_ucp -r --reflink=always s d
	expect_status 1
	expect_err "ucp: failed to clone 'd/sub/a' from 's/sub/a': Operation not supported"
	check_not test -e d/sub/a
	[[ -L d/sub/link ]] || fail "the rest was not copied"
}

# What never shares data does not keep others from it, be it a source or what new files of a directory are made.
case_auto_shares_all_but_what_never_does() {
	need cmd chattr
	on_btrfs
	local i
	mkdir -p s/1 s/2 d/1 d/2
	: >s/1/0
	chattr +C s/1/0 d/2 || skip "needs chattr +C"
	for i in 1/0 1/1 1/2 2/0 2/1; do
		cat a >>"s/$i"
	done
	sync -f .
	check ucp -r -T s d
	check diff -r s d
	is_not_shared d/1/0
	is_not_shared d/2/0
	check ucp -r -T s e
	check diff -r s e
	is_not_shared e/1/0
	for i in d/1/1 d/1/2 e/1/1 e/1/2 e/2/0 e/2/1; do
		is_shared "$i"
	done
}

case_always_between_file_systems() {
	on_btrfs
	cd ..
	run_ucp --reflink=always fs/a b
	expect_status 1
	expect_err "ucp: failed to clone 'b' from 'fs/a': Invalid cross-device link"
	check_not test -e b
}

case_auto_falls_back() {
	on_btrfs
	cd ..
	check ucp --reflink=auto fs/a b
	check cmp fs/a b
}

once_always_wants_sparse_auto() {
	echo a >a
	run_ucp --reflink=always --sparse=always a b
	expect_status 1
	expect_err "ucp: --reflink can be used only with --sparse=auto" \
		"Try 'ucp --help' for more information."
	check_not test -e b
}

# A clone that is found to differ passes for whole no more than other copies do.
# only: release, debug
once_clone_that_differs_does_not_look_whole() {
	need tool preload-act.so
	on_btrfs
	local over
	for over in '' old; do
		rm -f b
		[[ -z $over ]] || echo "$over" >b
		run env UCP_ACT_AFTER=ioctl:b UCP_ACT="printf '\\377\\0\\377' | dd of=b bs=1 seek=1000000 conv=notrunc status=none" \
			LD_PRELOAD="${UCP%/*}/tools/preload-act.so" "$UCP" --reflink=always --verify a b
		expect_status 1
		grep -q "^ucp: verification of 'b' failed: it differs from 'a' " "$ERR" || fail "$(<"$ERR")"
		[[ ! -e b ]] || (($(stat -c %s b) <= 1000002)) || fail "it looks whole"
	done
}
