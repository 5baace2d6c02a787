# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # status is set by run
# --link-dest: what is the same in an earlier copy becomes a hard link to it, and is never changed.
# modes: default sync tiny

# What of a tree must not change: all but times of access and the count of links.
state() {
	(cd "$1" && find . -type f -printf '%p %i %m %U %G %s %T@ ' -exec md5sum {} \; | sort)
}

# A source, and its copy day1.
make_first() {
	mkdir -p s/sub/deep
	echo one >s/one
	echo two >s/sub/two
	: >s/sub/nothing
	head -c 300000 /dev/urandom >s/sub/deep/big
	ln s/one s/sub/other
	ln -s one s/link
	mkfifo s/fifo
	chmod 600 s/sub/two
	touch -d '2020-01-01 00:00:00.123456789' s/one s/sub/two
	"$UCP" -a -T s day1 || fail "cannot copy"
}

# linked NAME…: these files of day2 are those of day1; not_linked NAME…: these are not.
linked() {
	local name
	for name; do
		[[ day1/$name -ef day2/$name ]] || fail "$name is no link"
	done
}

not_linked() {
	local name
	for name; do
		[[ -f day2/$name && ! day1/$name -ef day2/$name ]] || fail "$name is a link"
	done
}

case_what_is_the_same_is_linked() {
	local before
	make_first
	before=$(state day1)
	echo TWO >s/sub/two
	run_ucp -a --link-dest=nothing --link-dest=day1/. -T s day2
	expect_status 0
	expect_err "ucp: warning: nothing will be linked to files in 'nothing': No such file or directory"
	same_tree s day2
	linked one sub/other sub/nothing sub/deep/big
	not_linked sub/two
	# Whatever stands there already
	for options in '' --backup --remove-destination --resume --fsync --verify --update=differ; do
		# shellcheck disable=SC2086
		run_ucp -a --link-dest=day1 $options -T s day2
		expect_status 0
		expect_no_err
		find day2 -name '*~' -delete
		same_tree s day2 --no-times
		linked one sub/other sub/nothing sub/deep/big
	done
	rm day2/one day2/sub/nothing
	echo else >day2/sub/nothing
	run_ucp -a --link-dest=day1 --stats -T s day2
	expect_status 0
	grep -qx 'hard links: *4' "$OUT" || fail "$(<"$OUT")"
	linked one sub/other sub/nothing
	[[ $(state day1) == "$before" ]] || fail "day1 has changed"
}

# Neither a new content nor new attributes reach the earlier copy.
case_what_is_shared_is_replaced() {
	local before
	make_first
	run_ucp -a --link-dest=day1 -T s day2
	expect_status 0
	before=$(state day1)
	echo ONE >s/one
	echo 222 >s/sub/two
	touch -d '2020-01-01 00:00:00.123456789' s/sub/two
	chmod 444 s/sub/deep/big
	run_ucp -a --link-dest=day1 --update=differ -T s day2
	expect_status 0
	expect_no_err
	linked sub/two sub/nothing # as size and time are the same
	not_linked one sub/other sub/deep/big
	run_ucp -a --link-dest=day1 --update=checksum -T s day2
	expect_status 0
	same_tree s day2
	not_linked sub/two
	[[ $(state day1) == "$before" ]] || fail "day1 has changed"
}

# Files that are not what a copy would be, for each attribute.
once_what_differs_is_copied() {
	local name
	need root
	mkdir -p s/in day1
	for name in time mode owner group size attr more link fifo dir secret; do
		echo "text" >"s/$name"
	done
	echo text >s/in/file
	setfattr -n user.x -v s s/attr || skip "no extended attributes"
	cp -a s/. day1
	touch -d '2001-01-01' day1/time
	chmod 644 s/secret && chmod 4755 day1/secret
	chmod 640 day1/mode
	chown 12345 day1/owner
	chgrp 12345 day1/group
	echo longer >day1/size && touch -r s/size day1/size
	setfattr -n user.x -v d day1/attr
	setfattr -n user.x -v d day1/more
	rm day1/link day1/fifo day1/dir
	ln -s ../day1/elsewhere day1/link && cp -p s/link day1/elsewhere
	mkfifo day1/fifo
	mkdir day1/dir
	mv day1/in day1/out && ln -s out day1/in
	run_ucp -a --link-dest=day1 -T s day2
	expect_status 0
	expect_no_err
	same_tree s day2
	[[ -z $(find day2 -type f -links +1) ]] || fail "linked: $(find day2 -type f -links +1)"
	# Nor is the source itself a copy
	run_ucp -a --link-dest=s -T s day3
	expect_status 0
	same_tree s day3
	[[ -z $(find day3 -type f -links +1) ]] || fail "linked: $(find day3 -type f -links +1)"
}

# Contents are compared when the user wants that.
once_contents_are_compared() {
	mkdir s
	echo one >s/one
	echo two >s/two
	cp -a s day1
	echo TWO >day1/two
	touch -r s/two day1/two
	for options in --verify --update=checksum; do
		run_ucp -a --link-dest=day1 $options -T s day2
		expect_status 0
		linked one
		not_linked two
		same_tree s day2
		rm -r day2
	done
}

# Files are found under the paths that they have below the destination.
once_paths() {
	make_first
	mkdir all
	run_ucp -a s all
	run_ucp -a --link-dest=day1 s/sub/deep/big big
	expect_status 0
	[[ ! big -ef day1/sub/deep/big ]] || fail "found by its name alone"
	run_ucp -a --link-dest=all --parents s/sub/deep s/one new
	expect_status 1
	mkdir new again
	run_ucp -a --link-dest=all --parents s/sub/deep s/one new
	expect_status 0
	[[ new/s/one -ef all/s/one && new/s/sub/deep/big -ef all/s/sub/deep/big ]] || fail "$(ls -liR new all)"
	run_ucp -a --link-dest=day1 s/one s/sub again
	expect_status 0
	[[ again/one -ef day1/one && again/sub/deep/big -ef day1/sub/deep/big ]] || fail "$(ls -liR again day1)"
	run_ucp -a --link-dest=day1 s/one again/one
	expect_status 0
	[[ again/one -ef day1/one ]] || fail "$(ls -liR again day1)"
}

once_what_cannot_be_linked_is_copied() {
	need mounts
	make_first
	mkdir other
	mount -t tmpfs none other
	run_ucp -a --link-dest=day1 -T s other/day2
	expect_status 0
	expect_err "ucp: warning: copying files that could not be linked to those in 'day1': Invalid cross-device link"
	same_tree s other/day2
}

# What belongs to somebody else may be changed by them.
once_files_of_others_are_not_linked() {
	need user
	mkdir s day1
	echo text >s/file
	cp -p s/file day1/file
	chown "$USER_ID" . s s/file
	run as_user ucp -a --link-dest=day1 -T s day2
	expect_status 0
	expect_no_err
	not_linked file
}

once_link_dest_is_checked() {
	local i many=()
	echo a >a
	run_ucp -r --link-dest=. a b
	expect_status 1
	expect_err "ucp: --link-dest needs -a or -p: a link has all attributes of the file it leads to" \
		"Try 'ucp --help' for more information."
	run_ucp -a --link-dest=. --checksums=list a b
	expect_status 1
	expect_err "ucp: --checksums cannot list files that --link-dest does not read" "Try 'ucp --help' for more information."
	run_ucp -al --link-dest=. a b
	expect_status 1
	expect_err "ucp: --link-dest cannot be used with --attributes-only, --link or --symbolic-link" \
		"Try 'ucp --help' for more information."
	for i in {1..21}; do
		many+=("--link-dest=$i")
	done
	run_ucp -a "${many[@]}" a b
	expect_status 1
	expect_err_has "too many directories for '--link-dest' (at most 20)"
	for i in --reflink=never --sparse=never --verify; do
		run_ucp -a --reflink-dest=. $i a b
		expect_status 1
		expect_err "ucp: --reflink-dest cannot be used with --reflink=never, --sparse=never or --verify" \
			"Try 'ucp --help' for more information."
	done
	run_ucp -a --reflink-dest=. --checksums=list a b
	expect_status 1
	expect_err "ucp: --checksums cannot list files that --reflink-dest does not read" \
		"Try 'ucp --help' for more information."
	check_not test -e b
	run_ucp -a --link-dest=nothing --dry-run -v a b
	expect_status 0
	expect_err "ucp: warning: nothing will be linked to files in 'nothing': No such file or directory"
	expect_out "'a' -> 'b'" "would copy 1 file with 2 bytes (2 B), and make 0 directories"
}

once_dry_run_names_links() {
	mkdir s
	echo same | tee s/{a,b,mode} >s/owner
	cp -a s old
	chmod 600 s/mode
	echo other >s/b
	run_ucp -aT --dry-run --itemize --link-dest=old s new
	expect_status 0
	grep -c hardlink "$OUT" >count
	[[ $(<count) == 2 ]] || fail "$(<"$OUT")"
	expect_out_has "new hardlink 'new/a'"
	expect_out_has "would copy 4 files with 11 bytes (11 B), and make 1 directory"
	run_ucp -aT --itemize --link-dest=old s new
	grep -c hardlink "$OUT" >count
	[[ $(<count) == 2 ]] || fail "$(<"$OUT")"
}

# An earlier copy on a file system that can clone, and a source on another one.
make_cloned() {
	need cmd filefrag
	mount_image btrfs 256M fs
	mkdir -p s/sub
	head -c 300000 /dev/urandom >s/sub/big
	head -c 300000 /dev/urandom >s/new
	head -c 300000 /dev/urandom >s/lies
	: >s/empty
	"$UCP" -a -T s fs/day1 || fail "cannot copy"
	head -c 300000 /dev/urandom >s/new
	# The same size and time, but not the same contents
	head -c 300000 /dev/urandom >fs/day1/lies
	touch -r s/lies fs/day1/lies
	sync -f fs
}

shares() {
	sync "$1"
	filefrag -v "$1" | grep -q shared
}

case_what_looks_the_same_is_cloned() {
	make_cloned
	run_ucp -a --reflink-dest=nothing --reflink-dest=fs/day1 --debug -T s fs/day2
	expect_status 0
	expect_err "ucp: warning: nothing will be cloned from 'nothing': No such file or directory"
	expect_out_has "'s/sub/big': cloned from an earlier copy"
	shares fs/day2/sub/big || fail "big was copied"
	shares fs/day2/new && fail "new was cloned"
	check cmp fs/day1/lies fs/day2/lies
	check cmp s/new fs/day2/new
	cp -p s/lies fs/day2/lies
	same_tree s fs/day2
	# It is a copy: a change does not reach the earlier one
	echo x >>fs/day2/sub/big
	check cmp s/sub/big fs/day1/sub/big
}

once_clones_with_other_options() {
	local options
	make_cloned
	for options in --update=checksum '--atomic --update=checksum' '--update=checksum -r --no-preserve=mode'; do
		# shellcheck disable=SC2086
		run_ucp -a $options --reflink-dest=fs/day1 -T s fs/day2
		expect_status 0
		expect_no_err
		shares fs/day2/sub/big || fail "$options: big was copied"
		shares fs/day2/lies && fail "$options: lies was cloned"
		diff -r s fs/day2 >"$OUT" || fail "$options: $(<"$OUT")"
		rm -r fs/day2
	done
	# Into a file that exists
	head -c 500000 /dev/zero >fs/old
	run_ucp -p --reflink-dest=fs/day1/sub s/sub/big fs/old
	expect_status 0
	shares fs/old && fail "found under another name"
	run_ucp -p --reflink-dest=fs/day1 s/new s/sub/big fs/day1/sub
	expect_status 0
	check cmp s/new fs/day1/sub/new
	check cmp s/sub/big fs/day1/sub/big
}

# A source of the same size and time, made by somebody who may not read the earlier copy.
once_clones_disclose_nothing() {
	need root
	make_cloned
	chmod 600 fs/day1/sub/big
	mkdir fs/day1/of
	head -c 300000 /dev/urandom >fs/day1/of/root
	mkdir s/of
	head -c 300000 /dev/zero >s/of/root
	chown 12345 s/of/root
	touch -r s/of/root fs/day1/of/root
	run_ucp -a --reflink-dest=fs/day1 -T s fs/day2
	expect_status 0
	expect_no_err
	shares fs/day2/sub/big && fail "what others may not read was cloned"
	check cmp s/of/root fs/day2/of/root
}

once_what_cannot_be_cloned_is_copied() {
	make_first
	mount_tmpfs 16M other
	run_ucp -a --reflink-dest=day1 -T s other/day2
	expect_status 0
	[[ $(<"$ERR") == "ucp: warning: copying files that could not be cloned from 'day1': "* ]] || fail "$(<"$ERR")"
	same_tree s other/day2
}
