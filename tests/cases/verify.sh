# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016 # $status and $pid are set by lib.sh; conditions are evaluated later
# --verify: each copy is read back from its device. Bytes are spoiled on their way (--x-inject=corrupt,seed=OFFSET), or
# in the device itself while ucp is stopped.

sparse_file() { # NAME
	truncate -s 300K "$1"
	printf 'in the middle' | dd of="$1" bs=1 seek=100000 conv=notrunc status=none
	head -c 20000 /dev/zero | dd of="$1" bs=4096 seek=50 conv=notrunc status=none
	truncate -s 3000001 "$1"
}

need_strace() {
	need cmd strace
	strace -f -qq -o "$CASE/probe" -e trace=close -e inject=close:delay_enter=1 true 2>/dev/null ||
		skip "strace does not work"
}

# with_fault FILE INJECT ARGS…: only in system calls that have to do with the file.
with_fault() {
	need_strace
	# shellcheck disable=SC2086
	run strace -f -qq -o "$CASE/trace" -P "$PWD/$1" -e trace="${2%%:*}" -e inject="$2" "$UCP" $UCP_FLAGS "${@:3}"
}

# start_stopping ARGS…: in the background; it stops when a copy is written out, before that is read back.
start_stopping() {
	need_strace
	: >"$CASE/trace"
	# shellcheck disable=SC2086
	env --default-signal=HUP,INT,QUIT,TERM,PIPE strace -f -qq -o "$CASE/trace" -e trace=fadvise64 \
		-e inject=fadvise64:signal=SIGSTOP:when=1 "$UCP" $UCP_FLAGS "$@" >"$OUT" 2>"$ERR" &
	pid=$!
	wait_for 'grep -q "stopped by SIGSTOP" "$CASE/trace"' 20
	stopped=$(pgrep -P "$pid" -x ucp)
}

go_on() {
	kill -CONT "$stopped"
	finish_ucp
}

case_verified_tree() {
	make_tree --seed=21 s
	run_ucp -a --verify s d
	expect_status 0
	expect_no_err
	same_tree s d
}

case_verified_over_existing() {
	head -c 3000000 /dev/urandom >a
	head -c 5000000 /dev/urandom >b
	run_ucp --verify a b
	expect_status 0
	expect_no_err
	check cmp a b
}

case_verified_holes() {
	local when
	sparse_file a
	for when in auto always never; do
		run_ucp --verify --sparse=$when a $when
		expect_status 0
		expect_no_err
		check cmp a $when
	done
	truncate -s 7M hole
	check ucp --verify hole all
	check cmp hole all
	(($(stat -c %b a) * 512 < 3000000)) || return 0
	(($(stat -c %b auto) <= $(stat -c %b a))) || fail "auto has more blocks than its source"
	(($(stat -c %b always) <= $(stat -c %b auto))) || fail "always has more blocks than auto"
	(($(stat -c %b never) * 512 >= 3000000)) || fail "never has holes"
	(($(stat -c %b all) == 0)) || fail "a hole became data"
}

# Nothing but its hole is hashed for so much.
# only: release
once_verified_big_hole() {
	truncate -s 20G a 2>/dev/null || skip "no such files here"
	printf end >>a
	run_ucp --verify a b
	expect_status 0
	check cmp <(tail -c 4096 a) <(tail -c 4096 b)
	[[ $(stat -c %s a) == $(stat -c %s b) ]] || fail "the size is wrong"
}

case_verified_stream() {
	[[ -r /proc/filesystems ]] || skip "needs /proc"
	run_ucp --verify /proc/filesystems here
	expect_status 0
	expect_no_err
	check cmp /proc/filesystems here
}

case_spoiled_file_is_removed() {
	head -c 3000000 /dev/urandom >a
	run_ucp --verify --x-inject=corrupt,seed=1234567 a b
	expect_status 1
	expect_err "ucp: verification of 'b' failed: it differs from 'a' at offset 1234567"
	check_not test -e b
	run_ucp --x-inject=corrupt,seed=1234567 a b
	expect_status 0
	check cmp a b
}

case_spoiled_at_its_ends() {
	local at
	head -c 200000 /dev/urandom >a
	for at in 0 65535 65536 199999; do
		run_ucp --verify --x-inject=corrupt,seed=$at a b
		expect_status 1
		expect_err "ucp: verification of 'b' failed: it differs from 'a' at offset $at"
	done
	run_ucp --verify --x-inject=corrupt,seed=200000 a b
	expect_status 0
}

case_spoiled_existing_file_is_cut() {
	head -c 300000 /dev/urandom >a
	head -c 400000 /dev/urandom >b
	run_ucp --verify --x-inject=corrupt,seed=200000 a b
	expect_status 1
	expect_err "ucp: verification of 'b' failed: it differs from 'a' at offset 200000"
	(($(stat -c %s b) == 200000)) || fail "it has $(stat -c %s b) bytes"
	check cmp -n 200000 a b
}

case_spoiled_file_with_holes() {
	sparse_file a
	run_ucp --verify --sparse=always --x-inject=corrupt,seed=100003 a b
	expect_status 1
	expect_err "ucp: verification of 'b' failed: it differs from 'a' at offset 100003"
	run_ucp --verify --sparse=never --x-inject=corrupt,seed=2900000 a b
	expect_status 1
	expect_err "ucp: verification of 'b' failed: it differs from 'a' at offset 2900000"
}

case_spoiled_files_do_not_stop_others() {
	mkdir s
	head -c 100 /dev/urandom >s/small
	head -c 3000 /dev/urandom >s/big
	head -c 4000 /dev/urandom >s/bigger
	run_ucp -r --verify --x-inject=corrupt,seed=2000 s d
	expect_status 1
	sort -o "$ERR" "$ERR"
	expect_err "ucp: verification of 'd/big' failed: it differs from 's/big' at offset 2000" \
		"ucp: verification of 'd/bigger' failed: it differs from 's/bigger' at offset 2000"
	check cmp s/small d/small
	check_not test -e d/big -o -e d/bigger
}

# Nothing is linked to what is removed; each name is tried.
case_spoiled_file_with_several_names() {
	mkdir s
	head -c 3000 /dev/urandom >s/a
	ln s/a s/b
	run_ucp -a --verify --x-inject=corrupt,seed=2000 s d
	expect_status 1
	sort -o "$ERR" "$ERR"
	expect_err "ucp: verification of 'd/a' failed: it differs from 's/a' at offset 2000" \
		"ucp: verification of 'd/b' failed: it differs from 's/b' at offset 2000"
	check_not test -e d/a -o -e d/b
	check ucp -a --verify s e
	[[ e/a -ef e/b ]] || fail "they are no links"
}

# What cannot be read once more tells no more than the marks do.
case_spoiled_stream() {
	head -c 300000 /dev/urandom >a
	mkfifo p
	cat a >p &
	run_ucp --verify --x-inject=corrupt,seed=140000 p b
	wait
	expect_status 1
	expect_err "ucp: verification of 'b' failed: it differs from 'p' between offsets 131072 and 196608"
	check_not test -e b
}

# only: release, debug
once_spoiled_while_the_source_changes() {
	head -c 300000 /dev/zero >a
	start_stopping --verify --x-inject=corrupt,seed=140000 a b
	printf x | dd of=a bs=1 seek=150000 conv=notrunc status=none
	go_on
	expect_status 1
	expect_err "ucp: verification of 'b' failed: it differs from 'a' between offsets 131072 and 196608"
}

# It was copied as it was.
# only: release, debug
once_source_changes_after_it_was_read() {
	head -c 300000 /dev/zero >a
	cp a was
	start_stopping --verify a b
	echo other >a
	go_on
	expect_status 0
	expect_no_err
	check cmp was b
}

# spoil_in_device PATTERN FLAGS…: that its copy has in the device is changed between writing and reading back.
spoil_in_device() {
	local image at
	head -c 3000000 /dev/urandom >"$CASE/a"
	printf '%s' "$1" | dd of="$CASE/a" bs=1 seek=2000000 conv=notrunc status=none
	mount_image ext4 64M fs
	image=$(echo "$CASE"/image.*)
	start_stopping "${@:2}" --verify "$CASE/a" fs/b
	at=$(grep -abo -m 1 "$1" "$image") || fail "it is not in the device"
	printf X | dd of="$image" bs=1 seek=$((${at%%:*} + 3)) conv=notrunc status=none
	go_on
	expect_status 1
	expect_err "ucp: verification of 'fs/b' failed: it differs from '$CASE/a' at offset 2000003"
	check_not test -e fs/b
}

# only: release, debug
once_read_back_from_the_device() {
	spoil_in_device "a-pattern-met-nowhere-else"
}

# only: release, debug
once_read_back_from_the_device_without_o_direct() {
	spoil_in_device "a-pattern-met-nowhere-else" --x-inject=no-direct
}

case_where_from_it_was_read_back() {
	echo a >a
	mount_image ext4 32M fs
	run_ucp --verify --debug a fs/b
	expect_out_has "'a': copied in order, read back from the device"
	run_ucp --verify --debug --x-inject=no-direct a fs/b
	expect_out_has "'a': copied in order, read back after it was written out and dropped from memory"
	mount_tmpfs 1M memory
	run_ucp --verify --debug a memory/b
	expect_status 0
	expect_out_has "'a': copied in order, read back perhaps from memory, from which it could not be dropped"
}

case_what_cannot_be_read_back() {
	echo a >a
	mkfifo p
	run_ucp --verify a p
	expect_status 1
	expect_err "ucp: cannot verify 'p': not a regular file or a block device"
	run_ucp --verify a /dev/null
	expect_status 1
	expect_err "ucp: cannot verify '/dev/null': not a regular file or a block device"
}

case_block_device_is_verified() {
	need loop
	local device
	head -c 3000000 /dev/urandom >a
	truncate -s 8M image
	device=$(losetup -f --show image) || skip "cannot set up a loop device"
	run_ucp --verify --debug a "$device"
	local first=$status
	check cmp -n 3000000 a "$device"
	cp "$OUT" out
	run_ucp --verify --x-inject=corrupt,seed=2000000 a "$device"
	losetup -d "$device"
	[[ $first == 0 ]] || fail "exit status $first"
	grep -qxF "'a': copied in order, read back from the device" out || fail "$(<out)"
	expect_status 1
	expect_err "ucp: verification of '$device' failed: it differs from 'a' at offset 2000000"
}

# What cannot be read is refused while its old content is still there.
case_unreadable_destination() {
	need user
	chmod 777 .
	echo new >a
	chmod 644 a
	as_user bash -c 'echo old >b; chmod 200 b'
	run as_user ucp --verify a b
	expect_status 1
	expect_err "ucp: cannot create regular file 'b': Permission denied"
	chmod 600 b
	[[ $(<b) == old ]] || fail "it was overwritten"
}

# What its owner cannot read once it is there can be verified all the same.
case_unreadable_by_mode() {
	need user
	chmod 777 .
	as_user bash -c 'umask 777; echo new >a; chmod 400 a'
	# shellcheck disable=SC2086
	run as_user bash -c 'umask 777; exec "$@"' bash "$UCP" $UCP_FLAGS --verify a b
	expect_status 0
	expect_no_err
	chmod 600 b
	check cmp a b
}

# only: release
once_device_that_cannot_be_read() {
	echo a >a
	with_fault b pread64:error=EIO --verify a b
	expect_status 1
	expect_err "ucp: error reading back 'b': Input/output error"
	check_not test -e b
}

# only: release
once_source_that_cannot_be_read() {
	echo a >a
	with_fault a pread64:error=EIO --verify a b
	expect_status 1
	expect_err "ucp: error reading 'a': Input/output error"
	check_not test -e b
}

# only: release
once_device_that_cannot_be_written() {
	echo a >a
	with_fault b sync_file_range:error=EIO --verify a b
	expect_status 1
	expect_err "ucp: error writing 'b': Input/output error"
	check_not test -e b
	with_fault b sync_file_range:error=ENOSYS --verify a b
	expect_status 0
	check cmp a b
}

# only: release
once_kernel_that_does_not_tell() {
	echo a >a
	with_fault b mmap:error=ENODEV --verify --debug a b
	expect_status 0
	expect_out_has "'a': copied in order, read back perhaps from memory, from which it could not be dropped"
}

# only: release, debug
once_interrupted_while_verifying() {
	head -c 3000000 /dev/urandom >a
	start_stopping --verify a b
	kill -INT "$stopped"
	go_on
	[[ $status == 130 ]] || fail "exit status $status"
	expect_no_err
	check_not test -e b
}

case_verified_clones() {
	need cmd filefrag
	mount_image btrfs 256M fs
	cd fs || fail "cd"
	head -c 2000001 /dev/urandom >a
	sync a
	check ucp --verify a b
	check cmp a b
	sync b
	check_not eval 'filefrag -v b | grep -q shared'
	run_ucp --verify --debug --reflink=always a c
	expect_status 0
	expect_out_has "'a': cloned, read back from the device"
	sync c
	check eval 'filefrag -v c | grep -q shared'
	check cmp a c
}

case_verify_where_nothing_is_copied() {
	echo a >a
	run_ucp --verify --attributes-only a b
	expect_status 0
	[[ -e b && ! -s b ]] || fail "b is wrong"
	run_ucp --verify -l a c
	expect_status 0
	run_ucp --verify -s a "e"
	expect_status 0
	[[ a -ef c && -L e ]] || fail "no links"
	: >empty
	run_ucp --verify empty d
	expect_status 0
	[[ -e d && ! -s d ]] || fail "d is wrong"
}

case_verify_on_a_full_disk() {
	mount_image ext4 4M full
	mkdir s
	head -c 6000000 /dev/urandom >s/big
	echo small >s/small
	run_ucp -r --verify s/big s/small full
	expect_status 1
	sed -i '/^ucp: hint: 5.7 MiB did not fit: .* more needed$/d' "$ERR"
	expect_err "ucp: error writing 'full/big': No space left on device"
	check cmp s/small full/small
	check_not test -e full/big
}

# Data that is taken for a hole is read before a copy is said to be bad.
once_data_that_passes_for_a_hole() {
	mkdir -p s
	echo small >s/a
	head -c 3000000 /dev/urandom >s/b
	truncate -s 262144 s/c
	echo end >>s/c
	mount_faultfs bad backing "fail lseek * ENXIO"
	run_ucp -r --verify s bad/d
	expect_status 0
	expect_no_err
	(($(faultfs_hits bad "fail lseek") > 0)) || fail "$(<bad/.faultfs)"
	check diff -r s backing/d
	# What is not there is found even so
	run_ucp --verify --x-inject=corrupt,seed=262144 s/c bad/e
	expect_status 1
	expect_err "ucp: verification of 'bad/e' failed: it differs from 's/c' at offset 262144"
	check test ! -e backing/e
}
