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
