#!/bin/bash
# SPDX-License-Identifier: MIT
# Check what building does not: the rules of the house, both compilers without a warning, shell scripts, the man
# page, and static analysis. One line a finding, and at the end "lint: ok".
# LINT_FULL=1 adds the slow analysis. What is not installed is left out, and said.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C PATH=/usr/bin:$PATH
shopt -s nullglob

out=$(mktemp -d "${TMPDIR:-/tmp}/ucp-lint.XXXXXX") || exit 1
trap 'rm -rf "$out"' EXIT

declare -a flags
eval "flags=($(MAKEFLAGS="" make -s --no-print-directory PROFILE=release show-flags))"
flags+=(-Itests/unit)
sources=(src/*.c src/*/*.c)
units=(tests/unit/*.c)
tools=(bench/*.c)
if pkg-config --exists 'fuse3 >= 3.12' 2>/dev/null; then
	read -ra fuse < <(pkg-config --cflags fuse3)
	flags+=("${fuse[@]}")
	tools+=(tests/tools/*.c)
else
	echo "lint: left out, not installed: libfuse3-dev"
fi
findings=0

have() {
	command -v "$1" >/dev/null && return
	echo "lint: left out, not installed: $1"
	return 1
}

# tool COMMAND…: each line it prints is a finding; failing without a word is one too.
tool() {
	local lines
	lines=$("$@" 2>"$out/stderr" || echo "failed:")
	if [[ $lines == failed: ]]; then
		lines="failed: $* $(tail -n 3 "$out/stderr")"
	fi
	lines=$(awk '$0 != "failed:" && !seen[$0]++' <<<"$lines") # headers are met several times
	[[ -n $lines ]] || return 0
	printf '%s\n' "${lines//"$PWD/"/}"
	findings=$((findings + $(wc -l <<<"$lines")))
}

# each FILE… -- COMMAND…: run it for each file, which is {} in it, in parallel.
each() {
	local files=()
	while [[ $1 != -- ]]; do
		files+=("$1")
		shift
	done
	shift
	((${#files[@]} == 0)) || printf '%s\0' "${files[@]}" | xargs -0 -I{} -P"$(nproc)" "$@"
}

# Compilers print context too; keep the lines that name the trouble.
compile_each() {
	local status
	each "$@" >"$out/compiled" 2>&1
	status=$?
	grep -E '(error|warning):' "$out/compiled" || ((status == 0)) || cat "$out/compiled"
}

# With gcc, optimizing: some warnings need it.
compilers() {
	local options=("${flags[@]}" -Werror -fno-diagnostics-show-option)
	tool compile_each "${sources[@]}" "${units[@]}" "${tools[@]}" -- gcc "${options[@]}" -fno-diagnostics-show-caret -c -o /dev/null {}
	have clang || return
	tool compile_each "${sources[@]}" "${units[@]}" "${tools[@]}" -- clang "${options[@]}" -fno-caret-diagnostics -fsyntax-only {}
}

headers_alone() {
	local header
	mkdir "$out/headers"
	for header in src/*/*.h; do
		printf '#include "%s"\n' "${header#src/}" >"$out/headers/${header//\//-}.c"
	done
	tool compile_each "$out"/headers/*.c -- gcc "${flags[@]}" -Werror -fno-diagnostics-show-caret -fsyntax-only {}
}

shell_scripts() {
	have shellcheck || return
	local scripts=() file
	for file in .ci/* tests/* bench/* packaging/*; do
		[[ -f $file && $(head -n 1 "$file") == '#!'*sh ]] && scripts+=("$file")
	done
	tool each "${scripts[@]}" tests/lib.sh completions/*.bash -- shellcheck -s bash -x -f gcc {}
	have zsh && tool each completions/_ucp tests/tools/*.zsh -- zsh -fn {}
	have fish && tool each completions/*.fish tests/tools/*.fish -- fish --no-config --no-execute {}
	# Cases get variables from tests/lib.sh, and hand code in single quotes to wait_for and to other shells.
	tool each tests/cases/*.sh -- shellcheck -s bash -f gcc -e SC2034,SC2154,SC2015,SC2016 {}
}

# groff complains on stderr, and exits with 0.
check_man_page() {
	groff -ww -man -Tutf8 -z man/ucp.1 2>&1
}

man_page() {
	have groff || return
	tool check_man_page
}

# Another version lays the same code out in another way.
check_layout() {
	clang-format --dry-run src/*.c src/*/*.[ch] 2>&1 | grep 'warning:'
	return 0
}

layout() {
	have clang-format || return
	if [[ $(clang-format --version) == *'version 14.'* ]]; then
		tool check_layout
	else
		echo "lint: left out, as this is not clang-format 14: the layout of src/"
	fi
}

cppcheck_all() {
	cppcheck --quiet -j "$(nproc)" --std=c11 --enable=warning,portability --inline-suppr \
		--suppress=missingIncludeSystem --template='{file}:{line}: warning: {message} [{id}]' \
		--include=src/base/prelude.h -DUCP_VERSION='""' -DUCP_LIBURING='""' -Isrc "${sources[@]}" 2>&1
}

# Left out of bugprone: what is a matter of taste (parameters of one type, _GNU_SOURCE being a reserved name,
# branches alike, an int put into a char). Left out of the analyzer: what wants functions that glibc has not.
tidy() {
	local checks='-*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier'
	checks+=',-bugprone-branch-clone,-bugprone-narrowing-conversions,-bugprone-assignment-in-if-condition'
	if [[ -n ${LINT_FULL-} ]]; then
		checks+=',clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling'
	fi
	have clang-tidy || return
	tool compile_each "${sources[@]}" -- clang-tidy --quiet --checks="$checks" --header-filter='src/.*' {} -- "${flags[@]}"
}

# Each source file names its licence in its first line, or in the second one behind "#!" or "#compdef".
licences() {
	awk 'FNR > 2 { nextfile }
		/SPDX-License-Identifier: MIT$/ { named[FILENAME] }
		END { for (i = 1; i < ARGC; ++i) if (!(ARGV[i] in named)) print ARGV[i] ":1: does not name its licence" }' "$@"
}

tool licences Makefile .ci/* bench/*.* completions/* docs/*.py man/*.1 packaging/*.sh src/*.c src/*/*.[ch] \
	tests/run tests/*.sh tests/*/*.{c,h,fish,py,sh,zsh}
tool python3 .ci/lint-source.py src/*.c src/*/*.[ch] tests/unit/*.[ch] tests/tools/*.[ch] bench/*.c
cat "$out/stderr" # the figures
tool python3 .ci/lint-papers.py ./*.md docs/*.md
tool python3 .ci/lint-scripts.py .ci/*.py bench/*.py docs/*.py tests/tools/*.py
compilers
headers_alone
shell_scripts
man_page
layout
((${#sources[@]})) && have cppcheck && tool cppcheck_all
tidy

if ((findings)); then
	echo "lint: $findings findings"
	exit 1
fi
echo "lint: ok"
