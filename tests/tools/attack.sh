#!/bin/bash
# SPDX-License-Identifier: MIT
# Copies as root, for some seconds, again and again, where an ordinary user changes names as fast as they can, and sees
# that nothing outside of the two trees is touched. To be run by hide.sh, for tests/cases/attack.sh:
#
#   attack.sh SECONDS source|destination DIRECTORY UCP [OPTION...]
#
# DIRECTORY becomes a tmpfs, everything else read-only. Prints what it finds wrong; then the exit status is 1.
# 77: it cannot be done here.
set -u
export LC_ALL=C
seconds=$1 where=$2 arena=$3
shift 3
ucp=("$@")
swapper=${1%/*}/tools/swapper
attacker=65534 watcher=65533
secret="SECRET"

# --- the place

lock_up() {
	local point
	mount -t tmpfs -o strictatime,mode=755 ucp-attack "$arena" || exit 77
	# What the sanitizers and gcov write goes on
	[[ ! -d ${UCP_TEST_CASE-/none}/sanitizer ]] || mount --bind "$UCP_TEST_CASE/sanitizer" "$UCP_TEST_CASE/sanitizer"
	[[ ! -d ${UCP_COUNTS-/none} ]] || mount --bind "$UCP_COUNTS" "$UCP_COUNTS"
	while read -r _ point _; do
		point=$(printf '%b' "$point")
		case $point in
		"$arena" | /dev | /dev/* | /proc | /proc/* | "${UCP_TEST_CASE-/none}"/* | "${UCP_COUNTS-/none}") ;;
		*) mount -o remount,bind,ro "$point" 2>/dev/null ;;
		esac
	done </proc/self/mounts
	# shellcheck disable=SC2188
	! { >"/ucp-attack.$$"; } 2>/dev/null || exit 77
	cd "$arena" || exit 77
}

as() { # UID CMD…
	setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"
}

# What must not be touched: of every kind, with known times of access.
make_canaries() {
	mkdir -p out/dir out/private
	echo "CANARY secret" >out/secret
	echo "CANARY open" >out/open
	echo "CANARY below" >out/dir/file
	echo "CANARY private" >out/private/file
	cp /bin/true out/suid
	chmod 600 out/secret
	chmod 666 out/open
	chmod 4755 out/suid
	chmod 700 out/private
	mkfifo -m 600 out/fifo
	mknod -m 600 out/null c 1 3
	ln -s secret out/link
	touch -h -a -d 2001-01-01 out out/* out/*/*
}

canaries() {
	stat -c '%n %f %u %g %s %h %x %y %z' out out/secret out/open out/dir out/dir/file out/private out/private/file out/suid \
		out/fifo out/null out/link
	setpriv --reuid=0 true # (an access time needs no more than this)
}

# --- the source

# Root's own, with what others may not see.
make_source() {
	local i
	mkdir -p src/pub src/safe
	for i in 1 2 3 4 5 6 7 8; do
		echo "$secret in file $i" >"src/pub/f$i"
		ln "src/pub/f$i" "src/safe/h$i"
	done
	for i in 1 2 3 4; do
		mkdir -m 700 "src/pub/d$i"
		echo "$secret in directory $i" >"src/pub/d$i/file"
		chmod 644 "src/pub/d$i/file"
		mkfifo -m 640 "src/pub/p$i"
		mknod -m 600 "src/pub/n$i" c 1 3
		ln -s "nowhere $i" "src/pub/l$i"
		chown -h 1:1 "src/pub/p$i" "src/pub/l$i"
	done
	head -c 300000 /dev/zero | tr '\0' x | sed "1s/^/$secret /" >src/pub/big
	chmod 600 src/pub/f? src/pub/big
	chmod 755 src src/pub
}

# The attacker's own, in which names change.
make_their_source() {
	local i
	for i in {1..8}; do
		as $attacker sh -c "echo 'theirs $i' >src/pub/a$i; mkdir src/pub/b$i; echo below >src/pub/b$i/file"
	done
}

# What an attacker has, to be put in the place of something else, in DIR which is theirs.
make_weapons() { # DIR
	local i
	as $attacker sh -c "
		cd '$1' || exit 1
		ln -s '$arena/out/secret' x1
		ln -s '$arena/out/dir' x2
		mkdir -m 777 x3
		mkfifo x4
		echo 'from the attacker' >x5
		chmod 666 x5
		ln -s '$arena/out/null' x6
		ln -s '$arena/out/fifo' x7
		ln -s '$arena/out/private' x8
		mkdir -m 6077 x9
		ln -s '$arena/out/open' x10
		ln -s x5 x11
		ln -s '$arena/out/suid' x12
	" || exit 77
	for i in 1 2 3; do # root's, in the attacker's directory
		echo "bystander $i" >"$1/y$i"
		chmod 600 "$1/y$i"
	done
	mkfifo -m 600 "$1/y4"
}

bystanders() {
	local fd
	for fd in "$@"; do
		stat -L -c '%f %u %g %s' "/proc/self/fd/$fd"
	done
}

# --- one round

pairs_in_source() {
	local p=src/pub
	echo $p/{a1=$p/x1,a2=$p/x2,a3=$p/x4,a4=$p/x6,a5=$p/x7,a6=$p/b6,a7=$p/x5,a8=$p/x12}
	echo $p/{b1=$p/x2,b2=$p/x8,b3=$p/x3,b4=$p/x1,b5=$p/x4,b7=$p/a7,b8=$p/b1,x3=$p/x8,x5=$p/x10}
}

pairs_in_destination() {
	local p=dst/src/pub
	echo $p/{f1=$p/x1,f2=$p/x5,f3=$p/x4,f4=$p/x7,f5=$p/x2,f6=$p/x6,f7=$p/f8,f8=$p/x10,big=$p/x5,f2=$p/x11,f1=$p/x12}
	echo $p/{d1=$p/x2,d2=$p/x3,d3=$p/x1,d4=$p/x8,d1=$p/x9,d2=$p/y1,d3=$p/x9}
	echo $p/{p1=$p/x1,p2=$p/y4,p3=$p/x4,p4=$p/y2,n1=$p/x1,n2=$p/y3,n3=$p/x6,l1=$p/y1,l2=$p/x1,l3=$p/y2,l4=$p/d4}
}

wrong() {
	echo "$*"
	failed=1
}

start_attackers() {
	local pairs
	read -r -d '' -a pairs < <("pairs_in_$where")
	as $attacker "$swapper" swap 0 "$arena" "${pairs[@]}" &
	swapping=$!
	watching=''
	if [[ " ${ucp[*]} " == *" -a"* ]]; then
		as $watcher "$swapper" watch 0 "$arena/dst" "$secret" >watched &
		watching=$!
		as $attacker "$swapper" watch 0 "$arena/dst" "$secret" >watched-by-attacker &
		watching+=" $!"
	fi
}

stop_attackers() {
	# shellcheck disable=SC2086 # numbers
	kill $swapping $watching 2>/dev/null
	# shellcheck disable=SC2086
	wait $swapping $watching 2>/dev/null
	[[ -z $watching ]] || cat watched watched-by-attacker
	[[ -z $watching || (! -s watched && ! -s watched-by-attacker) ]] || wrong "a copy could be read by others"
}

copy_once() {
	local status i
	# Links that are copied without their owner are root's, and so are followed by the next copy
	[[ -z ${ATTACK_FRESH-} ]] || {
		rm -rf dst
		mkdir dst
	}
	timeout -s ABRT 20 "${ucp[@]}" src dst >log 2>&1
	status=$?
	((status == 0 || status == 1)) || {
		wrong "exit status $status"
		tail -n 5 log
	}
	for i in 1 2 3 4 5 6 7 8; do
		if [[ -e dst/src/safe/h$i ]]; then
			cmp -s "src/safe/h$i" "dst/src/safe/h$i" || {
				wrong "safe/h$i is not what it should be, but: $(head -c 100 "dst/src/safe/h$i")"
				ls -lain dst/src/safe dst/src/pub
				cat log
			}
		else
			grep -q "[fh]$i'" log || wrong "safe/h$i is missing without a word: $(<log)"
		fi
	done
}

round() { # NUMBER
	local i
	if [[ $where == source ]]; then
		rm -rf dst
		mkdir -p dst
	else
		rm -rf dst
		mkdir -p dst/src/pub
		chown $attacker:$attacker dst/src/pub
		make_weapons dst/src/pub
		exec 11<dst/src/pub/y1 12<dst/src/pub/y2 13<dst/src/pub/y3 14<>dst/src/pub/y4
		bystanders 11 12 13 14 >bystanders.before
	fi
	start_attackers
	for i in 1 2 3 4; do
		copy_once
	done
	stop_attackers
	canaries >after
	cmp -s before after || {
		wrong "something outside was touched:"
		diff before after
	}
	! grep -rlsI --devices=skip CANARY dst || wrong "something from outside was copied"
	if [[ $where == destination ]]; then
		bystanders 11 12 13 14 >bystanders.after
		cmp -s bystanders.before bystanders.after || wrong "root's files got: $(diff bystanders.before bystanders.after)"
	fi
	rm -f watched watched-by-attacker
}

[[ -x $swapper ]] || exit 77
lock_up
failed=0
make_canaries
make_source
[[ $where != source ]] || {
	chown $attacker:$attacker src/pub
	make_their_source
	make_weapons src/pub
	rm -f src/pub/y? # (to be copied, they are)
}
# Both ends belong to the attacker, who goes on changing names when the directory is complete
[[ $where != destination || ${ATTACK_OWNER-} != kept ]] || chown $attacker:$attacker src/pub
canaries >before
end=$((SECONDS + seconds))
for ((n = 1; SECONDS < end && failed == 0; n++)); do
	round "$n"
done
echo "$((n - 1)) rounds" >&2
exit "$failed"
