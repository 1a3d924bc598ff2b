#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# scripts/vm itself, seen from the host: what comes back from a guest, how a
# guest is lost, and that nothing is left behind.

bats_require_minimum_version 1.5.0

setup() {
	vm=$BATS_TEST_DIRNAME/../scripts/vm
	export TMPDIR=$BATS_TEST_TMPDIR
}

# No QEMU that this test started, and no temporary directory of scripts/vm.
nothing_left() {
	run -0 no_qemu
	run ! compgen -G "$BATS_TEST_TMPDIR/physlens-vm.*"
}

is_qemu() { pgrep -f -- "qemu-system-x86_64.*$BATS_TEST_TMPDIR/physlens-vm" >/dev/null; }

no_qemu() { ! is_qemu; }

# wait_for COMMAND...: until it succeeds; the limit only keeps a broken test finite.
wait_for() {
	local try
	for ((try = 0; try < 1500; try++)); do
		"$@" && return
		sleep 0.2
	done
	return 1
}

# Starts a guest that runs for ever, with default signals as on a terminal, and
# waits until its command runs. Sets pid.
start_endless() {
	env --default-signal=INT,TERM,HUP,PIPE setsid "$vm" --quiet -- \
		sh -c 'echo running; sleep 100000' >"$BATS_TEST_TMPDIR/out" 3>&- &
	pid=$!
	wait_for grep -q running "$BATS_TEST_TMPDIR/out"
}

@test "exit status, standard output and standard error are the command's own" {
	run -7 --separate-stderr "$vm" --quiet -- sh -c 'echo out; echo err >&2; exit 7'
	[ "$output" = out ]
	[ "$stderr" = err ]
	nothing_left
}

@test "which kernel and which acceleration are used is said on standard error" {
	# It is said before the boot: this QEMU is none.
	run -125 --separate-stderr "$vm" --qemu-arg -nonsense -- true
	[[ "${stderr_lines[0]}" =~ ^"vm: kernel lab "\(.*\)", tcg"$ ]]
	[ -z "$output" ]
}

@test "every byte of every argument arrives" {
	local args=('a b' '' "it's" '"q"' '$HOME' '*' $'two\nlines' $'tab\t' '\n' 'ü' -- -x '$(id)' '`id`')
	printf '<%s>' "${args[@]}" >"$BATS_TEST_TMPDIR/want"
	"$vm" --quiet -- printf '<%s>' "${args[@]}" >"$BATS_TEST_TMPDIR/got"
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
}

@test "a command killed by a signal and one that is not there give a shell's status" {
	run -137 "$vm" --quiet -- sh -c 'kill -9 $$'
	run -127 "$vm" --quiet -- /nonexistent/command
	[[ "$output" == *"/nonexistent/command"* ]]
}

@test "megabytes of output arrive whole and in order, also when read slowly" {
	seq 1 700000 | sha256sum >"$BATS_TEST_TMPDIR/want"
	"$vm" --quiet -- seq 1 700000 | sha256sum >"$BATS_TEST_TMPDIR/got"
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
	# Not before the guest has ended.
	"$vm" --quiet -- seq 1 700000 |
		(wait_for is_qemu && wait_for no_qemu && sha256sum) >"$BATS_TEST_TMPDIR/got"
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
}

@test "a reader that goes away early does not hang the guest" {
	run -0 bash -c 'set -o pipefail; "$1" --quiet -- seq 1 500000 | head -n 1' - "$vm"
	[ "$output" = 1 ]
	nothing_left
}

@test "what the command leaves running does not keep the guest alive" {
	run -0 "$vm" --quiet -- sh -c 'sleep 100000 & echo done'
	[ "$output" = done ]
}

@test "the command runs as root in this directory, and its input is empty" {
	cd "$BATS_TEST_TMPDIR"
	run -0 "$vm" --quiet -- sh -c 'pwd; id -u; wc -c; hostname'
	[ "$output" = "$BATS_TEST_TMPDIR"$'\n0\n0\nguest' ]
}

@test "nothing the guest writes reaches the host" {
	echo before >"$BATS_TEST_TMPDIR/file"
	run -0 "$vm" --quiet -- sh -c 'cd "$1" && echo after >file && echo new >new &&
		rm -r /etc/apt && test ! -e /etc/apt && cat file' - "$BATS_TEST_TMPDIR"
	[ "$output" = after ]
	[ "$(cat "$BATS_TEST_TMPDIR/file")" = before ]
	[ ! -e "$BATS_TEST_TMPDIR/new" ]
	[ -d /etc/apt/sources.list.d ] || [ -e /etc/apt/sources.list ]
}

@test "the guest has its own proc, sys, dev, shm, run, cgroups and tracing" {
	run -0 "$vm" --quiet -- sh -c 'findmnt -rno TARGET,FSTYPE | sort'
	for want in '/ overlay' '/proc proc' '/sys sysfs' '/dev devtmpfs' '/dev/pts devpts' \
		'/dev/shm tmpfs' '/run tmpfs' '/sys/fs/cgroup cgroup2' '/sys/kernel/debug debugfs' \
		'/sys/kernel/tracing tracefs' '/sys/kernel/security securityfs' '/sys/fs/bpf bpf' \
		'/dev/hugepages hugetlbfs'; do
		[[ $'\n'$output$'\n' == *$'\n'"$want"$'\n'* ]] || {
			echo "missing: $want"
			false
		}
	done
}

@test "memory, processors, processor features and kernel arguments are as asked for" {
	run -0 "$vm" --quiet --mem 600 --cpus 1 --cpu-flag la57=on --append 'nokaslr marker=a,b' -- \
		sh -c 'cat /proc/cmdline; nproc; grep -c -w -m 1 la57 /proc/cpuinfo
			awk "/^MemTotal/ { print (\$2 < 620000) }" /proc/meminfo'
	[[ "${lines[0]}" == *'nokaslr marker=a,b' ]]
	[ "${lines[1]}" = 1 ]
	[ "${lines[2]}" = 1 ]
	[ "${lines[3]}" = 1 ]
}

@test "a panic is a lost guest: 125, said by name, with the console's tail" {
	run -125 --separate-stderr "$vm" --quiet -- \
		sh -c 'echo before; sleep 1; echo c >/proc/sysrq-trigger'
	[ "$output" = before ]
	[[ "$stderr" == *'vm: lost: panic: Kernel panic - not syncing'*sysrq* ]]
	[[ "$stderr" == *'vm|  '*'Call Trace'* ]]
	nothing_left
}

@test "a hang is a lost guest" {
	run -125 --separate-stderr "$vm" --quiet --timeout 1 -- sleep 100000
	[[ "$stderr" == *'vm: lost: hang: no result after 1 s'* ]]
	nothing_left
}

# The lab kernel has no ACPI and can only halt; others turn the machine off.
@test "a guest that powers off, halts or resets without reporting is lost" {
	local how
	for how in poweroff halt reboot; do
		run -125 --separate-stderr "$vm" --quiet -- busybox "$how" -f
		[[ "$stderr" == *'vm: lost: powered off without reporting'* ]]
	done
	nothing_left
}

# stock_entry: the unpacked kernel of stock-6.1, fetched if need be.
stock_entry() {
	local cache=${PHYSLENS_CACHE:-/var/cache/physlens}
	[ -n "$(compgen -G "$cache/stock-6.1-*")" ] || "$vm" --quiet --kernel stock-6.1 -- true
	compgen -G "$cache/stock-6.1-*" | head -n 1
}

@test "a kernel without what the guest needs is lost, not passed" {
	# Any stock kernel given as a file lacks its modules.
	run -125 --separate-stderr "$vm" --quiet --kernel "$(stock_entry)/vmlinuz" -- true
	[[ "$stderr" == *'vm: lost: '* ]]
	[[ "$stderr" == *'init: failed: mount -t 9p'* ]]
}

@test "--kernel takes a directory, as packages unpack; nothing is written into it" {
	local entry release tree=$BATS_TEST_TMPDIR/tree
	entry=$(stock_entry)
	release=$(basename "$entry"/lib/modules/*)
	mkdir -p "$tree/boot" "$tree/usr/lib/modules/$release"
	ln "$entry/vmlinuz" "$tree/boot/vmlinuz-$release" || cp "$entry/vmlinuz" "$tree/boot/vmlinuz-$release"
	ln -s "$(realpath "$entry/lib/modules/$release/kernel")" "$tree/usr/lib/modules/$release/kernel"
	cp "$entry/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} "$tree/usr/lib/modules/$release/"
	find "$tree" >"$BATS_TEST_TMPDIR/before"
	run -0 --separate-stderr "$vm" --quiet --kernel "$tree" -- sh -c 'uname -r; modprobe loop && echo loaded'
	[ "$output" = "$release"$'\n'loaded ]
	find "$tree" | diff "$BATS_TEST_TMPDIR/before" -
	nothing_left
}

@test "a directory without a kernel, with two, or without modules is refused" {
	local tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree/boot" "$tree/lib/modules"
	run -2 --separate-stderr "$vm" --kernel "$tree" -- true
	[[ "$stderr" == *"$tree: no kernel in it"* ]]
	: >"$tree/boot/vmlinuz-1"
	run -2 --separate-stderr "$vm" --kernel "$tree" -- true
	[[ "$stderr" == *"$tree: no modules in it"* ]]
	: >"$tree/boot/vmlinuz-2"
	run -2 --separate-stderr "$vm" --kernel "$tree" -- true
	[[ "$stderr" == *"$tree: several kernels in it: "* ]]
	rm "$tree/boot/vmlinuz-2"
	mkdir -p "$tree/lib/modules/1/kernel" "$tree/lib/modules/2/kernel"
	run -2 --separate-stderr "$vm" --kernel "$tree" -- true
	[[ "$stderr" == *"$tree: modules of several kernels in it: "* ]]
	nothing_left
}

@test "stock-newest where no mirror has it: 77, and why" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\nexit 100\n' | tee "$BATS_TEST_TMPDIR/bin/apt-get" >"$BATS_TEST_TMPDIR/bin/apt-cache"
	chmod +x "$BATS_TEST_TMPDIR"/bin/*
	PATH=$BATS_TEST_TMPDIR/bin:$PATH PHYSLENS_CACHE=$BATS_TEST_TMPDIR/cache \
		run -77 --separate-stderr "$vm" --kernel stock-newest -- true
	[[ "$stderr" == 'vm: stock-newest: no kernel of '*': no such mirror here' ]]
	nothing_left
}

# fake_apt: a mirror with one kernel and its cloud flavour, whose package has no modules in it, or that
# cannot be downloaded any more (once `gone` exists). Its lists take a while, and two at once are refused.
fake_apt() {
	local bin=$BATS_TEST_TMPDIR/bin
	mkdir -p "$bin"
	cat >"$bin/apt-get" <<-'END'
		#!/bin/sh
		for word; do case $word in Dir::State::Lists=*) lists=${word#*=} ;; esac; done
		case "$*" in
		indextargets*) echo http://mirror.invalid/debian ;;
		*update)
			mkdir "$lists/busy" || exit 100
			sleep 1
			: >"$lists/mirror_Packages"
			rmdir "$lists/busy"
			;;
		*) [ ! -e "${0%/*}/gone" ] && : >kernel.deb ;;
		esac
	END
	cat >"$bin/apt-cache" <<-'END'
		#!/bin/sh
		for word; do case $word in Dir::State::Lists=*) lists=${word#*=} ;; esac; done
		[ -e "$lists/mirror_Packages" ] || exit 0
		case "$*" in
		*pkgnames*) printf '%s\n' linux-image-9.1.1+deb13-amd64 linux-image-9.1.1+deb13-cloud-amd64 ;;
		*policy*linux-image-*) echo '  Candidate: 9.1.1-1' ;;
		esac
	END
	cat >"$bin/dpkg-deb" <<-'END'
		#!/bin/sh
		mkdir -p "$3/boot" "$3/lib/modules/9.1.1/kernel/drivers" && : >"$3/boot/vmlinuz-9.1.1"
	END
	chmod +x "$bin"/*
	PATH=$bin:$PATH
	export PHYSLENS_CACHE=$BATS_TEST_TMPDIR/cache
}

@test "two that want the newest lists at once both have them" {
	fake_apt
	: >"$BATS_TEST_TMPDIR/bin/gone"
	"$vm" --kernel stock-cloud -- true 2>"$BATS_TEST_TMPDIR/cloud" 3>&- &
	run -77 --separate-stderr "$vm" --kernel stock-newest -- true
	wait $! || [ $? = 77 ]
	[[ "$stderr" == *'vm: stock-newest: it cannot be downloaded' ]]
	[[ "$(cat "$BATS_TEST_TMPDIR/cloud")" == *'vm: stock-cloud: it cannot be downloaded' ]]
	nothing_left
}

@test "where the newest kernel cannot be downloaded, the one fetched before is used" {
	local entry
	fake_apt
	: >"$BATS_TEST_TMPDIR/bin/gone"
	entry=$PHYSLENS_CACHE/stock-newest-before
	mkdir -p "$entry/initrd" "$entry/lib/modules/9.0"
	echo 9p >"$entry/root"
	: >"$entry/vmlinuz"
	: >"$entry/load"
	run -125 --separate-stderr "$vm" --kernel stock-newest --qemu-arg -nonsense -- true
	[[ "$stderr" == *'stock-newest: it cannot be downloaded: the one fetched before is used'* ]]
	[[ "$stderr" == *"kernel stock-newest ($entry/vmlinuz)"* ]]
	# The mirror is asked anew.
	[ ! -e "$PHYSLENS_CACHE/apt-newest/asked" ]
	nothing_left
}

@test "a package without what a guest needs is refused, and not kept" {
	fake_apt
	run -2 --separate-stderr "$vm" --kernel stock-newest -- true
	[[ "$stderr" == *'vm: 9.1.1: it has no virtio_pci, which a guest needs'* ]]
	run ! compgen -G "$PHYSLENS_CACHE/stock-newest-*"
	nothing_left
}

@test "a QEMU that does not start is a lost guest" {
	run -125 --separate-stderr "$vm" --quiet --qemu-arg -nonsense -- true
	[[ "$stderr" == *'vm: lost: QEMU died: status 1: '*nonsense* ]]
	nothing_left
}

@test "a QEMU that aborts before the guest is up is started again, at most twice" {
	local real
	real=$(command -v qemu-system-x86_64)
	mkdir "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/qemu-system-x86_64" <<-END
		#!/bin/bash
		echo once >>"$BATS_TEST_TMPDIR/starts"
		ulimit -c 0
		((\$(wc -l <"$BATS_TEST_TMPDIR/starts") > aborts)) || kill -ABRT \$\$
		exec "$real" "\$@"
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/qemu-system-x86_64"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	aborts=1 run -7 --separate-stderr "$vm" -- sh -c 'echo out; exit 7'
	[ "$output" = out ]
	[[ "$stderr" == *'vm: QEMU aborted before the guest was up'* ]]
	rm "$BATS_TEST_TMPDIR/starts"
	aborts=9 run -125 --separate-stderr "$vm" --quiet -- true
	[[ "$stderr" == *'vm: lost: QEMU died: status 134'* ]]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/starts")" = 3 ]
	nothing_left
}

@test "a QEMU that is killed is a lost guest" {
	start_endless
	pkill -KILL -f -- "qemu-system-x86_64.*$BATS_TEST_TMPDIR/physlens-vm"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 125 ]
	nothing_left
}

@test "Ctrl-C, TERM and HUP leave no QEMU and no files" {
	for signal in INT TERM HUP; do
		start_endless
		kill -s "$signal" -- "-$pid"
		status=0
		wait "$pid" || status=$?
		[ "$status" -gt 128 ]
		nothing_left
	done
}

@test "under nohup a HUP to all of them is nothing" {
	env --ignore-signal=HUP setsid "$vm" --quiet -- \
		sh -c 'echo running; sleep 3; echo whole' >"$BATS_TEST_TMPDIR/out" 3>&- &
	pid=$!
	wait_for grep -q running "$BATS_TEST_TMPDIR/out"
	kill -s HUP -- "-$pid"
	wait "$pid"
	grep -q whole "$BATS_TEST_TMPDIR/out"
}

@test "not even SIGKILL leaves a QEMU" {
	start_endless
	kill -KILL "$pid"
	wait_for no_qemu
}

@test "two runs at once do not meet" {
	"$vm" --quiet -- sh -c 'echo one >/tmp/physlens-vm-mark; sleep 1; cat /tmp/physlens-vm-mark' \
		>"$BATS_TEST_TMPDIR/one" 3>&- &
	pid=$!
	run -0 "$vm" --quiet -- sh -c 'echo two >/tmp/physlens-vm-mark; sleep 1; cat /tmp/physlens-vm-mark'
	[ "$output" = two ]
	wait "$pid"
	[ "$(cat "$BATS_TEST_TMPDIR/one")" = one ]
}

@test "--accel auto uses kvm only after a guest came back from it" {
	run -0 --separate-stderr "$vm" --accel auto -- echo answer
	[ "$output" = answer ]
	[[ "$stderr" =~ ,\ (tcg|kvm)$ ]]
	nothing_left
}

@test "--shell is a root shell on this terminal; its status comes back" {
	# script(1) makes the terminal.
	mkfifo "$BATS_TEST_TMPDIR/keys"
	exec {keys}<>"$BATS_TEST_TMPDIR/keys"
	script -qefc "'$vm' --quiet --shell" "$BATS_TEST_TMPDIR/typescript" \
		<&"$keys" >/dev/null 3>&- &
	pid=$!
	wait_for grep -q 'guest:.*# ' "$BATS_TEST_TMPDIR/typescript"
	printf 'echo "shell $((6 * 7)) $(id -u) $(tty)"\nexit 5\n' >&"$keys"
	status=0
	wait "$pid" || status=$?
	exec {keys}>&-
	[ "$status" -eq 5 ]
	grep -q 'shell 42 0 /dev/hvc0' "$BATS_TEST_TMPDIR/typescript"
	nothing_left
}

@test "an unknown kernel is refused with the list of those there are" {
	run -2 --separate-stderr "$vm" --kernel lab-5.4 -- true
	[[ "$stderr" == 'vm: lab-5.4: no such kernel: '*'lab-6.12'*'stock-6.1'*'stock-6.12'* ]]
	nothing_left
}

@test "a missing QEMU is said with its package" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s /usr/bin/* "$BATS_TEST_TMPDIR/bin/"
	rm "$BATS_TEST_TMPDIR"/bin/qemu-system-x86_64
	run -2 --separate-stderr env PATH="$BATS_TEST_TMPDIR/bin" "$vm" -- true
	[ "$stderr" = 'vm: qemu-system-x86_64: not found: sudo apt-get install qemu-system-x86' ]
}

@test "bad options are refused with one line and 2" {
	for bad in '--mem many' '--cpu-flag la57' '--timeout soon' '--accel maybe' '--nonsense x' \
		'--kernel' '-- ' 'true' '--cpus 0' '--shell -- true'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr "$vm" $bad
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ "$stderr" == 'vm: '* ]]
	done
	nothing_left
}

@test "a directory that the guest cannot have is refused" {
	cd /proc
	run -2 --separate-stderr "$vm" -- true
	[[ "$stderr" == 'vm: /proc: the guest has its own'* ]]
}

@test "the help names every option" {
	run -0 "$vm" --help
	for option in kernel append mem cpus cpu-flag timeout accel qemu-arg shell console quiet; do
		[[ "$output" == *"--$option"* ]]
	done
}
