# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What a test case may use. tests/run sources this; each case runs in its own subshell, in an empty directory.
#
# Set for a case:
#   $UCP $UCP_FLAGS   the program under test, and the flags of the mode it runs in
#   $MODE $PROFILE    default sync tiny short old syncshort once; release debug asan tsan
#   $ROOT $TESTS $TOOLS   the repository, its tests/ and tests/tools/
#   $CASE             a directory of this case, outside of its working directory, for anything
#   $PART $PARTS      of what could be tried only a part is, see `share` and `of_part`; 0 and 1 if it is everything
#   $OUT $ERR $status what the last `run…` printed (files in $CASE) and its exit status
# A line `# limit: SECONDS` right above a case sets its time limit, `# only: PROFILE…` and `# modes: MODE…` where it runs.

USER_ID=65534 # an ordinary user, when the tests run as root
PROCESSORS=$(nproc)

# --- results

# fail MESSAGE: end the case as failed, saying where.
fail() {
	local i
	for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
		[[ ${BASH_SOURCE[i]} == "$TESTS/lib.sh" ]] || break
	done
	printf '%s:%s: %s\n' "${BASH_SOURCE[i]#"$ROOT/"}" "${BASH_LINENO[i - 1]}" "$*"
	: >"$CASE/failed" # counts even when this is a subshell of the case
	exit 1
}

# skip REASON: end the case as skipped.
skip() {
	printf '%s\n' "$*" >"$CASE/skipped"
	exit 0
}

# check CMD…: it must succeed. check_not CMD…: it must not.
check() {
	"$@" || fail "failed: $*"
}

check_not() {
	! "$@" || fail "should have failed: $*"
}

# --- running

# ucp ARGS…
ucp() {
	# shellcheck disable=SC2086 # the flags are words
	"$UCP" $UCP_FLAGS "$@"
}

# run CMD…: run it, keep its output in $OUT and $ERR and its exit status in $status.
run() {
	"$@" >"$OUT" 2>"$ERR"
	status=$?
	_no_report
}

# Sanitizers are told to exit with 99; not all of their reports end up where tests/run would see them.
_no_report() {
	[[ $status != 99 ]] || fail "exit status 99: $(_show "$ERR")"
}

# run_ucp ARGS…
run_ucp() {
	run ucp "$@"
}

# start_ucp ARGS…: like run_ucp, in the background: its process id is in $pid, and finish_ucp sets $status.
start_ucp() {
	# A shell starts background commands with SIGINT ignored, and who started us may have ignored more.
	# shellcheck disable=SC2086
	env --default-signal=HUP,INT,QUIT,TERM,PIPE "$UCP" $UCP_FLAGS "$@" >"$OUT" 2>"$ERR" &
	pid=$!
}

finish_ucp() {
	wait "$pid" 2>/dev/null
	status=$?
	_no_report
}

# as_user CMD…: as an ordinary user (as who we are, when that is one already). CMD is a program, or `ucp`.
as_user() {
	# shellcheck disable=SC2086
	[[ $1 == ucp ]] && set -- "$UCP" $UCP_FLAGS "${@:2}"
	if ((EUID == 0)); then
		setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups "$@"
	else
		"$@"
	fi
}

# exchanging RULES ARGS…: like run_ucp, while names are exchanged at the worst moments, see preload-exchange.c.
exchanging() {
	need tool preload-exchange.so
	# shellcheck disable=SC2086
	run env UCP_EXCHANGE="$1" LD_PRELOAD="${UCP%/*}/tools/preload-exchange.so" "$UCP" $UCP_FLAGS "${@:2}"
}

# hiding "DIRECTORY…" CMD…: where these directories are empty, in a mount namespace of its own (need mounts).
hiding() {
	unshare --mount --propagation unchanged "$TOOLS/hide.sh" "$@"
}

# limit_fds N CMD…: with at most N open files.
limit_fds() (
	ulimit -n "$1" || fail "cannot limit open files to $1"
	"${@:2}"
)

# patience SECONDS: sets $REPLY to how many seconds that takes while other work keeps the processors busy, and on a
# machine that is $UCP_TEST_SLOW times slower than others.
patience() {
	local load
	read -r load _ </proc/loadavg
	REPLY=$(($1 * ${UCP_TEST_SLOW:-1} * (1 + ${load%.*} / PROCESSORS)))
}

# within SECONDS CMD…: with patience; what still runs then is ended with exit status 124.
within() {
	patience "$1"
	timeout "$REPLY" "${@:2}"
}

# wait_for CONDITION [SECONDS]: until the shell code CONDITION is true; with patience.
wait_for() {
	local start=$SECONDS
	until eval "$1"; do
		if ((SECONDS > start + ${2:-10})); then
			patience "${2:-10}"
			((SECONDS <= start + REPLY)) || fail "waited $REPLY s in vain for: $1"
		fi
		sleep 0.02
	done
}

# share COUNT: of tries 1 to COUNT, sets $tries to how many this part makes, at least one, and $first to the first of them.
# shellcheck disable=SC2034,SC2153 # tests/run sets PARTS, and cases read what this sets
share() {
	tries=$((($1 + PARTS - 1) / PARTS)) first=$((PART * tries + 1))
}

# of_part WORD…: sets $chosen to those that this part tries.
of_part() {
	local i
	chosen=()
	for ((i = PART + 1; i <= $#; i += PARTS)); do
		chosen+=("${!i}")
	done
}

# --- expectations about the last run

# The beginning of a file, for people.
_show() {
	head -n 20 "$1" | cat -v
}

expect_status() {
	[[ $status == "$1" ]] || fail "exit status is $status, not $1; stderr: $(_show "$ERR")"
}

# _expect_lines FILE NAME LINE…: the file is exactly these lines.
_expect_lines() {
	local expected parts
	printf -v expected '%s\n' "${@:3}"
	# Without a process, if there is no NUL in it
	mapfile -d '' -t parts <"$1" && ((${#parts[@]} == 1)) && [[ ${parts[0]} == "$expected" ]] && return
	printf '%s' "$expected" >"$CASE/expected"
	cmp -s "$1" "$CASE/expected" ||
		fail "$2 is not as expected: $(diff -a -U 20 "$CASE/expected" "$1" | tail -n +4 | _show /dev/stdin)"
}

# expect_out LINE…, expect_err LINE…: all of it.
expect_out() {
	_expect_lines "$OUT" stdout "$@"
}

expect_err() {
	_expect_lines "$ERR" stderr "$@"
}

expect_out_has() {
	grep -qaF -e "$1" "$OUT" || fail "stdout lacks: $1; it is: $(_show "$OUT")"
}

# expect_err_and_hints LINE…: the error output is these lines, and hints.
expect_err_and_hints() {
	grep -v '^ucp: hint: ' "$ERR" >"$CASE/errors"
	_expect_lines "$CASE/errors" stderr "$@"
}

expect_err_has() {
	grep -qaF -e "$1" "$ERR" || fail "stderr lacks: $1; it is: $(_show "$ERR")"
}

expect_no_out() {
	[[ ! -s $OUT ]] || fail "stdout should be empty: $(_show "$OUT")"
}

expect_no_err() {
	[[ ! -s $ERR ]] || fail "stderr should be empty: $(_show "$ERR")"
}

# make_tree ARGS…: see tests/tools/mktree.py.
make_tree() {
	python3 -SE "$TOOLS/mktree.pyc" "$@" || fail "mktree $*"
}

# same_tree A B [cmptree options]
same_tree() {
	python3 -SE "$TOOLS/cmptree.pyc" "${@:3}" "$1" "$2" || fail "$1 and $2 differ"
}

# --- what a case needs from the machine, else it is skipped

# need root | user | loop | fuse | mounts | tool NAME | cmd NAME…
need() {
	case $1 in
	root) ((EUID == 0)) || skip "needs root" ;;
	user) ((EUID != 0)) || command -v setpriv >/dev/null || skip "needs setpriv" ;;
	loop)
		need root
		losetup -f >/dev/null 2>&1 || skip "needs loop devices"
		;;
	fuse)
		need root
		[[ -w /dev/fuse ]] || skip "needs /dev/fuse"
		[[ -x ${UCP%/*}/tools/faultfs ]] || skip "needs faultfs (make units, libfuse3-dev, pkg-config)"
		;;
	mounts)
		need root
		need cmd unshare
		hiding '' true || skip "needs a mount namespace"
		;;
	tool) [[ -x ${UCP%/*}/tools/$2 ]] || skip "needs $2 (make units)" ;;
	cmd)
		shift
		local name
		for name; do
			command -v "$name" >/dev/null || skip "needs $name"
		done
		;;
	*) fail "need: what is $1?" ;;
	esac
}

# mount_tmpfs SIZE DIR
mount_tmpfs() {
	need root
	mkdir -p "$2" || fail "mkdir $2"
	mount -t tmpfs -o "size=$1,mode=755" ucp-test "$2" || skip "cannot mount a tmpfs"
}

# make_file_system IMAGE TYPE [MKFS OPTIONS…]
make_file_system() {
	for _ in {1..50}; do
		"mkfs.$2" -q "${@:3}" "$1" 2>"$CASE/mkfs" && return
		# mkfs.btrfs asks all loop devices, one of which another case may be just taking away
		grep -q 'check mount status' "$CASE/mkfs" || break
		sleep 0.1
	done
	fail "mkfs.$2 failed: $(<"$CASE/mkfs")"
}

# mount_image ext4|xfs|btrfs SIZE DIR [MKFS OPTIONS…]: a fresh file system in a sparse image.
# (xfs wants 300M at least, btrfs 110M.)
mount_image() {
	need loop
	need cmd "mkfs.$1"
	local image
	image=$(mktemp "$CASE/image.XXXXXX") || fail "cannot make an image"
	truncate -s "$2" "$image" || fail "cannot make an image of $2"
	make_file_system "$image" "$1" "${@:4}"
	mkdir -p "$3" || fail "mkdir $3"
	mount -t "$1" -o loop "$image" "$3" || skip "cannot mount $1"
	if [[ $1 == ext4 ]]; then
		rmdir "$3/lost+found" # so that it starts empty, like the others
	fi
}

# mount_faultfs DIR BACKING [OPTION|COMMAND]…: show the directory BACKING at DIR, slowly (--latency=MS) or doing things
# wrong ("fail write * ENOSPC from=100000"). tests/tools/faultfs.c has the options, faults.h the commands.
mount_faultfs() {
	need fuse
	local options=() commands=() arg server
	for arg in "${@:3}"; do
		case $arg in
		--*) options+=("$arg") ;;
		*) commands+=("$arg") ;;
		esac
	done
	mkdir -p "$1" "$2" || fail "mkdir $1 $2"
	"${UCP%/*}/tools/faultfs" "${options[@]}" "$2" "$1" "${commands[@]}" &
	server=$!
	wait_for "[[ -e '$1/.faultfs' ]] || ! kill -0 $server 2>/dev/null"
	[[ -e $1/.faultfs ]] && return
	wait "$server"
	(($? != 2)) || fail "faultfs ${*:3}"
	skip "cannot mount faultfs"
}

# mount_medium ext4|xfs|btrfs SIZE DIR [MKFS OPTIONS…]: a file system in an image that a faultfs shows at `writeback`, which
# can be told not to take data: faultfs medium "fail write image EIO with=WORD". A request has one block: a loop device
# takes one of which only the first part is written for done.
mount_medium() {
	local device
	need loop
	need fuse
	need cmd "mkfs.$1"
	mkdir -p backing "$3"
	truncate -s "$2" backing/image || fail "cannot make an image of $2"
	make_file_system backing/image "$1" "${@:4}"
	mount_faultfs medium backing
	device=$(losetup --show -f medium/image) || skip "no loop device"
	echo 4 >"/sys/block/${device##*/}/queue/max_sectors_kb" && mount -t "$1" "$device" "$3"
	local ret=$?
	losetup -d "$device" # as soon as it is unmounted
	((ret == 0)) || skip "cannot mount $1"
}

# mount_overlay DIR UPPER [LOWER]: an overlayfs that writes to UPPER/up.
mount_overlay() {
	need root
	mkdir -p "$1" "$2/up" "$2/work" "${3-lower}"
	mount -t overlay -o "lowerdir=${3-lower},upperdir=$2/up,workdir=$2/work" overlay "$1" || skip "cannot mount an overlay"
}

# faultfs DIR COMMAND…: say it to a faultfs that is mounted.
faultfs() {
	printf '%s\n' "${@:2}" >"$1/.faultfs" || fail "faultfs ${*:2}"
}

# faultfs_count DIR WORDS: the number behind these words in what a faultfs tells: "requests read", "at once", "held".
faultfs_count() {
	sed -n "s/^$2 //p" "$1/.faultfs"
}

# faultfs_hits DIR RULE: how often a rule has struck.
faultfs_hits() {
	sed -n "s/^$2 .*hits=//p" "$1/.faultfs"
}
