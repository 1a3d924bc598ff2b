#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# cow -- COMMAND and cow --attach: the story of forks, page for page, and a program that does not
# notice.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib
load helpers/cow

setup_file() {
	[ "$(id -u)" = 0 ] || skip 'frame numbers are hidden from who is not root'
	system_lock
	thp_on
	ksm_on
}

teardown_file() { system_restore; }

setup() {
	log=$BATS_TEST_TMPDIR/log
	STARTED_OUTPUT=$BATS_TEST_TMPDIR/started
}

teardown() {
	started_stop
}

state_of() { awk '/^State/ { print $2 }' "/proc/$1/status"; }

# wait_state PID LETTERS: until the process is in one of those states.
wait_state() {
	local tries state
	for ((tries = 0; tries < 1200; tries++)); do
		state=$(state_of "$1") && [ -n "$state" ] || return 1
		[[ $2 != *$state* ]] || return 0
		sleep 0.05
	done
	echo "process $1 is $(state_of "$1"), not $2"
	return 1
}

# check_stories: of parent and child, as the fixture's output says.
check_stories() {
	printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/out"
	child=$(sed -n 's/^child //p' "$BATS_TEST_TMPDIR/out")
	cow_check_stories "$BATS_TEST_TMPDIR/out" "$log" "$(sed -n 's/^parent //p' "$BATS_TEST_TMPDIR/out")" 4
	cow_check_stories "$BATS_TEST_TMPDIR/out" "$log" "$child" 5
	[ "$(grep -c '	0x' "$BATS_TEST_TMPDIR/out")" -ge 8 ]
}

@test "every page that a fixture wrote, by whom and how; result and status are its own" {
	run -5 --separate-stderr "$PHYSLENS" cow --json --pages -O "$log" -- \
		"$PHYSLENS_HELPERS/cowpages" --run
	[ -z "$stderr" ]
	local child
	jq -e . "$log" >/dev/null
	check_stories
	jq -e ".cow[] | select(.event == \"exit\" and .pid == $child) | .status == \"7\"" "$log"
	# The rows of the ledger are the sum of the pages.
	jq -e '.cow[-1].event == "total" and
		([.cow[] | select(.event == "copied")] | length) ==
			.cow[-1]."by-parent" + .cow[-1]."by-child" and
		([.cow[] | select(.event == "ledger")."by-child"] | add) == .cow[-1]."by-child"' "$log"
}

@test "many looks in between find the same" {
	run -5 --separate-stderr "$PHYSLENS" cow --json --pages --interval 0.01 -O "$log" -- \
		"$PHYSLENS_HELPERS/cowpages" --run
	local child
	check_stories
}

@test "exit status, signal and output of the program are passed through" {
	run -0 --separate-stderr "$PHYSLENS" cow -O "$log" -- echo hello
	[ "$output" = hello ] && [ -z "$stderr" ]
	run -3 --separate-stderr "$PHYSLENS" cow -O "$log" -- sh -c 'exit 3'
	run -143 "$PHYSLENS" cow -O "$log" -- sh -c 'kill -TERM $$'
	run -139 "$PHYSLENS" cow -O "$log" -- sh -c 'kill -SEGV $$'
	run -137 "$PHYSLENS" cow -O "$log" -- sh -c 'kill -KILL $$'
	run -0 --separate-stderr "$PHYSLENS" cow -O "$log" -- cat <<<'input'
	[ "$output" = input ]
	# Without a file the story is on standard error.
	run -0 --separate-stderr "$PHYSLENS" cow -- echo hello
	[ "$output" = hello ]
	[[ $stderr == *exec*exit*'0 forks'* ]]
}

@test "a chain of forks: each with its own story" {
	run -0 --separate-stderr "$PHYSLENS" cow --json -O "$log" -- \
		bash -c '( ( ( : ) ; : ) ; : ) ; :'
	jq -e '[.cow[] | select(.event == "fork")] | length == 3 and
		.[1].parent == .[0].pid and .[2].parent == .[1].pid' "$log"
	jq -e '[.cow[] | select(.event == "exit" and .parent)] | length == 3 and
		([.[]."by-child" > 0] | all)' "$log"
}

@test "exec at once and vfork" {
	run -0 --separate-stderr "$PHYSLENS" cow --json -O "$log" -- bash -c '/bin/true; :'
	jq -e '[.cow[].event] | index("fork") and (map(select(. == "exec")) | length == 2)' "$log"
	# posix_spawn() shares the memory until the exec: nothing is copied.
	run -0 --separate-stderr "$PHYSLENS" cow --json -O "$log" -- "$PHYSLENS_HELPERS/cowpages" --vfork
	jq -e '[.cow[].event] | index("vfork")' "$log"
	jq -e '.cow[-1]."by-child" == 0' "$log"
}

@test "threads: one memory, one story" {
	command -v python3 >/dev/null || skip 'python3 is not installed'
	run -0 --separate-stderr "$PHYSLENS" cow --json -O "$log" -- /usr/bin/env python3 -S -c '
import os, threading
threads = [threading.Thread(target=lambda: sum(range(1000))) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
pid = os.fork()
if pid == 0: os._exit(0)
os.waitpid(pid, 0)'
	jq -e '[.cow[] | select(.event == "fork" and .command == "python3")] | length == 1' "$log"
	jq -e '[.cow[] | select(.event == "vfork")] | length == 0' "$log"
}

@test "a thousand short children: all told" {
	# shellcheck disable=SC2016 # for that shell
	run -0 --separate-stderr timeout 120 "$PHYSLENS" cow --json -O "$log" -- \
		bash -c 'for ((i = 0; i < 1000; i++)); do (:); done; :'
	jq -e '[.cow[] | select(.event == "fork")] | length == 1000' "$log"
	jq -e '[.cow[] | select(.event == "exit" and .parent and ."by-child" != null)] | length == 1000' "$log"
}

@test "a program that cannot be executed: exit 2" {
	run -2 --separate-stderr "$PHYSLENS" cow -- /no/such/program
	[[ $stderr == *'/no/such/program: No such file or directory'* ]]
	run -2 --separate-stderr "$PHYSLENS" cow -- /etc/passwd
	[[ $stderr == *'/etc/passwd: Permission denied'* ]]
	run -2 --separate-stderr "$PHYSLENS" cow --
}

# A shell that forks all the time, twice a turn, and notes each turn.
forking() {
	# shellcheck disable=SC2016 # for that shell
	start bash -c 'while :; do (x=1); sleep 0.1; echo >>"$1"; done' - "$BATS_TEST_TMPDIR/turns"
	target=${STARTED[0]}
	wait_for test -s "$BATS_TEST_TMPDIR/turns"
}

# turned N: until it has done so N times more.
turned() { wait_for has_turned $(($(wc -l <"$BATS_TEST_TMPDIR/turns") + $1)); }

has_turned() { [ "$(wc -l <"$BATS_TEST_TMPDIR/turns")" -ge "$1" ]; }

@test "--attach: the forks from now on; interrupted, the program lives on" {
	local tracer
	forking
	"$PHYSLENS" cow --json -O "$log" --attach "$target" 3>&- 4>&- &
	tracer=$!
	traced_by "$target" "$tracer"
	turned 3
	# Whoever reads along has had them by now.
	grep -q '"fork"' "$log"
	kill -INT "$tracer"
	wait "$tracer"
	jq -e '[.cow[] | select(.event == "fork")] | length >= 2' "$log"
	jq -e ".cow[-1].event == \"total\"" "$log"
	[ "$(awk '/TracerPid/ { print $2 }' "/proc/$target/status")" = 0 ]
	wait_state "$target" SR
	# It still forks.
	turned 2
}

@test "the tool is killed: nothing is left stopped, nor traced" {
	local tracer pid status
	forking
	for _ in 1 2 3 4 5; do
		"$PHYSLENS" cow --interval 0.05 -O "$log" --attach "$target" 3>&- 4>&- &
		tracer=$!
		disown
		traced_by "$target" "$tracer"
		sleep 0.27
		kill -KILL "$tracer"
		while _process_lives "$tracer"; do sleep 0.01; done
		for pid in "$target" $(pgrep -P "$target"); do
			# A child may end at any time: then there is nothing to read.
			status=$(cat "/proc/$pid/status" 2>/dev/null) || continue
			[[ $status != *TracerPid:$'\t'[1-9]* ]]
			[[ $status != *State:$'\t'[tT]* ]]
		done
	done
	wait_state "$target" SR
}

@test "SIGSTOP and SIGCONT: a job that is stopped stays stopped, and goes on" {
	local tracer
	forking
	"$PHYSLENS" cow -O "$log" --attach "$target" 3>&- 4>&- &
	tracer=$!
	traced_by "$target" "$tracer"
	kill -STOP "$target"
	wait_state "$target" tT
	sleep 0.5
	[[ $(state_of "$target") == [tT] ]]
	kill -CONT "$target"
	wait_state "$target" SR
	# Stopped, then the tool ends: it is stopped still.
	kill -STOP "$target"
	wait_state "$target" tT
	kill -INT "$tracer"
	wait "$tracer"
	wait_state "$target" T
	sleep 0.2
	[ "$(state_of "$target")" = T ]
	kill -CONT "$target"
	wait_state "$target" SR
}

@test "already traced: who traces it is said" {
	local tracer
	start sleep 300
	asleep "${STARTED[0]}"
	"$PHYSLENS" cow -O "$log" --attach "${STARTED[0]}" 3>&- 4>&- &
	tracer=$!
	traced_by "${STARTED[0]}" "$tracer"
	run -2 --separate-stderr "$PHYSLENS" cow --attach "${STARTED[0]}"
	[ "$stderr" = "physlens: cow: process ${STARTED[0]} cannot be traced: process $tracer traces it already" ]
	kill -INT "$tracer"
	wait "$tracer"
	run -2 --separate-stderr "$PHYSLENS" cow --attach 999999999
	[[ $stderr == *'no such process: 999999999'* ]]
}

@test "SIGTERM to the tool is handed to the program; SIGINT is the program's own affair" {
	local tracer
	# shellcheck disable=SC2016 # for that shell
	"$PHYSLENS" cow -O "$log" -- \
		bash -c 'trap "exit 9" TERM; echo trapped; while :; do sleep 0.1; done' \
		>"$BATS_TEST_TMPDIR/said" 3>&- 4>&- &
	tracer=$!
	until grep -q trapped "$BATS_TEST_TMPDIR/said"; do
		kill -0 "$tracer"
		sleep 0.05
	done
	kill -INT "$tracer"
	sleep 0.2
	kill -0 "$tracer"
	kill -TERM "$tracer"
	local status=0
	wait "$tracer" || status=$?
	[ "$status" = 9 ]
}

# A program that forks; the child writes 4096 pages after so many system calls, and executes another.
writes_and_executes() {
	command -v perl >/dev/null || skip 'no perl'
	cat >"$BATS_TEST_TMPDIR/script" <<-'END'
		$bytes = "a" x (16 << 20);
		if (!fork) {
			for (1 .. $ARGV[0]) { getppid }
			substr($bytes, $_ << 12, 1) = "b" for 0 .. 4095;
			exec "nosuch-program" or exec "true";
		}
		wait;
	END
	run -0 --separate-stderr "$PHYSLENS" cow "$@"
}

@test "what a child copied before it executed another program is seen right before" {
	writes_and_executes --json -O "$log" --interval 0 -- perl "$BATS_TEST_TMPDIR/script" 0
	[ -z "$stderr" ]
	# By the kernel's word its faults are hardly more.
	jq -e '.cow[] | select(.event == "exec" and .parent) | .["by-child"] | . >= 4096 and . < 5000' "$log"
	jq -e '.cow[] | select(.event == "total") | .["by-child"] >= 4096 and .copied >= 16777216' "$log"
	writes_and_executes -O "$log" -- perl "$BATS_TEST_TMPDIR/script" 0
	grep -qE 'Writes have copied 1[67] MiB: ' "$log"
}

@test "where it could not be seen the sums are said to be the least" {
	writes_and_executes -O "$log" --interval 0 -- perl "$BATS_TEST_TMPDIR/script" 2000
	grep -q 'Writes have copied at least ' "$log"
	[[ $stderr == *'1 process executed another program without a look right before'*'the least' ]]
}

@test "without privilege the story is told, and what is hidden is said to be" {
	[ "${PHYSLENS_IN_VM-}" != 1 ] || return 0
	id nobody >/dev/null || skip 'no user nobody'
	local copy=/tmp/physlens-cow-$$
	install -m 755 "$PHYSLENS" "$copy"
	run --separate-stderr setpriv --reuid nobody --regid nogroup --clear-groups \
		"$copy" cow -- bash -c '(exit 4); exit 6'
	rm "$copy"
	[ "$status" = 6 ]
	[[ $stderr == *'frame numbers are hidden'* && $stderr == *fork* && $stderr == *hidden* ]]
}

@test "a set-user-ID program is traced without its privileges, and that is said" {
	id nobody >/dev/null || skip 'no user nobody'
	local dir=/tmp/physlens-cow-$$
	mkdir -m 755 "$dir"
	install -m 755 "$PHYSLENS" "$dir/physlens"
	install -m 4755 /usr/bin/id "$dir/id"
	run --separate-stderr setpriv --reuid nobody --regid nogroup --clear-groups \
		"$dir/physlens" cow -- "$dir/id"
	local as_user=$output said=$stderr
	# Who may trace all takes nothing from it.
	run -0 --separate-stderr "$PHYSLENS" cow -O "$log" -- \
		setpriv --reuid nobody --regid nogroup --clear-groups "$dir/id"
	rm -r "$dir"
	[[ $as_user == uid=*nobody* && $as_user != *euid* ]]
	[[ $said == *'runs a set-user-ID or set-group-ID program'* ]]
	[[ $stderr != *set-user-ID* ]]
}
