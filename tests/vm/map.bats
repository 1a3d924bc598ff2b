#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-6.1 --cpus 1 --mem 2048
# vm: --kernel stock-6.12 --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-newest --cpus 1 --mem 2048
# vm: --kernel stock-cloud --cpus 1 --mem 2048
# vm-deep: --kernel lab --cpus 1 --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm-deep: --kernel lab --cpus 1 --mem 2048 --append 'pti=on nokaslr'
# Every kind of page that the fixture program can make, shown by `map`. Here every
# one is made: what a host had to skip for want of swap, KSM or huge pages too.

load guest

setup_file() {
	the_pagekinds
	"$physlens" map --pages -n -r -o vaddr,pages,pfn,state "$pid" >"$BATS_FILE_TMPDIR/rows"
}

@test "every kind of page is made, but those of later kernels" {
	run -0 kinds_not_made
	echo "$output"
	[ -z "$output" ]
}

# The huge zero page, which newer kernels show in another way, has a test of its own.
@test "map shows the huge zero page as zero, of a mapping of /dev/zero too" {
	for kind in thp-zero thp-zero-dev; do
		run -0 "$physlens" map --pages -n -r -o state,cow --range "$(range $kind)" "$pid"
		[ "$(sort -u <<<"$output")" = 'zero no' ]
	done
}

@test "map shows every other kind in the state that it has" {
	perl -e '
		open $rows, "<", shift or die;
		@rows = map { my @f = split; [hex $f[0], $f[1], $f[3]] } <$rows>;
		open $made, "<", shift or die;
		while (<$made>) {
			my ($kind, $start, $pages, $state) = split /\t/;
			next unless ($start // "") =~ /^0x/ && $state ne "-" && $kind !~ /^thp-zero/;
			$kinds++;
			# The rows are one after the other, from its start to its end, each in its state.
			my ($next, $end) = (hex $start, hex($start) + $pages * 4096);
			for (@rows) {
				my ($at, $pages, $got) = @$_;
				next if $at + $pages * 4096 <= $next || $at >= $end;
				last if $at > $next || $got ne $state;
				$next = $at + $pages * 4096;
			}
			next if $next >= $end;
			printf "%s: expected %s from 0x%x to 0x%x, map says something else at 0x%x\n",
				$kind, $state, hex $start, $end, $next;
			$bad = 1;
		}
		print "$kinds kinds\n";
		exit($bad || $kinds < 30);' "$BATS_FILE_TMPDIR/rows" "$made"
}

@test "map --pages gives the PFNs of an independent read of pagemap" {
	cd "$BATS_TEST_TMPDIR"
	places_of anon-written thp hugetlb file-shared ksm mlocked >places
	[ "$(wc -l <places)" = 6 ]
	page_by_page places <"$BATS_FILE_TMPDIR/rows" >ours
	in_pagemap "$pid" places >theirs
	diff ours theirs
	[ -s ours ]
}

@test "--range: the same rows as of the whole, cut at its ends" {
	"$physlens" map --pages -n -r -o vaddr,pages,pfn,state --range "$(range thp)" "$pid" >"$BATS_TEST_TMPDIR/rows"
	[ "$(awk '{ pages += $2 } END { print pages }' "$BATS_TEST_TMPDIR/rows")" = "$(of thp 3)" ]
	places_of thp >"$BATS_TEST_TMPDIR/places"
	diff <(page_by_page "$BATS_TEST_TMPDIR/places" <"$BATS_TEST_TMPDIR/rows") \
		<(page_by_page "$BATS_TEST_TMPDIR/places" <"$BATS_FILE_TMPDIR/rows")
}

# What has no page tables to search has every word read: --source=none.
@test "every kind of page is the same, however it is found" {
	for route in 0 1; do
		PHYSLENS_NO_SCAN=$route "$physlens" --source=none map --pages -n -r -o vaddr,pages,pfn,state "$pid" |
			diff "$BATS_FILE_TMPDIR/rows" -
	done
	# With the tables open, as for DIRTY, they are searched for pages in holes.
	PHYSLENS_NO_SCAN=1 "$physlens" map --pages -n -r -o vaddr,pages,pfn,state,dirty "$pid" |
		awk '{ print $1, $2, $3, $4 }' >"$BATS_TEST_TMPDIR/searched"
	diff <(page_by_page <(places_of anon-written thp hugetlb sparse) <"$BATS_FILE_TMPDIR/rows") \
		<(page_by_page <(places_of anon-written thp hugetlb sparse) <"$BATS_TEST_TMPDIR/searched")
}

@test "the 64 pages in 4 TiB are found, by page tables where there is no PAGEMAP_SCAN" {
	start hugereserve
	address=$(awk '$1 == "address" { print $2 }' "$made")
	range=$address-$(printf 0x%x $((address + (4 << 40))))
	PHYSLENS_NO_SCAN=1 "$physlens" map --pages -n -r -o vaddr,pfn,state --range "$range" "$pid" |
		awk '$3 == "present" { print $1, $2 }' >"$BATS_TEST_TMPDIR/map"
	"$physlens" walk --range "$range" -n -r -o vaddr,pfn "$pid" >"$BATS_TEST_TMPDIR/walk"
	diff "$BATS_TEST_TMPDIR/map" "$BATS_TEST_TMPDIR/walk"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/map")" = 64 ]
}
