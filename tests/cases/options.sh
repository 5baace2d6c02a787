# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # status is set by run
# The option lists of --help, the manual page and the completions, and the completions in shells of their own.
# only: release, asan

options() {
	need cmd python3 bash
	run python3 "$TOOLS/options.py" --ucp="$UCP" --root="$ROOT" "$@"
	[[ $status == 0 ]] || fail "options.py $*: $(cat "$OUT" "$ERR")"
}

# --- the papers against each other

# (tests/fuzz gives this code to the sanitizers.)
# only: release, debug
once_names_of_options() {
	options names
}

# (tests/fuzz gives this code to the sanitizers.)
# only: release, debug
once_arguments_of_options() {
	options kinds
	options operands
}

# (tests/fuzz gives this code to the sanitizers.)
# only: release, debug
once_values_of_options() {
	options values
}

once_help_has_topics() {
	options help
}

# (tests/fuzz gives this code to the sanitizers.)
# only: release, debug
once_abbreviations_of_cp() {
	options abbreviations
}

refused() { # OPTION MESSAGE
	run_ucp -a "$1" thesis.txt report.txt d
	expect_status 1
	expect_err "ucp: $2
Try 'ucp --help' for more information."
	[[ $(<thesis.txt) == thesis && $(<report.txt) == report && -z $(ls d) ]] || fail "$1: something was written"
}

# Who knows them by heart means something else than what they would be short for.
once_options_of_rsync_are_refused() {
	echo thesis >thesis.txt
	echo report >report.txt
	mkdir d
	local option
	refused --checksum "unrecognized option '--checksum'; see --update=checksum for comparing contents, --verify for a check of the copy"
	refused --check "unrecognized option '--check'; write --checksums if that is meant, and not --checksum of rsync"
	refused --max=5 "option '--max=5' is ambiguous; possibilities: '--max-size' '--max-delete' '--max-errors'"
	refused --delete-after "unrecognized option '--delete-after'; see --delete, which removes when a directory is copied without an error"
	refused --del "unrecognized option '--del'; see --delete, which removes when a directory is copied without an error"
	refused --partial "unrecognized option '--partial'; see --resume"
	refused --recusive "unrecognized option '--recusive'; did you mean '--recursive'?"
	refused --no-such "unrecognized option '--no-such'"
	refused --modify-window=1 "unrecognized option '--modify-window=1'; ucp has nothing like this option of rsync"
	refused --no-owner "unrecognized option '--no-owner'; see --no-preserve"
	refused -vz "invalid option -- 'z'; ucp does not copy to other machines"
	refused -c "invalid option -- 'c'; see --update=checksum for comparing contents, --verify for a check of the copy"
	refused -AX "invalid option -- 'A'; see --preserve=mode"
	refused -q "invalid option -- 'q'; ucp says only what went wrong; see --progress=never"
	refused -m "invalid option -- 'm'"
	refused -w "invalid option -- 'w'"
	refused --human-readable "unrecognized option '--human-readable'; ucp always prints human-readable sizes"
	# -h of rsync is for numbers: a help must not pass for a copy that was made
	for option in -vh -hv -h; do
		refused $option "invalid option -- 'h'; for help use --help, or -h alone; human-readable sizes, as by -h of rsync, are always on"
	done
	# What is an argument, or an operand, is none of them
	run_ucp -S --check -b thesis.txt report.txt
	expect_status 0
	[[ $(<report.txt--check) == report ]] || fail "no backup"
	run_ucp --suffix --delete --backup report.txt -- thesis.txt
	expect_status 0
	run_ucp -rt d -- report.txt
	expect_status 0
	echo dash >--check
	run_ucp -- --check d
	expect_status 0
	POSIXLY_CORRECT=1 run_ucp thesis.txt --check d
	expect_status 0
	[[ $(ls d) == '--check'$'\n'report.txt$'\n'thesis.txt ]] || fail "$(ls d)"
}

# Messages of all parts of ucp begin alike, whatever it was called by.
once_messages_name_ucp() {
	ln -s "$UCP" other-name
	local words
	for words in --no-such -q --suffix --force=x --re; do
		run ./other-name "$words" a b
		expect_status 1
		[[ $(head -n 1 "$ERR") == "ucp: "* ]] || fail "$words: $(<"$ERR")"
	done
}

once_options_for_tests_are_not_shown() {
	options hidden
}

once_version_of_man_page() {
	options version
}

# cp has neither -h nor -V.
once_short_help_and_version() {
	run_ucp -h
	expect_status 0
	expect_no_err
	(($(wc -l <"$OUT") <= 24 && $(wc -L <"$OUT") < 80)) || fail "it is no screen: $(<"$OUT")"
	local option
	for option in $(sed '/^Examples/,/^$/d' "$OUT" | grep -oE -- '(^|[ ,])--?[a-zA-Z-]+' | tr -d ' ,' | sort -u); do
		ucp --help | grep -qE -- "(^|[ ,])$option([ ,=[]|\$)" || fail "there is no $option in --help"
	done
	run_ucp -V
	expect_status 0
	expect_out "$(ucp --version)"
}

once_version_names_liburing() {
	run_ucp --version
	expect_status 0
	[[ $(<"$OUT") =~ ^"ucp "[0-9.]+$'\n'"liburing "[0-9]+\.[0-9.]+$ ]] || fail "$(<"$OUT")"
	[[ ! -e /proc/sys/kernel/io_uring_disabled || $(</proc/sys/kernel/io_uring_disabled) == 0 ]] || return 0
	run_ucp --debug --version
	[[ $(tail -n 1 "$OUT") =~ ^"Linux $(uname -r), "("io_uring with: single_mmap "|"no io_uring: ") ]] ||
		fail "$(<"$OUT")"
}

# only: release
once_man_page_is_clean() {
	need cmd groff
	run groff -ww -man -Tutf8 -z "$ROOT/man/ucp.1"
	expect_status 0
	expect_no_err
	command -v mandoc >/dev/null || return 0
	run mandoc -T lint -W warning "$ROOT/man/ucp.1"
	expect_status 0
}

# only: release
once_make_install_and_uninstall() {
	local files=(bin/ucp bin/umv share/man/man1/ucp.1 share/man/man1/umv.1 share/bash-completion/completions/{ucp,umv}
		share/zsh/site-functions/_ucp share/fish/vendor_completions.d/{ucp,umv}.fish
		share/doc/ucp/{json-schema.json,README.md,CHANGELOG.md,LICENSE,examples/ucp-mirror.{service,timer}})
	need cmd make gcc
	mkdir root
	run make -s -C "$ROOT" -o all install DESTDIR="$PWD/root" PREFIX=/opt/ucp
	expect_status 0
	(cd root/opt/ucp && find . ! -type d -printf '%P\n' | sort) >"$CASE/installed"
	printf '%s\n' "${files[@]}" | sort | cmp -s - "$CASE/installed" || fail "installed: $(<"$CASE/installed")"
	[[ $(root/opt/ucp/bin/ucp --version) == "$(ucp --version)" ]] || fail "another version"
	run make -s -C "$ROOT" uninstall DESTDIR="$PWD/root" PREFIX=/opt/ucp
	expect_status 0
	[[ -z $(find root ! -type d) ]] || fail "left: $(find root ! -type d)"
}

# only: release
once_completion_is_clean() {
	need cmd shellcheck
	run shellcheck "$ROOT/completions/ucp.bash"
	expect_status 0
}

# --- the examples of the papers

# What they speak of.
example_files() {
	mkdir -p bin photos/2024 documents home/ann mnt include/sys
	ln -s "$UCP" bin/ucp
	echo note >notes.txt
	echo report >report.pdf
	echo one >'photos/a b.jpg'
	echo two >photos/2024/c.jpg
	mkdir photos/.git
	echo ann >home/ann/file
	echo 'int puts(const char *);' >include/stdio.h
	ln -s ../stdio.h include/sys
	printf begin >disk.img
	truncate -s 3M disk.img
	printf end >>disk.img
}

# run_examples FILE: each as it stands, but the absolute names of directories.
run_examples() {
	local command commands
	options commands "$1"
	mapfile -t commands <"$OUT"
	((${#commands[@]} >= 6)) || fail "only ${#commands[@]} examples in $1"
	for command in "${commands[@]}"; do
		command=${command//\/home/home} command=${command//\/mnt/mnt} command=${command//\/usr\/include/include}
		run env PATH="$PWD/bin:$PATH" bash -c "set -o pipefail; $command"
		expect_status 0
		! grep -q '^ucp: ' "$ERR" || fail "$command: $(cat "$ERR")"
	done
}

# limit: 120
once_examples_of_man_page() {
	need cmd xxhsum
	example_files
	run_examples "$ROOT/man/ucp.1"
	same_tree photos photos-copy --no-times
	same_tree include include-copy
	same_tree home mnt/home
	check cmp notes.txt notes.bak
	check cmp report.pdf documents/report.pdf
	check cmp documents/2024/c.jpg photos/2024/c.jpg
	check cmp disk.img disk-small.img
	check cmp documents/photos/2024/c.jpg photos/2024/c.jpg
	same_tree photos mnt/photos
	same_tree photos photos-slowly
	check_not test -e photos-files/.git
	check test photos/2024/c.jpg -ef photos-links/2024/c.jpg
	same_tree photos photos-told
	[[ -d photos-mirror && ! -e photos-before ]] || fail "photos-before"
	[[ $(stat -c %a photos-shared/2024 photos-shared/2024/c.jpg) == 2775$'\n'664 ]] || fail "modes of photos-shared"
	grep -q '^{"type": *"summary"' photos.json || fail "no summary: $(tail -n 1 photos.json)"
	check xxhsum --quiet -c photos.xxh128
}

once_examples_of_readme() {
	example_files
	run_examples "$ROOT/README.md"
	same_tree photos photos-copy
	same_tree photos photos-again --no-times
	check cmp report.pdf documents/report.pdf
	check cmp disk.img disk-small.img
}

# The commands for several machines, of which each is this one. The last command mends what a machine that failed left.
once_example_of_several_machines() {
	local commands command dir name links=0
	need cmd parallel
	mkdir -p mnt/src/{a,b}/{c,'two words'} mnt/src/empty bin
	ln -s "$UCP" bin/ucp
	for dir in mnt/src/{a,b}/{c,'two words'}; do
		for name in 1 2 3 4 5 6 7 $'8\n9'; do
			echo "$dir $name" >"$dir/$name"
		done
		ln "$dir/1" "mnt/src/a/link $((++links))"
	done
	ln -s a/c/1 mnt/src/symlink
	mkfifo mnt/src/fifo
	find mnt/src -type d -exec touch -d 2001-01-01 {} +
	printf ':\n2/:\n' >mnt/movers
	options commands "$ROOT/man/ucp.1" 'SEVERAL MACHINES'
	mapfile -t commands <"$OUT"
	((${#commands[@]} == 4)) || fail "${#commands[@]} commands"
	for command in "${commands[@]}"; do
		if [[ $command == 'ucp '* ]]; then
			truncate -s 1 mnt/dst/a/c/3
			rm mnt/dst/b/c/2
		fi
		run env PATH="$PWD/bin:$PATH" HOME="$PWD" bash -c "set -o pipefail; ${command//\/mnt/"$PWD/mnt"}"
		expect_status 0
	done
	same_tree mnt/src mnt/dst
}

once_examples_are_understood() {
	options parse "$ROOT/man/ucp.1" "$ROOT/README.md"
}

# --- the completions

completion_files() {
	mkdir -p 'a dir' docs/deep 'k=v'
	touch notes.txt 'two words' 'x=y.txt' 'p:q.txt' docs/page
}

# offers LINE [WORD…]: that is all that is offered at its end, in each shell ($shell: in this one). Asked for all at
# once, by check_offers.
offers() {
	(IFS=$'\t' && printf '%s\n' "${shell-}"$'\t'"$*") >>"$CASE/queries"
}

check_offers() {
	options offers "$CASE/queries"
}

# only: release
once_complete_options() {
	completion_files
	offers 'ucp --sp' --sparse
	offers 'ucp --re' --recursive --reflink --reflink-dest --remove-destination --resume
	offers 'ucp --s' --sparse --stats --strip-trailing-slashes --suffix --symbolic-link
	offers 'ucp -a --no-p' --no-preserve
	offers 'ucp notes.txt --verb' --verbose
	offers 'ucp --no-such'
	check_offers
}

# only: release
once_complete_values() {
	completion_files
	local option
	for option in --sparse --reflink; do
		offers "ucp $option=" auto always never
		offers "ucp $option=al" always
	done
	offers 'ucp --progress=' auto always never plain synced
	offers 'ucp --backup=' none off simple never existing nil numbered t
	offers 'ucp --backup=n' none never nil numbered
	offers 'ucp --update=' all checksum differ none none-fail older
	offers 'ucp --update=none' none none-fail
	offers 'ucp -b -u --update=o' older
	offers 'ucp --engine=' auto uring sync
	offers 'ucp --engine=u' uring
	offers 'ucp --engine s' sync
	offers 'ucp --sparse ' auto always never
	offers 'ucp --sparse=always --engine=u' uring
	offers 'ucp --sparse=x'
	# Their values are not words of their own.
	offers 'ucp --reflink no' notes.txt
	offers 'ucp --progress no' notes.txt
	offers 'ucp --backup no' notes.txt
	offers 'ucp --update no' notes.txt
	offers 'ucp --context no' notes.txt
	# Anything.
	offers 'ucp --suffix='
	offers 'ucp --suffix no'
	offers 'ucp -bS no'
	offers 'ucp -S.old no' notes.txt
	# Numbers.
	offers 'ucp -j '
	offers 'ucp --threads '
	offers 'ucp --queue-depth='
	offers 'ucp --chunk-size='
	check_offers
}

# only: release
once_complete_lists() {
	completion_files
	local words=(mode ownership timestamps links context xattr all)
	offers 'ucp --preserve=' "${words[@]}"
	offers 'ucp --no-preserve=' "${words[@]}"
	offers 'ucp --no-preserve ' "${words[@]}"
	offers 'ucp --preserve=mo' mode
	offers 'ucp --preserve=mode,t' mode,timestamps
	offers 'ucp --preserve=mode,links,x' mode,links,xattr
	offers 'ucp --no-preserve all,m' all,mode
	# What is there already is not offered again.
	offers 'ucp --preserve=mode,' mode,{ownership,timestamps,links,context,xattr,all}
	check_offers
}

# only: release
once_complete_directories() {
	completion_files
	offers 'ucp -t ' 'a dir' docs 'k=v'
	offers 'ucp -t do' docs
	offers 'ucp -rt do' docs
	offers 'ucp --target-directory do' docs
	offers 'ucp --target-directory=do' docs
	offers 'ucp --target-directory=docs/' docs/deep
	offers 'ucp --target-directory=no'
	# Here the value is there, and files follow.
	offers 'ucp -tdocs no' notes.txt
	offers 'ucp -tout no' notes.txt
	offers 'ucp -t docs no' notes.txt
	offers 'ucp -j4 no' notes.txt
	check_offers
}

# only: release
once_complete_files() {
	completion_files
	offers 'ucp no' notes.txt
	offers 'ucp -a docs/' docs/deep docs/page
	offers 'ucp tw' 'two words'
	offers 'ucp ' 'a dir' docs 'k=v' notes.txt 'two words' 'x=y.txt' 'p:q.txt'
	# The shell replaces only what follows the last = or : of a word.
	shell=bash offers 'ucp x=' y.txt
	shell=bash offers 'ucp p:q' q.txt
	# Lists, and a file to read a rate from.
	offers 'ucp --exclude-from=no' notes.txt
	offers 'ucp --files-from no' notes.txt
	offers 'ucp --checksums=docs/p' docs/page
	# Behind a blank, its FILE is an error
	offers 'ucp --checksums docs/p'
	offers 'ucp -a --checksums '
	offers 'ucp -a --checksums=list docs/p' docs/page
	offers 'ucp -- --checksums docs/p' docs/page
	offers 'ucp --bwlimit=@no' @notes.txt
	offers 'ucp --bwlimit @docs/p' @docs/page
	offers 'ucp --bwlimit=no'
	check_offers
}

# only: release
once_complete_behind_the_end_of_options() {
	touch ./--verbatim
	shell=bash offers 'ucp --verb' --verbose
	offers 'ucp -- --verb' --verbatim
	check_offers
}

# limit: 120
# only: release
once_complete_on_terminal() {
	completion_files
	options typed 'ucp --spa\tal\t' 'ucp --sparse=always ' 'fish=ucp --sparse always '
	options typed 'ucp --sparse=al\t' 'ucp --sparse=always '
	options typed 'ucp --preserve=mode,ow\t' 'ucp --preserve=mode,ownership' \
		'zsh=ucp --preserve=mode,ownership,' 'fish=ucp --preserve=mode,ownership '
	options typed 'ucp -t do\t' 'ucp -t docs/'
	options typed 'ucp --target-directory=a\t' 'ucp --target-directory=a\ dir/'
	options typed 'ucp "tw\t' 'ucp "two words" '
	options typed 'ucp x=y\t' 'ucp x=y.txt '
	options typed 'ucp --verif\t' 'ucp --verify '
}
