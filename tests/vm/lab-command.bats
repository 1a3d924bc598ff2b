#!/usr/bin/env bats
# vm: --kernel lab --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel lab --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-6.1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-6.12 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# SPDX-License-Identifier: GPL-2.0-or-later
# physlens lab with all that it can have: swap, page tables, every experiment measured whole.

load guest

setup() {
	all_kinds_possible
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
}

names() { "$physlens" lab -n -r -o name; }

@test "every experiment: nothing is missing, and all that is said holds" {
	local name
	[ "$(names | wc -l)" = 10 ]
	for name in $(names); do
		run -0 "$physlens" lab -J "$name"
		jq -e '[.lab[] | select(.kind == "claim")] | length > 2' <<<"$output"
		[ -z "$(jq -r '.lab[] | select(.kind == "missing" or (.kind == "claim" and .text != "holds")) |
			.name + ": " + .text' <<<"$output" | tee /dev/stderr)" ]
	done
}

@test "every experiment draws in ASCII and in 80 columns" {
	local name
	for name in $(names); do
		"$physlens" lab --plain "$name" >drawn
		run ! grep -qP '[^\x20-\x7e]' drawn
		run ! grep -E '^.{81}' drawn
		grep -q '^ ok ' drawn
		run ! grep -q '^ NO ' drawn
	done
}

# entry PID ADDRESS…: "present PFN" for each, from pagemap, by perl.
frames_by_perl() {
	perl -e 'open $file, "<:raw", "/proc/" . shift . "/pagemap" or die;
		for (@ARGV) {
			sysseek $file, hex($_) / 4096 * 8, 0;
			sysread($file, $word, 8) == 8 or die;
			$word = unpack "Q", $word;
			printf "%s\n", $word >> 63 ? sprintf "0x%x", $word & ((1 << 55) - 1) : "none";
		}' "$@"
}

@test "fork --step: frames are pagemap's and permissions the page tables', at each step" {
	local lab hold step pids place vpn rest pane cell count=0 kind
	mkfifo in
	exec {hold}<>in
	: >out
	"$physlens" lab --plain --step fork <in >out 3>&- {hold}>&- &
	lab=$!
	for step in 1 2 3; do
		until [[ $(grep -c Enter out) -ge $step ]]; do
			kill -0 "$lab"
			sleep 0.05
		done
		awk -v n="$step" '/^[0-9]\. / { s = substr($0, 1, 1) } s == n' out >step
		mapfile -t pids < <(grep -oE '(parent|child): process [0-9]+' step | grep -oE '[0-9]+$')
		while read -r place vpn rest; do
			for ((pane = 0; pane < ${#pids[@]}; pane++)); do
				cell=$(cut -d '|' -f $((pane + 2)) <<<"$rest")
				kind=$(frames_by_perl "${pids[pane]}" "${vpn}000")
				if [[ $cell =~ (0x[0-9a-f]+)[*]?\ +([rwx>-]+)\  ]]; then
					[ "$kind" = "${BASH_REMATCH[1]}" ]
					[ "$("$physlens" map --pages -n -r -o pte --range \
						"${vpn}000-$(printf '0x%x' $((vpn * 4096 + 4096)))" "${pids[pane]}")" = \
						"${BASH_REMATCH[2]##*>}" ]
					count=$((count + 1))
				else
					[ "$kind" = none ]
				fi
			done
		done < <(grep -E '^[.a-z]+ +0x[0-9a-f]+ +\|' step)
		echo >&"$hold"
	done
	wait "$lab"
	[ "$count" = 25 ]
	# In the end, and only for the one that faulted.
	grep -qE '^stack .*\| .* r->rw .*\| .* rw ' out
}

@test "fork: what the hardware allows, step by step" {
	"$physlens" lab -J fork >json
	# pte STEP PROCESS NAME
	pte() {
		jq -r --argjson s "$1" --arg p "$2" --arg n "$3" \
			'.lab[] | select(.kind == "page" and .step == $s and .process == $p and .name == $n) | .pte' json
	}
	for place in stack heap .bss .data; do
		[ "$(pte 1 parent "$place")" = rw ]
		[ "$(pte 2 parent "$place") $(pte 2 child "$place")" = 'r r' ]
	done
	[ "$(pte 3 parent stack) $(pte 3 child stack)" = 'r rw' ]
	[ "$(pte 4 parent stack) $(pte 4 child stack)" = 'rw rw' ]
	[ "$(pte 4 parent heap) $(pte 4 child heap)" = 'r r' ]
	[ "$(pte 4 parent .text) $(pte 4 child .text)" = 'rx rx' ]
}

@test "address: as many levels as the machine has, and the byte" {
	local levels=4
	! grep -q -w la57 /proc/cpuinfo || levels=5
	"$physlens" lab -J address >json
	jq -e "[.lab[] | select(.kind == \"level\")] | length == $levels" json
	jq -e '.lab[] | select(.kind == "byte") | .value == 80' json
}

@test "paging: pages go to swap and to the file, and come back elsewhere by a major fault" {
	"$physlens" lab -J paging >json
	# states STEP AREA
	states() {
		jq -r --argjson s "$1" --arg a "$2" \
			'[.lab[] | select(.kind == "page" and .step == $s and .name == $a) | .state] | join(" ")' json
	}
	[[ $(states 4 anonymous) == 'present present untouched untouched untouched zero untouched untouched' ]]
	[[ $(states 6 anonymous) == 'swapped swapped '* ]]
	[[ $(states 7 anonymous) == 'present '* ]]
	jq -e '[.lab[] | select(.kind == "faults" and .step == 7 and .name == "major")][0].value >= 1' json
	# page 0 before and after
	[ "$(jq -r '[.lab[] | select(.step == 3 and .name == "anonymous")][0].pfn' json)" != \
		"$(jq -r '[.lab[] | select(.step == 7 and .name == "anonymous")][0].pfn' json)" ]
}

@test "a program that ends midway is an error, not a picture" {
	local lab hold
	mkfifo in
	exec {hold}<>in
	: >out
	"$physlens" lab --plain --step fork <in >out 2>err 3>&- {hold}>&- &
	lab=$!
	until grep -q Enter out; do sleep 0.05; done
	kill -KILL "$(sed -n 's/.*parent: process \([0-9]*\).*/\1/p' out)"
	echo >&"$hold"
	run -2 wait "$lab"
	grep -q "^physlens: lab: the experiment's program" err
}
