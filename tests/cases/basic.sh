# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Files given on the command line, and where they go.
# modes: default sync tiny

bytes() {
	head -c "$1" /dev/urandom
}

to_full() {
	ucp "$@" >/dev/full
}

# --- one source

# modes: all
case_file_to_new_file() {
	bytes 100000 >a
	run_ucp a b
	expect_status 0
	expect_no_err
	expect_no_out
	check cmp a b
}

# modes: all
case_longer_destination_is_cut() {
	bytes 1000 >a
	bytes 300000 >b
	check ucp a b
	check cmp a b
}

# modes: all
case_shorter_destination_grows() {
	bytes 300000 >a
	bytes 1000 >b
	check ucp a b
	check cmp a b
}

# modes: all
case_destination_of_same_size_is_rewritten() {
	bytes 300000 >a
	bytes 300000 >b
	check ucp a b
	check cmp a b
}

case_empty_file() {
	: >a
	check ucp a b
	[[ -f b && ! -s b ]] || fail "b is not an empty file"
}

# modes: all
case_empty_file_over_full_one() {
	: >a
	bytes 5000 >b
	check ucp a b
	[[ -f b && ! -s b ]] || fail "b is not empty"
}

# modes: all
case_file_of_several_chunks() {
	bytes 9437185 >a
	check ucp a b
	check cmp a b
}

# Every size around what may be the edge of a block, of a buffer or of a range.
# modes: all
case_sizes_around_chunks() {
	local n
	mkdir s d
	for n in 0 1 511 512 513 4095 4096 4097 8191 8192 8193 12287 12288 12289 16383 16384 16385 \
		65535 65536 65537 131072 262143 262144 262145 524288 1048575 1048576 1048577; do
		bytes "$n" >"s/$n"
	done
	check ucp s/* d
	same_tree s d --no-times --no-root
}

case_existing_destination_keeps_its_inode() {
	local before
	echo new >a
	echo old >b
	ln b c
	before=$(stat -c %i b)
	check ucp a b
	[[ $(stat -c %i b) == "$before" ]] || fail "b is another file now"
	check cmp a c
}

case_source_is_not_changed() {
	bytes 200000 >a
	cp a saved
	touch -d '2001-02-03 04:05:06.789' a saved
	check ucp a b
	same_tree a saved
}

case_absolute_names() {
	bytes 5000 >a
	mkdir d
	check ucp "$PWD/a" "$PWD/d"
	check cmp a d/a
}

# --- into directories

case_into_directory() {
	bytes 5000 >a
	mkdir d
	check ucp a d
	check cmp a d/a
}

case_into_directory_with_slash() {
	bytes 5000 >a
	mkdir d
	check ucp a d/
	check cmp a d/a
}

case_many_sources() {
	local i
	mkdir s d
	for i in {1..300}; do
		echo "file $i" >"s/$i"
	done
	run_ucp s/* d
	expect_status 0
	expect_no_err
	same_tree s d --no-times --no-root
}

case_sources_of_many_directories() {
	local i
	mkdir d
	for i in {1..50}; do
		mkdir "s$i"
		bytes $((i * 1000)) >"s$i/f$i"
	done
	check ucp s*/f* d
	for i in {1..50}; do
		check cmp "s$i/f$i" "d/f$i"
	done
}

case_target_directory_first() {
	echo a >a
	echo b >b
	mkdir d
	check ucp -t d a b
	check cmp a d/a
	check cmp b d/b
}

case_target_directory_with_one_source() {
	echo a >a
	mkdir d
	check ucp --target-directory=d a
	check cmp a d/a
}

case_no_target_directory() {
	echo a >a
	check ucp -T a b
	check cmp a b
}

case_symlink_to_directory_is_a_directory() {
	echo a >a
	mkdir d
	ln -s d link
	check ucp a link
	check cmp a d/a
	[[ -L link ]] || fail "the link is gone"
}

# --- usage errors

once_no_operands() {
	run_ucp
	expect_status 1
	expect_no_out
	expect_err "ucp: missing file operand" "Try 'ucp --help' for more information."
}

once_one_operand() {
	run_ucp a
	expect_status 1
	expect_err "ucp: missing destination file operand after 'a'" \
		"Try 'ucp --help' for more information."
}

once_target_directory_without_source() {
	mkdir d
	run_ucp -t d
	expect_status 1
	expect_err "ucp: missing file operand" "Try 'ucp --help' for more information."
}

once_three_operands_with_T() {
	touch a b c
	run_ucp -T a b c
	expect_status 1
	expect_err "ucp: extra operand 'c'" "Try 'ucp --help' for more information."
}

once_t_and_T() {
	touch a
	mkdir d
	run_ucp -T -t d a
	expect_status 1
	expect_err "ucp: cannot combine --target-directory (-t) and --no-target-directory (-T)"
	check_not test -e d/a
}

once_two_target_directories() {
	touch a
	mkdir d e
	run_ucp -t d -t e a
	expect_status 1
	expect_err "ucp: multiple target directories specified"
}

once_target_directory_missing() {
	touch a
	run_ucp -t nowhere a
	expect_status 1
	expect_err "ucp: target directory 'nowhere': No such file or directory"
	check_not test -e nowhere
}

once_target_directory_is_a_file() {
	touch a f
	run_ucp -t f a
	expect_status 1
	expect_err "ucp: target directory 'f': Not a directory"
}

once_many_sources_to_a_file() {
	touch a b
	echo kept >c
	run_ucp a b c
	expect_status 1
	expect_err "ucp: target 'c': Not a directory"
	[[ $(<c) == kept ]] || fail "c was touched"
}

once_many_sources_to_nothing() {
	touch a b
	run_ucp a b c
	expect_status 1
	expect_err "ucp: target 'c': No such file or directory"
	check_not test -e c
}

# --- errors of one source

case_missing_source() {
	run_ucp nope b
	expect_status 1
	expect_err "ucp: cannot stat 'nope': No such file or directory"
	check_not test -e b
}

case_missing_source_does_not_stop_others() {
	bytes 70000 >a
	bytes 70000 >c
	mkdir d
	run_ucp a nope c d
	expect_status 1
	expect_err "ucp: cannot stat 'nope': No such file or directory"
	check cmp a d/a
	check cmp c d/c
}

case_directory_without_r() {
	mkdir s d
	echo a >a
	echo b >b
	run_ucp a s b d
	expect_status 1
	expect_err "ucp: -r not specified; omitting directory 's'"
	check cmp a d/a
	check cmp b d/b
	check_not test -e d/s
}

case_destination_in_missing_directory() {
	echo a >a
	run_ucp a no/b
	expect_status 1
	expect_err "ucp: cannot create regular file 'no/b': No such file or directory"
}

case_new_destination_with_slash() {
	echo a >a
	run_ucp a no/
	expect_status 1
	expect_err "ucp: cannot create regular file 'no/': Not a directory"
	check_not test -e no
}

case_source_file_with_slash() {
	echo a >a
	run_ucp a/ b
	expect_status 1
	expect_err "ucp: cannot stat 'a/': Not a directory"
	check_not test -e b
}

case_destination_file_with_slash() {
	echo a >a
	echo b >b
	run_ucp a b/
	expect_status 1
	expect_err "ucp: cannot stat 'b/': Not a directory"
	[[ $(<b) == b ]] || fail "b was touched"
}

case_destination_below_a_file() {
	echo a >a
	echo b >b
	run_ucp a b/c
	expect_status 1
	expect_err "ucp: cannot stat 'b/c': Not a directory"
}

# --- several sources that meet

case_just_created_is_not_overwritten() {
	mkdir x y d
	bytes 300000 >x/f
	bytes 300000 >y/f
	run_ucp x/f y/f d
	expect_status 1
	expect_err "ucp: will not overwrite just-created 'd/f' with 'y/f'"
	check cmp x/f d/f
}

case_same_source_twice() {
	bytes 5000 >a
	mkdir d
	run_ucp a a ./a d
	expect_status 0
	expect_err "ucp: warning: source file 'a' specified more than once" \
		"ucp: warning: source file './a' specified more than once"
	check cmp a d/a
}

case_same_directory_twice() {
	mkdir s d
	echo f >s/f
	run_ucp -r s s d
	expect_status 0
	expect_err "ucp: warning: source directory 's' specified more than once"
	same_tree s d/s --no-times
}

# --- destinations that are no regular files

case_to_dev_null() {
	bytes 300000 >a
	run_ucp a /dev/null
	expect_status 0
	expect_no_err
	[[ -c /dev/null ]] || fail "/dev/null is gone"
}

# modes: all
case_to_dev_full() {
	bytes 300000 >a
	run_ucp a /dev/full
	expect_status 1
	expect_err "ucp: error writing '/dev/full': No space left on device"
	[[ -c /dev/full ]] || fail "/dev/full is gone"
}

case_empty_file_to_dev_full() {
	: >a
	run_ucp a /dev/full
	expect_status 0
	expect_no_err
}

# --- what is printed

once_nothing_is_printed_unasked() {
	mkdir s
	touch s/f
	run_ucp -r s d
	expect_status 0
	expect_no_out
	expect_no_err
}

case_verbose_names_both_ends() {
	echo a >a
	echo b >b
	mkdir d
	run_ucp -v a d
	expect_status 0
	expect_out "'a' -> 'd/a'"
	run_ucp -v a d/
	expect_out "'a' -> 'd/a'"
	run_ucp -v "$PWD/b" c
	expect_out "'$PWD/b' -> 'c'"
}

once_help_to_a_full_device() {
	local option
	for option in --help --version; do
		"$UCP" $option >/dev/full 2>"$ERR" && fail "$option: it should have failed"
		expect_err "ucp: write error: No space left on device"
		"$UCP" $option >&- 2>"$ERR" && fail "$option: it should have failed"
		expect_err "ucp: write error: Bad file descriptor"
	done
}

once_verbose_to_a_full_device() {
	echo a >a
	run to_full -v a b
	expect_status 1
	expect_err "ucp: write error: No space left on device"
	check cmp a b
}

once_debug_says_how() {
	head -c 1M /dev/urandom >a
	run_ucp --debug --reflink=never a b
	expect_status 0
	expect_out_has "'a': linked reads and writes"
	run_ucp --debug --attributes-only a c
	expect_status 0
	[[ $(sed -n 2p "$OUT") == "'a': attributes only" ]] || fail "it says $(<"$OUT")"
	! grep 'copy offload' "$OUT" || fail "nothing was copied"
	truncate -s 0 a
	truncate -s 300000 a
	run_ucp --debug --sparse=always a d
	expect_status 0
	[[ $(sed -n 3p "$OUT") == "'a': reads, zeros left out" ]] || fail "it says $(<"$OUT")"
}

# debugged OFFLOAD REFLINK HOLES ARGS…: what cp's line says, ahead of the line of ucp.
debugged() {
	run_ucp --debug "${@:4}"
	expect_status 0
	grep -A1 '^copy offload' "$OUT" >"$CASE/line"
	[[ $(head -n 1 "$CASE/line") == "copy offload: $1, reflink: $2, sparse detection: $3" ]] || fail "${*:4}: $(<"$OUT")"
	[[ $(tail -n 1 "$CASE/line") == "'${*: -2:1}': "* ]] || fail "${*:4}: $(<"$OUT")"
}

# GNU's own tests read it.
once_debug_has_the_line_of_cp() {
	mount_tmpfs 32M fs
	head -c 300000 /dev/urandom >fs/a
	cp fs/a fs/h
	truncate -s 4M fs/h
	debugged no unsupported no fs/a fs/b
	debugged no unsupported SEEK_HOLE fs/h fs/b
	debugged avoided no zeros --reflink=never --sparse=always fs/a fs/c
	debugged avoided no 'SEEK_HOLE + zeros' --reflink=never --sparse=always fs/h fs/c
	debugged avoided no no --sparse=never fs/h fs/d
	debugged avoided no no --verify fs/a fs/e
	run_ucp --debug -l fs/a fs/l
	! grep 'copy offload' "$OUT" || fail "nothing was copied"
	run_ucp --debug -n fs/a fs/b
	expect_out_has "skipped 'fs/b'"
	: >fs/empty
	run_ucp --debug fs/empty fs/f
	grep -q 'copy offload:.*reflink:.*sparse detection:' "$OUT" || fail "no line: $(<"$OUT")"
}

once_debug_of_a_clone_has_the_line_of_cp() {
	mount_image btrfs 128M fs
	head -c 300000 /dev/urandom >fs/a
	debugged unknown yes unknown fs/a fs/b
	run_ucp --stats --progress=plain fs/a fs/c
	expect_status 0
	grep -qE '^time and rate: +[0-9.]+ s, 0 B/s$' "$OUT" || fail "a rate: $(<"$OUT")"
	grep -qE '^100%  293 KiB shared \(reflink\)  1 file  total [0-9:]+$' "$ERR" || fail "$(<"$ERR")"
}

# --- many errors

once_no_more_after_max_errors() {
	need root
	mkdir -p s/d t/s/surplus
	local i
	for i in {1..30}; do
		mkfifo "s/$i"
		mkdir "t/s/$i"
	done
	for i in 1 5; do
		run_ucp -r -j1 --delete --max-errors=$i --max-delete=0 s t
		expect_status 1
		(($(grep -c 'cannot overwrite directory' "$ERR") == i)) || fail "$i: $(<"$ERR")"
		[[ $(tail -n 1 "$ERR") == "ucp: reached --max-errors=$i: no more files were begun" ]] || fail "$i: $(<"$ERR")"
		[[ -d t/s/surplus ]] || fail "removed"
	done
	# Several workers, with big files in flight
	truncate -s 200M s/big
	run_ucp -r --max-errors=3 --json s t
	expect_status 1
	(($(grep -c '"type": *"error"' "$OUT") < 30)) || fail "not stopped"
	run_ucp -r --max-errors=31 s t
	expect_status 1
	! grep -q max-errors "$ERR" || fail "$(<"$ERR")"
	cmp s/big t/s/big || fail "s/big"
	run_ucp -r --max-errors=0 s t
	expect_err "ucp: invalid number of errors: '0' (1 or more)"
}
