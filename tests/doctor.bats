#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# doctor: every gate's state against a check of our own, with and without privilege.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
bats_require_minimum_version 1.5.0
load helpers/lib

setup_file() {
	# Readable by whoever we become, wherever the build directory is.
	PROGRAM=$BATS_FILE_TMPDIR/physlens
	cp "$PHYSLENS" "$PROGRAM"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_FILE_TMPDIR/.." "$PROGRAM"
	if [ "$(id -u)" = 0 ]; then
		physlens doctor --json --output +detail >"$BATS_FILE_TMPDIR/root.json"
		nobody "$PROGRAM" doctor --json --output +detail >"$BATS_FILE_TMPDIR/user.json"
	else
		physlens doctor --json --output +detail >"$BATS_FILE_TMPDIR/user.json"
	fi
	export PROGRAM
}

nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all "$@"
}

# field WHO GATE FIELD: what doctor said to root or to a user.
field() {
	jq -r --arg gate "$2" --arg field "$3" \
		'.doctor[] | select(.gate == $gate) | .[$field]' "$BATS_FILE_TMPDIR/$1.json"
}

state() { field "$1" "$2" state; }

remedy() { field "$1" "$2" remedy; }

require_root() {
	[ "$(id -u)" = 0 ] || skip 'needs root'
}

# Whether our capabilities are the machine's, and all of those that matter are there.
require_machine() {
	require_root
	awk '$1 || $2 || $3 != 4294967295 { exit 1 }' /proc/self/uid_map || skip 'a user namespace'
	local effective
	effective=$(awk '$1 == "CapEff:" { print $2 }' /proc/self/status)
	# DAC_READ_SEARCH, SYS_RAWIO, SYS_PTRACE, SYS_ADMIN
	(((0x$effective & 0x2a0004) == 0x2a0004)) || skip 'root without its capabilities'
}

is() {
	[ "$1" = "$2" ] || {
		echo "is '$1', should be '$2'" >&2
		return 1
	}
}

option() { # of the kernel's configuration: y, n or nothing when it is not told
	local config
	config=$(zcat /proc/config.gz 2>/dev/null || cat "/boot/config-$(uname -r)" 2>/dev/null) ||
		return 0
	if grep -q "^$1=y" <<<"$config"; then echo y; else echo n; fi
}

@test "doctor: a table, remedies below it, and the commands" {
	run -0 --separate-stderr physlens doctor
	is "$stderr" ''
	is "${lines[0]%% *}" GATE
	[[ $output == *'How the commands work here and now:'* ]]
	for command in map translate doctor; do
		grep -Eq "^  $command +(fully|partly|not)" <<<"$output"
	done
	is "$(grep -c '^  doctor *fully$' <<<"$output")" 1
}

@test "doctor: the screen keeps to 80 columns, but for a command to copy" {
	run -0 physlens doctor
	is "$(awk 'length > 80 && !/^      (setcap|chgrp|chmod) /' <<<"$output")" ''
}

@test "doctor: the colour of a state says nothing that its word does not" {
	# Other tests' swap and KSM come and go.
	system_lock
	physlens doctor --color=never >"$BATS_TEST_TMPDIR/plain"
	physlens doctor --color=always >"$BATS_TEST_TMPDIR/colour"
	grep -q $'\e\\[32mopen *\e\\[0m' "$BATS_TEST_TMPDIR/colour"
	run ! grep -q $'\e' "$BATS_TEST_TMPDIR/plain"
	sed $'s/\e\\[[0-9]*m//g' "$BATS_TEST_TMPDIR/colour" | diff "$BATS_TEST_TMPDIR/plain" -
}

@test "doctor --json: valid, nothing but the rows" {
	run -0 --separate-stderr physlens doctor --json
	json_check '.doctor | length > 20'
	json_check '[.doctor[] | keys_unsorted] | unique == [["gate", "state", "gives", "remedy"]]'
	json_check '[.doctor[].gate] | length == (unique | length)'
	json_check 'all(.doctor[]; .state | test("^[a-z-]+$"))'
	json_check 'all(.doctor[]; .state != "open" or .remedy == null)'
	json_check 'all(.doctor[]; .state != "failed")'
}

@test "doctor: columns of one's own choice give the table alone" {
	run -0 physlens doctor --output gate,state
	is "$(awk 'NF != 2' <<<"$output")" ''
	run -0 physlens doctor --raw --noheadings --output state,gate
	is "$(awk '$2 == "pagemap" { print $1 }' <<<"$output")" open
}

@test "doctor: misuse is one clear line and 2" {
	run -2 --separate-stderr physlens doctor --no-such-option
	[[ $stderr == *'unknown'* ]]
	run -2 --separate-stderr physlens doctor 1
	[[ $stderr == 'physlens: doctor: 1: takes no argument'* ]]
	run -2 --separate-stderr physlens doctor --output no-such-column
	[[ $stderr == 'physlens: doctor:'* ]]
}

@test "doctor: nothing of the system is changed" {
	require_root
	system_lock
	snapshot() {
		# Without "Used".
		awk '{ print $1, $2, $3, $5 }' /proc/swaps
		cat /sys/kernel/mm/ksm/run /sys/kernel/mm/transparent_hugepage/{enabled,defrag} \
			/proc/sys/kernel/kptr_restrict /proc/sys/vm/nr_hugepages 2>/dev/null || true
	}
	before=$(snapshot)
	run -0 physlens doctor
	is "$(snapshot)" "$before"
}

@test "pagemap and pfn: as our own entry in pagemap has them" {
	require_machine
	is "$(state root pagemap)" open
	is "$(state root pfn)" open
	is "$(state user pagemap)" open
	is "$(state user pfn)" hidden
	[[ $(remedy user pfn) == "run as root, or: setcap cap_sys_admin+ep $PROGRAM" ]]
}

@test "pfn: the capability alone opens it, as the remedy says" {
	require_machine
	command -v setcap >/dev/null || skip 'no setcap'
	cp "$PROGRAM" "$BATS_TEST_TMPDIR/raised"
	setcap cap_sys_admin+ep "$BATS_TEST_TMPDIR/raised" || skip 'no file capabilities here'
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/raised" "$BATS_TEST_TMPDIR/.."
	run -0 setpriv --reuid=65534 --regid=65534 --clear-groups bash -c \
		"'$BATS_TEST_TMPDIR/raised' doctor --raw --noheadings --output gate,state"
	# Through a shell: a program that gains capabilities by exec is not dumpable.
	for gate in pagemap pfn iomem map-files; do
		is "$(awk -v gate=$gate '$1 == gate { print $2 }' <<<"$output")" open
	done
	is "$(awk '$1 == "soft-dirty" { print $2 }' <<<"$output")" "$(state root soft-dirty)"
}

@test "the setcap of the screen opens all that it names" {
	require_machine
	command -v setcap >/dev/null || skip 'no setcap'
	cp "$PROGRAM" "$BATS_TEST_TMPDIR/raised"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/raised" "$BATS_TEST_TMPDIR/.."
	run -0 nobody "$BATS_TEST_TMPDIR/raised" doctor
	command=$(grep -o 'setcap cap.*' <<<"$output")
	eval "$command" || skip 'no file capabilities here'
	run -0 setpriv --reuid=65534 --regid=65534 --clear-groups bash -c \
		"'$BATS_TEST_TMPDIR/raised' doctor --raw --noheadings --output gate,state"
	# What other tests switch on and off meanwhile is left out.
	is "$(grep -Ev '^(swap|ksm|thp|hugetlb) ' <<<"$output")" \
		"$(jq -r '.doctor[] | "\(.gate) \(.state)"' "$BATS_FILE_TMPDIR/root.json" |
			grep -Ev '^(swap|ksm|thp|hugetlb) ')"
}

@test "what setcap gives away is said beside it, and the way to keep it to a group works" {
	require_machine
	run -0 nobody "$PROGRAM" doctor
	[[ $(tr -s ' \n' '  ' <<<"$output") == *'+ep '"$PROGRAM"' Whoever may execute that file can then read all memory of this machine'* ]]
	run -0 physlens doctor
	[[ $output != *'Whoever may execute'* ]]
	command -v setcap >/dev/null || skip 'no setcap'
	cp "$PROGRAM" "$BATS_TEST_TMPDIR/raised"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/raised" "$BATS_TEST_TMPDIR/.."
	run -0 nobody "$BATS_TEST_TMPDIR/raised" doctor
	# In the order in which it says: changing the group would undo setcap.
	eval "$(grep -o 'chgrp GROUP .*' <<<"$output" | sed 's/GROUP/4242/')"
	eval "$(grep -o 'chmod 0750 .*' <<<"$output")"
	eval "$(grep -o 'setcap cap.*' <<<"$output")" || skip 'no file capabilities here'
	# Through a shell: setpriv itself has root's capabilities until it executes something.
	run ! setpriv --reuid=65534 --regid=65534 --clear-groups bash -c "'$BATS_TEST_TMPDIR/raised' --version"
	run -0 setpriv --reuid=65534 --regid=65534 --groups=4242 bash -c \
		"'$BATS_TEST_TMPDIR/raised' doctor --raw --noheadings --output gate,state"
	[[ $output == *$'\npfn open\n'* ]]
}

@test "kpageflags, kpagecount, kpagecgroup: as the files let themselves be opened" {
	require_machine
	for file in kpageflags kpagecount kpagecgroup; do
		if [ ! -e /proc/$file ]; then
			is "$(state root $file)" absent
			is "$(state user $file)" absent
			continue
		fi
		[[ $(state root $file) =~ ^(open|exact|estimate|unverified)$ ]]
		is "$(state user $file)" denied
	done
}

@test "kpagecount: exact or an estimate, as the kernel was configured" {
	require_machine
	[ "$(option CONFIG_NO_PAGE_MAPCOUNT)" ] || skip 'the configuration is not told'
	case $(state root kpagecount) in
	exact) is "$(option CONFIG_NO_PAGE_MAPCOUNT)" n ;;
	estimate) is "$(option CONFIG_NO_PAGE_MAPCOUNT)" y ;;
	*) [ -n "$(field root kpagecount detail)" ] ;;
	esac
}

@test "soft-dirty: as the kernel was configured" {
	[ "$(option CONFIG_MEM_SOFT_DIRTY)" ] || skip 'the configuration is not told'
	case $(option CONFIG_MEM_SOFT_DIRTY) in
	y) is "$(state user soft-dirty)" open ;;
	n) is "$(state user soft-dirty)" absent ;;
	esac
}

@test "map-files and ptrace: root's, and a user's" {
	require_machine
	is "$(state root map-files)" open
	is "$(state root ptrace)" open
	is "$(state user map-files)" denied
	is "$(state user ptrace)" own
}

@test "attach: Yama's scope" {
	scope=$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)
	case $scope in
	0) is "$(state user attach)" own ;;
	1) is "$(state user attach)" children ;;
	2) is "$(state user attach)" none ;;
	3) is "$(state user attach)" off ;;
	esac
}

@test "lockdown: as securityfs has it" {
	file=/sys/kernel/security/lockdown
	if [ -r $file ]; then
		is "$(state user lockdown)" "$(sed 's/.*\[\(.*\)\].*/\1/' $file)"
	elif mountpoint -q /sys/kernel/security; then
		is "$(state user lockdown)" absent
	else
		[[ $(state user lockdown) =~ ^(absent|unknown)$ ]]
	fi
}

@test "devmem: absent if and only if there is no /dev/mem" {
	require_machine
	if [ ! -e /dev/mem ]; then
		is "$(state root devmem)" absent
		is "$(state user devmem)" absent
		return
	fi
	[[ $(state user devmem) =~ ^(denied|lockdown)$ ]]
	ram=$(awk -F'[- ]' '/System RAM/ && length($1) >= 8 && $1 >= "00100000" {
		print $1; exit }' /proc/iomem)
	if message=$(dd if=/dev/mem bs=4096 count=1 skip=$((0x$ram / 4096)) of=/dev/null 2>&1); then
		is "$(state root devmem)" open
	elif [[ $message == *'failed to open'* ]]; then
		[[ $(state root devmem) =~ ^(lockdown|denied)$ ]]
	else
		is "$(state root devmem)" strict
		[[ $(remedy root devmem) == *CONFIG_STRICT_DEVMEM* ]]
	fi
}

@test "kcore: absent if and only if there is no /proc/kcore" {
	require_machine
	if [ ! -e /proc/kcore ]; then
		is "$(state root kcore)" absent
	elif [ "$(head -c 4 /proc/kcore 2>/dev/null | tr -d '\0')" = $'\x7fELF' ]; then
		is "$(state root kcore)" open
		[[ $(state user kcore) == denied ]]
	else
		[[ $(state root kcore) =~ ^(lockdown|denied|masked)$ ]]
	fi
}

@test "bpf: for root it is open or says why, for a user it is closed" {
	require_machine
	case $(state root bpf) in
	open) is "$(remedy root bpf)" null ;;
	*) [ "$(remedy root bpf)" != null ] ;;
	esac
	[[ $(state user bpf) =~ ^(denied|lockdown|absent)$ ]]
}

@test "btf and vmcoreinfo: as the files in sysfs are there" {
	for pair in btf:/sys/kernel/btf/vmlinux vmcoreinfo:/sys/kernel/vmcoreinfo; do
		if [ -r "${pair#*:}" ]; then
			is "$(state user "${pair%%:*}")" open
		elif [ ! -e "${pair#*:}" ]; then
			is "$(state user "${pair%%:*}")" absent
		fi
	done
}

# without_library SONAME COMMAND…: where something lies over that library that cannot be loaded.
without_library() {
	local library
	library=$(/sbin/ldconfig -p | awk -v name="$1" '$1 == name && /x86-64/ { print $NF; exit }')
	[ -e "$library" ] || skip "no $1"
	shift
	unshare -m --propagation private bash -c 'mount --bind /dev/null "$1" && shift && "$@"' - \
		"$(readlink -f "$library")" "$@"
}

# verdict COMMAND: what the screen says of it, from $output.
verdict() { grep "^  $1 " <<<"$output"; }

@test "a library that is loaded when needed and is missing: absent, and its commands are not fully" {
	require_machine
	require_own_mounts
	is "$(state root libbpf)" open
	is "$(state root libproc2)" open
	run -0 without_library libproc2.so.0 "$PHYSLENS" doctor
	[[ $(grep '^libproc2 ' <<<"$output") == *absent* ]]
	[[ $(verdict census) == *'not, it needs'*libproc2* ]]
	[[ $(verdict share) == *'partly, without'* ]]
	[[ $(verdict map) != *libproc2* ]]
	[[ $output == *'apt-get install libproc2-0'* ]]
	# It is so.
	run -2 --separate-stderr without_library libproc2.so.0 "$PHYSLENS" census
	[[ $stderr == *libproc2.so.0* ]]
	run -0 without_library libbpf.so.1 "$PHYSLENS" doctor
	[[ $(verdict walk) == *'not, it needs'*libbpf* ]]
	[[ $(verdict census) != *libbpf* ]]
	run -2 without_library libbpf.so.1 "$PHYSLENS" walk $$ main
}

@test "kallsyms: addresses, and whether variables are among them" {
	require_machine
	[ -r /proc/kallsyms ] || skip 'no /proc/kallsyms'
	if ! awk '$1 !~ /^0+$/ { found = 1; exit } END { exit !found }' /proc/kallsyms; then
		is "$(state root kallsyms)" hidden
	elif grep -q ' init_task$' /proc/kallsyms; then
		is "$(state root kallsyms)" open
	else
		is "$(state root kallsyms)" functions
		is "$(option CONFIG_KALLSYMS_ALL)" n
	fi
	if ! nobody awk '$1 !~ /^0+$/ { found = 1; exit } END { exit !found }' /proc/kallsyms; then
		is "$(state user kallsyms)" hidden
	fi
}

@test "iomem: open for root, hidden for a user, who is told the capability" {
	require_machine
	is "$(state root iomem)" open
	is "$(state user iomem)" hidden
	[[ $(remedy user iomem) == *cap_sys_admin+ep* ]]
}

@test "swap, KSM, huge pages: as their files say" {
	system_lock
	if [ -e /proc/swaps ]; then
		areas=$(($(wc -l </proc/swaps) - 1))
		run -0 physlens doctor --raw --noheadings --output gate,state
		is "$(awk '$1 == "swap" { print $2 }' <<<"$output")" "$([ $areas -gt 0 ] && echo on || echo off)"
	fi
	thp=/sys/kernel/mm/transparent_hugepage/enabled
	if [ -e $thp ]; then
		word=$(sed 's/.*\[\(.*\)\].*/\1/' $thp)
		run -0 physlens doctor --raw --noheadings --output gate,state
		is "$(awk '$1 == "thp" { print $2 }' <<<"$output")" \
			"$(sed 's/always/on/; s/never/off/' <<<"$word")"
	fi
	[ -e /sys/kernel/mm/ksm ] || is "$(state user ksm)" absent
}

@test "numa and cache: found where sysfs describes them" {
	[ ! -e /sys/devices/system/node/online ] || is "$(state user numa)" open
	index=/sys/devices/system/cpu/cpu0/cache/index0
	if [ -e $index/number_of_sets ] && [ -e $index/coherency_line_size ]; then
		[[ $(state user cache) =~ ^(open|partial)$ ]]
	elif [ ! -e $index ]; then
		is "$(state user cache)" absent
	fi
}

@test "without privilege map works partly, and doctor says without what" {
	require_machine
	run -0 nobody "$PROGRAM" doctor
	grep -Eq '^  map +partly, without pfn, ptrace' <<<"$output"
}

@test "doctor: a full disk is an error" {
	[ -w /dev/full ] || skip 'no /dev/full'
	run -2 --separate-stderr bash -c '"$PHYSLENS" doctor >/dev/full'
	[[ $stderr == *'No space left'* ]]
}
