# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016 # $status and $pid are set by lib.sh; conditions are evaluated later
# Interrupted copies, ignored signals, and closed standard descriptors.
# modes: default sync tiny

# A fifo holds ucp for as long as the test likes: descriptor 9 keeps it open.
open_fifo() {
	mkfifo p
	exec 9<>p
	printf 'the beginning\n' >&9
}

# Started and waiting for more from the fifo.
start_waiting() {
	open_fifo
	start_ucp p copy 9>&-
	wait_for '[[ -s copy ]]'
}

interrupted_by() { # SIGNAL STATUS
	start_waiting
	kill -s "$1" "$pid"
	finish_ucp
	expect_status "$2"
	check_not test -e copy
}

case_sigint_while_reading() {
	interrupted_by INT 130
}

# modes: all
case_sigterm_while_reading() {
	interrupted_by TERM 143
}

case_sighup_while_reading() {
	interrupted_by HUP 129
}

# What is whole stays, what is not goes.
# modes: all
case_finished_files_stay() {
	local i
	mkdir s d
	for i in {1..30}; do
		head -c $((i * 5000)) /dev/urandom >"s/$i"
	done
	open_fifo
	start_ucp s/* p d 9>&-
	wait_for 'python3 "$TOOLS/cmptree.py" --no-times --no-root s d >"$CASE/cmp"; [[ $(grep -c : "$CASE/cmp") == 1 ]] && grep -q "only in B.*p" "$CASE/cmp"'
	kill -s INT "$pid"
	finish_ucp
	expect_status 130
	check_not test -e d/p
	same_tree s d --no-times --no-root
}

# A copy that takes a while, and has begun.
start_big_copy() {
	(($(df --output=avail -k . | tail -n 1) > 9 * 1024 * 1024)) || skip "needs 9 GiB of space"
	truncate -s 8G big 2>/dev/null || skip "no files of 8 GiB here"
	printf end >>big
	start_ucp --sparse=never big copy
	wait_for '[[ $(stat -c %b copy 2>/dev/null) -gt 0 ]]' 20
}

end_big_copy() {
	finish_ucp
	if [[ $status == 0 && $(tail -c 3 copy) == end ]]; then
		rm -f copy
		skip "too fast to be interrupted"
	fi
}

# limit: 120
case_big_file_interrupted() {
	start_big_copy
	kill -s INT "$pid"
	end_big_copy
	expect_status 130
	check_not test -e copy
}

# limit: 120
case_big_file_terminated() {
	start_big_copy
	kill -s TERM "$pid"
	end_big_copy
	expect_status 143
	check_not test -e copy
}

# A file that was there before may stay, cut or not, but must not look whole.
# limit: 120
case_big_existing_file_interrupted() {
	truncate -s $((8 * 1024 * 1024 * 1024 + 3)) copy 2>/dev/null || skip "no files of 8 GiB here"
	start_big_copy
	kill -s INT "$pid"
	end_big_copy
	expect_status 130
	[[ ! -e copy || $(stat -c %s copy) != $(stat -c %s big) || $(tail -c 3 copy) == end ]] ||
		fail "the destination passes for whole"
}

# Not an exit status that looks like a signal: the signal itself.
once_death_is_by_the_signal() {
	open_fifo
	python3 - "$UCP" <<-'END' || fail "wrong end"
		import os, signal, subprocess, sys, time
		deadly = signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGALRM, signal.SIGXCPU
		for number in deadly:
		    ucp = subprocess.Popen([sys.argv[1], "p", "copy"],
		                           preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in deadly])
		    while not os.path.exists("copy"):
		        time.sleep(0.01)
		    ucp.send_signal(number)
		    code = ucp.wait()
		    if code != -number:
		        sys.exit("%s: ended with %d" % (number, code))
		    if os.path.exists("copy"):
		        sys.exit("%s: the copy is still there" % number)
	END
}

# --- storage that does not answer

# The first one waits for what is in flight; the second one for nothing, and leaves nothing half.
second_signal_ends_it() { # ARGS…
	head -c 3000000 /dev/urandom >"$CASE/big"
	mkdir s d
	mv "$CASE/big" s/big
	echo small >s/small
	echo old >d/big
	mount_faultfs hung s "hold read big from=1000000"
	start_ucp "$@"
	wait_for '(($(faultfs_count hung held) > 0))'
	kill -s INT "$pid"
	kill -s TERM "$pid"
	finish_ucp
	expect_status 130
	faultfs hung clear
}

case_second_signal_while_reading() {
	second_signal_ends_it hung/big new
	check_not test -s new
}

case_second_signal_while_overwriting() {
	second_signal_ends_it -r -T hung d
	[[ ! -s d/big ]] || fail "it looks whole"
}

case_second_signal_while_hidden() {
	second_signal_ends_it --atomic -r -T hung d
	[[ $(<d/big) == old ]] || fail "what was there is gone"
	rm -f d/small
	[[ $(ls -A d) == big ]] || fail "left: $(ls -A d)"
}

case_second_signal_while_verifying() {
	second_signal_ends_it --verify hung/big new
	check_not test -s new
}

# ends_while_flushing OPTION: the copy of s ends by a signal while a medium does not take what is flushed.
ends_while_flushing() {
	mount_medium ext4 64M fs
	mkdir -p s fs/d
	yes UNWRITABLE | head -c 300000 >s/file
	sync -f fs
	faultfs medium "hold write image with=UNWRITABLE"
	start_ucp "$1" -r s fs/d
	wait_for '(($(faultfs_count medium held) > 0))'
	kill -s TERM "$pid"
	finish_ucp
	faultfs medium clear
	expect_status 143
	check_not grep -q "ucp:" "$ERR"
	check cmp s/file fs/d/s/file
}

# The first one is enough.
once_signal_while_flushing() {
	ends_while_flushing --fsync
}

once_signal_while_synced_progress_waits() {
	ends_while_flushing --progress=synced
}

# A move removes nothing then.
once_signal_while_a_move_is_flushed() {
	ends_while_flushing --move
}

# --- ignored signals

case_ignored_signals_stay_ignored() {
	mkfifo p
	exec 9<>p
	(
		exec 9>&-
		trap '' INT HUP
		# shellcheck disable=SC2086 # the flags are words
		exec "$UCP" $UCP_FLAGS p copy
	) >"$OUT" 2>"$ERR" &
	pid=$!
	printf 'the beginning\n' >&9
	wait_for '[[ -s copy ]]'
	kill -s INT "$pid"
	kill -s HUP "$pid"
	printf 'the end\n' >&9
	exec 9>&-
	finish_ucp
	expect_status 0
	[[ $(<copy) == $'the beginning\nthe end' ]] || fail "wrong content: $(<copy)"
}

case_stop_and_continue() {
	head -c 20000000 /dev/urandom >a
	start_ucp a b
	kill -s STOP "$pid" 2>/dev/null
	wait_for '[[ ! -e /proc/$pid/stat || $(<"/proc/$pid/stat") == *") "[TZ]" "* ]] 2>/dev/null'
	kill -s CONT "$pid" 2>/dev/null
	finish_ucp
	expect_status 0
	check cmp a b
}

case_stop_and_continue_while_reading() {
	start_waiting
	kill -s STOP "$pid"
	wait_for '[[ $(<"/proc/$pid/stat") == *") T "* ]]'
	kill -s CONT "$pid"
	printf 'the end\n' >&9
	exec 9>&-
	finish_ucp
	expect_status 0
	[[ $(<copy) == $'the beginning\nthe end' ]] || fail "wrong content: $(<copy)"
}

# --- closed standard descriptors

two_files_and_an_error() {
	mkdir d
	head -c 300000 /dev/urandom >a
	echo c >c
}

two_files_are_right() {
	check cmp a d/a
	check cmp c d/c
}

case_stdin_closed() {
	two_files_and_an_error
	run_ucp a c d <&-
	expect_status 0
	two_files_are_right
}

case_stdout_closed() {
	two_files_and_an_error
	check ucp a c d >&-
	two_files_are_right
}

case_stderr_closed() {
	two_files_and_an_error
	check_not ucp a nope c d 2>&-
	two_files_are_right
}

case_everything_closed() {
	two_files_and_an_error
	check_not ucp a nope c d <&- >&- 2>&-
	two_files_are_right
}

case_stdout_closed_and_verbose() {
	two_files_and_an_error
	check_not ucp -v a c d >&-
	two_files_are_right
}

# Who looks through the sources for what must not be overwritten is heard at once: in other threads than the copying, and ahead
# of it. The source takes minutes to be looked through.
once_end_while_sources_are_looked_through() {
	local i options before after
	mkdir -p backing/x d
	for ((i = 0; i < 6000; ++i)); do
		: >"backing/x/$i"
	done
	echo new >backing/a
	mkdir s
	mount_faultfs s backing --cache=0
	for options in "-rT -j2 --debug" "-rT -j2 --checksums=sums" "-rT -j1 --keep-directory-symlink"; do
		rm -rf d
		mkdir d
		echo old >d/a
		ln d/a name
		head -c 32 /dev/zero | tr '\0' 0 >sums && echo '  a' >>sums
		faultfs s clear "latency 20" reset
		# shellcheck disable=SC2086 # several options
		start_ucp $options s d
		wait_for '(($(faultfs_count s "requests getattr") + $(faultfs_count s "requests lookup") > 40))' 30
		kill -s INT "$pid"
		before=$(($(faultfs_count s "requests getattr") + $(faultfs_count s "requests lookup")))
		finish_ucp
		expect_status 130
		after=$(($(faultfs_count s "requests getattr") + $(faultfs_count s "requests lookup")))
		((after - before < 500)) || fail "$options: it went on: $((after - before)) requests"
		expect_no_err
		[[ $(<name) == old ]] || fail "what stood there is lost"
		faultfs s "latency 0"
		rm name
	done
}
