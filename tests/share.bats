#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# share: which frames processes have in common, held against map, and what it says of bad input.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

setup() {
	[ "$(id -u)" = 0 ] || skip 'frame numbers are hidden from who is not root'
}

teardown() {
	helpers_stop
	started_stop
}

# Two shells that wait, each with a start of its own.
two_shells() {
	start bash -c 'sleep 300; :'
	start bash -c 'sleep 300; :'
	# Until both have begun to wait they still map pages.
	local pid
	for pid in "${STARTED[@]}"; do
		wait_for pgrep -r S -P "$pid" sleep >/dev/null
	done
	# A child may run before its shell has come to wait for it.
	asleep "${STARTED[@]}"
	A=${STARTED[0]} B=${STARTED[1]}
}

# frames PID REGION OBJECT: its frames there, by map.
frames() {
	physlens map --pages -n -r -o state,pfn,pages --region "$2" --object "$3" "$1" |
		while read -r state pfn pages; do
			[ "$state" = present ] || continue
			for ((i = 0; i < pages; i++)); do printf '0x%x\n' $((pfn + i)); done
		done | sort -u
}

@test "two shells: libc's text at two addresses in the same frames, as map has them" {
	two_shells
	run -0 --separate-stderr physlens share --json --object 'libc.so*' --region .text "$A" "$B"
	json_check '.share | length == 1'
	json_check '.share[0] | .region == ".text" and .frames > 100 and .common == .shared'
	json_check '.share[0].children | length == 2 and .[0].vaddr != .[1].vaddr'
	json_check ".share[0].children | map(.pid) | sort == ([$A, $B] | sort)"
	local both
	both=$(comm -12 <(frames "$A" .text 'libc.so*') <(frames "$B" .text 'libc.so*') | wc -l)
	[ "$both" -gt 100 ]
	json_check ".share[0].common == $both"
	json_check "[.share[0].children[] | .present == .shared + .private] | all"
}

@test "two shells: the program's own text is shared, its data private, and why" {
	two_shells
	run -0 --separate-stderr physlens share --json --object '*/bash' "$A" "$B"
	json_check '.share[] | select(.region == ".text") | .common > 50'
	json_check '.share[] | select(.region == ".rodata") | .common > 0'
	json_check '.share[] | select(.region == ".data") | .common == 0 and
		([.children[].why | endswith(" written")] | all)'
	json_check '.share[] | select(.region == ".got") | .common == 0 and
		([.children[].why | endswith(" relocated")] | all)'
	json_check '[.share[] | select(.region == ".bss")] | length == 1'
}

@test "--pages: every frame with each process's address, as map has it" {
	local pid vaddr pfn mapped
	two_shells
	physlens share --pages -n -r -o pid,vaddr,pfn,processes --object 'libc.so*' --region .rodata \
		"$A" "$B" >"$BATS_TEST_TMPDIR/rows"
	[ "$(grep -c ' 2$' "$BATS_TEST_TMPDIR/rows")" -ge 2 ]
	while read -r pid vaddr pfn mapped; do
		((mapped == 1 || mapped == 2))
		[ "$(physlens translate -n -r -o pfn "$pid" "$vaddr")" = "$pfn" ]
	done <"$BATS_TEST_TMPDIR/rows"
}

@test "a fork shares all but what was written; only some, with a third" {
	helper_start sharers 3 4 --private 10
	local children address
	read -ra children < <(sed -n 's/^children //p' "$HELPER_DIR/out")
	address=$(helper_value address)
	run -0 --separate-stderr physlens share --json --region anon "$HELPER_PID" "${children[@]}"
	json_check "[.share[].children[] | select(.vaddr == \"$address\")] | length == 3"
	# 1024 pages; 10 are copied in each child: 1024 + 20 frames, 1014 common to all.
	json_check "[.share[].children[] | select(.pid == ${children[0]} and .vaddr == \"$address\")]
		| .[0].present == 1024 and .[0].shared == 1014 and .[0].private == 10 and
		.[0].why == \"10 its own\""
	json_check '.share[] | select(.region == "anon") | .common >= 1014 and .common <= .frames - 20'
	# The parent's ten are its own, since each child has copied them.
	json_check "[.share[].children[] | select(.pid == $HELPER_PID and .vaddr == \"$address\")]
		| .[0].shared == 1014"
}

@test "the answer is the same without PAGEMAP_SCAN, and by one thread or many" {
	helper_start sharers 3 4 --private 10
	local children one
	read -ra children < <(sed -n 's/^children //p' "$HELPER_DIR/out")
	asleep "${children[@]}"
	run -0 --separate-stderr physlens share --json --freeze "$HELPER_PID" "${children[@]}"
	one=$output
	PHYSLENS_NO_SCAN=1 run -0 --separate-stderr physlens share --json --freeze "$HELPER_PID" "${children[@]}"
	[ "$output" = "$one" ]
	PHYSLENS_THREADS=1 run -0 --separate-stderr physlens share --json --freeze "$HELPER_PID" "${children[@]}"
	[ "$output" = "$one" ]
	PHYSLENS_THREADS=8 run -0 --separate-stderr physlens share --json --freeze "$HELPER_PID" "${children[@]}"
	[ "$output" = "$one" ]
}

@test "--name selects as pgrep does" {
	# Its own name, in the fifteen characters that there are: another run may be here, too.
	local name=nap$$ pattern="^n.p$$\$"
	cp "$(command -v sleep)" "$BATS_TEST_TMPDIR/$name"
	start "$BATS_TEST_TMPDIR/$name" 300
	start "$BATS_TEST_TMPDIR/$name" 301
	asleep "${STARTED[@]}"
	run -0 --separate-stderr physlens share --json --name "$pattern" --region .text --object "*$name"
	json_check ".share[0].children | length == 2 and ([.[].pid] | sort) ==
		[$(pgrep "$pattern" | sort -n | paste -sd ,)]"
	run -2 --separate-stderr physlens share --name '['
	[[ $stderr == 'physlens: share: --name: [: '* ]]
	run -2 --separate-stderr physlens share --name '^no such name at all$'
	[[ $stderr == *'no process is selected by --name '* ]]
}

@test "one process twice, one alone, none" {
	start sleep 300
	local pid=${STARTED[0]}
	asleep "$pid"
	run -2 --separate-stderr physlens share "$pid" "$pid"
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "physlens: share: process $pid was given twice" ]
	[[ ${stderr_lines[1]} == *'at least two processes with address spaces of their own'* ]]
	run -2 --separate-stderr physlens share "$pid"
	[[ $stderr == *'at least two processes'* ]]
	run -2 --separate-stderr physlens share
	[[ $stderr == *'two or more process IDs are needed'* ]]
	run -2 --separate-stderr physlens share "$pid" x
	[[ $stderr == *'not a process ID: x'* ]]
}

@test "an address space that two processes have is one" {
	helper_start sharers 2 1 --clone-vm
	local clone child
	clone=$(helper_value clone)
	child=$(helper_value children)
	[ -n "$clone" ]
	run -2 --separate-stderr physlens share "$HELPER_PID" "$clone"
	[[ $stderr == *"process "*" has the address space of process "*": counted once"* ]]
	run -0 --separate-stderr physlens share --json "$HELPER_PID" "$clone" "$child"
	json_check '[.share[].children[].pid] | unique | length == 2'
}

@test "what cannot be read is named, and the others are shown" {
	start sleep 300
	start sleep 300
	asleep "${STARTED[@]}"
	run -2 --separate-stderr physlens share --json --region .text "${STARTED[@]}" 4194303 2
	[[ $stderr == *'no such process: 4194303'* ]]
	! has_kernel_thread || [[ $stderr == *'process 2 '* ]]
	json_check '.share | length >= 1'
}

@test "without frame numbers nothing can be said of sharing, in one line" {
	start setpriv --reuid=65534 --regid=65534 --clear-groups sleep 300
	start setpriv --reuid=65534 --regid=65534 --clear-groups sleep 300
	asleep "${STARTED[@]}"
	cp "$PHYSLENS" "$BATS_TEST_TMPDIR/physlens"
	chmod 755 "$BATS_TEST_TMPDIR"
	run -2 --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
		"$BATS_TEST_TMPDIR/physlens" share "${STARTED[@]}"
	[ "$stderr" = 'physlens: share: frame numbers are hidden: CAP_SYS_ADMIN is missing (run as root)' ]
}

@test "one that ends while it is read is named and left out whole" {
	two_shells
	local tries tool named=''
	for ((tries = 0; tries < 30 && !${#named}; tries++)); do
		helper_start hugereserve --populate 1024
		"$PHYSLENS" share --json "$A" "$B" "$HELPER_PID" >"$BATS_TEST_TMPDIR/out" \
			2>"$BATS_TEST_TMPDIR/err" </dev/null 3>&- 4>&- &
		tool=$!
		# Once it has the pagemap of the large one open it reads that for a while.
		until find "/proc/$tool/fd" -lname "*/$HELPER_PID/pagemap" 2>/dev/null | grep -q .; do
			kill -0 "$tool" 2>/dev/null || break
		done
		kill -KILL "$HELPER_PID"
		# 2 where it was gone before it could be opened.
		wait "$tool" || [ $? -eq 2 ]
		# Whatever becomes of it, the others are shown.
		output=$(<"$BATS_TEST_TMPDIR/out")
		json_check "[.share[].children[].pid] | contains([$A, $B])"
		# Whole or not at all: its 1024 MiB are in one region.
		json_check "[.share[].children[] | select(.pid == $HELPER_PID and .present >= 262144)] as \$big |
			[.share[].children[] | select(.pid == $HELPER_PID)] |
			length == 0 or (\$big | length == 1)"
		named=$(grep "process $HELPER_PID .*ended while it was read: left out" "$BATS_TEST_TMPDIR/err" || true)
		[ -z "$named" ] || json_check "[.share[].children[] | select(.pid == $HELPER_PID)] == []"
		helpers_stop
	done
	[ -n "$named" ]
}

@test "a prefork server: the workers share what the master has read in" {
	local master workers
	start_gunicorn 4 <<-END
		table = {number: str(number) for number in range(100000)}

		def app(environ, start_response):
		    start_response("200 OK", [])
		    return [table[1].encode()]
	END
	run -0 --separate-stderr physlens share --json --freeze "$master" "${workers[@]}"
	# Its text, where all have it, and the heap that only a fork can share.
	json_check '.share[] | select(.region == ".text" and (.object | test("/python3[.0-9]*$"))) | .common > 0'
	json_check '.share[] | select(.region == "heap") | .shared > 0 and (.children | length == 5)'
	json_check '[.share[] | select(.region == "heap") | .children[].vaddr] | unique | length == 1'
	kill "$master"
}

@test "the tree is drawn in ASCII where the locale has no UTF-8, and in lines where it has" {
	two_shells
	run -0 env LC_ALL=C "$PHYSLENS" share "$A" "$B"
	[[ $output == *$'\n|- '* && $output == *$'\n`- '* ]]
	run ! env LC_ALL=C grep $'[\200-\377]' <<<"$output"
	run -0 env LC_ALL=C.UTF-8 "$PHYSLENS" share "$A" "$B"
	[[ $output == *$'\n├─'* && $output == *$'\n└─'* ]]
}
