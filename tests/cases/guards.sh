# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2016 # $status and $pid are set by lib.sh; conditions are evaluated later
# What must never happen: mixed contents, lost sources, a window for others, a partly filled file that looks whole.
# modes: default sync tiny

# letters LETTER MEGABYTES
letters() {
	head -c "$2"000000 /dev/zero | tr '\0' "$1"
}

# traced ARGS-OF-STRACE… -- ARGS…: ucp, with system calls recorded in $CASE/trace.
traced() {
	local args=()
	while [[ $1 != -- ]]; do
		args+=("$1")
		shift
	done
	# shellcheck disable=SC2086 # the flags are words
	strace -f -qq -o "$CASE/trace" "${args[@]}" "$UCP" $UCP_FLAGS "${@:2}"
}

need_strace() {
	need cmd strace
	strace -f -qq -o "$CASE/probe" -e trace=close -e inject=close:delay_enter=1 true 2>/dev/null ||
		skip "strace does not work"
}

need_acl() {
	need cmd setfacl
	: >.probe
	setfacl -m u:daemon:r .probe 2>/dev/null || skip "needs ACLs here"
	rm .probe
}

need_xattr() {
	: >.probe
	python3 -c 'import os; os.setxattr(".probe", "user.x", b"x")' 2>/dev/null || skip "needs attributes here"
	rm .probe
}

# --- two files to one place

# one_of_two FILE: it is src/a or src/b, whole.
one_of_two() {
	cmp -s src/a "$1" || cmp -s src/b "$1" || fail "$1 is neither of the two: $(stat -c '%s bytes' "$1"), \
$(tr -d b <"$1" | wc -c) of them from a"
}

a_and_b() {
	mkdir src dst
	letters a 8 >src/a
	letters b 5 >src/b
	echo old >dst/a
}

both_to_one_file() { # ARGS…
	local round
	for round in 1 2 3; do
		run_ucp "$@" dst
		expect_status 0
		expect_no_err
		one_of_two dst/a
		cmp -s dst/a dst/b || fail "round $round: dst/b is not what dst/a is"
	done
}

# limit: 180
# modes: all
case_two_files_to_hard_links_of_one() {
	a_and_b
	ln dst/a dst/b
	both_to_one_file -r src/.
	[[ dst/a -ef dst/b ]] || fail "no longer one file"
}

# limit: 180
case_two_files_to_one_by_symlink() {
	a_and_b
	ln -s a dst/b
	both_to_one_file -r src/.
	[[ -L dst/b ]] || fail "the link is gone"
}

# limit: 180
case_two_operands_to_hard_links_of_one() {
	a_and_b
	ln dst/a dst/b
	both_to_one_file src/a src/b
}

# limit: 180
case_two_operands_to_one_by_symlink() {
	a_and_b
	ln -s a dst/b
	both_to_one_file src/a src/b
}

# Found in different directories, they come to different workers.
# limit: 180
case_two_files_from_two_directories_to_one() {
	local round
	mkdir -p src/x src/y dst/x dst/y
	letters a 8 >src/x/f
	letters b 5 >src/y/f
	for round in 1 2 3; do
		rm -f dst/?/f
		echo old >dst/x/f
		ln dst/x/f dst/y/f
		run_ucp -r src/. dst
		expect_status 0
		expect_no_err
		cmp -s src/x/f dst/x/f || cmp -s src/y/f dst/x/f || fail "round $round: it is neither of the two"
	done
}

# --- file systems that change inode numbers

# What has several names in a lower layer gets another number when it is opened for writing.
once_file_with_two_names_below_an_overlay() {
	local option i=0
	need root
	mkdir lower
	for option in -r -p -f -b --atomic -a --verify --resume '-T'; do
		((++i))
		echo old >"lower/a$i"
		ln "lower/a$i" "lower/b$i"
	done
	mount_tmpfs 10m upper
	mount_overlay merged upper
	echo new >new
	i=0
	for option in -r -p -f -b --atomic -a --verify --resume '-T'; do
		((++i))
		run_ucp "$option" new "merged/a$i"
		expect_status 0
		expect_no_err
		check cmp new "merged/a$i"
	done
	[[ $(<lower/b1) == old && $(<merged/b1) == old ]] || fail "its other name was written, too"
}

# Some file systems show another number at each look.
once_numbers_that_always_change() {
	local option
	mkdir -p s/sub backing
	echo new >s/f
	echo below >s/sub/f
	ln -s f s/link
	mkfifo s/p
	mount_faultfs odd backing --odd-inodes --cache=0
	for option in -r -a --atomic -rf -rb '-r --verify' '-r --x-inject=no-unnamed --atomic'; do
		# shellcheck disable=SC2086 # several options
		run_ucp -r $option s odd/
		expect_status 0
		expect_no_err
		check cmp s/f backing/s/f
		check cmp s/sub/f backing/s/sub/f
		echo old >backing/s/f
	done
	run_ucp -r -T s odd/s
	expect_status 0
	check cmp s/f backing/s/f
	# But not where others could have exchanged it
	chmod 777 backing/s
	echo old >backing/s/f
	run_ucp -r s odd/
	expect_status 1
	expect_err_has "ucp: skipping file 's/f', as its destination 'odd/s/f' was replaced while being copied"
	[[ $(<backing/s/f) == old ]] || fail "it was written"
}

# Directories that were closed meanwhile are found again by their names.
# only: release, debug
once_deep_trees_of_numbers_that_always_change() {
	local option dir=s level
	mkdir backing
	for level in {1..25}; do
		dir+=/$level
		mkdir -p "$dir/side/below"
		echo "$level" | tee "$dir/file" >"$dir/side/below/file"
	done
	mount_faultfs odd backing --odd-inodes --cache=0
	for option in -r "-a --atomic"; do
		# shellcheck disable=SC2086 # several options
		run limit_fds 34 ucp $option s odd/
		expect_status 0
		expect_no_err
		same_tree s backing/s --no-times
	done
	# But not where others could exchange directories by now
	rm -rf backing/s
	need tool preload-act.so
	run limit_fds 34 env UCP_ACT_AFTER=mkdirat:22 UCP_ACT="chmod -R 777 backing/s" \
		LD_PRELOAD="${UCP%/*}/tools/preload-act.so" "$UCP" -r -j1 s odd/
	expect_status 1
	expect_err_has "Stale file handle"
}

# --- destinations that are sources

case_destination_is_hard_link_of_a_source() {
	local round
	for round in 1 2 3 4 5; do
		rm -rf src dst
		mkdir src dst
		letters a 3 >src/a
		letters b 2 >src/b
		cp src/b saved
		ln src/b dst/a
		run_ucp -r src/. dst
		expect_status 0
		expect_no_err
		cmp saved src/b || fail "round $round: the source was overwritten"
		check cmp src/a dst/a
		check cmp src/b dst/b
	done
}

case_destination_leads_to_a_source() {
	mkdir src dst
	letters a 3 >src/a
	letters b 2 >src/b
	cp src/b saved
	ln -s ../src/b dst/a
	run_ucp -r src/. dst
	expect_status 1
	expect_err "ucp: will not write through 'dst/./a': it leads to a file that is to be copied"
	check cmp saved src/b
	check cmp src/b dst/b
	[[ -L dst/a ]] || fail "the link is gone"
}

# in_the_deep LEVELS COMMAND…: in the directory that is so many levels of 100 letters below src.
in_the_deep() {
	python3 - "$@" <<-'END'
		import os, sys
		home = os.open(".", os.O_RDONLY)
		os.chdir("src")
		for level in range(int(sys.argv[1])):
		    if not os.path.exists("d" * 100):
		        os.mkdir("d" * 100)
		    os.chdir("d" * 100)
		if sys.argv[2] == "make":
		    with open("victim", "w") as file:
		        file.write("victim\n")
		    os.link("victim", "dst/first", dst_dir_fd=home)
		elif open("victim").read() != "victim\n":
		    sys.exit("it is: " + open("victim").read())
	END
}

# A path to it would be too long for the system.
once_source_that_no_path_leads_to() {
	local options
	mkdir src dst
	echo new >src/first
	in_the_deep 60 make
	for options in -r "-rL" "-r --exclude=nothing" "-r -x"; do
		# shellcheck disable=SC2086 # the options are words
		run_ucp $options src/. dst
		expect_status 0
		expect_no_err
		check in_the_deep 60 look
		check cmp src/first dst/first
		rm -r dst
		mkdir dst
		in_the_deep 60 make
	done
}

# Half of the way is spared by a link.
once_source_that_a_link_leads_to_and_no_path() {
	local half
	mkdir src dst
	echo new >src/first
	in_the_deep 60 make
	rm dst/first
	half=$(python3 -c 'print("/".join(["d" * 100] * 30))')
	ln -s "src/$half" half
	ln -s "../half/$half/victim" dst/first
	run_ucp -r src/. dst
	expect_status 1
	expect_err "ucp: will not write through 'dst/./first': it leads to a file that is to be copied"
	check in_the_deep 60 look
}

# closed_source: a user's, with a file in a directory that they may not read; dst/first is a name of it, dst/second leads to it.
closed_source() {
	need user
	chmod 777 .
	as_user sh -c '
		mkdir -p src/closed dst
		echo first >src/first
		echo second >src/second
		echo victim >src/closed/victim
		ln src/closed/victim dst/first
		ln -s ../src/closed/victim dst/second
		chmod '"$1"' src/closed'
}

# What is in it may be anything.
once_source_in_a_directory_that_cannot_be_read() {
	local option
	closed_source 300
	for option in -r -rn -ra --atomic; do
		[[ $option != --atomic ]] || option='-r --atomic'
		# shellcheck disable=SC2086 # the options are words
		run as_user ucp $option src/. dst
		expect_status 1
		[[ $option == -rn ]] || expect_err_has "it may lead to a file that is to be copied"
		expect_err_has "ucp: cannot access 'src/./closed': Permission denied"
		run as_user cat src/closed/victim
		expect_out victim
	done
	check cmp src/first dst/first
}

once_source_in_a_directory_that_cannot_be_read_is_told() {
	closed_source 300
	as_user rm dst/first
	run as_user ucp -r src/. dst
	expect_status 1
	printf '%s\n' "ucp: cannot access 'src/./closed': Permission denied" \
		"ucp: will not write through 'dst/./second': it may lead to a file that is to be copied" >wanted
	sort "$ERR" | cmp -s - wanted || fail "$(<"$ERR")"
	run as_user ucp -r --dry-run src/. dst
	expect_status 1
	expect_err_has "ucp: will not write through 'dst/./second': it may lead to a file that is to be copied"
}

# Names that lead to nothing hide nothing.
once_no_source_is_where_there_is_nothing() {
	mkdir -p src dst
	echo new >src/first
	echo old >other
	ln -s ../other dst/first
	ln -s nowhere src/dangling
	run_ucp -rL src/. none dst
	expect_status 1
	printf '%s\n' "ucp: cannot stat 'none': No such file or directory" \
		"ucp: cannot stat 'src/./dangling': No such file or directory" >wanted
	sort "$ERR" | cmp -s - wanted || fail "$(<"$ERR")"
	check cmp src/first other
	echo old >other
	printf 'first\nnone\n' >list
	run_ucp --files-from=list src dst
	expect_status 1
	expect_err "ucp: cannot stat 'src/none': No such file or directory"
	check cmp src/first other
}

# On other devices, and under other names than the directory says.
once_source_that_is_mounted() {
	mkdir -p src/far dst
	mount_tmpfs 1M src/far
	echo first >src/first
	echo second >src/second
	echo far >src/far/victim
	echo near >near
	: >src/near
	mount --bind near src/near || skip "cannot mount"
	ln near dst/first
	ln -s ../src/far/victim dst/second
	run_ucp -r src/. dst
	expect_status 1
	expect_err "ucp: will not write through 'dst/./second': it leads to a file that is to be copied"
	[[ $(<near) == near && $(<src/far/victim) == far ]] || fail "a source was overwritten"
	check cmp src/first dst/first
}

# A copy that is made from elsewhere is nobody's: it is written into, and keeps its other name.
once_destination_with_names_that_are_no_source() {
	mkdir src dst
	letters a 1 >src/a
	echo old >dst/a
	ln dst/a other
	ln src/a src/b
	run_ucp -r src/. dst
	expect_status 0
	[[ dst/a -ef other ]] || fail "it was made anew"
	check cmp src/a other
}

# two_directories: sub and other in src, with a file of one name and more; how they are is kept in saved.
two_directories() {
	rm -rf src dst saved
	mkdir -p src/sub/deep src/other/deep src/third dst
	echo sub | tee src/sub/f src/sub/new src/sub/deep/f >/dev/null
	echo other | tee src/other/f src/other/deep/f >/dev/null
	ln -s f src/sub/link
	ln -s deep/f src/other/link
	echo third >src/third/f
	cp -r src saved
}

# spared FAIL…: the sources are as they were, these are all messages, and the rest was copied.
spared() {
	expect_status 1
	printf 'ucp: %s\n' "$@" | sort >wanted
	sort "$ERR" | cmp -s - wanted || fail "$(<"$ERR")"
	diff -r --no-dereference saved src || fail "a source was changed"
}

# All ways to replace what is there.
ways_to_replace=(-r '-r -j1' -a '-r --atomic' '-r --remove-destination' '-r -b' '-rf' '-rl' '-r --attributes-only' '-rn')

once_directory_that_is_a_source_by_a_link() {
	local options
	for options in "${ways_to_replace[@]}"; do
		two_directories
		ln -s ../src/other dst/sub
		# shellcheck disable=SC2086 # the options are words
		run_ucp $options --keep-directory-symlink src/. dst
		spared "will not copy 'src/./sub' into 'dst/./sub', a directory that is to be copied itself"
		[[ $options == *attributes* ]] || check cmp src/third/f dst/third/f
		[[ $options == *attributes* ]] || check cmp src/other/f dst/other/f
	done
	run_ucp -r --dry-run --keep-directory-symlink src/. dst
	spared "will not copy 'src/./sub' into 'dst/./sub', a directory that is to be copied itself"
}

# As an operand's own name, and as the way to operands.
once_operand_that_is_a_source_by_a_link() {
	two_directories
	ln -s ../src/other dst/sub
	run_ucp -r --keep-directory-symlink src/sub src/other dst
	spared "will not copy 'src/sub' into 'dst/sub', a directory that is to be copied itself"
	check cmp src/other/f dst/other/f
	two_directories
	mkdir dst/src
	ln -s ../../src/other dst/src/sub
	run_ucp -r --parents src/sub/f src/sub/deep src/other/f src/other/deep dst
	spared "will not replace 'dst/src/sub/f': it is to be copied itself" \
		"will not copy 'src/sub/deep' into 'dst/src/sub/deep', a directory that is to be copied itself"
	check cmp src/other/f dst/src/other/f
	check cmp src/other/deep/f dst/src/other/deep/f
}

# The link leads to where sources are, and to no source.
once_link_to_the_way_to_sources() {
	local options
	for options in "${ways_to_replace[@]}"; do
		two_directories
		mkdir -p src/sub/src/other src/sub/src/new
		echo far | tee src/sub/src/other/f src/sub/src/new/f src/sub/one >/dev/null
		ln -s new src/sub/two
		rm -r saved
		cp -r src saved
		ln -s .. dst/sub
		echo one >one
		ln -sfn old two
		rm -rf f new deep link
		# shellcheck disable=SC2086 # the options are words
		run_ucp $options -P --keep-directory-symlink src/. one two dst
		set -- "will not replace 'dst/./sub/one': it is to be copied itself" \
			"will not replace 'dst/./sub/two': it is to be copied itself"
		[[ $options != -rn ]] || set --
		spared "will not copy 'src/./sub/src' into 'dst/./sub/src', a directory that is to be copied itself" "$@"
		[[ $(<one) == one && $(readlink two) == old ]] || fail "an operand was changed"
		[[ $options == *attributes* ]] || check cmp src/third/f dst/third/f
	done
}

once_directory_that_is_a_source_by_a_mount() {
	local options
	two_directories
	mkdir dst/sub
	mount --bind src/other dst/sub || skip "cannot mount"
	umount dst/sub
	for options in "${ways_to_replace[@]}"; do
		two_directories
		mkdir dst/sub
		mount --bind src/other dst/sub
		# shellcheck disable=SC2086 # the options are words
		run_ucp $options src/. dst
		spared "will not copy 'src/./sub' into 'dst/./sub', a directory that is to be copied itself"
		umount dst/sub
		[[ $options == *attributes* ]] || check cmp src/third/f dst/third/f
	done
}

# Its device is that of nothing that was met before.
once_mount_that_is_a_source_of_another_device() {
	two_directories
	rm -r src/other/*
	mount_tmpfs 1M src/other
	mkdir src/other/deep dst/sub
	echo other | tee src/other/f src/other/deep/f >/dev/null
	rm -r saved
	cp -r src saved
	mount --bind src/other dst/sub || skip "cannot mount"
	run_ucp -r src/. dst
	spared "will not copy 'src/./sub' into 'dst/./sub', a directory that is to be copied itself"
	check cmp src/other/f dst/other/f
}

# A file that is mounted on a name of the destination, and is one of the sources.
once_file_that_is_a_source_by_a_mount() {
	local options message
	two_directories
	mkdir dst/sub
	: >dst/sub/f
	mount --bind src/other/f dst/sub/f || skip "cannot mount"
	for options in "${ways_to_replace[@]}" "-r --dry-run" "-r --resume" "-a --exclude=nothing"; do
		# shellcheck disable=SC2086 # the options are words
		run_ucp $options src/. dst
		message="will not write through 'dst/./sub/f': it leads to a file that is to be copied"
		case $options in
		-rn) message= ;;
		*remove*) message="cannot remove 'dst/./sub/f': Device or resource busy" ;;
		*-b) message="cannot backup 'dst/./sub/f': Device or resource busy" ;;
		-rl) message="cannot create hard link 'dst/./sub/f' to 'src/./sub/f': File exists" ;;
		esac
		if [[ $message ]]; then spared "$message"; else expect_status 0; fi
		diff -r --no-dereference saved src || fail "$options: a source was changed"
		find dst -mindepth 1 ! -path dst/sub ! -path dst/sub/f -delete
	done
	printf 'sub/f\nother/f\n' >list
	run_ucp --files-from=list src dst
	spared "will not write through 'dst/sub/f': it leads to a file that is to be copied"
	umount dst/sub/f
	# What is mounted and no source is written into
	echo else >else
	mount --bind else dst/sub/f
	run_ucp -r src/. dst
	expect_status 0
	expect_no_err
	check cmp src/sub/f else
}

# By its own name: what is new comes into it, as with cp.
once_directory_that_the_copy_comes_through() {
	local options
	for options in -r '-r -j1' '-r --atomic' '-r --remove-destination'; do
		rm -rf d
		mkdir -p d/src/src
		echo upper >d/src/f
		ln -s upper d/src/link
		echo lower | tee d/src/src/f d/src/src/new >/dev/null
		ln -s lower d/src/src/link
		# shellcheck disable=SC2086 # the options are words
		run_ucp $options d/src/. d
		expect_status 1
		expect_err_has "ucp: will not replace 'd/./src/f': it "
		expect_err_has "ucp: will not replace 'd/./src/link': it "
		[[ $(<d/src/f) == upper && $(readlink d/src/link) == upper ]] || fail "a source was changed"
		[[ $(<d/f) == upper && $(<d/src/new) == lower ]] || fail "not all was copied"
	done
}

# Behind links and mounts that lead to no source everything is replaced.
once_directories_elsewhere_that_are_no_source() {
	two_directories
	mkdir -p else dst/third
	echo old >else/f
	ln -s ../else dst/sub
	mount_tmpfs 1M dst/third
	echo old >dst/third/f
	run_ucp -r --keep-directory-symlink src/. dst
	expect_status 0
	expect_no_err
	diff -r --no-dereference src/sub else || fail "not all was copied"
	check cmp src/third/f dst/third/f
}

# If it cannot be found out, only what is there stays.
once_directory_elsewhere_that_may_be_a_source() {
	closed_source 300
	as_user sh -c 'mkdir src/sub else; echo new | tee src/sub/f src/sub/new; echo old >else/f; ln -s ../else dst/sub
		rm dst/first dst/second'
	run as_user ucp -r --keep-directory-symlink src/. dst
	expect_status 1
	printf '%s\n' "ucp: cannot access 'src/./closed': Permission denied" \
		"ucp: will not replace 'dst/./sub/f': it may be one of those that are to be copied" >wanted
	sort "$ERR" | cmp -s - wanted || fail "$(<"$ERR")"
	[[ $(<else/f) == old && $(<else/new) == new ]] || fail "$(head else/*)"
}

# A link in the source to where its own copy is being made.
case_copy_does_not_enter_itself_by_a_link() {
	mkdir -p src/sub D
	echo f >src/sub/f
	ln -s ../../D/src/sub src/sub/link
	# shellcheck disable=SC2086 # the flags are words
	run within 30 "$UCP" $UCP_FLAGS -rL src D
	expect_status 1
	[[ $(wc -l <"$ERR") == 1 ]] || fail "one message was expected: $(<"$ERR")"
	check cmp src/sub/f D/src/sub/f
	(($(find D | wc -l) <= 5)) || fail "copied into itself: $(find D | head -n 20)"
}

# --- unfinished files

moved_while_copying() { # TO SIGNAL STATUS
	mkfifo p
	exec 9<>p
	printf 'the beginning\n' >&9
	start_ucp p copy 9>&-
	wait_for '[[ -s copy ]]'
	mv copy "$1"
	kill -s "$2" "$pid"
	finish_ucp
	exec 9>&-
	expect_status "$3"
	check_not test -e copy
	[[ ! -s $1 ]] || fail "$1 is partly filled"
}

# modes: all
case_renamed_file_is_not_left_partly_filled() {
	moved_while_copying moved TERM 143
}

case_file_moved_elsewhere_is_not_left_partly_filled() {
	mkdir other
	moved_while_copying other/moved INT 130
}

# What took its place is not ours to remove.
case_file_in_the_place_of_a_moved_one_stays() {
	mkfifo p
	exec 9<>p
	printf 'the beginning\n' >&9
	start_ucp p copy 9>&-
	wait_for '[[ -s copy ]]'
	mv copy moved
	echo "somebody else's" >copy
	kill -s TERM "$pid"
	finish_ucp
	exec 9>&-
	expect_status 143
	[[ ! -s moved ]] || fail "the file that was moved is partly filled"
	[[ $(<copy) == "somebody else's" ]] || fail "a stranger's file was touched"
}

# --- sparse sources that change or cannot be examined

# Data at the beginning and at 4 MiB, holes up to 8 MiB.
sparse_file() {
	head -c 4096 /dev/urandom >a
	head -c 4096 /dev/urandom | dd of=a bs=1M seek=4 conv=notrunc status=none
	truncate -s 8M a
	(($(stat -c '%b * %B' a) < 4000000)) || skip "no holes here"
}

# cut_at_look NUMBER: the source loses all but 1 MiB at the given lseek of the copy.
cut_at_look() {
	need_strace
	sparse_file
	: >"$CASE/trace"
	traced -e trace=lseek -e inject=lseek:delay_enter=400000 -- a b >"$OUT" 2>"$ERR" &
	pid=$!
	wait_for '(($(grep -c SEEK_ "$CASE/trace") >= '"$1"'))'
	truncate -s 1M a
	finish_ucp
	grep -q 'SEEK_.*ENXIO' "$CASE/trace" || skip "cut too late"
	[[ $status == 0 || $status == 1 ]] || fail "exit status $status"
	[[ -e b ]] || return 0
	(($(stat -c %s b) <= 1048576)) || fail "the copy has $(stat -c %s b) bytes, the source $(stat -c %s a)"
	check cmp a b
}

# only: release, debug
# modes: all
case_sparse_source_cut_before_its_second_data() {
	cut_at_look 3
}

# only: release, debug
# modes: all
case_sparse_source_cut_in_its_second_data() {
	cut_at_look 5
}

# The last hole is cut: nothing is read there, so nothing but its size tells.
# only: release, debug
# modes: all
case_last_hole_cut_while_being_copied() {
	need_strace
	head -c 4096 /dev/urandom >a
	truncate -s 8M a
	traced -e trace=lseek -e inject=lseek:delay_enter=400000 -- a b >"$OUT" 2>"$ERR" &
	pid=$!
	wait_for 'grep -qs SEEK_HOLE "$CASE/trace"'
	truncate -s 1M a
	finish_ucp
	grep -q 'SEEK_DATA.*ENXIO' "$CASE/trace" || skip "the hole was not looked for"
	expect_status 0
	[[ $(stat -c %s b) == 1048576 ]] || fail "the copy has $(stat -c %s b) bytes, the source 1048576"
}

# only: release, debug
# modes: all
case_holes_cannot_be_found() {
	need_strace
	[[ $PROFILE != cov ]] || skip "gcov seeks, too"
	sparse_file
	run traced -e trace=lseek -e inject=lseek:error=EIO -- a b
	grep -q INJECTED "$CASE/trace" || skip "lseek was not needed"
	expect_status 1
	expect_err "ucp: cannot lseek 'a': Input/output error"
	check_not test -e b
}

# only: release, debug
# modes: all
case_some_holes_cannot_be_found() {
	local n
	need_strace
	sparse_file
	for n in 1 2 3 4 5; do
		rm -f b
		run traced -e trace=lseek -e "inject=lseek:error=EIO:when=$n" -- a b
		case $status in
		0)
			expect_no_err
			check cmp a b
			;;
		1)
			expect_err "ucp: cannot lseek 'a': Input/output error"
			check_not test -e b
			;;
		*) fail "exit status $status" ;;
		esac
	done
}

# only: release, debug
# modes: all
case_holes_cannot_be_found_over_old_file() {
	need_strace
	[[ $PROFILE != cov ]] || skip "gcov seeks, too"
	sparse_file
	head -c 8388608 /dev/urandom >b
	run traced -e trace=lseek -e inject=lseek:error=EIO:when=3+ -- a b
	if [[ $status == 0 ]]; then
		check cmp a b
		return
	fi
	expect_status 1
	expect_err "ucp: cannot lseek 'a': Input/output error"
	[[ ! -e b || $(stat -c %s b) != 8388608 ]] || fail "it passes for whole"
}

# --- a source that grows

# grown SIZE: a file of SIZE bytes, to which a line is added when its copy is made.
grown() {
	need_strace
	head -c "$1" /dev/urandom >a
	[[ ! ${2:-} ]] || truncate -s "$2" a
	traced -P b -e trace=openat -e inject=openat:delay_exit=400000 -- a b >"$OUT" 2>"$ERR" &
	pid=$!
	wait_for 'grep -qs O_CREAT "$CASE/trace"'
	echo more >>a
	finish_ucp
	expect_status 0
	expect_no_err
	check cmp a b
}

# only: release, debug
# modes: all
case_small_file_that_grows_is_read_to_its_end() {
	[[ $UCP_FLAGS != *x-inject* && $UCP_FLAGS != *engine* ]] || skip "without a look at what is cached"
	grown 3000
}

# only: release, debug
# modes: all
case_file_of_one_buffer_that_grows_is_read_to_its_end() {
	[[ $UCP_FLAGS != *x-inject* && $UCP_FLAGS != *engine* ]] || skip "without a look at what is cached"
	grown 131072
}

# only: release, debug
# modes: all
case_big_file_that_grows_is_read_to_its_end() {
	grown 3000000
}

# only: release, debug
# modes: all
case_sparse_file_that_grows_is_read_to_its_end() {
	grown 3000000 5000000
}

# --- the last chance to hear of an error

close_fails() { # ARGS…
	run traced -P "$PWD/b" -e trace=close -e inject=close:error=EDQUOT -- "$@"
	grep -q INJECTED "$CASE/trace" || skip "closing is not to be seen"
	expect_status 1
	expect_err_and_hints "ucp: failed to close 'b': Disk quota exceeded"
	[[ ! -e b || $(stat -c %s b) != $(stat -c %s a) ]] || fail "it passes for whole"
}

# only: release, debug
# modes: all
case_closing_fails() {
	need_strace
	head -c 3000000 /dev/urandom >a
	close_fails a b
	check_not test -e b
}

# only: release, debug
case_closing_a_small_file_fails() {
	need_strace
	echo small >a
	close_fails a b
	check_not test -e b
}

# only: release, debug
case_closing_an_overwritten_file_fails() {
	need_strace
	head -c 3000000 /dev/urandom >a
	head -c 3000000 /dev/urandom >b
	close_fails a b
}

# --- nobody looks in before the mode is right

# The owning group has no rights by the ACL, though the mode shows its mask in their place.
acl_source() {
	need_strace
	need_acl
	echo secret >a
	setfacl -m u:daemon:rwx,g::---,o::-,m::rwx a
}

# group_never_let_in ARGS…: what the trace shows of b until its ACL is there.
group_never_let_in() {
	run traced -e trace=openat,fchmod,fchown,fsetxattr,fremovexattr,fchmodat -- "$@"
	expect_status 0
	expect_no_err
	same_tree a b
	python3 - "$CASE/trace" <<-'END' || fail "open to the group: $(grep -v ENOENT "$CASE/trace" | tail -n 8)"
		import re, sys
		wide = None         # whether the group has rights by the mode alone
		acl = False         # whether there is an ACL, of which the mode's group bits are the mask only
		for line in open(sys.argv[1]):
		    if m := re.search(r'openat\(.*"b".*O_CREAT.*, 0?([0-7]+)\) = \d', line):
		        if int(m[1], 8) & 0o70:
		            sys.exit("created with the group's rights")
		    if m := re.search(r'fchmod\(\d+, 0?([0-7]+)\)', line):
		        if int(m[1], 8) & 0o70 and not acl:
		            sys.exit("the mode lets the group in")
		    if "fsetxattr(" in line and "posix_acl_access" in line:
		        acl = True
		if not acl:
		    sys.exit("no ACL was set")
	END
}

# only: release, debug
case_acl_is_there_before_the_mode_is_wide() {
	acl_source
	group_never_let_in -p a b
}

# only: release, debug
case_acl_is_there_before_the_mode_is_wide_with_a() {
	acl_source
	chmod u+s a
	group_never_let_in -a a b
}

# The mode of a source with an ACL says nothing about the group.
# only: release, debug
case_acl_is_there_before_an_old_mode_is_wide() {
	acl_source
	echo old >b
	chmod 777 b
	group_never_let_in -p a b
	grep -q 'fchmod([0-9]*, 0*[0-7]0[0-7])' "$CASE/trace" || fail "b was not narrowed: $(grep fchmod "$CASE/trace")"
}

# Taking an ACL away leaves its mask to the group.
# only: release, debug
case_acl_does_not_make_way_for_its_mask() {
	acl_source
	echo old >b
	getfacl -cn a 2>/dev/null | setfacl --set-file=- b
	run traced -e trace=fchmod,fsetxattr,fremovexattr,ftruncate -- -p a b
	expect_status 0
	same_tree a b
	grep -q 'fremovexattr(.* = 0' "$CASE/trace" || return 0
	grep -B 10 'fremovexattr(.* = 0' "$CASE/trace" | grep -q 'fchmod([0-9]*, 0*[0-7]0[0-7])' ||
		fail "the group had the mask's rights: $(<"$CASE/trace")"
}

# only: release, debug
case_wide_destination_is_narrowed_first() {
	need_strace
	head -c 3000000 /dev/urandom >a
	chmod 600 a
	echo old >b
	chmod 666 b
	run traced -y -e trace=fchmod,ftruncate,write,pwrite64,writev,pwritev,pwritev2,io_uring_enter,copy_file_range,ioctl,close \
		-- -p a b
	expect_status 0
	check cmp a b
	[[ $(stat -c %a b) == 600 ]] || fail "b has mode $(stat -c %a b)"
	python3 - "$CASE/trace" <<-'END' || fail "b was wide: $(head -n 8 "$CASE/trace")"
		import re, sys
		for line in open(sys.argv[1]):
		    if m := re.search(r"fchmod\(\d+<[^>]*/b>, 0?([0-7]+)\)", line):
		        sys.exit(1 if int(m[1], 8) & 0o77 else 0)
		    if "io_uring_enter" in line or re.search(r"(p?writev?\w*|copy_file_range|ioctl)\(.*/b>", line):
		        sys.exit("written before the mode was narrowed")
		sys.exit("the mode was never narrowed")
	END
}

# --- attributes that cannot be set

attribute_refused() { # ERRNO ARGS…
	need_strace
	need_xattr
	echo a >a
	python3 -c 'import os; os.setxattr("a", "user.x", b"value")'
	run traced -e trace=fsetxattr,setxattr,lsetxattr -e "inject=fsetxattr,setxattr,lsetxattr:error=$1" -- "${@:2}" a b
	grep -q INJECTED "$CASE/trace" || fail "no attribute was set"
}

# only: release, debug
case_no_space_for_attributes_is_told() {
	attribute_refused ENOSPC -a
	expect_status 1
	expect_err "ucp: setting attributes for 'b': No space left on device"
}

# only: release, debug
case_attributes_not_supported_is_not_told() {
	attribute_refused EOPNOTSUPP -a
	expect_status 0
	expect_no_err
	check cmp a b
}

# only: release, debug
case_attributes_not_supported_is_told_when_demanded() {
	attribute_refused EOPNOTSUPP --preserve=xattr
	expect_status 1
	expect_err_has "Operation not supported"
}

# --- what is said when several things are wrong

case_same_file_that_cannot_be_read() {
	need user
	chmod 777 .
	as_user sh -c 'echo x >a; chmod 0 a'
	run as_user ucp a a
	expect_status 1
	expect_err "ucp: 'a' and 'a' are the same file"
	chmod 644 a
	[[ $(<a) == x ]] || fail "a was touched"
}

case_fifo_onto_the_directory_it_is_in() {
	mkdir -p a/x
	mkfifo a/x/d
	# shellcheck disable=SC2086 # the flags are words
	run within 20 "$UCP" $UCP_FLAGS -T a/x/d a
	expect_status 1
	expect_err "ucp: cannot overwrite directory 'a' with non-directory 'a/x/d'"
}

# --- questions

# answered ANSWER ARGS…: ANSWER is what printf makes of it.
answered() {
	# shellcheck disable=SC2059 # it is a format
	printf "$1" >"$CASE/answer"
	echo new >a
	echo old >b
	run_ucp "${@:2}" a b <"$CASE/answer"
	expect_no_out
	printf "ucp: overwrite 'b'? " | cmp -s - "$ERR" || fail "stderr is not just the prompt: $(<"$ERR")"
}

is_declined() {
	expect_status 1
	[[ $(<b) == old ]] || fail "b was overwritten"
}

case_question_answered_y() {
	local answer
	for answer in 'y\n' 'Y\n' 'yes\n' 'y'; do
		answered "$answer" -i
		expect_status 0
		[[ $(<b) == new ]] || fail "b was not overwritten"
	done
}

case_question_answered_n() {
	local answer
	for answer in 'n\n' 'no\n' '\n' 'x\n' ' y\n'; do
		answered "$answer" -i
		is_declined
	done
}

case_question_without_answer() {
	answered '' -i
	is_declined
	rm b
	echo old >b
	run_ucp -i a b <&-
	is_declined
}

# A file that is declined does not keep the others from being copied.
case_question_declined_for_one() {
	mkdir d
	echo new >a
	echo new >b
	echo old >d/a
	run_ucp -i a b d < <(echo n)
	expect_status 1
	[[ $(<d/a) == old && $(<d/b) == new ]] || fail "d/a: $(<d/a), d/b: $(<d/b)"
}

case_interrupted_at_a_question() {
	python3 -c 'import pty, os; os.close(pty.openpty()[0])' 2>/dev/null || skip "needs a pty"
	echo new >a
	echo old >b
	# shellcheck disable=SC2086 # the flags are words
	python3 - "$UCP" $UCP_FLAGS -i a b <<-'END' || fail "wrong end"
		import os, pty, select, signal, sys, time
		pid, tty = pty.fork()
		if pid == 0:
		    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
		        signal.signal(number, signal.SIG_DFL)
		    os.execv(sys.argv[1], sys.argv[1:])
		said = b""
		while b"overwrite 'b'? " not in said:
		    if not select.select([tty], [], [], 20)[0]:
		        os.kill(pid, signal.SIGKILL)
		        sys.exit("no question: %r" % said)
		    said += os.read(tty, 1000)
		os.write(tty, b"\x03")
		end = time.monotonic() + 20
		while True:
		    done, how = os.waitpid(pid, os.WNOHANG)
		    if done:
		        break
		    if time.monotonic() > end:
		        os.kill(pid, signal.SIGKILL)
		        sys.exit("it goes on")
		    time.sleep(0.02)
		if not os.WIFSIGNALED(how) or os.WTERMSIG(how) != signal.SIGINT:
		    sys.exit("ended with %d" % how)
	END
	[[ $(<b) == old ]] || fail "b was overwritten"
}

# one_by_one ARGS…: answer y and n by turns; never may a second question come before the answer to the first.
one_by_one() {
	# shellcheck disable=SC2086 # the flags are words
	python3 - "$UCP" $UCP_FLAGS "$@" <<-'END' || fail "questions in disorder"
		import os, re, select, subprocess, sys
		ucp = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
		fd = ucp.stderr.fileno()
		asked = {}
		said = b""
		while True:
		    if not select.select([fd], [], [], 20)[0]:
		        ucp.kill()
		        sys.exit("it hangs after %r" % said)
		    piece = os.read(fd, 10000)
		    if not piece:
		        break
		    said += piece
		    if not said.endswith(b"? "):
		        continue
		    if select.select([fd], [], [], 0.03)[0] and (more := os.read(fd, 10000)):
		        ucp.kill()
		        sys.exit("did not wait for the answer: %r" % (said + more))
		    m = re.fullmatch(rb"ucp: overwrite '([^']*)'\? ", said)
		    if not m or m[1] in asked:
		        ucp.kill()
		        sys.exit("not one question: %r" % said)
		    asked[m[1]] = len(asked) % 2 == 0
		    ucp.stdin.write(b"y\n" if asked[m[1]] else b"n\n")
		    ucp.stdin.flush()
		    said = b""
		if said or ucp.stdout.read():
		    sys.exit("it printed more: %r" % said)
		if ucp.wait() != 1:
		    sys.exit("exit status %d" % ucp.returncode)
		if len(asked) != 40:
		    sys.exit("%d questions" % len(asked))
		for name, yes in asked.items():
		    with open(name) as f:
		        if (f.read() == "new\n") != yes:
		            sys.exit("%r is not as answered" % name)
	END
}

case_questions_come_one_at_a_time() {
	local i
	for i in {1..10}; do
		mkdir -p "s/$i/sub" "d/s/$i/sub"
		echo new | tee "s/$i/a" "s/$i/b" "s/$i/sub/c" "s/$i/sub/d" >/dev/null
		echo old | tee "d/s/$i/a" "d/s/$i/b" "d/s/$i/sub/c" "d/s/$i/sub/d" >/dev/null
	done
	one_by_one -j8 -ri s d
}

# --- standard descriptors

case_closed_descriptors_in_all_combinations() {
	local closed round
	head -c 3000000 /dev/urandom >a
	echo c >c
	: >empty
	cp a saved
	for closed in 1 2 3 4 5 6 7 7 7 7 7; do
		round=$((${round-0} + 1))
		rm -rf d
		mkdir d
		echo old >d/c
		(
			((closed & 1)) && exec <&-
			((closed & 2)) && exec >&-
			((closed & 4)) && exec 2>&-
			# shellcheck disable=SC2086 # the flags are words
			exec "$UCP" $UCP_FLAGS a nope nope/1 nope/2 c empty d
		) >"$OUT" 2>"$ERR"
		status=$?
		expect_status 1
		((closed & 4)) || [[ $(wc -l <"$ERR") == 3 ]] || fail "three messages were expected: $(<"$ERR")"
		cmp saved d/a || fail "round $round, closed: $closed"
		cmp c d/c || fail "round $round, closed: $closed"
		[[ -e d/empty && ! -s d/empty ]] || fail "closed: $closed: something was written into d/empty"
		cmp saved a || fail "closed: $closed: the source was written to"
	done
}

a_tree_with_much_to_say() {
	local name
	name=$(printf '%0200d' 0)
	mkdir s
	(cd s && seq -f "$name%g" 600 | xargs touch)
}

# to_nobody SIGPIPE-HANDLING LINES ARGS…: stdout is a pipe whose reader goes away after so many lines.
to_nobody() {
	# shellcheck disable=SC2086 # the flags are words
	python3 - "$1" "$2" "$ERR" "$UCP" $UCP_FLAGS "${@:3}" <<-'END'
		import os, signal, subprocess, sys
		handling = signal.SIG_IGN if sys.argv[1] == "ignored" else signal.SIG_DFL
		lines = int(sys.argv[2])
		reader, writer = os.pipe()
		if lines == 0:
		    os.close(reader)
		with open(sys.argv[3], "w") as err:
		    ucp = subprocess.Popen(sys.argv[4:], stdout=writer, stderr=err, restore_signals=False,
		                           preexec_fn=lambda: signal.signal(signal.SIGPIPE, handling))
		os.close(writer)
		if lines:
		    os.read(reader, 100)
		    os.close(reader)
		code = ucp.wait(50)
		sys.exit(100 - code if code < 0 else code)
	END
	status=$?
}

case_reader_of_messages_goes_away() {
	a_tree_with_much_to_say
	to_nobody default 1 -rv s d
	expect_status $((100 + 13)) # by SIGPIPE
	expect_no_err
}

case_nobody_reads_messages() {
	a_tree_with_much_to_say
	to_nobody default 0 -rv s d
	expect_status $((100 + 13))
	expect_no_err
}

# So few that they come out at the end only.
case_nobody_reads_the_only_message() {
	local round
	echo a >a
	for round in {1..10}; do
		rm -f b
		to_nobody default 0 -v a b
		[[ $status == 113 && ! -s $ERR ]] || fail "round $round: status $status, $(<"$ERR")"
	done
}

case_nobody_reads_and_sigpipe_is_ignored() {
	a_tree_with_much_to_say
	to_nobody ignored 0 -rv s d
	expect_status 1
	expect_err "ucp: write error: Broken pipe"
	same_tree s d --no-times
	echo a >a
	to_nobody ignored 0 -v a b
	expect_status 1
	expect_err "ucp: write error: Broken pipe"
	check cmp a b
}

# --- again and again

# limit: 120
case_archive_over_itself_changes_nothing() {
	make_tree --seed 11 --files 150 s
	check ucp -a s/. d
	same_tree s d
	run_ucp -a s/. d
	expect_status 0
	expect_no_err
	same_tree s d
	run_ucp -a s/. d
	expect_status 0
	same_tree s d
	if command -v rsync >/dev/null; then
		run rsync -aHAXn --itemize-changes --delete s/ d/
		expect_no_out
	fi
}

# Everything but directories, with all that writing or replacing would change.
snapshot() {
	find "$1" ! -type d -printf '%P %i %T@ %C@ %s %m\n' | LC_ALL=C sort
}

update_copies_nothing() { # ARGS…
	mkdir -p s/sub/sub
	head -c 3000000 /dev/urandom >s/big
	truncate -s 3M s/sub/holes
	echo f >s/sub/f
	echo g >s/sub/sub/g
	ln -s sub s/link
	: >s/empty
	check ucp "$@" s d
	snapshot d >"$CASE/before"
	run_ucp "$@" -v s/. d
	expect_status 0
	expect_no_err
	expect_no_out
	snapshot d >"$CASE/after"
	cmp "$CASE/before" "$CASE/after" || fail "changed: $(diff "$CASE/before" "$CASE/after" | head -n 10)"
	touch -d '+1 minute' s/sub/sub/g
	run_ucp "$@" -v s/. d
	expect_out "'s/./sub/sub/g' -> 'd/./sub/sub/g'"
}

case_update_of_what_is_up_to_date_copies_nothing() {
	update_copies_nothing -ru
}

case_update_of_an_archive_that_is_up_to_date_copies_nothing() {
	update_copies_nothing -au
}

# Links are made again, as cp does, but of the same file.
case_update_of_links_that_are_up_to_date_keeps_the_file() {
	mkdir s
	echo f >s/f
	ln s/f s/g
	check ucp -a s d
	find d/f d/g -printf '%P %i %T@ %s %m\n' >"$CASE/before"
	run_ucp -au s/. d
	expect_status 0
	expect_no_err
	find d/f d/g -printf '%P %i %T@ %s %m\n' >"$CASE/after"
	check cmp "$CASE/before" "$CASE/after"
	same_tree s d
}

# --- directories

case_directories_are_right_with_few_descriptors() {
	local i dir deep modes=(700 750 711 555 2755 1777)
	for i in {1..12}; do
		dir=s
		for deep in {1..6}; do
			dir=$dir/$deep.$i
			mkdir -p "$dir"
			echo "$i $deep" >"$dir/f"
		done
	done
	while IFS= read -r dir; do
		i=$((${i:-0} + 1))
		chmod "${modes[i % 6]}" "$dir"
		touch -d "2001-02-03 04:05:$((i % 60)).$((i * 1000 + 1))" "$dir"
	done < <(find s -depth -type d)
	run limit_fds 16 ucp -a s d
	expect_status 0
	expect_no_err
	same_tree s d
	(cd s && find . -type d -printf '%p %m %T@\n' | sort) >"$CASE/want"
	(cd d && find . -type d -printf '%p %m %T@\n' | sort) >"$CASE/got"
	cmp "$CASE/want" "$CASE/got" || fail "$(diff "$CASE/want" "$CASE/got" | head -n 10)"
	run limit_fds 16 ucp -a s/. d
	expect_status 0
	same_tree s d
}

# What gets attributes only keeps its content, be it a source, or perhaps one.
once_attributes_only_empty_nothing() {
	mkdir s d
	echo data >s/a
	echo x >s/b
	ln s/b d/a
	run_ucp -rp --attributes-only s/. d/
	[[ $(<d/a) == x && $(<s/b) == x ]] || fail "a source was emptied"
	rm -rf s d
	mkdir -p s/no d
	echo data >s/a
	echo precious >d/a
	ln d/a d/other
	chmod 0 s/no
	((EUID != 0)) || chown -R "$USER_ID" s d .
	run as_user ucp -rp --attributes-only s/. d/
	chmod 700 s/no
	[[ $(<d/a) == precious ]] || fail "a file with two names was emptied"
}

# What two names lead to is written by one after the other, and nobody is asked again for having to wait.
case_nobody_is_asked_twice() {
	mkdir s d
	head -c 300000 /dev/urandom >s/p
	head -c 300001 /dev/urandom >s/q
	echo old >d/p
	ln d/p d/q
	run_ucp -r -i --reflink=never s/. d < <(printf 'y\ny\n')
	expect_status 0
	cmp -s s/p d/p || cmp s/q d/p || fail "it is a mixture"
}
