#!/usr/bin/env bats
# vm: --kernel lab --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel lab --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-6.12 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# SPDX-License-Identifier: GPL-2.0-or-later
# physlens lab with all that it can have: swap, page tables, every experiment measured whole.

load guest
load ../helpers/lab

setup() {
	all_kinds_possible
	LAB_HELPERS=../helpers PHYSLENS=$physlens
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
}

names() { "$physlens" lab -n -r -o name; }

@test "every experiment: nothing is missing, and all that is said holds" {
	local name source=kcore
	[ "$(names | wc -l)" = 10 ]
	[[ ! -e /proc/config.gz ]] || source=devmem # the lab kernel
	for name in $(names); do
		run -0 "$physlens" lab -J --source "$source" "$name"
		jq -e '[.lab[] | select(.kind == "claim")] | length > 2' <<<"$output"
		[ -z "$(jq -r '.lab[] | select(.kind == "missing" or (.kind == "claim" and .text != "holds")) |
			.name + ": " + .text' <<<"$output" | tee /dev/stderr)" ]
	done
}

@test "every experiment, step by step: what is drawn is what an independent reader finds then" {
	local name
	for name in $(names); do
		lab_compare "$name"
		echo "$name: $LAB_STEPS steps, $LAB_COMPARED numbers"
		[ "$LAB_STEPS" -ge 1 ]
		[ "$LAB_COMPARED" -ge 3 ]
		# In ASCII and in 80 columns.
		run ! grep -qP '[^\x20-\x7e]' "$LAB_DIR/out"
		run ! grep -E '^.{81}' "$LAB_DIR/out"
		grep -q '^ ok ' "$LAB_DIR/out"
		run ! grep -q '^ NO ' "$LAB_DIR/out"
	done
}

@test "fork --step: permissions are the page tables', at each step, as map says" {
	local pids place vpn rest pane cell count=0
	lab_begin fork
	while lab_pause; do
		mapfile -t pids < <(grep -oE '(parent|child): process [0-9]+' "$LAB_DIR/step" | grep -oE '[0-9]+$')
		while read -r place vpn rest; do
			for ((pane = 0; pane < ${#pids[@]}; pane++)); do
				cell=$(cut -d '|' -f $((pane + 2)) <<<"$rest")
				[[ $cell =~ 0x[0-9a-f]+[*]?\ +([rwx>-]+)\  ]] || continue
				echo "$place of ${pids[pane]}: drawn ${BASH_REMATCH[1]}"
				[ "$("$physlens" map --pages -n -r -o pte --range \
					"${vpn}000-$(printf '0x%x' $((vpn * 4096 + 4096)))" "${pids[pane]}")" = \
					"${BASH_REMATCH[1]##*>}" ]
				count=$((count + 1))
			done
		done < <(grep -E '^[.a-z]+ +0x[0-9a-f]+ +\|' "$LAB_DIR/step")
		lab_enter
	done
	lab_end
	[ "$count" = 35 ]
	# In the end, and only for the one that faulted.
	grep -qE '^stack .*\| .* r->rw .*\| .* rw ' "$LAB_DIR/out"
}

@test "every experiment: without a source it shows what it can, and says what is missing" {
	local name
	for name in $(names); do
		run -0 "$physlens" lab -J --source none "$name"
		[ -z "$(jq -r '.lab[] | select(.kind == "claim" and .text == "FAILS") | .name' <<<"$output")" ]
		jq -e '.lab | any(.kind == "missing" and (.text | contains("--source=none")))' <<<"$output"
	done
}

@test "paging and hierarchy without swap: said, and no claim is false" {
	local name
	swapoff -a
	for name in paging hierarchy; do
		run -0 "$physlens" lab -J "$name"
		jq -e '.lab | any(.kind == "missing" and (.text | contains("swapon a device or file")))' <<<"$output"
		jq -e '.lab | any(.kind == "claim" and .text == "not measured")' <<<"$output"
		jq -e '.lab | all(.kind != "claim" or .text != "FAILS")' <<<"$output"
	done
}

@test "paging with swap on a disk: what is still in the swap cache comes back by a minor fault" {
	local disk
	swapoff -a
	[ -e /dev/loop0 ] || modprobe loop
	truncate -s 64M "$BATS_TEST_TMPDIR/swap"
	disk=$(losetup -f --show "$BATS_TEST_TMPDIR/swap")
	mkswap "$disk"
	swapon "$disk"
	"$physlens" lab -J paging >json
	swapoff "$disk"
	losetup -d "$disk"
	jq -e '.lab | all(.kind != "claim" or .text == "holds")' json
	jq -e '.lab | any(.kind == "claim" and (.name | contains("still in the swap cache")))' json
	jq -e '[.lab[] | select(.kind == "faults" and .step == 7) | .value] == [1, 0]' json
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
	lab_begin fork
	lab_pause
	kill -KILL "$LAB_SUBJECT"
	lab_enter
	status=0
	lab_end || status=$?
	[ "$status" = 2 ]
	grep -q "^physlens: lab: the experiment's program" "$LAB_DIR/err"
}
