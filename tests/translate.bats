#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# translate, walk and read: what a user may write for an address.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

setup() { helper_start lettered; }

teardown() {
	helpers_stop
	started_stop
}

# vaddr WHAT: the address that translate takes it for.
vaddr() { physlens translate -n -r -o vaddr "$HELPER_PID" "$1"; }

@test "an address may begin with a letter, as maps and kallsyms print it" {
	[ "$(vaddr c000000000)" = 0xc000000000 ]
	[ "$(vaddr C000000123)" = 0xc000000123 ]
	[ "$(vaddr abc000)" = 0xabc000 ]
	grep -q '^c000000000-' "/proc/$HELPER_PID/maps"
	run -2 --separate-stderr physlens translate "$HELPER_PID" ffffffff997e84a0
	[[ $stderr == *'nothing is mapped at 0xffffffff997e84a0'* ]]
}

@test "read and walk take such addresses, too" {
	require_root
	physlens doctor -n -r -o gate,state | grep -E '^(devmem|kcore|bpf) open' || skip 'no source'
	[ "$(physlens read --raw "$HELPER_PID:c000000000" 2 | od -An -tx1)" = ' 01 00' ]
	run -0 physlens walk "$HELPER_PID" c000000000
	[[ $output == *0xc000000000* ]]
}

@test "a symbol of that name comes first" {
	[ "$(vaddr c0ffee00)" = "$(helper_value symbol)" ]
	[ "$(vaddr 0xc0ffee00)" = 0xc0ffee00 ]
}

@test "a few letters at which nothing is mapped are a name" {
	run -2 --separate-stderr physlens translate "$HELPER_PID" add
	[[ $stderr == *'unknown symbol: add' ]]
	run -2 --separate-stderr physlens translate "$HELPER_PID" c000000000+8
	[[ $stderr == *'unknown symbol: c000000000' ]]
}

@test "namesakes of an object are told apart by their source files" {
	local dir=$BATS_TEST_TMPDIR
	command -v "${CC:-cc}" >/dev/null || skip 'no compiler'
	echo 'static int tick; int *a(void) { return &tick; }' >"$dir/a.c"
	cat >"$dir/b.c" <<-'END'
		#include <stdio.h>
		#include <unistd.h>
		static int tick;
		int *a(void);
		int main(void) { printf("%p %p\n", (void *)a(), (void *)&tick); fflush(stdout); return pause(); }
	END
	(cd "$dir" && "${CC:-cc}" -o alike a.c b.c)
	STARTED_OUTPUT=$dir/out start "$dir/alike"
	wait_for test -s "$dir/out"
	read -r first second <"$dir/out"
	run -2 --separate-stderr physlens translate "$PID" tick
	[[ $stderr == *"$first (alike, of a.c)"* ]]
	[[ $stderr == *"$second (alike, of b.c)"* ]]
}

# As find-debuginfo of Fedora makes it: functions that .dynsym has not, compressed, in a section.
@test "a stripped program with a mini symbol table names its static functions" {
	local dir=$BATS_TEST_TMPDIR
	command -v "${CC:-cc}" >/dev/null && command -v xz >/dev/null || skip 'no compiler, or no xz'
	ldconfig -p | grep -q 'liblzma[.]so[.]5' || skip 'no liblzma'
	cat >"$dir/mini.c" <<-'END'
		#include <stdio.h>
		#include <unistd.h>
		static __attribute__((noinline)) int hidden_one(int n) { return n + (int)getpid(); }
		int main(void) { printf("%p %d\n", (void *)hidden_one, hidden_one(1)); fflush(stdout); return pause(); }
	END
	cd "$dir"
	"${CC:-cc}" -g -o mini mini.c
	objcopy --only-keep-debug mini mini.debug
	nm mini.debug --format=posix --defined-only | awk '$2 == "T" || $2 == "t" { print $1 }' | sort >keep
	objcopy -S --remove-section .comment --keep-symbols=keep mini.debug part
	strip --strip-all mini
	cp mini bare
	xz -k part
	objcopy --add-section .gnu_debugdata=part.xz mini
	STARTED_OUTPUT=$dir/out start "$dir/mini"
	wait_for test -s "$dir/out"
	read -r address _ <"$dir/out"
	run -0 physlens translate -n -r -o vaddr "$PID" hidden_one
	[ "$output" = "$address" ]
	run -0 physlens translate -n -r -o symbol "$PID" "$address"
	[ "$output" = hidden_one+0x0 ]
	# Without the section, and with one that is no archive, it is a stripped program.
	printf 'no archive' >part.xz
	cp bare broken
	objcopy --add-section .gnu_debugdata=part.xz broken
	for program in bare broken; do
		STARTED_OUTPUT=$dir/out.$program start "$dir/$program"
		wait_for test -s "$dir/out.$program"
		run -2 --separate-stderr physlens translate "$PID" hidden_one
		[[ $stderr == *"hidden_one ($program is stripped: "* ]]
	done
}

@test "namesakes of a library are told apart by versions, which then find them" {
	local place places
	run -2 --separate-stderr physlens translate "$HELPER_PID" 'libc.so.6!memcpy'
	[[ $stderr == *'ambiguous symbol: memcpy'* ]] || skip 'memcpy has one version here'
	mapfile -t places < <(grep -oE '0x[0-9a-f]+ \(libc.so.6, [^)]+\)' <<<"$stderr")
	[ "${#places[@]}" -ge 2 ]
	for place in "${places[@]}"; do
		[[ $place =~ (0x[0-9a-f]+)\ .*,\ (memcpy@[^\)]+)\) ]]
		[ "$(vaddr "libc.so.6!${BASH_REMATCH[2]}")" = "${BASH_REMATCH[1]}" ]
	done
}
