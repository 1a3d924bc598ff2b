#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The inputs of tests/fuzz/corpus/ once more: seeds, and whatever once failed. In seconds; in a build
# with --enable-sanitize a read too far is seen, too. (make fuzz looks for new ones.)

bats_require_minimum_version 1.5.0
load helpers/lib

# replay NAME: each file of its corpus holds what the harness demands, within a minute in all.
replay() {
	local files=("$BATS_TEST_DIRNAME/fuzz/corpus/$1"/*)

	run --separate-stderr timeout 60 "$PHYSLENS_HELPERS/../fuzz/fuzz_$1" "${files[@]}"
	echo "status $status, the last: $stderr"
	[ "$status" = 0 ]
	# Built for libFuzzer it has another main, which says nothing there.
	[ -z "$output" ] || [ "$output" = "${#files[@]} inputs" ]
}

@test "inputs: the kernel's types" { replay btf; }
@test "inputs: core files" { replay core; }
@test "inputs: escaping" { replay escape; }
@test "inputs: kernel symbols" { replay kallsyms; }
@test "inputs: maps" { replay maps; }
@test "inputs: metrics" { replay metrics; }
@test "inputs: objects and symbols" { replay object; }
@test "inputs: page tables that change" { replay pagetable; }
@test "inputs: relocations and what they explain" { replay relocations; }
@test "inputs: tables in every format" { replay table; }
@test "inputs: the small texts of /proc and /sys" { replay texts; }

@test "every harness is replayed" {
	local source name
	for source in "$BATS_TEST_DIRNAME"/fuzz/fuzz_*.c; do
		name=${source##*/fuzz_}
		grep -q "replay ${name%.c};" "$BATS_TEST_FILENAME"
	done
}
