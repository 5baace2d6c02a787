# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # status is set by run
# --delete and --mirror: what only the destination has goes, and nothing else does.
# modes: default sync tiny

# expect_lines LINE…: stdout, in any order.
expect_lines() {
	sort -o "$OUT" "$OUT"
	mapfile -t lines < <(printf '%s\n' "$@" | sort)
	expect_out "${lines[@]}"
}

# A source, and a copy that has more.
make_pair() {
	mkdir -p s/sub/deep s/same
	echo a >s/a
	echo b >s/sub/b
	"$UCP" -a -T s d || fail "cannot copy"
	mkdir -p d/old/deep/deeper d/sub/gone
	echo 1 >d/old/file
	echo 2 >d/old/deep/deeper/file
	echo 3 >d/sub/$'odd\nname'
	ln -s ../out d/old/link
	ln -s ../out d/link
	mkfifo d/sub/deep/fifo
	mkdir out
	echo outside >out/file
}

case_surplus_goes() {
	local options
	for options in '--update=differ' '--atomic' '--resume --update=checksum' '--files-from=list'; do
		rm -rf s d out
		make_pair
		printf '%s\n' . >list
		# shellcheck disable=SC2086
		run_ucp -a -T --delete $options s d
		expect_status 0
		expect_no_err
		same_tree s d
		[[ $(<out/file) == outside ]] || fail "something else was removed"
	done
}

once_lines_of_removals() {
	make_pair
	mv d/sub/$'odd\nname' d/sub/odd
	cp -a d before
	local removals=("removed 'd/link'" "removed 'd/old/link'" "removed 'd/old/file'" "removed 'd/old/deep/deeper/file'"
		"removed directory 'd/old/deep/deeper'" "removed directory 'd/old/deep'" "removed directory 'd/old'"
		"removed 'd/sub/odd'" "removed directory 'd/sub/gone'" "removed 'd/sub/deep/fifo'")
	local sum="would copy 0 files with 0 bytes (0 B), and make 0 directories, and remove 10 names; 2 are left as they are"
	run_ucp --mirror --dry-run s d
	expect_status 0
	expect_lines "${removals[@]}" "$sum"
	same_tree before d
	run_ucp --mirror -v --json s d
	expect_status 0
	[[ $(grep -c '"type":"removed"' "$OUT") == 10 ]] || fail "events: $(<"$OUT")"
	expect_out_has '"removed":10'
	rm -r d
	mv before d
	run_ucp --mirror -v s d
	expect_status 0
	expect_lines "${removals[@]}"
	same_tree s d
	run_ucp --mirror --stats s d
	expect_out_has "removed:            0"
}

# The same name below a directory, several of them, and what makes no sense.
once_operands_of_delete() {
	mkdir -p a b d/a/old d/b/old d/c
	touch a/f b/f
	run_ucp -r --delete a b d
	expect_status 0
	[[ -d d/c && -f d/a/f && -f d/b/f && ! -e d/a/old && ! -e d/b/old ]] || fail "$(find d)"
	run_ucp -r --delete -t d a
	expect_status 0
	run_ucp --delete a d
	expect_status 1
	expect_err "ucp: --delete needs -r or -a" "Try 'ucp --help' for more information."
	run_ucp -r --delete a/. d
	expect_status 1
	expect_err "ucp: --delete needs -T to make DEST a copy of 'a/.'" "Try 'ucp --help' for more information."
	run_ucp -r --delete a d/a d
	expect_status 1
	expect_err "ucp: with --delete, each operand must have a name of its own in DIRECTORY" \
		"Try 'ucp --help' for more information."
	run_ucp -r --max-delete=3 a d
	expect_status 1
	expect_err "ucp: --max-delete needs --delete" "Try 'ucp --help' for more information."
	run_ucp -r --delete --max-delete=all a d
	expect_status 1
	expect_err "ucp: invalid number: 'all'"
	[[ -d d/c ]] || fail "removed"
}

once_what_is_left_out_stays() {
	mkdir -p s/sub d/sub d/old/sub
	touch s/f s/left.o d/left.o d/other.o d/old/sub/x.o d/old/sub/y d/sub/z
	head -c 2000 /dev/zero >s/big
	cp s/big d
	cp s/big d/big2
	echo '*.log' >s/.gitignore
	touch d/x.log
	run_ucp -r -T --delete --exclude='*.o' --max-size=1K --gitignore s d
	expect_status 0
	expect_no_err
	local kept=". ./.gitignore ./big ./big2 ./f ./left.o ./old ./old/sub ./old/sub/x.o ./other.o ./sub ./x.log"
	[[ $(cd d && find . | sort | xargs) == "$kept" ]] || fail "$(find d)"
	echo f >list
	mkdir -p d/sub/more
	run_ucp -r --delete --files-from=list s d
	expect_status 0
	[[ -e d/big && -e d/sub/more && -e d/old/sub/x.o ]] || fail "names that are not in the list are removed"
	run_ucp -r -T --delete-excluded --exclude='*.o' --max-size=1K --gitignore s d
	expect_status 0
	[[ $(cd d && find . | sort | xargs) == ". ./.gitignore ./f ./sub" ]] || fail "--delete-excluded: $(find d)"
}

# Nothing goes from where something failed, nor from above.
once_nothing_goes_where_something_failed() {
	mkdir -p s/bad/below s/good d/bad/below/old d/bad/old d/good/old d/old
	touch s/bad/f d/bad/f s/good/g
	run_ucp -r -T --delete --update=none-fail s d
	expect_status 1
	expect_err "ucp: not replacing 'd/bad/f'" \
		"ucp: hint: nothing was removed from directories in or below which something failed"
	[[ -d d/bad/old && -d d/old && ! -e d/bad/below/old && ! -e d/good/old ]] || fail "$(find d)"
}

# A source that is empty, perhaps as it is not mounted.
once_source_that_is_not_there() {
	mkdir -p empty d/old
	touch d/f
	run_ucp --mirror empty d
	expect_status 1
	expect_err "ucp: 'empty' is empty: nothing is removed from 'd'"
	[[ -e d/f && -e d/old ]] || fail "removed"
	mkdir other
	run_ucp --mirror empty other
	expect_status 0
	mkdir -p s2/sub d2/sub/old
	touch s2/f
	run_ucp --mirror s2 d2
	expect_status 0
	[[ -d d2/sub && ! -e d2/sub/old ]] || fail "an empty directory of a source"
}

once_source_that_fails_while_it_is_read() {
	mkdir -p b/sub d/sub/old d/old
	touch b/f b/sub/f
	mount_faultfs m b "fail readdir sub EIO"
	run_ucp -r -T --delete m d
	expect_status 1
	expect_err "ucp: cannot access 'm/sub': Input/output error" \
		"ucp: hint: nothing was removed from directories in or below which something failed"
	[[ -d d/sub/old && -d d/old ]] || fail "removed"
}

once_unreadable_source() {
	need user
	mkdir -p s/sub d/sub/old d/old
	touch s/f
	chmod 0 s/sub
	((EUID != 0)) || chown -R "$USER_ID" . "$PWD"
	run as_user ucp -r -T --delete s d
	expect_status 1
	expect_err "ucp: cannot access 's/sub': Permission denied" \
		"ucp: hint: nothing was removed from directories in or below which something failed"
	[[ -d d/sub/old && -d d/old ]] || fail "removed"
}

once_no_more_than_allowed() {
	mkdir -p s/sub d/old/deep d/sub/old d/dir/below
	touch s/f s/dir d/old/deep/{1,2}
	run_ucp -r -T --update=differ --delete --max-delete=6 s d
	expect_status 1
	expect_err "ucp: cannot overwrite directory 'd/dir' with non-directory 's/dir'" \
		"ucp: nothing is removed: 7 names would be, and --max-delete allows 6"
	[[ -e d/f && -e d/old/deep/1 && -d d/sub/old && -d d/dir/below ]] || fail "$(find d)"
	run_ucp -r -T --delete --max-delete=6 --dry-run s d
	expect_status 1
	run_ucp -a -T --update=differ --delete --max-delete=7 s d
	expect_status 0
	expect_no_err
	same_tree s d
	run_ucp -a -T --delete --max-delete=0 s d
	expect_status 0
}

once_types_are_exchanged() {
	local options
	for options in '' --atomic --max-delete=100; do
		rm -rf s d out
		mkdir -p s/dir s/link d/file/a/b d/special out
		echo f >s/file
		mkfifo s/special
		touch d/special/x out/kept
		echo x >d/dir
		ln -s ../out d/link
		# shellcheck disable=SC2086
		run_ucp --mirror $options s d
		expect_status 0
		expect_no_err
		same_tree s d
		[[ -e out/kept ]] || fail "removed through a link"
	done
	# If nothing is compared, too; and nobody is asked again for what waits until it is known how much goes
	rm -rf s d
	mkdir -p s d/file/a
	echo f >s/file
	run_ucp -r -T -i --delete --max-delete=2 s d < <(printf 'y\nn\n')
	expect_status 0
	[[ $(<"$ERR") == "ucp: overwrite 'd/file'? " && $(<d/file) == f ]] || fail "$(<"$ERR")"
	# What must stay keeps its directory
	rm d/file
	mkdir d/file
	touch d/file/x.o d/file/y
	run_ucp --mirror --exclude='*.o' s d
	expect_status 1
	expect_err "ucp: cannot overwrite directory 'd/file' with non-directory 's/file'" \
		"ucp: hint: nothing was removed from directories in or below which something failed"
	[[ -e d/file/x.o ]] || fail "removed"
}

# A source in the destination, and the way to it.
once_source_in_the_destination() {
	mkdir -p d/old d/way/s/sub d/way/old
	touch d/way/s/f
	run_ucp --mirror d/way/s d
	expect_status 1
	expect_err "ucp: will not remove 'd/way': it is to be copied, or leads to what is"
	[[ -e d/way/s/f && -e d/f && -d d/way/old && ! -e d/old ]] || fail "$(find d)"
	# By a link in the source
	mkdir -p t e/old
	echo data >e/old/data
	ln -s ../e/old/data t/data
	run_ucp -r -L -T --delete t e
	expect_status 1
	expect_err "ucp: will not remove 'e/old/data': it is to be copied, or leads to what is"
	[[ -e e/old/data ]] || fail "the source was removed"
}

once_mounts_stay() {
	mkdir -p s d/mnt d/old/mnt
	touch s/f d/old/f
	mount_tmpfs 1M d/mnt
	mount_tmpfs 1M d/old/mnt
	touch d/mnt/kept d/old/mnt/kept
	mkdir -p d/bind out
	touch out/kept
	mount --bind out d/bind || skip "cannot bind"
	run_ucp --mirror s d
	umount d/bind
	expect_status 1
	sort -o "$ERR" "$ERR"
	expect_err "ucp: will not remove 'd/bind': something is mounted there" \
		"ucp: will not remove 'd/mnt': something is mounted there" \
		"ucp: will not remove 'd/old/mnt': something is mounted there"
	[[ -e d/mnt/kept && -e d/old/mnt/kept && -e out/kept && ! -e d/old/f ]] || fail "$(find d)"
	umount d/mnt d/old/mnt
}

# The journal, what another ucp writes, backups, and the files that this run reads or writes.
once_what_ucp_needs_stays() {
	need cmd flock
	mkdir -p s d/old
	echo newer >s/f
	echo old >d/f
	touch d/.ucp-journal d/.ucp-0123456789abcdef d/old/.ucp-0123456789abcde0 d/other d/g~ d/h.~12~ d/.ucp-0123456789
	exec 3<d/.ucp-0123456789abcdef
	flock -n 3 || skip "no locks"
	run_ucp --mirror -b --checksums=d/sums s d
	exec 3<&-
	expect_status 0
	local kept=".ucp-0123456789abcdef .ucp-0123456789~ .ucp-journal f f~ g~ h.~12~ other~ sums"
	[[ $(cd d && find . -type f -printf '%P\n' | sort | xargs) == "$kept" ]] || fail "$(ls -A d)"
	run_ucp --mirror s d
	expect_status 0
	[[ $(cd d && find . -type f -printf '%P\n' | sort | xargs) == ".ucp-journal f" ]] || fail "$(ls -A d)"
	mkdir -p d/snapshots
	cp -a s d/snapshots/day1
	echo 1G | tee d/rate >d/other
	run_ucp --mirror --link-dest=d/snapshots/day1 --link-dest=s/f/none --bwlimit=@d/rate --log-file=d/log s d
	expect_status 0
	[[ $(cd d && find . -type f -printf '%P\n' | sort | xargs) == ".ucp-journal f log rate snapshots/day1/f" ]] || fail "$(ls -A d)"
	rm -r d/{.ucp-journal,log,rate,snapshots}
	echo f | tee d/names >d/other
	echo '*.o' >d/patterns
	echo '*.a' >d/more
	run_ucp --mirror --files-from=d/names --exclude-from=d/patterns --exclude-from=- --delete-excluded s d <d/more
	expect_status 0
	[[ $(cd d && find . -type f -printf '%P\n' | sort | xargs) == "f more names patterns" ]] || fail "$(ls -A d)"
}

# Two names of the destination that are one for it: what was copied is not removed by its other name.
once_names_that_are_one() {
	mount_faultfs m b --fold --cache=0
	mkdir s
	echo 1 >s/README
	mkdir s/Sub
	echo old >b/readme
	mkdir b/sub b/old
	run_ucp -r -T --delete s m
	expect_status 0
	[[ $(cat b/[Rr][Ee]*) == 1 && -d b/sub && ! -e b/old ]] || fail "$(ls b)"
}

once_deep_surplus() {
	mkdir s d
	touch s/f
	python3 -SE -c '
import os
os.chdir("d")
for _ in range(3000):
    os.mkdir("a")
    os.chdir("a")
open("f", "w").close()' || fail "cannot make it"
	run limit_fds 64 "$UCP" --mirror s d
	expect_status 0
	expect_no_err
	same_tree s d
}

# What is exchanged while it is removed leads nowhere else.
# only: release, debug
once_directory_is_exchanged() {
	local rules
	for rules in 'fstatat old d/old d/x' 'openat old d/old/sub d/x' 'openat sub d/old/sub d/x' \
		'openat sub d/old/sub out/dir' 'unlinkat f d/old d/x' 'openat old d/old out/dir'; do
		rm -rf s d out
		mkdir -p s d/old/sub out/dir
		touch s/f d/old/sub/f d/old/g out/dir/f out/dir/g
		ln -s ../out/dir d/x
		exchanging "$rules" --mirror s d
		# It may have been moved into the destination, as it is
		[[ -e out/dir/f || -e d/old/f || -e d/old/sub/f ]] || fail "$rules: f was removed: $(find d out)"
		[[ -e out/dir/g || -e d/old/g || -e d/old/sub/g ]] || fail "$rules: g was removed: $(find d out)"
	done
}

# What must stay is not emptied when it gets another name, and the way up leads only to where it came from.
# only: release, debug
once_what_is_exchanged_stays() {
	local deep=d/old/1/2/3/4/5/6/7
	mkdir -p s d/old d/snapshot
	touch s/f d/snapshot/kept
	exchanging 'statx old d/old d/snapshot' --mirror --link-dest=d/snapshot s d
	expect_err_has "ucp: not removing 'd/old', as it was replaced meanwhile"
	[[ -e d/old/kept ]] || fail "$(find d)"
	rm -r d
	mkdir -p $deep/{8/9,aa,zz} out/{aa,zz}
	touch out/{aa,zz}/kept $deep/{aa,zz}/gone
	exchanging "openat 9 $deep/8 out/8" --mirror s d
	[[ -e out/aa/kept && -e out/zz/kept && -d out/8 ]] || fail "$(find d out)"
	expect_err_has "as it was moved meanwhile"
}

# An attacker exchanges what is being removed with links as fast as they can.
once_attack_on_removal() {
	need root
	need tool swapper
	need cmd setpriv
	mkdir -p s/pub out/dir
	touch s/pub/f out/dir/{1,2,3} out/file
	chmod 755 . s
	for _ in {1..12}; do
		rm -rf d
		mkdir -p d/pub/old/{1,2,3,4}/{1,2,3}
		touch d/pub/old/{1,2,3,4}/{1,2,3}/{1,2,3}
		ln -s "$PWD/out/dir" d/pub/x1
		ln -s "$PWD/out" d/pub/x2
		ln -s "$PWD/out/dir" d/pub/old/1/x
		chown -hR "$USER_ID" d/pub
		setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups "${UCP%/*}/tools/swapper" swap 0 "$PWD/d/pub" \
			old=x1 old/1=x2 old/2=x1 old/1/1=old/1/x old/3=old/4 2>/dev/null &
		run_ucp --mirror s d
		kill $! 2>/dev/null
		wait $! 2>/dev/null
		[[ -e out/file && -e out/dir/1 && -e out/dir/2 && -e out/dir/3 ]] || fail "something outside was removed"
	done
}

mirrors() { # SEED COUNT
	need cmd python3 rsync
	run env TMPDIR="$PWD" python3 "$TOOLS/mirrortest.py" --ucp="$UCP" --seed="$1" --count="$2" --files=20
	[[ $status == 0 ]] || fail "mirrortest.py: $(head -c 5000 "$OUT" "$ERR")"
}

# limit: 240
# only: release
once_mirrors_are_those_of_rsync() {
	share 6
	mirrors "$first" "$tries"
}

# limit: 1800
# only: release
long_mirrors_are_those_of_rsync() {
	mirrors 1000 300
}

# only: release, debug
once_nothing_goes_if_what_must_stay_is_not_known() {
	need cmd strace
	mkdir s d
	echo a >s/a
	echo x >d/x
	run strace -f -qq -o trace -e trace=openat -e inject=openat:error=ENFILE -P .. "$UCP" -a -T --delete s d
	expect_status 1
	grep -q 'nothing is removed: cannot find out what must stay' "$ERR" || fail "no message"
	[[ -e d/a && -e d/x ]] || fail "it was not copied, or something was removed"
}
