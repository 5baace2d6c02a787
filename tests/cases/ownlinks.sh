# shellcheck shell=bash disable=SC2154 # $status is set by run
# Symbolic links that a run has made are neither written through nor entered by it, wherever they stand.

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
