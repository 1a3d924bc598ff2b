#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a user without any capability gets: of own processes everything but the frames, of
# other users' a refusal.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

NOBODY=65534
# Kinds that need no privilege to be made, and whose state needs none to be seen.
KINDS=cow-shared,cow-child-wrote,cow-parent-wrote,cow-both-wrote,anon-written,anon-read
KINDS+=,anon-untouched,prot-none,prot-none-untouched,guard,sparse,sparse-hole,thp
KINDS+=,file-private-read,file-private-written,file-private-untouched,file-readonly,file-shared
KINDS+=,file-shared-untouched,file-past-eof,shared-anon,memfd,memfd-twice,tmpfs-shared
KINDS+=,tmpfs-private-read,tmpfs-private-written,text,text-untouched,rodata,rodata-untouched
KINDS+=,data-written,data-read,bss-written,bss-read,bss-untouched,heap,heap-untouched,stack,vdso

unprivileged() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=$NOBODY --regid=$NOBODY --clear-groups --inh-caps=-all "$@"
	else
		"$@"
	fi
}

setup_file() {
	# Where the other user may read: programs and all.
	D=$BATS_FILE_TMPDIR
	PROGRAM=$D/bin/physlens
	mkdir "$D/bin" "$D/work"
	cp "$PHYSLENS" "$PHYSLENS_HELPERS/pagekinds" "$PHYSLENS_HELPERS/peek" "$D/bin"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR/.." "$D" "$D/bin" "$D/bin"/*
	chmod 777 "$D/work"
	export D PROGRAM
	export TMPDIR=$D/work
	FIXTURE_DIR=$D/work
	local as=()
	[ "$(id -u)" != 0 ] || as=(setpriv --reuid="$NOBODY" --regid="$NOBODY" --clear-groups --inh-caps=-all)
	_waiting_start "$D/work" "${as[@]}" "$D/bin/pagekinds" --only "$KINDS"
	FIXTURE_PID=$_waiting_pid FIXTURE_FD=$_waiting_fd
	export FIXTURE_DIR FIXTURE_PID FIXTURE_FD
}

teardown_file() {
	fixture_stop
}

teardown() {
	helpers_stop
}

# Messages are one line that names the capability, whatever was asked.
one_line() {
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == 'physlens: map: '*CAP_SYS_ADMIN* ]]
}

@test "frames are hidden: the word instead of a number, and one line that says why" {
	run -0 --separate-stderr unprivileged "$PROGRAM" map --pages --json "$FIXTURE_PID"
	one_line
	json_check '.map | map(select(.state == "present" or .state == "zero")) |
		length > 20 and (map(.pfn == "hidden") | all)'
	json_check '.map | map(select(.state != "present" and .state != "zero")) | map(.pfn == null) | all'
	run -0 --separate-stderr unprivileged "$PROGRAM" map --pages --json -o +mappers,flags "$FIXTURE_PID"
	one_line
	json_check '.map | map(select(.state == "present")) | map(.mappers == "hidden") | all'
	run -0 --separate-stderr unprivileged "$PROGRAM" map --pages -r -n -o vaddr,pfn "$FIXTURE_PID"
	one_line
	run ! grep -E ' 0x' <<<"$output"
}

@test "nothing is said of frames where none were asked for" {
	run -0 --separate-stderr unprivileged "$PROGRAM" map --pages --json -o vaddr,pages,state "$FIXTURE_PID"
	[ -z "$stderr" ]
	run -0 --separate-stderr unprivileged "$PROGRAM" map "$FIXTURE_PID"
	[ -z "$stderr" ]
}

@test "states, regions and copy-on-write of every kind are those that root is told" {
	unprivileged "$PROGRAM" map --pages --json -o vaddr,vpn,pages,pfn,state,perms,cow,region,object \
		"$FIXTURE_PID" 2>/dev/null | jq 'del(.map[].pfn)' >"$D/pages.json"
	map_rows "$D/pages.json" >"$D/rows"
	run kinds_problems "$D/rows"
	echo "$output"
	[ -z "$output" ]
	[ "$(kinds_made | wc -l)" -ge 30 ]
}

@test "the same without PAGEMAP_SCAN, but for the zero page, which nothing else tells" {
	PHYSLENS_NO_SCAN=1 unprivileged "$PROGRAM" map --pages --json \
		-o vaddr,vpn,pages,state,perms,cow,region,object "$FIXTURE_PID" >"$D/no-scan.json"
	map_rows "$D/no-scan.json" >"$D/rows"
	run kinds_problems "$D/rows"
	echo "$output"
	run ! grep -v -E '(anon-read|bss-read|thp-zero)' <<<"$(kinds_problems "$D/rows")X-anon-read"
}

@test "names come from the mapped files, deleted ones too where they can be had" {
	run -0 --separate-stderr unprivileged "$PROGRAM" map --json "$FIXTURE_PID"
	json_check '.map | map(.region) | contains([".text", ".rodata", ".data", ".bss", "heap", "stack"])'
}

@test "another user's process: refused in one line" {
	[ "$(id -u)" = 0 ] || skip 'needs root, to have another user'
	local mode
	for mode in '' --pages --json '-p -J'; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr unprivileged "$PROGRAM" map $mode $$
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ $stderr == "physlens: map: process $$ belongs to another user"*CAP_SYS_PTRACE* ]]
	done
	run -2 --separate-stderr unprivileged "$PROGRAM" map 1
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "no such process, kernel threads: the same lines as for root" {
	run -2 --separate-stderr unprivileged "$PROGRAM" map 2147483647
	[[ $stderr == *'no such process'* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
}
