#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# physlens walk, and map's columns from the page tables, on this machine's kernel through whatever
# source it has: for every page of the fixture the tables and an independent read of pagemap agree.

bats_require_minimum_version 1.5.0
load helpers/lib

setup_file() {
	system_prepare
	fixture_start
}

teardown_file() {
	fixture_stop
	system_restore
}

teardown() {
	helpers_stop
	started_stop
}

setup() {
	physlens walk --range 0x1000-0x2000 "$FIXTURE_PID" >/dev/null 2>"$BATS_TEST_TMPDIR/why" ||
		skip "$(cat "$BATS_TEST_TMPDIR/why")"
}

# walked KIND…: "VPN PFN" of each page of those kinds that the tables map, in decimal, kind by kind.
walked() {
	local kind

	for kind; do
		echo "$(kind_start "$kind") $(kind_pages "$kind")"
	done >"$BATS_TEST_TMPDIR/places"
	physlens walk --all -n -r -o vpn,pages,pfn,kind "$FIXTURE_PID" | perl -ane '
		BEGIN {
			$size = shift;
			open $places, "<", shift or die $!;
			@place = map { [split] } <$places>;
		}
		next unless $F[3] eq "page" || $F[3] eq "prot-none";
		push @row, [hex $F[0], $F[1], hex $F[2]];
		END {
			for (@place) {
				my ($from, $to) = (hex($$_[0]) / $size, hex($$_[0]) / $size + $$_[1]);
				for (@row) {
					my ($vpn, $pages, $pfn) = @$_;
					for (my $at = $vpn > $from ? $vpn : $from; $at < $to && $at < $vpn + $pages; $at++) {
						print "$at ", $pfn + $at - $vpn, "\n";
					}
				}
			}
		}' "$PAGE_SIZE" "$BATS_TEST_TMPDIR/places"
}

# The same from an independent reader of pagemap.
pagemapped() {
	local kind

	for kind; do peek "$kind"; done | perl -ane 'BEGIN { $size = shift }
		print hex($F[0]) / $size, " ", oct $F[6], "\n" if $F[2] == 1' "$PAGE_SIZE"
}

# The same from both; again where the kernel has moved a page between the two.
frames_agree() {
	local tries

	for ((tries = 0; tries < 10; tries++)); do
		walked "$@" >"$BATS_TEST_TMPDIR/walked"
		pagemapped "$@" >"$BATS_TEST_TMPDIR/pagemapped"
		! cmp -s "$BATS_TEST_TMPDIR/walked" "$BATS_TEST_TMPDIR/pagemapped" || return 0
		sleep 0.1
	done
	echo "$*"
	diff "$BATS_TEST_TMPDIR/walked" "$BATS_TEST_TMPDIR/pagemapped" | head
	return 1
}

@test "every present page of every kind: the frame is the one that pagemap gives" {
	local kinds

	mapfile -t kinds < <(kinds_made | grep -vxE 'vsyscall|vvar|sparse-hole')
	[ "${#kinds[@]}" -gt 30 ]
	frames_agree "${kinds[@]}"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/walked")" -gt 600 ]
}

@test "all of the fixture and all of this shell agree with pagemap" {
	run -0 physlens walk --all --compare "$FIXTURE_PID"
	[[ ${lines[-1]} =~ ^([0-9,.]+)\ pages\ compared\ with\ pagemap:\ ([0-9,.]+)\ agree\.$ ]]
	[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
	run -0 physlens walk --all --compare $$
}

@test "a heap that grows meanwhile: its new pages agree, too" {
	local try
	helper_start growing
	for try in 1 2 3; do
		run -0 physlens walk --all --compare "$HELPER_PID"
	done
}

@test "every one of init's pages agrees" {
	head -c 0 /proc/1/pagemap 2>/dev/null || skip "/proc/1/pagemap may not be opened"
	physlens map 1 >/dev/null 2>&1 || skip "process 1 is protected"
	run -0 physlens walk --all --compare 1
}

@test "a walk goes from CR3 level by level, and ends with pagemap's word" {
	local levels=4

	! grep -q -w la57 /proc/cpuinfo || levels=5
	require_kind anon-written
	run -0 physlens walk -J "$FIXTURE_PID" "$(kind_start anon-written)"
	json_check ".walk | length == $levels + 2"
	json_check '.walk[0].level == "CR3" and .walk[-2].level == "PTE"'
	json_check '.walk[-1] | .level == "pagemap" and .agrees == true'
	json_check '.walk[-1].frame == .walk[-2].frame'
	json_check '[.walk[1:-1][] | .index, .entry, .value] | all(. != null)'
	# Each entry lies in the frame that the one before leads to.
	run -0 jq -r '.walk[:-1] | .[:-1] as $a | .[1:] as $b | range($a | length)
		| "\($a[.].frame) \($b[.].entry) \($b[.].index)"' <<<"$output"
	while read -r frame entry index; do
		[ $((entry)) -eq $((frame * 4096 + 8 * index)) ]
	done <<<"$output"
}

@test "the text explains, for kinds that end in different ways" {
	run -0 physlens walk "$FIXTURE_PID" "$(kind_start anon-written)"
	[[ $output == *'All levels together allow: rw.'* ]]
	[[ $output == *'Physical address: '* ]]
	[[ $output == *'pagemap agrees: present, frame 0x'* ]]
	run -0 physlens walk "$FIXTURE_PID" "$(kind_start anon-untouched)"
	[[ $output == *'is empty: nothing of its '*' is mapped'* ]]
	[[ $output == *'pagemap agrees: not present.'* ]]
	run -0 physlens walk "$FIXTURE_PID" "$(kind_start prot-none)"
	[[ $output == *'from every access (PROT_NONE)'* ]]
	run -0 physlens walk "$FIXTURE_PID" 0x1000
	[[ $output == *'in no area of process'* ]]
}

@test "a swapped page: the slot that pagemap gives" {
	require_kind swapped
	run -0 physlens walk -J "$FIXTURE_PID" "$(kind_start swapped)"
	json_check '.walk[-2].flags | startswith("swap,type=")'
	json_check '.walk[-1] | .flags == "swapped" and .agrees'
}

# shows COLUMN KIND VALUE [PID]: map has that value, and no other, in that column for all pages of a
# kind. A page that the kernel moved between the two looks has none: look again.
shows() {
	local tries got

	for ((tries = 0; tries < 10; tries++)); do
		got=$(physlens map --pages -n -r -o "$1" --range "$(kind_start "$2")-$(kind_end "$2")" \
			"${4:-$FIXTURE_PID}" | sort -u)
		[ "$got" != "$3" ] || return 0
		sleep 0.1
	done
	echo "$1 of $2: $got, expected $3" >&2
	return 1
}

@test "a huge page ends at the PMD and is 2M" {
	require_kind thp
	run -0 physlens walk -J "$FIXTURE_PID" "$(kind_start thp)"
	json_check '.walk[-2] | .level == "PMD" and (.flags | startswith("huge-2M,present"))'
	run -0 physlens walk -n -r -o size --range "$(kind_start thp)-$(kind_end thp)" "$FIXTURE_PID"
	[ "$(sort -u <<<"$output")" = 2M ]
	shows size thp 2M
	require_kind thp-split
	shows size thp-split 4K
}

@test "a page of hugetlb ends at the PMD" {
	require_kind hugetlb
	run -0 physlens walk -J "$FIXTURE_PID" "$(kind_start hugetlb)"
	json_check '.walk[-2].level == "PMD" and .walk[-1].agrees'
}

@test "a page of 1 GiB ends at the PUD" {
	kind_line hugetlb-1g >/dev/null || skip "no page of 1 GiB"
	run -0 physlens walk -J "$FIXTURE_PID" "$(kind_start hugetlb-1g)"
	json_check '.walk[-2] | .level == "PUD" and (.flags | startswith("huge-1G"))'
	json_check '.walk[-1].agrees'
}

@test "fork takes the write bit from both, the write gives it back to the writer alone" {
	require_kind cow-shared cow-child-wrote cow-parent-wrote cow-both-wrote
	child=$(kind_value cow-shared child)
	shows pte cow-shared r
	shows pte cow-shared r "$child"
	shows pte cow-parent-wrote rw
	shows pte cow-parent-wrote r "$child"
	shows pte cow-child-wrote r
	shows pte cow-child-wrote rw "$child"
	shows pte cow-both-wrote rw
	shows pte cow-both-wrote rw "$child"
}

@test "the hardware's permissions: code is rx, data rw, PROT_NONE none, what is not there empty" {
	shows pte text rx
	shows pte anon-written rw
	shows pte data-written rw
	! kind_line anon-read >/dev/null || shows pte anon-read r
	shows pte prot-none none
	shows pte anon-untouched -
}

@test "dirty: what was written is, what was only read is not" {
	shows dirty anon-written yes
	shows dirty file-readonly no
}

@test "without a source the columns are empty, never a guess; walk says why it cannot" {
	run -0 --separate-stderr physlens --source none map --pages -J -o pte,accessed,dirty,size "$FIXTURE_PID"
	json_check '[.map[] | .[]] | all(. == null)'
	run -2 physlens --source none walk "$FIXTURE_PID" 0x1000
	[[ $output == *'no source was given'* ]]
}

@test "map without those columns opens no source" {
	run -0 physlens --source devmem map --pages "$FIXTURE_PID"
	[[ $output != *devmem* ]]
}

@test "bad input" {
	run -2 physlens walk
	run -2 physlens walk "$FIXTURE_PID"
	[[ $output == *'an address or symbol'* ]]
	run -2 physlens walk 0x10 0x1000
	run -2 physlens walk "$FIXTURE_PID" 0x800000000000000
	[[ $output == *'not a canonical address'* ]]
	run -2 physlens walk "$FIXTURE_PID" no_such_symbol_here
	[[ $output == *'unknown symbol'* ]]
	run -2 physlens walk --all --range 0x0-0x1000 "$FIXTURE_PID"
	run -2 physlens walk --compare "$FIXTURE_PID" 0x1000
	run -2 physlens walk --all "$FIXTURE_PID" 0x1000
	run -2 physlens walk --range 0x0-0xffffffffffff0000 "$FIXTURE_PID"
	[[ $output == *'one half of the address space'* ]]
	if has_kernel_thread; then
		run -2 physlens walk 2 0x1000
		[[ $output == *'kernel thread'* ]]
	fi
}

@test "the kernel's half can be walked, and pagemap says nothing of it" {
	run -0 physlens walk -J "$FIXTURE_PID" 0xffffffffffffe000
	json_check '[.walk[].level] | index("pagemap") == null'
}

@test "a thread's number finds its process" {
	command -v python3 >/dev/null || skip 'python3 is not installed'
	local tid
	start python3 -c '
import threading, time
threading.Thread(target=lambda: time.sleep(600), daemon=True).start()
time.sleep(600)'
	wait_for grep -qx 'Threads:.2' "/proc/$PID/status"
	for tid in "/proc/$PID/task"/*; do
		run -0 physlens walk -J "${tid##*/}" 0x1000
		json_check '.walk | length > 0'
	done
}
