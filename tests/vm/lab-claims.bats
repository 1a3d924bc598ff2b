#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel lab --cpus 1 --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-6.12 --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm-deep: --kernel stock-6.1 --cpus 1 --mem 2048
# vm-deep: --kernel stock-newest --cpus 1 --mem 2048
# physlens lab with all that it can have: swap, page tables. Every experiment is run once, measured
# whole, on the kernels whose page tables and whose reclaim differ.

load guest

# NAME.tsv of each: KIND STEP PROCESS NAME TEXT VALUE STATE PFN PTE
setup_file() {
	local name source=kcore
	all_kinds_possible
	[[ ! -e /proc/config.gz ]] || source=devmem # the lab kernel
	"$physlens" lab -n -r -o name >"$BATS_FILE_TMPDIR/names"
	while read -r name; do
		"$physlens" lab -J --source "$source" "$name" >"$BATS_FILE_TMPDIR/$name.json"
		jq -r '.lab[] | [.kind, .step, .process, .name, .text, .value, .state, .pfn, .pte] |
			map(. // "-") | @tsv' "$BATS_FILE_TMPDIR/$name.json" >"$BATS_FILE_TMPDIR/$name.tsv"
	done <"$BATS_FILE_TMPDIR/names"
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

@test "every experiment: nothing is missing, and all that is said holds" {
	local name
	[ "$(wc -l <names)" = 10 ]
	while read -r name; do
		[ "$(grep -c '^claim' "$name.tsv")" -gt 2 ]
		awk -F'\t' -v name="$name" '$1 == "missing" || $1 == "claim" && $5 != "holds" {
			print name ": " $4 ": " $5; bad = 1 } END { exit bad }' "$name.tsv"
	done <names
}

@test "fork: what the hardware allows, step by step" {
	local step place seen=()
	# What each step has, as "NAME:PROCESS=PTE".
	for step in 1 2 3 4; do
		seen[step]=" $(awk -F'\t' -v s=$step '$1 == "page" && $2 == s { printf "%s:%s=%s ", $4, $3, $9 }' fork.tsv)"
		echo "$step:${seen[step]}"
	done
	for place in stack heap .bss .data; do
		[[ ${seen[1]} == *" $place:parent=rw "* ]]
		[[ ${seen[2]} == *" $place:parent=r "* && ${seen[2]} == *" $place:child=r "* ]]
	done
	[[ ${seen[3]} == *' stack:parent=r '* && ${seen[3]} == *' stack:child=rw '* ]]
	[[ ${seen[4]} == *' stack:parent=rw '* && ${seen[4]} == *' stack:child=rw '* ]]
	[[ ${seen[4]} == *' heap:parent=r '* && ${seen[4]} == *' heap:child=r '* ]]
	[[ ${seen[4]} == *' .text:parent=rx '* && ${seen[4]} == *' .text:child=rx '* ]]
}

@test "address: as many levels as the machine has, and the byte" {
	local levels=4
	! grep -q -w la57 /proc/cpuinfo || levels=5
	[ "$(grep -c '^level' address.tsv)" = $levels ]
	[ "$(awk -F'\t' '$1 == "byte" { print $6 }' address.tsv)" = 80 ]
}

@test "paging: pages go to swap and to the file, and come back elsewhere by a major fault" {
	# of FIELD STEP: that field of all anonymous pages in a step.
	of() {
		awk -F'\t' -v f="$1" -v s="$2" '$1 == "page" && $2 == s && $4 == "anonymous" { print $f }' \
			paging.tsv | xargs
	}
	[[ $(of 7 4) == 'present present untouched untouched untouched zero untouched untouched' ]]
	[[ $(of 7 6) == 'swapped swapped '* ]]
	[[ $(of 7 7) == 'present '* ]]
	[ "$(awk -F'\t' '$1 == "faults" && $2 == 7 && $4 == "major" { print $6; exit }' paging.tsv)" -ge 1 ]
	# page 0 before and after
	[ "$(of 8 3 | cut -d ' ' -f 1)" != "$(of 8 7 | cut -d ' ' -f 1)" ]
}
