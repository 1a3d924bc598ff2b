#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: every experiment runs, says what holds, and draws what it should; its numbers are pagemap's.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

setup() {
	export LC_ALL=C.UTF-8 COLUMNS=80
	unset NO_COLOR
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

@test "every experiment: what it says is what is measured" {
	for name in $(names); do
		run -0 --separate-stderr physlens lab --json "$name"
		json_check '.lab | length > 3'
		[ -z "$stderr" ]
		[ -z "$(claims FAILS)" ]
		[ -n "$(claims holds)" ]
	done
}

@test "every experiment: as root nothing is left unmeasured but for want of swap or page tables" {
	require_root
	for name in $(names); do
		run -0 physlens lab --json "$name"
		if jq -e '.lab | all(.kind != "missing")' <<<"$output" >/dev/null; then
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
		physlens lab "$name" >"$BATS_TEST_TMPDIR/utf8"
		physlens lab "$name" --plain >"$BATS_TEST_TMPDIR/ascii"
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

@test "--step waits for Enter before each step but the first, and at the end of input goes on" {
	run -0 physlens lab fork --plain --step </dev/null
	[ "$(grep -c '^\[Enter\]' <<<"$output")" = 3 ]
	mkfifo "$BATS_TEST_TMPDIR/in"
	exec 7<>"$BATS_TEST_TMPDIR/in"
	: >"$BATS_TEST_TMPDIR/out"
	physlens lab fork --plain --step <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 3>&- 7>&- &
	pid=$!
	for ((i = 0; i < 200; i++)); do
		! grep -q Enter "$BATS_TEST_TMPDIR/out" || break
		sleep 0.05
	done
	sleep 0.3
	[ "$(grep -cE '^[0-9]\. ' "$BATS_TEST_TMPDIR/out")" = 1 ]
	# While it waits the program is there: look at it from outside.
	subject=$(sed -n 's/.*parent: process \([0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/out" | tail -n 1)
	[ "$(cat "/proc/$subject/comm")" = fork ]
	printf '\n\n\n' >&7
	wait "$pid"
	[ "$(grep -cE '^[0-9]\. ' "$BATS_TEST_TMPDIR/out")" = 4 ]
	# And gone with it.
	[ ! -e "/proc/$subject" ]
}

@test "fork --step: the frames drawn are those of an independent read of pagemap" {
	require_root
	mkfifo "$BATS_TEST_TMPDIR/in"
	exec 7<>"$BATS_TEST_TMPDIR/in"
	: >"$BATS_TEST_TMPDIR/out"
	physlens lab fork --plain --step <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 3>&- 7>&- &
	lab=$!
	for step in 1 2 3; do
		for ((i = 0; i < 200; i++)); do
			[ "$(grep -c Enter "$BATS_TEST_TMPDIR/out")" -lt "$step" ] || break
			sleep 0.05
		done
		awk -v n="$step" '/^[0-9]\. / { s = substr($0, 1, 1) } s == n' "$BATS_TEST_TMPDIR/out" \
			>"$BATS_TEST_TMPDIR/step"
		compare_step "$BATS_TEST_TMPDIR/step"
		echo >&7
	done
	wait "$lab"
}

# compare_step FILE: each frame of a drawing of two panes, against pagemap read by dd.
compare_step() {
	local -a pids
	local place vpn rest pane cell frame count=0
	mapfile -t pids < <(grep -oE '(parent|child): process [0-9]+' "$1" | grep -oE '[0-9]+$')
	[ "${#pids[@]}" -ge 1 ]
	while read -r place vpn rest; do
		for ((pane = 0; pane < ${#pids[@]}; pane++)); do
			cell=$(cut -d '|' -f $((pane + 2)) <<<"$place $vpn $rest")
			[[ $cell =~ (0x[0-9a-f]+) ]] || continue
			frame=${BASH_REMATCH[1]}
			echo "$place of ${pids[pane]}: drawn $frame, pagemap $(pfn_of "${pids[pane]}" "$vpn")"
			[ "$(pfn_of "${pids[pane]}" "$vpn")" = "$frame" ]
			count=$((count + 1))
		done
	done < <(grep -E '^[.a-z]+ +0x[0-9a-f]+ +\|' "$1")
	[ "$count" -ge 5 ]
}

# pfn_of PID VPN: by dd and od.
pfn_of() {
	dd if="/proc/$1/pagemap" bs=8 skip=$(($2)) count=1 status=none | od -An -t u8 | {
		read -r entry
		printf '0x%x\n' $((entry & 0x7fffffffffffff))
	}
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
	# From high to low.
	grep -nE '\| (stack|libc|heap|\.bss|\.data|\.rodata|\.text) ' "$BATS_TEST_TMPDIR/layout" >/dev/null
	awk '$1 ~ /^0x/ { print $1 }' "$BATS_TEST_TMPDIR/layout" >"$BATS_TEST_TMPDIR/addresses"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/addresses")" -ge 10 ]
	diff "$BATS_TEST_TMPDIR/addresses" <(sort -r "$BATS_TEST_TMPDIR/addresses")
	grep -q '<-- 0x.*not in RAM' "$BATS_TEST_TMPDIR/layout"
	physlens lab hierarchy --plain | grep -q 'the 1st byte'
}

@test "the sections of the layout come from the offsets that readelf finds" {
	command -v readelf >/dev/null || skip 'no readelf'
	offset=$(readelf -SW "$(dirname "$PHYSLENS")/src/lab/layout" | awk '$2 == ".text" { print $5 } $3 == ".text" { print $6 }')
	shown=$(physlens lab layout --plain | sed -n 's/.*| \.text .*|.* 0x\([0-9a-f]*\).*/\1/p' | tail -n 1)
	[ $((0x$offset & ~4095)) = $((0x$shown)) ]
}

@test "paging: faults are those that the program counted, one a touch" {
	run -0 physlens lab paging --json
	json_check '[.lab[] | select(.kind == "faults" and .name == "minor") | .value][1:3] == [1, 1]'
	json_check '[.lab[] | select(.kind == "page" and .step == 1 and .name == "anonymous") | .state] |
		length == 8 and all(. == "untouched")'
}
