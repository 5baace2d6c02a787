# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016 # $status is set by run; conditions are evaluated later
# --checksums: a line for each file copied, as xxhsum(1) reads it.
# modes: default sync tiny short syncshort

need_xxhsum() {
	need cmd xxhsum
}

# Every line holds for what is there, and there is one for each regular file in D.
expect_sums() { # FILE D
	local files
	xxhsum --quiet -c "$1" >"$CASE/checked" 2>&1 || fail "xxhsum: $(<"$CASE/checked")"
	files=$(find "$2" -type f -printf x | wc -c)
	[[ $(wc -l <"$1") == "$files" ]] || fail "$(wc -l <"$1") lines for $files files"
}

some_files() { # DIR
	mkdir -p "$1/sub"
	head -c 3000000 /dev/urandom >"$1/big"
	head -c 5000 /dev/urandom >"$1/sub/small"
	: >"$1/empty"
	truncate -s 1M "$1/hole"
	printf x >>"$1/hole"
	echo a >"$1/with blanks  "
	echo b >"$1/back\\slash"
	echo c >"$1/*?\$'\""
	echo d >"$1/-"
	ln -s big "$1/link"
	mkfifo "$1/fifo"
}

case_list_of_a_tree() {
	need_xxhsum
	some_files s
	run_ucp -r --checksums=sums s d
	expect_status 0
	expect_no_err
	expect_no_out
	same_tree s d --no-times
	expect_sums sums d
	run_ucp -r --verify --checksums=sums -T s d
	expect_status 0
	expect_sums sums d
	grep -qE '^[0-9a-f]{32}  d/sub/small$' sums || fail "no such line: $(cat sums)"
	echo >>d/big
	check_not xxhsum -q -c sums
}

case_list_of_one_file() {
	need_xxhsum
	head -c 100000 /dev/urandom >a
	run_ucp --checksums=- a b
	expect_status 0
	expect_out "$(xxhsum -q -H2 b)"
	run_ucp --checksums=/dev/stdout a b
	expect_out "$(xxhsum -q -H2 b)"
	mkdir d
	run_ucp --checksums=sums a d/
	expect_status 0
	[[ $(<sums) == "$(xxhsum -q -H2 d/a)" ]] || fail "it is: $(<sums)"
	run_ucp --checksums=sums a -
	expect_sums sums -
	run_ucp --checksums=sums /proc/filesystems here
	[[ $(<sums) == "$(xxhsum -q -H2 here)" ]] || fail "it is: $(<sums)"
}

# A newline cannot stand in a line. Which xxhsum reads this is told by how it writes it.
case_list_with_newlines_in_names() {
	need_xxhsum
	mkdir s
	echo a >s/$'new\nline\\and\rmore'
	run_ucp -r --checksums=sums s d
	expect_status 0
	[[ $(<sums) == "\\$(xxhsum -q -H2 <s/new* | cut -d' ' -f1)  d/new\\nline\\\\and\\rmore" ]] || fail "it is: $(cat -A sums)"
	[[ $(xxhsum -q -H2 s/new*) != "\\"* ]] || expect_sums sums d
}

case_list_of_what_failed() {
	need_xxhsum
	mkdir s
	head -c 1000 /dev/urandom >s/good
	head -c 3000 /dev/urandom >s/bad
	run_ucp -r --verify --x-inject=corrupt,seed=2000 --checksums=sums s d
	expect_status 1
	expect_err "ucp: verification of 'd/bad' failed: it differs from 's/bad' at offset 2000"
	expect_sums sums d
}

# The list tells what was read, so that what was spoiled on its way is found later.
case_list_finds_spoiled_files() {
	need_xxhsum
	head -c 3000 /dev/urandom >a
	run_ucp --x-inject=corrupt,seed=2000 --checksums=sums a b
	expect_status 0
	check_not xxhsum -q -c sums
	[[ $(cut -d' ' -f1 sums) == "$(xxhsum -q -H2 a | cut -d' ' -f1)" ]] || fail "not what was read"
}

case_list_takes_the_place_of_the_last() {
	local i
	echo a >a
	for ((i = 0; i < 100; i++)); do
		echo "0123456789abcdef0123456789abcdef  old/$i"
	done >sums
	run_ucp --checksums=sums a b
	expect_status 0
	(($(wc -l <sums) == 1 && $(stat -c %s sums) == 36)) || fail "it is: $(cat -A sums)"
}

# What was there and is no list is lost to nobody who slipped.
case_list_that_would_overwrite_something_else() {
	echo a >a
	echo "precious thesis" >thesis.txt
	head -c 10000 /dev/zero >zeros
	sha256sum a >a.sha256
	echo 'int main(void) { return 0; }' >code.c
	ln -s thesis.txt link
	local file
	for file in thesis.txt zeros a.sha256 code.c link; do
		cp -L "$file" "$CASE/data"
		run_ucp --checksums="$file" a b
		expect_status 1
		expect_err "ucp: '$file' exists and is no list of checksums; remove it first"
		check cmp "$file" "$CASE/data"
		check_not test -e b
	done
}

# Two at once would write into each other's list.
case_list_that_is_in_use() {
	need cmd flock
	echo a >a
	flock sums "$UCP" --checksums=sums a b 2>"$ERR"
	status=$?
	expect_status 1
	expect_err "ucp: another program is writing 'sums': Device or resource busy"
	check_not test -e b
}

# Elsewhere a blank would do, and --checksum means something else: it has eaten an operand then.
once_list_needs_an_equals_sign() {
	echo thesis >thesis.txt
	echo report >report.txt
	mkdir d
	run_ucp -a --checksums thesis.txt report.txt d
	expect_status 1
	expect_err "ucp: option '--checksums' takes its FILE behind '=', as in --checksums=FILE
Try 'ucp --help' for more information."
	run_ucp -a report.txt d --checksums
	expect_status 1
	[[ $(<thesis.txt) == thesis && -z $(ls d) ]] || fail "something was written"
}

case_list_of_nothing() {
	echo a >a
	run_ucp --checksums=sums -l a b
	expect_status 0
	[[ -e sums && ! -s sums ]] || fail "it is: $(<sums)"
	run_ucp --checksums=- a /dev/null
	expect_status 0
	expect_no_out
}

# only: release, debug
once_list_of_many_files() {
	need_xxhsum
	local i
	mkdir s
	for ((i = 0; i < 5000; i++)); do
		echo $i >s/a-name-that-makes-lines-longer-$i
	done
	run_ucp -j4 -r --checksums=sums s d
	expect_status 0
	expect_sums sums d
	mkfifo p
	xxhsum -q -c p >"$CASE/checked" 2>&1 &
	run_ucp -j4 -r --checksums=p -T s d
	expect_status 0
	wait $! || fail "xxhsum: $(<"$CASE/checked")"
}

# only: release, debug
once_list_that_nobody_reads() {
	echo a >a
	mkfifo p
	start_ucp --checksums=p a b
	wait_for 'grep -q "^State:.*S" /proc/$pid/status && [[ $(</proc/$pid/comm) == ucp ]]'
	kill -INT "$pid"
	finish_ucp
	expect_status 130
	check_not test -e b
}

case_list_that_cannot_be_opened() {
	echo a >a
	run_ucp --checksums=missing/sums a b
	expect_status 1
	expect_err "ucp: cannot open 'missing/sums' for writing: No such file or directory"
	check_not test -e b
}

case_list_that_cannot_be_written() {
	mkdir s
	echo a >s/a
	echo b >s/b
	run_ucp -r --checksums=/dev/full s d
	expect_status 1
	expect_err "ucp: error writing '/dev/full': No space left on device"
	same_tree s d --no-times
	"$UCP" -r --checksums=- s e >/dev/full 2>"$ERR"
	status=$?
	expect_status 1
	expect_err "ucp: write error: No space left on device"
}

# Sources are safe from it, and it from copies.
case_list_that_is_a_source() {
	mkdir s
	echo a >s/a
	echo old >s/sums
	run_ucp -r --checksums=s/sums s d
	expect_status 1
	expect_err "ucp: cannot write checksums to 's/sums': it is to be copied"
	[[ $(<s/sums) == old ]] || fail "the source was overwritten"
	check_not test -e d
	rm s/sums
	run_ucp -r --checksums=s/sums s d
	expect_status 1
	expect_err "ucp: cannot copy 's/sums': checksums are being written to it"
	check cmp s/a d/a
	check_not test -e d/sums
	run_ucp --checksums=s/a s/a b
	expect_status 1
	expect_err "ucp: cannot write checksums to 's/a': it is to be copied"
}

case_list_that_is_a_destination() {
	mkdir s
	echo a >s/a
	echo old >s/sums
	mkdir d
	run_ucp -r -T --checksums=d/sums s d
	expect_status 1
	expect_err "ucp: cannot copy 's/sums' to 'd/sums': checksums are being written there"
	(($(wc -l <d/sums) == 1)) || fail "it is: $(<d/sums)"
	run_ucp -r -T --remove-destination --checksums=d/sums s d
	expect_status 1
	expect_err "ucp: 'd/sums' was removed while checksums were written to it"
}

# only: release
once_list_is_flushed() {
	need cmd strace
	echo a >a
	strace -f -y -qq -o "$CASE/trace" -e trace=fsync true 2>/dev/null || skip "strace does not work"
	run strace -f -y -qq -o "$CASE/trace" -e trace=fsync "$UCP" --fsync --checksums=sums a b
	expect_status 0
	grep -q 'fsync([0-9]*<.*/sums>)' "$CASE/trace" || fail "not flushed: $(<"$CASE/trace")"
}
