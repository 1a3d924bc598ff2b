#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# --freeze: processes are held, and let go on every way out.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

setup() {
	[ "$(id -u)" = 0 ] || skip 'frame numbers are hidden from who is not root'
	helper_start sharers 4 64
	read -ra CHILDREN < <(sed -n 's/^children //p' "$HELPER_DIR/out")
}

teardown() {
	helpers_stop
	started_stop
}

# The state and tracer of a process, as "S 0".
state() {
	awk '/^State:/ { s = $2 } /^TracerPid:/ { print s, $2 }' "/proc/$1/status"
}

# Whether they all sleep, and nobody traces them; what was let go may take a moment.
all_run() {
	local pid tries
	for pid; do
		for ((tries = 0; tries < 500; tries++)); do
			[[ $(state "$pid") != [SR]\ 0 ]] || break
			sleep 0.02
		done
		[[ $(state "$pid") == [SR]\ 0 ]]
	done
}

# comes_to STATE PID[/task/TID]: its state and tracer become that; what was let go takes a moment.
comes_to() { wait_for has_state "$@"; }

has_state() { [ "$(state "$2")" = "$1" ]; }

@test "they go on afterwards" {
	run -0 --separate-stderr physlens share --freeze "$HELPER_PID" "${CHILDREN[@]}"
	[ -z "$stderr" ]
	all_run "$HELPER_PID" "${CHILDREN[@]}"
}

@test "one that was stopped stays stopped, and goes on when it is told to" {
	kill -STOP "${CHILDREN[0]}"
	comes_to 'T 0' "${CHILDREN[0]}"
	run -0 --separate-stderr physlens share --freeze "$HELPER_PID" "${CHILDREN[@]}"
	comes_to 'T 0' "${CHILDREN[0]}"
	all_run "$HELPER_PID" "${CHILDREN[1]}"
	kill -CONT "${CHILDREN[0]}"
	all_run "${CHILDREN[0]}"
}

@test "all threads of a process are held and let go" {
	command -v python3 >/dev/null || skip 'python3 is not installed'
	local task
	start python3 -c '
import threading, time
for _ in range(8):
	threading.Thread(target=lambda: time.sleep(300), daemon=True).start()
time.sleep(300)'
	wait_for grep -qx 'Threads:.9' "/proc/$PID/status"
	run -0 --separate-stderr physlens share -f "$PID" "$HELPER_PID"
	[ -z "$stderr" ]
	for task in "/proc/$PID/task"/*; do
		comes_to 'S 0' "$PID/task/${task##*/}"
	done
}

@test "a signal ends it, and what it held goes on: SIGKILL, too" {
	local signal pid delay
	for signal in INT TERM HUP QUIT PIPE KILL; do
		for delay in 0.01 0.05 0.1; do
			# A shell has its background jobs ignore INT and QUIT.
			env --default-signal=INT,QUIT "$PHYSLENS" share --freeze "$HELPER_PID" \
				"${CHILDREN[@]}" </dev/null >/dev/null 2>&1 3>&- 4>&- &
			pid=$!
			sleep $delay
			kill -$signal "$pid" 2>/dev/null || true
			wait "$pid" || true
			all_run "$HELPER_PID" "${CHILDREN[@]}"
		done
	done
}

@test "a reader that goes away" {
	run bash -c '"$1" share -f --pages "${@:2}" | head -n 1' - "$PHYSLENS" "$HELPER_PID" \
		"${CHILDREN[@]}"
	all_run "$HELPER_PID" "${CHILDREN[@]}"
}

@test "one that is traced already is named, and read while it runs" {
	command -v strace >/dev/null || skip 'strace is not installed'
	strace -qq -o /dev/null -p "${CHILDREN[0]}" </dev/null >/dev/null 2>&1 3>&- 4>&- &
	local tracer=$!
	disown
	traced_by "${CHILDREN[0]}" "$tracer"
	run -0 --separate-stderr physlens share -f "$HELPER_PID" "${CHILDREN[@]}"
	[[ $stderr == *"process ${CHILDREN[0]} cannot be held still: process $tracer traces it already"* ]]
	kill "$tracer"
	all_run "${CHILDREN[@]}"
}
