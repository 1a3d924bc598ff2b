#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whoever lives is shown: nothing that a process can say of itself makes it look ended.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

teardown() {
	helpers_stop
	started_stop
}

# shown PID: by whatever looks at it, however often, and without a word that it ended.
shown() {
	local pid=$1 look

	for ((look = 0; look < 10; look++)); do
		run -0 --separate-stderr physlens map "$pid"
		[ -z "$stderr" ]
		[ "${#lines[@]}" -gt 5 ]
	done
	run -0 --separate-stderr physlens map --pages --noheadings --output VADDR "$pid"
	[ "${#lines[@]}" -gt 5 ]
}

# counted PID: by what reads all processes.
counted() {
	local pid=$1 look

	require_root
	for ((look = 0; look < 3; look++)); do
		run -0 --separate-stderr physlens census --noheadings --raw --output PID
		[[ $stderr != *"process $pid "* ]]
		[[ $'\n'$output$'\n' == *$'\n'"$pid"$'\n'* ]]
	done
	run -0 --separate-stderr physlens share --noheadings "$pid" "$HELPER_PID"
	[[ $stderr != *"left out"* ]]
}

@test "a process that changes in a loop where its program lies is shown" {
	helper_start forger
	shown "$(helper_value forger)"
	counted "$(helper_value forger)"
}

@test "so is one that does it in its parent's memory, and its parent" {
	helper_start forger vfork
	shown "$(helper_value forger)"
	shown "$HELPER_PID"
	require_root
	# One memory is one row, of either.
	run -0 --separate-stderr physlens census --noheadings --raw --output PID
	[[ $stderr != *"process $HELPER_PID "* && $stderr != *"process $(helper_value forger) "* ]]
	grep -qxF -e "$HELPER_PID" -e "$(helper_value forger)" <<<"$output"
}

# ---- a process whose first thread has exited ----

# everywhere PID TID: all commands know it as a living process.
everywhere() {
	shown "$1"
	run -0 --separate-stderr physlens translate "$1" "$(sed "s/-.*//;q" "/proc/$2/maps")"
	[ -z "$stderr" ]
	require_root
	counted "$1"
	run -0 --separate-stderr physlens census --noheadings --raw --output PID,COMMAND,RSS
	[[ $'\n'$output == *$'\n'"$1 "*' '[1-9]* ]]
	physlens owner --process "$1" --region stack -n -r -o PID | grep -qx "$1"
	run -0 --separate-stderr physlens cow "$1" "$HELPER_PID"
	[ -z "$stderr" ] || [[ $stderr != *zombie* ]]
	run --separate-stderr physlens verify "$1"
	[[ $stderr != *zombie* && $output == *'1 process compared'* ]]
}

# with_thread PID: the PID of a thread of it that has memory.
with_thread() {
	local task
	for task in "/proc/$1/task/"*; do
		[ "${task##*/}" = "$1" ] || echo "${task##*/}"
	done
}

@test "a process whose first thread has exited is alive" {
	helper_start headless
	local pid=$HELPER_PID tid page
	tid=$(with_thread "$pid")
	page=$(helper_value page)
	grep -q '^State:.Z' "/proc/$pid/status"
	helper_start zombie
	everywhere "$pid" "$tid"
	require_root
	[ "$(physlens read --raw "$pid:$page" 4)" = hhhh ]
	run -0 physlens read --verify "$pid:$page" 4096
	# What it is read by is what the kernel says of its thread.
	physlens map -n -r -o start,present "$pid" | awk '{ sum += $2 } END { print sum * 4 }' >"$BATS_TEST_TMPDIR/ours"
	awk '/^Rss/ { sum += $2 } END { print sum }' "/proc/$tid/smaps" >"$BATS_TEST_TMPDIR/theirs"
	[ $(($(<"$BATS_TEST_TMPDIR/ours") - $(<"$BATS_TEST_TMPDIR/theirs"))) -le 64 ]
}

@test "two such processes have not one address space; they are held, and traced" {
	require_root
	unshare -m -p -f --mount-proc true 2>/dev/null || skip 'no namespaces of processes'
	printf '%s\n' '
		headless() { "$PHYSLENS_HELPERS/headless" <"$D/input" >"$D/out.$1" & }
		mkfifo "$D/input"
		exec 9<>"$D/input"
		headless 1; a=$!
		headless 2; b=$!
		until grep -qs ready "$D/out.1" && grep -qs ready "$D/out.2"; do sleep 0.1; done
		"$PHYSLENS" census --freeze -n -r -o PID | grep -cx -e $a -e $b
		"$PHYSLENS" share --freeze -n -r -o PID $a $b | grep -cx -e $a -e $b
		"$PHYSLENS" cow --attach $a >"$D/attached" 2>&1 &
		until grep -q "^TracerPid:.$!" /proc/$a/task/*/status; do sleep 0.1; done
		kill -INT $!
		wait $!
		echo "attached: $?"' >"$BATS_TEST_TMPDIR/script"
	export D=$BATS_TEST_TMPDIR PHYSLENS PHYSLENS_HELPERS
	run -0 --separate-stderr timeout -s KILL 120 unshare -m -p -f --mount-proc --kill-child \
		bash "$BATS_TEST_TMPDIR/script"
	echo "$output"
	[ "${lines[0]}" = 2 ]
	[ "${lines[1]}" -gt 2 ]
	[[ ${lines[-1]} = 'attached: 0' ]]
	[ -z "$stderr" ]
}

@test "one of Python's that has left its first thread is alive" {
	command -v python3 >/dev/null || skip 'no python3'
	start python3 -c '
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).syscall(60, 0)'
	wait_for grep -q '^State:.Z' "/proc/$PID/status"
	shown "$PID"
}

@test "one that executes itself again and again was compared, or is named and verify not done" {
	require_root
	local look
	printf '#!/bin/sh\nexec "$0"\n' >"$BATS_TEST_TMPDIR/again"
	chmod 755 "$BATS_TEST_TMPDIR/again"
	start "$BATS_TEST_TMPDIR/again"
	for ((look = 0; look < 20; look++)); do
		run --separate-stderr physlens verify "$PID"
		echo "status $status: $output $stderr"
		[[ $status == 0 && $output == *'1 process compared'* ]] ||
			[[ $status == 2 && $stderr == *"process $PID executed another program"* ]] ||
			# Its text may be read while the kernel has it written, or made sure of.
			[[ $status == 2 && $output == *'1 process compared'* ]]
	done
}
