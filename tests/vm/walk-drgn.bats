#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm-deep: --kernel lab --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel lab --cpus 1 --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# An independent reader, drgn with the lab kernel's debug information, translates the same addresses
# of a process to the same frames, from the same root.

load guest

teardown() { stop_all; }

@test "drgn finds the same root, entries and frames" {
	local vmlinux first end
	vmlinux=$("$(dirname -- "$BATS_TEST_DIRNAME")/../scripts/lab-kernel" --print-path)/vmlinux
	[ -s "$vmlinux" ]
	start pagekinds --only anon-written,thp
	while IFS=$'\t' read -r kind first pages _; do
		[[ $first == 0x* ]] || continue
		# A huge page at several places; a small one of each kind eight times.
		for ((i = 0; i < pages; i += pages > 8 ? 67 : 1)); do
			end=$(printf '0x%x' $((first + i * 4096)))
			"$physlens" walk -J "$pid" "$end" |
				jq -r --arg a "$end" '.walk | "\($a) \(.[-1].frame) \(.[-2].value)"'
		done
	done <"$made" >"$BATS_TEST_TMPDIR/ours"
	cat "$BATS_TEST_TMPDIR/ours"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/ours")" -gt 15 ]
	run /usr/bin/python3 "$BATS_TEST_DIRNAME/walk-drgn.py" "$vmlinux" "$pid" \
		<"$BATS_TEST_TMPDIR/ours"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "root $("$physlens" walk -J "$pid" 0x1000 | jq -r '.walk[0].value')" ]
	[[ ${lines[1]} =~ ^same\ [0-9]+$ ]]
}
