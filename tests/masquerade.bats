#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# verify: who is not what he is taken for, by his name, by his program, by what he has preloaded, by
# what lies over him in /proc; and who is honest, and only looks so.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

setup() {
	require_root
	work=$BATS_TEST_TMPDIR
	STARTED_OUTPUT=$work/output
}

teardown() {
	helpers_stop
	started_stop
}

# rows FILTER PID…: what verify says of them that is not of a disk that cannot be read; FILTER is true of it.
rows() {
	run --separate-stderr physlens verify --json --allow 'unverifiable=*' "${@:2}"
	json_check "$1"
}

# poser HOW WHAT: sets PID.
poser() {
	helper_start poser "$@" || {
		grep -q '^prctl: ' "$HELPER_DIR/err" && skip 'the kernel lets nobody change what it noted'
		return 1
	}
	PID=$HELPER_PID
}

# looks_like PID TEXT: until that is its comm and its program rests.
looks_like() {
	wait_for grep -qxF -- "$2" "/proc/$1/comm"
	asleep "$1"
}

@test "called as a thread of the kernel, by comm, title or neither: masquerade" {
	local one

	for one in 'title [kworker/0:1]' 'title [kswapd0] ' 'name kworker/u8:2-flush' 'name [kworker/u16:12-x' \
		'name kthreadd' 'name [rcu_sched]' 'silent ksoftirqd/7' 'title [kworker/1:2] -d' \
		$'name \tkthreadd ' $'title [kthreadd\x01]' \
		$'name \u200bkthreadd'; do
		poser "${one%% *}" "${one#* }"
		rows ".verify | length == 1 and .[0].kind == \"masquerade\" and .[0].region == \".text\" and
			(.[0].object | endswith(\"/poser\")) and
			(.[0].why | test(\"^called .*as a thread of the kernel.* it is /.*/poser\$\"))" "$PID"
		helpers_stop
	done
	# Perl changes both.
	start perl -e '$0 = "[migration/0]"; sleep 300'
	looks_like "$PID" '[migration/0]'
	rows '.verify | length == 1 and .[0].kind == "masquerade"' "$PID"
	run -0 physlens verify --allow 'masquerade=*' --allow 'unverifiable=*' "$PID"
}

@test "the name of a thread that this kernel has, in brackets or without arguments: masquerade" {
	local name

	require_kernel_thread
	# One that is on no list.
	name=$(ps -o comm= --ppid 2 | sed -n 's/^hwrng$\|^ksmd$\|^psimon$/&/p' | head -n 1)
	[ -n "$name" ] || skip 'no such thread here'
	poser title "[$name]"
	rows '.verify | length == 1 and .[0].kind == "masquerade"' "$PID"
	helpers_stop
	poser silent "$name"
	rows '.verify | length == 1 and .[0].kind == "masquerade"' "$PID"
	helpers_stop
	# A program may have such a name.
	poser name "$name"
	rows '.verify == []' "$PID"
}

@test "brackets and parentheses that honest programs have: no row" {
	local title

	for title in '(sd-pam)' '(udev-worker)' '[celeryd: celery@w1:MainProcess] -active-' '[' '[]' '[sleep]' \
		'[lxc monitor] /var/lib/lxc web' 'sshd: [accepted]' '[kworker' 'kworker]' '' ' ' \
		'migration/1' 'irq/24' '[migration]/1'; do
		start bash -c 'exec -a "$1" sleep 300' - "$title"
		looks_like "$PID" sleep
		rows '.verify == []' "$PID"
		started_stop
	done
	for title in '(sd-pam)' kworkers 'kworkerd' 'worker/0' '[pool] 12345678' 'watchdogd' 'nfsd'; do
		poser name "$title"
		rows '.verify == []' "$PID"
		helpers_stop
	done
}

@test "a program that the kernel was told, of which nothing is mapped: masquerade" {
	local how

	for how in program wiped; do
		poser $how "$(type -P true)"
		[ "$(readlink "/proc/$PID/exe")" = "$(readlink -f "$(type -P true)")" ]
		rows "[.verify[] | select(.kind == \"masquerade\")] | length == 1 and .[0].region == \"anon\" and
			.[0].why == \"its program is said to be $(readlink -f "$(type -P true)"), of which nothing is mapped\"" \
			"$PID"
		helpers_stop
	done
	[ "$how" = wiped ]
}

@test "a program that the kernel was told, some of it mapped, and started in a copy of another: masquerade" {
	poser guest "$(type -P true)"
	rows '[.verify[] | select(.kind == "masquerade")] | length == 1 and (.[0].object | test("/poser[.]")) and
		(.[0].why | test("^its program is said to be /.*/true, and was started in another file$"))' "$PID"
}

is_memfd() { [[ $(readlink "/proc/$1/exe") == /memfd:* ]]; }

@test "programs started in other ways are what they are: by ld.so, memfd, a link, from an overlay, without arguments" {
	local loader program

	program=$(readlink -f "$(command -v sleep)")
	loader=$(readelf -lW "$program" | sed -n 's/.*interpreter: \(.*\)]/\1/p')
	start "$loader" "$program" 300
	asleep "$PID"
	rows '.verify == []' "$PID"
	start perl -e 'my $fd = syscall(319, my $name = "runner", 0); open(my $out, ">&=", $fd); binmode $out;
		open(my $in, "<", $ARGV[0]); binmode $in; local $/; print {$out} <$in>; $out->flush;
		open(my $ro, "<", "/proc/self/fd/$fd"); close $out;
		exec {"/proc/self/fd/" . fileno $ro} "sleep", 300' "$program"
	wait_for is_memfd "$PID"
	asleep "$PID"
	rows '[.verify[].kind] | unique == ["memfd"]' "$PID"
	ln "$program" "$work/link" 2>/dev/null || cp "$program" "$work/link"
	start "$work/link" 300
	looks_like "$PID" link
	rows '.verify == []' "$PID"
	rm "$work/link"
	rows '[.verify[].kind] - ["deleted"] == []' "$PID"
	mkdir "$work"/{lower,upper,work,m}
	cp "$program" "$work/lower/inside"
	sync "$work/lower/inside"
	if unshare -m mount -t overlay none -o "lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/work" "$work/m"; then
		start unshare -m bash -c "cd $work && mount -t overlay none -o lowerdir=lower,upperdir=upper,workdir=work m &&
			exec m/inside 300"
		looks_like "$PID" inside
		rows '.verify == []' "$PID"
	fi
	start bash -c 'exec -a "" sleep 300'
	looks_like "$PID" sleep
	rows '.verify == []' "$PID"
}

# preloading VALUE: a process that has it in LD_PRELOAD. Sets PID.
preloading() {
	start env LD_PRELOAD="$1" sleep 300
	looks_like "$PID" sleep
	grep -q 'early[.]so' "/proc/$PID/maps"
}

@test "a preloaded library that was removed: masquerade beside deleted; one that is there, or again, is not" {
	local libm

	libm=$(ldd "$(command -v perl)" | awk '$1 ~ /^libm[.]/ { print $3 }')
	[ -n "$libm" ] || skip 'perl is not linked to libm'
	cp "$libm" "$work/early.so"
	sync "$work/early.so"
	preloading "$work/early.so"
	rows '.verify == []' "$PID"
	rm "$work/early.so"
	rows '[.verify[].kind] | sort == ["deleted", "masquerade"]' "$PID"
	rows '.verify[] | select(.kind == "masquerade") | .why == "LD_PRELOAD names this library, which was removed" and
		(.object | test("/early[.]so"))' "$PID"
	cp "$libm" "$work/early.so"
	rows '[.verify[].kind] == ["deleted"]' "$PID"
	# Among others, and by another path to it.
	mkdir "$work/real"
	mv "$work/early.so" "$work/real/early.so"
	ln -s real "$work/through"
	sync "$work/real/early.so"
	preloading "$libm $work/through/early.so"
	rm "$work/real/early.so"
	rows '[.verify[].kind] | sort == ["deleted", "masquerade"]' "$PID"
	# Nobody preloaded the program itself.
	cp "$(command -v sleep)" "$work/program"
	sync "$work/program"
	start "$work/program" 300
	looks_like "$PID" program
	rm "$work/program"
	rows '[.verify[].kind] == ["deleted"]' "$PID"
}

# beneath MOUNT COMMAND…: in a namespace of mounts of its own.
beneath() {
	unshare -m --propagation private bash -c "$1"' || exit 77; "$@"' - "${@:2}"
}

# beneath_blind MOUNT COMMAND…: the same, for who may not have a procfs of his own.
beneath_blind() {
	beneath "$1" setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "${@:2}"
}

# mounts_over PID OTHER: commands, one a line.
mounts_over() {
	echo "mount -t tmpfs none /proc/$1"
	echo "mount --bind /proc/$2 /proc/$1"
	echo "mount --bind /proc/$2/maps /proc/$1/maps"
}

# two_sleepers: PID, and other, which was patched.
two_sleepers() {
	require_own_mounts
	start sleep 300
	looks_like "$PID" sleep
	other=$PID
	start sleep 300
	looks_like "$PID" sleep
	helper tamper mem "$other" "$(physlens translate -n -r -o vaddr "$other" 'libc.so.6!getenv')" 9090 >/dev/null
}

@test "a mount over a process in /proc: masquerade, and it is looked at all the same" {
	local other one at

	two_sleepers
	at=$(physlens translate -n -r -o vaddr "$PID" 'libc.so.6!getenv')
	while read -r one; do
		run -1 --separate-stderr beneath "$one" "$PHYSLENS" verify --json "$PID"
		json_check ".verify | length == 1 and .[0].kind == \"masquerade\" and .[0].pid == $PID and
			.[0].command == \"sleep\" and (.[0].object | startswith(\"/proc/$PID\")) and .[0].vaddr == null and
			(.[0].why | test(\"^a mount [(](tmpfs|proc)[)] lies over it\"))"
		json_check '.summary.unread == 0 and .summary.processes == 1 and .summary.frames > 100'
		run -1 --separate-stderr beneath "$one" "$PHYSLENS" verify --all --json --allow 'unverifiable=*' --allow 'unstable=*'
		json_check "[.verify[] | select(.pid == $PID)] | length == 1 and .[0].kind == \"masquerade\""
		# The other is itself, once.
		json_check "[.verify[] | select(.pid == $other)] | length == 1 and .[0].kind == \"patched\""
		# Who lets that pass has seen it.
		run -0 --separate-stderr beneath "$one" "$PHYSLENS" verify --allow 'masquerade=*' "$PID"
		# Everybody does.
		run -0 --separate-stderr beneath "$one" "$PHYSLENS" map -n -r -o object "$PID"
		[[ "$output" == */sleep$'\n'* ]]
		run -0 --separate-stderr beneath "$one" "$PHYSLENS" translate -n -r -o vaddr "$PID" 'libc.so.6!getenv'
		[ "$output" = "$at" ]
		run --separate-stderr beneath "$one" "$PHYSLENS" census -n -r -o pid,command
		[[ $'\n'"$output"$'\n' == *$'\n'"$PID sleep"$'\n'* ]]
		[ "$(grep -c "^$other " <<<"$output")" = 1 ]
	done < <(mounts_over "$PID" "$other")
	# What is changed in it is found.
	helper tamper mem "$PID" "$at" 9090 >/dev/null
	run -1 --separate-stderr beneath "mount -t tmpfs none /proc/$PID" "$PHYSLENS" verify --json "$PID"
	json_check '[.verify[].kind] | sort == ["masquerade", "patched"]'
	# What lies over other things there is nobody's affair.
	run --separate-stderr beneath 'mount -t tmpfs none /proc/sys && mount --bind /dev/null /proc/cpuinfo' \
		"$PHYSLENS" verify --json "$PID"
	json_check '[.verify[].kind] == ["patched"]'
}

@test "a mount over a process in /proc that cannot be looked past: a row, unread, and nobody is taken for it" {
	local other one command

	two_sleepers
	setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin true 2>/dev/null || skip 'no setpriv'
	while read -r one; do
		run -1 --separate-stderr beneath_blind "$one" "$PHYSLENS" verify --json "$PID"
		json_check ".verify | length == 1 and .[0].kind == \"masquerade\" and .[0].pid == $PID"
		json_check '.summary.unread == 1 and .summary.processes == 0'
		[[ "$stderr" == *"process $PID cannot be seen: another mount lies over /proc/$PID"* ]]
		run -1 --separate-stderr beneath_blind "$one" "$PHYSLENS" verify --all --json --allow 'unverifiable=*' --allow 'unstable=*'
		json_check "[.verify[] | select(.pid == $PID)] | length == 1 and .[0].kind == \"masquerade\""
		# Nobody else shows another process for it.
		for command in "map $PID" "translate $PID 0x1000"; do
			# shellcheck disable=SC2086 # words
			run -2 --separate-stderr beneath_blind "$one" "$PHYSLENS" $command
			[[ "$stderr" == *"process $PID cannot be seen: another mount lies over /proc/$PID"* ]]
		done
		# Whoever lets that pass has not seen it all the same.
		run -2 --separate-stderr beneath_blind "$one" "$PHYSLENS" verify --allow 'masquerade=*' "$PID"
	done < <(mounts_over "$PID" "$other")
}

@test "something else than the kernel's at /proc: nothing of it is believed" {
	require_own_mounts
	[ -z "${SANITIZE-}" ] || skip 'sanitizers read their options from /proc'
	mkdir -p "$work/proc/1"
	cat /proc/1/stat >"$work/proc/1/stat"
	echo '7f0000000000-7f0000001000 r-xp 00000000 00:00 0' >"$work/proc/1/maps"
	head -c 4096 /dev/zero >"$work/proc/1/pagemap"
	# shellcheck disable=SC2016 # of the inner shell
	run -2 --separate-stderr unshare -m --propagation private bash -c '
		mount --bind "$1" /proc && ln -s $$ /proc/self && shift && exec "$@"' - "$work/proc" "$PHYSLENS" map 1
	[ -z "$output" ]
	[[ "$stderr" == *"/proc is not the kernel's: something else is mounted there"* ]]
}
