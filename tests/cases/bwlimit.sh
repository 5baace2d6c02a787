# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016 # $status and $pid are set by lib.sh; conditions are evaluated later
# --bwlimit: how fast data is moved.
# modes: default sync tiny

# took_at_least TENTHS: the last run, as its summary tells.
took_at_least() {
	local elapsed
	elapsed=$(sed -n 's/.*"type":"summary","elapsed":\([0-9.]*\),.*/\1/p' "$OUT")
	[[ $elapsed ]] || fail "no summary: $(cat "$OUT")"
	awk -v e="$elapsed" -v t="$1" 'BEGIN { exit !(e * 10 >= t) }' || fail "it took only $elapsed s"
}

case_bwlimit_of_a_file() {
	head -c 300000 /dev/urandom >a
	run_ucp --json --reflink=never --bwlimit=300K a b
	expect_status 0
	check cmp a b
	took_at_least 9
}

case_bwlimit_of_a_file_in_order() {
	head -c 300000 /dev/urandom >a
	run_ucp --json --checksums=list --bwlimit=300K a b
	expect_status 0
	check cmp a b
	took_at_least 9
}

case_bwlimit_of_many_files() {
	mkdir s
	local i
	for i in {1..100}; do
		head -c 3000 /dev/urandom >"s/$i"
	done
	run_ucp --json -r --reflink=never --bwlimit=300K s d
	expect_status 0
	same_tree s d --no-times
	took_at_least 9
}

case_bwlimit_of_a_stream() {
	head -c 300000 /dev/urandom >a
	mkfifo p
	cat a >p &
	run_ucp --json --bwlimit=300K p b
	expect_status 0
	check cmp a b
	took_at_least 9
}

# At this rate it would take months.
case_bwlimit_that_is_changed() {
	head -c 1000000 /dev/urandom >a
	echo 1 >rate
	start_ucp --reflink=never --bwlimit=@rate a b
	wait_for '[[ -e b ]]'
	echo 1M >rate
	wait_for '[[ $(stat -c %b b) != 0 ]]'
	echo 0 >rate
	finish_ucp
	expect_status 0
	expect_no_err
	check cmp a b
}

case_bwlimit_that_is_no_rate() {
	head -c 1000000 /dev/urandom >a
	echo 1 >rate
	start_ucp --reflink=never --bwlimit=@rate a b
	wait_for '[[ -e b ]]'
	echo fast >rate
	wait_for '[[ -s $ERR ]]'
	echo 0 >rate
	finish_ucp
	expect_status 0
	expect_err "ucp: ignoring 'rate': it holds no rate"
	check cmp a b
	run_ucp --bwlimit=@nope a c
	expect_status 1
	expect_err "ucp: cannot open 'nope' for reading: No such file or directory"
	check_not test -e c
	run_ucp --bwlimit=fast a c
	expect_status 1
	expect_err "ucp: invalid rate: 'fast' (bytes a second, as 20M or 500K, or @FILE)"
}

# As rsync and pv are told it.
once_rates_as_people_write_them() {
	head -c 30000 /dev/urandom >a
	local rate
	for rate in 20m 1.5M 0.5G/s 10MB/s 10MiB/s 10mib/S 100000B/s .5g; do
		run_ucp --reflink=never --bwlimit="$rate" a b
		expect_status 0
		expect_no_err
		echo "$rate" >rate
		run_ucp --reflink=never --bwlimit=@rate a b
		expect_status 0
		expect_no_err
	done
	for rate in 0.4 1. 5M/ 5Ms 10mbit 1e5 1,5M /s M -1.5M; do
		run_ucp --bwlimit="$rate" a c
		expect_status 1
		expect_err "ucp: invalid rate: '$rate' (bytes a second, as 20M or 500K, or @FILE)"
	done
	check_not test -e c
	# It is what it looks like
	run_ucp --json --reflink=never --bwlimit=0.03MB/s a b
	expect_status 0
	took_at_least 8
	run_ucp --max-size=29k a d
	expect_status 0
	check_not test -e d
	run_ucp --max-size=29.5k a d
	expect_status 0
	check cmp a d
	run_ucp --chunk-size=64k a b
	expect_status 0
	run_ucp --chunk-size=1.5M a c
	expect_status 1
	expect_err "ucp: invalid chunk size: '1.5M' (512 to 64M)"
	run_ucp -j1.5 a c
	expect_status 1
	expect_err "ucp: invalid number of threads: '1.5' (1 to 1024)"
}

# In a script for rsync, or rclone, it is in KiB.
once_rate_that_may_be_meant_in_other_units() {
	echo a >a
	run_ucp --bwlimit=5000 a b
	expect_status 0
	expect_err "ucp: hint: --bwlimit=5000 means 4.9 KiB a second; rsync counts in KiB, which is --bwlimit=5000K here"
	run_ucp --bwlimit=1500.5 a b
	expect_status 0
	expect_err "ucp: hint: --bwlimit=1500.5 means 1.5 KiB a second; rsync counts in KiB, which is --bwlimit=1500.5K here"
	local rate
	for rate in 0 0.0 5K 5000B 5000/s 65536; do
		run_ucp --bwlimit="$rate" a b
		expect_status 0
		expect_no_err
	done
	# The last one counts
	run_ucp --bwlimit=5000 --bwlimit=20M a b
	expect_no_err
	echo 5000 >rate
	run_ucp --bwlimit=5000 --bwlimit=@rate a b
	expect_no_err
}

case_bwlimit_does_not_hold_up_an_interrupt() {
	head -c 10000000 /dev/urandom >a
	start_ucp --reflink=never --bwlimit=1 a b
	wait_for '[[ -e b ]]'
	kill -s INT "$pid"
	finish_ucp
	expect_status 130
	check_not test -e b
}
