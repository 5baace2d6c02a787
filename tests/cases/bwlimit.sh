# shellcheck shell=bash disable=SC2154,SC2016 # $status and $pid are set by lib.sh; conditions are evaluated later
# --bwlimit: how fast data is moved.

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

case_bwlimit_does_not_hold_up_an_interrupt() {
	head -c 10000000 /dev/urandom >a
	start_ucp --reflink=never --bwlimit=1 a b
	wait_for '[[ -e b ]]'
	kill -s INT "$pid"
	finish_ucp
	expect_status 130
	check_not test -e b
}
