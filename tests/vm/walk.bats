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

# Line by line "ADDRESS PAGES", where the kinds are that test 1 looks at. What cannot be made is
# another test's affair. (Few programs in all this: to start one takes a guest 100 ms.)
where_kinds_are() {
	awk -F'\t' '$1 ~ /^(anon-written|anon-read|mlocked|prot-none|growsdown|thp|thp-split|thp-zero|thp-shared|hugetlb|ksm|file-shared|file-private-written|shared-anon|stack|text)$/ &&
		$2 ~ /^0x/ { print $2, $3 }' "$made"
}

# in_pagemap FILE: "address PFN" for the pages at those places that are present in pagemap, read by
# perl, independent of everything here.
in_pagemap() {
	perl -ane 'BEGIN { open $file, "<:raw", shift or die "pagemap: $!" }
		sysseek $file, hex($F[0]) / 4096 * 8, 0;
		sysread($file, $words, $F[1] * 8) == $F[1] * 8 or die "pagemap: $!";
		my $address = hex $F[0];
		for (unpack "Q*", $words) {
			printf "0x%x 0x%x\n", $address, $_ & ((1 << 55) - 1) if $_ >> 63;
			$address += 4096;
		}' "/proc/$pid/pagemap" "$1"
}

# in_tables SOURCE FILE: the same by the page tables.
in_tables() {
	"$physlens" --source "$1" walk --all -n -r -o vaddr,pages,pfn "$pid" | perl -ane '
		BEGIN {
			open $file, "<", shift or die $!;
			@places = map { [split] } <$file>;
		}
		$pfn{hex($F[0]) + $_ * 4096} = hex($F[2]) + $_ for 0 .. $F[1] - 1;
		END {
			for (@places) {
				my ($start, $count) = @$_;
				for my $address (map { hex($start) + $_ * 4096 } 0 .. $count - 1) {
					printf "0x%x 0x%x\n", $address, $pfn{$address} if defined $pfn{$address};
				}
			}
		}' "$2"
}

@test "every source: the frames of each kind are those of an independent read of pagemap" {
	local source
	start pagekinds
	cd "$BATS_TEST_TMPDIR"
	where_kinds_are >places
	[ "$(wc -l <places)" -ge 12 ]
	for source in $(sources); do
		in_tables "$source" places >tables
		in_pagemap places >pagemap
		diff tables pagemap
		# None of these kinds is empty.
		[ "$(wc -l <tables)" -ge 24 ]
	done
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
	# One that rests in clock_nanosleep: before that it is between two programs, or makes pages.
	for source in $(sources); do
		run -0 unshare -pf --mount-proc sh -c 'sleep 600 &
			until grep -q "^230 " /proc/$!/syscall; do sleep 0.1; done
			"$0" --source "$1" walk --all --compare $!' \
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
