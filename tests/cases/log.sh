# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# --log-file and --itemize: what was done.

# logged TEXT…: the log has these lines, in this order, and no others; each begins with a date and a time.
logged() {
	local line lines
	! grep -vE '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} .' log || fail "lines without a time: $(<log)"
	mapfile -t lines < <(cut -c21- log)
	((${#lines[@]} == $#)) || fail "$# lines expected: $(<log)"
	for line in "${lines[@]}"; do
		# shellcheck disable=SC2053 # a pattern
		[[ $line == $1 ]] || fail "expected: $1; found: $line"
		shift
	done
}

once_log_has_what_is_done() {
	mkdir s d
	echo a >s/a
	ln -s nowhere s/$'b\n\33'
	echo gone >d/gone
	run_ucp -r -T --delete --log-file=log s d
	expect_status 0
	expect_no_err
	expect_no_out
	logged "begun: ucp -r -T --delete '--log-file=log' s d" "'s/*' -> 'd/*'" "'s/*' -> 'd/*'" "removed 'd/gone'" \
		"ended: 2 files with 2 bytes copied, 0 directories made, 1 removed, 0 left as they were, 0 failed; 0 errors, *"
	grep -qF "'s/b'$'\n\033'" log || fail "not quoted: $(<log)"
	# It grows, and says why something failed, whatever is printed elsewhere
	run_ucp -v --log-file=log s/a d s/nothing/
	expect_status 1
	expect_err "ucp: target 's/nothing/': No such file or directory"
	run_ucp --json --log-file=log s d
	expect_status 1
	check_not grep -q '"copying"' "$OUT"
	run_ucp -v --log-file=log s/a d
	expect_out "'s/a' -> 'd/a'"
	[[ $(cut -c21- log | sed -n '6,$p') == "begun: ucp -v '--log-file=log' s/a d s/nothing/
ucp: target 's/nothing/': No such file or directory
ended: 0 files with 0 bytes copied, 0 directories made, 0 removed, 0 left as they were, 0 failed; 1 errors, "*"
begun: ucp --json '--log-file=log' s d
ucp: -r not specified; omitting directory 's'
ended: "*"
begun: ucp -v '--log-file=log' s/a d
's/a' -> 'd/a'
ended: 1 files with 2 bytes copied"* ]] || fail "$(<log)"
}

once_log_that_is_none() {
	echo precious >a
	echo b >b
	mkdir dir
	for log in a /dev/../dev/loop0 dir; do
		[[ -e $log ]] || continue
		run_ucp --log-file=$log b c
		expect_status 1
		check_not test -e c
	done
	run_ucp --log-file=a b c
	expect_err "ucp: 'a' exists and is no log; remove it first"
	[[ $(<a) == precious ]] || fail "it was written to: $(<a)"
	run_ucp --log-file=/dev/null b c
	expect_status 0
	check cmp b c
}

# What a terminal only counts is there, and a log that is not complete is an error.
once_log_that_cannot_be_written() {
	[[ -c /dev/full ]] || skip "no /dev/full"
	echo a >a
	run_ucp --log-file=/dev/full a b
	expect_status 1
	expect_err "ucp: error writing '/dev/full': No space left on device"
	check cmp a b
}

# lines TEXT…: standard output has these lines, in any order.
lines() {
	diff <(printf '%s\n' "$@" | sort) <(sort "$OUT") >"$ERR" || fail "$(<"$ERR")"
}

once_itemized_changes() {
	local dry
	mkdir -p s/sub d
	echo a >s/a
	ln s/a s/b
	ln -s x s/l
	mkfifo s/sub/f
	for dry in --dry-run ''; do
		# shellcheck disable=SC2086
		run_ucp -a --itemize $dry s d
		expect_status 0
		expect_no_err
		sed -i '/^would copy/d' "$OUT"
		# Either name may come first
		sed -i "s/'d.s.[ab]'/ab/" "$OUT"
		lines "new directory 'd/s'" "new directory 'd/s/sub'" "new fifo 'd/s/sub/f'" "new symlink 'd/s/l'" "new file ab" \
			"new hardlink ab"
	done
	run_ucp --mirror --itemize s d/s
	expect_no_out
	echo more >>s/a
	chmod 600 s/sub/f
	touch d/s/gone
	mkdir d/s/empty
	for dry in --dry-run ''; do
		# shellcheck disable=SC2086
		run_ucp --mirror --itemize $dry s d/s
		expect_status 0
		sed -i "/^would copy/d; s/'d.s.[ab]'/ab/" "$OUT"
		lines "data file ab" "data hardlink ab" "deleted file 'd/s/gone'" "deleted directory 'd/s/empty'" \
			"attributes fifo 'd/s/sub/f'"
	done
	run_ucp -a --backup --itemize s/a s/l s/sub/f d/s
	expect_status 0
	lines "data file 'd/s/a'" "data symlink 'd/s/l'" "new fifo 'd/s/f'"
	run_ucp -a --attributes-only --itemize s/a d/s
	lines "attributes file 'd/s/a'"
	run_ucp -a --json --itemize --remove-destination s/a d/s
	grep -q '^{"type":"change","change":"data","object":"file","source":"s/a","destination":"d/s/a"}$' "$OUT" ||
		fail "$(<"$OUT")"
	rm "d/s/a"
	run_ucp -a --itemize -v -l s/a d/s
	lines "'s/a' -> 'd/s/a'" "new hardlink 'd/s/a'"
	mkdir to
	echo old >to/f
	run_ucp --move --itemize s/l s/sub/f to
	lines "new symlink 'to/l'" "data fifo 'to/f'"
}

# Where others may put something, it may have us write elsewhere, let them read, or wait for ever.
once_planted_outputs() {
	local option file
	need root
	echo a >a
	mkdir -m 1777 tmp
	mkdir -m 755 away
	mkdir theirs
	chown "$USER_ID" theirs
	as_user ln -s "$PWD/away/missing" tmp/leads-away
	as_user ln -s "$PWD/away" tmp/away
	as_user mkfifo tmp/fifo theirs/fifo
	as_user touch tmp/file
	as_user ln -s ../away/empty theirs/link
	touch away/empty
	for option in --log-file --checksums; do
		for file in tmp/leads-away tmp/away/missing tmp/fifo theirs/fifo tmp/file theirs/link; do
			run within 10 "$UCP" "$option=$file" a b
			expect_status 1
			expect_err "ucp: cannot open '$file' for writing: Permission denied"
		done
	done
	[[ ! -e b && ! -s tmp/file && ! -s away/empty && $(ls away) == empty ]] || fail "something was written"
}

# What is there is ours, or of users who could write there anyway.
once_outputs_that_others_may_read() {
	local option file
	need root
	echo a >a
	mkdir -m 1777 tmp
	mkdir -m 2775 shared
	mkdir theirs
	chown "$USER_ID" theirs
	ln -s "$PWD/new" tmp/link
	ln -s tmp/link link
	touch tmp/ours
	as_user ln -s other theirs/link
	as_user touch theirs/file theirs/other
	touch shared/file
	chown "$USER_ID" shared/file
	for option in --log-file --checksums; do
		rm -f new
		for file in link tmp/link tmp/ours theirs/link theirs/file shared/file theirs/new; do
			: >"$file"
			run_ucp "$option=$file" a b
			expect_status 0
			expect_no_err
			[[ -s $file ]] || fail "nothing was written to $file"
		done
		[[ -s new && -s theirs/other ]] || fail "links were replaced"
		# The pipe belongs to the user
		(chown "$USER_ID" /dev/stdout && ucp "$option=/dev/stdout" a b) | cat >"$OUT"
		[[ -s $OUT ]] || fail "nothing was written to a pipe"
	done
}
