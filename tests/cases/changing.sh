# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# Sources that change under the reader: no hang, no crash, and nothing that was never in them.

# A text of numbers: no two places look alike.
pattern() {
	seq 1 700000
}

is_beginning() { # FILE WHOLE
	cmp -s -n "$(stat -c %s "$1")" "$1" "$2" ||
		fail "$1 is not a beginning of $2: $(cmp -n "$(stat -c %s "$1")" "$1" "$2" 2>&1)"
}

# in_background PYTHON-CODE: runs until it ends or the case does. $worker is its process.
in_background() {
	python3 -c "$1" &
	worker=$!
}

stop_background() {
	kill "$worker" 2>/dev/null
	wait "$worker" 2>/dev/null
	return 0
}

case_growing_file() {
	local round
	pattern >whole
	for round in {1..5}; do
		head -c 300000 whole >s
		in_background '
with open("whole", "rb") as f, open("s", "ab", buffering=0) as s:
    f.seek(300000)
    while piece := f.read(50000):
        s.write(piece)'
		run_ucp s d
		stop_background
		expect_status 0
		expect_no_err
		is_beginning d whole
		(($(stat -c %s d) >= 300000)) || fail "round $round: d is too short"
	done
}

case_shrinking_file() {
	pattern >whole
	for _ in {1..8}; do
		cp whole s
		rm -f d
		# Whole pages, as the kernel may show zeros where it cuts a page.
		in_background '
import os
for size in range(4 << 20, -1, -(64 << 10)):
    os.truncate("s", size)'
		run_ucp s d
		stop_background
		case $status in
		0) expect_no_err ;;
		1) [[ $(wc -l <"$ERR") == 1 ]] || fail "one message was expected: $(<"$ERR")" ;;
		*) fail "exit status $status" ;;
		esac
		[[ ! -e d ]] || is_beginning d whole
	done
}

case_shrinking_file_over_old_one() {
	pattern >whole
	for _ in {1..4}; do
		cp whole s
		pattern | tac >d
		in_background '
import os
for size in range(4 << 20, -1, -(64 << 10)):
    os.truncate("s", size)'
		run_ucp s d
		stop_background
		[[ $status == 0 || $status == 1 ]] || fail "exit status $status"
		[[ ! -e d ]] || is_beginning d whole
	done
}

case_replaced_file() {
	pattern >a
	pattern | tac | head -c 2000000 >b
	ln a s
	in_background '
import os
while True:
    for name in "b", "a":
        os.link(name, "new")
        os.rename("new", "s")'
	for _ in {1..25}; do
		rm -f d
		run_ucp s d
		case $status in
		0)
			expect_no_err
			cmp -s a d || cmp -s b d || fail "d is neither of the two"
			;;
		1)
			expect_err "ucp: skipping file 's', as it was replaced while being copied"
			check_not test -e d
			;;
		*) fail "exit status $status" ;;
		esac
	done
	stop_background
}

case_vanishing_files() {
	local i
	mkdir -p saved/sub
	for i in {1..300}; do
		echo "$i $i $i" >"saved/$i"
		echo "$i" >"saved/sub/$i"
	done
	cp -a saved s
	in_background '
import shutil
shutil.rmtree("s/sub")
import os
for i in range(300, 0, -1):
    os.unlink("s/%d" % i)'
	run_ucp -r s d
	stop_background
	[[ $status == 0 || $status == 1 ]] || fail "exit status $status"
	! grep -vE "^ucp: cannot (stat|open|access) '.*'( for reading)?: (No such file or directory|Stale file handle)\$" "$ERR" ||
		fail "unexpected messages"
	[[ -d d ]] || return 0
	(cd d && find . -type f -exec md5sum {} +) >"$CASE/sums"
	[[ ! -s $CASE/sums ]] || (cd saved && md5sum -c --quiet "$CASE/sums") || fail "something is wrong in d"
}

# --- with malice

# A fifo in the place of a file must not hold the copy for ever. (It can hold cp.)
case_file_replaced_by_fifo() {
	mkdir s
	echo a >a
	mkfifo p
	ln a s/f
	in_background '
import os
while True:
    for name in "p", "a":
        os.link(name, "new")
        os.rename("new", "s/f")'
	for _ in {1..25}; do
		rm -rf d
		# shellcheck disable=SC2086 # the flags are words
		run within 30 "$UCP" $UCP_FLAGS -r s d
		[[ $status == 0 || $status == 1 ]] || fail "exit status $status"
		if [[ -f d/f ]]; then
			check cmp a d/f
		fi
	done
	stop_background
}

case_file_replaced_by_symlink() {
	mkdir s
	echo public >a
	echo secret >secret
	ln -s ../secret link
	ln a s/f
	in_background '
import os
while True:
    for name in "link", "a":
        os.link(name, "new", follow_symlinks=False)
        os.rename("new", "s/f")'
	for _ in {1..25}; do
		rm -rf d
		run_ucp -r s d
		[[ $status == 0 || $status == 1 ]] || fail "exit status $status"
		[[ -L d/f || ! -e d/f || $(<d/f) == public ]] || fail "a link was followed"
	done
	stop_background
}

case_directory_replaced_by_symlink() {
	python3 -c 'import ctypes; ctypes.CDLL(None).renameat2' 2>/dev/null || skip "needs renameat2"
	mkdir -p s/dir outside
	echo public >s/dir/f
	echo secret >outside/f
	ln -s outside link
	in_background '
import ctypes
libc = ctypes.CDLL(None)
while True:
    libc.renameat2(-100, b"s/dir", -100, b"link", 2)'
	for _ in {1..40}; do
		rm -rf d
		run_ucp -r s d
		[[ $status == 0 || $status == 1 ]] || fail "exit status $status"
		[[ -L d/dir || ! -e d/dir/f || $(<d/dir/f) == public ]] || fail "a link was followed"
	done
	stop_background
}

case_destination_directory_replaced_by_symlink() {
	local i
	python3 -c 'import ctypes; ctypes.CDLL(None).renameat2' 2>/dev/null || skip "needs renameat2"
	mkdir -p s/dir d/s/dir outside
	for i in {1..20}; do
		echo "$i" >"s/dir/$i"
	done
	ln -s "$PWD/outside" link
	in_background '
import ctypes
libc = ctypes.CDLL(None)
while True:
    libc.renameat2(-100, b"d/s/dir", -100, b"link", 2)'
	for _ in {1..40}; do
		run_ucp -r s d
		[[ $status == 0 || $status == 1 ]] || fail "exit status $status"
		[[ -z $(ls outside) ]] || fail "something was written outside"
	done
	stop_background
}
