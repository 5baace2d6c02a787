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
	run python3 "$TOOLS/filtertest.py" "$1" --ucp="$UCP" --seed="$2" --count="$3"
	[[ $status == 0 ]] || fail "filtertest.py: $(cat "$OUT" "$ERR")"
}

# limit: 240
once_patterns_are_those_of_rsync() {
	patterns rsync 1 40
}

# limit: 240
once_patterns_are_those_of_git() {
	patterns git 1 60
}

case_exclude_and_include() {
	make_paths s/a.o s/keep.o s/lib/a.o s/lib/a.c s/tmp/x s/lib/tmp/y
	run_ucp -r --include=/s/keep.o --exclude='*.o' --exclude=/s/tmp s d
	expect_status 0
	expect_no_err
	expect_tree d keep.o lib/ lib/a.c lib/tmp/ lib/tmp/y
}

case_first_match_wins() {
	make_paths s/a s/b
	run_ucp -r --exclude='*' --include=a s/. d
	expect_status 0
	expect_tree d
}

case_operands_are_matched_too() {
	make_paths a.c b.o dir/x d/
	run_ucp -r --exclude='*.o' --exclude=dir/ a.c b.o dir d
	expect_status 0
	expect_no_err
	expect_tree d a.c
}

case_operand_that_is_left_out_must_exist() {
	mkdir d
	run_ucp --exclude='*.o' no.o d
	expect_status 1
	expect_err "ucp: cannot stat 'no.o': No such file or directory"
}

case_operand_without_a_name() {
	make_paths s/a s/b/a d/
	run_ucp -r --exclude=/a s/. d
	expect_status 0
	expect_tree d b/ b/a
	run_ucp -r --exclude=/a s/b/.. e
	expect_status 0
	expect_tree e b/ b/a
}

case_parents_match_the_whole_name() {
	make_paths s/a/x s/a/y s/b/x d/
	run_ucp -r --parents --exclude=/s/a/x --exclude=b/x s/a ./s//b/ d
	expect_status 0
	expect_tree d s/ s/a/ s/a/y s/b/
	# The directories above an operand are only its name
	run_ucp --parents --exclude=s s/a/x d
	expect_status 0
	expect_tree d s/ s/a/ s/a/x s/a/y s/b/
}

case_patterns_from_a_file() {
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

case_patterns_from_no_file() {
	make_paths s/a dir/
	run_ucp -r --exclude-from=none s d
	expect_status 1
	expect_err "ucp: cannot open 'none' for reading: No such file or directory"
	run_ucp -r --exclude-from=dir s d
	expect_status 1
	expect_err "ucp: error reading 'dir': Is a directory"
	[[ ! -e d ]] || fail "something was copied"
}

case_without_version_control() {
	make_paths s/.git/config s/.gitignore s/.svn/x s/sub/.git s/CVS/Entries s/RCS s/.github/x s/a
	run_ucp -r --exclude-vcs s d
	expect_status 0
	expect_tree d .github/ .github/x RCS a sub/
	run_ucp -r --include=.gitignore --exclude-vcs s e
	expect_status 0
	expect_tree e .github/ .github/x .gitignore RCS a sub/
}

case_followed_links_are_what_they_lead_to() {
	make_paths s/dir/x s/f
	ln -s dir s/link
	run_ucp -r --exclude='link/' s d
	expect_status 0
	expect_tree d dir/ dir/x f link
	run_ucp -rL --exclude='link/' s e
	expect_status 0
	expect_tree e dir/ dir/x f
}

case_other_names_of_files_left_out() {
	make_paths s/a
	ln s/a s/b
	ln s/a s/c
	run_ucp -a --exclude=a s d
	expect_status 0
	expect_tree d b c
	[[ d/b -ef d/c ]] || fail "b and c are no longer one file"
}

case_deep_paths() {
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

case_sizes() {
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

case_sizes_of_operands_and_of_what_links_lead_to() {
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

case_sizes_that_are_none() {
	echo a >a
	run_ucp --max-size=many a b
	expect_status 1
	expect_err "ucp: invalid size: 'many'"
	run_ucp --min-size=-1 a b
	expect_status 1
	expect_err "ucp: invalid size: '-1'"
	[[ ! -e b ]] || fail "something was copied"
}

case_names_from_a_list() {
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

case_directories_of_a_list_without_r() {
	make_paths s/a/x s/a/y s/b/z
	run_ucp --files-from=- s d < <(printf '%s\n' a a/x b .)
	expect_status 0
	expect_no_err
	expect_tree d a/ a/x b/
}

case_directories_on_the_way_to_a_name() {
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

case_names_that_are_not_there() {
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
	expect_err "ucp: cannot access 's/a': Not a directory"
	expect_tree e link/ link/x
}

case_names_that_lead_out() {
	make_paths s/a a
	run_ucp --files-from=- s d < <(printf '%s\n' a ../a)
	expect_status 1
	expect_err "ucp: the name '../a' in '-' leads out of the source"
	[[ ! -e d ]] || fail "something was copied"
}

case_names_and_patterns() {
	make_paths s/a.o s/b.c s/sub/c.o s/sub/d.c
	run_ucp -r --exclude=/b.c --exclude='*.o' --files-from=- s d < <(printf '%s\n' a.o b.c sub)
	expect_status 0
	expect_tree d sub/ sub/d.c
}

case_operands_of_a_list() {
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

case_gitignore() {
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

case_gitignore_of_a_repository_inside() {
	make_paths s/a.o s/sub/a.o s/sub/.git/HEAD s/sub/b.c s/tree/a.o s/tree/.git s/ignored/.git/HEAD
	printf '*.o\nignored\n' >s/.gitignore
	echo b.c >s/sub/.gitignore
	run_ucp -r --gitignore s d
	expect_status 0
	expect_tree d .gitignore sub/ sub/.git/ sub/.git/HEAD sub/.gitignore sub/a.o tree/ tree/.git tree/a.o
}

case_gitignore_that_is_no_file() {
	make_paths s/a s/fifo/b s/dir/.gitignore/b all
	echo '*' >all
	ln -s ../all s/.gitignore
	mkfifo s/fifo/.gitignore
	run_ucp -r --gitignore s d
	expect_status 0
	expect_no_err
	expect_tree d .gitignore a dir/ dir/.gitignore/ dir/.gitignore/b fifo/ fifo/.gitignore fifo/b
}
