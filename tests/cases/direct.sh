# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by lib.sh
# --direct: what goes past the page cache, and what leaves it.

# big NAME BYTES
big() {
	head -c "$2" /dev/urandom >"$1"
}

# cached FILE: how many pages of it are in the page cache
cached() {
	fincore -nb -o PAGES "$1" | tr -d ' '
}

# not_cached FILE: have nothing of it in the page cache
not_cached() {
	sync "$1"
	dd of="$1" oflag=nocache conv=notrunc,fdatasync count=0 status=none
	(($(cached "$1") == 0)) || skip "the page cache cannot be emptied"
}

need_ext4() {
	need cmd fincore
	mount_image ext4 300M fs
}

case_direct_sizes() {
	local size
	mkdir s
	for size in 0 1 4095 4096 1048575 1048576 1048577 3000000 5242879 5242880 9000001; do
		big "s/$size" "$size"
	done
	truncate -s 8000001 s/hole
	printf data | dd of=s/hole bs=1 seek=4000000 conv=notrunc status=none
	run_ucp -a --direct s d
	expect_status 0
	expect_no_err
	same_tree s d
}

case_direct_over_existing() {
	big a 5000001
	big shorter 2000000
	big longer 7000000
	local name
	for name in shorter longer; do
		run_ucp --direct=always a $name
		expect_status 0
		expect_no_err
		check cmp a $name
	done
}

case_direct_never_and_auto() {
	local when
	big a 3000001
	for when in never auto; do
		run_ucp --direct=$when a $when
		expect_status 0
		expect_no_err
		check cmp a $when
	done
}

case_direct_to_a_full_file_system() {
	mount_tmpfs 4M fs
	big a 6000000
	run_ucp --direct a fs/b
	expect_status 1
	expect_err "ucp: error writing 'fs/b': No space left on device" \
		"ucp: hint: 5.7 MiB did not fit: 4.0 MiB free, 1.7 MiB more needed"
	check test ! -e fs/b
}

once_direct_leaves_the_page_cache_alone() {
	need_ext4
	big fs/a 9000001
	not_cached fs/a
	run_ucp --direct --debug fs/a fs/b
	expect_status 0
	expect_out_has "'fs/a': linked reads and writes, past the page cache"
	# The end of it is no whole block
	check test "$(cached fs/b)" -le 1
	check test "$(cached fs/a)" -le 64
	check cmp fs/a fs/b
}

once_direct_where_there_is_none() {
	big a 3000001
	run_ucp --direct --debug --x-inject=no-direct a b
	expect_status 0
	check grep -qx "'a': linked reads and writes" "$OUT"
	check cmp a b
}

# Offsets that are no multiples of a block make the file system refuse: then it goes through the page cache.
once_direct_that_is_refused_midway() {
	need_ext4
	big fs/a 9000001
	run_ucp --direct --debug --x-inject=short-read,short-write fs/a fs/b
	expect_status 0
	expect_no_err
	expect_out_has "'fs/a': linked reads and writes, past the page cache"
	check cmp fs/a fs/b
}

once_auto_is_direct_for_what_memory_has_no_room_for() {
	need_ext4
	big fs/a 50000000
	not_cached fs/a
	run_ucp --debug --x-inject=little-memory fs/a fs/b
	expect_status 0
	expect_out_has "'fs/a': linked reads and writes, past the page cache"
	check cmp fs/a fs/b
	run_ucp -j2 --debug --direct=never --x-inject=little-memory fs/a fs/c
	expect_status 0
	expect_out_has "'fs/a': linked reads and writes, shared by all workers"
}

# Holes take no memory, so they count neither for their own file nor for those that follow.
once_holes_are_not_taken_for_much_data() {
	need_ext4
	mkdir fs/s
	truncate -s 1G fs/s/1
	dd if=/dev/urandom of=fs/s/1 bs=1M count=2 seek=500 conv=notrunc status=none
	big fs/s/2 2000000
	run_ucp -r --debug -j1 --x-inject=little-memory fs/s fs/d
	expect_status 0
	check_not grep -E "(leaving|past) the page cache" "$OUT"
	same_tree fs/s fs/d --no-times
	check test "$(stat -c %b fs/d/1)" -le 4200
}

once_auto_lets_much_data_leave_the_page_cache() {
	need_ext4
	local i
	mkdir fs/s
	for i in 1 2 3 4 5 6; do
		big fs/s/$i 9000000
	done
	cat fs/s/* >/dev/null
	run_ucp -a --debug -j1 --x-inject=little-memory fs/s fs/d
	expect_status 0
	check test "$(grep -c "leaving the page cache" "$OUT")" -eq 5
	if [[ $(printf '%s\n' 6.15 "$(uname -r)" | sort -V | head -n1) == 6.15 ]]; then
		sync -f fs
		# All but the first of them
		wait_for '(($(fincore -nb -o PAGES fs/d/[2-6] | paste -sd+) == 0))'
		# What was there before stays
		check test "$(cached fs/s/6)" -gt 1500
	fi
	same_tree fs/s fs/d
}

once_auto_reads_once_what_is_not_in_memory() {
	need_ext4
	big fs/a 3000001
	big fs/b 3000001
	not_cached fs/a
	cat fs/b >/dev/null
	run_ucp --debug --x-inject=little-memory fs/a fs/c
	expect_status 0
	expect_out_has "'fs/a': linked reads and writes, what is read is not kept"
	run_ucp --x-inject=little-memory fs/b fs/d
	expect_status 0
	if [[ $(printf '%s\n' 6.15 "$(uname -r)" | sort -V | head -n1) == 6.15 ]]; then
		check test "$(cached fs/a)" -eq 0
	fi
	# What was there before stays, and so do the copies
	check test "$(cached fs/b)" -gt 366
	check test "$(cached fs/c)" -gt 366
	check test "$(cached fs/d)" -gt 366
	not_cached fs/a
	run_ucp --debug --direct=never --x-inject=little-memory fs/a fs/e
	expect_status 0
	expect_out_has "'fs/a': linked reads and writes"
	check test "$(cached fs/a)" -gt 366
	check cmp fs/a fs/c
	check cmp fs/b fs/d
}

# Where the file system cannot do that, all is copied the common way.
case_auto_reads_once_where_that_cannot_be() {
	mount_tmpfs 64M fs
	mkdir fs/s
	local i
	for i in 1 2 3 4; do
		big fs/s/$i 2000001
	done
	run_ucp -a --x-inject=little-memory fs/s fs/d
	expect_status 0
	expect_no_err
	same_tree fs/s fs/d
}

once_direct_words() {
	run_ucp --direct=sometimes a b
	expect_status 1
	expect_err_has "invalid argument 'sometimes' for '--direct'"
}
