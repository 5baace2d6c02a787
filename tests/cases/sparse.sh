# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Holes: kept, dug or filled, and always the right bytes.

K=1024

# Blocks of 512 bytes in use; written out first, as some file systems decide late.
blocks() {
	sync "$1"
	stat -c %b "$1"
}

# data FILE OFFSET LENGTH: random bytes at that place.
data() {
	head -c "$3" /dev/urandom | dd of="$1" bs="$3" seek="$2" oflag=seek_bytes iflag=fullblock conv=notrunc status=none ||
		fail "cannot write $1"
}

need_holes() {
	truncate -s 1M .probe
	(($(blocks .probe) < 64)) || skip "no holes on this file system"
	rm .probe
}

# A tree with holes of every kind.
holey_tree() { # DIR
	local i
	mkdir -p "$1"
	truncate -s 1M "$1/all"
	truncate -s 1048577 "$1/all-odd"
	truncate -s 3M "$1/end"
	data "$1/end" 0 5000
	truncate -s $((2048 * K)) "$1/begin"
	data "$1/begin" $((2044 * K)) $((4 * K))
	data "$1/tail" $((1024 * K)) 7
	truncate -s 4M "$1/middle"
	data "$1/middle" 0 $((64 * K))
	data "$1/middle" $((3000 * K)) $((300 * K))
	for ((i = 0; i < 64; i++)); do
		data "$1/comb" $((i * 32 * K)) $((4 * K))
	done
	truncate -s 3M "$1/comb"
	data "$1/odd" $((256 * K + 100)) 1000
	data "$1/odd" $((700 * K - 1)) 2
	truncate -s 1000001 "$1/odd"
	head -c 1000000 /dev/urandom >"$1/full"
	head -c 1000000 /dev/zero >"$1/zeros"
}

keeps_holes() {
	need_holes
	holey_tree s
	run_ucp -r s d
	expect_status 0
	expect_no_err
	same_tree s d --no-times --holes
}

on_file_system() { # TYPE SIZE
	mount_image "$1" "$2" fs
	cd fs || fail "cd"
}

# --- kept

case_holes_are_kept() {
	keeps_holes
}

case_holes_are_kept_on_ext4() {
	on_file_system ext4 64M
	keeps_holes
}

case_holes_are_kept_on_xfs() {
	on_file_system xfs 320M
	keeps_holes
}

case_holes_are_kept_on_btrfs() {
	on_file_system btrfs 256M
	keeps_holes
}

case_holes_are_kept_on_tmpfs() {
	mount_tmpfs 64M fs
	cd fs || fail "cd"
	keeps_holes
}

case_holes_are_kept_between_file_systems() {
	need_holes
	mount_tmpfs 64M fs
	holey_tree s
	check ucp -r s fs/d
	same_tree s fs/d --no-times --holes
	check ucp -r fs/d e
	same_tree s e --no-times --holes
}

# A terabyte of nothing costs nothing.
case_huge_hole() {
	need_holes
	truncate -s 1T a 2>/dev/null || skip "no files of a terabyte here"
	data a $((1024 * 1024 * 1024 * 1024 - 9)) 9
	check ucp a b
	[[ $(stat -c %s b) == $((1024 * 1024 * 1024 * 1024)) ]] || fail "b has $(stat -c %s b) bytes"
	check cmp <(tail -c 9 a) <(tail -c 9 b)
	(($(blocks b) < 1000)) || fail "b has $(blocks b) blocks"
}

case_huge_hole_without_data() {
	need_holes
	truncate -s 1T a 2>/dev/null || skip "no files of a terabyte here"
	check ucp a b
	[[ $(stat -c %s b) == $((1024 * 1024 * 1024 * 1024)) ]] || fail "b has $(stat -c %s b) bytes"
	(($(blocks b) < 64)) || fail "b has $(blocks b) blocks"
}

# Old bytes must not show through new holes.
case_holes_over_an_old_file() {
	need_holes
	holey_tree s
	mkdir d
	local file
	for file in s/*; do
		head -c 5000000 /dev/urandom >"d/${file##*/}"
	done
	check ucp -rT s d
	same_tree s d --no-times
}

case_preallocated_file() {
	fallocate -l 2M a 2>/dev/null || skip "no fallocate here"
	data a $((300 * K)) 5000
	check ucp a b
	check cmp a b
}

case_reserve_beyond_the_end() {
	head -c 5000 /dev/urandom >a
	fallocate -n -l 1M a 2>/dev/null || skip "no fallocate here"
	check ucp a b
	check cmp a b
	[[ $(stat -c %s b) == 5000 ]] || fail "b has $(stat -c %s b) bytes"
}

# What is compressed is smaller than its size, and has no holes.
case_compressed_file() {
	need cmd filefrag
	on_file_system btrfs 256M
	mount -o remount,compress-force=zlib . 2>/dev/null || skip "no compression"
	yes "the same again and again" | head -c 3000000 >a
	sync a
	filefrag -v a | grep -q encoded || skip "it was not compressed"
	check ucp --reflink=never a b
	check cmp a b
	check ucp a c
	check cmp a c
}

# --- --sparse=never

case_never_fills() {
	need_holes
	holey_tree s
	check ucp -r --sparse=never s d
	same_tree s d --no-times
	local file
	for file in all end begin tail middle comb; do
		(($(blocks "d/$file") * 512 >= $(stat -c %s "d/$file"))) ||
			fail "d/$file has a hole: $(blocks "d/$file") blocks"
	done
}

case_never_over_an_old_file() {
	need_holes
	holey_tree s
	mkdir d
	head -c 5000000 /dev/urandom >d/middle
	truncate -s 10M d/end
	check ucp --sparse=never s/middle s/end d
	check cmp s/middle d/middle
	check cmp s/end d/end
}

# --- --sparse=always

case_always_digs() {
	need_holes
	holey_tree s
	head -c 3000000 /dev/zero >s/mixed
	data s/mixed 1000000 100000
	data s/mixed 2999999 1
	check ucp -r --sparse=always s d
	same_tree s d --no-times --holes
	(($(blocks d/zeros) < 64)) || fail "d/zeros has $(blocks d/zeros) blocks"
	(($(blocks d/mixed) < 2000)) || fail "d/mixed has $(blocks d/mixed) blocks"
	(($(blocks d/full) * 512 >= 1000000)) || fail "d/full has a hole"
}

case_always_over_an_old_file() {
	need_holes
	head -c 2000000 /dev/zero >a
	data a 500000 10
	head -c 3000000 /dev/urandom >b
	check ucp --sparse=always a b
	check cmp a b
	(($(blocks b) < 1000)) || fail "b has $(blocks b) blocks"
}

case_always_keeps_the_size() {
	local n
	for n in 1 511 512 513 4095 4096 4097 65536 262144 262145 1000001; do
		head -c "$n" /dev/zero >a
		check ucp --sparse=always a b
		check cmp a b
	done
}

case_always_from_a_pipe() {
	need_holes
	head -c 1000000 /dev/zero >a
	data a 400000 100
	# shellcheck disable=SC2002 # a pipe is what is wanted
	cat a | ucp --sparse=always /dev/stdin b
	check cmp a b
}

case_always_to_dev_null() {
	head -c 1000000 /dev/zero >a
	run_ucp --sparse=always a /dev/null
	expect_status 0
	expect_no_err
}

case_always_to_a_pipe() {
	head -c 1000000 /dev/zero >a
	data a 400000 100
	ucp --sparse=always a /dev/stdout | cat >b
	check cmp a b
}

case_holes_to_a_pipe() {
	truncate -s 1M a
	data a 400000 100
	ucp a /dev/stdout | cat >b
	check cmp a b
}
