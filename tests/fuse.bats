#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A file system that is a process (FUSE): it may be among those that are held still, or never answer, and
# opening its files changes what is looked at. All of it in a PID namespace that a time limit ends.

# shellcheck disable=SC2154,SC2016 # bats sets stderr; scripts are for another shell

bats_require_minimum_version 1.5.0
load helpers/lib

setup() {
	require_root
	command -v bindfs >/dev/null || skip 'no bindfs'
	[ -c /dev/fuse ] || skip 'no /dev/fuse'
	unshare -m -p -f --mount-proc true 2>/dev/null || skip 'no namespaces of processes'
	D=$BATS_TEST_TMPDIR
	mkdir -p "$D/source" "$D/mount"
	cp /bin/sleep "$D/source/served"
	export D PHYSLENS
}

# inside SCRIPT: runs it where bindfs serves a directory, with $server, and $user, which runs a program of
# it. `try COMMAND…` is physlens under a time limit.
inside() {
	printf '%s\n' 'set -u
		wait_for() { local i; for ((i = 0; i < 300; i++)); do eval "$1" && return; sleep 0.1; done; exit 70; }
		# libproc2 keeps a buffer for each thread that has listed processes, and never frees it.
		export ASAN_OPTIONS=detect_leaks=0
		try() { timeout -s KILL 60 "$PHYSLENS" "$@"; }
		bindfs -f "$D/source" "$D/mount" & server=$!
		wait_for "mountpoint -q $D/mount || ! kill -0 $server"
		mountpoint -q "$D/mount" || exit 77
		"$D/mount/served" 600 & user=$!
		wait_for "[[ \$(cat /proc/$user/comm) = served ]]"' "$1" >"$D/script"
	run --separate-stderr timeout -s KILL 120 unshare -m -p -f --mount-proc --kill-child bash "$D/script"
	[ "$status" -ne 77 ] || skip 'bindfs cannot mount here'
	echo "status $status: $output"
	echo "$stderr"
}

@test "--freeze: who serves a file system may be held, and nobody waits for it" {
	inside '
		for c in "census --freeze" "census --freeze --by object" "owner --freeze --process $user" \
			"share --freeze $user $server" "cow --freeze $user $server"; do
			try $c >"$D/out" || exit
			[ -s "$D/out" ] || exit 3
		done
		cat "$D/mount/served" >"$D/copy" && cmp "$D/copy" "$D/source/served" && echo served on'
	[ "$status" -eq 0 ]
	[[ $output == *'served on' ]]
}

@test "a server that does not answer is not waited for, and what was not opened is named" {
	inside '
		kill -STOP $server
		for c in census "map $user" "map --pages $user" "share $user $server" "cow $user $server" \
			"owner --process $user" "translate $user $(sed "s/-.*//;q" /proc/$user/maps)"; do
			try $c >"$D/out" || exit
			[ -s "$D/out" ] || exit 3
		done
		try map --noheadings --raw -o region,object $user | grep -F "$D/mount/served"
		try verify $user; echo "verify: $?"
		kill -CONT $server'
	[ "$status" -eq 0 ]
	[[ $output == *"file $D/mount/served"* ]]
	[[ $output == *'not opened: a process serves its file system (FUSE)'* ]]
	[[ $output == *'verify: 2' ]]
	[[ $stderr == *'1 mapped file was not opened'*'(FUSE)'* ]]
}

@test "--ask-servers: its files are opened, too, by a process that is left behind where no answer comes" {
	inside '
		try map --ask-servers -n -r -o region,object $user | grep -F "$D/mount/served" | sort -u
		try translate --ask-servers -n -r -o region,object $user \
			"$(awk "/r-xp.*served/ { sub(/-.*/, \"\"); print; exit }" /proc/$user/maps)" || exit
		try verify --ask-servers $user; echo "verify: $?"
		kill -STOP $server
		begun=$SECONDS
		try map --ask-servers=1 -n -r -o region,object $user | grep -F "$D/mount/served"
		try verify --ask-servers=1 $user; echo "verify: $?"
		echo "took $((SECONDS - begun < 20))"
		kill -CONT $server
		wait_for "! pgrep -x physlens >$D/left"'
	[ "$status" -eq 0 ]
	[[ $output == *".text $D/mount/served"*".init $D/mount/served"* ]]
	[[ $output == *"a server has its file system, whose disk is not here"*'verify: 2'* ]]
	[[ $output == *"file $D/mount/served"*'did not answer within 1 s'*'verify: 2'*'took 1' ]]
	[[ $stderr == *'1 mapped file was not opened'*'not waited for: its server did not answer within 1 s'* ]]
}

@test "a mount that is in nobody's list is asked for by such a process, and then not opened" {
	inside '
		before=$(grep -c . /proc/$user/maps)
		umount -l "$D/mount"
		! grep -q "$D/mount" /proc/$user/mountinfo || exit 3
		try map -n -r -o region,object $user | grep -F served
		kill -STOP $server
		begun=$SECONDS
		try map -n -r -o region,object $user | grep -F served
		echo "took $((SECONDS - begun < 20))"
		kill -CONT $server'
	[ "$status" -eq 0 ]
	[[ $output == *'file '*served*'file '*served*'took 1' ]]
	[[ $stderr == *'a process serves its file system (FUSE)'*'did not answer within 2 s'* ]]
}

@test "looking at a process leaves its pages of such a file where they are" {
	inside '
		present() { awk -v name="$D/mount/served" "\$NF == name { own = 1 } /^VmFlags/ { own = 0 }
			own && /^Rss/ { sum += \$2 } END { print sum }" /proc/$user/smaps; }
		before=$(present)
		[ "$before" -gt 0 ] || exit 3
		for c in "map $user" "map --pages $user" census "verify $user" "share $user $server"; do
			try $c >/dev/null
			[ "$(present)" = "$before" ] || { echo "after $c: $(present), not $before"; exit 4; }
		done
		try map -n -r -o pages,present,object $user | awk -v name="$D/mount/served" \
			"\$3 == name { sum += \$2 * 4 } END { print sum }" >"$D/out"
		[ "$(<"$D/out")" = "$before" ]'
	[ "$status" -eq 0 ]
}

# A system call that takes long, which a hold must not.
slow_reads() {
	[ -z "${SANITIZE:-}" ] || skip 'sanitizers want to be loaded first'
	cat >"$D/slow.c" <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <signal.h>
		#include <stdarg.h>
		#include <stdlib.h>
		#include <sys/types.h>
		#include <unistd.h>
		static void once(void)
		{
			static int done;
			if (__sync_lock_test_and_set(&done, 1))
				return;
			if (getenv("STOPPED"))
				kill(getpid(), SIGTSTP);
			for (unsigned left = atoi(getenv("SLOW")); left; left = sleep(left))
				;
		}
		long syscall(long number, ...)
		{
			static long (*next)(long, long, long, long, long, long, long);
			long a[6];
			va_list args;
			va_start(args, number);
			for (int i = 0; i < 6; i++)
				a[i] = va_arg(args, long);
			va_end(args);
			if (!next)
				next = (long (*)(long, long, long, long, long, long, long))dlsym(RTLD_NEXT, "syscall");
			if (number == 312) /* kcmp: the first that is asked of who is held */
				once();
			return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
		}
	END
	"${CC:-cc}" -shared -fPIC -o "$D/slow.so" "$D/slow.c" -ldl
}

@test "--freeze=SECONDS: who hangs lets go all the same, and says so" {
	slow_reads
	inside '
		(while :; do date +%s%N >>"$D/ticks"; sleep 0.05; done) &
		wait_for "[ -s $D/ticks ]"
		SLOW=6 LD_PRELOAD=$D/slow.so try census --freeze=1 >"$D/out" || exit
		sleep 0.2
		awk "NR > 1 && \$1 - last > longest { longest = \$1 - last } { last = \$1 }
			END { print longest / 1e9 }" "$D/ticks"'
	[ "$status" -eq 0 ]
	[[ $stderr == *'let go after 1 seconds'*'not of one instant'* ]]
	# It slept six seconds; one of them they were held.
	awk -v longest="$output" 'BEGIN { exit !(longest > 0.5 && longest < 5) }'
}

@test "--freeze=SECONDS: who is stopped by another lets go all the same, and says so" {
	slow_reads
	# Those that are held are in a namespace within, where who stops physlens is not.
	inside '
		traced() { grep -q "^TracerPid:.[1-9]" "/proc/$held/status"; }
		unshare -m -p -f --mount-proc --kill-child bash -c "
			sleep 601 &
			SLOW=3 LD_PRELOAD=$D/slow.so setsid --wait $PHYSLENS census --freeze=2 >$D/out; echo status \$?; kill %1" &
		within=$!
		wait_for "pgrep -xo physlens >$D/reader && pgrep -xf \"sleep 601\" >$D/held"
		reader=$(cat "$D/reader") held=$(cat "$D/held")
		wait_for traced
		# It alone, and its group.
		kill -STOP $reader; kill -STOP -- -$(ps -o pgid= -p $reader | tr -d " ")
		traced && echo held
		wait_for "! traced"
		grep -h "^State" /proc/$held/status
		kill -CONT $reader; kill -CONT -- -$(ps -o pgid= -p $reader | tr -d " ")
		wait $within'
	[ "$status" -eq 0 ]
	[[ $output == held*'S (sleeping)'*'status 0' ]]
	[[ $stderr == *'let go after 2 seconds'*'not of one instant'* ]]
}

@test "--freeze: a stop from the terminal comes when all were let go" {
	slow_reads
	inside '
		set -m
		SLOW=2 STOPPED=1 LD_PRELOAD=$D/slow.so "$PHYSLENS" census --freeze=100 >"$D/out" & reader=$!
		# A shell that sees its job stop ends its loops.
		bash -c "until grep -q ^State:.T /proc/$reader/status; do sleep 0.1; done"
		grep -h "^State" /proc/$user/status
		[ ! -s "$D/out" ] || exit 3
		kill -CONT $reader
		bash -c "while grep -q ^State:.[^Z] /proc/$reader/status; do sleep 0.1; done 2>/dev/null"
		[ -s "$D/out" ]'
	[ "$status" -eq 0 ]
	[[ $output == *'S (sleeping)'* ]]
}
