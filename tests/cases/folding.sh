# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # $status is set by run
# File systems for which upper and lower case make no difference: two names of a source are one in the destination.
# tests/tools/faultfs.c plays one; where it is mounted, m shows b.
# modes: default sync tiny

folding() {
	mount_faultfs m b --fold --cache=0
}

# one_of_two DIR A B WHAT: what of DIR/A and DIR/B was made first is all there is, and the other is an error.
one_of_two() { # DIR-BEHIND-m A B WHAT
	local kept lost
	kept=$(ls -A "b/$1")
	case $kept in
	"$2") lost=$3 ;;
	"$3") lost=$2 ;;
	*) fail "there is $kept, not one of $2 and $3" ;;
	esac
	expect_status 1
	expect_err "ucp: cannot create $4 'm/$1/$lost': File exists"
	[[ $(stat -c %A "s/$kept") == "$(stat -c %A "b/$1/$kept")" ]] || fail "$kept is something else"
	[[ ! -L s/$kept ]] || [[ $(readlink "s/$kept") == "$(readlink "b/$1/$kept")" ]] || fail "$kept leads elsewhere"
	[[ -p s/$kept || -L s/$kept ]] || check diff -r "s/$kept" "b/$1/$kept"
}

# --- in a directory that the run makes

case_files_in_a_new_directory() {
	folding
	mkdir s
	echo 1 >s/a
	echo 22 >s/A
	run_ucp -r s m/c
	one_of_two c a A "regular file"
}

case_large_files_in_a_new_directory() {
	folding
	mkdir s
	head -c 3000000 /dev/urandom >s/name
	head -c 2000000 /dev/urandom >s/Name
	run_ucp -a s m/c
	one_of_two c name Name "regular file"
}

once_atomic_files_in_a_new_directory() {
	local option
	folding
	mkdir s
	head -c 300000 /dev/urandom >s/name
	head -c 200000 /dev/urandom >s/Name
	for option in --atomic --resume; do
		run_ucp -a $option s m/c
		rm -f b/c/.ucp-journal
		one_of_two c name Name "regular file"
		rm -r b/c
	done
}

once_whatever_the_options_say() {
	local option
	folding
	mkdir s b/p
	echo 1 >s/a
	echo 22 >s/A
	for option in "-n --beneath" "-u --verify" -b -f --remove-destination; do
		# shellcheck disable=SC2086 # the options are words
		run_ucp -r $option s m/c
		one_of_two c a A "regular file"
		rm -r b/c
	done
	run_ucp -r --parents s m/p
	one_of_two p/s a A "regular file"
}

once_links_to_the_source() {
	folding
	mkdir s
	echo 1 >s/a
	echo 22 >s/A
	run_ucp -rsf "$PWD/s" m/c
	expect_status 1
	[[ $(find b/c -type l | wc -l) == 1 ]] || fail "there are: $(ls b/c)"
}

once_what_is_said_first() {
	folding
	mkdir s
	echo 1 >s/a
	echo 22 >s/A
	run_ucp -rv -j1 s m/c
	expect_status 1
	expect_out_has "'s/a' -> 'm/c/a'"
	expect_out_has "'s/A' -> 'm/c/A'"
}

once_links_fifos_and_sockets_in_a_new_directory() {
	folding
	mkdir s
	ln -s one s/l
	ln -s two s/L
	run_ucp -r s m/c
	one_of_two c l L "symbolic link"
	rm -r b/c
	run_ucp -af --atomic s m/c
	one_of_two c l L "symbolic link"
	rm -r s b/c
	mkdir s
	mkfifo -m 644 s/p
	mkfifo -m 600 s/P
	run_ucp -a s m/c
	one_of_two c p P fifo
}

once_directories_in_a_new_directory() {
	folding
	mkdir -p s/d s/D
	echo 1 >s/d/x
	echo 2 >s/D/y
	run_ucp -r s m/c
	one_of_two c d D directory
}

once_a_file_and_a_directory_in_a_new_directory() {
	folding
	mkdir -p s/D
	echo 1 >s/d
	echo 2 >s/D/y
	run_ucp -r s m/c
	expect_status 1
	if [[ -d b/c/D ]]; then
		expect_err "ucp: cannot create regular file 'm/c/d': File exists"
	else
		expect_err "ucp: cannot create directory 'm/c/D': File exists"
	fi
}

# Two names of one file are one in the end, and nothing is lost.
case_hard_links_that_fall_together() {
	folding
	mkdir s
	echo 1 >s/a
	ln s/a s/A
	run_ucp -a s m/c
	expect_status 0
	expect_no_err
	check cmp s/a m/c/a
}

# With cp a further name of a file takes the place of another file.
once_hard_link_and_another_file() {
	folding
	mkdir s
	echo 1 >s/n
	ln s/n s/m
	echo 2 >s/N
	run_ucp -a s m/c
	expect_status 1
	check cmp s/m m/c/m
	if [[ -e b/c/N ]]; then
		[[ $(<b/c/N) == 2 ]] || fail "N is not what it was"
	else
		expect_err "ucp: cannot create regular file 'm/c/N': File exists"
		[[ $(<b/c/n) == 1 ]] || fail "n is not what it was"
	fi
}

# link_and_file: a link to a victim, and a file, of which the names fall together.
link_and_file() {
	folding
	mkdir s
	echo VICTIM >victim
	ln -s "$PWD/victim" s/a
	echo evil >s/A
}

victim_is_whole() { # OPTION
	[[ $(<victim) == VICTIM ]] || fail "written through the link, $1"
}

case_nothing_is_written_through_a_link() {
	local option
	link_and_file
	for option in -a -f -b --atomic --remove-destination; do
		run_ucp -r $option s m/c
		expect_status 1
		victim_is_whole "$option"
		[[ $(ls -A b/c) == [aA] ]] || fail "there is: $(ls -A b/c)"
		rm -r b/c
	done
}

once_nothing_is_put_into_a_directory_behind_a_link() {
	local option
	folding
	mkdir -p s/D away
	ln -s "$PWD/away" s/d
	echo evil >s/D/y
	for option in -f --keep-directory-symlink; do
		run_ucp -r $option s m/c
		expect_status 1
		check_not test -e away/y
		rm -r b/c
	done
}

# --- in one that stands already: as with cp, but for links

once_files_in_an_existing_directory() {
	folding
	mkdir s b/c
	echo 1 >s/a
	echo 22 >s/A
	run_ucp -rT s m/c
	expect_status 0
	expect_no_err
	[[ $(ls -A b/c) == [aA] ]] || fail "there is: $(ls -A b/c)"
}

once_directories_in_an_existing_directory() {
	folding
	mkdir -p s/d s/D b/c
	echo 1 >s/d/x
	echo 2 >s/D/y
	run_ucp -rT s m/c
	# The one that made the directory, or both
	check cmp s/d/x m/c/d/x
	check cmp s/D/y m/c/d/y
}

once_dry_run_says_nothing_of_it() {
	folding
	mkdir s
	echo 1 >s/a
	echo 22 >s/A
	run_ucp -r --dry-run s m/c
	expect_status 0
	check_not test -e b/c
}

# --- operands

# cp compares their names, and overwrites.
case_operands_that_fall_together() {
	local option
	folding
	mkdir s b/c
	echo 1 >s/name
	echo 22 >s/NAME
	for option in --atomic -f; do
		run_ucp $option s/name s/NAME m/c
		expect_status 1
		case $(ls -A b/c) in
		name) check cmp s/name b/c/name ;;
		NAME) check cmp s/NAME b/c/NAME ;;
		*) fail "there is: $(ls -A b/c)" ;;
		esac
		rm b/c/*
	done
	echo old >b/c/Name
	run_ucp s/name s/NAME m/c
	expect_status 1
	[[ $(ls -A b/c) == Name && $(<b/c/Name) != old ]] || fail "there is: $(ls -A b/c)"
	expect_err_has "ucp: will not overwrite just-created 'm/c/"
}

once_operands_that_are_links_or_nodes() {
	folding
	mkdir s b/c
	ln -s 1 s/l
	ln -s 2 s/L
	run_ucp -Pf s/l s/L m/c
	expect_status 1
	[[ $(ls -A b/c) == [lL] ]] || fail "there is: $(ls -A b/c)"
}

once_link_and_file_in_an_existing_directory() {
	local option
	link_and_file
	for option in -r -a --atomic --keep-directory-symlink; do
		rm -rf b/c
		mkdir b/c
		run_ucp -r $option s/. m/c
		victim_is_whole "$option"
	done
	# What the run has made for one name does not go for the other
	mkdir s/d
	echo below >s/d/f
	ln -s nowhere s/D
	for option in '' -j1; do
		rm -rf b/c
		mkdir b/c
		# shellcheck disable=SC2086
		run_ucp --mirror $option s m/c
		expect_status 1
		victim_is_whole --mirror
		(($(grep -c "^ucp: will not overwrite just-created 'm/c/[aAdD]' with 's/[aAdD]'$" "$ERR") == 2)) || fail "$(<"$ERR")"
	done
	rm -rf b/c
	mkdir b/c
	run_ucp -P s/a s/A m/c
	expect_status 1
	victim_is_whole -P
}
