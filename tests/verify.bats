#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# verify: real tampering with real processes, each found with its kind, place and bytes, and nothing
# found where nobody tampered.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

# What was built or installed just now may not be on the disk yet.
setup_file() {
	local program

	sync "$PHYSLENS" "$PHYSLENS_HELPERS"/{tamper,mapfile,flickering}
	for program in sleep bash tail perl python3; do
		{ command -v "$program" && ldd "$(command -v "$program")"; } 2>/dev/null |
			grep -o '/[^ ]*' | xargs -r sync || true
	done
}

setup() {
	[ "$(id -u)" = 0 ] || skip 'frames are hidden, and other processes cannot be written to'
	HELPERS=()
	named_files=()
	work=$BATS_TEST_TMPDIR
	STARTED_OUTPUT=$work/output
}

teardown() {
	helpers_stop
	started_stop
	[ "${#named_files[@]}" = 0 ] || rm -f -- "${named_files[@]}"
	system_restore
}

# A process that sleeps; what runs is a file whose system can be read past its cache.
sleeper() {
	start sleep 300
	asleep "$PID"
	require_disk
}

require_disk() { require_disk_of "$PID"; }

require_disk_of() {
	if physlens verify --json "$1" | jq -e '.summary.unverifiable > 0' >/dev/null; then
		skip "the file system of $(command -v sleep) cannot be read past its cache"
	fi
}

address() {
	physlens translate -n -r -o vaddr "$PID" "$1"
}

# little_endian NUMBER: the eight bytes of it, in hexadecimal.
little_endian() {
	local i

	for ((i = 0; i < 8; i++)); do printf %02x $(($1 >> 8 * i & 255)); done
}

# verify_rows FILTER: of the process, as JSON; its status is that of the filter.
verify_rows() {
	physlens verify --json "${@:2}" "$PID" >"$work/rows" || true
	jq -e "$1" "$work/rows" >/dev/null || {
		cat "$work/rows"
		return 1
	}
}

@test "a process that nobody tampered with: status 0, no rows, a summary" {
	sleeper
	run -0 --separate-stderr physlens verify "$PID"
	[ -z "$stderr" ]
	[[ "${lines[0]}" =~ ^[0-9]+\ frames\ .*\ files\ in\ 1\ process\ compared,\ memory\ read\ through ]]
	[ "${lines[1]}" = 'No findings; 0 allowed; 0 pages unverifiable.' ]
	run -0 --separate-stderr physlens verify --json "$PID"
	json_check '.verify == [] and .summary.frames > 100 and .summary.bytes == 4096 * .summary.frames'
	json_check '.summary.processes == 1 and .summary.findings == 0 and .summary.files >= 3'
}

@test "without a source the memory is read through /proc/PID/mem, and it says so" {
	sleeper
	run -0 --separate-stderr physlens --source none verify "$PID"
	[[ "$stderr" == *'memory is read through /proc/PID/mem'* ]]
	[[ "$output" == *'memory read through /proc/PID/mem.'* ]]
	at=$(address 'libc.so.6!getenv')
	helper tamper mem "$PID" "$at" 9090 >/dev/null
	run -1 --separate-stderr physlens --source none verify -J "$PID"
	json_check '.verify | length == 1 and .[0].kind == "patched" and .[0].symbol == "getenv"'
}

@test "a changed page that was moved to swap is read back and compared: patched" {
	local at limit

	sleeper
	system_lock
	swap_on_zram 64
	at=$(address 'libc.so.6!getenv')
	for limit in '' 1; do
		helper tamper mem "$PID" "$at" 9090 >/dev/null
		helper tamper pageout "$PID" "$at" || skip 'the kernel pages nothing out for others'
		[ "$(physlens translate -n -r -o state "$PID" "$at")" = swapped ] ||
			skip 'the page does not go to swap'
		PHYSLENS_VERIFY_PAGES=$limit run -1 --separate-stderr physlens verify --json "$PID"
		json_check ".verify | length == 1 and .[0].kind == \"patched\" and
			.[0].vaddr == \"$at\" and .[0].symbol == \"getenv\" and .[0].after == \"90 90\""
		json_check '.summary.swapped == 1 and .summary.unverifiable == 0'
		[[ "$stderr" == *'1 private page was in swap and read back to be compared'* ]]
	done
}

@test "an instruction changed through /proc/PID/mem: patched, with symbol and bytes; put back: copied" {
	sleeper
	at=$(printf '0x%x' $(($(address 'libc.so.6!getenv') + 5)))
	old=$(helper tamper mem "$PID" "$at" 90eb)
	run -1 --separate-stderr physlens verify --json "$PID"
	json_check ".verify | length == 1 and .[0].pid == $PID and .[0].kind == \"patched\" and
		.[0].vaddr == \"$at\" and .[0].symbol == \"getenv+0x5\" and .[0].region == \".text\" and
		.[0].after == \"90 eb\" and .[0].length == 2 and .[0].command == \"sleep\" and
		(.[0].object | endswith(\"/libc.so.6\"))"
	json_check ".verify[0].before == \"${old:0:2} ${old:2:2}\""
	run -1 --separate-stderr physlens verify "$PID"
	[[ "$output" == *"patched"*"getenv+0x5 ${old:0:2} ${old:2:2} → 90 eb"* ]]
	helper tamper mem "$PID" "$at" "$old" >/dev/null
	run -1 --separate-stderr physlens verify --json "$PID"
	json_check '.verify | length == 1 and .[0].kind == "copied" and .[0].pages == 1'
}

# hex_times BYTE COUNT: so many of that byte.
hex_times() { perl -e 'print $ARGV[0] x $ARGV[1]' "$1" "$2"; }

@test "a page that is wholly overwritten names all functions in it; a byte names one" {
	"${CC:-cc}" -x assembler -shared -nostdlib -o "$work/page.so" - <<-'END' || skip 'no compiler'
		.section .note.GNU-stack,"",@progbits
		.text
		.macro function name, length
		.globl \name
		.type \name, @function
		\name: .skip \length, 0x90
		.size \name, \length
		.endm
		.balign 4096
		function before, 4000
		function across, 200
		function inner, 100
		.skip 50, 0x90
		function outer, 3000
		.set inside, outer + 1000
		.type inside, @function
		.size inside, 10
		.skip 778, 0x90
		function last, 64
		function next, 64
	END
	sync "$work/page.so"
	start env LD_PRELOAD="$work/page.so" sleep 300
	become "$PID" "$(command -v sleep)"
	wait_for grep -q page.so "/proc/$PID/maps"
	asleep "$PID"
	require_disk
	at=$(($(address before) + 4096))
	helper tamper mem "$PID" "$(printf '0x%x' $at)" "$(hex_times c3 4096)" >/dev/null
	verify_rows '.verify | length == 1 and .[0].kind == "patched" and .[0].length == 4096 and
		.[0].symbol == "across+0x60" and .[0].also == "inner, outer, inside, last"'
	run -1 physlens verify -n -r -o symbol,also "$PID"
	[ "${lines[0]}" = 'across+0x60 inner,\x20outer,\x20inside,\x20last' ]
	helper tamper mem "$PID" "$(printf '0x%x' $at)" "$(hex_times 90 4096)" >/dev/null
	helper tamper mem "$PID" "$(printf '0x%x' $((at + 10)))" c3 >/dev/null
	verify_rows '.verify | length == 1 and .[0].symbol == "across+0x6a" and .[0].also == null'
}

@test "an instruction changed through ptrace: patched" {
	sleeper
	at=$(address 'libc.so.6!getenv')
	helper tamper ptrace "$PID" "$at" e90102 >/dev/null
	run -1 --separate-stderr physlens verify --json "$PID"
	json_check ".verify | length == 1 and .[0].kind == \"patched\" and .[0].vaddr == \"$at\" and
		.[0].symbol == \"getenv\" and .[0].after == \"e9 01 02\""
}

@test "an int3 alone is a breakpoint; one among other changes is not" {
	sleeper
	at=$(address 'libc.so.6!getenv')
	helper tamper mem "$PID" "$at" cc >/dev/null
	verify_rows '.verify | length == 1 and .[0].kind == "breakpoint" and .[0].length == 1 and
		(.[0].why | test("nobody traces"))'
	helper tamper mem "$PID" "$at" cc9090 >/dev/null
	verify_rows '.verify | length == 1 and .[0].kind == "patched"'
}

@test "a breakpoint set by gdb: who traces the process is said" {
	command -v gdb >/dev/null || skip 'gdb is not installed'
	sleeper
	cat >"$work/commands" <<-END
		set pagination off
		set breakpoint always-inserted on
		break getenv
		shell touch $work/set
		shell while [ ! -e $work/done ]; do sleep 0.1; done
	END
	DEBUGINFOD_URLS='' gdb -nx -q -batch -p "$PID" -x "$work/commands" >"$work/gdb" 2>&1 3>&- 4>&- &
	gdb=$!
	STARTED+=("$gdb")
	for ((i = 0; i < 600; i++)); do
		[ ! -e "$work/set" ] || break
		sleep 0.1
	done
	[ -e "$work/set" ]
	run physlens verify --json "$PID"
	touch "$work/done"
	wait "$gdb" || true
	[ "$status" = 1 ]
	json_check '[.verify[].kind] | unique == ["breakpoint"]'
	json_check ".verify | map(select(.symbol | test(\"^getenv\"))) | length == 1 and
		.[0].after == \"cc\" and .[0].why == \"process $gdb traces it\""
}

@test "code in anonymous memory: anon-exec; --allow lets that command pass and no other" {
	for kind in anon shared; do
		helper_start tamper hold $kind
		PID=$HELPER_PID
		at=$(helper_value address)
		require_disk
		run -1 --separate-stderr physlens verify --json "$PID"
		json_check ".verify | length == 1 and .[0].kind == \"anon-exec\" and .[0].vaddr == \"$at\" and
			.[0].length == 4096 and .[0].pages == 1"
		run -0 physlens verify --allow anon-exec=tamp* "$PID"
		[[ "$output" == *'No findings; 1 allowed;'* ]]
		run -1 physlens verify --allow anon-exec=node --allow patched=tamper "$PID"
	done
}

@test "memory that is written and executed, and code in a memfd" {
	helper_start tamper hold wx
	PID=$HELPER_PID
	require_disk
	verify_rows '[.verify[].kind] | sort == ["anon-exec", "writable-exec"]'
	helper_start tamper hold memfd
	PID=$HELPER_PID
	verify_rows '.verify | length == 1 and .[0].kind == "memfd" and (.[0].object | test("memfd:injected"))'
}

# little NUMBER BYTES: the number's bytes, the lowest first, as printf(1) has them.
little() {
	local i

	for ((i = 0; i < $2; i++)); do printf '\\x%02x' $(($1 >> 8 * i & 255)); done
}

# pe FILE FLAGS: a PE file of one section at 4096, with these flags.
pe() {
	truncate -s 8192 "$1"
	printf 'MZ' | dd of="$1" conv=notrunc status=none
	printf '%b' "$(little 64 4)" | dd of="$1" bs=1 seek=60 conv=notrunc status=none
	# Machine, one section, three words, no optional header, flags; then the section.
	printf 'PE\0\0%b.text\0\0\0%b' "$(little 0x8664 2)$(little 1 2)$(little 0 12)$(little 0 2)$(little 2 2)" \
		"$(little 4096 4)$(little 4096 4)$(little 4096 4)$(little 4096 4)$(little 0 12)$(little "$2" 4)" |
		dd of="$1" bs=1 seek=64 conv=notrunc status=none
	sync "$1"
}

@test "a file of no program mapped to be executed: data-exec; a PE file's code is none, its data are" {
	head -c 8192 /dev/urandom >"$work/file"
	sync "$work/file"
	helper_start mapfile -x -t "$work/file"
	PID=$HELPER_PID
	require_disk
	run -1 --separate-stderr physlens verify --json "$PID"
	json_check ".verify | length == 1 and .[0].kind == \"data-exec\" and .[0].pages == 2 and
		.[0].vaddr == \"$(helper_value address)\" and .[0].object == \"$work/file\" and .[0].why == null"
	run -0 physlens verify --allow 'data-exec=map*' "$PID"
	# The row is about the file and not instead of its bytes.
	helper tamper mem "$PID" "$(helper_value address)" 9090 >/dev/null
	verify_rows '[.verify[].kind] | sort == ["data-exec", "patched"]'
	rm "$work/file"
	verify_rows '[.verify[].kind] | sort == ["data-exec", "patched"]'
	pe "$work/code.dll" 0x60000020
	helper_start mapfile -x -t "$work/code.dll"
	PID=$HELPER_PID
	verify_rows '.verify == []'
	pe "$work/data.dll" 0x40000040
	helper_start mapfile -x -t "$work/data.dll"
	PID=$HELPER_PID
	verify_rows '[.verify[].kind] == ["data-exec"]'
	# An image that the program writes to is not compared as well; one that it may not write to is.
	helper_start mapfile -x -w -t "$work/data.dll"
	PID=$HELPER_PID
	helper tamper mem "$PID" "$(helper_value address)" 9090 >/dev/null
	verify_rows '[.verify[].kind] | sort == ["data-exec", "writable-exec"]'
	# The headers of one that runs are not what may be executed in it.
	cp "$work/code.dll" "$work/cut.dll"
	truncate -s 4096 "$work/cut.dll"
	sync "$work/cut.dll"
	helper_start mapfile -x -t "$work/cut.dll"
	PID=$HELPER_PID
	verify_rows '[.verify[].kind] == ["data-exec"]'
}

@test "a part of an ELF file that is no code, mapped to be executed: data-exec; its code is none" {
	local start offset

	# From the beginning, which has no code in it, to the end of the first page.
	head -c 4096 "$(command -v perl)" >"$work/file"
	head -c 65536 /dev/urandom >>"$work/file"
	sync "$work/file"
	helper_start mapfile -x -t -o 65536 "$work/file"
	PID=$HELPER_PID
	require_disk
	verify_rows '[.verify[].kind] == ["data-exec"]'
	read -r offset < <(readelf -lW "$(command -v perl)" | awk '$1 == "LOAD" && $8 == "E" { print $2 }')
	start=$((offset))
	sync "$(readlink -f "$(command -v perl)")"
	helper_start mapfile -x -t -o "$start" "$(command -v perl)"
	PID=$HELPER_PID
	verify_rows '.verify == []'
}

@test "what a library's JIT code is called: deleted as it always is, and the row says whose by its name" {
	head -c 4096 /dev/urandom >"$work/ffiAbCd12"
	sync "$work/ffiAbCd12"
	helper_start mapfile -x -t "$work/ffiAbCd12"
	PID=$HELPER_PID
	require_disk
	verify_rows '[.verify[].kind] == ["data-exec"]'
	rm "$work/ffiAbCd12"
	verify_rows '.verify | length == 1 and .[0].kind == "deleted" and .[0].why == "by its name closures of libffi"'
}

@test "a page of a file over a page of the C library's code: remapped, be it of that library" {
	local kind

	for kind in remap:tamper repage:libc.so.6; do
		helper_start tamper hold "${kind%:*}"
		PID=$HELPER_PID
		require_disk
		run -1 --separate-stderr physlens verify --json "$PID"
		json_check ".verify | length == 1 and .[0].kind == \"remapped\" and .[0].length == 4096 and
			.[0].vaddr == \"$(helper_value address)\" and (.[0].why | test(\"^mapped over /.*/libc.so.6\"))"
		json_check ".verify[0].object | endswith(\"/${kind#*:}\")"
	done
}

@test "a deleted program, and one that was replaced by another build" {
	cp "$(command -v sleep)" "$work/program"
	sync "$work/program"
	start "$work/program" 300
	asleep "$PID"
	require_disk
	run -0 physlens verify "$PID"
	rm "$work/program"
	verify_rows '.verify | length == 1 and .[0].kind == "deleted"'
	cp "$(command -v cat)" "$work/program"
	verify_rows '.verify | length == 1 and .[0].kind == "replaced" and
		.[0].why == "its path holds another build-id"'
	cp "$(command -v sleep)" "$work/program"
	verify_rows '.verify | length == 1 and .[0].kind == "deleted" and
		.[0].why == "its path holds the same build"'
	# Also what was deleted is compared with its own bytes on the disk.
	helper tamper mem "$PID" "$(physlens map -n -r -o start --region .text --object 'program*' "$PID")" \
		9090 >/dev/null
	verify_rows '[.verify[].kind] | sort == ["deleted", "patched"]'
}

# named FILE: a program in the system's top folder, called as the kernel calls memory without a file.
named() {
	[ ! -e "$1" ] || skip "there is a file $1"
	cp "$(command -v sleep)" "$1"
	sync "$1"
	named_files+=("$1")
}

@test "a file called as the kernel calls memory without one is a file, alive and compared" {
	local file code
	for file in "/memfd:physlens-$$" "/SYSVphysle$$ (deleted)" "/anon_hugepage-$$ (deleted)"; do
		named "$file"
		start "$file" 300
		asleep "$PID"
		require_disk
		verify_rows '.verify == []'
		code=$(physlens map -n -r -o start,region,object "$PID" | grep -F " ${file// /\\x20}" | awk '$2 == ".text" { print $1 }')
		[ -n "$code" ]
		helper tamper mem "$PID" "$code" 9090 >/dev/null
		verify_rows '[.verify[].kind] == ["patched"]'
	done
}

@test "a removed hard link is deleted; a living file whose name ends so is not" {
	cp "$(command -v sleep)" "$work/real (deleted)"
	ln "$work/real (deleted)" "$work/link"
	sync "$work/link"
	start "$work/real (deleted)" 300
	asleep "$PID"
	require_disk
	verify_rows '.verify == []'
	start "$work/link" 300
	asleep "$PID"
	rm "$work/link"
	verify_rows '[.verify[].kind] == ["deleted"]'
}

@test "node's JIT is anon-exec, and allowed it is clean" {
	command -v node >/dev/null || skip 'node is not installed'
	# shellcheck disable=SC2016 # JavaScript's
	start node -e 'let s = 0; const f = (a) => { for (let i = 0; i < 1e6; i++) s += i ^ a; };
		for (let i = 0; i < 20; i++) f(i); console.log("warm"); setInterval(() => {}, 1000);'
	wait_for grep -q warm "$work/output"
	require_disk
	run -1 --separate-stderr physlens verify --json "$PID"
	json_check '[.verify[].kind] | unique | . - ["anon-exec", "writable-exec"] == []'
	json_check '[.verify[] | select(.kind == "anon-exec")] | length > 0'
	run -0 physlens verify --allow anon-exec=node --allow writable-exec=node "$PID"
}

@test "a word of RELRO that no relocation explains is a finding; the loader's own are none" {
	sleeper
	libc=$(physlens map -n -r -o object --object 'libc.so*' "$PID" | head -n 1)
	at=$(address 'libc.so.6!getenv')
	bias=$((at - 0x$(nm -D "$libc" | awk '$3 ~ /^getenv@/ { print $1 }')))
	heap=$(physlens map -n -r -o start --region heap "$PID" | head -n 1)
	# The address of a symbol, which now leads into the heap.
	slot=$((bias + 0x$(readelf -rW "$libc" | awk '$3 == "R_X86_64_GLOB_DAT" { print $1; exit }')))
	old=$(helper tamper mem "$PID" "$slot" "$(little_endian "$heap")")
	verify_rows '.verify | length == 1 and .[0].kind == "patched" and .[0].region == ".got"'
	helper tamper mem "$PID" "$slot" "$old" >/dev/null
	verify_rows '.verify == []'
	# An address in the object itself, and now the one next to it.
	slot=$((bias + 0x$(readelf -rW "$libc" | awk '$3 == "R_X86_64_RELATIVE" { print $1; exit }')))
	old=$(helper tamper mem "$PID" "$slot" ff)
	[ "$old" != ff ]
	verify_rows ".verify | length == 1 and .[0].kind == \"patched\" and .[0].length == 1 and
		.[0].vaddr == \"$(printf '0x%x' "$slot")\""
}

@test "a number of the loader's is no pointer, and one to the stack leads to data; others to code are findings" {
	local at kind

	helper_start tamper hold low
	PID=$HELPER_PID
	require_disk
	verify_rows '[.verify[].kind] == ["anon-exec"]'
	echo 'int main(void) { puts("warm"); fflush(0); for (;;) pause(); }' >"$work/stack.c"
	for kind in -pie -static; do
		"${CC:-cc}" -w $kind -z execstack -o "$work/stack" "$work/stack.c" || skip 'no compiler'
		sync "$work/stack"
		warm "$work/stack"
		verify_rows '[.verify[] | select(.region == "stack") | .kind] | sort == ["anon-exec", "writable-exec"]'
		verify_rows '[.verify[].kind] | unique == ["anon-exec", "writable-exec"]'
	done
	# A variable of the loader that leads into code without a file.
	helper_start tamper hold anon
	PID=$HELPER_PID
	at=$(printf '0x%x' $(($(address _rtld_global_ro) + 24)))
	helper tamper mem "$PID" "$at" "$(little_endian "$(helper_value address)")" >/dev/null
	verify_rows '[.verify[] | select(.kind == "patched")] | length == 1 and
		(.[0].symbol | test("^_rtld_global_ro[+]0x1[89a-f]$"))'
}

# waits FILE: what the linker named LINKER makes of a C program that waits. Its RELRO ends in the midst
# of a page where the linker pads it.
waits() {
	cat >"$work/waits.c" <<-'END'
		#include <stdio.h>
		#include <unistd.h>
		static int data = 5;
		int *const volatile pointer = &data;
		int bss[3000];
		int main(void) { puts("warm"); fflush(stdout); for (;;) pause(); return *pointer; }
	END
	clang -fuse-ld="$LINKER" -g -O1 "${@:2}" -o "$1" "$work/waits.c" 2>/dev/null && sync "$1"
}

warm() {
	start "$@"
	wait_for grep -q warm "$work/output"
	asleep "$PID"
}

@test "the zeroes at the end of a segment's last page are no finding, whatever the linker; other bytes are" {
	local made=0 at start size program option

	for LINKER in mold lld lld-19; do
		for option in -pie -no-pie -static; do
			waits "$work/$LINKER$option" "$option" || continue
			made=$((made + 1))
			warm "$work/$LINKER$option"
			require_disk
			verify_rows '.verify == []'
		done
	done
	if command -v rustc >/dev/null; then
		echo 'fn main() { println!("warm"); std::thread::sleep(std::time::Duration::MAX); }' >"$work/waits.rs"
		(cd "$work" && rustc -O waits.rs) && sync "$work/waits"
		made=$((made + 1))
		warm "$work/waits"
		require_disk
		verify_rows '.verify == []'
	fi
	[ "$made" -gt 0 ] || skip 'no linker that pads RELRO'
	LINKER=mold
	program=$work/mold-pie
	[ -e "$program" ] || skip 'mold is not installed'
	warm "$program"
	# The last byte of its RELRO, which the file has other bytes for.
	read -r _ _ start _ _ size _ < <(readelf -lW "$program" | grep GNU_RELRO)
	at=$(($(physlens map -n -r -o start --object mold-pie "$PID" | head -n 1) + start + size - 1))
	[ "$(helper tamper mem "$PID" "$(printf '0x%x' "$at")" 41)" = 00 ]
	verify_rows ".verify | length == 1 and .[0].kind == \"patched\" and .[0].before == \"00\" and
		.[0].after == \"41\" and .[0].vaddr == \"$(printf '0x%x' "$at")\""
}

@test "data that a program made read-only: protected, and no finding unless it may be executed" {
	local program=$work/protects

	cat >"$work/protects.c" <<-'END'
		#include <stdio.h>
		#include <string.h>
		#include <sys/mman.h>
		#include <unistd.h>
		static struct { char text[4096]; } secret
			__attribute__((aligned(4096), section("protected_memory"))) = {"as linked"};
		static struct { char text[4096]; } unchanged __attribute__((aligned(4096))) = {"as linked"};
		int main(int count, char **arguments)
		{
			strcpy(secret.text + 100, "as set");
			*(volatile char *)unchanged.text = 'a';
			mprotect(&unchanged, 4096, PROT_READ);
			mprotect(&secret, 4096, PROT_READ | (count > 1 ? PROT_EXEC : 0));
			puts("warm");
			fflush(stdout);
			for (;;)
				pause();
			return arguments != 0;
		}
	END
	"${CC:-cc}" -g -o "$program" "$work/protects.c" || skip 'no compiler'
	sync "$program"
	warm "$program"
	require_disk
	run -0 --separate-stderr physlens verify --json "$PID"
	json_check '.verify | length == 1 and .[0].kind == "protected" and .[0].pages == 1 and
		.[0].region == "protected_memory" and .[0].symbol == "secret" and .[0].bytes == null'
	json_check '.summary.findings == 0'
	run -0 --separate-stderr physlens verify "$PID"
	[[ "$output" == *'No findings; 1 protected; 0 allowed; 0 pages unverifiable.' ]]
	run -0 --separate-stderr physlens verify --allow 'protected=prot*' "$PID"
	[[ "$output" == *'No findings; 1 allowed; 0 pages unverifiable.' ]]
	: >"$work/output"
	warm "$program" executable
	verify_rows '[.verify[].kind] | sort == ["data-exec", "patched"]'
	verify_rows '.verify[] | select(.kind == "patched") | .region == "protected_memory" and
		.symbol == "secret+0x64"'
}

# moves FILE OPTION…: a program that moves its text to memory without a file, as for huge pages, at the same
# place. The library lib.so has pointers to a function of it.
moves() {
	cat >"$work/moves.c" <<-'END'
		#define _GNU_SOURCE
		#include <stdio.h>
		#include <string.h>
		#include <sys/mman.h>
		#include <unistd.h>
		extern void caller(void);
		void provided(void) { puts("warm"); fflush(stdout); }
		int other(int n) { return n * 7; }
		/* All of it is done without calling anything while the text is being replaced. */
		int main(int count, char **arguments)
		{
			char line[512], perms[8], path[256], own[256] = "";
			unsigned long start, end;
			FILE *maps = fopen("/proc/self/maps", "r");

			own[readlink("/proc/self/exe", own, sizeof(own) - 1)] = 0;
			while (fgets(line, sizeof(line), maps)) {
				*path = 0;
				sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &start, &end, perms, path);
				if (strcmp(perms, "r-xp") == 0 && strcmp(path, own) == 0)
					break;
			}
			void *text = mmap(0, end - start, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			memcpy(text, (void *)start, end - start);
			mprotect(text, end - start, PROT_READ | PROT_EXEC);
			mremap(text, end - start, end - start, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)start);
			caller();
			for (;;)
				pause();
			return other(count) + !arguments;
		}
	END
	echo 'extern void provided(void); void caller(void) { provided(); }' >"$work/lib.c"
	"${CC:-cc}" -shared -fPIC -Wl,-z,now -o "$work/lib.so" "$work/lib.c" 2>/dev/null &&
		"${CC:-cc}" -w "${@:2}" -rdynamic -o "$1" "$work/moves.c" "$work/lib.so" 2>/dev/null &&
		sync "$1" "$work/lib.so"
}

@test "text that a program moved to memory of its own: moved, and patched where it is not the file's" {
	local kind at

	for kind in -pie -no-pie; do
		moves "$work/moves$kind" "$kind" || skip 'no compiler'
		: >"$work/output"
		warm "$work/moves$kind"
		require_disk
		grep -q "r-xp 00000000 00:00 0 *\$" "/proc/$PID/maps"
		run -0 --separate-stderr physlens verify --json "$PID"
		json_check ".verify | length == 1 and .[0].kind == \"moved\" and .[0].pages == 1 and
			(.[0].region | startswith(\".\")) and .[0].offset == \"0x1000\" and .[0].object == \"$work/moves$kind\""
		at=$(address other)
		[ "$(physlens translate -n -r -o symbol "$PID" "$at")" = other+0x0 ]
		[ "$(physlens map -n -r -o region --range "$at-$(printf '0x%x' $((at + 1)))" "$PID")" = .text ]
		helper tamper mem "$PID" "$at" c390 >/dev/null
		run -1 --separate-stderr physlens verify --json "$PID"
		json_check ".verify | length == 1 and .[0].kind == \"patched\" and .[0].symbol == \"other\" and
			.[0].vaddr == \"$at\" and .[0].after == \"c3 90\""
	done
}

@test "node with its text in huge pages: moved, and nothing of it is patched" {
	command -v node >/dev/null || skip 'node is not installed'
	start node --use-largepages=on -e 'console.log("warm"); setInterval(() => {}, 1000);'
	wait_for grep -q warm "$work/output"
	require_disk
	physlens verify --json "$PID" >"$work/rows" || true
	jq -e 'any(.verify[]; .kind == "moved")' "$work/rows" >/dev/null || skip 'node has not moved its text'
	verify_rows '[.verify[].kind] | unique - ["anon-exec", "moved", "writable-exec"] == []'
	verify_rows '[.verify[] | select(.kind == "moved")] | (.[0].region | startswith(".")) and (.[0].object | test("node"))'
}

@test "programs for i386 are clean, dynamic and static, also with packed relocations" {
	local kind option program

	echo 'int main(void) { puts("warm"); fflush(0); for (;;) pause(); }' >"$work/small.c"
	# A word that lies on two pages, of which each has a part of the sum.
	cat >>"$work/small.c" <<-'END'
		const struct __attribute__((packed)) {
			char before[4093];
			void *across[1024];
		} parts __attribute__((aligned(4096), section(".data.rel.ro"))) = {{1}, {[0 ... 1023] = &parts}};
	END
	for kind in -pie -no-pie -static -static-pie; do
		for option in -Wl,-z,now -Wl,-z,pack-relative-relocs; do
			program=$work/small$kind
			"${CC:-cc}" -m32 -w -fPIE $kind $option -o "$program" "$work/small.c" || skip 'no compiler for 32 bits'
			sync "$program"
			: >"$work/output"
			start "$program"
			wait_for is_warm "$PID"
			grep -q warm "$work/output" || skip 'the kernel runs no 32-bit programs'
			asleep "$PID"
			require_disk
			verify_rows '[.verify[] | select(.kind != "foreign-vdso")] == []'
		done
	done
}

# is_warm PID: true also when it has ended, which the next look at it shows.
is_warm() { grep -q warm "$work/output" || ! kill -0 "$1" 2>/dev/null; }

@test "text relocations: relocated; a byte that they do not explain: patched" {
	library_with_text_relocation "$work/text.so"
	start env LD_PRELOAD="$work/text.so" sleep 300
	until [ "$(cat "/proc/$PID/comm")" = sleep ] && physlens translate "$PID" entry >/dev/null 2>&1; do
		sleep 0.05
	done
	# Its loader relocates it later than it maps it.
	asleep "$PID"
	require_disk
	verify_rows '.verify | length == 1 and .[0].kind == "relocated" and .[0].pages == 1 and
		(.[0].object | endswith("/text.so"))'
	helper tamper mem "$PID" "$(address entry+20)" c3 >/dev/null
	verify_rows '.verify | length == 1 and .[0].kind == "patched" and .[0].symbol == "entry+0x14"'
	# A relocation that was redirected is no relocation any more.
	helper tamper mem "$PID" "$(address entry+20)" 90 >/dev/null
	helper tamper mem "$PID" "$(address entry+7)" 41 >/dev/null
	verify_rows '.verify | length == 1 and .[0].kind == "patched"'
}

@test "a program in an emulator, which maps its code to be read: no row but for the emulator's own memory" {
	command -v qemu-x86_64 >/dev/null || skip 'qemu-user is not installed'
	start qemu-x86_64 "$(type -P sleep)" 300
	wait_for grep -q 'libc[.]so' "/proc/$PID/maps"
	asleep "$PID"
	require_disk
	verify_rows '.summary.frames > 100 and ([.verify[].kind] | unique - ["anon-exec", "writable-exec"] == [])'
}

@test "a vdso unlike the others: each page of it, also one in swap" {
	local start end at page

	sleeper
	read -r start end < <(physlens map -n -r -o start,end --region vdso "$PID")
	for ((at = start; at < end; at += PAGE_SIZE)); do
		# Its first page is in RAM everywhere: the loader reads its header. The others are not.
		page=$(printf '0x%x' $((at + 9)))
		old=$(helper tamper mem "$PID" "$page" 41)
		verify_rows ".verify | map(select(.kind != \"copied\")) | length == 1 and
			.[0].kind == \"foreign-vdso\" and .[0].before == \"$old\" and
			.[0].after == \"41\" and .[0].vaddr == \"$page\" and .[0].region == \"vdso\""
		helper tamper mem "$PID" "$page" "$old" >/dev/null
	done
	verify_rows ".verify | length == 1 and .[0].kind == \"copied\" and .[0].pages == $(((end - start) / PAGE_SIZE))"
	system_lock
	swap_on_zram 64
	helper tamper mem "$PID" "$page" 41 >/dev/null
	helper tamper pageout "$PID" "$page" || skip 'the kernel pages nothing out for others'
	verify_rows 'any(.verify[]; .kind == "foreign-vdso" and .after == "41")'
}

@test "a 32-bit vdso: the kernel's own is clean, a written page without another is unverifiable" {
	local at helpers=()

	"${CC:-cc}" -m32 -ffreestanding -nostdlib -static -no-pie -fno-stack-protector -o "$work/tiny32" \
		"$BATS_TEST_DIRNAME/helpers/tiny32.c" 2>/dev/null || skip 'no compiler for 32 bits'
	sync "$work/tiny32"
	mkdir "$work/"{first,second}
	for at in first second; do
		_waiting_start "$work/$at" "$work/tiny32" || skip 'the kernel runs no 32-bit programs'
		HELPERS+=("$_waiting_pid:$_waiting_fd")
		helpers+=("$_waiting_pid")
	done
	PID=${helpers[0]}
	require_disk
	verify_rows '.verify == []'
	at=$(physlens map -n -r -o start --region vdso "$PID" | head -n 1)
	helper tamper mem "$PID" "$(printf '0x%x' $((at + 9)))" 41 >/dev/null
	run -2 --separate-stderr physlens verify --json "$PID"
	json_check '.verify | length == 1 and .[0].kind == "unverifiable" and (.[0].why | test("no other process"))'
	json_check '.summary.unverifiable == 1'
	# Beside another one, which must be in RAM, it is told.
	at=$(physlens map -n -r -o start --region vdso "${helpers[1]}" | head -n 1)
	dd if="/proc/${helpers[1]}/mem" of=/dev/null bs=4096 skip=$((at / 4096)) count=1 status=none
	run -1 --separate-stderr physlens verify --json "${helpers[@]}"
	json_check '.verify | length == 1 and .[0].kind == "foreign-vdso" and .[0].after == "41"'
}

@test "what is on no disk is unverifiable, not a match: status 2, unless allowed" {
	[ "$(stat -f -c %T /dev/shm)" = tmpfs ] || skip '/dev/shm is no tmpfs'
	file=$(mktemp /dev/shm/verify.XXXXXX)
	head -c 8192 /dev/urandom >"$file"
	helper_start mapfile -t "$file"
	PID=$HELPER_PID
	run -2 --separate-stderr physlens verify --json "$PID"
	rm "$file"
	json_check '.verify | length == 1 and .[0].kind == "unverifiable" and .[0].pages == 2 and
		(.[0].why | test("tmpfs"))'
	json_check '.summary.unverifiable == 2'
}

# only_cached COMMAND…: a program whose file system cannot be read past its cache, which becomes
# "program": only its private pages are compared, and the row says so.
only_cached() {
	local at

	start "$@"
	wait_for grep -qx program "/proc/$PID/comm"
	asleep "$PID"
	at=$(physlens map -n -r -o start --region .text --object 'program*' "$PID")
	run --separate-stderr physlens verify --json "$PID"
	# An overlay may hand a direct read on to the file system below.
	[ "$status" = 0 ] || json_check '.verify | length == 1 and (.[0].object | endswith("/program")) and
		.[0].kind == "unverifiable" and (.[0].why | test("; the cache is not compared, private pages are$"))'
	[ "$status" = 0 ] || blind=$((blind + 1))
	helper tamper mem "$PID" "$at" 9090 >/dev/null
	for limit in '' 1; do
		PHYSLENS_VERIFY_PAGES=$limit run -1 --separate-stderr physlens verify --json "$PID"
		json_check "[.verify[] | select(.kind != \"unverifiable\")] | length == 1 and
			.[0].kind == \"patched\" and .[0].vaddr == \"$at\" and .[0].after == \"90 90\""
	done
	started_stop
}

@test "where the disk cannot be read past the cache a private page is compared: tmpfs, overlay, btrfs" {
	local blind=0 program

	require_own_mounts
	program=$(command -v sleep)
	mkdir "$work"/{lower,upper,work,m}
	# shellcheck disable=SC2016 # of the inner shell
	for mount in 'mount -t tmpfs none m' \
		'mount -t overlay none -o lowerdir=lower,upperdir=upper,workdir=work m' \
		'mkfs.btrfs -q -f disk && mount -o loop disk m'; do
		rm -f "$work/disk"
		truncate -s 128M "$work/disk"
		unshare -m bash -c "cd $work && $mount" >/dev/null 2>&1 || continue
		only_cached unshare -m bash -c "cd $work && $mount && cp $program m/program && sync m/program &&
			exec m/program 300"
	done
	[ "$blind" -gt 0 ]
}

@test "what lies 16 TiB into a file is counted, and named unverifiable" {
	local last=$(((1 << 44) - 8192)) at

	[ "$(stat -f -c %T /dev/shm)" = tmpfs ] || skip '/dev/shm is no tmpfs'
	file=$(mktemp /dev/shm/verify.XXXXXX)
	named_files+=("$file")
	truncate -s $((last + 16384)) "$file" || skip 'the file system has no such files'
	helper_start mapfile -t -o $last "$file"
	PID=$HELPER_PID
	at=$(helper_value address)
	helper tamper mem "$PID" "$at" 9090 >/dev/null
	run -1 --separate-stderr physlens verify --json "$PID"
	json_check "any(.verify[]; .kind == \"patched\" and .vaddr == \"$at\") and .summary.unverifiable == 3"
	# The first page whose number has no room, and one whose lower half is another's.
	for page in 1 3; do
		helper tamper mem "$PID" "$(printf '0x%x' $((at + page * PAGE_SIZE)))" 9090 >/dev/null
	done
	for limit in '' 1; do
		PHYSLENS_VERIFY_PAGES=$limit run -1 --separate-stderr physlens verify --json "$PID"
		json_check '[.verify[] | select(.kind == "unverifiable" and (.why | test("16 TiB")))] |
			length == 2 and all(.[]; .pages == 1)'
		json_check '.summary.unverifiable == 3 and ([.verify[] | select(.kind == "patched")] | length == 1)'
	done
}

@test "a file that was written and not synced: unverifiable yet, and looking does not sync it; --sync does" {
	local address

	head -c 16384 /dev/urandom >"$work/file"
	sync "$work/file"
	helper_start mapfile -t "$work/file"
	PID=$HELPER_PID
	address=$(helper_value address)
	require_disk
	run -0 physlens verify "$PID"
	printf tampered | dd of="$work/file" bs=1 seek=5000 conv=notrunc status=none
	for _ in 1 2; do
		run -2 --separate-stderr physlens verify --json "$PID"
		# A large folio is dirty as a whole.
		json_check '.verify | length == 1 and .[0].kind == "unverifiable" and (.[0].pages <= 4) and
			(.[0].offset == "0x1000" or .[0].pages > 1) and
			.[0].why == "written, and not on the disk yet: see --sync"'
		json_check '.summary.unverifiable == .verify[0].pages and .summary.findings == 0'
	done
	# A private page of it is compared all the same, with what was written.
	helper tamper mem "$PID" "$(printf '0x%x' $((address + 5000)))" 9090 >/dev/null
	run -1 --separate-stderr physlens verify --json "$PID"
	json_check '[.verify[] | select(.kind != "unverifiable")] | length == 1 and
		.[0].kind == "patched" and .[0].offset == "0x1388" and .[0].before == "74 61"'
	run -1 --separate-stderr physlens verify --sync --json "$PID"
	json_check '[.verify[].kind] == ["patched"] and .summary.unverifiable == 0'
	helper_start mapfile -t "$work/file"
	printf tampered | dd of="$work/file" bs=1 seek=9000 conv=notrunc status=none
	run -2 physlens verify "$HELPER_PID"
	run -0 physlens verify --sync "$HELPER_PID"
	run -0 physlens verify "$HELPER_PID"
}

@test "hostile ELF files get a clear line, and their pages are compared" {
	local pids=() places=() i

	mkdir "$work/elf"
	helper hostile-elf "$work/elf"
	sync "$work"/elf/*
	for file in "$work"/elf/*; do
		# Nothing of an empty file is resident.
		[ -s "$file" ] || continue
		helper_start mapfile -x -t "$file"
		pids+=("$HELPER_PID")
		places+=("$(helper_value address)")
	done
	PID=$HELPER_PID
	require_disk
	run -0 --separate-stderr timeout 120 "$PHYSLENS" verify --allow data-exec=mapfile --json "${pids[@]}"
	json_check ".verify == [] and .summary.unverifiable == 0 and .summary.processes == ${#pids[@]}"
	[[ "$stderr" == *"$work/elf/sections-overlap.elf: section: overlaps another: compared all the same"* ]]
	[[ "$stderr" == *"$work/elf/section-past-end.elf: section: past the end of the file: compared"* ]]
	# They are compared: a byte that is changed in memory is found, in each of them.
	for ((i = 0; i < ${#pids[@]}; i++)); do
		helper tamper mem "${pids[i]}" "${places[i]}" 00 >/dev/null
	done
	run -1 --separate-stderr timeout 120 "$PHYSLENS" verify --allow data-exec=mapfile --json "${pids[@]}"
	json_check ".verify | length == ${#pids[@]} and ([.[].pid] | unique | length == ${#pids[@]})"
	json_check '[.verify[].kind] | unique - ["copied", "patched"] == []'
}

@test "a library with a million symbols: the right one is named" {
	"${CC:-cc}" -x assembler -shared -nostdlib -o "$work/many.so" - <<-'END' || skip 'no compiler'
		.section .note.GNU-stack,"",@progbits
		.text
		.macro one
		s\@: .byte 0x90
		.type s\@, @function
		.size s\@, 1
		.endm
		.rept 1000000
		one
		.endr
	END
	[ "$(nm "$work/many.so" | grep -c ' t s')" = 1000000 ]
	sync "$work/many.so"
	start env LD_PRELOAD="$work/many.so" sleep 300
	become "$PID" "$(command -v sleep)"
	wait_for grep -q many.so "/proc/$PID/maps"
	require_disk
	at=$(physlens map -n -r -o start --region .text --object many.so "$PID")
	helper tamper mem "$PID" "$(printf '0x%x' $((at + 5000)))" c3 >/dev/null
	run -1 --separate-stderr timeout 60 "$PHYSLENS" verify --json "$PID"
	json_check '.verify | length == 1 and .[0].kind == "patched" and .[0].symbol == "s5000"'
}

@test "files with more pages than are remembered are compared piece by piece" {
	head -c 4M /dev/urandom >"$work/file"
	sync "$work/file"
	helper_start mapfile -t "$work/file"
	PID=$HELPER_PID
	require_disk
	whole=$(physlens verify --json "$PID" | jq .summary.frames)
	at=$(printf '0x%x' $(($(helper_value address) + 3000000)))
	helper tamper mem "$PID" "$at" "$(printf '90%.0s' {1..32})" >/dev/null
	run -1 --separate-stderr env PHYSLENS_VERIFY_PAGES=100 "$PHYSLENS" verify --json "$PID"
	json_check ".verify | length == 1 and .[0].kind == \"patched\" and .[0].pid == $PID and
		.[0].object == \"$work/file\" and (.[0].after | startswith(\"90 90 90\"))"
	json_check ".summary.frames == $whole"
}

@test "a file truncated and grown while it is read: no false finding" {
	head -c 8M /dev/urandom >"$work/whole"
	cp "$work/whole" "$work/file"
	sync "$work/file"
	helper_start mapfile -t "$work/file"
	PID=$HELPER_PID
	require_disk
	(
		while [ -e "$work/whole" ]; do
			truncate -s 4096 "$work/file"
			truncate -s 8M "$work/file"
		done
	) 3>&- 4>&- &
	STARTED+=($!)
	for ((i = 0; i < 20; i++)); do
		run physlens verify --json "$PID"
		json_check '[.verify[].kind] | unique | . - ["unverifiable", "unstable"] == []'
	done
	rm "$work/whole"
}

# flickering KIND: a process with a page that will not hold still. Sets PID.
flickering() {
	cp "$(command -v perl)" "$work/file"
	sync "$work/file"
	helper_start flickering "$1" "$work/file"
	PID=$(helper_value flickering)
	require_disk_of "$HELPER_PID"
}

@test "a patch that is thrown away again and again: a row, and never a match for want of a look" {
	local kind look seen

	for kind in patch swap; do
		flickering $kind
		seen=0
		for ((look = 0; look < 10; look++)); do
			run --separate-stderr physlens verify --json "$PID"
			json_check '[.verify[].kind] | unique - ["patched", "copied", "unstable"] == []'
			json_check '.summary.vanished == 0 and .summary.unstable ==
				([.verify[] | select(.kind == "unstable") | .pages] | add // 0)'
			json_check '.verify[] | .vaddr[:-3] == "'"$(helper_value address | sed 's/...$//')"'"' ||
				[ "$status" = 0 ]
			[ "$status" = 0 ] || seen=1
			# Without a source the process's own memory is read, at other moments.
			run --separate-stderr physlens --source none verify --json "$PID"
			json_check '.summary.vanished == 0'
		done
		[ "$seen" = 1 ]
		helpers_stop
	done
}

@test "anonymous memory in turn with a page of a file is not taken for that page, patched" {
	local look

	flickering memory
	for ((look = 0; look < 40; look++)); do
		# What is mapped is the beginning of the file, which is no code.
		run --separate-stderr physlens verify --allow data-exec=flickering --json "$PID"
		json_check '[.verify[].kind] | unique - ["unstable", "anon-exec"] == []'
		json_check '.summary.vanished == 0'
	done
}

# What others do with their processes is their affair: whom they debug, what their JIT compilers and
# emulators write, whether they are protected. Ours are among them, and nobody may have touched those.
@test "all processes: no code of ours is other than its file's, and each of ours is compared" {
	local pids=() ours tampered='"patched", "page-cache", "relocated", "copied", "foreign-vdso"'

	start bash -c 'sleep 300; :'
	pids+=("$PID")
	start tail -f /dev/null
	pids+=("$PID")
	start perl -e 'sleep 300'
	pids+=("$PID")
	start python3 -c 'import time, ssl, ctypes; time.sleep(300)'
	pids+=("$PID")
	asleep "${pids[@]}"
	require_disk
	run --separate-stderr physlens verify --all --json
	[ "$status" = 0 ] || [ "$status" = 1 ] || [ "$status" = 2 ]
	ours="map(select((.pid | IN($(IFS=,; echo "${pids[*]}"))) and (.kind | IN($tampered))))"
	json_check ".verify | $ours == []"
	json_check '.summary.processes > 4 and .summary.frames > 1000'
	json_check '.summary.findings == ([.verify[] | select(.kind | IN("unverifiable", "unstable") | not)] | length)'
	# The one that is altered is found among all of them.
	helper tamper mem "${pids[2]}" "$(physlens translate -n -r -o vaddr "${pids[2]}" 'libc.so.6!getenv')" \
		c3 >/dev/null
	run -1 --separate-stderr physlens verify --all --json
	json_check ".verify | $ours | length == 1 and
		.[0].kind == \"patched\" and .[0].pid == ${pids[2]} and .[0].symbol == \"getenv\""
}

@test "what several processes map is read and compared once" {
	local one both

	sleeper
	one=$(physlens verify --json "$PID" | jq .summary.frames)
	first=$PID
	start sleep 300
	asleep "$PID"
	both=$(physlens verify --json "$PID" "$first" | jq .summary.frames)
	# The second has its own copies of what its loader wrote, and those are few.
	((both < one * 3 / 2))
}

@test "forty thousand areas, each executable and of its own name" {
	[ "$(cat /proc/sys/vm/max_map_count)" -gt 45000 ] || skip 'vm.max_map_count is low'
	helper_start tamper hold many
	PID=$HELPER_PID
	run -1 --separate-stderr timeout 60 "$PHYSLENS" verify --json "$PID"
	json_check ".verify | length == 32768 and ([.[].kind] | unique == [\"anon-exec\"])"
	json_check ".summary.findings == $(helper_value areas)"
	[[ "$stderr" == *"$(($(helper_value areas) - 32768)) more findings are not shown"* ]]
	run -1 --separate-stderr timeout 60 "$PHYSLENS" verify "$PID"
	[[ "$output" == *"$(helper_value areas) findings, of which 32768 are shown: 32768 anon-exec; 0 allowed"* ]]
}

@test "what cannot be compared is a row for all of its pages, not one for each" {
	head -c 64K /dev/zero >"$work/file"
	sync "$work/file"
	helper_start mapfile -t "$work/file"
	PID=$HELPER_PID
	require_disk
	# As a file system does that is not among those that are known to read past their cache.
	file=$(mktemp /dev/shm/verify.XXXXXX)
	head -c 64K /dev/zero >"$file"
	helper_start mapfile -t "$file"
	rm "$file"
	[ "$(stat -f -c %T /dev/shm)" = tmpfs ] || skip '/dev/shm is no tmpfs'
	run -2 --separate-stderr physlens verify --json "$PID" "$HELPER_PID"
	json_check ".verify | length == 1 and .[0].pages == 16 and .[0].pid == $HELPER_PID"
	run -2 --separate-stderr physlens verify "$HELPER_PID"
	[[ "$output" == *"16 pages unverifiable."* ]]
	run -0 --separate-stderr physlens verify --allow 'unverifiable=map*' "$HELPER_PID"
}

@test "a process that has ended is said to have" {
	start sleep 300
	kill -KILL "$PID"
	wait_for test ! -e "/proc/$PID"
	run -2 --separate-stderr physlens verify "$PID"
	[[ "$stderr" == "physlens: verify: no such process: $PID" ]]
	[[ "$output" == *'1 process unread.' ]]
}

@test "mistakes are told" {
	run -2 physlens verify
	run -2 physlens verify --all 1
	run -2 physlens verify --allow nothing=x $$
	[[ "$output" == *'--allow: no such kind: nothing (there are: patched, page-cache, '*', data-exec, '*', masquerade, '*'unverifiable, unstable, protected, moved)' ]]
	run -2 physlens verify --allow patched $$
	[[ "$output" == *'--allow: not KIND=GLOB, as in anon-exec=node: patched' ]]
	run -2 physlens verify 0
	run -2 physlens verify 4194305
	run -2 physlens verify -o NOTHING $$
	[[ "$output" == *'unknown column'* ]]
	run -2 physlens verify --alow anon-exec=node $$
}
