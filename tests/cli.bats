#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line itself: help, version, what is not understood. Needs no privilege.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helpers/lib

# The names in the command table, as --help lists them.
commands() {
	physlens --help | sed -n '/^Commands:/,/^$/s/^ \([a-z]*\) .*/\1/p'
}

# Refused: status 2, nothing on standard output, and on standard error the message and
# the pointer to help, no more.
refused() {
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	[[ ${stderr_lines[0]} == "physlens: $1"* ]]
	[[ ${stderr_lines[1]} == "Try 'physlens"*"--help' for more information." ]]
	[ "${#stderr_lines[@]}" -eq 2 ]
}

@test "--help and -h: what it is for, the commands, on standard output" {
	run -0 --separate-stderr physlens --help
	[ -z "$stderr" ]
	[ "${lines[0]}" = 'Usage:' ]
	[[ $output == *"Show where a process's memory really is."* ]]
	[[ $output == *$'\n map '* ]]
	[[ $output == *$'\n doctor '* ]]
	local long=$output
	run -0 physlens -h
	[ "$output" = "$long" ]
}

@test "--version and -V: name and number" {
	local version
	run -0 --separate-stderr physlens --version
	[[ $output =~ ^'physlens '[0-9]+\.[0-9]+\.[0-9]+ ]]
	[ -z "$stderr" ]
	version=$output
	run -0 physlens -V
	[ "$output" = "$version" ]
	run -0 physlens map --version
	[ "$output" = "$version" ]
}

@test "no command, an unknown command, an unknown option before it" {
	run --separate-stderr physlens
	refused 'no command given'
	run --separate-stderr physlens mpa 1
	refused 'mpa: no such command'
	run --separate-stderr physlens ma 1
	refused 'ma: no such command'
	run --separate-stderr physlens MAP 1
	refused 'MAP: no such command'
	run --separate-stderr physlens ''
	refused ': no such command'
	run --separate-stderr physlens --frobnicate map 1
	refused '--frobnicate: unknown option'
	run --separate-stderr physlens -x
	refused '-x: unknown option'
}

@test "a command's name with few letters wrong is told, another is not" {
	local pair word meant
	for pair in mpa:map cenus:census verfy:verify ver:verify trnaslate:translate ownre:owner doctr:doctor; do
		word=${pair%:*} meant=${pair#*:}
		run -2 --separate-stderr physlens "$word" 1
		[[ ${stderr_lines[0]} == "physlens: $word: no such command; did you mean '$meant'?" ]]
	done
	for word in x xx ls status frobnicate MAP; do
		run -2 --separate-stderr physlens "$word"
		[[ ${stderr_lines[0]} == "physlens: $word: no such command" ]]
	done
}

@test "help: the manual, by man; without one what --help says" {
	local bin=$BATS_TEST_TMPDIR/bin command
	mkdir "$bin"
	# No man(1) to be found, and one that has no such page.
	for command in '' 'echo "No manual entry for $1" >&2; exit 16'; do
		rm -f "$bin/man"
		[ -z "$command" ] || printf '#!/bin/sh\n%s\n' "$command" >"$bin/man"
		[ -z "$command" ] || chmod 755 "$bin/man"
		run -0 --separate-stderr env PATH="$bin" "$PHYSLENS" help map
		[ -z "$stderr" ]
		[ "$output" = "$(physlens map --help)" ]
		run -0 --separate-stderr env PATH="$bin" "$PHYSLENS" help
		[ "$output" = "$(physlens --help)" ]
	done
	printf '#!/bin/sh\necho "page $*"\n' >"$bin/man"
	run -0 --separate-stderr env PATH="$bin:$PATH" "$PHYSLENS" help cow
	[ "$output" = 'page physlens-cow' ]
	run -0 env PATH="$bin:$PATH" "$PHYSLENS" help
	[ "$output" = 'page physlens' ]
	run -2 --separate-stderr physlens help mpa
	[[ ${stderr_lines[0]} == "physlens: mpa: no such command; did you mean 'map'?" ]]
	run -2 --separate-stderr physlens help map cow
	[[ ${stderr_lines[0]} == 'physlens: cow: one command is enough' ]]
}

@test "a command's name with bytes that a terminal would obey" {
	run --separate-stderr physlens $'\e[2Jmap\n'
	refused '\x1b[2Jmap\x0a: no such command'
}

@test "every command: --help has usage, options and columns, and fits 80 columns where it can" {
	local command
	for command in $(commands); do
		run -0 --separate-stderr physlens "$command" --help
		[ -z "$stderr" ]
		[ "${lines[0]}" = 'Usage:' ]
		[[ ${lines[1]} == " physlens $command "* ]]
		[[ $output == *'Common options:'* ]]
		[[ $output == *'--list-columns'* ]]
		[[ $output == *'--json'* ]]
		[[ $output == *"physlens-$command(1)"* ]]
		# Help may be long, lines not.
		run ! grep -E '^.{101}' <<<"$output"
	done
}

@test "every command: --list-columns needs no argument, and lists what --help lists" {
	local command column
	for command in $(commands); do
		run -0 --separate-stderr physlens "$command" --list-columns
		[ -z "$stderr" ]
		[ "${#lines[@]}" -ge 3 ]
		physlens "$command" --help >"$BATS_TEST_TMPDIR/help"
		while read -r column _; do
			[[ $column =~ ^[A-Z][A-Z0-9-]*$ ]]
			grep -q "^ *$column  " "$BATS_TEST_TMPDIR/help"
		done <<<"$output"
	done
}

@test "every command: unknown options and missing arguments are named" {
	local command
	for command in $(commands); do
		run --separate-stderr physlens "$command" --frobnicate 1
		refused "$command: --frobnicate: unknown or ambiguous option"
		run --separate-stderr physlens "$command" -Z 1
		refused "$command: -Z: unknown or ambiguous option"
		run --separate-stderr physlens "$command" 1 -Z
		refused "$command: -Z: unknown or ambiguous option"
		run --separate-stderr physlens "$command" --no nonsense
		[ "$status" -eq 2 ]
		run --separate-stderr physlens "$command" -o
		refused "$command: -o: needs an argument"
		run --separate-stderr physlens "$command" --output
		refused "$command: --output: needs an argument"
		run --separate-stderr physlens "$command" --json=yes 1
		refused "$command: --json=yes"
	done
}

@test "every command: --color takes auto, always or never" {
	local command
	for command in $(commands); do
		run -2 --separate-stderr physlens "$command" --color=sometimes 1
		[ -z "$output" ]
		[ "$stderr" = "physlens: $command: --color: not auto, always or never: sometimes" ]
	done
}

@test "unknown columns: the message names it and those there are, status 2, no table" {
	local list
	for list in NOPE start,NOPE +NOPE 'start;end' START,,END ''; do
		run -2 --separate-stderr physlens map -o "$list" $$
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ $stderr == 'physlens: map: '* ]]
	done
	run -2 --separate-stderr physlens map -o NOPE $$
	[[ $stderr == *'unknown column: NOPE (there are: REGION START END'* ]]
	run -2 --separate-stderr physlens map --pages -o present $$
	[[ $stderr == *'unknown column: present (there are: VADDR VPN PAGES'* ]]
	run -2 --separate-stderr physlens map -o $'\e[2J' $$
	[[ $stderr == *'unknown column: \x1b[2J (there'* ]]
}

@test "options may follow the argument, and -- ends them" {
	run -0 physlens map --region stack $$ -n -r -o region
	[ "$output" = stack ]
	run -2 --separate-stderr physlens map -- --json
	[[ $stderr == 'physlens: map: not a process ID: --json;'* ]]
}

# named NAME: a process of that name; its PID is $!.
named() {
	ln -sf "$(command -v sleep)" "$BATS_TEST_TMPDIR/$1"
	"$BATS_TEST_TMPDIR/$1" 100 3>&- 4>&- &
	NAMED+=("$!")
	for ((tries = 0; tries < 100; tries++)); do
		[ "$(cat "/proc/$!/comm")" != "${1::15}" ] || return 0
		sleep 0.05
	done
	return 1
}

@test "a process is named by its name, where only one is called so" {
	local NAMED=() one two command pid
	named physlens-test-one
	one=$!
	# The kernel keeps 15 bytes of it.
	for command in 'map physlens-test-one' 'map physlens-test-o' 'verify physlens-test-one' \
		'translate physlens-test-one main'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr physlens $command
		[[ $stderr != *'not a process ID'* ]]
	done
	run -0 physlens map --json -o region,start physlens-test-one --region stack
	[ "$output" = "$(physlens map --json -o region,start "$one" --region stack)" ]
	run -2 --separate-stderr physlens map physlens-test-two
	[[ $stderr == *'not a process ID: physlens-test-two; and no process is called so'* ]]
	named ptest-twice
	named ptest-twice
	run -2 --separate-stderr physlens map ptest-twice
	[[ $stderr == *'2 processes are called ptest-twice, say which: '* ]]
	for pid in "${NAMED[@]:1}"; do
		[[ $stderr == *"$pid (child of $$"* || $stderr == *"$pid (child of "* ]]
	done
	run -2 --separate-stderr physlens map ptest-twise
	[[ $stderr == *"no process is called so, but: 'ptest-twice'" ]]
	run -0 physlens map --json -o object self
	[[ $output == *"/physlens"* ]]
	kill "${NAMED[@]}"
}

@test "read and owner say what they took the PID of a process for" {
	[ "$(id -u)" = 0 ] || skip 'needs root'
	local NAMED=()
	named ptest-number
	run --separate-stderr physlens read "$!"
	[[ $stderr == *"$! is taken for the physical address 0x$!; of process $! (ptest-number) it is 'read $!:ADDRESS'"* ]]
	run --separate-stderr physlens owner "$!"
	[[ $stderr == *"$! is taken for the frame 0x$!; of process $! (ptest-number) it is 'owner --process $!'"* ]]
	run --separate-stderr physlens owner "0x$!"
	[[ $stderr != *'is taken for'* ]]
	kill "${NAMED[@]}"
}

@test "translate: a symbol that a stripped program does not name is said to be of one" {
	local NAMED=()
	named ptest-stripped
	! readelf -SW /proc/$!/exe | grep -q '\.symtab' || skip 'sleep is not stripped here'
	run -2 --separate-stderr physlens translate "$!" main
	[[ $stderr == *'unknown symbol: main ('*' is stripped: '* ]]
	run -2 --separate-stderr physlens translate "$$" 'libc!no_such_symbol'
	[[ $stderr == *'unknown symbol: no_such_symbol'* ]]
	kill "${NAMED[@]}"
}

@test "quickstart: a build that fails is said with the file and the first error" {
	local top=$BATS_TEST_TMPDIR/tree
	mkdir -p "$top"
	cp -r "$BATS_TEST_DIRNAME/../scripts" "$top/"
	printf '#!/bin/sh\n%s\n' "printf 'all:\\n\\t@%s -c %s/broken.c\\n' '${CC:-cc}' '$top' >Makefile" \
		": >config.status" >"$top/configure"
	chmod +x "$top/configure"
	printf 'int good;\nint bad = nowhere;\nint worse = neither;\n' >"$top/broken.c"
	run -2 --separate-stderr "$top/scripts/quickstart" --no-install
	echo "$stderr"
	[[ "$stderr" == *'quickstart: building in '*': failed: '*'/broken.c:2:'*'error: '*nowhere* ]]
	[[ "$stderr" != *neither* ]]
	[[ "${stderr_lines[-1]}" == "quickstart: the whole log: $top/build/quickstart.log" ]]
}

@test "quickstart: what configure misses is said, too" {
	local top=$BATS_TEST_TMPDIR/tree
	mkdir -p "$top"
	cp -r "$BATS_TEST_DIRNAME/../scripts" "$top/"
	printf '#!/bin/sh\necho checking\necho "configure: error: libelf not found"\nexit 1\n' >"$top/configure"
	chmod +x "$top/configure"
	run -2 --separate-stderr "$top/scripts/quickstart" --no-install
	[[ "$stderr" == *'quickstart: configuring in '*': failed: configure: error: libelf not found'* ]]
}
