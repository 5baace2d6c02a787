# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # status is set by run
# --move: a source is renamed, or removed when its copy is on the medium. Nothing is lost on the way.
# modes: default sync tiny

umv() {
	run_ucp --move "$@"
}

# there SIZE: another file system, mounted on there.
there() {
	mount_tmpfs "${1-64M}" there
}

# gone NAME…, stay NAME…: sources.
gone() {
	local name
	for name; do
		[[ ! -e $name && ! -L $name ]] || fail "$name was not removed"
	done
}

stay() {
	local name
	for name; do
		[[ -e $name || -L $name ]] || fail "$name is gone"
	done
}

once_names_are_moved_as_by_mv() {
	local inode
	echo a >a
	ln -s nowhere "link"
	mkdir -p d/full/x empty tree/sub
	inode=$(stat -c %i a)
	umv -v a b
	expect_out "renamed 'a' -> 'b'"
	[[ $(stat -c %i b) == "$inode" ]] || fail "it was copied"
	umv -v link b tree d/
	expect_out "renamed 'link' -> 'd/link'" "renamed 'b' -> 'd/b'" "renamed 'tree' -> 'd/tree'"
	[[ -L d/link && -d d/tree/sub ]] || fail "not moved"
	mkdir -p full/y
	umv full d
	expect_status 1
	expect_err "ucp: cannot overwrite 'd/full': Directory not empty"
	umv -T -v empty d/full/x
	expect_out "renamed 'empty' -> 'd/full/x'"
	umv d d/full/new
	expect_err "ucp: cannot move 'd' to a subdirectory of itself, 'd/full/new'"
	umv -T full d/b
	expect_err "ucp: cannot overwrite non-directory 'd/b' with directory 'full'"
	umv -T d/b full
	expect_err "ucp: cannot overwrite directory 'full' with non-directory 'd/b'"
	umv d/b nowhere/
	expect_err "ucp: cannot move 'd/b' to 'nowhere/': Not a directory"
	umv nothing x
	expect_err "ucp: cannot stat 'nothing': No such file or directory"
	ln -s full tofull
	umv tofull/ x
	expect_err "ucp: cannot move 'tofull/' to 'x': Not a directory"
	umv d/b d/b
	expect_err "ucp: 'd/b' and 'd/b' are the same file"
	ln d/b hard
	umv hard d/b
	expect_err "ucp: 'hard' and 'd/b' are the same file"
	stay hard d/b full/y tofull d/full/x
}

once_what_stands_there_is_treated_as_by_mv() {
	echo old >old
	touch -d 2001-01-01 old
	echo new >new
	umv -n old new
	expect_status 0
	umv -u old new
	expect_status 0
	run bash -c "echo n | '$UCP' $UCP_FLAGS --move -i old new"
	stay old
	[[ $(<new) == new ]] || fail "it was replaced"
	# The last of -i, -n and -f counts
	echo 1 >first
	echo 2 >second
	umv -f -n first second
	stay first
	umv -i -n -f first second </dev/null
	expect_status 0
	gone first
	[[ $(<second) == 1 ]] || fail "it was not replaced"
	ln -s old tolink
	umv -bv old new
	expect_out "renamed 'old' -> 'new' (backup: 'new~')"
	[[ $(<new) == old && $(<new~) == new ]] || fail "wrong content"
	umv new tolink
	[[ ! -L tolink && $(<tolink) == old ]] || fail "the link was followed"
	mkdir -p d/link s
	echo x >s/link
	umv s/link d
	expect_err "ucp: cannot overwrite directory 'd/link' with non-directory 's/link'"
	umv -b s/link d
	[[ $(<d/link) == x && -d d/link~ ]] || fail "no backup of the directory"
	mkdir one two
	echo 1 >one/x
	echo 2 >two/x
	umv one/x two/x d
	expect_err "ucp: will not overwrite just-created 'd/x' with 'two/x'"
	[[ $(<d/x) == 1 && $(<two/x) == 2 ]] || fail "something was lost"
}

once_a_tree_is_merged_with_T() {
	mkdir -p s/both/new s/only d/both
	echo new >s/both/f
	echo old >d/both/f
	echo kept >d/both/g
	echo more >s/only/x
	umv -T s d
	expect_status 0
	expect_no_err
	gone s
	[[ $(<d/both/f) == new && $(<d/both/g) == kept && $(<d/only/x) == more && -d d/both/new ]] || fail "not merged"
	mkdir -p s/sub
	touch s/keep.o s/sub/a s/sub/b.o
	umv --exclude='*.o' s e
	expect_status 0
	expect_no_err
	stay s/keep.o s/sub/b.o e/sub/a
	gone s/sub/a e/keep.o e/sub/b.o
}

case_across_file_systems() {
	there
	make_tree --seed=3 s
	ln s/"$(cd s && find . -type f -links 1 | head -n 1)" s/second
	cp -a s kept
	umv s there
	expect_status 0
	expect_no_err
	gone s
	same_tree kept there/s
	mkdir few
	touch few/{a,b}
	umv --stats few there/few
	expect_out_has "sources removed:    3"
	rm -r there/few
	umv -v there/s/second there/new .
	expect_status 1
	expect_out "copied 'there/s/second' -> './second'" "removed 'there/s/second'"
	umv -T there/s s
	mv second s
	[[ -z $(ls -A there) ]] || fail "something is left: $(ls -A there)"
}

# only: release, debug
once_nothing_is_removed_before_it_is_flushed() {
	need cmd strace
	there
	mkdir -p s/sub
	touch s/{a,b,sub/c}
	# shellcheck disable=SC2086
	run strace -f -qq -o trace -e trace=syncfs,fsync,unlinkat,renameat2,linkat "$UCP" $UCP_FLAGS --move s there
	expect_status 0
	gone s
	# From the last name given to the first name removed
	sed -nE '/linkat.*"(a|b|c)"/h; /syncfs.*= 0/{x; /./i flushed
	x}; /unlinkat.*"(a|b|c)"/p' trace >order
	head -n 1 order | grep -q flushed || fail "removed before: $(<trace)"
	echo x >f
	run strace -f -qq -o trace -e trace=fsync,unlinkat "$UCP" --move f there/f
	grep -c 'fsync.*= 0' trace >count
	(($(<count) >= 2)) || fail "file and directory are not flushed: $(<trace)"
	echo x >f
	run strace -f -qq -o trace -e trace=fsync -e inject=fsync:error=EIO "$UCP" --move f there/g
	expect_status 1
	stay f
	mkdir -p s/sub
	touch s/{a,sub/c}
	run strace -f -qq -o trace -e trace=syncfs -e inject=syncfs:error=EIO "$UCP" --move s there
	expect_status 1
	stay s/a s/sub/c
	run strace -f -qq -o trace -e trace=unlinkat -e inject=unlinkat:error=EACCES "$UCP" --move -T s there/s
	expect_status 1
	stay s/a s/sub/c
}

# only: release, debug
once_what_changes_stays() {
	local act="${UCP%/*}/tools/preload-act.so"
	need tool preload-act.so
	there
	mkdir -p s/zz
	echo one >s/f
	echo one >s/g
	run env UCP_ACT_AFTER=mkdirat:zz UCP_ACT="echo more >>$PWD/s/f; mv $PWD/s/g $PWD/s/old; echo other >$PWD/s/g" \
		LD_PRELOAD="$act" "$UCP" -j1 --engine=sync --move s there/d
	expect_status 1
	grep -q "not removing 's/f', as it changed while it was moved" "$ERR" || fail "no message: $(<"$ERR")"
	grep -q "not removing 's/g', as it changed while it was moved" "$ERR" || fail "no message: $(<"$ERR")"
	[[ $(tail -n 1 s/f) == more && $(<s/g) == other && $(<s/old) == one ]] || fail "something was lost"
	umv s there/d
	expect_status 0
	[[ $(tail -n 1 there/d/f) == more && $(<there/d/g) == other && $(<there/d/old) == one ]] || fail "it did not go on"
	gone s
	mkdir -p s/zz
	echo one >s/f
	ln s/f s/g
	touch -d 2020-01-01 s/f
	run env UCP_ACT_AFTER=mkdirat:zz UCP_ACT="echo two >$PWD/s/f; touch -d 2020-01-01 $PWD/s/f" \
		LD_PRELOAD="$act" "$UCP" -j1 --engine=sync --move s there/l
	expect_status 1
	[[ $(<s/f) == two && $(<s/g) == two ]] || fail "a file with several names was lost"
	rm -r s
	mkdir -p s/zz
	echo one >s/f
	run env UCP_ACT_AFTER=mkdirat:zz UCP_ACT="rm $PWD/there/e/f; echo bad >$PWD/there/e/f" \
		LD_PRELOAD="$act" "$UCP" -j1 --engine=sync --move s there/e
	expect_status 1
	[[ $(<s/f) == one ]] || fail "a source without its copy was removed"
}

once_what_is_not_moved_stays() {
	there 1M
	mkdir -p s/sub s/out
	head -c 3000000 /dev/urandom >s/large
	echo small >s/sub/small
	echo o >s/out/x.o
	echo kept >there/kept
	umv --exclude='*.o' s there
	expect_status 1
	grep -q "No space left" "$ERR" || fail "no message: $(<"$ERR")"
	stay s/large s/out/x.o
	gone s/sub there/s/out/x.o there/s/large
	[[ $(<there/s/sub/small) == small ]] || fail "not copied"
	umv -n s/out/x.o there/kept
	stay s/out/x.o
	mkdir -p t/s
	touch t/s/f
	umv t/s there
	expect_status 0
	mkdir -p t/s/f
	rm there/s/.ucp-journal there/.ucp-journal 2>/dev/null
	umv t/s there
	expect_status 1
	expect_err "ucp: cannot overwrite 'there/s': Directory not empty"
}

once_other_options_do_not_go_with_it() {
	local option
	echo a >a
	for option in -l -s --attributes-only --copy-contents --delete --mirror --parents --keep-directory-symlink --link-dest=. \
		--checksums=sums -L -H --no-preserve=mode --chown=0 --chmod=700 --xattrs=user.x \
		--update=differ; do
		umv "$option" a b
		expect_status 1
		stay a
		gone b
	done
	make_tree --seed=1 s
	cp -a s kept
	umv --dry-run -v s d
	expect_status 0
	same_tree kept s
	gone d
	ln -s "$UCP" umv
	run ./umv -v a b
	expect_out "renamed 'a' -> 'b'"
	run ./umv a b
	expect_err "umv: cannot stat 'a': No such file or directory"
}

# movetest KIND SEED COUNT [OPTION…]
movetest() {
	need cmd python3 strace
	there
	mkdir here
	run python3 "$TOOLS/movetest.py" --ucp="$UCP" --flags="$UCP_FLAGS" --seed="$2" --count="$3" "${@:4}" "$1" here there
	[[ $status == 0 ]] || fail "movetest.py: $(head -c 4000 "$OUT" "$ERR")"
}

# only: release
# limit: 240
once_killed_moves_lose_nothing() {
	share 9
	movetest kill "$first" "$tries" --files=10
}

# only: release
# limit: 240
once_moves_are_those_of_mv() {
	share 30
	movetest mv "$first" "$tries"
}

# only: release
# limit: 1800
long_killed_moves_lose_nothing() {
	movetest kill 1000 200 --files=10
}

# only: release
# limit: 1800
long_moves_are_those_of_mv() {
	movetest mv 100000 1000
}

# The same command goes on: it takes its own copies for no old files, and finds its source until that is gone.
# only: release
once_killed_moves_keep_backups() {
	local nth name
	need cmd strace
	there
	mkdir there/old
	echo old | tee there/old/{f,g} >/dev/null
	ln -s old there/old/l
	for ((nth = 1; nth <= 8; nth++)); do
		rm -rf s there/s
		mkdir s
		echo new | tee s/{f,g} >/dev/null
		ln -s new s/l
		cp -a there/old there/s
		# shellcheck disable=SC2086
		strace -f -qq -o trace -e trace=unlinkat -e "inject=unlinkat:signal=SIGKILL:when=$nth" \
			"$UCP" $UCP_FLAGS --move -b -T s there/s 2>/dev/null
		[[ -e s ]] || continue
		umv -b -T s there/s
		expect_status 0
		expect_no_err
		for name in f g; do
			[[ $(<there/s/$name) == new && $(<there/s/$name~) == old ]] || fail "$nth: $(head there/s/*)"
		done
		[[ $(readlink there/s/l there/s/l~) == $'new\nold' ]] || fail "$nth: $(ls -l there/s)"
	done
	grep -q '"s", AT_REMOVEDIR' trace || fail "it was never killed at the end: $(<trace)"
	# A name alone, which has no journal
	echo new >f
	touch -r f there/f
	cp -p f there/f
	echo old >there/f~
	umv -b f there
	expect_status 0
	[[ $(<there/f) == new && $(<there/f~) == old ]] || fail "$(head there/f*)"
	echo other >f
	umv -b f there
	[[ $(<there/f) == other && $(<there/f~) == new ]] || fail "$(head there/f*)"
}

# only: release
once_killed_when_the_source_is_empty() {
	local nth
	need cmd strace
	there
	for nth in 2 3; do
		mkdir s
		touch s/f
		# shellcheck disable=SC2086
		strace -f -qq -o trace -e trace=unlinkat -e "inject=unlinkat:signal=SIGKILL:when=$nth" \
			"$UCP" $UCP_FLAGS --move s there/s 2>/dev/null
		[[ ! -e s/f ]] || fail "killed too early: $(<trace)"
		if [[ -d s ]]; then
			umv s there/s
			expect_status 0
			[[ $(ls -A there/s) == f ]] || fail "$nth: $(ls -A there/s)"
		fi
		gone s
		rm -r there/s
	done
}

case_refused_move_leaves_no_journal() {
	mkdir -p a/m
	mount_tmpfs 1M a/m
	touch a/m/f
	umv a a/m
	expect_status 1
	expect_err "ucp: cannot move 'a' to a subdirectory of itself, 'a/m/a'"
	[[ $(ls -A a/m) == f ]] || fail "left: $(ls -A a/m)"
}

# Directories of another user are exchanged for links while root moves: nothing outside is removed or moved.
# only: release, asan
# limit: 240
once_attack_on_moves() {
	need root
	need tool swapper
	need cmd setpriv
	there
	mkdir -p out/dir
	echo outside | tee out/dir/{1,2,3} >out/file
	chmod 755 . there
	for _ in {1..8}; do
		rm -rf s there/*
		mkdir -p s/pub/{1,2,3,4}/{1,2,3}
		touch s/pub/{1,2,3,4}/{1,2,3}/{1,2,3} s/pub/{1,2,3}.f
		ln -s "$PWD/out/dir" s/pub/x1
		ln -s "$PWD/out" s/pub/x2
		ln -s "$PWD/out/file" s/pub/x3
		chown -hR "$USER_ID" s/pub
		setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups "${UCP%/*}/tools/swapper" swap 0 "$PWD/s/pub" \
			1=x1 2=x2 3/1=3/2 4=x1 1.f=x3 2.f=3.f 2>/dev/null &
		umv s there
		kill $! 2>/dev/null
		wait $! 2>/dev/null
		[[ -e out/file && -e out/dir/1 && -e out/dir/2 && -e out/dir/3 ]] || fail "something outside was removed"
		check_not grep -rqs outside there
	done
}
