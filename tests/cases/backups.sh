# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# The directory for backups (--backup-dir).
# only: release, asan

# A tree in s, and in t what differs from it.
old_and_new() {
	mkdir -p s/d t/d t/gone/deep
	echo new >s/f
	echo new >s/d/g
	ln -s new s/l
	echo old-f >t/f
	echo old-g >t/d/g
	ln -s old t/l
	echo gone >t/gone/deep/x~
	chmod 600 t/f
}

content() { # FILE: what it is, to compare
	local file
	for file; do
		[[ -L $file ]] && readlink "$file" || cat "$file"
	done 2>&1
}

once_backups_in_a_directory() {
	old_and_new
	local way
	for way in '' --atomic --dry-run; do
		rm -rf t b
		old_and_new 2>/dev/null
		# shellcheck disable=SC2086 # options
		run_ucp -aT -v $way --delete --backup-dir=b/c s t
		expect_status 0
		expect_no_err
		grep -qF "'s/d/g' -> 't/d/g' (backup: 'b/c/d/g')" "$OUT" || fail "$way: $(<"$OUT")"
		grep -qF "removed directory 't/gone'" "$OUT" || fail "$way: $(<"$OUT")"
		[[ $way != --dry-run ]] || break
		[[ $(content b/c/f b/c/d/g b/c/l b/c/gone/deep/x~) == $'old-f\nold-g\nold\ngone' ]] || fail "$way: $(find b)"
		[[ $(stat -c %a b b/c b/c/gone b/c/f | tr '\n' ' ') == '700 700 700 600 ' ]] || fail "modes of b"
		same_tree s t
	done
	[[ ! -e b && $(<t/f) == old-f ]] || fail "--dry-run made b"
	# An operand keeps its place below the directory, and a name that is given its last part
	run_ucp -a --backup-dir=b s/f t
	run_ucp -a -b --backup-dir=b s t
	run_ucp -a --backup-dir=b s t
	expect_status 0
	[[ $(content b/f b/s/d/g) == $'old-f\nnew' ]] || fail "$(find b)"
	echo older >t/x
	run_ucp --backup=numbered --backup-dir=b s/f ./t/x
	run_ucp --backup=numbered --backup-dir=b s/f "$PWD/t/x"
	run_ucp -S .bak --backup-dir=b s/f t/x
	expect_status 0
	[[ $(content b/x.~1~ b/x.~2~ b/x.bak) == $'older\nnew\nnew' ]] || fail "$(find b)"
	# A name of any length keeps its own
	local long
	printf -v long '%0255d' 0
	echo old >"t/$long"
	run_ucp --backup-dir=b -T s/f "t/$long"
	expect_status 0
	[[ $(<"b/$long") == old ]] || fail "$(find b)"
	# What an earlier operand has brought does not take the place of what was there
	mkdir s2
	echo newer >s2/f
	for way in '' --atomic --update=differ; do
		rm -rf t b
		mkdir t
		echo old >t/f
		# shellcheck disable=SC2086 # options
		run_ucp -r $way --backup-dir=b s/. s2/. t
		expect_status 0
		[[ $(content t/f b/f b/f.~1~) == $'newer\nold\nnew' ]] || fail "$way: $(grep -r . t b)"
	done
	# As with --backup, it cannot be combined with -n
	run_ucp -n --backup-dir=b s/f t/f
	expect_status 1
}

# The directory is in the destination, where all else goes that the source does not have.
once_backups_inside_the_destination() {
	old_and_new
	run_ucp -aT --delete --backup-dir=t/.old s t
	expect_status 0
	run_ucp -aT --delete --backup-dir=t/.old s t
	expect_status 0
	[[ $(content t/.old/gone/deep/x~ t/.old/f t/f) == $'gone\nnew\nnew' ]] || fail "$(find t)"
	# Neither does a backup take the place of a source
	echo now >t/f
	run_ucp --backup-dir=t/.old t/.old/f t/f
	expect_status 1
	expect_err "ucp: backing up 't/f' might destroy source;  't/.old/f' not copied"
	run_ucp -rT --backup-dir=t/.old t/.old t
	expect_status 1
	[[ $(content t/.old/f t/f) == $'new\nnow' ]] || fail "source or destination lost"
	# Two names of one file: the old name must go
	rm t/.old/f
	ln t/f t/.old/f
	run_ucp --backup-dir=t/.old s/f t/f
	expect_status 0
	[[ $(content t/.old/f t/f) == $'now\nnew' ]] || fail "hard link"
	# A copy that fails gives it back
	mkdir s/h t/h
	echo secret >s/h/f
	echo kept >t/h/f
	ln -s /proc/self/mem s/h/mem
	run_ucp -L --backup-dir=t/.old s/h/mem t/h/f
	expect_status 1
	[[ $(<t/h/f) == kept ]] || fail "not given back: $(ls t/h t/.old)"
}

# In the destination itself, or on a way that leads back to it, a backup would be the file itself, or another one.
once_backups_in_the_destination_itself() {
	local way
	for way in '' --atomic --remove-destination; do
		rm -rf t
		old_and_new 2>/dev/null
		mkdir t/t
		echo old >t/t/f
		# shellcheck disable=SC2086 # options
		run_ucp -aT $way --delete --backup-dir=t s t
		expect_status 1
		expect_err_has "ucp: cannot backup 't/f': Invalid argument"
		# shellcheck disable=SC2086 # options
		run_ucp -aT $way --delete --backup-dir=. s t
		expect_status 1
		expect_err_has "ucp: cannot backup 't/t/f': Invalid argument"
		[[ $(content t/t/f gone/deep/x~) == $'old\ngone' ]] || fail "$way: $(find t)"
		echo old-f >t/f
		# shellcheck disable=SC2086 # options
		run_ucp $way --backup-dir=t s/f t/d/../f
		expect_status 1
		[[ $(content t/f) == old-f ]] || fail "$way: lost"
	done
	rm -r t
	old_and_new 2>/dev/null
	run_ucp -aT -S.old --backup-dir=t s t
	expect_status 0
	[[ $(content t/f.old t/d/g.old t/f) == $'old-f\nold-g\nnew' ]] || fail "$(find t)"
}

# Files stay where they are if they cannot be moved.
once_backups_on_another_file_system() {
	need mounts
	old_and_new
	mkdir b
	mount_tmpfs 1m b
	local way
	for way in '' --atomic --remove-destination; do
		# shellcheck disable=SC2086 # options
		run_ucp -aT $way --delete --backup-dir=b s t
		expect_status 1
		expect_err_has "ucp: cannot backup 't/d/g': Invalid cross-device link"
		[[ $(content t/f t/d/g t/l t/gone/deep/x~) == $'old-f\nold-g\nold\ngone' ]] || fail "$way: lost"
	done
	run_ucp -aT --update=none --delete --backup-dir=b s t
	expect_status 1
	rm -r t
	mkdir t
	echo gone >t/x
	run_ucp -aT --delete --backup-dir=b s t
	expect_status 1
	expect_err_and_hints "ucp: cannot backup 't/x': Invalid cross-device link"
	[[ $(<t/x) == gone ]] || fail "removed"
}

# What others put below the directory leads nowhere.
once_planted_below_backups() {
	need root
	old_and_new
	mkdir b out
	chmod 777 out
	ln -s ../out b/d
	ln -s ../../out/f b/f
	mkdir b/gone
	chown "$USER_ID" b/gone
	run_ucp -aT --delete --backup-dir=b s t
	expect_status 1
	expect_err_has "ucp: cannot backup 't/d/g': Not a directory"
	[[ $(content t/d/g t/gone/deep/x~ b/f) == $'old-g\ngone\nold-f' && ! $(ls out) ]] || fail "$(find . -ls)"
	rm b/d
	run_ucp -aT --delete --backup-dir=b s t
	expect_status 1
	expect_err_has "ucp: cannot backup 't/gone/deep/x~': Operation not permitted"
	echo old-g >t/d/g
	# A link to the directory itself, in a place of others, is followed only to what is theirs
	mkdir theirs
	chown "$USER_ID" theirs
	ln -s ../out theirs/b
	chown -h "$USER_ID" theirs/b
	run_ucp -aT --backup-dir=theirs/b s t
	expect_status 1
	[[ $(<t/d/g) == old-g && ! $(ls out) ]] || fail "$(find . -ls)"
}

# rename(2) does nothing if both names lead to one file.
once_backup_that_is_a_hard_link_already() {
	local options
	echo new >s
	for options in -b '-b --atomic' '-bf'; do
		rm -f d d~
		echo old >d
		ln d d~
		# shellcheck disable=SC2086
		run_ucp $options s d
		expect_status 0
		expect_no_err
		[[ $(<d) == new && $(<d~) == old && $(stat -c %h d~) == 1 ]] || fail "$options: $(head d d~)"
	done
}

# As in cp of today's coreutils, no directory is backed up to make room for a file.
once_directory_is_not_backed_up_for_a_file() {
	local options
	mkdir -p s d/f/sub
	echo new >s/f
	echo old >d/f/sub/g
	for options in --backup --backup=numbered "--backup -f" "--backup --atomic" "--backup --engine=sync" "-b -rT"; do
		# shellcheck disable=SC2086 # several options
		if [[ $options == *T ]]; then
			run_ucp $options s d
		else
			run_ucp $options s/f d
		fi
		expect_status 1
		case $options in
		*-f) expect_err "ucp: cannot remove 'd/f': Is a directory" ;;
		*) expect_err "ucp: cannot create regular file 'd/f': Is a directory" ;;
		esac
		[[ $(find d | sort) == $'d\nd/f\nd/f/sub\nd/f/sub/g' ]] || fail "$options: $(find d)"
	done
}
