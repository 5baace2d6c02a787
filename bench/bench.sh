#!/bin/bash
# SPDX-License-Identifier: MIT
# Race ucp against cp and other copiers.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=${here%/*}
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin PYTHONDONTWRITEBYTECODE=1
umask 022

usage() {
	cat <<-EOT
		usage: bench/bench.sh [OPTION...] [WORKLOAD...]
		Copies in turn, in random order, with ucp, cp, rsync, tar, what is installed of cpz, fcp, xcp, wcp and
		dcp, and "floor", which writes the same files without reading. Writes bench.md, bench.json, bench.svg.
		  --quick         small and few; ends within ten minutes
		  --list          list the workloads and exit
		  --rounds=N      how often each command runs (9; quick: 3)
		  --scale=K       size of the workloads as a share of the full size (1; quick: 0.05)
		  --against=FILE  name what is slower than in this bench.json, if noise does not explain it, and fail then
		  --ucp=PATH      the program to race (build/release/ucp)
		  --only=NAMES    race only these others, and cp: --only=rsync,tar
		  --dir=DIR       where the file systems are made (build/bench); needs up to 14 GiB
		  --out=DIR       where the results go (build/bench/results)
		  --tree=DIR      the tree of the workload "tree" (/usr)
		  --latency=MS    how late slow storage answers (1)
		  --timeout=S     time limit of a command (900)
		A WORKLOAD is CORPUS.FILESYSTEM.CACHE.HOW, or the beginning of that, or may have wildcards: small, 'one.*.warm.*'.
		Needs root. Everything but --dir and --out is read-only for the commands.
	EOT
}

die() {
	printf 'bench: %s\n' "$*" >&2
	exit 1
}

dir=$root/build/bench out='' ucp=$root/build/release/ucp inside='' list=''
tools=$root/build/release/bench faultfs=$root/build/release/tools/faultfs
rest=()
for arg; do
	case $arg in
	--help) usage && exit ;;
	--inside) inside=1 ;;
	--dir=*) dir=${arg#*=} ;;
	--out=*) out=${arg#*=} ;;
	--ucp=*) ucp=${arg#*=} ;;
	--against=*) rest+=("--against=$(realpath "${arg#*=}")") ;;
	--list) list=1 rest+=("$arg") ;;
	*) rest+=("$arg") ;;
	esac
done
if [[ -n $list ]]; then
	exec python3 "$here/bench.py" "${rest[@]}"
fi

((EUID == 0)) || die "needs root, to mount"
[[ -x $tools/floor ]] || die "first: make bench-tools"
[[ -x $ucp ]] || die "there is no $ucp; first: make"
out=${out:-$dir/results}
mkdir -p "$dir" "$out"
dir=$(realpath "$dir") out=$(realpath "$out") ucp=$(realpath "$ucp")

# In a namespace of its own all that is mounted goes away with the last process in it.
if [[ -z $inside ]]; then
	exec {lock}>"$dir/lock"
	flock -n "$lock" || die "somebody is at it in $dir"
	exec unshare --mount --propagation private "$here/bench.sh" --inside \
		"--dir=$dir" "--out=$out" "--ucp=$ucp" "${rest[@]}"
fi

# No copier may write anywhere else, whatever it does.
mkdir -p "$dir/tmp"
export TMPDIR=$dir/tmp
mount --bind "$dir" "$dir"
mount --bind "$out" "$out"
# Where processes that work together meet (dcp).
mount -t tmpfs -o size=64M ucp-bench /dev/shm
while read -r _ point type _; do
	point=$(printf '%b' "$point") # spaces are \040 there
	case $type:$point in
	*:"$dir" | *:"$out" | *:/dev/shm | proc:* | devtmpfs:* | devpts:* | sysfs:* | cgroup*:*) continue ;;
	esac
	mount -o remount,bind,ro "$point" 2>/dev/null || true # what cannot be is no place for copies either
done </proc/self/mounts
if (: >"$root/.bench-probe") 2>/dev/null; then
	rm -f "$root/.bench-probe"
	die "cannot make everything else read-only"
fi
cd "$dir"
exec python3 "$here/bench.py" --dir="$dir" --out="$out" --ucp="$ucp" --tools="$tools" --faultfs="$faultfs" "${rest[@]}"
