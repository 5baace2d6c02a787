# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016 # $status and $pid are set by lib.sh; conditions are evaluated later
# The progress line.
# modes: default tiny

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

# Copying a file with these options prints nothing.
prints_nothing() {
	head -c 3000000 /dev/urandom >a
	run_ucp "$@" a b
	expect_status 0
	expect_no_out
	expect_no_err
}

case_never_prints_nothing() {
	prints_nothing --progress=never
}

case_auto_prints_nothing_without_terminal() {
	prints_nothing --progress=auto
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

# --- on a terminal, as it is seen

# A copy of which half is done: nothing of an empty file, and a fifo that waits for more.
half_a_copy() {
	mkdir d
	: >empty
	open_fifo p
	head -c 1536 /dev/zero >p
}

# open_fifo NAME: it ends when $holder does.
open_fifo() {
	mkfifo "$1"
	bash -c 'exec 9<>"$1" && : >"$1.open" && exec sleep 1000' - "$1" >/dev/null 2>&1 &
	export holder=$!
	wait_for "[[ -e $1.open ]]"
	rm "$1.open"
}

# on_terminal STEPS… -- ARGS…: ucp on a terminal; what is then to be seen is in $OUT, without what differs each time.
on_terminal() {
	local steps=()
	while [[ $1 != -- ]]; do
		steps+=("$1")
		shift
	done
	run python3 "$TOOLS/terminal.py" --set=TERM=xterm --set=LC_ALL=C --unset=NO_COLOR "${steps[@]}" -- "$UCP" "${@:2}"
	[[ $holder == "$$" ]] || kill "$holder" 2>/dev/null
	expect_no_err
	sed -i -E 's/ *[0-9.]+ ([KMG]i)?B\/s/ RATE/; s/ *([0-9:]+|\?\?) (left|so far)/ TIME \2/g; s/ total [0-9:]+/ total TIME/; s/ in [0-9:]+;/ in TIME;/' "$OUT"
}

once_bar_of_80_columns() {
	half_a_copy
	on_terminal --wait=' 52% \[#{7} {7}\]   1\.5 KiB of 1\.5 KiB  1/2 files  .{8}/s  .{7} left' --do='kill $holder' \
		-- empty p d
	expect_status 0
	expect_out "100% [#############################]   1.5 KiB  2 files RATE  total TIME"
	check cmp d/p <(head -c 1536 /dev/zero)
}

once_bar_of_40_columns() {
	half_a_copy
	on_terminal --columns=40 --wait=' 52% \[### {3}\]  .{8}/s  .{7} left' --do='kill $holder' -- empty p d
	expect_status 0
	# In the end the bar is what can be done without
	expect_out "100%  1.5 KiB  2 files  total TIME"
}

# What has no room is left out whole.
once_bar_of_12_columns() {
	half_a_copy
	on_terminal --columns=12 --wait=' 52% \[##  \]' --do='kill $holder' -- empty p d
	expect_status 0
	expect_out "100%"
}

once_bar_of_200_columns() {
	half_a_copy
	on_terminal --columns=200 --wait=' 52% \[#{42} {40}\]   1\.5 KiB of 1\.5 KiB  1/2 files  .{8}/s  .{7} left  p' \
		--do='kill $holder' -- empty p d
	expect_status 0
	expect_out "100% [$(printf '#%.0s' {1..98})]   1.5 KiB  2 files RATE  total TIME"
}

# It is the one that is copied longest, and its name does nothing to the terminal.
once_bar_of_200_columns_names_a_file() {
	mkdir s d
	open_fifo $'s/1\e[2Jslow'
	local first=$holder
	open_fifo s/2
	export first
	on_terminal --columns=200 --wait=".*left  '1'[$]'.033''\\[2Jslow'" --do='kill $first' --wait='.*left  2' \
		--do='kill $holder' -- -j2 s/1* s/2 d
	expect_status 0
	rm -r s d
	mkdir d
	open_fifo "$(printf 'n%.0s' {1..60})"
	on_terminal --columns=160 --wait='.*left  n{38}\.\.' --do='kill $holder' -- n* d
	expect_status 0
}

once_bar_follows_the_width() {
	half_a_copy
	on_terminal --wait=' 52% \[#{7} {7}\]   1.*left' --resize=100 --wait=' 52% \[#{17} {17}\]   1.*left' \
		--resize=40 --wait=' 52% \[### {3}\] .*left' --do='kill $holder' -- empty p d
	expect_status 0
}

# Nothing of the line stays that was broken in two when the terminal got narrower.
once_bar_of_a_terminal_that_breaks_lines() {
	half_a_copy
	on_terminal --columns=100 --wait=' 52% \[#{17} {17}\]   1.*left' --reflow=30 --wait=' 52% .{1,25}' \
		--do='kill $holder' -- empty p d
	expect_status 0
	[[ $(wc -l <"$OUT") == 1 ]] || fail "there is more: $(<"$OUT")"
	expect_out_has "100% "
}

once_bar_moves_within_a_file() {
	half_a_copy
	on_terminal --wait=' 52% .*' --do='head -c 8192 /dev/zero >p' --wait=' 64% .*' --do='kill $holder' \
		-- empty p d
	expect_status 0
}

once_bar_of_blocks_in_utf8() {
	half_a_copy
	on_terminal --set=LC_ALL=C.UTF-8 --colors --wait=' 52% ▕█{7}▎ {6}▏   1.*' --do='kill $holder' -- empty p d
	expect_status 0
	expect_out "100% ▕█████████████████████████████▏   1.5 KiB  2 files RATE  total TIME"
}

once_bar_without_colors() {
	half_a_copy
	on_terminal --set=NO_COLOR=1 --no-colors --wait=' 52% \[.*' --do='kill $holder' -- empty p d
	expect_status 0
}

# Nothing but lines: by itself only every 10 seconds, so there is none yet.
once_dumb_terminal() {
	half_a_copy
	on_terminal --set=TERM=dumb --plain --do='wait_for() { until eval "$1"; do sleep 0.02; done; }
		wait_for "[[ -s d/p ]]"; kill -USR1 $pid' --wait='ucp: .*' --do='kill $holder' -- empty p d
	expect_status 0
	expect_out "ucp: 52%  1.5 KiB of 1.5 KiB  1 of 2 files RATE TIME left TIME so far"
}

# They tell of what there is, too, though nobody asked for them.
# limit: 90
once_dumb_terminal_counts() {
	half_a_copy
	on_terminal --set=TERM=dumb --plain --wait='52%  1\.5 KiB of 1\.5 KiB  1 of 2 files  .*/s  .* left' --do='kill $holder' \
		-- empty p d
	expect_status 0
}

# Lines of both kinds come between, and the bar comes back.
once_bar_gives_way_to_messages() {
	mkdir d
	open_fifo p
	local first=$holder
	open_fifo q
	export first
	on_terminal --wait='  0% .*' --do='kill $first' --wait="ucp: cannot stat 'nope': No such file or directory" \
		--wait=' 50% .*' --do='kill $holder' -- -j1 -v p nope q d
	expect_status 1
	expect_out "'p' -> 'd/p'" "ucp: cannot stat 'nope': No such file or directory" "'q' -> 'd/q'" \
		"2 of 2 files, 0 B in TIME; 1 error"
}

# A question stands alone until it is answered, but for a line that is asked for.
once_bar_gives_way_to_questions() {
	mkdir d
	: >d/q
	open_fifo p
	local first=$holder
	open_fifo q
	export first
	on_terminal --wait='  0% .*' --do='kill $first' --wait="ucp: overwrite 'd/q'\\? " --do='kill -USR1 $pid' \
		--wait='ucp: 50%.*' --type=$'y\n' --do='until ls -l /proc/$pid/fd | grep -q "/q$"; do sleep 0.02; done' \
		--do='kill $holder' -- -j1 -i p q d
	expect_status 0
	expect_out "ucp: overwrite 'd/q'?" "ucp: 50%  0 B of 0 B  1 of 2 files RATE TIME left TIME so far" \
		"ucp: overwrite 'd/q'? y" "100% [#############################]       0 B  2 files RATE  total TIME"
}

once_bar_is_gone_after_an_interrupt() {
	half_a_copy
	on_terminal --wait=' 52% .*' --do='kill -INT $pid' -- empty p d
	expect_status 130
	expect_out "ucp: interrupted at 50%: 0 of 0 B, 1/2 files copied"
	check_not test -e d/p
	half_a_copy_again
	on_terminal --columns=120 --wait=' 52% .*' --do='kill -TERM $pid' -- --resume empty p d
	expect_status 143
	expect_out "ucp: interrupted at 50%: 0 of 0 B, 1/2 files copied; give the same command again to go on"
	# Where there is no terminal it is over without a word, as with cp
	half_a_copy_again
	start_ucp empty p d
	wait_for '[[ -s d/p ]]'
	kill -s INT "$pid"
	finish_ucp
	kill "$holder"
	expect_status 130
	expect_no_err
}

half_a_copy_again() {
	rm -r d p empty
	half_a_copy
}

# It is told in the terminal's colours how much is missing.
once_bar_ends_with_what_failed() {
	half_a_copy
	mkdir d/b
	: >b
	on_terminal --colors --wait=' [0-9]+% .*' --do='kill $holder' -- empty p b d
	expect_status 1
	expect_out "ucp: cannot overwrite directory 'd/b' with non-directory 'b'" "2 of 3 files, 1.5 KiB in TIME; 1 failed"
	half_a_copy_again
	touch d/empty
	mkdir d/b
	on_terminal --set=NO_COLOR=1 --no-colors --columns=40 --wait=' [0-9]+% .*' --do='kill $holder' -- -n empty p b d
	expect_status 0
	expect_out "100%  1.5 KiB  1 file  total TIME"
}

# A question that nobody answers is not wiped away, nor does anything else get into its line.
once_question_stays_after_an_interrupt() {
	half_a_copy
	touch d/empty
	on_terminal --wait="ucp: overwrite 'd/empty'\\? " --do='kill -INT $pid' -- -i empty p d
	expect_status 130
	[[ $(head -n 1 "$OUT") == "ucp: overwrite 'd/empty'?" ]] || fail "it is gone: $(<"$OUT")"
	[[ $(sed 1d "$OUT") == "ucp: interrupted"* ]] || fail "nothing is said: $(<"$OUT")"
}

# What the shell says when it has stopped stands alone, too.
once_bar_is_gone_while_stopped() {
	half_a_copy
	run python3 "$TOOLS/terminal.py" --set=TERM=xterm --set=LC_ALL=C --wait=' 52% .*' \
		--do='kill -TSTP $(pgrep -P $pid)' --wait='here' --wait=' 52% .*' --do='kill $holder' \
		-- bash -mc '"$@"; echo here; fg' - "$UCP" empty p d
	kill "$holder" 2>/dev/null
	expect_no_err
	expect_status 0
	[[ $(head -c 2 "$OUT") != *%* ]] || fail "the bar is still there: $(cat "$OUT")"
	[[ $(grep -c % "$OUT") == 1 ]] || fail "more than the last bar: $(cat "$OUT")"
}

# --- plain lines, and those that are asked for

# expect_lines LINE…: stderr, without what differs each time.
expect_lines() {
	sed -i -E 's/[0-9.]+ ([KMG]i)?B\/s/RATE/; s/([0-9:]+|\?\?) (left|so far)/TIME \2/g; s/total [0-9:]+/total TIME/' "$ERR"
	expect_err "$@"
}

# limit: 90
once_plain_lines() {
	half_a_copy
	start_ucp --progress=plain empty p d
	wait_for '[[ -s $ERR ]]' 60
	kill "$holder"
	finish_ucp
	expect_status 0
	expect_lines "52%  1.5 KiB of 1.5 KiB  1 of 2 files  RATE  TIME left" "100%  1.5 KiB  2 files  RATE  total TIME"
}

case_plain_line_at_the_end() {
	head -c 3000000 /dev/urandom >a
	mkdir d
	run_ucp --progress=plain a d
	expect_status 0
	expect_no_out
	expect_lines "100%  2.9 MiB  1 file  RATE  total TIME"
	run_ucp --progress=plain a nope d
	expect_status 1
	sed -i -E 's/ in [0-9:]+;/ in TIME;/' "$ERR"
	expect_lines "ucp: cannot stat 'nope': No such file or directory" "1 of 1 file, 2.9 MiB in TIME; 1 error"
}

# What stays as it was is not to be waited for.
case_skipped_files_are_dealt_with() {
	mkdir d
	head -c 300000 /dev/urandom >old
	cp old d/old
	open_fifo p
	start_ucp -n old p d
	wait_for '[[ -e d/p ]]'
	kill -USR1 "$pid"
	wait_for '[[ -s $ERR ]]'
	kill "$holder"
	finish_ucp
	expect_status 0
	expect_lines "ucp: 91%  293 KiB of 293 KiB  1 of 2 files  RATE  TIME left  TIME so far"
}

# Only data counts, and each file once, whatever names it has.
case_total_is_what_is_moved() {
	mkdir d
	head -c 65536 /dev/urandom >a
	ln a b
	truncate -s 1G hole
	dd if=a of=hole conv=notrunc bs=64K seek=100 status=none
	open_fifo p
	start_ucp -a --copy-contents --reflink=never a b hole p d
	wait_for '[[ -e d/p ]]'
	kill -USR1 "$pid"
	wait_for '[[ -s $ERR ]]'
	kill "$holder"
	finish_ucp
	expect_status 0
	expect_lines "ucp: 87%  128 KiB of 128 KiB  3 of 4 files  RATE  TIME left  TIME so far"
}

# It is held back before anything else is done.
# only: release
once_sigusr1_is_blocked_at_once() {
	need cmd strace
	run strace -o "$CASE/trace" -e trace=rt_sigprocmask "$UCP" --version
	expect_status 0
	[[ $(head -n 1 "$CASE/trace") == 'rt_sigprocmask(SIG_BLOCK, [USR1], '* ]] || fail "it is not: $(cat "$CASE/trace")"
}

# Who starts it with the signal ignored may ask at any time.
case_sigusr1_is_taken_though_it_was_ignored() {
	mkdir d
	open_fifo p
	trap '' USR1
	start_ucp p d
	trap - USR1
	wait_for '[[ -e d/p ]]'
	kill -USR1 "$pid"
	wait_for '[[ -s $ERR ]]'
	kill "$holder"
	finish_ucp
	expect_status 0
	expect_lines "ucp: 0%  0 B of 0 B  0 of 1 file  RATE  TIME left  TIME so far"
}

# However often, early or late.
case_sigusr1_does_no_harm() {
	mkdir s
	head -c 20000000 /dev/urandom >s/big
	local i
	for i in {1..200}; do
		head -c $((i * 300)) s/big >"s/$i"
	done
	# shellcheck disable=SC2086 # the flags are words
	python3 - "$UCP" $UCP_FLAGS -r s d <<-'END' || fail "it did harm"
		import shutil, signal, subprocess, sys
		def block():  # until the program has begun
		    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
		for args in [[sys.argv[1], "nope", "nowhere"]] * 20 + [sys.argv[1:]] * 5:
		    shutil.rmtree("d", ignore_errors=True)
		    ucp = subprocess.Popen(args, preexec_fn=block, stderr=open("said", "w"))
		    asked = 0
		    while ucp.poll() is None:
		        ucp.send_signal(signal.SIGUSR1)
		        asked += 1
		    said = open("said").read().splitlines()
		    wanted = 1 if "nope" in args else 0
		    if ucp.returncode != wanted or len(said) > asked + wanted:
		        sys.exit(f"{args}: {ucp.returncode}, {said}")
	END
	same_tree s d --no-times
}

# --- many messages, and room

# Nobody reads thousands of lines on a terminal. Elsewhere all of them are there.
once_same_errors_are_few_on_a_terminal() {
	mkdir d
	touch a b
	run python3 "$TOOLS/terminal.py" --columns=120 --lines=60 --set=LC_ALL=C -- "$UCP" --json n{1..25} a/b b/a d
	expect_no_err
	expect_status 1
	[[ $(grep -c "^ucp: cannot stat 'n" "$OUT") == 10 ]] || fail "$(<"$OUT")"
	grep -qx 'ucp: ... and 15 more: No such file or directory' "$OUT" || fail "$(<"$OUT")"
	# Those of other reasons are all there
	[[ $(grep -c '^ucp: .*Not a directory' "$OUT") == 2 ]] || fail "$(<"$OUT")"
	run_ucp n{1..25} d
	[[ $(grep -c "^ucp: cannot stat 'n" "$ERR") == 25 && $(wc -l <"$ERR") == 25 ]] || fail "$(<"$ERR")"
	run_ucp --json n{1..25} d
	[[ $(grep -c '"type":"error"' "$OUT") == 25 ]] || fail "$(<"$OUT")"
}

# What has no room is told before it is begun, as soon as all is counted.
once_hint_before_there_is_no_room() {
	mount_tmpfs 4M full
	mkdir s
	truncate -s 1G s/hole
	head -c 6000000 /dev/urandom >s/a
	head -c 5000000 /dev/urandom >s/b
	run_ucp -r --dry-run s full/new/deep
	expect_err "ucp: cannot create directory 'full/new/deep': No such file or directory"
	run_ucp -r --dry-run s full/new
	expect_status 0
	expect_err "ucp: hint: 1.0 GiB would be copied, 4.0 MiB are free"
	rm s/hole
	run_ucp -r --dry-run s full/new
	expect_err "ucp: hint: 10.5 MiB would be copied, 4.0 MiB are free"
	expect_out_has "would copy 2 files with 11000000 bytes (10.5 MiB), and make 1 directory"
	open_fifo p
	start_ucp -r --copy-contents --progress=always p s full
	wait_for "grep -q '^ucp: hint: ' <(tr '\\r' '\\n' <\"\$ERR\" | sed 's/\\x1b\\[[A-Z]//g')"
	kill "$holder"
	finish_ucp
	tr '\r' '\n' <"$ERR" | sed 's/\x1b\[[A-Z]//g' | grep -q '^ucp: hint: .* are to be copied, .* are free$' || fail "$(_show "$ERR")"
	# Links take no room, and nobody knows of what is as new
	run_ucp -rs --dry-run "$PWD/s" full/new
	expect_no_err
	rm s/a s/b
	head -c 1000 /dev/urandom >s/a
	run_ucp -r --dry-run s full/new
	expect_no_err
}

# What is going to be overwritten makes room; where nobody knows how much that is, only what the file system never had room
# for has none.
once_hint_about_room_counts_what_is_overwritten() {
	local option
	mount_tmpfs 10M full
	mkdir -p s full/sub
	head -c 7000000 /dev/urandom >s/a
	cp s/a full/a
	for option in '' -T; do
		run_ucp --dry-run $option s/a full/a
		expect_status 0
		expect_no_err
	done
	cp s/a full/sub
	rm full/a
	# A tree over an older one of the same size
	run_ucp -rT --dry-run s full/sub
	expect_no_err
	run_ucp -r --progress=plain -T s full/sub
	expect_status 0
	! grep hint "$ERR" || fail "$(<"$ERR")"
	# Beside it there is no room, nor for a second one before the first one goes
	run_ucp -r --dry-run s full
	expect_err "ucp: hint: 6.7 MiB would be copied, 3.3 MiB are free"
	run_ucp --dry-run --atomic s/a full/sub/a
	expect_err "ucp: hint: 6.7 MiB would be copied, 3.3 MiB are free"
	run_ucp --dry-run -b s/a full/sub/a
	expect_err "ucp: hint: 6.7 MiB would be copied, 3.3 MiB are free"
	mkdir full/empty
	run_ucp -rT --dry-run s full/empty
	expect_err "ucp: hint: 6.7 MiB would be copied, 3.3 MiB are free"
	# More than there is in all, whatever goes
	head -c 5000000 /dev/urandom >s/b
	run_ucp -rT --dry-run s full/sub
	expect_err "ucp: hint: 11.4 MiB would be copied, 3.3 MiB are free"
}

# Who has a quota is not told of free room.
once_hint_of_a_quota() {
	mkdir s backing
	head -c 3000000 /dev/urandom >s/a
	head -c 2000000 /dev/urandom >s/b
	mount_faultfs far backing "fail write * EDQUOT"
	run_ucp -r s far/d
	expect_status 1
	[[ $(tail -n 1 "$ERR") == "ucp: hint: 4.8 MiB did not fit: the disk quota is used up (see quota(1))" ]] || fail "$(<"$ERR")"
}

# --- the summary

# expect_stats LINE…: stdout, without time and rate, which differ.
expect_stats() {
	[[ $(grep -cE '^time and rate:      [0-9]+\.[0-9]{2} s, [0-9.]+ ([KMG]i)?B/s$' "$OUT") == 1 ]] ||
		fail "no rate: $(cat "$OUT")"
	sed -i -E '/^time and rate: /d' "$OUT"
	expect_out "$@"
}

case_stats_of_a_tree() {
	mkdir -p s/sub/deep
	head -c 100000 /dev/urandom >s/a
	ln s/a s/b
	ln -s a s/link
	mkfifo s/sub/p
	truncate -s 1M s/sub/hole
	echo old >s/sub/old
	mkdir -p d/sub
	echo older >d/sub/old
	run_ucp -a -n --reflink=never --stats -T s d
	expect_status 0
	expect_no_err
	expect_stats \
		'regular files:      2' \
		'directories made:   1' \
		'symbolic links:     1' \
		'hard links:         1' \
		'special files:      1' \
		'left as they were:  1' \
		'failed:             0' \
		'data:               100000 bytes (97.7 KiB)' \
		'holes kept:         1048576 bytes (1.0 MiB)' \
		'zeros left out:     0 bytes (0 B)' \
		'reflinked:          0 bytes (0 B), 0 files'
}

case_stats_of_what_failed() {
	mkdir d d/b
	head -c 65536 /dev/urandom >a
	truncate -s 1M z
	: >b
	run_ucp --sparse=always --stats a z b d
	expect_status 1
	expect_err "ucp: cannot overwrite directory 'd/b' with non-directory 'b'"
	expect_stats \
		'regular files:      2' \
		'directories made:   0' \
		'symbolic links:     0' \
		'hard links:         0' \
		'special files:      0' \
		'left as they were:  0' \
		'failed:             1' \
		'data:               65536 bytes (64.0 KiB)' \
		'holes kept:         1048576 bytes (1.0 MiB)' \
		'zeros left out:     0 bytes (0 B)' \
		'reflinked:          0 bytes (0 B), 0 files'
}

# Bytes of a file that failed and was removed are no data that was copied.
once_stats_count_only_whole_files() {
	mkdir s
	head -c 3000000 /dev/urandom >s/big
	head -c 3000000 /dev/urandom >s/other
	head -c 100000 /dev/urandom >s/small
	mount_faultfs bad backing "fail write big EIO from=2000000" "fail flush other EIO"
	run_ucp -j1 -r --reflink=never --stats s bad/d
	expect_status 1
	check_not test -e backing/d/big
	check_not test -e backing/d/other
	grep -qxF 'data:               100000 bytes (97.7 KiB)' "$OUT" || fail "other data: $(cat "$OUT")"
	grep -qxF 'regular files:      1' "$OUT" || fail "other files: $(cat "$OUT")"
	rm -r backing/d
	run_ucp -j1 -r --reflink=never --json s bad/d
	expect_status 1
	expect_out_has '"bytes":100000'
	rm -r backing/d
	run_ucp -j1 -r --reflink=never --progress=plain s bad/d
	expect_status 1
	grep -q '^1 of 3 files, 97.7 KiB in .*; 2 failed$' "$ERR" || fail "another last line: $(cat "$ERR")"
}

# The end is told when everything is on the medium, not before, and what is waited for meanwhile.
once_flushing_is_shown() {
	local released='faultfs() { printf "%s\n" "${@:2}" >"$1/.faultfs"; }; faultfs medium clear'
	mount_medium ext4 64M fs
	mkdir -p s fs/d
	yes UNWRITABLE | head -c 300000 >s/file
	sync -f fs
	faultfs medium "hold write image with=UNWRITABLE"
	export holder=$$
	on_terminal --wait='100% \[#+\] .*1/1 file  flushing    0:0[1-9]' --do='kill -USR1 $pid' \
		--wait='ucp: 100%  .*  flushing 0:.* so far' --do="$released" --wait='100% .*' -- --fsync -r s fs/d
	expect_status 0
	grep -q '^100% .* total TIME$' "$OUT" || fail "no last line: $(<"$OUT")"
}

once_debug_tells_how() {
	mkdir s d
	head -c 1000 /dev/urandom >s/cached
	head -c 1000000 /dev/urandom >s/chunks
	: >s/empty
	{ head -c 65536 /dev/urandom && head -c 65536 /dev/zero; } >s/zeros
	cat s/* >/dev/null
	run_ucp -j1 --engine=sync --reflink=never --sparse=always --stats s/* d
	expect_status 0
	grep -qxF 'zeros left out:     65536 bytes (64.0 KiB)' "$OUT" || fail "no zeros: $(cat "$OUT")"
	grep -qE 'engine|strategy|io_uring|worker' "$OUT" && fail "it is for its developers: $(cat "$OUT")"
	run_ucp -j1 --engine=sync --reflink=never --sparse=always --debug s/* d
	expect_out_has 'files: 4, of them 0 shared by workers, 0 small and cached, 0 cloned, 1 streamed; '
	grep -qx 'engine: system calls' "$OUT" || fail "no engine: $(cat "$OUT")"
	run_ucp --reflink=never --debug s/cached d
	expect_status 0
	expect_out_has 'files: 1, of them 0 shared by workers, 1 small and cached, 0 cloned, 0 streamed; 1000 bytes'
}

# --- what is on the medium

case_synced_tells_all_in_the_end() {
	mkdir d
	head -c 20000000 /dev/urandom >a
	ln -s a l
	run_ucp -P --progress=synced a l d
	expect_status 0
	check cmp a d/a
	tr '\r' '\n' <"$ERR" | tail -n 1 | sed 's/\x1b\[K//; s/ *[0-9.]* [KMG]*i*B\/s.*/ RATE/; s/\[#*\]/[BAR]/; s/▕█*▏/[BAR]/' >"$CASE/last"
	[[ $(<"$CASE/last") == '100% [BAR]  19.1 MiB  2 files RATE' ]] || fail "the last line is $(cat "$CASE/last")"
}

# The last thing that is written is synced before the end is told.
# only: release
once_synced_tells_the_end_after_syncing() {
	need cmd strace
	head -c 1000000 /dev/urandom >a
	run strace -f -o "$CASE/trace" -e trace=syncfs,write,io_uring_enter,pwrite64,utimensat "$UCP" -p --engine=sync --progress=synced a b
	expect_status 0
	check cmp a b
	grep -E 'syncfs|pwrite64|utimensat|100%' "$CASE/trace" | grep -v unfinished | tail -n 3 |
		sed -E 's/.*(utimensat|syncfs|100%).*/\1/' >"$CASE/order"
	[[ $(paste -sd ' ' "$CASE/order") == *"syncfs 100%" ]] || fail "the order is $(cat "$CASE/order")"
	[[ $(grep -nE 'utimensat' "$CASE/trace" | tail -n 1 | cut -d: -f1) -lt $(grep -nE 'syncfs\(' "$CASE/trace" | tail -n 1 | cut -d: -f1) ]] ||
		fail "something was done after the last sync: $(tail -n 20 "$CASE/trace")"
}
