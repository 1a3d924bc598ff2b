#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# map of what is no process, of processes that mean harm, and into places that take no
# output: one clear line and status 2, never a crash and never part of an answer as the whole.

# shellcheck disable=SC2016,SC2154 # jq's variables; bats sets stderr
# shellcheck disable=SC2030,SC2031 # a test is a subshell, and what it sets is its own

bats_require_minimum_version 1.5.0
load helpers/lib

teardown() {
	helpers_stop
}

# refused MESSAGE ARG…: status 2, nothing on standard output, one line that has MESSAGE.
refused() {
	local message=$1
	shift
	run -2 --separate-stderr physlens map "$@"
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "physlens: map: "*"$message"* ]]
}

# No control byte but newlines in the file: nothing that a terminal would obey.
no_control() {
	run ! env LC_ALL=C grep -n '[^[:print:][:space:]]' <(LC_ALL=C tr -d '\200-\377' <"$1")
	run ! env LC_ALL=C grep -n $'[\r\v\f]' "$1"
}

# ---- no process, or none with memory ----

@test "what is not a process ID" {
	local word
	for word in 0 00 x 1x -- 1.5 0x1 ' 1' '1 ' +1 2147483648 4294967297 99999999999999999999 '' selves \
		$'1\n' $'\e[2J'; do
		[ "$word" != -- ] || continue
		refused 'not a process ID:' "$word"
	done
	refused 'not a process ID: -1' -- -1
	refused '\x1b[2J' $'\e[2J'
}

@test "a process that does not exist" {
	local pid
	pid=$(bash -c 'echo $$')
	refused "no such process: $pid" "$pid"
	refused 'no such process: 2147483647' 2147483647
}

@test "a kernel thread" {
	require_kernel_thread
	require_root
	refused 'kernel thread' 2
	refused 'kernel thread' --pages --json 2
}

@test "a zombie" {
	helper_start zombie
	refused 'zombie' "$(helper_value zombie)"
	refused 'zombie' --pages --json "$(helper_value zombie)"
}

@test "no argument, and too many" {
	local arguments
	for arguments in '' "$$ $$" "$$ 1 2"; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr physlens map $arguments
		[ -z "$output" ]
		[ "${stderr_lines[0]}" = 'physlens: map: one process ID is needed' ]
		[ "${#stderr_lines[@]}" -eq 2 ]
	done
}

@test "ranges that are none" {
	local range
	for range in '' 1000 1000- -1000 1000-1000 2000-1000 x-y 1000-2000-3000 '1000 - 2000' \
		10000000000000000-20000000000000000; do
		refused "$range" --range "$range" $$
	done
	refused 'not a range' --range $'\e-\n' $$
}

@test "ranges at the ends of the address space" {
	run -0 --separate-stderr physlens map --json --range 0-ffffffffffffffff $$
	json_check '.map | length > 5'
	run -2 --separate-stderr physlens map --json --range fffffffffffff000-ffffffffffffffff $$
	[[ $stderr == *'an empty range'* ]]
	run -2 --separate-stderr physlens map --json --pages --range 0-1 $$
	json_check '.map == []'
	[[ $stderr == *'nothing is mapped from 0x0 to 0x1000 in process '* ]]
}

# ---- a process that ends midway ----

# complete STATUS DIR [AREAS]: either a whole answer, of as many areas, and 0, or one line and 2.
complete() {
	case $1 in
	0)
		jq -e --argjson areas "${3:-6}" '.map | length >= $areas' "$2/out" >/dev/null || return 1
		[ ! -s "$2/err" ]
		;;
	2)
		[ "$(wc -l <"$2/err")" -eq 1 ] &&
			grep -qE '^physlens: map: .*(no such process|zombie|ended|executed another program)' "$2/err"
		;;
	*) false ;;
	esac
}

@test "a process that exits while it is read: all of it, or a line and status 2" {
	local i pid status statuses='' mode
	for i in {1..40}; do
		mode=--json
		[ $((i % 2)) -eq 0 ] || mode=--pages
		HELPERS=()
		helper_start dying --mib 24
		pid=$HELPER_PID
		# It is killed somewhere between before the first read and after the last.
		{ sleep "0.00$((i % 10))"; kill -KILL "$pid" 2>/dev/null; } 3>&- 4>&- &
		status=0
		# Not the function, whose standard error is also this shell's: it says "Killed" there.
		"$PHYSLENS" map --json $mode "$pid" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" ||
			status=$?
		wait $! || true
		complete $status "$BATS_TEST_TMPDIR" || {
			echo "status $status"
			cat "$BATS_TEST_TMPDIR/err"
			false
		}
		statuses+=$status
		helpers_stop
	done
	echo "statuses: $statuses"
}

@test "a process that runs another program meanwhile: all of one, or a line and status 2" {
	local i status
	for i in {1..15}; do
		bash -c 'x=$(seq 30000); exec sleep 600' >/dev/null 2>&1 3>&- 4>&- &
		local pid=$!
		disown
		status=0
		"$PHYSLENS" map --json "$pid" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" || status=$?
		kill -KILL "$pid"
		# The new program's memory begins with a stack and nothing else.
		complete $status "$BATS_TEST_TMPDIR" 1 || {
			echo "status $status: $(head -c 500 "$BATS_TEST_TMPDIR/err")"
			false
		}
		# Of two programs at once there is never talk.
		[ $status -ne 0 ] || jq -e '.map | map(.object // "" | select(endswith("/bash") or
			endswith("/sleep"))) | unique | length <= 1' "$BATS_TEST_TMPDIR/out"
	done
}

# ---- hostile names ----

@test "paths with a newline, an escape sequence, 4,000 bytes; bytes that are not UTF-8" {
	fixture_start --only file-hostile-name,file-long-name
	HELPERS+=("$FIXTURE_PID:$FIXTURE_FD")
	local name=$'bad\xff\xc2\x9b\u202e"\\ \x7f' mode
	cp "$(type -P true)" "$BATS_TEST_TMPDIR/$name"
	helper_start mapfile -t "$BATS_TEST_TMPDIR/$name"
	for mode in '' --pages -r '-p -r' --json '-p --json'; do
		for pid in "$FIXTURE_PID" "$HELPER_PID"; do
			# shellcheck disable=SC2086 # words
			run -0 --separate-stderr physlens map $mode "$pid"
			[ -z "$stderr" ]
			[[ $mode != *--json ]] || json_check '.map | length > 5'
			printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/out"
			no_control "$BATS_TEST_TMPDIR/out"
		done
	done
	run -0 physlens map --json "$FIXTURE_PID"
	json_check '.map | map(.object // "" | length) | max > 3900'
	json_check '.map | map(select((.object // "") | contains("\u001b[31mred"))) | length == 1'
	run -0 physlens map -n -r -o object "$FIXTURE_PID"
	[[ $output == *'new\x0aline\x09\x1b[31mred'* ]]
}

@test "a newline in a name is one, and a backslash with 012 behind it is none" {
	local name glob
	for name in $'new\nline' 'new\012line'; do
		cp "$(type -P true)" "$BATS_TEST_TMPDIR/$name"
		helper_start mapfile -x "$BATS_TEST_TMPDIR/$name"
		run -0 --separate-stderr physlens map --json "$HELPER_PID"
		[ -z "$stderr" ]
		jq -e --arg path "$BATS_TEST_TMPDIR/$name" \
			'.map | map(select(.object == $path and .["in-file"] > 0)) | length == 1' <<<"$output"
		for glob in "$name" "${name//$'\n'/'\x0a'}"; do
			glob=${glob//'\012'/'\\012'}
			[ "$(physlens map -n -r -o region --object "$glob" "$HELPER_PID" | grep -cx file)" = 1 ]
		done
		helpers_stop
	done
}

@test "a process with a hostile name of its own, in messages" {
	cp "$PHYSLENS_HELPERS/zombie" "$BATS_TEST_TMPDIR/"$'z\e[2J\nx'
	local dir=$BATS_TEST_TMPDIR
	_waiting_start "$dir" "$BATS_TEST_TMPDIR/"$'z\e[2J\nx' || skip 'it does not start'
	HELPERS+=("$_waiting_pid:$_waiting_fd")
	run -2 --separate-stderr physlens map "$(awk '$1 == "zombie" { print $2 }' "$dir/out")"
	# libproc2 gives a comm with what it does not like made "?".
	[[ $stderr =~ ^'physlens: map: process '[0-9]+' is a zombie (z'[^[:cntrl:]]*'x): '[^[:cntrl:]]*$ ]]
}

@test "hostile ELF files, all mapped: rows for every one, and no message" {
	local name path rest status files=0
	mkdir "$BATS_TEST_TMPDIR/elf"
	helper hostile-elf "$BATS_TEST_TMPDIR/elf" >"$BATS_TEST_TMPDIR/list"
	while IFS=$'\t' read -r name path rest; do
		HELPERS=()
		helper_start mapfile -x "$path"
		status=0
		timeout 20 "$PHYSLENS" map --json --pages "$HELPER_PID" >"$BATS_TEST_TMPDIR/out" \
			2>"$BATS_TEST_TMPDIR/err" || status=$?
		helpers_stop
		echo "$name: $rest: status $status: $(head -c 500 "$BATS_TEST_TMPDIR/err")"
		[ $status -eq 0 ]
		[ ! -s "$BATS_TEST_TMPDIR/err" ]
		no_control "$BATS_TEST_TMPDIR/out"
		jq -e --arg path "$path" '.map | map(select(.object == $path)) | length > 0' \
			"$BATS_TEST_TMPDIR/out" >/dev/null
		files=$((files + 1))
	done <"$BATS_TEST_TMPDIR/list"
	[ $files -gt 30 ]
}

@test "65,000 areas" {
	helper_start manyvmas
	local count
	count=$(helper_value count)
	run -0 --separate-stderr physlens map --json "$HELPER_PID"
	[ -z "$stderr" ]
	json_check ".map | length >= $count"
	physlens map --pages -n -r -o state "$HELPER_PID" | sort | uniq -c >"$BATS_TEST_TMPDIR/states"
	grep -q untouched "$BATS_TEST_TMPDIR/states"
}

# ---- output that goes nowhere ----

@test "a closed standard output, and a full disk: a line and status 2" {
	local mode
	[ -w /dev/full ] || skip 'no /dev/full'
	for mode in '' --pages --json -r '--pages -r' --help --list-columns; do
		# shellcheck disable=SC2086 # words
		{
			run -2 --separate-stderr bash -c '"$0" map "$@" >&-' "$PHYSLENS" $mode $$
			[ "${#stderr_lines[@]}" -eq 1 ]
			[[ $stderr == 'physlens: standard output: '* ]]
			run -2 --separate-stderr bash -c '"$0" map "$@" >/dev/full' "$PHYSLENS" $mode $$
			# What ends where a buffer ends failed before, and why is lost then.
			[[ $stderr == 'physlens: standard output: '@('No space left on device'|'write error') ]]
		}
	done
}

@test "a closed standard error: the answer and the status are the same" {
	run -0 bash -c '"$0" map --json "$1" 2>&-' "$PHYSLENS" $$
	json_check
	run -2 bash -c '"$0" map nobody 2>&-' "$PHYSLENS"
	[ -z "$output" ]
	run -2 bash -c '"$0" map nobody <&- >&- 2>&-' "$PHYSLENS"
}

@test "a reader that goes away: no message" {
	local mode
	for mode in '' --pages --json; do
		# shellcheck disable=SC2086 # words
		run -0 --separate-stderr bash -c '"$0" map "$@" | head -n 1 >/dev/null' "$PHYSLENS" $mode $$
		[ -z "$stderr" ]
	done
}
