#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: every experiment runs, says what holds, and draws what it should; its numbers are pagemap's.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib
load helpers/lab

# What others set up comes and goes: swap that is taken away brings back what was evicted.
setup_file() { system_lock; }

teardown_file() { system_restore; }

setup() {
	export LC_ALL=C.UTF-8 COLUMNS=80
	unset NO_COLOR
	[ "$(names | wc -l)" = 10 ] # or the loops below would find nothing wrong
}

names() { physlens lab -n -r -o name; }

# Claims of an experiment's JSON in $output, by result.
claims() { jq -r --arg r "$1" '.lab[] | select(.kind == "claim" and .text == $r) | .name' <<<"$output"; }

# width FILE: of its longest line, in characters.
width() { awk '{ if (length($0) > w) w = length($0) } END { print w }' "$1"; }

# headings FILE: of the steps; the lines of paging's table begin like them.
headings() { grep -E '^[0-9]+\. ' "$1" | grep -vE ' [R.S0fmx]{8} '; }

teardown() {
	[ -z "${unprivileged-}" ] || rm -rf "$unprivileged"
}

@test "lab alone lists the experiments, as text and as JSON" {
	run -0 --separate-stderr physlens lab
	[ -z "$stderr" ]
	for name in layout address fork grid exec libc threads paging sharing hierarchy; do
		grep -qE "^  $name +[a-z]" <<<"$output"
	done
	[ "$(grep -c '^  [a-z]' <<<"$output")" = "$(names | wc -l)" ]
	run -0 physlens lab --json
	json_check '.lab | length == 10 and all(.kind == "experiment" and (.text | length) > 10)'
}

@test "unknown and several names are refused" {
	run -2 --separate-stderr physlens lab nosuch
	[ -z "$output" ]
	[[ $stderr == "physlens: lab: no such experiment"*": nosuch" ]]
	run -2 --separate-stderr physlens lab fork grid
	[[ ${stderr_lines[0]} == 'physlens: lab: one experiment at a time' ]]
}

@test "every experiment: what it says is what is measured, and for root that is all if nothing is missing" {
	for name in $(names); do
		run -0 --separate-stderr physlens lab --json "$name"
		json_check '.lab | length > 3'
		[ -z "$stderr" ]
		[ -z "$(claims FAILS)" ]
		[ -n "$(claims holds)" ]
		if [ "$(id -u)" = 0 ] && json_check '.lab | all(.kind != "missing")' 2>/dev/null; then
			[ -z "$(claims 'not measured')" ] || {
				echo "$name: $(claims 'not measured')"
				false
			}
		fi
	done
}

@test "every experiment: without privilege it shows what it can, and says what is missing" {
	require_root
	command -v setpriv >/dev/null || skip 'no setpriv'
	# Where others may not read: the build may be anybody's.
	unprivileged=$(mktemp -d /tmp/physlens-lab.XXXXXX)
	mkdir -p "$unprivileged/src/lab"
	cp "$PHYSLENS" "$unprivileged/physlens"
	find "$(dirname "$PHYSLENS")/src/lab" -maxdepth 1 -type f -executable -exec cp {} "$unprivileged/src/lab/" ';'
	chmod -R a+rX "$unprivileged"
	for name in $(names); do
		run -0 --separate-stderr setpriv --reuid 65534 --clear-groups "$unprivileged/physlens" lab -J "$name"
		[ -z "$(claims FAILS)" ]
		json_check '.lab | any(.kind == "missing" and (.text | contains("CAP_SYS_ADMIN")))'
		json_check '.lab | all(.pfn == null or .pfn == "hidden")'
	done
}

@test "every experiment: drawings fit 80 columns, and --plain is ASCII with the same structure" {
	for name in $(names); do
		physlens lab "$name" >"$BATS_TEST_TMPDIR/utf8" || {
			cat "$BATS_TEST_TMPDIR/utf8"
			false
		}
		physlens lab "$name" --plain >"$BATS_TEST_TMPDIR/ascii" || {
			cat "$BATS_TEST_TMPDIR/ascii"
			false
		}
		[ "$(width "$BATS_TEST_TMPDIR/ascii")" -le 80 ] || {
			echo "$name: $(width "$BATS_TEST_TMPDIR/ascii")"
			awk 'length($0) > 80' "$BATS_TEST_TMPDIR/ascii"
			false
		}
		run ! grep -qP '[^\x20-\x7e]' "$BATS_TEST_TMPDIR/ascii"
		grep -q '✓' "$BATS_TEST_TMPDIR/utf8"
		grep -q '^ ok ' "$BATS_TEST_TMPDIR/ascii"
		# The same steps, the same claims.
		diff <(headings "$BATS_TEST_TMPDIR/utf8") <(headings "$BATS_TEST_TMPDIR/ascii")
		[ "$(grep -cE '^ (✓|\?) ' "$BATS_TEST_TMPDIR/utf8")" = "$(grep -cE '^ (ok|\?) ' "$BATS_TEST_TMPDIR/ascii")" ]
	done
}

@test "colour only underlines: without it the drawing is the same" {
	physlens lab layout --color=always | sed 's/\x1b\[[0-9;]*m//g' | tr -d '0-9a-f' >"$BATS_TEST_TMPDIR/colour"
	grep -q $'\x1b' <(physlens lab layout --color=always)
	run ! grep -q $'\x1b' <(physlens lab layout)
	run ! grep -q $'\x1b' <(physlens lab layout --plain --color=always)
	[ "$(wc -l <"$BATS_TEST_TMPDIR/colour")" -gt 20 ]
}

@test "without UTF-8 in the locale drawings are ASCII" {
	LC_ALL=C physlens lab fork >"$BATS_TEST_TMPDIR/c"
	run ! grep -qP '[^\x20-\x7e]' "$BATS_TEST_TMPDIR/c"
}

@test "--step waits for Enter after each step, and at the end of input goes on" {
	run -0 physlens lab fork --plain --step </dev/null
	[ "$(grep -c '^\[Enter\]' <<<"$output")" = 4 ]
	lab_begin fork
	lab_pause
	sleep 0.3
	[ "$(headings "$LAB_DIR/out" | wc -l)" = 1 ]
	# While it waits the program is there: look at it from outside.
	subject=$(sed -n 's/.*parent: process \([0-9]*\).*/\1/p' "$LAB_DIR/step")
	[ "$(cat "/proc/$subject/comm")" = fork ]
	for step in 2 3 4; do
		lab_enter
		lab_pause
		[ "$(headings "$LAB_DIR/out" | wc -l)" = "$step" ]
		[ -e "/proc/$subject" ]
		run ! grep -q 'What was said' "$LAB_DIR/out"
	done
	lab_enter
	lab_end
	grep -q 'What was said' "$LAB_DIR/out"
	# And gone with it.
	[ ! -e "/proc/$subject" ]
}

@test "--step on a terminal: Enter goes on, and the drawing is the same" {
	command -v script >/dev/null || skip 'no script'
	printf '\n\n\n\n' | script -qec "'$PHYSLENS' lab fork --step --color=never" /dev/null \
		>"$BATS_TEST_TMPDIR/typed" 3>&-
	[ "$(grep -c '\[Enter\]' "$BATS_TEST_TMPDIR/typed")" = 4 ]
	run ! grep -q $'\x1b' "$BATS_TEST_TMPDIR/typed"
	diff <(headings <(tr -d '\r' <"$BATS_TEST_TMPDIR/typed")) <(headings <(physlens lab fork))
	grep -q '✓  .text never gets copied' "$BATS_TEST_TMPDIR/typed"
	# In colour where it is a terminal, unless told otherwise.
	env -u NO_COLOR TERM=xterm script -qec "'$PHYSLENS' lab fork" /dev/null </dev/null \
		>"$BATS_TEST_TMPDIR/coloured" 3>&-
	grep -q $'\x1b' "$BATS_TEST_TMPDIR/coloured"
}

@test "every experiment: each step drawn is what an independent reader finds then" {
	require_root
	for name in $(names); do
		lab_compare "$name"
		echo "$name: $LAB_STEPS steps, $LAB_COMPARED numbers"
		[ "$LAB_STEPS" -ge 1 ]
		[ "$LAB_COMPARED" -ge 3 ]
	done
}

@test "the independent reader would have noticed" {
	require_root
	lab_begin fork
	lab_pause
	sed -i 's/^\(heap .*| 0x\)./\1f0/' "$LAB_DIR/step"
	run -255 lab_check 2>/dev/null
	[[ $output == *'fork: heap in '*': drawn 0xf0'* ]]
	lab_enter
	while lab_pause; do lab_enter; done
	lab_end
}

@test "a narrow terminal: words wrap, pictures stay whole" {
	for name in fork layout paging; do
		COLUMNS=60 physlens lab "$name" --plain >"$BATS_TEST_TMPDIR/narrow"
		physlens lab "$name" --plain >"$BATS_TEST_TMPDIR/wide"
		# The words of explanations are indented by 3, or the first ones.
		[ "$(grep -cE '^   [A-Z]' "$BATS_TEST_TMPDIR/narrow")" -ge 1 ]
		[ "$(grep -E '^[A-Z]' "$BATS_TEST_TMPDIR/narrow" | grep -v '^What has' | width /dev/stdin)" -le 60 ]
		diff <(headings "$BATS_TEST_TMPDIR/narrow") <(headings "$BATS_TEST_TMPDIR/wide")
		diff <(grep -c '|' "$BATS_TEST_TMPDIR/narrow") <(grep -c '|' "$BATS_TEST_TMPDIR/wide")
	done
}

@test "fork: the table has a row for each place, and the story is told in the right order" {
	require_root
	run -0 physlens lab fork --json
	# pfn STEP PROCESS NAME
	pfn() {
		jq -r --argjson s "$1" --arg p "$2" --arg n "$3" \
			'.lab[] | select(.kind == "page" and .step == $s and .process == $p and .name == $n) | .pfn' <<<"$output"
	}
	for name in stack heap .bss .data .text; do
		[ "$(pfn 2 parent $name)" = "$(pfn 2 child $name)" ]
		[ "$(pfn 1 parent $name)" = "$(pfn 4 parent $name)" ]
	done
	[ "$(pfn 3 parent stack)" != "$(pfn 3 child stack)" ]
	[ "$(pfn 3 child heap)" = "$(pfn 3 parent heap)" ]
	json_check '.lab | any(.name == "unused" and .state == "in-file" and .pfn == null)'
	json_check '.lab | all(.kind != "page" or (.region | length) > 0)'
}

@test "the drawings have their parts" {
	require_root
	physlens lab fork --plain >"$BATS_TEST_TMPDIR/fork"
	grep -q '^stack .*| 0x.*| 0x.*\*' "$BATS_TEST_TMPDIR/fork"
	grep -q 'in binary' "$BATS_TEST_TMPDIR/fork"
	physlens lab grid --plain >"$BATS_TEST_TMPDIR/grid"
	for cell in HEAP= HEAP\\* STCK= STCK\\* CODE= '\.\.\.\.\.'; do
		grep -q "$cell" "$BATS_TEST_TMPDIR/grid"
	done
	run ! grep -q 'CODE\*' "$BATS_TEST_TMPDIR/grid"
	physlens lab layout --plain >"$BATS_TEST_TMPDIR/layout"
	# From high to low, each part by its name, and the file beside those of the program alone.
	parts=$(sed -n 's/^ *0x[0-9a-f]* | \([^ ]*\) .*/\1/p' "$BATS_TEST_TMPDIR/layout" | uniq |
		grep -xE 'stack|libc\.so.*|heap|\.bss|\.data|\.rodata|\.text' | tr '\n' ' ')
	[[ $parts == 'stack libc.so.'*' heap .bss .data .rodata .text ' ]]
	awk '$1 ~ /^0x/ { print $1 }' "$BATS_TEST_TMPDIR/layout" >"$BATS_TEST_TMPDIR/addresses"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/addresses")" -ge 10 ]
	diff "$BATS_TEST_TMPDIR/addresses" <(sort -r "$BATS_TEST_TMPDIR/addresses")
	grep -qE '\| \.data +rw-p .*\| <- \| 0x[0-9a-f]{5}  +[0-9]+ only here +\|$' "$BATS_TEST_TMPDIR/layout"
	grep -qE '\| \.bss +rw-p .*\|    \| not in it: zeroes +\|$' "$BATS_TEST_TMPDIR/layout"
	run ! grep -qE '\| (stack|heap|lib).*\|.*\|$' <(grep -E '<-|not in it' "$BATS_TEST_TMPDIR/layout")
	physlens lab exec --plain >"$BATS_TEST_TMPDIR/exec"
	[ "$(grep -cE '^(stack|heap|\.data|\.text|libc) +\| 0x' "$BATS_TEST_TMPDIR/exec")" = 15 ]
	physlens lab threads --plain >"$BATS_TEST_TMPDIR/threads"
	[ "$(grep -cE '^   (main thread|other thread|child) ' "$BATS_TEST_TMPDIR/threads")" = 9 ]
	physlens lab libc --plain >"$BATS_TEST_TMPDIR/libc"
	grep -qE '^   \.data +[0-9]+ +0 +A [0-9]+, B [0-9]+$' "$BATS_TEST_TMPDIR/libc"
	physlens lab sharing --plain >"$BATS_TEST_TMPDIR/sharing"
	[ "$(grep -cE '^(shared|private) +0x' "$BATS_TEST_TMPDIR/sharing")" = 6 ]
	grep -q "A shared 'S'  A private 'P'  B shared 'S'  B private 'S'" "$BATS_TEST_TMPDIR/sharing"
	physlens lab address --plain >"$BATS_TEST_TMPDIR/address"
	grep -qE 'binary +([01]{9} +){3,4}[01]{9} +[01]{12}$' "$BATS_TEST_TMPDIR/address"
	grep -qE 'binary +[01]{20} +[01]{12}$' "$BATS_TEST_TMPDIR/address"
	physlens lab hierarchy --plain | grep -q 'the 1st byte'
}

@test "layout as rows: regions with their numbers" {
	run -0 physlens lab layout --json
	json_check '[.lab[] | select(.kind == "region" and .name == ".data")][0] |
		.vaddr and .value > 0 and (.text | test("^to 0x[0-9a-f]+: 64 pages, [0-9]+ in the file only$"))'
}

@test "the sections of the layout come from the offsets that readelf finds" {
	command -v readelf >/dev/null || skip 'no readelf'
	offset=$(readelf -SW "$(dirname "$PHYSLENS")/src/lab/layout" | awk '$2 == ".text" { print $5 } $3 == ".text" { print $6 }')
	shown=$(physlens lab layout --plain | sed -n 's/.*| \.text .*|.* | 0x\([0-9a-f]*\).*/\1/p' | tail -n 1)
	[ $((0x$offset & ~4095)) = $((0x$shown)) ]
}

@test "paging: faults are those that the program counted, one a touch" {
	run -0 physlens lab paging --json
	json_check '[.lab[] | select(.kind == "faults" and .name == "minor") | .value][1:3] == [1, 1]'
	json_check '[.lab[] | select(.kind == "page" and .step == 1 and .name == "anonymous") | .state] |
		length == 8 and all(. == "untouched")'
}
