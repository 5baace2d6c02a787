# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What ucp prints, byte for byte, as text and as JSON.
# only: release, asan

# scene: what the commands below find, in an empty directory.
scene() {
	mkdir -p s/sub d/b d/s/1 e new "quoted dir"
	echo a >a
	echo b >b
	echo old >d/a
	touch -d 2001-01-01 a
	touch -d 2100-01-01 d/a
	ln -s nowhere dangling
	ln -s ../a d/link
	ln -s loop loop
	mkfifo fifo
	echo 1 >s/1
	echo 2 >s/sub/2
	ln -s 1 s/link
	mkfifo s/sub/fifo
	ln s/1 s/sub/one
	echo x >e/s
	printf 'a\0b' >nul
	printf '../a\n' >list
	echo odd >$'odd\nname'
}

# show ARGUMENT…: let ucp do it where only the scene is, once as text and once as JSON, and log what it prints.
show() {
	local json code line
	[[ -d scene ]] || (mkdir scene && cd scene && scene) || fail "there is no scene"
	for json in '' --json; do
		rm -rf t
		cp -a scene t
		code=0
		(cd t && ucp ${json:+"$json"} -j1 --reflink=never "$@" >../out 2>../err <<<n) || code=$?
		{
			printf '$ ucp%s\n' "$(printf ' %q' ${json:+"$json"} "$@")"
			printf 'status %s\n' "$code"
			cat out
			while IFS= read -r line || [[ $line ]]; do
				printf '! %s\n' "$line"
			done <err
		} >>"$CASE/log"
	done
}

# compare NAME: what was logged is what tests/golden/NAME has; UCP_GOLDEN=write writes it there.
compare() {
	python3 "$TOOLS/neutral.py" <"$CASE/log" >"$CASE/neutral" || fail "neutral.py: $?"
	[[ ${UCP_GOLDEN-} != write ]] || cp "$CASE/neutral" "$TESTS/golden/$1"
	diff -u "$TESTS/golden/$1" "$CASE/neutral" >"$CASE/diff" || fail "other messages: $(head -c 5000 "$CASE/diff")"
}

once_messages_of_refusals() {
	need cmd python3
	show nope a d
	show a b nowhere
	show a a
	show a a d
	show s s new
	show s new
	show -r s s/sub
	show -r s e
	show -r s d
	show b d
	show a dangling
	show loop new
	show -r --update=none fifo d/b
	show a d/a/x
	show -t nowhere a
	show -t a b
	show -tT a b
	show --parents a b
	show --parents nope/a s/1 nope d
	show --update=none-fail a d
	show --backup=simple a a~ new
	show -b --suffix= a d
	show -s a d
	show -s s/1 d
	show -l nope a b new
	show --attributes-only a d/b
	show --beneath a d/link
	show b /dev/full
	show -r --fsync s new
	show $'odd\nname' nope 'quoted dir'
	show $'odd\nname' "d/a/it's"
	show --resume -r s e/s
	show -L -r s loop new
	compare refusals
}

once_messages_of_options() {
	need cmd python3
	show
	show a
	show -T a b new
	show --no-such a b
	show --re a b
	show --delete-after a b
	show -h a b
	show -y a b
	show --backup=odd a b
	show --backup=n -n a b
	show --update=o a b
	show --chunk-size=3 a b
	show --threads=0 a b
	show --queue-depth=0 a b
	show --bwlimit=odd a b
	show --bwlimit=@nope a b
	show --bwlimit=@a a new
	show --sparse=always --reflink=always a b
	show -l -s a b
	show --json --checksums=- a b
	show --checksums=a b new
	show --checksums=sums --verify b new
	show --checksums b new
	show --preserve=context a new
	show --preserve=odd a new
	show --context=odd a new
	show --exclude-from=nope a new
	show --exclude-from=nul a new
	show --exclude-from=- --files-from=- s new
	show --files-from=list s new
	show --files-from=nul s new
	show --files-from=list --parents s new
	show --min-size=odd a new
	show --min-size=2 --max-size=1 a new
	show --include=x -r s new
	show -t d -t e a
	compare options
}

once_messages_of_what_is_done() {
	need cmd python3
	show -v a new
	show -v a nope new
	show -rv s new
	show -av --backup=numbered a d
	show -v --remove-destination a d
	show -rv --remove-destination -b s/1 e/s
	show -nv a d
	show -uv a d
	show -iv a d
	show -fv a d/b
	show -v b d nope
	show -v a dangling
	show -v --update=none-fail a d
	show -v --atomic a d
	show -v --parents s/sub/2 d
	show -v --debug a b new
	show -r --debug s new
	show -r --debug --sparse=never --verify --checksums=sums s/sub new
	show --stats a nope b new
	show -lv a new/a
	show -lfv b d/a
	show -sv a x
	show -sv s/1 d
	show -sfv a d/a
	show --dry-run a d
	show --dry-run -r s new
	show --dry-run -r s d
	show --dry-run -v --remove-destination -b a d
	show --dry-run -nv a d
	show --dry-run a dangling
	show --dry-run nope a new
	show --dry-run -s s/1 d
	show --dry-run -l b d
	show --dry-run -fv a d/b
	show --verify --x-inject=corrupt,seed=1 b new
	show --checksums=- b new
	show -av s/link fifo d
	show -av fifo d/b
	show -av dangling d/b
	compare lines
}
