# shellcheck shell=bash disable=SC2154,SC2016 # $status and $pid are set by lib.sh; conditions are evaluated later
# The progress line.

case_always_tells_bytes_and_percent() {
	head -c 3000000 /dev/urandom >a
	run_ucp --progress=always a b
	expect_status 0
	check cmp a b
	cat "$OUT" "$ERR" >"$CASE/said"
	grep -qaE '[0-9.]+ ?([KMGT]i?B?|B|bytes)' "$CASE/said" || fail "no bytes: $(cat -v "$CASE/said")"
	grep -qa '100 \?%' "$CASE/said" || fail "no percent: $(cat -v "$CASE/said")"
}

case_always_with_a_tree() {
	mkdir -p s/sub
	head -c 300000 /dev/urandom >s/sub/a
	: >s/empty
	run_ucp --progress=always -r s d
	expect_status 0
	same_tree s d --no-times
	[[ -s $OUT || -s $ERR ]] || fail "nothing was printed"
}

case_always_with_nothing_to_copy() {
	mkdir s
	run_ucp --progress=always -r s d
	expect_status 0
	: >a
	run_ucp --progress=always a b
	expect_status 0
	check test -f b
}

case_never_prints_nothing() {
	head -c 3000000 /dev/urandom >a
	run_ucp --progress=never a b
	expect_status 0
	expect_no_out
	expect_no_err
}

case_auto_prints_nothing_without_terminal() {
	head -c 3000000 /dev/urandom >a
	run_ucp --progress=auto a b
	expect_status 0
	expect_no_out
	expect_no_err
}

case_messages_stay_whole() {
	head -c 3000000 /dev/urandom >a
	mkdir d
	run_ucp --progress=always a nope d
	expect_status 1
	tr '\r' '\n' <"$ERR" | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' |
		grep -qxF "ucp: cannot stat 'nope': No such file or directory" ||
		fail "the message is not on its own: $(cat -v "$ERR")"
}

case_verbose_lines_stay_whole() {
	mkdir s
	touch s/{1..50}
	run_ucp --progress=always -rv s d
	expect_status 0
	[[ $(grep -cxE "'s(/[0-9]+)?' -> 'd(/[0-9]+)?'" "$OUT") == 51 ]] || fail "lines are broken: $(cat -v "$OUT")"
}

# It ends with a new line, so that the prompt starts where it should.
case_always_ends_its_line() {
	head -c 3000000 /dev/urandom >a
	run_ucp --progress=always a b
	expect_status 0
	case $(tail -c 3 "$ERR" && echo .) in
	. | *$'\n'. | *$'\r'. | *$'\e[K'.) ;;
	*) fail "the line is left open: $(cat -v "$ERR")" ;;
	esac
}

# On a terminal it comes by itself when the copy takes longer.
once_auto_on_a_terminal() {
	need cmd script
	mkfifo p
	exec 9<>p
	printf 'the beginning\n' >&9
	script -qfec "'$UCP' p copy" /dev/null >seen 9>&- </dev/null &
	wait_for '[[ -s seen ]]' 30
	printf 'the end\n' >&9
	exec 9>&-
	wait "$!"
	[[ $(<copy) == $'the beginning\nthe end' ]] || fail "wrong content: $(<copy)"
	grep -qa '[0-9]' seen || fail "no numbers: $(cat -v seen)"
}

once_never_on_a_terminal() {
	need cmd script
	head -c 3000000 /dev/urandom >a
	script -qfec "'$UCP' --progress=never a b" /dev/null >seen </dev/null
	check cmp a b
	[[ ! -s seen ]] || fail "something was printed: $(cat -v seen)"
}

once_short_copies_show_none_on_a_terminal() {
	need cmd script
	echo a >a
	script -qfec "'$UCP' a b" /dev/null >seen </dev/null
	check cmp a b
	[[ ! -s seen ]] || fail "something was printed: $(cat -v seen)"
}
