# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# Symbolic links that a run has made are neither written through nor entered by it, wherever they stand.
# modes: default sync tiny

victims() {
	mkdir victims
	echo ORIG >victim
}

unharmed() { # WHAT
	[[ $(<victim) == ORIG ]] || fail "written through the link: $1"
	[[ -z $(ls -A victims) ]] || fail "put into the directory behind the link: $1"
}

# refused WHAT SOURCE DESTINATION
refused() {
	unharmed "$1"
	expect_status 1
	expect_err "ucp: will not copy '$2' through just-created symlink '$3'"
}

# Two ways lead to one directory that was there.
case_file_reached_by_another_way() {
	local option
	victims
	mkdir -p s/lib s/usr/lib
	ln -s "$PWD/victim" s/lib/foo
	echo evil >s/usr/lib/foo
	for option in --recursive --atomic; do
		rm -rf d
		mkdir -p d/usr/lib
		ln -s usr/lib d/lib
		run_ucp -r $option --keep-directory-symlink s/. d
		unharmed $option
		# The file may have come first, and then the link takes its place
		[[ $status == 0 ]] || refused $option s/./usr/lib/foo d/./usr/lib/foo
	done
}

case_directory_behind_a_link_of_another_operand() {
	local option
	victims
	mkdir -p s1 s2/d
	ln -s "$PWD/victims" s1/d
	echo evil >s2/d/f
	for option in -r -a --atomic; do
		rm -rf d
		mkdir d
		run_ucp -r $option --keep-directory-symlink s1/. s2/. d
		refused $option s2/./d d/./d
	done
}

# The way to an operand leads over a link that another one is.
case_parents() {
	victims
	mkdir -p s/a s/v d/s/v
	ln -s ../v s/a/l
	echo evil >s/v/f
	run_ucp -P --parents s/a/l s/a/l/f d
	refused parents s/a/l d/s/a/l
	check_not test -e d/s/v/f
}

# A link that was there leads to one that this run makes.
case_chain() {
	local option
	victims
	mkdir s
	ln -s "$PWD/victim" s/bar
	echo evil >s/foo
	for option in -r --atomic -j1; do
		rm -rf d
		mkdir d
		ln -s bar d/foo
		run_ucp -r $option s/. d
		unharmed "$option"
		expect_status 1
	done
	rm -rf d
	mkdir d
	ln -s bar d/foo
	run env POSIXLY_CORRECT=1 "$UCP" -r s/. d
	[[ $(<victim) == ORIG ]] || fail "written through the link"
}

# A link that was there leads into a directory that this run makes.
case_link_in_a_new_directory() {
	victims
	mkdir -p s/new/sub s/way d
	ln -s new/sub d/way
	ln -s "$PWD/victim" s/new/sub/x
	echo evil >s/way/x
	run_ucp -r --keep-directory-symlink s/. d
	unharmed "a new directory"
	rm -rf d
	mkdir d
	ln -s new/sub/x d/x
	echo evil >s/x
	run_ucp -r s/. d
	unharmed "a chain into a new directory"
}

# With -l a link is a further name of the source's own, with -a of the first copy.
once_hard_links() {
	victims
	mkdir -p s1 s2/d s2/e d
	ln -s "$PWD/victims" s1/d
	echo evil >s2/d/f
	run_ucp -Prl --keep-directory-symlink s1/. s2/. d
	refused -l s2/./d d/./d
	rm -r d
	mkdir d
	ln s1/d s1/e
	echo evil >s2/e/f
	run_ucp -a --keep-directory-symlink s1/. s2/. d
	expect_status 1
	unharmed "further names"
}

# Links that were there are followed as ever.
case_other_links_are_followed() {
	mkdir -p s/lib s/usr/lib d/usr/lib
	echo old >d/old
	ln -s usr/lib d/lib
	ln -s ../../old d/usr/lib/foo
	ln -s nowhere s/bar
	echo new >s/usr/lib/foo
	echo 2 >s/lib/two
	run_ucp -r --keep-directory-symlink s/. d
	expect_status 0
	expect_no_err
	[[ $(<d/old) == new && $(<d/usr/lib/two) == 2 ]] || fail "not followed"
}

# --- a link that appears after the look

appears() { # NAME=TARGET ARGS…
	need tool preload-appear.so
	# shellcheck disable=SC2086
	run env UCP_APPEAR="$1" LD_PRELOAD="${UCP%/*}/tools/preload-appear.so" "$UCP" $UCP_FLAGS "${@:2}"
}

# only: release debug
case_link_appears_at_an_operand() {
	local option
	victims
	mkdir d
	echo evil >f
	for option in -r -p -f; do
		appears "new=$PWD/victim" $option f d/new
		expect_status 1
		expect_err "ucp: not writing through dangling symlink 'd/new'"
		unharmed $option
		rm d/new
	done
	mv f new
	appears "new=$PWD/victim" new d
	expect_err "ucp: not writing through dangling symlink 'd/new'"
	unharmed "into a directory"
	rm d/new
	appears "new=nowhere" new d
	expect_err "ucp: not writing through dangling symlink 'd/new'"
	check_not test -e d/nowhere
	rm d/new
	appears "new=$PWD/victim" --atomic new d
	unharmed --atomic
}

# --- a link of this run that the owner of the directory moves

# exchanged_at_each_call NAME A B TRIES ARGS…: ucp, and after the N-th look at NAME, or opening of it, A and B
# are exchanged; for each N up to TRIES. prepare() makes everything anew. Nothing outside may be written.
exchanged_at_each_call() {
	local call n
	for call in fstatat openat; do
		for ((n = 1; n <= $4; n++)); do
			prepare
			exchanging "$call+$n $1 $2 $3" "${@:5}"
			unharmed "${*:5}: after the $n. $call"
		done
	done
}

# A link of somebody, who owns the directory, leads out, but is not followed; the one that is made of s/l is root's.
# only: release
once_link_of_this_run_is_put_in_the_place_of_another() {
	local options
	need root
	prepare() {
		rm -rf s d victims victim
		victims
		mkdir -p s/z d/z
		ln -s "$PWD/victim" s/l
		ln -s "$PWD/victim" d/z/f
		echo evil >s/z/f
		chown -hR "$USER_ID" s d
	}
	for options in -r -a "-r --preserve=mode" "-r --atomic" "-r --attributes-only --preserve=all" -ru -rf; do
		# shellcheck disable=SC2086 # words
		exchanged_at_each_call f d/z/f d/l 6 -j1 $options s/. d
	done
}

# The link of somebody leads to what is theirs, and is exchanged twice: when the file is staged, and when it gets its name.
# only: release
once_link_of_this_run_is_put_in_the_place_of_another_twice() {
	local first second
	need root
	prepare() {
		rm -rf s d theirs victims victim
		victims
		mkdir -p s/z d/z theirs
		ln -s "$PWD/victim" s/l
		ln -s "$PWD/theirs/f" d/z/f
		echo evil >s/z/f
		echo old >theirs/f
		chown -hR "$USER_ID" s d theirs
	}
	for ((first = 5; first <= 9; first++)); do
		for ((second = first + 4; second <= first + 8; second++)); do
			prepare
			exchanging "openat+$first f d/z/f d/l
				openat victim d/z/f d/l
				openat+$second f d/z/f d/l" -j1 -r --atomic s/. d
			unharmed "after the $first. and the $second. openat"
		done
	done
}

# The same with directories.
# only: release
once_link_of_this_run_is_put_in_the_place_of_a_directory() {
	local options
	need root
	prepare() {
		rm -rf s d victims victim
		victims
		mkdir -p s/z/k d/z
		ln -s "$PWD/victims" s/l
		ln -s "$PWD/victims" d/z/k
		echo evil >s/z/k/f
		chown -hR "$USER_ID" s d
	}
	for options in -r -a "-r --atomic"; do
		# shellcheck disable=SC2086 # words
		exchanged_at_each_call k d/z/k d/l 6 -j1 $options --keep-directory-symlink s/. d
	done
}

# s/new has a link that is to be copied, and where s/z/f is to be copied to, there is a link to the same place.
new_directory_and_link() {
	rm -rf s d victims victim
	victims
	mkdir -p s/new s/z d/s/z
	ln -s "$PWD/victim" s/new/l
	ln -s "$PWD/victim" d/s/z/f
	echo evil >s/z/f
}

# Out of a new directory that others may write into, to where a later operand comes.
# only: release
once_link_of_this_run_is_moved_out_of_a_new_directory() {
	local options
	need root
	umask 0
	prepare() {
		new_directory_and_link
		chmod 777 s/new
		chown -h "$USER_ID" d/s/z d/s/z/f
	}
	for options in -r "-r --preserve=mode" -a "-r --preserve=mode --atomic"; do
		# shellcheck disable=SC2086 # words
		exchanged_at_each_call f d/s/z/f d/s/new/l 6 -j1 $options --parents s/new s/z d
	done
}

# Out of a new directory that becomes a user's as soon as it is whole. What is in there may still be root's.
# only: release
once_link_of_this_run_is_moved_out_of_a_directory_that_becomes_a_users() {
	local options
	need root
	prepare() {
		new_directory_and_link
		ln s/new/l s/new/l2
		chown -h "$USER_ID" s/new s/z d/s/z d/s/z/f
	}
	for options in -a "-r --preserve=ownership" "-a --atomic" "-dR --preserve=all --attributes-only"; do
		# shellcheck disable=SC2086 # words
		exchanged_at_each_call f d/s/z/f d/s/new/l 6 -j1 $options --parents s/new s/z d
	done
}

# Out of a new directory on the way to an operand, into which a default ACL lets others write in spite of the umask.
# only: release
once_link_of_this_run_is_moved_out_of_a_directory_with_a_default_acl() {
	local options
	need root
	need cmd setfacl
	umask 022
	mkdir probe
	setfacl -d -m "u:$USER_ID:rwx" probe 2>/dev/null || skip "needs ACLs here"
	prepare() {
		new_directory_and_link
		chmod 775 s/new
		chown -h "$USER_ID" d/s/z d/s/z/f
		setfacl -d -m "u:$USER_ID:rwx" d/s
	}
	for options in -r "-r --atomic"; do
		# shellcheck disable=SC2086 # words
		exchanged_at_each_call f d/s/z/f d/s/new/l 6 -j1 $options --parents s/new/l s/z d
	done
}
