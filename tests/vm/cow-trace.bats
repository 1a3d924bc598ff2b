#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 2048
# vm-deep: --kernel stock-6.1 --cpus 1 --mem 2048
# vm-deep: --kernel stock-6.12 --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm-deep: --kernel stock-newest --cpus 1 --mem 2048
# A trace of cow with many looks, and one that is killed.

load guest
load ../helpers/cow

PHYSLENS=$physlens

setup_file() {
	all_kinds_possible
	# Huge pages where a program asks for them; khugepaged would make some while they are looked at.
	echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
	echo 3600000 >/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs
}

setup() { subject=''; }

teardown() {
	[ -z "$subject" ] || {
		kill -KILL "$subject"
		wait "$subject" 2>/dev/null || true
	}
}

# traced KINDS OPTION…: cowpages traced, and every page found as it was written.
traced() {
	local kinds=$1
	shift
	local log=$BATS_TEST_TMPDIR/log out=$BATS_TEST_TMPDIR/out
	merge_eagerly 5
	run -5 --separate-stderr "$physlens" cow --json --pages "$@" -O "$log" -- \
		"$programs/cowpages" --run --only "$kinds"
	merge_eagerly 10000
	echo "$stderr"
	[ -z "$stderr" ]
	printf '%s\n' "$output" >"$out"
	child=$(sed -n 's/^child //p' "$out")
	{
		cow_check_stories "$out" "$log" "$(sed -n 's/^parent //p' "$out")" 4
		cow_check_stories "$out" "$log" "$child" 5
	} >"$BATS_TEST_TMPDIR/wrong" || true
	cat "$BATS_TEST_TMPDIR/wrong"
	[ ! -s "$BATS_TEST_TMPDIR/wrong" ]
	# The totals are what was written, and of the copies of the fixture's pages each is in them.
	jq -e --argjson child "$child" '.cow[-1].event == "total" and
		([.cow[] | select(.event == "copied")] | length) == .cow[-1]."by-parent" + .cow[-1]."by-child" and
		([.cow[] | select(.event == "exit" and .pid == $child)][0] | .status == "7" and .moved == 0)' "$log"
}

@test "a trace with many looks in between finds the same" {
	traced anon,heap,stack,data,bss,file,thp,shared,mlocked --interval 0.1
}

@test "the tool is killed: the program is neither left stopped, nor traced" {
	local tracer tries state
	bash -c 'while :; do (x=1); sleep 0.1; done' 3>&- 4>&- &
	subject=$!
	for delay in 0.4 1 1.5; do
		"$physlens" cow --interval 0.1 -O "$BATS_TEST_TMPDIR/log" --attach "$subject" 3>&- 4>&- &
		tracer=$!
		sleep $delay
		kill -KILL "$tracer"
		wait "$tracer" || true
		for ((tries = 0; tries < 100; tries++)); do
			state=$(awk '/^State:/ { s = $2 } /^TracerPid:/ { print s, $2 }' "/proc/$subject/status")
			[[ $state != [RSD]' 0' ]] || break
			sleep 0.05
		done
		[[ $state == [RSD]' 0' ]]
	done
}
