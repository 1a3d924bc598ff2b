#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel lab --cpus 1 --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm: --kernel lab --cpus 1 --mem 2048 --append 'pti=on nokaslr'
# vm: --kernel stock-6.1 --cpus 1 --mem 2048
# vm: --kernel stock-6.12 --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-newest --cpus 1 --mem 2048
# vm: --kernel stock-cloud --cpus 1 --mem 2048
# The page tables of every kind of page, through every source that the kernel leaves open.

load guest

setup_file() { the_pagekinds; }

@test "every source: the frames of each kind are those of an independent read of pagemap" {
	local source
	cd "$BATS_TEST_TMPDIR"
	places_of anon-written anon-read mlocked prot-none growsdown thp thp-split thp-zero thp-shared \
		hugetlb ksm file-shared file-private-written shared-anon stack text >places
	[ "$(wc -l <places)" -ge 12 ]
	for source in $(open_sources); do
		"$physlens" --source "$source" walk --all -n -r -o vaddr,pages,pfn "$pid" |
			page_by_page places >tables
		in_pagemap "$pid" places >pagemap
		diff tables pagemap
		# None of these kinds is empty.
		[ "$(wc -l <tables)" -ge 24 ]
	done
}

# agrees SOURCE PID: all its pages are in the tables as in pagemap.
agrees() {
	run -0 "$physlens" --source "$1" walk --all --compare "$2"
	[[ ${lines[-1]} =~ ([0-9,]+)\ pages\ compared.*:\ ([0-9,]+)\ agree\.$ ]]
	[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
	[ "${BASH_REMATCH[1]}" != 0 ]
}

@test "all pages of the fixture, by every source, of init and of this shell agree with pagemap" {
	local source
	for source in $(open_sources); do
		agrees "$source" "$pid"
	done
	agrees auto 1
	agrees auto $$
}

@test "every source: the same tables, of as many levels as there are" {
	local source levels=4 first='' now
	! grep -q -w la57 /proc/cpuinfo || levels=5
	for source in $(open_sources); do
		now=$("$physlens" --source "$source" walk -J "$pid" "$(of mlocked 2)")
		[ -z "$first" ] || [ "$first" = "$now" ]
		first=$now
	done
	jq -e ".walk | length == $levels + 2 and .[-1].agrees" <<<"$first"
}

@test "a page of 1 GiB ends at the PUD (where one was reserved), of 2 MiB at the PMD" {
	if grep -q -w hugepages=1 /proc/cmdline; then
		"$physlens" walk -J "$pid" "$(of hugetlb-1g 2)" |
			jq -e '.walk[-2] | .level == "PUD" and (.flags | startswith("huge-1G"))'
	fi
	"$physlens" walk -J "$pid" "$(of hugetlb 2)" |
		jq -e '.walk[-2] | .level == "PMD" and (.flags | startswith("huge-2M"))'
	[ "$("$physlens" map --pages -n -r -o size --range "$(range thp)" "$pid" | sort -u)" = 2M ]
}

@test "fork takes the write bit from both, the write gives it back to the writer alone" {
	local child kind one
	child=$(of cow-shared 6 | tr , '\n' | sed -n 's/^child=//p')
	for one in "$pid" "$child"; do
		"$physlens" map --pages -n -r -o vaddr,pages,pte "$one" >"$BATS_TEST_TMPDIR/$one"
	done
	# ptes KIND PID: which there are on its pages.
	ptes() {
		perl -ane 'BEGIN { ($from, $count) = (hex shift, shift); $to = $from + 4096 * $count }
			my $at = hex $F[0];
			$seen{$F[2]} = 1 if $at < $to && $at + 4096 * $F[1] > $from;
			END { print join ",", sort keys %seen }' "$(of "$1" 2)" "$(of "$1" 3)" "$BATS_TEST_TMPDIR/$2"
	}
	for kind in cow-shared:r:r cow-parent-wrote:rw:r cow-child-wrote:r:rw; do
		[ "$kind" = "${kind%%:*}:$(ptes "${kind%%:*}" "$pid"):$(ptes "${kind%%:*}" "$child")" ]
	done
}

@test "in a PID namespace the numbers are those of its /proc" {
	# One that rests in clock_nanosleep: before that it is between two programs, or makes pages.
	run -0 unshare -pf --mount-proc sh -c 'sleep 600 &
		until grep -q "^230 " /proc/$!/syscall; do sleep 0.1; done
		"$0" walk --all --compare $!' "$physlens"
	[[ ${lines[-1]} =~ ([0-9,]+)\ pages\ compared.*:\ ([0-9,]+)\ agree\.$ ]]
	[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
}

@test "a source that is closed: walk says so" {
	open_sources | grep -qx devmem || {
		run -2 "$physlens" --source devmem walk "$pid" "$(of mlocked 2)"
		[[ $output == *STRICT_DEVMEM* || $output == *strict* ]]
	}
	run -2 "$physlens" --source none walk "$pid" "$(of mlocked 2)"
}
