#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 2048
# vm: --kernel stock-6.1 --cpus 1 --mem 2048
# vm: --kernel stock-6.12 --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-newest --cpus 1 --mem 2048
# vm: --kernel stock-cloud --cpus 1 --mem 2048
# vm-deep: --kernel lab --cpus 1 --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm-deep: --kernel lab --cpus 1 --mem 2048 --append 'pti=on nokaslr'
# cow on other kernels, where every kind of page is made: each is classed as it is, a trace counts what
# was written, and the hardware's write bit goes as the textbook says.

load guest
load ../helpers/cow

PHYSLENS=$physlens

setup_file() {
	all_kinds_possible
	# Huge pages where a program asks for them; khugepaged would make some while they are looked at.
	echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
	echo 3600000 >/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs
	start cowpages
	export made pid
}

teardown_file() { kill "$pid"; }

setup() { subject=''; }

teardown() {
	[ -z "$subject" ] || {
		kill -KILL "$subject"
		wait "$subject" 2>/dev/null || true
	}
}

@test "two processes: every page of every kind is classed as it was written" {
	local kind start want kinds=0 bad=0 rows=$BATS_TEST_TMPDIR/rows
	"$physlens" cow --pages --all -n -r -o VADDR,PAGES,STATE "$pid" "$(value child)" >"$rows"
	while read -r kind start want; do
		[ "$start" != skip ] || { echo "$kind: $want" && bad=1 && continue; }
		cow_same_classes "$kind" "$want" "$(cow_letters "$start" <"$rows")" || bad=1
		kinds=$((kinds + 1))
	done < <(awk -F'\t' 'NF >= 3 { print $1, $2, $3 }' "$made")
	[ "$bad" = 0 ]
	[ "$kinds" = 10 ]
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

@test "a trace: every page of every kind, by whom and how; result and status are the program's own" {
	traced anon,heap,stack,data,bss,file,thp,shared,mlocked,ksm
}

# The lab's program of fork: at each byte it does the next thing. Sets subject, and hold to write to.
subject_start() {
	local in=$BATS_TEST_TMPDIR/in
	mkfifo "$in"
	exec {hold}<>"$in"
	"$PWD/src/lab/fork" <"$in" >"$BATS_TEST_TMPDIR/said" 3>&- {hold}>&- &
	subject=$!
	await 1
}

# await N: until it has said that it is ready for the Nth time.
await() {
	local tries
	for ((tries = 0; tries < 400; tries++)); do
		[ "$(grep -c '^ready' "$BATS_TEST_TMPDIR/said")" -lt "$1" ] || return 0
		sleep 0.05
	done
	return 1
}

said() { sed -n "s/^$1 //p" "$BATS_TEST_TMPDIR/said"; }

# bits [OPTION…]: the state of the page, and what the hardware allows parent and child.
bits() {
	"$physlens" "$@" cow --pages --all -n -r -o STATE,PARENT-PTE,CHILD-PTE \
		--range "$page-$(printf '0x%x' $((page + 4096)))" "$subject" "$(said child)"
}

# counts: the same in the rows of regions.
counts() {
	"$physlens" cow -n -r -o PARENT-RW,CHILD-RW \
		--range "$page-$(printf '0x%x' $((page + 4096)))" "$subject" "$(said child)" | head -n 1
}

@test "the hardware's write bit: rw, then r in both after fork, then rw in the writer" {
	local hold source page
	subject_start
	page=$(printf '0x%x' $(($(said stack) & ~4095)))
	[ "$("$physlens" map --pages -n -r -o PTE \
		--range "$page-$(printf '0x%x' $((page + 4096)))" "$subject")" = rw ]
	echo >&"$hold"
	await 2
	[ "$(bits)" = 'shared r r' ]
	[ "$(counts)" = '0 0' ]
	echo >&"$hold"
	await 3
	for source in $(open_sources); do
		[ "$(bits --source "$source")" = 'by-child r rw' ]
	done
	[ "$(counts)" = '0 1' ]
	echo >&"$hold"
	await 4
	[ "$(bits)" = 'by-both rw rw' ]
	[ "$(counts)" = '1 1' ]
}
