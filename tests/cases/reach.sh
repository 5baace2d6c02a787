# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# Links in the destination and whose they are, --beneath, and what belongs to others.

# theirs CMD…: as an ordinary user, while we are root.
theirs() {
	setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups "$@"
}

# A source s, and a destination d/s which belongs to somebody else.
two_owners() {
	need root
	need cmd setpriv
	chmod 755 .
	mkdir -p s d/s outside
	echo new >s/f
	echo outside >outside/f
	chown "$USER_ID" d/s
}

# --- links

once_link_of_other_leads_to_ours() {
	two_owners
	theirs ln -s "$PWD/outside/f" d/s/f
	for option in -r -a -rf -rL; do
		run_ucp "$option" s d
		expect_status 1
		expect_err "ucp: not writing through 'd/s/f': who made this symbolic link does not own what it leads to"
		[[ $(<outside/f) == outside ]] || fail "$option: it was written through"
	done
}

once_link_of_other_leads_to_their_own() {
	two_owners
	chown "$USER_ID" outside outside/f
	theirs ln -s ../../outside/f d/s/f
	run_ucp -r s d
	expect_status 0
	expect_no_err
	[[ -L d/s/f ]] || fail "the link is gone"
	check cmp s/f outside/f
}

# Nothing that is put behind the link between a look and the opening is opened, not even for a moment.
# only: release
once_link_of_other_is_turned_while_it_is_looked_at() {
	local option holder
	two_owners
	mkdir theirs
	chown "$USER_ID" theirs
	python3 "$TOOLS/lease.py" "$CASE" outside/f &
	holder=$!
	wait_for '[[ -e $CASE/held ]] || ! kill -0 $holder 2>/dev/null'
	[[ -e $CASE/held ]] || skip "needs leases here"
	for option in -r -a -au -rf -r+4 -r+5; do
		rm -f theirs/f d/s/f
		chown "$USER_ID" d/s
		theirs sh -c 'ln -s ../../theirs/f d/s/f; echo old >theirs/f; touch -d 2001-01-01 theirs/f'
		rm -f outside/g theirs/g
		mv outside/f theirs/g
		# Or, where it is looked at step by step, after one of these
		if [[ $option == *+* ]]; then
			exchanging "openat+${option#*+} f theirs/f theirs/g" "${option%+*}" s d
		else
			exchanging "fstatat ../../theirs/f theirs/f theirs/g
				openat ../../theirs/f theirs/f theirs/g" "$option" s d
		fi
		[[ ! -e $CASE/asked ]] || fail "$option: what is root's was opened"
		for name in theirs/f theirs/g; do
			[[ $(stat -c %u "$name") == "$USER_ID" ]] || mv "$name" outside/f
		done
		[[ $(stat -c '%u %s' outside/f) == "0 8" ]] || fail "$option: what is root's was touched"
	done
	: >"$CASE/go"
	wait "$holder"
}

# without_proc ARGS…: ucp, where /proc is not mounted.
without_proc() {
	need mounts
	# shellcheck disable=SC2086 # the flags are words
	run hiding /proc "$UCP" $UCP_FLAGS "$@"
}

# The sanitizers need /proc.
# only: release
once_links_without_proc() {
	two_owners
	mkdir theirs
	chown "$USER_ID" theirs
	theirs sh -c 'echo old >theirs/f; ln -s ../../theirs/f d/s/f'
	without_proc -r s d
	expect_status 1
	expect_err "ucp: not writing through 'd/s/f': symbolic links of others are followed only if /proc is mounted"
	[[ $(<theirs/f) == old ]] || fail "it was written through"
	rm d/s/f
	ln -s ../../outside/f d/s/f
	without_proc -r s d
	expect_status 0
	expect_no_err
	check cmp s/f outside/f
}

# With --atomic it is the directory that is written into: to own the file that is replaced is not enough.
once_atomic_link_of_other() {
	local option
	two_owners
	mkdir theirs
	theirs ln -s ../../outside/f d/s/f
	ln -s ../../theirs/f d/s/g
	theirs ln -s ../outside/f theirs/f 2>/dev/null || ln -s ../outside/f theirs/f
	chown -h "$USER_ID" theirs theirs/f
	echo new >s/g
	for option in -r -a -rf -rL --x-inject=no-unnamed; do
		chown 0 outside/f
		run_ucp -r --atomic "$option" s d
		expect_status 1
		sort "$ERR" >sorted
		diff sorted - <<-EOF || fail "$option: stderr"
			ucp: not writing through 'd/s/f': who made this symbolic link does not own what it leads to
			ucp: not writing through 'd/s/g': who made this symbolic link does not own what it leads to
		EOF
		[[ $option != -r ]] || continue
		chown "$USER_ID" outside/f
		run_ucp -r --atomic s d
		expect_status 1
		[[ $(<outside/f) == outside && $(ls -A outside) == f ]] || fail "$option: it was written through"
	done
	rm s/g
	chown 0 outside/f
	chown "$USER_ID" outside
	run_ucp -r --atomic s d
	expect_status 1
	expect_err "ucp: not writing through 'd/s/f': who made this symbolic link does not own what it leads to"
	[[ $(<outside/f) == outside ]] || fail "what is ours was replaced"
	chown "$USER_ID" outside/f
	run_ucp -r --atomic s d
	expect_status 0
	expect_no_err
	[[ -L d/s/f ]] || fail "the link is gone"
	check cmp s/f outside/f
	[[ $(stat -c %u outside/f) == "$USER_ID" ]] || fail "it belongs to $(stat -c %u outside/f)"
}

once_atomic_link_of_other_that_leads_nowhere() {
	two_owners
	theirs ln -s ../../outside/g d/s/f
	POSIXLY_CORRECT=1 run_ucp -r --atomic s d
	expect_status 1
	expect_err "ucp: not writing through dangling symlink 'd/s/f'"
	check_not test -e outside/g
}

# Our own leads nowhere yet, and is exchanged for theirs between the look and the opening.
# only: release
once_link_of_other_that_leads_nowhere_is_put_in_the_place_of_ours() {
	local options call n
	two_owners
	export POSIXLY_CORRECT=1
	for options in -r "-r --atomic --x-inject=no-unnamed"; do
		for call in fstatat openat; do
			for ((n = 1; n <= 5; n++)); do
				rm -rf d outside
				mkdir -p d/s outside
				ln -s ../../outside/mine d/s/f
				ln -s ../../outside/evil d/s/g
				chown -h "$USER_ID" d/s d/s/g
				# shellcheck disable=SC2086 # words
				exchanging "$call+$n f d/s/f d/s/g" $options s d
				case $(ls -A outside) in
				"" | mine) ;;
				.ucp-*) expect_err_has "ucp: cannot remove what was begun of 'd/s/f'" ;;
				*) fail "$options: after the $n. $call: $(ls -la outside)" ;;
				esac
			done
		done
	done
}

once_link_of_ours_leads_anywhere() {
	two_owners
	ln -s ../../outside/f d/s/f
	run_ucp -r s d
	expect_status 0
	expect_no_err
	check cmp s/f outside/f
}

# Ours leads along one of theirs: each link on the way is asked for, whether it is the last or leads to a directory.
once_link_of_ours_leads_along_one_of_others() {
	local options way
	two_owners
	mkdir s/sub d/s/sub
	echo below >s/sub/below
	chown "$USER_ID" d/s/sub
	for options in -r -a -rf -rL "-r --atomic" "-a --atomic --x-inject=no-unnamed"; do
		for way in g sub/g h/f sub/../h/f "$PWD/d/s/h/f"; do
			rm -rf d/s/*
			ln -s "$way" d/s/f
			mkdir d/s/sub
			ln -s ../../outside d/s/h
			ln -s ../../outside/f d/s/g
			ln -s ../../../outside/f d/s/sub/g
			chown -h "$USER_ID" d/s/h d/s/g d/s/sub/g d/s d/s/sub
			# shellcheck disable=SC2086 # words
			run_ucp $options s d
			expect_status 1
			expect_err "ucp: not writing through 'd/s/f': who made this symbolic link does not own what it leads to"
			[[ $(<outside/f) == outside && $(ls -A outside) == f ]] || fail "$options, $way: it was written through"
		done
	done
	rm d/s/f s/f
	ln -sfn h d/s/l
	rm -r d/s/sub
	ln -s l d/s/sub
	run_ucp -r --keep-directory-symlink s d
	expect_status 1
	expect_err "ucp: not entering 'd/s/sub': who made this symbolic link does not own what it leads to"
	check_not test -e outside/below
}

# And nothing is made where theirs lead, nor where they lead by the time that it gets its name.
once_link_of_ours_that_leads_nowhere_along_one_of_others() {
	local options
	two_owners
	ln -s h/new d/s/f
	ln -s ../../outside d/s/h
	chown -h "$USER_ID" d/s/h
	for options in -r -a "-r --atomic"; do
		# shellcheck disable=SC2086 # words
		POSIXLY_CORRECT=1 run_ucp $options s d
		expect_status 1
		check_not test -e outside/new
		chown -h "$USER_ID" d/s
	done
}

# What theirs lead to is theirs, or the way ends there.
once_link_of_ours_leads_along_one_of_others_to_their_own() {
	local options way
	two_owners
	mkdir theirs shared
	ln -s ../../theirs d/s/h
	ln -s ../shared theirs/shared
	chown -h "$USER_ID" d/s/h theirs theirs/shared
	for options in -r "-r --atomic"; do
		for way in h/f h/shared/f; do
			echo old >theirs/f
			echo old >shared/f
			chown "$USER_ID" theirs/f shared/f
			[[ $options == -r ]] || chown "$USER_ID" shared
			ln -sfn "$way" d/s/f
			# shellcheck disable=SC2086 # words
			run_ucp $options s d
			expect_status 0
			expect_no_err
			check cmp s/f "theirs/${way#h/}"
			[[ -L d/s/f ]] || fail "the link is gone"
		done
	done
}

# What no path leads to is written to all the same.
once_link_to_a_descriptor() {
	mkdir -p s d/s
	echo new >s/f
	ln -s /proc/self/fd/9 d/s/f
	exec 9>out
	rm out
	run_ucp -r s d
	expect_status 0
	expect_no_err
	check cmp s/f /proc/self/fd/9
	exec 9>&-
}

once_link_of_other_as_operand() {
	two_owners
	theirs ln -s "$PWD/outside/f" d/s/f
	run_ucp s/f d/s/f
	expect_status 0
	expect_no_err
	check cmp s/f outside/f
}

once_directory_link_of_other() {
	two_owners
	mkdir s/sub
	echo below >s/sub/below
	theirs ln -s "$PWD/outside" d/s/sub
	run_ucp -r --keep-directory-symlink s d
	expect_status 1
	expect_err "ucp: not entering 'd/s/sub': who made this symbolic link does not own what it leads to"
	check_not test -e outside/below
	check cmp s/f d/s/f
	theirs ln -s "$PWD/outside" d/s/s
	run_ucp --parents s/sub/below d/s
	expect_status 1
	expect_err "ucp: not entering 'd/s/s': who made this symbolic link does not own what it leads to"
	chown -R "$USER_ID" outside
	run_ucp -r --keep-directory-symlink s d
	expect_status 0
	check cmp s/sub/below outside/below
}

# What stood there is what further names become links to, as with cp, but not what is not ours.
once_further_name_of_what_was_written_through() {
	mkdir -p s d
	echo new >s/a
	ln s/a s/b
	echo old >o
	ln -s ../o d/a
	ln -s ../o d/b
	run_ucp -a s/. d
	expect_status 0
	expect_no_err
	[[ -L d/a && d/b -ef d/a && $(stat -c %h d/a) == 2 ]] || fail "no hard links to the link: $(ls -li d)"
	check cmp s/a o
}

once_further_name_of_what_others_put_there() {
	two_owners
	mkdir -p s/1 s/2 d/s/1 d/s/2
	ln s/f s/1/f
	ln s/f s/2/f
	rm s/f
	chown "$USER_ID" outside/f d/s/1 d/s/2
	theirs ln -s "$PWD/outside/f" d/s/1/f
	theirs ln -s "$PWD/outside/f" d/s/2/f
	run_ucp -r --preserve=links s d
	expect_status 0
	expect_no_err
	[[ $(stat -c %h d/s/1/f d/s/2/f) == $'1\n1' ]] || fail "hard links to what is not ours: $(ls -li d/s/*)"
	check cmp s/1/f outside/f
}

# Descriptors are given up and found again, through the links.
once_directories_behind_links_with_few_descriptors() {
	local i
	mkdir -p s d behind
	for i in {1..30}; do
		mkdir -p "s/$i/a/b/c" "behind/$i"
		echo "$i" >"s/$i/a/b/c/f"
		ln -s "../behind/$i" "d/$i"
	done
	run limit_fds 16 ucp -rT --keep-directory-symlink s d
	expect_status 0
	expect_no_err
	for i in {1..30}; do
		check cmp "s/$i/a/b/c/f" "behind/$i/a/b/c/f"
	done
}

# To find out in which steps times are kept, none is changed of what a link leads to.
once_time_behind_a_link_of_other_is_not_tried() {
	local before
	two_owners
	touch -d 2001-02-03T04:05:06.000000005 s/f
	# All its times look as if they were kept in steps of ten nanoseconds
	until [[ $(stat -c %z outside/f) == *"0 "* ]]; do
		touch -d 2001-02-03T04:05:06 outside/f
	done
	ln -s ../../outside/f d/s/f
	chown -h "$USER_ID" d/s/f
	before=$(stat -c '%y %z' outside/f)
	run_ucp -au s d
	[[ $(stat -c '%y %z' outside/f) == "$before" ]] || fail "it was touched: $before, $(stat -c '%y %z' outside/f)"
	[[ $(<outside/f) == outside ]] || fail "it was written through"
}

# --- --beneath

once_beneath_writes_through_no_link() {
	mkdir -p s d/s
	echo new >s/f
	echo old >old
	ln -s ../../old d/s/f
	run_ucp -r --beneath s d
	expect_status 1
	expect_err "ucp: not writing through symbolic link 'd/s/f'"
	[[ $(<old) == old ]] || fail "it was written through"
	rm old
	run_ucp -r --beneath s d
	expect_status 1
	expect_err "ucp: not writing through symbolic link 'd/s/f'"
	check_not test -e old
	run_ucp -rf --beneath s d
	expect_status 0
	expect_no_err
	[[ ! -L d/s/f ]] || fail "the link is still there"
	check cmp s/f d/s/f
}

once_beneath_replaces_links_as_asked() {
	mkdir -p s d/s
	echo new >s/f
	echo old >old
	ln -s ../../old d/s/f
	run_ucp -rb --beneath s d
	expect_status 0
	expect_no_err
	[[ -L d/s/f~ && ! -L d/s/f ]] || fail "no backup of the link"
	ln -sf ../../old d/s/f
	run_ucp -r --remove-destination --beneath s d
	expect_status 0
	[[ ! -L d/s/f ]] || fail "the link is still there"
	[[ $(<old) == old ]] || fail "it was written through"
}

once_beneath_enters_no_link() {
	mkdir -p s/sub d/s outside
	echo f >s/sub/f
	ln -s ../../outside d/s/sub
	run_ucp -r --beneath --keep-directory-symlink s d
	expect_status 1
	expect_err "ucp: cannot overwrite non-directory 'd/s/sub' with directory 's/sub'"
	mkdir d2
	ln -s ../outside d2/s
	run_ucp --beneath --parents s/sub/f d2
	expect_status 1
	expect_err "ucp: 'd2/s' exists but is not a directory"
	[[ -z $(ls outside) ]] || fail "something got outside"
}

once_beneath_writes_into_nothing_special() {
	mkdir -p s d/s
	echo new >s/f
	mkfifo d/s/f
	run_ucp -r --beneath s d
	expect_status 1
	expect_err "ucp: not writing into special file 'd/s/f'"
	run_ucp -rf --beneath s d
	expect_status 0
	check cmp s/f d/s/f
}

once_beneath_trusts_the_operand() {
	mkdir -p s real
	echo new >s/f
	echo old >old
	ln -s real d
	ln -s old l
	run_ucp -r --beneath s d
	expect_status 0
	check cmp s/f real/s/f
	run_ucp --beneath s/f l
	expect_status 0
	[[ -L l ]] || fail "the operand was replaced"
	check cmp s/f old
}

once_beneath_and_atomic() {
	local option
	mkdir -p s d/s
	echo new >s/f
	echo old >old
	for option in --atomic --resume --x-inject=no-unnamed; do
		rm -rf d/s/*
		ln -s ../../old d/s/f
		run_ucp -r --atomic --beneath "$option" s d
		expect_status 1
		expect_err "ucp: not writing through symbolic link 'd/s/f'"
		ln -sf ../../nowhere d/s/f
		POSIXLY_CORRECT=1 run_ucp -r --atomic --beneath "$option" s d
		expect_status 1
		expect_err "ucp: not writing through symbolic link 'd/s/f'"
		check_not test -e nowhere
		ln -sf ../../old d/s/f
		run_ucp -rf --atomic --beneath "$option" s d
		expect_status 0
		expect_no_err
		[[ ! -L d/s/f ]] || fail "the link is still there"
		check cmp s/f d/s/f
		[[ $(<old) == old && $(ls -A d/s) == f ]] || fail "$option: something else was changed"
	done
	ln -s old l
	run_ucp --atomic --beneath s/f l
	expect_status 0
	[[ -L l ]] || fail "the operand was replaced"
	check cmp s/f old
}

once_b_is_backup() {
	echo new >a
	echo old >b
	run_ucp --b a b
	expect_status 0
	expect_no_err
	[[ $(<b~) == old ]] || fail "no backup"
}

# --- what belongs to others

# But not what was named itself.
once_file_of_other_as_operand() {
	two_owners
	theirs sh -c 'echo old >d/s/f'
	ln d/s/f same
	run_ucp -p s/f d/s/f
	expect_status 0
	expect_no_err
	[[ same -ef d/s/f && $(stat -c %u same) == 0 ]] || fail "it was made anew"
	check cmp s/f same
}

once_file_of_other_is_made_anew() {
	two_owners
	theirs sh -c 'echo old >d/s/f'
	exec 8<d/s/f
	run_ucp -a s d
	exec 9<&8
	expect_status 0
	expect_no_err
	[[ $(cat <&9) == old ]] || fail "who had it open reads the new one"
	[[ $(stat -c %u d/s/f) == 0 ]] || fail "it is not root's"
	exec 8<&- 9<&-
}

once_file_of_other_is_replaced() {
	local option
	two_owners
	for option in --atomic --x-inject=no-unnamed; do
		rm -f d/s/f
		chown "$USER_ID" d/s
		theirs sh -c 'echo old >d/s/f'
		exec 8<d/s/f
		run_ucp -av --atomic "$option" s d
		expect_status 0
		expect_no_err
		expect_out_has "removed 'd/s/f'"
		[[ $(cat <&8) == old ]] || fail "who had it open reads the new one"
		[[ $(stat -c %u d/s/f) == 0 ]] || fail "it is not root's"
		check cmp s/f d/s/f
		exec 8<&-
	done
}

# strange KIND: put something of a stranger in the place of d/s/f; what it leads to is theirs/f.
strange() {
	rm -rf theirs d
	mkdir -p theirs d/s
	chown "$USER_ID" theirs d/s
	local where=d/s/f
	[[ $1 != *link ]] || where=theirs/f
	case $1 in
	fifo*) theirs mkfifo -m 644 "$where" ;;
	socket*) theirs python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$where" ;;
	file*) theirs sh -c 'echo old >"$1"' sh "$where" ;;
	device*)
		mknod -m 644 "$where" c 1 3
		chown "$USER_ID" "$where"
		;;
	esac
	[[ $1 != *link ]] || theirs ln -s ../../theirs/f d/s/f
}

# Whatever it is, and wherever it leads: nothing is written into it, and it gets no attributes.
once_special_file_of_other_is_made_anew() {
	local option kind
	two_owners
	chmod 600 s/f
	of_part -a -rp -af -ab '-a --atomic' '-a --atomic --x-inject=no-unnamed' '-a --resume' '-a --verify' '-a --engine=sync' \
		'-a --copy-contents' '-rL --preserve=ownership'
	for option in "${chosen[@]}"; do
		for kind in fifo socket device file-link fifo-link socket-link device-link; do
			strange "$kind"
			stat -c '%u %a %Y %Z' theirs/* >before 2>/dev/null
			[[ $kind != fifo* ]] || exec 9<>"$(readlink -f d/s/f)"
			# shellcheck disable=SC2086 # several options
			run_ucp $option s d
			expect_status 0
			expect_no_err
			[[ $kind != fifo* ]] || ! read -r -t 0 -u 9 || fail "$option: $kind: it was written into"
			exec 9<&-
			[[ -f d/s/f && ! -L d/s/f ]] || fail "$option: $kind: it is still there: $(ls -l d/s/f)"
			check cmp s/f d/s/f
			[[ $(stat -c %u d/s/f) == 0 ]] || fail "$option: $kind: the copy is not root's"
			stat -c '%u %a %Y %Z' theirs/* >after 2>/dev/null
			check cmp before after
		done
	done
}

# But not without owners, nor what the source's owner has there, nor what was named itself.
once_fifo_is_written_into() {
	local option
	two_owners
	for option in -r -a -p; do
		strange fifo
		[[ $option != -a ]] || chown "$USER_ID" s/f
		exec 9<>d/s/f
		if [[ $option == -p ]]; then
			chown 0 s/f
			run_ucp -p s/f d/s/f
		else
			run_ucp "$option" s d
		fi
		expect_status 0
		expect_no_err
		read -r -t 10 line <&9
		[[ $line == new && -p d/s/f ]] || fail "$option: nothing was written"
		exec 9<&-
	done
}

# What their content is, they decide: it gets neither an owner nor rights.
once_attributes_of_what_belongs_to_other() {
	local kind
	two_owners
	chmod 4755 s/f
	for kind in file file-link fifo fifo-link device; do
		strange "$kind"
		stat -L -c '%u %a %Y' d/s/f >before
		run_ucp -a --attributes-only s d
		expect_status 1
		expect_err "ucp: not giving attributes to 'd/s/f', as it belongs to another user"
		stat -L -c '%u %a %Y' d/s/f >after
		check cmp before after
	done
	run_ucp -a --attributes-only --dry-run s d
	expect_status 1
	expect_err "ucp: not giving attributes to 'd/s/f', as it belongs to another user"
	strange file
	run_ucp -r --attributes-only --preserve=mode,timestamps s d
	expect_status 0
	run_ucp -a --attributes-only s/f d/s/f
	expect_status 0
	[[ $(stat -c '%u %a' d/s/f) == "0 4755" ]] || fail "what was named itself got no attributes"
	strange file
	chown "$USER_ID" s/f
	chmod 4755 s/f
	run_ucp -a --attributes-only s d
	expect_status 0
	[[ $(stat -c '%u %a' d/s/f) == "$USER_ID 4755" ]] || fail "what is the source's owner's got no attributes"
}

# Nor does such a file get what lets other users act as another one, if it keeps its owner.
once_set_id_bits_of_what_belongs_to_other() {
	local options
	need cmd setcap getcap
	two_owners
	setcap cap_net_raw+ep s/f || skip "no capabilities"
	chmod 6755 s/f
	for options in 'file --attributes-only' 'file-link --attributes-only' 'file --atomic' 'file --update=differ'; do
		strange "${options%% *}"
		run_ucp -r --preserve=mode,xattr "${options#* }" s d
		expect_status 1
		expect_err "ucp: setting attributes for 'd/s/f': Operation not permitted"
		[[ $(stat -L -c '%u %a' d/s/f) == "$USER_ID 755" && -z $(getcap d/s/f) ]] || fail "$options: $(stat -L d/s/f)"
	done
}

# What is newer stays, but nothing else becomes one with it.
once_newer_file_of_other_is_linked_to_nothing() {
	local option kind
	two_owners
	rm s/f
	mkdir -p s/A s/B
	echo new >s/A/x
	ln s/A/x s/B/x
	chmod 700 s/B
	for option in -au '-a --update=older' '-a --update=none' -an '-ru --preserve=links' '-au --atomic' '-au --resume' '-au -j1'; do
		for kind in file link root-link; do
			rm -rf d theirs
			mkdir -p d/s/A d/s/B theirs
			chmod 700 d/s/B
			chown "$USER_ID" d/s/A theirs
			case $kind in
			file) theirs sh -c 'echo evil >d/s/A/x' ;;
			link) theirs sh -c 'echo evil >theirs/x; ln -s ../../../theirs/x d/s/A/x' ;;
			root-link)
				theirs sh -c 'echo evil >theirs/x'
				chown 0 d/s/A
				ln -s ../../../theirs/x d/s/A/x
				;;
			esac
			find d/s/A/x theirs -exec touch -h -d 2040-01-01 {} +
			# shellcheck disable=SC2086 # several options
			run_ucp $option s d
			expect_status 0
			# Where B comes first, A/x becomes a link to what is in there, as with cp
			if [[ $(<d/s/A/x) == evil ]]; then
				[[ $(stat -c %h d/s/B/x) == 1 ]] || fail "$option: $kind: $(ls -l d/s/B/x)"
			fi
			[[ ! -L d/s/B/x && $(stat -c %u d/s/B/x) == 0 ]] || fail "$option: $kind: $(ls -l d/s/B/x)"
			check cmp s/B/x d/s/B/x
		done
	done
	rm -rf d
	run_ucp -a s d
	touch -d 2040-01-01 d/s/A/x
	rm d/s/B/x
	run_ucp -au s d
	expect_status 0
	[[ d/s/B/x -ef d/s/A/x ]] || fail "what is root's own was not linked to"
}

# What is put in the place of a fifo or a link that was just made gets nothing either.
# only: release
once_node_that_other_exchanges() {
	local kind call
	two_owners
	rm s/f
	for kind in fifo device link; do
		rm -rf d s
		mkdir -p d/s s
		call=mknodat
		case $kind in
		fifo)
			mkfifo s/f
			theirs mkfifo -m 0 d/s/evil 2>/dev/null || mkfifo -m 0 d/s/evil
			;;
		device)
			mknod s/f c 1 3
			mknod -m 0 d/s/evil c 1 3
			;;
		link)
			ln -s nowhere s/f
			ln -s ../../outside/f d/s/evil
			call=symlinkat
			;;
		esac
		chown -h "$USER_ID" s d/s d/s/evil
		exchanging "$call f d/s/f d/s/evil" -a s d
		expect_status 1
		expect_err "ucp: skipping file 's/f', as its destination 'd/s/f' was replaced while being copied"
		[[ $(stat -c '%u' d/s/f) == "$USER_ID" ]] || fail "$kind: it was given to root"
	done
}

# only: release
once_file_of_other_is_never_given_to_them() {
	two_owners
	need cmd strace
	theirs sh -c 'echo old >d/s/f'
	strace -f -qq -o trace -e trace=fchown,fchownat "$UCP" -a --atomic s d || fail "strace"
	! grep "$USER_ID" trace || fail "it was given to them"
}

once_directory_of_other_is_taken_first() {
	two_owners
	mkfifo s/p
	chmod 700 s
	chmod 777 d/s
	exec 9<>s/p
	echo x >&9
	start_ucp -a --copy-contents s d 9>&-
	wait_for '[[ -s d/s/p ]]'
	stat -c '%a %u' d/s >during
	exec 9>&-
	finish_ucp
	expect_status 0
	[[ $(<during) == "700 0" ]] || fail "while it was filled it was $(<during)"
	[[ $(stat -c '%a %u' d/s) == "700 0" ]] || fail "in the end it is $(stat -c '%a %u' d/s)"
}

once_wide_directory_is_narrowed_first() {
	mkdir -p s d/s
	chmod 750 s
	chmod 777 d/s
	mkfifo s/p
	exec 9<>s/p
	echo x >&9
	start_ucp -rp --copy-contents s d 9>&-
	wait_for '[[ -s d/s/p ]]'
	stat -c %a d/s >during
	exec 9>&-
	finish_ucp
	expect_status 0
	[[ $(<during) == 750 ]] || fail "while it was filled it was $(<during)"
}

# Others may be there because they are to be: nothing is taken from them that is not given back.
once_directory_of_other_on_the_way() {
	two_owners
	mkdir s/sub
	echo f >s/sub/f
	theirs mkdir -m 755 d/s/sub
	chmod 700 s s/sub
	run_ucp -a --parents s/none/f d
	expect_status 1
	expect_err "ucp: failed to get attributes of 's/none': No such file or directory"
	run stat -c '%a %u' d/s d/s/sub
	expect_out "755 $USER_ID" "755 $USER_ID"
	run_ucp -a --files-from=- s d/s <<<sub/f
	expect_status 0
	run stat -c '%a %u' d/s d/s/sub
	expect_out "755 $USER_ID" "755 $USER_ID"
}

# --- nobody waits

once_fifo_of_other_that_nobody_reads() {
	two_owners
	echo g >s/g
	theirs mkfifo d/s/f
	run_ucp -r s d
	expect_status 1
	expect_err "ucp: cannot create regular file 'd/s/f': No such device or address"
	check cmp s/g d/s/g
}

# As with cp: for our own fifo, whatever leads to it.
once_own_fifo_waits_for_its_reader() {
	mkdir -p s d/s
	echo f >s/f
	mkfifo p
	for place in ../../p p; do
		if [[ $place == p ]]; then mv p d/s/f; else ln -s ../../p d/s/f; fi
		start_ucp -r s d
		wait_for 'ls -l "/proc/$pid/fd" | grep -q "s/f$"'
		cat d/s/f >out
		finish_ucp
		expect_status 0
		expect_no_err
		check cmp s/f out
		[[ ! -L d/s/f ]] || rm d/s/f
	done
}
