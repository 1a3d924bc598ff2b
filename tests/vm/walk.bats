#!/usr/bin/env bats
# vm: --kernel lab --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel lab --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm: --kernel lab --mem 4096 --append 'pti=on nokaslr hugepagesz=1G hugepages=1'
# vm: --kernel stock-6.1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-6.12 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# SPDX-License-Identifier: GPL-2.0-or-later
# The page tables of every kind of page, through every source that the kernel leaves open.

load guest

setup() { all_kinds_possible; }

teardown() { stop_all; }

# RAM through /dev/mem only where it is not strict.
sources() {
	! "$programs/devmem-peek" "$(ram_address)" 16 >/dev/null 2>&1 || echo devmem
	echo kcore
	echo bpf
}

# of KIND FIELD: from the fixture's lines.
of() { awk -F'\t' -v k="$1" -v f="$2" '$1 == k { print $f }' "$made"; }

range() { printf '%s-0x%x\n' "$(of "$1" 2)" $(($(of "$1" 2) + $(of "$1" 3) * 4096)); }

# The PFNs that the tables give for the pages of one kind, and those that dd and od find in pagemap.
by_tables() {
	"$physlens" --source "$1" walk --range "$(range "$2")" -n -r -o vaddr,pages,pfn "$pid" |
		while read -r vaddr pages pfn; do
			for ((i = 0; i < pages; i++)); do
				printf '0x%x 0x%x\n' $((vaddr + i * 4096)) $((pfn + i))
			done
		done
}

by_pagemap() {
	local start pages i word
	start=$(of "$1" 2) pages=$(of "$1" 3)
	dd if="/proc/$pid/pagemap" bs=8 skip=$((start / 4096)) count="$pages" status=none |
		od -An -v -w8 -t u8 | while read -r word; do
			# Bash's numbers are signed: bit 63 makes a present entry negative.
			if ((word < 0)); then
				printf '0x%x 0x%x\n' "$start" $((word & 0x7fffffffffffff))
			fi
			start=$((start + 4096))
		done
}

@test "every source: the frames of each kind are those of an independent read of pagemap" {
	local source kind compared=0
	start pagekinds
	for source in $(sources); do
		for kind in anon-written anon-read mlocked prot-none growsdown thp thp-split thp-zero \
			thp-shared hugetlb ksm file-shared file-private-written shared-anon stack text; do
			# What cannot be made is another test's affair.
			[[ $(of "$kind" 2) == 0x* ]] || continue
			by_tables "$source" "$kind" >"$BATS_TEST_TMPDIR/tables"
			by_pagemap "$kind" >"$BATS_TEST_TMPDIR/pagemap"
			[ -s "$BATS_TEST_TMPDIR/tables" ]
			diff "$BATS_TEST_TMPDIR/tables" "$BATS_TEST_TMPDIR/pagemap"
			compared=$((compared + 1))
		done
	done
	[ "$compared" -ge 24 ]
}

@test "every source: all pages of the fixture, of init and of this shell agree with pagemap" {
	local source process
	start pagekinds
	for source in $(sources); do
		for process in "$pid" 1 $$; do
			run -0 "$physlens" --source "$source" walk --all --compare "$process"
			[[ ${lines[-1]} =~ ([0-9,]+)\ pages\ compared.*:\ ([0-9,]+)\ agree\.$ ]]
			[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
			[ "${BASH_REMATCH[1]}" != 0 ]
		done
	done
}

@test "every source: the same tables, of as many levels as there are" {
	local source levels=4 first='' now
	! grep -q -w la57 /proc/cpuinfo || levels=5
	start pagekinds --only mlocked
	for source in $(sources); do
		now=$("$physlens" --source "$source" walk -J "$pid" "$(of mlocked 2)")
		jq -e ".walk | length == $levels + 2 and .[-1].agrees" <<<"$now"
		[ -z "$first" ] || [ "$first" = "$now" ]
		first=$now
	done
}

@test "a page of 1 GiB ends at the PUD, of 2 MiB at the PMD" {
	local source
	start pagekinds --only hugetlb-1g,hugetlb,thp
	for source in $(sources); do
		"$physlens" --source "$source" walk -J "$pid" "$(of hugetlb-1g 2)" |
			jq -e '.walk[-2] | .level == "PUD" and (.flags | startswith("huge-1G"))'
		"$physlens" --source "$source" walk -J "$pid" "$(of hugetlb 2)" |
			jq -e '.walk[-2] | .level == "PMD" and (.flags | startswith("huge-2M"))'
		[ "$("$physlens" --source "$source" map --pages -n -r -o size --range "$(range thp)" "$pid" |
			sort -u)" = 2M ]
	done
}

@test "fork takes the write bit from both, the write gives it back to the writer alone" {
	local source child
	start pagekinds --only cow-shared,cow-parent-wrote,cow-child-wrote
	child=$(of cow-shared 6 | tr , '\n' | sed -n 's/^child=//p')
	for source in $(sources); do
		pte() {
			"$physlens" --source "$source" map --pages -n -r -o pte --range "$(range "$1")" "$2" |
				sort -u
		}
		[ "$(pte cow-shared "$pid")" = r ]
		[ "$(pte cow-shared "$child")" = r ]
		[ "$(pte cow-parent-wrote "$pid")" = rw ]
		[ "$(pte cow-parent-wrote "$child")" = r ]
		[ "$(pte cow-child-wrote "$pid")" = r ]
		[ "$(pte cow-child-wrote "$child")" = rw ]
	done
}

@test "in a PID namespace the numbers are those of its /proc" {
	local source
	for source in $(sources); do
		run -0 unshare -pf --mount-proc sh -c 'sleep 60 & "$0" --source "$1" walk --all --compare $!' \
			"$physlens" "$source"
		[[ ${lines[-1]} =~ ([0-9,]+)\ pages\ compared.*:\ ([0-9,]+)\ agree\.$ ]]
		[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
	done
}

@test "where /dev/mem is strict, walk says so" {
	[[ $(sources) != devmem* ]] || return 0
	start pagekinds --only mlocked
	run -2 "$physlens" --source devmem walk "$pid" "$(of mlocked 2)"
	[[ $output == *STRICT_DEVMEM* || $output == *strict* ]]
}
