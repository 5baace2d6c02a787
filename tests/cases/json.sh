# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016 # $status and $pid are set by lib.sh; conditions are evaluated later
# --json: events as lines of JSON.
# modes: default sync tiny

# expect_events KEYS LINE…: stdout fits the schema, and has these members of these events.
expect_events() {
	# shellcheck disable=SC2086 # the keys are words
	python3 "$TOOLS/jsonlines.py" "$ROOT/docs/json-schema.json" "$OUT" $1 >"$CASE/events" ||
		fail "$(cat "$CASE/events")"
	cp "$CASE/events" "$OUT"
	expect_out "${@:2}"
}

case_json_of_a_copy() {
	head -c 100000 /dev/urandom >a
	run_ucp --json --reflink=never a b
	expect_status 0
	expect_no_err
	check cmp a b
	expect_events "operands bytes regular_files errors exit_status" \
		'started {"operands": 2}' \
		'summary {"bytes": 100000, "regular_files": 1, "errors": 0, "exit_status": 0}'
}

# One word for programs, or null; what is for people stands beside it.
case_json_of_the_engine() {
	head -c 3000000 /dev/urandom >a
	: >empty
	run_ucp --json --engine=sync --reflink=never --chunk-size=64K a b
	expect_events "engine engine_details" 'started {}' 'summary {"engine": "sync", "engine_details": "system calls"}'
	run_ucp --json -l a c
	expect_events "engine engine_details" 'started {}' 'summary {"engine": null}'
	run_ucp --json --engine=uring --reflink=never a d 2>/dev/null
	[[ $status != 0 ]] || grep -q '"engine":"uring","engine_details":"io_uring of ' "$OUT" || fail "$(<"$OUT")"
}

case_json_of_a_dry_run() {
	echo a >a
	run_ucp --json --dry-run a b
	expect_status 0
	expect_no_err
	check_not test -e b
	expect_events "dry_run exit_status" 'started {"dry_run": true}' 'copying {}' 'summary {"exit_status": 0}'
	run_ucp --json a b
	expect_status 0
	expect_events "dry_run exit_status" 'started {"dry_run": false}' 'summary {"exit_status": 0}'
}

case_json_of_errors() {
	mkdir d d/b
	echo a >a
	echo b >b
	run_ucp -j1 --json a nope b d
	expect_status 1
	expect_err "ucp: cannot stat 'nope': No such file or directory" \
		"ucp: cannot overwrite directory 'd/b' with non-directory 'b'"
	expect_events "operation path source destination errno errno_name warning failed errors exit_status" \
		'started {}' \
		'error {"operation": "stat", "path": "nope", "source": "nope", "destination": "d/nope", "errno": 2, "errno_name": "ENOENT", "warning": false}' \
		'error {"operation": "copy", "path": "d/b", "source": "b", "destination": "d/b", "warning": false}' \
		'summary {"failed": 1, "errors": 2, "exit_status": 1}'
}

# Also where nothing is begun.
case_json_of_a_wrong_destination() {
	echo a >a
	run_ucp --json a a nowhere
	expect_status 1
	expect_err "ucp: target 'nowhere': No such file or directory"
	expect_events "operation path errno errno_name bytes exit_status" \
		'started {}' \
		'error {"operation": "access", "path": "nowhere", "errno": 2, "errno_name": "ENOENT"}' \
		'summary {"bytes": 0, "exit_status": 1}'
}

# Whatever is wrong, and wherever: programs read to the last line.
once_json_of_a_wrong_command_line() {
	run_ucp --no-such a --jso -n b
	expect_status 1
	expect_err "ucp: unrecognized option '--no-such'" "Try 'ucp --help' for more information."
	expect_events "operands operation path source errno message errors exit_status" \
		'started {"operands": 2}' \
		"error {\"operation\": \"usage\", \"message\": \"unrecognized option '--no-such'\"}" \
		'summary {"errors": 1, "exit_status": 1}'
	run_ucp --json --dry-run --chunk-size 3 -- a --help
	expect_status 1
	expect_events "operands dry_run operation path source exit_status" \
		'started {"operands": 2, "dry_run": true}' 'error {"operation": "usage", "path": "3"}' 'summary {"exit_status": 1}'
	# What only looks like it is an argument, or an operand
	local words
	for words in "-S --json -y a" "--suffix --json --re a" "-t --json --suffix" "--re -- --json"; do
		# shellcheck disable=SC2086 # these are words
		run_ucp $words
		expect_status 1
		expect_no_out
	done
	# A text that is asked for is no event
	run_ucp --json --version
	expect_status 0
	expect_out "$(ucp --version)"
}

# fail_with_names NAME…: an error for each, as a directory stands where the file is to be.
fail_with_names() {
	local name
	mkdir s d
	for name; do
		: >"s/$name"
		mkdir "d/$name"
	done
	run_ucp -j1 --json "${@/#/s/}" d
	expect_status 1
}

case_json_of_any_name() {
	local names=($'new\nline' $'tab\t"quoted"\\' $'ctrl\1\33[0m' 'ä€😀' $'\377' $'a\303' $'\355\240\200' $'x\300\257y' "it's")
	fail_with_names "${names[@]}"
	expect_events "path path_base64" \
		'started {}' \
		'error {"path": "d/new\nline"}' \
		'error {"path": "d/tab\t\"quoted\"\\"}' \
		'error {"path": "d/ctrl\u0001\u001b[0m"}' \
		'error {"path": "d/\u00e4\u20ac\ud83d\ude00"}' \
		'error {"path": "d/\ufffd", "path_base64": "d/\\xff"}' \
		'error {"path": "d/a\ufffd", "path_base64": "d/a\\xc3"}' \
		'error {"path": "d/\ufffd\ufffd\ufffd", "path_base64": "d/\\xed\\xa0\\x80"}' \
		'error {"path": "d/x\ufffd\ufffdy", "path_base64": "d/x\\xc0\\xafy"}' \
		"error {\"path\": \"d/it's\"}" \
		'summary {}'
}

# Whoever looks at the lines on a terminal is safe, too: DEL and the C1 controls are escaped as those below U+0020 are.
case_json_has_no_control_characters() {
	local names=($'del\177' $'c1\302\200\302\233[m\302\237' $'\302\240ä' $'\233\302')
	fail_with_names "${names[@]}"
	LC_ALL=C grep -qaP '\x7f|\xc2[\x80-\x9f]|[\x01-\x09\x0b-\x1f]' "$OUT" && fail "there are some: $(_show "$OUT")"
	expect_events "path" \
		'started {}' \
		'error {"path": "d/del\u007f"}' \
		'error {"path": "d/c1\u0080\u009b[m\u009f"}' \
		'error {"path": "d/\u00a0\u00e4"}' \
		'error {"path": "d/\ufffd\ufffd"}' \
		'summary {}'
}

case_json_of_verbose_lines() {
	mkdir s
	echo a >s/a
	run_ucp -rv --json s d
	expect_status 0
	expect_no_err
	expect_events "source destination text" \
		'started {}' \
		"copying {\"source\": \"s\", \"destination\": \"d\", \"text\": \"'s' -> 'd'\"}" \
		"copying {\"source\": \"s/a\", \"destination\": \"d/a\", \"text\": \"'s/a' -> 'd/a'\"}" \
		'summary {}'
	run_ucp -v --remove-destination --json s/a d/a
	expect_status 0
	expect_events "source destination text" \
		'started {}' \
		"removed {\"destination\": \"d/a\", \"text\": \"removed 'd/a'\"}" \
		"copying {\"source\": \"s/a\", \"destination\": \"d/a\", \"text\": \"'s/a' -> 'd/a'\"}" \
		'summary {}'
}

case_json_with_everything() {
	make_tree --seed 5 --files 60 s
	run_ucp -a --debug --stats --json --progress=always s d
	expect_status 0
	python3 "$TOOLS/jsonlines.py" "$ROOT/docs/json-schema.json" "$OUT" >"$CASE/events" || fail "$(cat "$CASE/events")"
}

# Every second, and an interrupt is an end, too.
once_json_of_progress() {
	mkfifo p
	exec 9<>p
	printf 'the beginning\n' >&9
	start_ucp --json p copy 9>&-
	wait_for '[[ $(grep -c progress "$OUT") == 2 ]]'
	kill -s INT "$pid"
	finish_ucp
	expect_status 130
	expect_events "bytes files total_bytes total_files signal exit_status" \
		'started {}' \
		'progress {"bytes": 14, "files": 0, "total_bytes": 14, "total_files": 1}' \
		'progress {"bytes": 14, "files": 0, "total_bytes": 14, "total_files": 1}' \
		'summary {"bytes": 0, "signal": "SIGINT"}'
}

once_json_and_checksums() {
	echo a >a
	run_ucp --json --checksums=- a b
	expect_status 1
	expect_events "operation exit_status" 'started {}' 'error {"operation": "usage"}' 'summary {"exit_status": 1}'
	expect_err "ucp: --json and --checksums=- both need standard output" "Try 'ucp --help' for more information."
	check_not test -e b
	run_ucp --json --checksums=list a b
	expect_status 0
	expect_events "exit_status" 'started {}' 'summary {"exit_status": 0}'
	check xxhsum -c --quiet list
}

case_json_that_nobody_reads() {
	head -c 1000000 /dev/urandom >a
	ucp --json a b >/dev/full 2>"$ERR" && fail "it should have failed"
	expect_err "ucp: write error: No space left on device"
	check cmp a b
}

# A source that is removed is no destination; and each change is an event.
once_json_moves() {
	mount_tmpfs 16M there
	mkdir s
	echo a >s/a
	run_ucp --move --json -v --itemize s there
	expect_status 0
	python3 "$TOOLS/jsonlines.py" "$ROOT/docs/json-schema.json" "$OUT" >"$CASE/events" || fail "$(cat "$CASE/events")"
	grep -qxF '{"type":"source_removed","source":"s/a","text":"removed '"'s/a'"'"}' "$OUT" || fail "$(<"$OUT")"
	grep -qxF '{"type":"change","change":"new","object":"file","source":"s/a","destination":"there/s/a"}' "$OUT" ||
		fail "$(<"$OUT")"
	check_not test -e s
}
