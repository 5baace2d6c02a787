#!/bin/bash
# SPDX-License-Identifier: MIT
# Show what ucp is for: .ci/demo.sh UCP. Races it with cp on one tree, then has it verify, resume and mirror, and checks each
# copy with diff. Takes less than a minute, and removes what it made.
set -euo pipefail
export LC_ALL=C

rounds=5 patience=6 # seconds for all rounds
ucp=$(realpath "${1:-build/release/ucp}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/ucp-demo.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP
cd "$dir"
ln -s "$ucp" ucp
PATH=$dir:$PATH

say() {
	printf '\n%s\n' "$*"
}

# The command as one would type it, and then its output.
show() {
	printf '$ %s\n' "$*"
	"$@" 2>&1 | sed 's/^/  /'
}

# took COMMAND…: sets $us to the microseconds it takes.
took() {
	local start=${EPOCHREALTIME/./}
	"$@"
	us=$((${EPOCHREALTIME/./} - start))
}

# seconds MICROSECONDS
seconds() {
	printf '%d.%02d s' $(($1 / 1000000)) $(($1 / 10000 % 100))
}

median() {
	printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"
}

same() {
	diff -r --no-dereference "$1" "$2" || { echo "$1 and $2 differ" && exit 1; }
	echo "  (diff finds no difference)"
}

# The tree: 4000 small files and a big one of 64 MiB, or less where three trees would not fit into disk and memory.
mib=64
disk=$(($(df -Pk . | awk 'END { print $4 }') / 1024))
memory=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
while ((mib > 16 && (mib * 6 > disk || mib * 6 > memory))); do
	mib=$((mib / 2))
done
mkdir -p photos/{0..39}
for i in {0..39}; do
	head -c "$((mib * 12800))" /dev/urandom | split -b "$((mib * 128))" -a 3 - "photos/$i/small-"
done
head -c "${mib}M" /dev/urandom >photos/big
files=$(find photos -type f | wc -l)
echo "A tree of $files files, $(du -sm --apparent-size photos | cut -f1) MiB, that is in memory:"

read -r load _ </proc/loadavg
((${load%.*} < $(nproc))) || echo "  (This machine is busy with other work, so the times say little.)"
by_cp=() by_ucp=()
for ((round = 0; round <= rounds; round++)); do # the first one only warms up
	took cp -a photos copy
	cp_us=$us
	rm -r copy
	took ucp -a photos copy
	((round)) || start=$SECONDS
	((round < rounds)) && rm -r copy
	((round)) || continue
	by_cp+=("$cp_us") by_ucp+=("$us")
	echo "  cp -a: $(seconds "$cp_us")   ucp -a: $(seconds "$us")"
	if ((SECONDS - start >= patience && round < rounds)); then
		ucp -a photos copy
		break
	fi
done
same photos copy
rm -r copy
cp_us=$(median "${by_cp[@]}") ucp_us=$(median "${by_ucp[@]}")

say "Each copy is read back from the disk and compared with what was read:"
show ucp -a --verify --stats photos verified | grep -e '^\$' -e "regular files:" -e rate:
same photos verified
rm -r verified

say "An interrupt loses nothing that was copied; the same command goes on:"
echo "\$ ucp -a --resume photos backup"
timeout -s INT 1 ucp -a --resume --bwlimit="$((mib / 2))M" photos backup 2>interrupted && echo "nothing to interrupt" && exit 1
echo "  ^C (after a second, slowed down to $((mib / 2)) MiB/s)"
ucp -a --resume --stats photos backup >stats
echo "\$ ucp -a --resume --stats photos backup"
grep -i resum stats | sed 's/^/  /'
same photos backup

say "A mirror copies what differs, and removes what is gone:"
echo "a caption" >>photos/3/small-aaa
mv photos/5/small-aab photos/5/renamed
show ucp --mirror --itemize photos backup
same photos backup

# hundredths of cp's time
share=$((ucp_us * 100 / cp_us))
say "$(printf 'Where cp took %s, ucp took %s (%d.%02d of it), and every copy was the same: type ucp where you typed cp.' \
	"$(seconds "$cp_us")" "$(seconds "$ucp_us")" $((share / 100)) $((share % 100)))"
