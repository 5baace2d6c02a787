# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # status is set by run
# --update=differ and --update=checksum: what does not differ stays, but for its attributes.
# modes: default sync tiny

# What of a tree can be told without reading, but for times of access: inode and time of change too.
state() {
	(cd "$1" && find . -printf '%p %i %n %y %m %U %G %s %T@ %C@ %l\n' | sort)
}

# A tree of all types, and its copy.
make_pair() {
	mkdir -p s/sub/empty
	echo one >s/file
	echo two >s/sub/file
	ln s/file s/sub/other
	ln -s file s/link
	mkfifo s/fifo
	truncate -s 1M s/sub/holes
	echo end >>s/sub/holes
	chmod 640 s/sub/file
	touch -d '2020-01-01 00:00:00.123456789' s/file s/sub/file
	"$UCP" -a -T s d || fail "cannot copy"
}

# replaced NAME…: of the tree d exactly these have other inodes than noted in $CASE/inodes.
note_inodes() {
	(cd d && find . -printf '%P %i %T@\n' | sort) >"$CASE/inodes"
}

case_nothing_differs() {
	local update before
	make_pair
	before=$(state d)
	for update in differ checksum; do
		for options in '' --atomic --backup --remove-destination; do
			# shellcheck disable=SC2086
			run_ucp -a -T -v --update=$update $options s d
			expect_status 0
			expect_no_out
			expect_no_err
			[[ $(state d) == "$before" ]] || fail "$update $options: $(diff <(echo "$before") <(state d))"
		done
	done
	run_ucp -a -T --update=differ --dry-run s d
	expect_out "would copy 0 files with 0 bytes (0 B), and make 0 directories; 6 are left as they are"
}

case_what_differs_is_copied() {
	local options
	for options in '' --atomic --resume; do
		rm -rf s d
		make_pair
		echo longer >s/sub/file # size
		touch s/sub/holes       # time
		touch -d 2001-01-01 s/file
		ln -sfn other s/link # where it leads
		rm s/fifo && echo file >s/fifo
		rm -r s/sub/empty && ln -s nowhere s/new
		rm d/sub/file && mkfifo d/sub/file # type
		# shellcheck disable=SC2086
		run_ucp -a -T --update=differ $options s d
		expect_status 0
		expect_no_err
		rmdir d/sub/empty
		touch -r s/sub d/sub
		same_tree s d
		[[ d/file -ef d/sub/other ]] || fail "$options: no hard link"
	done
}

case_times_decide_for_differ_contents_for_checksum() {
	make_pair
	echo TWO >s/sub/file
	touch -d '2020-01-01 00:00:00.123456789' s/sub/file
	run_ucp -a -T --update=differ s d
	expect_status 0
	[[ $(<d/sub/file) == two ]] || fail "copied though neither size nor time differ"
	touch -d 2010-01-01 s/sub/holes
	note_inodes
	run_ucp -a -T -v --update=checksum s d
	expect_status 0
	expect_out "'s/sub/file' -> 'd/sub/file'"
	same_tree s d
}

# Other attributes are set, and no data is copied.
once_attributes_of_what_does_not_differ() {
	need root
	need cmd setfattr setfacl
	make_pair
	chmod 600 d/fifo
	chmod 444 d/sub/file
	chown 12:34 s/sub/file s/link s/fifo s/sub
	setfattr -n user.kept -v 1 s/file || skip "no extended attributes"
	setfattr -n user.other -v 2 d/sub/holes
	setfacl -m u:12:r s/sub/holes || skip "no ACLs"
	setfacl -m u:13:rw d/sub/file
	chmod 750 s/sub/empty
	run_ucp -a -T -v --update=differ s d
	expect_status 0
	expect_no_out
	expect_no_err
	same_tree s d
	local before
	before=$(state d)
	run_ucp -a -T --update=differ s d
	[[ $(state d) == "$before" ]] || fail "attributes were set again: $(diff <(echo "$before") <(state d))"
	# Without attributes nothing is set
	chmod 600 s/file
	run_ucp -r -T --update=checksum s d
	[[ $(stat -c %a d/file) != 600 ]] || fail "the mode was set"
}

# The attributes are those of what was found, and not of what its directory's owner puts in its place.
# only: release, debug
once_file_is_exchanged_before_its_attributes_are_read() {
	need root
	need cmd setfacl getfacl
	mkdir s
	echo secret >s/f
	chmod 640 s/f
	cp -a s d
	echo secret >s/theirs
	setfacl -m u:65534:rw s/theirs || skip "no ACLs"
	exchanging "fstatat f s/f s/theirs" -a -T --update=differ s d
	expect_status 1
	expect_err "ucp: skipping file 's/f', as it was replaced while being copied"
	[[ -n $(getfacl -cs s/f) && -z $(getfacl -cs d/f) ]] || fail "d/f has $(getfacl -c d/f)"
}

# Attributes are given only to what was compared.
# only: release, debug
once_destination_is_exchanged_before_it_gets_attributes() {
	mkdir s d
	echo text >s/f
	cp -a s/f d/f
	cp -a s/f d/other
	chmod 600 d/{f,other}
	# In a directory that only we may write to, another number is no sign of another file
	chmod 777 s d
	exchanging "fstatat+2 f d/f d/other" -a -T --update=differ s d
	expect_status 1
	expect_err "ucp: skipping file 's/f', as its destination 'd/f' was replaced while being copied"
	[[ $(stat -c %a d/f d/other | xargs) == "600 600" ]] || fail "$(ls -l d)"
}

# Who puts a file in the place of another one, with its size and times, does not get the other one's copy.
once_copy_is_not_given_to_the_owner_of_another_file() {
	local options
	need root
	for options in -a '-a --atomic' '-r --preserve=mode,timestamps' '-a --mirror'; do
		rm -rf s d
		mkdir s
		echo secret >s/f
		echo public >s/same
		chmod 600 s/f s/same
		cp -a s d
		echo theirs >f
		touch -r s/f f
		mv f s/f
		chmod 644 s/f s/same
		chown 65534 s/f s/same
		# shellcheck disable=SC2086
		run_ucp $options -T -v --update=differ s d
		expect_status 0
		expect_out_has "'s/f' -> 'd/f'"
		grep -q same "$OUT" && fail "$options: what has the same content was copied"
		[[ $(<d/f) == theirs && $(stat -c %a d/f d/same) == $'644\n644' ]] || fail "$options: $(ls -l d)"
	done
}

# Nothing is written through a link, and a directory is not removed for a file.
case_types_that_differ() {
	mkdir -p s/dir d/stays
	echo new >s/file
	echo new >s/dir/file
	echo new >s/stays
	echo outside >outside
	ln -s ../outside d/file
	ln -s ../outside d/dir
	run_ucp -a -T --update=differ s d
	expect_status 1
	expect_err "ucp: cannot overwrite directory 'd/stays' with non-directory 's/stays'"
	[[ $(<outside) == outside && ! -L d/file && $(<d/file) == new ]] || fail "the file is not replaced"
	[[ ! -L d/dir && $(<d/dir/file) == new ]] || fail "the directory is not replaced"
	# What a user names is as it was named
	ln -s f2 link
	echo old >f2
	run_ucp --update=differ s/file link
	expect_status 0
	[[ -L link && $(<f2) == new ]] || fail "the link was not followed"
}

case_backups_of_what_differs() {
	mkdir s d
	echo same >s/same
	echo new >s/new
	echo old1 >d/new
	echo dir >d/dir
	mkdir s/dir
	cp -p s/same d
	run_ucp -a -T -b --update=differ s d
	expect_status 0
	[[ $(<d/new~) == old1 && $(<d/dir~) == dir && -d d/dir && ! -e d/same~ ]] || fail "backups: $(ls d)"
}

# A file whose owner is a stranger to the source may be open to them: it is made anew.
once_strangers_file_is_no_copy() {
	need root
	mkdir s d
	echo same >s/f
	cp -p s/f d/f
	chown 12345 d/f
	# As long as it is open, its inode number is not given to another file
	exec 3>>d/f
	local inode
	inode=$(stat -c %i d/f)
	run_ucp -a -T -v --update=differ s d
	expect_status 0
	expect_out "'s/f' -> 'd/f'" "removed 'd/f'"
	[[ $(stat -c %u d/f) == 0 && $(stat -c %i d/f) != "$inode" ]] || fail "not made anew"
}

# Nor is a fifo or socket of root's if another user can have moved it there: it would be opened to whom it was not meant for.
once_fifo_that_others_can_move_is_no_copy() {
	local place option
	need root
	for place in theirs taken shared closed; do
		for option in --update=differ "--update=checksum --delete"; do
			rm -rf s d
			mkdir s d
			mkfifo -m 666 s/p
			chown 12345 s/p
			[[ $place != theirs ]] || chown 12345 s d
			[[ $place != taken ]] || chown 12345 d
			[[ $place != shared ]] || chmod 777 s d
			mkfifo -m 600 d/p
			exec 3<>d/p
			# shellcheck disable=SC2086 # several options
			run_ucp -a -T $option s d
			expect_status 0
			expect_no_err
			same_tree s d --no-times
			if [[ $place == closed ]]; then
				[[ /proc/self/fd/3 -ef d/p ]] || fail "made anew"
			else
				[[ $(stat -L -c '%a %u' /proc/self/fd/3) == "600 0" ]] || fail "$place: given away"
			fi
			exec 3>&-
		done
	done
}

# Times that the destination keeps in whole seconds are the same, and others are not.
once_times_in_whole_seconds() {
	mount_image ext4 8M d -I 128
	mkdir s
	echo one >s/one
	echo two >s/two
	touch -d '2020-01-01 00:00:01.9' s/one s/two
	run_ucp -a -T s d
	run_ucp -a -T -v --update=differ s d
	expect_no_out
	touch -d '2020-01-01 00:00:02.1' s/two
	run_ucp -a -T -v --update=differ s d
	expect_out "'s/two' -> 'd/two'"
}

# An interrupted copy leaves a file that passes for newer, but not for the same.
case_half_a_file_differs() {
	mkdir s d
	head -c 100000 /dev/zero >s/f
	head -c 5000 /dev/zero >d/f
	run_ucp -a -T -u s d
	[[ $(stat -c %s d/f) == 5000 ]] || fail "-u"
	run_ucp -a -T --update=differ s d
	check cmp s/f d/f
}

case_listed_names_that_differ() {
	mkdir s d
	echo 1 >s/a
	echo 2 >s/b
	echo a >s/c
	cp -p s/a d
	printf '%s\n' a b >list
	run_ucp -a -v --files-from=list --update=differ s d
	expect_status 0
	expect_out "'s/b' -> 'd/b'"
}
