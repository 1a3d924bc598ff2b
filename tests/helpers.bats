#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The helper programs themselves, built with sanitizers: elsewhere they are built without, since they
# are what the tests look at. Each goes once through what it does, and nothing is reported. (Run in a
# build with --enable-sanitize alone: it is the same everywhere.)

bats_require_minimum_version 1.5.0
load helpers/lib

# shellcheck disable=SC2154 # of the build
setup_file() {
	local source built=()

	export bin=$BATS_FILE_TMPDIR/bin
	mkdir "$bin"
	# Two at a time: they are fifteen compilations.
	for source in "$BATS_TEST_DIRNAME"/helpers/*.c; do
		[[ $source != */tiny32.c ]] || continue
		built+=("$(basename "$source" .c)")
	done
	# shellcheck disable=SC2016 # for the shell of xargs
	printf '%s\n' "${built[@]}" | dir=$BATS_TEST_DIRNAME/helpers xargs -P 2 -I '{}' sh -c \
		'${CC:-cc} -std=gnu11 -g -O1 -fPIE -pie $SANITIZE -o "$bin/{}" "$dir/{}.c" -lpthread'
	[ "$(find "$bin" -type f | wc -l)" = "${#built[@]}" ]
	head -c 65536 /dev/urandom >"$BATS_FILE_TMPDIR/file"
}

teardown() { started_stop; }

# Without that of KSM, for which it would wait where nothing merges.
readonly COW_KINDS=anon,heap,stack,data,bss,file,thp,shared,mlocked

# quiet STATUS PROGRAM ARG…: it ends with that status, its input being at its end (or at a TERM after
# `limit` seconds), and no sanitizer says anything.
quiet() {
	local want=$1 program=$2
	shift 2
	run --separate-stderr timeout --preserve-status "${limit:-120}" "$bin/$program" "$@" </dev/null
	# shellcheck disable=SC2154 # set by run
	echo "$program: status $status: $stderr"
	[ "$status" = "$want" ]
	[[ "$stderr" != *Sanitizer* && "$stderr" != *'runtime error'* ]]
}

@test "those that make a state and wait end with their input" {
	quiet 0 pagekinds
	quiet 0 alternating "$BATS_FILE_TMPDIR/file" "$BATS_FILE_TMPDIR/file"
	quiet 0 cowpages --only $COW_KINDS
	for kind in patch swap memory; do
		quiet 0 flickering $kind "$BATS_FILE_TMPDIR/file"
	done
	quiet 0 forger
	limit=1 quiet 0 growing
	quiet 0 headless
	quiet 0 hugereserve --reserve 64 --touch 4
	quiet 0 hugereserve --populate 8
	# Its address is where a sanitizer keeps its notes.
	quiet 2 lettered
	quiet 0 lockedbytes "$BATS_FILE_TMPDIR/file"
	quiet 0 manyvmas 100
	quiet 0 mapfile -x -t "$BATS_FILE_TMPDIR/file" "$BATS_FILE_TMPDIR/file"
	quiet 0 mapfile -w -s "$BATS_FILE_TMPDIR/file"
	quiet 0 poser title '[kworker/0:1]'
	# (Its other poses compare and replace all of their own memory, a sanitizer's between the rest.)
	quiet 0 poser name '[kworker/0:1]'
	quiet 0 secretbytes
	quiet 0 sharers 3 4 --scattered --private 10
	quiet 0 spinning 1
	quiet 0 zombie
}

@test "those that do something end by themselves" {
	local start
	quiet 5 cowpages --run --only $COW_KINDS
	quiet 0 dying --mib 1 --after 1
	mkdir "$BATS_TEST_TMPDIR/hostile"
	quiet 0 hostile-elf "$BATS_TEST_TMPDIR/hostile"
	start sleep 300
	become "$PID" "$(command -v sleep)"
	start=$(awk -F'[- ]' '/\[stack\]/ { print "0x" $2 }' "/proc/$PID/maps")
	quiet 0 peek "$PID" "$(printf '0x%x' $((start - 4096)))" 1
}

@test "all of them were run" {
	local program
	for program in "$bin"/*; do
		program=${program##*/}
		# They write to other memory than their own, which is for guests and for verify.bats.
		[[ $program != devmem-peek && $program != tamper ]] || continue
		grep -q "quiet [0-9] $program" "$BATS_TEST_FILENAME"
	done
}
