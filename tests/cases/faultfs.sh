# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status and $pid are set by run and start_ucp
# Storage that is slow, or that fails in the middle. tests/tools/faultfs.c plays it.

# A tree with something of each size, in several directories.
make_files() { # DIR
	local i
	mkdir -p "$1/sub/deep" "$1/empty"
	for i in {1..12}; do
		head -c $((i * 2500)) /dev/urandom >"$1/sub/$i"
	done
	head -c 1500000 /dev/urandom >"$1/big"
	: >"$1/sub/nothing"
	echo small >"$1/sub/deep/small"
	ln -s big "$1/link"
	touch -d 2001-02-03T04:05:06.789 "$1/sub/3" "$1/sub"
}

# Copy s to $1; only big fails, with this message.
only_big_fails() { # DESTINATION MESSAGE BACKING
	run_ucp -r s "$1"
	expect_status 1
	expect_err_and_hints "ucp: $2"
	check_not test -e "$3/big"
	cp -r s expected
	rm expected/big
	same_tree expected "$3" --no-times
}

# --- slow

case_slow_source() {
	make_files s
	mount_faultfs slow s --latency=1
	run_ucp -a slow d
	expect_status 0
	expect_no_err
	same_tree s d
}

case_slow_destination() {
	make_files s
	mount_faultfs slow backing --latency=1
	run_ucp -a s slow/d
	expect_status 0
	expect_no_err
	same_tree s backing/d
}

case_slow_to_slow() {
	make_files s
	mount_faultfs from s --latency=1
	mount_faultfs to backing --latency=1 --writeback
	run_ucp -a from to/d
	expect_status 0
	expect_no_err
	same_tree s backing/d
}

# --- reading fails

case_read_error_from_the_start() {
	make_files s
	mount_faultfs bad s "fail read big EIO"
	run_ucp -r bad d
	expect_status 1
	expect_err "ucp: error reading 'bad/big': Input/output error"
	check_not test -e d/big
	mv s/big .
	same_tree s d --no-times
}

case_read_error_at_an_offset() {
	make_files s
	mount_faultfs bad s "fail read big EIO from=1000000"
	run_ucp -r bad d
	expect_status 1
	expect_err "ucp: error reading 'bad/big': Input/output error"
	check_not test -e d/big
	mv s/big .
	same_tree s d --no-times
}

case_read_error_over_an_existing_file() {
	make_files s
	mount_faultfs bad s "fail read big EIO from=1000000"
	head -c 2000000 /dev/urandom >d
	run_ucp bad/big d
	expect_status 1
	expect_err "ucp: error reading 'bad/big': Input/output error"
	(($(stat -c %s d) <= 1000000)) || fail "it passes for whole, with $(stat -c %s d) bytes"
	check cmp -n "$(stat -c %s d)" s/big d
}

# --- writing fails

case_write_error() {
	make_files s
	mount_faultfs bad backing "fail write big EIO"
	only_big_fails bad/d "error writing 'bad/d/big': Input/output error" backing/d
}

case_write_error_at_an_offset() {
	local error
	make_files s
	mount_faultfs bad backing
	while IFS=: read -r error message; do
		faultfs bad clear "fail write big $error from=1000000"
		only_big_fails bad/d "error writing 'bad/d/big': $message" backing/d
		rm -r expected backing/d
	done <<-EOF2
		ENOSPC:No space left on device
		EDQUOT:Disk quota exceeded
		EIO:Input/output error
	EOF2
}

case_write_error_over_an_existing_file() {
	make_files s
	mkdir backing
	head -c 2000000 /dev/urandom >backing/d
	mount_faultfs bad backing "fail write d EDQUOT from=1000000"
	run_ucp s/big bad/d
	expect_status 1
	expect_err_and_hints "ucp: error writing 'bad/d': Disk quota exceeded"
	(($(stat -c %s backing/d) <= 1000000)) || fail "it passes for whole, with $(stat -c %s backing/d) bytes"
	check cmp -n "$(stat -c %s backing/d)" s/big backing/d
}

# Storage on other machines may say so only when the file is closed.
case_error_when_closing() {
	make_files s
	mount_faultfs bad backing "fail flush big EDQUOT"
	only_big_fails bad/d "failed to close 'bad/d/big': Disk quota exceeded" backing/d
}

case_error_when_creating() {
	make_files s
	mount_faultfs bad backing "fail create big ENOSPC"
	only_big_fails bad/d "cannot create regular file 'bad/d/big': No space left on device" backing/d
}

# --- half answers

case_short_reads_and_writes() {
	make_files s
	mount_faultfs short s "short read * 1501"
	mount_faultfs short2 backing "short write * 1003"
	run_ucp -r short short2/d
	expect_status 0
	expect_no_err
	same_tree s backing/d --no-times
	(($(faultfs_hits short "short read") > 100 && $(faultfs_hits short2 "short write") > 100)) ||
		fail "nothing was short: $(cat short/.faultfs short2/.faultfs)"
}

# --- storage that hangs

# More than can be under way at once: what the kernel has is waited for, and may be all of a smaller file.
case_interrupted_while_reading_hangs() {
	mkdir s
	head -c 40000000 /dev/urandom >s/big
	mount_faultfs hung s "hold read big"
	start_ucp hung/big d
	wait_for '(($(faultfs_count hung held) > 0))'
	kill -INT "$pid"
	wait_for '((!(16#$(sed -n "s/^ShdPnd:\t//p" "/proc/$pid/status") & 2)))' # it has seen the signal
	faultfs hung clear
	finish_ucp
	expect_status 130
	check_not test -e d
}

# One directory cannot be made yet: those with other parents are, and get their files.
once_others_go_on_while_a_directory_is_made() {
	mkdir -p s/{p,q}/sub
	touch s/{p,q}/sub/f
	mount_faultfs slow backing "hold mkdir d/p/sub"
	start_ucp -r -j4 s slow/d
	wait_for '(($(faultfs_count slow held) == 1)) && [[ -e backing/d/q/sub/f ]]'
	faultfs slow clear
	finish_ucp
	expect_status 0
	same_tree s backing/d --no-times
}

# The type of a file system is asked for a few times a run, and nothing is asked about a file that was just written.
once_few_questions_for_each_file() {
	local count
	mkdir s
	for count in {1..50}; do
		echo "$count" >"s/$count"
	done
	mount_faultfs far backing
	run_ucp -r -j1 s far/d
	expect_status 0
	count=$(faultfs_count far "requests statfs")
	((count < 20)) || fail "$count requests for statfs"
	count=$(faultfs_count far "requests getattr")
	# The kernel asks for those of the directory after each name that was made in it
	((count < 80)) || fail "$count requests for attributes"
}

# --- the tool itself

once_faultfs_refuses_what_it_does_not_know() {
	local command
	mount_faultfs m backing
	for command in "fail" "fail read" "fail read *" "fail read * EWHAT" "fail eat * EIO" "fail read * EIO 5" \
		"fail read * EIO from=" "fail write * EIO with=" "short write * 5 with=x" "short * * 5" "short read * 0" "hold" "latency" "latency -1" "clear all" "what"; do
		! (echo "$command" >m/.faultfs) 2>/dev/null || fail "taken: $command"
	done
	[[ -z $(ls -A m) ]] || fail "the control file is listed"
}

once_faultfs_answers_at_once() {
	local i
	mkdir s
	for i in {1..9}; do
		echo "$i" >"s/$i"
	done
	mount_faultfs m s "hold read *"
	for i in {1..9}; do
		cat "m/$i" >"$CASE/$i" &
	done
	wait_for '(($(faultfs_count m held) == 9))'
	(($(faultfs_count m "at once") >= 9)) || fail "$(<m/.faultfs)"
	faultfs m clear
	wait_for '[[ $(cat "$CASE"/[1-9] | wc -l) == 9 ]]'
}

# --- storage that copies by itself

case_copied_where_it_is_kept() {
	make_files backing/s
	mount_faultfs far backing --server-copy
	run_ucp -a far/s far/d
	expect_status 0
	expect_no_err
	same_tree backing/s backing/d
}

# was_copied_where_it_is_kept: all that the last run copied.
was_copied_where_it_is_kept() {
	expect_status 0
	expect_no_err
	expect_out_has "'far/s/big': copied by those who keep it"
	check test -z "$(faultfs_count far 'requests read')"
	check test -z "$(faultfs_count far 'requests write')"
	same_tree backing/s backing/d
}

once_copied_where_it_is_kept_without_being_read() {
	make_files backing/s
	mount_faultfs far backing --server-copy
	run_ucp -a --debug far/s far/d
	was_copied_where_it_is_kept
}

# As with Linux before 6.5.
once_copied_where_it_is_kept_without_cachestat() {
	need tool run-refused
	make_files backing/s
	head -c 5000000 /dev/urandom >backing/s/big
	mount_faultfs far backing --server-copy
	run "${UCP%/*}/tools/run-refused" cachestat=ENOSYS -- "$UCP" -a -j1 --debug far/s far/d
	[[ $status != 77 ]] || skip "cannot refuse system calls"
	was_copied_where_it_is_kept
	check umount far
	# Nor is it believed where it is not so
	rm -r backing/d
	mount_faultfs far backing
	run "${UCP%/*}/tools/run-refused" cachestat=ENOSYS -- "$UCP" -a -j1 --debug far/s far/d
	expect_status 0
	expect_no_err
	check_not grep -q "who keep it" "$OUT"
	check test "$(faultfs_count far 'requests copy_file_range')" -le 1
	same_tree backing/s backing/d
}

# Compressed files have fewer blocks than their size, and no holes.
once_compressed_sources_are_copied_as_others() {
	make_files backing/s
	head -c 5000000 /dev/urandom >backing/s/big
	truncate -s 6000000 backing/s/sparse
	echo end >>backing/s/sparse
	mount_faultfs far backing --server-copy --compressed
	run_ucp -a --debug far/s far/d
	expect_status 0
	expect_no_err
	expect_out_has "'far/s/big': copied by those who keep it"
	expect_out_has "'far/s/sparse': reads, written one after the other"
	same_tree backing/s backing/d
	(($(stat -c %b backing/d/sparse) < 1000)) || fail "the hole was filled"
	run_ucp -a --debug far/s d
	expect_status 0
	check_not grep -q "'far/s/\(big\|sub.*\)': .*holes passed over" "$OUT"
	expect_out_has "'far/s/sparse': linked reads and writes, holes passed over"
	same_tree backing/s d
	run_ucp -r --debug --sparse=never far/s/sparse e
	check_not grep -q "holes passed over" "$OUT"
	check cmp backing/s/sparse e
}

once_compressed_sources_that_find_no_room() {
	need root
	mkdir backing small
	head -c 6000000 /dev/urandom >backing/f
	mount_faultfs far backing --compressed
	mount -t tmpfs -o size=1M none small
	run_ucp far/f small/f
	expect_status 1
	expect_err_has "5.7 MiB did not fit"
	run_ucp --verify far/f small/f
	expect_status 1
	expect_err_has "5.7 MiB did not fit"
}

# What is not compressed but cannot say where its holes are has none.
once_compressed_sources_without_holes_to_be_asked_for() {
	make_files backing/s
	mount_faultfs far backing --compressed "fail lseek * EOPNOTSUPP"
	run_ucp -a --debug far/s d
	expect_status 0
	expect_no_err
	check_not grep -q "holes passed over" "$OUT"
	same_tree backing/s d
	faultfs far clear "fail lseek big EIO"
	run_ucp -r far/s e
	expect_status 1
	expect_err "ucp: cannot lseek 'far/s/big': Input/output error"
}

once_not_copied_where_it_is_kept_if_that_is_not_so() {
	make_files backing/s
	mount_faultfs far backing
	run_ucp -a -j1 --debug far/s far/d
	expect_status 0
	expect_no_err
	check_not grep -q "who keep it" "$OUT"
	check test "$(faultfs_count far 'requests copy_file_range')" -le 1
	same_tree backing/s backing/d
}

# One file that is refused is no reason to read and write all others.
once_others_are_copied_where_they_are_kept_than_one_that_is_refused() {
	local error
	for error in EIO EINVAL EPERM ETXTBSY; do
		rm -rf backing
		mkdir -p backing/s
		echo refused >backing/s/a
		head -c 3000000 /dev/urandom >backing/s/b
		mount_faultfs far backing --server-copy "fail copy_file_range d/a $error"
		run_ucp -a -j1 --debug far/s far/d
		expect_status 0
		expect_no_err
		expect_out_has "'far/s/b': copied by those who keep it"
		check_not grep -q "'far/s/a': copied by those who keep it" "$OUT"
		same_tree backing/s backing/d
		check umount far
	done
}

# Nobody is kept from room that is set aside for what has too little.
once_no_room_is_set_aside_for_what_is_too_large() {
	local room
	mkdir backing
	head -c 40000000 /dev/zero >backing/big
	mount_image ext4 32M fs
	room=$(stat -f -c %f fs)
	mount_faultfs far backing "hold read big"
	start_ucp far/big fs/big
	wait_for '[[ $(faultfs_count far held) -gt 0 ]]'
	(($(stat -f -c %f fs) > room - 1000)) || fail "$(stat -f fs)"
	faultfs far clear
	faultfs far let-go
	finish_ucp
	expect_status 1
	check test ! -e fs/big
}

once_reflink_never_asks_nobody_to_copy() {
	make_files backing/s
	mount_faultfs far backing --server-copy
	run_ucp -a --reflink=never far/s far/d
	expect_status 0
	check test -z "$(faultfs_count far 'requests copy_file_range')"
	same_tree backing/s backing/d
}

once_copying_where_it_is_kept_fails_midway() {
	make_files backing/s
	head -c 5000000 /dev/urandom >backing/s/big
	mount_faultfs far backing --server-copy "fail copy_file_range * EIO from=1048576"
	run_ucp -a -j1 far/s far/d
	expect_status 0
	expect_no_err
	check test -n "$(faultfs_count far 'requests write')"
	same_tree backing/s backing/d
}

once_copying_where_it_is_kept_fills_the_disk() {
	make_files backing/s
	head -c 5000000 /dev/urandom >backing/s/big
	mount_faultfs far backing --server-copy "fail copy_file_range * ENOSPC" "fail write * ENOSPC from=3000000"
	run_ucp -a far/s far/d
	expect_status 1
	expect_err "ucp: error writing 'far/d/big': No space left on device"
	check test ! -e backing/d/big
}

# --- what takes writes only at the end

# Big ones, of which one has holes, and at the end, and small ones.
files_with_and_without_holes() { # DIR
	local off
	mkdir -p "$1"
	head -c 40000000 /dev/urandom >"$1/big"
	head -c 300000 /dev/urandom >"$1/mid"
	echo small >"$1/small"
	truncate -s 9M "$1/holes"
	truncate -s 900K "$1/little"
	for off in 100 300 700; do
		dd if=/dev/urandom of="$1/holes" bs=10240 seek=$off count=40 conv=notrunc status=none
		dd if=/dev/urandom of="$1/little" bs=1024 seek=$off count=3 conv=notrunc status=none
	done
}

case_destination_that_takes_writes_in_order() {
	files_with_and_without_holes s
	mount_faultfs fs backing "order write * EINVAL"
	run_ucp -r s fs/d
	expect_status 0
	expect_no_err
	same_tree s backing/d --no-times
	# And over what is there
	run_ucp -rT s fs/d
	expect_status 0
	expect_no_err
	same_tree s backing/d --no-times
}

# only: release, asan
# limit: 120
once_destinations_that_take_writes_in_order() {
	local option err
	files_with_and_without_holes s
	mount_faultfs fs backing
	for option in --engine=uring --engine=sync "-j8 --chunk-size=64K" --sparse=always --sparse=never --atomic --resume \
		--verify "--verify --sparse=always" --direct --bwlimit=1G; do
		case $option in
		*=*) err=EPERM ;;
		--a* | --r*) err=ESPIPE ;;
		*) err=EOPNOTSUPP ;;
		esac
		faultfs fs clear "order write * $err"
		rm -rf backing/d
		# shellcheck disable=SC2086 # words
		run_ucp $option -r s fs/d
		expect_status 0
		expect_no_err
		same_tree s backing/d --no-times
	done
	# Nor can a size be set there, nor is anything written but in part
	faultfs fs clear "order write * EINVAL" "fail truncate * EPERM" "short read * 70000" "short write * 5000"
	rm -rf backing/d
	run_ucp --sparse=always -r s fs/d
	expect_status 0
	expect_no_err
	same_tree s backing/d --no-times
}

once_resumed_where_writes_come_in_order() {
	mkdir s
	head -c 40000000 /dev/urandom >s/big
	mount_faultfs fs backing "order write * EINVAL" "hold write big from=30000000" "hold write .ucp-[0-9a-f]* from=30000000"
	start_ucp --resume -rT s fs/d
	wait_for '(($(faultfs_count fs held) > 0))'
	kill -KILL "$pid"
	faultfs fs clear "order write * EINVAL"
	finish_ucp
	run_ucp --resume -rT s fs/d
	expect_status 0
	expect_no_err
	same_tree s backing/d --no-times
}

# Another error is one, wherever it is.
once_refused_for_good_where_writes_come_in_order() {
	files_with_and_without_holes s
	mount_faultfs fs backing "fail write big EINVAL from=20000000"
	run_ucp -r s fs/d
	expect_status 1
	expect_err "ucp: error writing 'fs/d/big': Invalid argument"
	check test ! -e backing/d/big
	rm s/big
	same_tree s backing/d --no-times
}

# What somebody put in the place of a copy is not taken away, whatever has to be undone.
case_replaced_while_closing_fails() {
	mkdir -p s backing
	echo data >s/f
	mount_faultfs bad backing "fail flush d/f EIO" "hold flush d/f"
	start_ucp -r s bad/d
	wait_for '[[ $(faultfs_count bad held) == 1 ]]'
	echo other >bad/other
	mv bad/other bad/d/f
	faultfs bad let-go
	finish_ucp
	expect_status 1
	expect_err "ucp: failed to close 'bad/d/f': Input/output error"
	[[ $(<backing/d/f) == other ]] || fail "what was put there is gone"
}

case_replaced_while_a_backup_is_to_be_undone() {
	local option
	for option in -b --backup=numbered; do
		rm -rf s backing
		mkdir -p s backing/d
		echo data >s/f
		echo old >backing/d/f
		mount_faultfs bad backing "fail flush d/f EIO" "hold flush d/f"
		start_ucp $option -r s/. bad/d
		wait_for '[[ $(faultfs_count bad held) == 1 ]]'
		echo other >bad/other
		mv bad/other bad/d/f
		faultfs bad let-go
		finish_ucp
		expect_status 1
		expect_err_has "ucp: failed to close 'bad/d/./f': Input/output error"
		expect_err_has "ucp: cannot un-backup 'bad/d/./f': File exists"
		[[ $(<backing/d/f) == other ]] || fail "$option: what was put there is gone"
		[[ $(cat backing/d/f?*) == old ]] || fail "$option: the old file is lost: $(ls -A backing/d)"
		check umount bad
	done
}

# updated_again STEP: copy a tree with -a -u to where times are kept in that many nanoseconds, twice: nothing is copied again.
updated_again() {
	local i
	mkdir s
	for i in {0..9}; do
		echo "$i" >"s/$i"
		touch -d "2024-05-06 07:08:1$i.123456$i" "s/$i"
	done
	touch -d '2024-05-06 07:08:10' s/0
	mount_faultfs slow slow.real --time-step="$1"
	check ucp -a -u -T s slow/d
	find slow/d -type f -printf '%f %T@\n' | sort >before
	run_ucp -a -u -v -T s slow/d
	expect_status 0
	expect_no_out
	find slow/d -type f -printf '%f %T@\n' | sort >after
	check cmp before after
}

# became_newer NAME SECONDS: then it is copied.
became_newer() {
	local before
	before=$(stat -c %y "s/$1")
	echo new >"s/$1"
	touch -d "$before $2 seconds" "s/$1"
	run_ucp -a -u -v -T s slow/d
	expect_status 0
	expect_out "'s/$1' -> 'slow/d/$1'"
	check cmp "s/$1" "slow/d/$1"
}

case_update_where_times_are_kept_in_2_s() {
	updated_again 2000000000
	became_newer 3 1
	became_newer 0 2
}

case_update_where_times_are_kept_in_1_s() {
	updated_again 1000000000
	# Even seconds do not mean that there are no odd ones
	became_newer 0 1
	became_newer 2 1
}

case_update_where_times_are_kept_in_10_ms() {
	updated_again 10000000
	became_newer 0 0.01
	became_newer 7 0.02
}

once_update_where_times_are_kept_in_100_us() {
	updated_again 100000
	became_newer 0 0.001
}

# What another machine has removed is still shown by a cache.
once_file_that_is_gone_but_still_shown() {
	local option
	mkdir -p backing s
	echo new >s/f
	mount_faultfs m backing --cache=3600
	for option in -r '-r --atomic' '-a --atomic'; do
		echo old >backing/f
		check test -e m/f
		rm backing/f
		# shellcheck disable=SC2086 # several options
		run_ucp $option s/. m
		expect_status 0
		expect_no_err
		[[ $(<backing/f) == new ]] || fail "$option: it was not made anew"
	done
}
