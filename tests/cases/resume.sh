# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016 # $status and $pid are set by lib.sh; conditions are evaluated later
# --resume: an interrupted copy goes on where it stopped. See also crash.sh.
# modes: default sync tiny short syncshort

names() { # DIR: all that is in it, hidden or not
	find "$1" -mindepth 1 -printf '%P\n' | LC_ALL=C sort
}

expect_names() { # DIR NAME…
	[[ $(names "$1") == "$(printf '%s\n' "${@:2}")" ]] || fail "in $1 are: $(names "$1" | tr '\n' ' ')"
}

# Some small files, a big one, and a fifo that holds ucp after all of them: descriptor 9 keeps it open.
make_source() {
	local i
	mkdir s
	for i in 1 2 3; do
		echo "small $i" >"s/f$i"
	done
	head -c 120000000 /dev/urandom >s/big
	ln s/f1 s/link
}

# The temporary name for a name: where one is made when nothing without a name can be.
hidden_name() { # NAME
	mkdir hidden
	mkfifo fifo
	exec 7<>fifo
	echo x >&7
	"$UCP" --copy-contents --atomic --x-inject=no-unnamed fifo "hidden/$1" 7>&- &
	wait_for '[[ -n $(ls -A hidden) ]]'
	ls -A hidden
	exec 7>&-
	wait $!
	rm -r hidden fifo
}

# When some ranges are in the journal.
end_in_the_middle() { # SIGNAL
	wait_for '[[ $(stat -c %s d/.ucp-journal 2>/dev/null || echo 0) -gt 300 || ! -e /proc/$pid ]]' 20
	kill -s "$1" "$pid" 2>/dev/null
	finish_ucp
	[[ -e d/.ucp-journal ]] || skip "too fast to be interrupted"
}

# Interrupted with SIGNAL when some of the big file is in the journal, or all of it is done: then there are records.
interrupt() { # SIGNAL ARGS…
	start_ucp -a --resume --reflink=never -T "${@:2}" s d
	end_in_the_middle "$1"
	check_not test -e d/big
}

# Bytes of the big file that are written by a run, in decimal.
written_again() {
	sed -n 's/^files: .*; \([0-9]*\) bytes$/\1/p' "$OUT"
}

resumed() { # SIGNAL
	make_source
	# A slow reader of data: little at a time
	interrupt "$1" --chunk-size=4K --queue-depth=1 -j1
	run_ucp -a --resume --reflink=never -T -v s d
	expect_status 0
	expect_no_err
	same_tree s d
}

case_killed_and_resumed() {
	resumed KILL
}

# removed_while_open TRACE: the names of files that are removed while TRACE, of strace -f -y -e trace=openat,close,unlinkat, has
# them open. NFS keeps these under other names.
removed_while_open() {
	# shellcheck disable=SC2016 # awk's
	awk '{
		sub(/^[0-9]+ +/, "")
	}
	/^(openat|linkat)\(.* = [0-9]+</ {
		name = $0
		sub(/^.* = [0-9]+</, "", name)
		sub(/>(\(deleted\))?$/, "", name)
		number = $0
		sub(/<[^<]*$/, "", number)
		sub(/^.* /, "", number)
		open[number] = name
	}
	/^close\(/ {
		number = $0
		sub(/^close\(/, "", number)
		sub(/[<)].*$/, "", number)
		delete open[number]
	}
	/^unlinkat\(.* = 0$/ {
		split($0, part, /[<>"]/)
		for (number in open) {
			if (open[number] == part[2] "/" part[4]) {
				print part[4]
			}
		}
	}' "$1"
}

# Nothing is removed while it is open: on NFS it would stay there, under a name like .nfs0001, until later.
# only: release
once_nothing_is_removed_while_open() {
	local options
	need root
	need cmd strace
	mount_tmpfs 8M m
	mkdir s
	head -c 12000000 /dev/urandom >s/big
	echo small >s/small
	for options in '' --atomic --resume '--resume --engine=sync' --engine=uring '--verify --atomic'; do
		rm -rf m/*
		# shellcheck disable=SC2086 # several options
		run strace -f -y -qq -o trace -e trace=openat,close,unlinkat "$UCP" -r -j1 $options s m/d
		expect_status 1
		[[ -z $(removed_while_open trace) ]] || fail "$options: $(removed_while_open trace)"
		check_not test -e m/d/big
	done
	rm -rf s/big m/*
	run strace -f -y -qq -o trace -e trace=openat,close,unlinkat "$UCP" -r --resume s m/d
	expect_status 0
	grep -q 'unlinkat(.*"\.ucp-journal"' trace || fail "no journal was removed"
	[[ -z $(removed_while_open trace) ]] || fail "$(removed_while_open trace)"
	expect_names m/d small
}

case_interrupted_and_resumed() {
	resumed INT
}

# How much of a file is written by the second run, from the journal of the first one.
# only: release
once_only_what_is_missing_is_written() {
	local before
	need cmd strace
	make_source
	interrupt INT --chunk-size=4K --queue-depth=1 -j1
	strace -f -o trace -e trace=pwrite64 "$UCP" -a --resume --reflink=never --engine=sync -T s d || fail "resume"
	before=$(awk -F'= ' '/pwrite64/ { sum += $NF } END { print sum + 0 }' trace)
	((before < 120000000)) || fail "written again: $before bytes"
	same_tree s d
}

# Some files are finished and ucp is interrupted, with what they are in $CASE/before.
finish_some() {
	make_source
	mkdir s/sub
	mkfifo s/sub/zz
	exec 9<>s/sub/zz
	start_ucp -r --copy-contents --resume -T s d 9>&-
	wait_for '[[ -e d/f1 && -e d/f2 && -e d/f3 && -e d/big ]]'
	stat -c '%n %i %z' d/f2 d/f3 d/big >"$CASE/before"
	kill -s INT "$pid"
	finish_ucp
	expect_status 130
	exec 9>&-
	rm -r s/sub
}

once_finished_files_are_not_copied_again() {
	finish_some
	run_ucp -r --copy-contents --resume --debug -T s d
	expect_status 0
	rm -rf d/sub
	expect_out_has "skipped 'd/f2'"
	expect_out_has "skipped 'd/big'"
	stat -c '%n %i %z' d/f2 d/f3 d/big | diff "$CASE/before" - || fail "copied again"
	expect_names d big f1 f2 f3 link
}

# What is from the earlier run is told apart from what the user wanted to leave alone.
once_resumed_files_are_told() {
	finish_some
	run_ucp -r --copy-contents --resume --stats -T s d
	expect_status 0
	grep -qE '^left as they were: +0$' "$OUT" || fail "$(<"$OUT")"
	grep -qE '^resumed: +[1-9][0-9]* files, [0-9.]+ [KM]iB$' "$OUT" || fail "$(<"$OUT")"
	run_ucp -r --stats -T s e
	! grep '^resumed' "$OUT" || fail "nothing was"
}

# What an earlier run has not verified, or not flushed, is copied again.
once_finished_files_are_verified() {
	local option
	for option in --verify --fsync; do
		rm -rf s d
		finish_some
		run_ucp -r --copy-contents --resume "$option" -T s d
		expect_status 0
		expect_no_err
		rm -rf d/sub
		stat -c "%n %i %z" d/f2 d/f3 d/big | grep -qxFf "$CASE/before" && fail "not copied again with $option"
		expect_names d big f1 f2 f3 link
		check cmp s/big d/big
	done
}

# Options that make other copies: nothing is taken for finished.
once_other_options_begin_anew() {
	finish_some
	rm -rf d/sub
	touch -r s d
	run_ucp -a --resume -T s d
	expect_status 0
	same_tree s d
}

case_changed_source_begins_anew() {
	make_source
	interrupt KILL --chunk-size=4K --queue-depth=1 -j1
	head -c 120000000 /dev/urandom >s/big
	run_ucp -a --resume -T s d
	expect_status 0
	same_tree s d
}

case_changed_destination_begins_anew() {
	local hidden
	make_source
	interrupt KILL --chunk-size=4K --queue-depth=1 -j1
	hidden=$(echo d/.ucp-*[!l])
	[[ -s $hidden ]] || fail "nothing was left"
	: >"$hidden"
	run_ucp -a --resume -T s d
	expect_status 0
	same_tree s d
}

# What was begun and is not wanted any more does not stay.
case_vanished_source_leaves_nothing() {
	make_source
	mkdir s/sub
	mv s/big s/sub
	touch -d '2001-01-01' s/sub s
	start_ucp -a --resume --reflink=never --chunk-size=4K --queue-depth=1 -j1 -T s d
	end_in_the_middle KILL
	rm s/sub/big
	touch -d '2001-01-01' s/sub s
	run_ucp -a --resume -T s d
	expect_status 0
	[[ -e d/sub/big ]] && rm d/sub/big && touch -d '2001-01-01' d/sub
	same_tree s d
}

# A journal that is torn, foreign, or no journal at all.
case_broken_journals() {
	local size
	make_source
	interrupt KILL --chunk-size=4K --queue-depth=1 -j1
	cp -a d kept
	size=$(stat -c %s d/.ucp-journal)
	for cut in 1 17 $((size / 2)) $((size - 1)); do
		rm -rf d && cp -a kept d
		truncate -s "$cut" d/.ucp-journal
		run_ucp -a --resume -T s d
		expect_status 0
		expect_no_err
		same_tree s d
	done
	rm -rf d && cp -a kept d
	head -c 5000 /dev/urandom >d/.ucp-journal
	run_ucp -a --resume -T s d
	expect_status 0
	same_tree s d
}

once_journal_of_the_other_byte_order() {
	make_source
	interrupt KILL --chunk-size=4K --queue-depth=1 -j1
	# What of it has no meaning anyway is enough to know it
	python3 -c 'import sys; f = open(sys.argv[1], "r+b"); magic = f.read(4); f.seek(0); f.write(magic[::-1])' d/.ucp-journal
	cp d/.ucp-journal "$CASE/journal"
	run_ucp -a --resume -T s d
	expect_status 0
	expect_err "ucp: warning: 'd/.ucp-journal' was written by a machine of the other byte order; nothing is resumed"
	check cmp d/.ucp-journal "$CASE/journal"
	rm d/.ucp-*
	touch -r s d
	same_tree s d
}

case_journal_is_no_file() {
	make_source
	mkdir -p d/.ucp-journal
	run_ucp -r --resume -T s d
	expect_status 0
	expect_err "ucp: warning: cannot use 'd/.ucp-journal'; nothing is resumed: Is a directory"
	rmdir d/.ucp-journal
	same_tree s d --no-times --no-links
}

case_journal_in_use() {
	make_source
	mkdir d
	exec 8>d/.ucp-journal
	flock 8
	run_ucp -r --resume -T s d
	expect_status 0
	expect_err "ucp: warning: another ucp is working with 'd/.ucp-journal'; nothing is resumed"
	exec 8>&-
	rm d/.ucp-journal
	same_tree s d --no-times --no-links
}

# A temporary name that was left for a name which is done, or becomes a link, is known by the journal's run only.
case_left_for_what_is_done() {
	local name
	mkdir s s/sub
	for name in f1 f2; do
		echo "$name" >"s/$name"
	done
	ln s/f1 s/link
	mkfifo s/sub/zz
	exec 9<>s/sub/zz
	start_ucp -a --copy-contents --resume -T s d 9>&-
	wait_for '[[ -e d/f1 && -e d/f2 && -e d/link ]]'
	kill -s INT "$pid"
	finish_ucp
	expect_status 130
	exec 9>&-
	rm -r s/sub
	rm -rf d/sub
	for name in f1 f2 link; do
		echo left >"d/$(hidden_name "$name")"
	done
	run_ucp -a --resume -T s d
	expect_status 0
	expect_no_err
	same_tree s d
}

# Two that resume into one directory: the second one says so, and both copy.
case_two_into_one_directory() {
	mkdir -p s1/sub s2
	echo 1 >s1/a
	echo 2 >s2/b
	mkfifo s1/sub/p
	exec 9<>s1/sub/p
	echo x >&9
	start_ucp -rT --copy-contents --resume s1 d 9>&-
	wait_for '[[ -s d/.ucp-journal && -e d/a ]]'
	run_ucp -rT --resume s2 d
	expect_status 0
	expect_err "ucp: warning: another ucp is working with 'd/.ucp-journal'; nothing is resumed"
	exec 9>&-
	finish_ucp
	expect_status 0
	expect_names d a b sub sub/p
}

once_two_of_the_same() {
	local i round other
	mkdir s
	for i in {1..300}; do
		echo "$i" >"s/$i"
	done
	head -c 20000000 /dev/urandom >s/big
	for round in 1 2 3; do
		rm -rf d
		mkdir d
		"$UCP" -aT --resume s d 2>"$CASE/other" &
		run_ucp -aT --resume s d
		wait $!
		other=$?
		[[ $status$other == 00 ]] || fail "round $round: $status $other: $(cat "$ERR" "$CASE/other")"
		! grep -vh "^ucp: warning: another ucp is working with 'd/.ucp-journal'; nothing is resumed$" "$ERR" "$CASE/other" ||
			fail "round $round: unexpected messages"
		same_tree s d
	done
}

# Whoever else has made a journal could have us skip files.
case_journal_of_another_user() {
	need root
	make_source
	interrupt INT --chunk-size=4K --queue-depth=1 -j1
	chown "$USER_ID" d/.ucp-journal
	exec 8<d/.ucp-journal
	cp d/.ucp-journal before
	run_ucp -a --resume --debug -T s d
	expect_status 0
	expect_no_err
	! grep "^skipped" "$OUT" || fail "it was believed"
	cmp - before <&8 || fail "it was written to"
	exec 8<&-
	same_tree s d
}

case_journal_with_other_names() {
	make_source
	interrupt INT --chunk-size=4K --queue-depth=1 -j1
	ln d/.ucp-journal other
	cp other before
	run_ucp -a --resume --debug -T s d
	expect_status 0
	expect_no_err
	! grep "^skipped" "$OUT" || fail "it was believed"
	check cmp other before
	same_tree s d
}

# Whose a part is may have it open, and could read and write what is going to be in it.
case_part_of_another_user() {
	local hidden
	need root
	make_source
	interrupt KILL --chunk-size=4K --queue-depth=1 -j1
	hidden=$(echo d/.ucp-*[!l])
	[[ -s $hidden ]] || fail "nothing was left"
	chown "$USER_ID" "$hidden"
	exec 8<"$hidden"
	run_ucp -a --resume -T s d
	expect_status 0
	expect_no_err
	[[ $(stat -L -c %i /proc/self/fd/8) != "$(stat -c %i d/big)" ]] || fail "who had it open has the copy"
	exec 8<&-
	same_tree s d
}

# Without a journal, or without the rest of one, everything is copied all the same.
case_journal_cannot_be_written() {
	local i error message
	mkdir s
	for i in {1..60}; do
		echo "$i" >"s/f$i"
	done
	head -c 9000000 /dev/urandom >s/big
	mount_faultfs bad backing
	while IFS=: read -r error message; do
		faultfs bad clear "fail write .ucp-journal $error"
		run_ucp -r --resume -T s bad/d
		expect_status 0
		expect_err_and_hints "ucp: warning: cannot use 'bad/d/.ucp-journal'; nothing is resumed: $message"
		same_tree s backing/d --no-times
		rm -r backing/d
		faultfs bad clear "fail write .ucp-journal $error from=150"
		run_ucp -r --resume -T s bad/d
		expect_status 0
		expect_no_err
		same_tree s backing/d --no-times
		rm -r backing/d
		faultfs bad clear "fail write .ucp-journal $error from=150" "fail write .ucp-[0-9a-f]* EIO from=8000000"
		run_ucp -r --resume -T s bad/d
		expect_status 1
		expect_err "ucp: error writing 'bad/d/big': Input/output error" \
			"ucp: warning: cannot write the journal of --resume: $message"
		check_not test -e backing/d/big
		faultfs bad clear
		run_ucp -r --resume -T s bad/d
		expect_status 0
		expect_no_err
		same_tree s backing/d --no-times
		rm -r backing/d
	done <<-EOF2
		ENOSPC:No space left on device
		EDQUOT:Disk quota exceeded
		EIO:Input/output error
	EOF2
}

case_journal_cannot_be_read() {
	make_source
	interrupt INT --chunk-size=4K --queue-depth=1 -j1
	mount_faultfs bad d "fail read .ucp-journal EIO"
	run_ucp -a --resume -T s bad
	expect_status 0
	expect_err "ucp: warning: cannot use 'bad/.ucp-journal'; nothing is resumed: Input/output error"
	check cmp s/big d/big
}

# Where nothing can be taken away again there is no journal, also for operands and in a directory below.
once_no_journal_in_append_only_directories() {
	need root
	need cmd chattr
	mkdir -p s/sub d t/s
	echo a >s/a
	head -c 5000000 /dev/urandom >s/big
	echo c >s/sub/c
	trap 'chattr -a d t/s' EXIT
	chattr +a d t/s 2>/dev/null || skip "needs append-only directories"
	run_ucp -rT --resume s d
	expect_status 0
	expect_err "ucp: warning: cannot use 'd/.ucp-journal'; nothing is resumed: Operation not permitted"
	expect_names d a big sub sub/c
	same_tree s d --no-times
	chattr -a d
	rm -r d/*
	chattr +a d
	run_ucp -r --resume s/a s/sub s/big d
	expect_status 0
	expect_err "ucp: warning: cannot use 'd/.ucp-journal'; nothing is resumed: Operation not permitted"
	expect_names d a big sub sub/c
	run_ucp --resume s/a d/one
	expect_status 0
	expect_err "ucp: warning: cannot use 'd/.ucp-journal'; nothing is resumed: Operation not permitted"
	expect_names d a big one sub sub/c
	# The journal is in a directory from which it can go; no parts are in the other one
	run_ucp -r --resume s t
	expect_status 0
	expect_no_err
	expect_names t s s/a s/big s/sub s/sub/c
	chattr -a d t/s
}

case_source_with_a_journal() {
	mkdir s
	echo a >s/a
	echo b >s/.ucp-journal
	run_ucp -r --resume -T s d
	expect_status 1
	expect_err "ucp: cannot copy 's/.ucp-journal': --resume keeps its journal at 'd/.ucp-journal'"
	check cmp s/a d/a
	run_ucp -r --atomic -T s e
	expect_status 0
	same_tree s e --no-times
}

# The journal stays as long as something is left to do.
case_journal_stays_after_an_error() {
	mkdir s
	echo a >s/a
	ln -s loop s/loop
	run_ucp -rL --resume -T s d
	expect_status 1
	expect_names d .ucp-journal a
	rm s/loop
	run_ucp -rL --resume -T s d
	expect_status 0
	expect_names d a
}

case_one_file() {
	mkdir d
	head -c 120000000 /dev/urandom >big
	start_ucp --resume --reflink=never --chunk-size=4K --queue-depth=1 -j1 big d/copy
	end_in_the_middle KILL
	check_not test -e d/copy
	run_ucp --resume big d/copy
	expect_status 0
	check cmp big d/copy
	expect_names d copy
}

case_into_a_directory() {
	make_source
	mkdir d
	start_ucp -a --resume --reflink=never --chunk-size=4K --queue-depth=1 -j1 s d
	end_in_the_middle KILL
	run_ucp -a --resume s d
	expect_status 0
	same_tree s d/s
	expect_names d s s/big s/f1 s/f2 s/f3 s/link
}

case_sparse_file() {
	mkdir s
	truncate -s 200M s/sparse
	for at in 0 50 100 150; do
		head -c 8000000 /dev/urandom | dd of=s/sparse bs=1M seek="$at" conv=notrunc status=none
	done
	start_ucp -a --resume --reflink=never --chunk-size=4K --queue-depth=1 -j1 -T s d
	end_in_the_middle KILL
	run_ucp -a --resume -T s d
	expect_status 0
	same_tree s d --holes
}

# How many files the journal in a directory has as finished.
finished_records() { # DIR
	python3 - "$1/.ucp-journal" <<-'END'
		import struct, sys
		data, at, count = open(sys.argv[1], "rb").read(), 0, 0
		while at + 16 <= len(data):
		    magic, kind, size, _ = struct.unpack_from("=IHHQ", data, at)
		    count += kind == 3
		    at += 16 + size
		print(count)
	END
}

# Killed when three files are finished, and something else is not: whether these are known to the next run.
killed_when_three_are_finished() { # BYTES EACH
	local i
	mkdir -p s/sub
	for i in 1 2 3; do
		head -c "$1" /dev/urandom >"s/f$i"
	done
	mkfifo s/sub/zz
	exec 9<>s/sub/zz
	start_ucp -a --copy-contents --resume --reflink=never -T s d 9>&-
	wait_for '[[ -e d/f1 && -e d/f2 && -e d/f3 && $(finished_records d) == 3 ]]'
	kill -s KILL "$pid"
	finish_ucp
	exec 9>&-
	rm -r s/sub
	run_ucp -a --copy-contents --resume --debug -T s d
	expect_status 0
	for i in 1 2 3; do
		expect_out_has "skipped 'd/f$i'"
		check cmp "s/f$i" "d/f$i"
	done
}

case_killed_when_big_files_are_finished() {
	killed_when_three_are_finished 9000000
}

case_killed_when_small_files_are_finished() {
	killed_when_three_are_finished 1000
}

# begun_by ARGS…: interrupted after one small file is there, and the big one has begun.
begun_by() {
	start_ucp -a --resume --reflink=never --bwlimit=20M "$@"
	end_in_the_middle KILL
}

# Each command that has made its destination itself goes on in there when it is given again, however the names are spelled.
once_same_command_again_goes_on() {
	local command top
	make_source
	mkdir w
	top=$PWD
	while read -r command; do
		rm -rf d
		cd w || fail "cd"
		# shellcheck disable=SC2086 # two words
		"$UCP" -a --resume --reflink=never --bwlimit=20M $command &
		pid=$!
		cd ..
		end_in_the_middle KILL
		cd w || fail "cd"
		# shellcheck disable=SC2086 # two words
		run_ucp -a --resume --stats $command
		cd ..
		expect_status 0
		expect_no_err
		grep -q '^resumed: ' "$OUT" || fail "$command began anew"
		same_tree s d
		expect_names d big f1 f2 f3 link
	done <<-EOF2
		../s ../d
		../s/ ../d
		../s ../d/
		../s/. ../d
		$top/s ../d
		-T ../s ../d
	EOF2
	expect_names w
}

# Killed when the destination was just made, and does not say yet what it is a copy of: nor is there a second copy then.
# only: release
once_killed_before_there_is_a_journal() {
	local call top=$PWD act="${UCP%/*}/tools/preload-act.so"
	need tool preload-act.so
	mkdir s other w
	echo a >s/a
	echo o >other/o
	for call in mkdirat:d openat:.ucp-journal; do
		rm -rf w/d
		# shellcheck disable=SC2016 # for the shell that is started
		run env UCP_ACT_AFTER=$call UCP_ACT='kill -KILL $PPID' LD_PRELOAD="$act" "$UCP" -a --resume s w/d
		expect_status 137
		[[ -d w/d && ! -e w/d/a ]] || fail "$call: not killed in time"
		run_ucp -a --resume --dry-run other w/d
		check_not test -e w/d/o
		cd w || fail "cd"
		run_ucp -a --resume ../s d/
		cd "$top" || fail "cd"
		expect_status 0
		expect_no_err
		same_tree s w/d
		expect_names w d d/a
	done
	# What somebody has made themselves since is where the copy goes
	rm -r w/d
	# shellcheck disable=SC2016 # for the shell that is started
	run env UCP_ACT_AFTER=mkdirat:d UCP_ACT='kill -KILL $PPID' LD_PRELOAD="$act" "$UCP" -a --resume s w/d
	echo mine >w/d/mine
	run_ucp -a --resume s w/d
	expect_status 0
	same_tree s w/d/s
	[[ $(<w/d/mine) == mine ]] || fail "what was there is lost"
	# Interrupted at the same moment by a signal that is heard
	rm -rf w
	mkdir w
	# shellcheck disable=SC2016 # for the shell that is started
	run env UCP_ACT_AFTER=mkdirat:d UCP_ACT='kill -TERM $PPID' LD_PRELOAD="$act" "$UCP" -a --resume s w/d
	expect_status 143
	run_ucp -a --resume s w/d
	expect_status 0
	same_tree s w/d
	expect_names w d d/a
	# What cannot be begun leaves nothing
	mkdir s/sub
	run_ucp -a --resume s s/sub/d
	expect_status 1
	rm -r s/sub/d
	run_ucp -a --resume --dry-run s w/e
	expect_status 0
	run_ucp -a --resume s w/no/e
	expect_status 1
	expect_names w d d/a
	# Nor is anything left in the directory that was there, if another one is by then
	mkdir theirs
	exchanging "mkdirat w/e w theirs" -a --resume s w/e
	expect_status 1
	[[ -d theirs/e && -z $(ls -A theirs/e) ]] || fail "not exchanged in time"
	[[ -z $(find s w theirs -name '.ucp-*') ]] || fail "something is left"
}

# Nor is there a second copy where the source has got another name or another inode, or was named in another way.
once_source_that_was_moved_or_made_anew() {
	make_source
	begun_by s d
	mv s t
	run_ucp -a --resume t/ d/
	expect_status 0
	same_tree t d
	rm -r d
	begun_by t d
	cp -a t s
	rm -r t
	mv s t
	ln -s t link
	run_ucp -a --resume link/ d
	expect_status 0
	expect_no_err
	same_tree t d
}

# Within the source or within the copy.
once_current_directory_is_source_or_copy() {
	make_source
	cd s || fail "cd"
	"$UCP" -a --resume --reflink=never --bwlimit=20M . ../d &
	pid=$!
	cd ..
	end_in_the_middle KILL
	cp -a d e
	(cd s && "$UCP" -a --resume . ../d) || fail "it did not go on"
	same_tree s d
	(cd e && "$UCP" -a --resume ../s .) || fail "it did not go on"
	same_tree s e
}

# A list of names goes on in the copy as before, and so does the whole of it.
once_list_of_names_goes_on() {
	make_source
	printf '%s\n' f1 big >list
	begun_by --files-from=list s d
	cp -a d e
	run_ucp -a --resume --files-from=list s d
	expect_status 0
	expect_names d big f1
	run_ucp -a --resume s e
	expect_status 0
	same_tree s e
}

# What is to be copied into an interrupted copy neither goes on with it nor ends it.
once_other_source_for_an_interrupted_copy() {
	make_source
	mkdir other
	echo o >other/o
	begun_by s d
	run_ucp -a --resume other d
	expect_status 1
	expect_err "ucp: 'd' is an interrupted copy, but not of 'other'; use -T to go on with it, or -t to copy into it"
	run_ucp -a --dry-run --resume other d
	expect_status 1
	check_not test -e d/other
	run_ucp -a --resume -t d other
	expect_status 0
	expect_err "ucp: warning: 'd/.ucp-journal' is of another copy, which was interrupted; nothing is resumed"
	run_ucp -a --resume other/o list d
	expect_status 1
	expect_err_has "ucp: warning: 'd/.ucp-journal' is of another copy, which was interrupted; nothing is resumed"
	rm -r d/other d/o
	run_ucp -a --resume s d
	expect_status 0
	expect_no_err
	same_tree s d
}

# A journal that does not say what it is of.
once_journal_that_does_not_say() {
	make_source
	begun_by s d
	: >d/.ucp-journal
	run_ucp -a --resume s d
	expect_status 1
	expect_err "ucp: 'd' may be an interrupted copy of 's'; use -T to go on with it, or -t to copy into it"
	check_not test -e d/s
	run_ucp -a --resume s/f1 d
	expect_status 0
	run_ucp -a --resume -T s d
	expect_status 0
	same_tree s d
	# One that we have not made says nothing
	mkdir e
	: >e/.ucp-journal
	ln e/.ucp-journal name
	run_ucp -a --resume s e
	expect_status 0
	same_tree s e/s
}

# What was there before is copied into, as ever; the journal of that does not make it the copy.
once_directory_that_was_there_stays_a_directory() {
	make_source
	mkdir d
	begun_by s d
	cp -a d e
	run_ucp -a --resume -t d s
	expect_status 0
	expect_names d s s/big s/f1 s/f2 s/f3 s/link
	run_ucp -a --resume s e/
	expect_status 0
	same_tree s e/s
}

# A source that was changed just before is not noted: another change within the same tick of its file system's clock would
# go unseen, also in a part of it. Here a tick takes a second.
once_source_that_has_just_changed_is_not_noted() {
	mkdir s d backing
	# However long this takes, the files have changed just now
	mount_faultfs far backing --time-ahead=100000
	mkfifo s/zz
	exec 9<>s/zz
	echo one >far/small
	head -c 9000000 /dev/zero >far/big
	start_ucp --copy-contents --resume -j1 far/small far/big s/zz d 9>&-
	wait_for '[[ -s d/.ucp-journal && -e d/small && -e d/big ]]'
	# What is held back is written
	kill -s INT "$pid"
	finish_ucp
	exec 9>&-
	expect_status 130
	[[ $(finished_records d) == 0 ]] || fail "it was noted"
	run_ucp --resume far/small far/big d
	expect_status 0
	expect_names d big small
}

# The notice beside a directory that was begun does not outlive the run that goes on with it.
# only: release
once_killed_before_the_notice_goes() {
	need cmd strace
	mkdir s
	echo data >s/file
	# shellcheck disable=SC2086 # the flags are words
	strace -f -o /dev/null -e inject=unlinkat:signal=KILL:when=1 "$UCP" $UCP_FLAGS -r --resume s d
	compgen -G '.ucp-*' >/dev/null || fail "there is no notice: $(ls -A . d)"
	run_ucp -r --resume s d
	expect_status 0
	expect_no_err
	[[ $(ls -A) == $'d\ns' && $(ls -A d) == file ]] || fail "left: $(ls -A . d)"
}
