# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # status is set by run
# What is copied and what is left out: patterns, lists, sizes.

# expect_tree DIR PATH…: exactly these, directories with a slash behind them; in C order.
expect_tree() {
	(cd "$1" && find . -mindepth 1 \( -type d -printf '%P/\n' -o -printf '%P\n' \)) | sort >"$CASE/found"
	printf '%s\n' "${@:2}" | sed '/^$/d' >"$CASE/wanted"
	cmp -s "$CASE/wanted" "$CASE/found" || fail "$1 is not as expected: $(diff "$CASE/wanted" "$CASE/found")"
}

# A file for each PATH, or a directory if a slash ends it.
make_paths() {
	local path
	for path; do
		if [[ $path == */ ]]; then
			mkdir -p "$path"
		else
			mkdir -p "$(dirname "./$path")"
			echo "$path" >"$path"
		fi
	done
}

patterns() {
	need cmd python3 "$1"
	share "$2"
	run python3 "$TOOLS/filtertest.py" "$1" --ucp="$UCP" --seed="$first" --count="$tries"
	[[ $status == 0 ]] || fail "filtertest.py: $(cat "$OUT" "$ERR")"
}

# limit: 240
# (tests/fuzz gives this code to the sanitizers.)
# only: release, debug
once_patterns_are_those_of_rsync() {
	patterns rsync 40
}

# limit: 240
# (tests/fuzz gives this code to the sanitizers.)
# only: release, debug
once_patterns_are_those_of_git() {
	patterns git 60
}

once_exclude_and_include() {
	make_paths s/a.o s/keep.o s/lib/a.o s/lib/a.c s/tmp/x s/lib/tmp/y
	run_ucp -r --include=/s/keep.o --exclude='*.o' --exclude=/s/tmp s d
	expect_status 0
	expect_no_err
	expect_tree d keep.o lib/ lib/a.c lib/tmp/ lib/tmp/y
}

once_first_match_wins() {
	make_paths s/a s/b
	run_ucp -r --exclude='*' --include=a s/. d
	expect_status 0
	expect_tree d
}

once_operands_are_matched_too() {
	make_paths a.c b.o dir/x d/
	run_ucp -r --exclude='*.o' --exclude=dir/ a.c b.o dir d
	expect_status 0
	expect_no_err
	expect_tree d a.c
}

once_operand_that_is_left_out_must_exist() {
	mkdir d
	run_ucp --exclude='*.o' no.o d
	expect_status 1
	expect_err "ucp: cannot stat 'no.o': No such file or directory"
}

once_operand_without_a_name() {
	make_paths s/a s/b/a d/
	run_ucp -r --exclude=/a s/. d
	expect_status 0
	expect_tree d b/ b/a
	run_ucp -r --exclude=/a s/b/.. e
	expect_status 0
	expect_tree e b/ b/a
}

once_parents_match_the_whole_name() {
	make_paths s/a/x s/a/y s/b/x d/
	run_ucp -r --parents --exclude=/s/a/x --exclude=b/x s/a ./s//b/ d
	expect_status 0
	expect_tree d s/ s/a/ s/a/y s/b/
	# The directories above an operand are only its name
	run_ucp --parents --exclude=s s/a/x d
	expect_status 0
	expect_tree d s/ s/a/ s/a/x s/a/y s/b/
}

once_patterns_from_a_file() {
	make_paths s/a s/b s/c '#d' 's/#d' s/e
	printf '%s\n' '# a' ';b' '' '+ /s/c' '/s/[ce]' >list
	run_ucp -r --exclude-from=list s d
	expect_status 0
	expect_tree d '#d' a b c
	run_ucp -r --exclude=a --exclude-from=- s e < <(printf '!\n- b\n')
	expect_status 0
	expect_tree e '#d' a c e
	run_ucp -r -0 --exclude-from=- s f < <(printf '#d\0a\0')
	expect_status 0
	expect_tree f b c e
}

once_patterns_from_no_file() {
	make_paths s/a dir/
	run_ucp -r --exclude-from=none s d
	expect_status 1
	expect_err "ucp: cannot open 'none' for reading: No such file or directory"
	run_ucp -r --exclude-from=dir s d
	expect_status 1
	expect_err "ucp: error reading 'dir': Is a directory"
	[[ ! -e d ]] || fail "something was copied"
}

once_without_version_control() {
	make_paths s/.git/config s/.gitignore s/.svn/x s/sub/.git s/CVS/Entries s/RCS s/.github/x s/a
	run_ucp -r --exclude-vcs s d
	expect_status 0
	expect_tree d .github/ .github/x RCS a sub/
	run_ucp -r --include=.gitignore --exclude-vcs s e
	expect_status 0
	expect_tree e .github/ .github/x .gitignore RCS a sub/
}

once_followed_links_are_what_they_lead_to() {
	make_paths s/dir/x s/f
	ln -s dir s/link
	run_ucp -r --exclude='link/' s d
	expect_status 0
	expect_tree d dir/ dir/x f link
	run_ucp -rL --exclude='link/' s e
	expect_status 0
	expect_tree e dir/ dir/x f
}

once_other_names_of_files_left_out() {
	make_paths s/a
	ln s/a s/b
	ln s/a s/c
	run_ucp -a --exclude=a s d
	expect_status 0
	expect_tree d b c
	[[ d/b -ef d/c ]] || fail "b and c are no longer one file"
}

once_deep_paths() {
	local i dir=s
	for ((i = 0; i < 300; i++)); do
		dir+=/a-longer-name-for-a-directory
	done
	mkdir s
	python3 -c '
import os
os.chdir("s")
for _ in range(300):
    os.mkdir("a-longer-name-for-a-directory")
    os.chdir("a-longer-name-for-a-directory")
open("keep", "w"), open("drop", "w")' || fail "cannot make the tree"
	run_ucp -r --exclude="/s/**/drop" s d
	expect_status 0
	expect_no_err
	python3 -c '
import os
os.chdir("d")
for _ in range(300):
    os.chdir("a-longer-name-for-a-directory")
raise SystemExit(os.listdir() != ["keep"])' || fail "the deepest directory is not as expected"
}

once_sizes() {
	mkdir -p s/dir d
	truncate -s 10 s/10
	truncate -s 1024 s/1024
	truncate -s 1025 s/dir/1025
	ln -s a-link-of-more-than-ten-bytes s/link
	mkfifo s/fifo
	run_ucp -r --max-size=1K s d
	expect_status 0
	expect_no_err
	expect_tree d s/ s/10 s/1024 s/dir/ s/fifo s/link
	run_ucp -r --max-size=1KiB --min-size=11 s/. e
	expect_status 0
	expect_tree e 1024 dir/ fifo link
	run_ucp -r --min-size=99999999999999999999T s/. f
	expect_status 0
	expect_tree f dir/ fifo link
}

once_sizes_of_operands_and_of_what_links_lead_to() {
	mkdir d s
	truncate -s 10 10
	truncate -s 20 20
	ln -s ../20 s/link
	run_ucp --min-size=20 10 20 d
	expect_status 0
	expect_no_err
	expect_tree d 20
	run_ucp -rL --max-size=19 s d
	expect_tree d 20 s/
	run_ucp -rL --max-size=20 s d
	expect_tree d 20 s/ s/link
}

once_sizes_that_are_none() {
	echo a >a
	run_ucp --max-size=many a b
	expect_status 1
	expect_err "ucp: invalid size: 'many'"
	run_ucp --min-size=-1 a b
	expect_status 1
	expect_err "ucp: invalid size: '-1'"
	[[ ! -e b ]] || fail "something was copied"
}

once_names_from_a_list() {
	make_paths s/a s/b s/sub/c s/sub/d s/sub/deep/e s/sub/deep/f s/other/g
	printf '%s\n' b /sub/deep//./e '' sub/c b >list
	run_ucp --files-from=list s d
	expect_status 0
	expect_no_err
	expect_tree d b sub/ sub/c sub/deep/ sub/deep/e
	check cmp s/sub/deep/e d/sub/deep/e
	run_ucp -r --files-from=- s e <<<sub
	expect_status 0
	expect_tree e sub/ sub/c sub/d sub/deep/ sub/deep/e sub/deep/f
	mkdir f
	run_ucp -r -0 --files-from=- -t f s < <(printf 'sub/deep\0sub/deep/e\0b')
	expect_status 0
	expect_tree f b sub/ sub/deep/ sub/deep/e sub/deep/f
	run_ucp -a --files-from=- s g <<<.
	expect_status 0
	same_tree s g
}

once_directories_of_a_list_without_r() {
	make_paths s/a/x s/a/y s/b/z
	run_ucp --files-from=- s d < <(printf '%s\n' a a/x b .)
	expect_status 0
	expect_no_err
	expect_tree d a/ a/x b/
}

once_directories_on_the_way_to_a_name() {
	make_paths s/new/x s/old/x s/listed/x d/old/y d/listed/y
	chmod 750 s s/new s/old s/listed
	chmod 701 d d/old d/listed
	touch -d 2001-01-01 s/new s/old s/listed s
	run_ucp -a --files-from=- s d < <(printf '%s\n' new/x old/x listed)
	expect_status 0
	expect_no_err
	run stat -c '%a %Y' d/new d/listed
	expect_out '750 978307200' '750 978307200'
	run stat -c %a d d/old
	expect_out 701 701
}

once_names_that_are_not_there() {
	make_paths s/a s/b/x
	ln -s b s/link
	run_ucp -a --files-from=- s d < <(printf '%s\n' no a/no b/no link/x a)
	expect_status 1
	sort -o "$ERR" "$ERR"
	expect_err "ucp: cannot access 's/link': Not a directory" "ucp: cannot stat 's/b/no': No such file or directory" \
		"ucp: cannot stat 's/no': No such file or directory"
	expect_tree d a b/
	run_ucp --files-from=- s e < <(printf '%s\n' a/no link/x)
	expect_status 1
	sort -o "$ERR" "$ERR"
	expect_err "ucp: cannot access 's/a': Not a directory" "ucp: cannot access 's/link': Not a directory"
	expect_tree e
}

# Whoever owns the source can make any name in the list a link.
once_names_follow_no_link_unless_asked_to() {
	make_paths s/a s/sub/b out/secret
	ln -s ../out/secret s/file
	ln -s ../out s/dir
	ln -s ../../out s/sub/dir
	ln -s "$PWD/out" s/absolute
	ln -s s operand
	printf '%s\n' file dir/secret sub/dir/secret absolute/secret a >list
	local options
	for options in -p '' -l --copy-contents -H -HL -d -P -dH; do
		rm -rf d
		# shellcheck disable=SC2086 # several
		run_ucp $options --files-from=list s d
		[[ $options != -HL ]] || continue
		expect_status 1
		sort -o "$ERR" "$ERR"
		expect_err "ucp: cannot access 's/absolute': Not a directory" "ucp: cannot access 's/dir': Not a directory" \
			"ucp: cannot access 's/sub/dir': Not a directory"
		expect_tree d a file sub/
		[[ $(readlink d/file) == ../out/secret ]] || fail "$options: d/file is no link"
	done
	# The operand is ours
	run_ucp --files-from=- operand e < <(printf '%s\n' a dir)
	expect_status 0
	expect_tree e a dir
	run_ucp -r --files-from=- operand f <<<sub
	expect_status 0
	expect_tree f sub/ sub/b sub/dir
	run_ucp -L --files-from=list s g
	expect_status 0
	expect_no_err
	expect_tree g a absolute/ absolute/secret dir/ dir/secret file sub/ sub/dir/ sub/dir/secret
	[[ ! -L g/file && $(<g/file) == out/secret ]] || fail "g/file is not what the link leads to"
}

# Nor does it make us wait for somebody who writes into it.
once_names_of_fifos_are_made_anew() {
	make_paths s/a
	mkfifo s/fifo
	run_ucp --files-from=- s d < <(printf '%s\n' a fifo)
	expect_status 0
	[[ -p d/fifo ]] || fail "no fifo"
}

once_lists_with_nul_bytes() {
	make_paths s/a s/b
	printf 'a\0b\0' >list
	run_ucp --files-from=list s d
	expect_status 1
	expect_err "ucp: 'list' has NUL bytes: use -0"
	run_ucp -r --exclude-from=list s d
	expect_status 1
	expect_err "ucp: 'list' has NUL bytes: use -0"
	printf 'a\nb\0' | run_ucp --files-from=- s d
	expect_status 1
	expect_err "ucp: '-' has NUL bytes: use -0"
	[[ ! -e d ]] || fail "something was copied"
	run_ucp -0 --files-from=list s d
	expect_status 0
	expect_tree d a b
}

once_lists_that_never_end() {
	make_paths s/a
	local option
	for option in --files-from --exclude-from; do
		run_ucp -r $option=/dev/zero s d
		expect_status 1
		expect_err "ucp: '/dev/zero' has NUL bytes: use -0"
	done
	run_ucp -r --exclude-from=- s d < <(yes)
	expect_status 1
	expect_err "ucp: the list '-' is too large"
	mkfifo fifo
	yes >fifo &
	run_ucp -r --exclude-from=fifo s d
	expect_status 1
	expect_err "ucp: the list 'fifo' is too large"
	[[ ! -e d ]] || fail "something was copied"
	run_ucp -r --exclude-from=/dev/null s d
	expect_status 0
	expect_tree d a
}

# Nor do names that take much more memory than they are long. Where there is little, little will do.
# only: release debug
once_lists_of_names_that_never_end() {
	make_paths s/a
	run bash -c 'ulimit -v 400000; exec "$@"' . "$UCP" -r --files-from=- s d < <(yes a)
	expect_status 1
	expect_err "ucp: the list '-' is too large"
	run bash -c 'ulimit -v 400000; exec "$@"' . "$UCP" -r --files-from=- s d < <(yes a/ | tr -d '\n')
	expect_status 1
	expect_err "ucp: the list '-' is too large"
	[[ ! -e d ]] || fail "something was copied"
}

once_only_one_list_from_standard_input() {
	make_paths s/a s/b
	local list message="ucp: only one list can be read from standard input"
	for list in --files-from=- --exclude-from=- --files-from=/dev/stdin --exclude-from=/proc/self/fd/0; do
		run_ucp -r --exclude-from=- "$list" s d < <(printf 'b\n')
		expect_status 1
		expect_err "$message"
		run_ucp -r "$list" --exclude-from=- s d < <(printf 'b\n')
		expect_status 1
		expect_err "$message"
	done
	[[ ! -e d ]] || fail "something was copied"
	run_ucp -r --exclude-from=<(echo a) --files-from=- s d < <(printf 'a\nb\n')
	expect_status 0
	expect_tree d b
}

once_list_of_names_from_windows() {
	make_paths s/a s/sub/b $'s/c\r' $'s/d\r'
	printf '\xef\xbb\xbfa\r\n\r\nsub/b\r\n' >list
	run_ucp --files-from=list s d
	expect_status 0
	expect_no_err
	expect_tree d a sub/ sub/b
	# One line that ends otherwise shows that the others end with a part of a name
	printf 'c\r\na\n' >list
	run_ucp --files-from=list s e
	expect_status 0
	expect_tree e a $'c\r'
	printf 'd\r\0' >list
	run_ucp -0 --files-from=list s f
	expect_status 0
	expect_tree f $'d\r'
}

once_path_of_very_many_components() {
	make_paths s/a
	python3 -c "print('a\n' + 'x/' * 600000 + 'x')" >list
	run_ucp --files-from=list s d
	expect_status 1
	expect_err "ucp: cannot stat 's/x': No such file or directory"
	expect_tree d a
}

once_rules_that_end_too_early() {
	make_paths s/a
	local rule
	for rule in '+ ' '- '; do
		run_ucp -r --exclude="$rule" s d
		expect_status 1
		expect_err "ucp: unexpected end of filter rule: '$rule'"
		run_ucp -r --include="$rule" s d
		expect_status 1
		expect_err "ucp: unexpected end of filter rule: '$rule'"
		printf 'b\n%s\n' "$rule" >list
		run_ucp -r --exclude-from=list s d
		expect_status 1
		expect_err "ucp: unexpected end of filter rule in 'list'"
	done
	[[ ! -e d ]] || fail "something was copied"
}

once_names_that_lead_out() {
	make_paths s/a a
	run_ucp --files-from=- s d < <(printf '%s\n' a ../a)
	expect_status 1
	expect_err "ucp: the name '../a' in '-' leads out of the source"
	[[ ! -e d ]] || fail "something was copied"
}

once_names_and_patterns() {
	make_paths s/a.o s/b.c s/sub/c.o s/sub/d.c
	run_ucp -r --exclude=/b.c --exclude='*.o' --files-from=- s d < <(printf '%s\n' a.o b.c sub)
	expect_status 0
	expect_tree d sub/ sub/d.c
}

once_operands_of_a_list() {
	make_paths s/a t/a d/
	run_ucp --files-from=- s t d </dev/null
	expect_status 1
	expect_err "ucp: extra operand 'd'" "Try 'ucp --help' for more information."
	run_ucp --files-from=- --parents s d </dev/null
	expect_status 1
	expect_err "ucp: cannot combine --files-from and --parents" "Try 'ucp --help' for more information."
	run_ucp --files-from=- s/a e </dev/null
	expect_status 1
	expect_err "ucp: cannot access 's/a': Not a directory"
	run_ucp --files-from=- --files-from=- s e </dev/null
	expect_status 1
	expect_err "ucp: only one --files-from can be given"
	run_ucp --files-from=- s t/a </dev/null
	expect_status 1
	expect_err "ucp: cannot overwrite non-directory 't/a' with directory 's'"
	run_ucp --files-from=- -t no s </dev/null
	expect_status 1
	expect_err "ucp: target directory 'no': No such file or directory"
}

once_many_names_are_those_of_rsync() {
	need cmd rsync
	make_tree --seed 5 --files 300 s
	mkdir e
	(cd s && find . -mindepth 1 ! -type d -print0 | LC_ALL=C sort -z | awk -v RS='\0' -v ORS='\0' 'NR % 3 == 0') >list
	check rsync -aH --from0 --files-from=list s/ e/
	run_ucp -a -0 --files-from=list s d
	expect_status 0
	expect_no_err
	same_tree e d --no-xattr
}

once_gitignore() {
	make_paths s/a.o s/b.c s/sub/a.o s/sub/keep.o s/sub/build/x s/build s/top s/sub/top s/.git/objects/a.o s/.git/build/y
	printf '*.o\nbuild/\n/top\n' >s/.gitignore
	echo '!keep.o' >s/sub/.gitignore
	echo 'b.c' >s/.git/info-exclude
	run_ucp -r --gitignore s d
	expect_status 0
	expect_no_err
	expect_tree d .git/ .git/build/ .git/build/y .git/info-exclude .git/objects/ .git/objects/a.o .gitignore b.c build \
		sub/ sub/.gitignore sub/keep.o sub/top
	mkdir s/.git/info
	mv s/.git/info-exclude s/.git/info/exclude
	run_ucp -r --include=top --exclude-vcs --gitignore s e
	expect_status 0
	expect_tree e build sub/ sub/keep.o sub/top top
}

once_gitignore_of_a_repository_inside() {
	make_paths s/a.o s/sub/a.o s/sub/.git/HEAD s/sub/b.c s/tree/a.o s/tree/.git s/ignored/.git/HEAD
	printf '*.o\nignored\n' >s/.gitignore
	echo b.c >s/sub/.gitignore
	run_ucp -r --gitignore s d
	expect_status 0
	expect_tree d .gitignore sub/ sub/.git/ sub/.git/HEAD sub/.gitignore sub/a.o tree/ tree/.git tree/a.o
}

once_gitignore_that_is_no_file() {
	make_paths s/a s/fifo/b s/dir/.gitignore/b all
	echo '*' >all
	ln -s ../all s/.gitignore
	mkfifo s/fifo/.gitignore
	run_ucp -r --gitignore s d
	expect_status 0
	expect_no_err
	expect_tree d .gitignore a dir/ dir/.gitignore/ dir/.gitignore/b fifo/ fifo/.gitignore fifo/b
}

# The owner of a tree decides what is left out of it, not which other files are read for that.
once_gitignore_reads_nothing_outside() {
	make_paths s/a s/b info/x git/info/x
	printf 'a\n' | tee info/exclude git/info/exclude out >/dev/null
	local made
	for made in 'ln -s ../git s/.git' 'mkdir s/.git && ln -s ../../info s/.git/info' \
		'mkdir -p s/.git/info && ln -s ../../../out s/.git/info/exclude' \
		'mkdir -p s/.git/info && mkfifo s/.git/info/exclude' \
		'mkdir -p s/.git/info/exclude' \
		'echo gitdir: ../git >s/.git' "echo 'gitdir: $PWD/git' >s/.git" \
		'ln -s ../out s/.gitignore' 'mkfifo s/.gitignore'; do
		rm -rf s/.git s/.gitignore d
		eval "$made" || fail "$made"
		run_ucp -r --gitignore --exclude=/s/.git --exclude=.gitignore s d
		expect_status 0
		expect_no_err
		expect_tree d a b
	done
	rm -rf s/.git s/.gitignore d
	mkdir -p s/.git/info
	cp out s/.git/info/exclude
	run_ucp -r --gitignore --exclude=.git s d
	expect_tree d b
}

# git passes over them, too, and they must not take all memory.
once_gitignore_that_is_too_large() {
	make_paths s/a.o s/sub/b.o s/sub/c
	echo '*.o' >s/.gitignore
	truncate -s 200M s/.gitignore
	echo c >s/sub/.gitignore
	run_ucp -r --gitignore --exclude=.gitignore s d
	expect_status 0
	expect_err "ucp: warning: passing over 's/.gitignore', which is too large"
	expect_tree d a.o sub/ sub/b.o
}

# Each of them is small enough, but together they are not.
once_gitignores_that_are_too_many() {
	make_paths s/1/2/3/a s/1/2/b s/1/2/c
	local dir
	for dir in s/1 s/1/2 s/1/2/3; do
		seq -f "no-such-%.0f" 400000 >$dir/.gitignore
		printf 'b\na\n' >>$dir/.gitignore
	done
	echo '!a' >>s/1/2/.gitignore
	run_ucp -r --gitignore --exclude=.gitignore s d
	expect_status 0
	expect_err "ucp: warning: passing over 's/1/2/3/.gitignore', which is too large"
	expect_tree d 1/ 1/2/ 1/2/3/ 1/2/3/a 1/2/c
}

# Memory follows the depth of a tree, and not the square of that.
# limit: 240
# only: release
once_patterns_in_a_deep_tree() {
	need cmd python3
	python3 - <<-'END' || fail "cannot make the tree"
		import os
		name = "n" * 50
		os.mkdir("s")
		os.chdir("s")
		for _ in range(6000):
		    os.mkdir(name)
		    os.chdir(name)
		open("keep", "w").close()
		open("drop", "w").close()
	END
	run bash -c 'ulimit -v 600000; exec "$@"' - "$UCP" -r -j2 --gitignore --exclude=zzz --exclude='?**drop*y' \
		--exclude='n/**/drop' --exclude=/drop s d
	expect_status 0
	expect_no_err
}

# --- choices that make no difference

# expect_hint WORDS ARGS…: one hint with these words, and a copy all the same.
expect_hint() {
	rm -rf d
	run_ucp -r "${@:2}" s d
	expect_status 0
	[[ $(<"$ERR") == "ucp: hint: "*"$1"* && $(wc -l <"$ERR") == 1 ]] || fail "${*:2}: $(<"$ERR")"
}

once_vain_choices_get_a_hint() {
	mkdir s
	echo a >s/a
	echo '+ *.c' >list
	expect_hint '--include' --include='*.c'
	check test -e d/a
	expect_hint '--include' --include='*.c' --exclude-from=list
	expect_hint '--min-size' --min-size=10M --max-size=1M
	check_not test -e d/a
	local args
	for args in '--include=- a' --gitignore --exclude=x --exclude-vcs --min-size=1M --max-size=1M; do
		run_ucp -r --include=x "$args" --exclude=y s e
		expect_no_err
		rm -rf e
	done
	run_ucp -r --include='- a' s e
	expect_no_err
	check_not test -e e/a
	run_ucp -r --include=x --gitignore s f
	expect_no_err
	run_ucp -r --min-size=1M --max-size=1M s g
	expect_no_err
}
