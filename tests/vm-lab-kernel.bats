#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# scripts/lab-kernel: what it does when a build fails, is interrupted or meets
# another. The kernel source is a small fake with a Makefile that obeys FAKE_*;
# the real one is built by whatever boots a lab kernel.

bats_require_minimum_version 1.5.0

setup() {
	lab=$BATS_TEST_DIRNAME/../scripts/lab-kernel
	export PHYSLENS_CACHE=$BATS_TEST_TMPDIR/cache
	export FAKE=$BATS_TEST_TMPDIR/fake
	mkdir -p "$FAKE/bin"
	make_package
	make_apt
	PATH=$FAKE/bin:$PATH
}

make_package() {
	local source=$FAKE/linux-source-6.1 deb=$FAKE/deb
	mkdir -p "$source/scripts/kconfig" "$deb/DEBIAN" "$deb/usr/src"
	cat >"$source/Makefile" <<'END'
tinyconfig:
	: >.config
olddefconfig:
	sed -i '/^$(or $(FAKE_DROP),no such line)=/d' .config
bzImage:
	echo built >>$(FAKE)/builds
	echo cannot be compiled; exit $(or $(FAKE_FAIL),0)
	sleep $(or $(FAKE_SLEEP),0)
	until [ -z "$(FAKE_UNTIL)" ] || [ -e "$(FAKE_UNTIL)" ]; do sleep 0.05; done
	mkdir -p arch/x86/boot
	echo image >arch/x86/boot/bzImage
	echo symbols >System.map
	echo program >vmlinux
END
	printf '#!/bin/sh\ncat "$3" >>"$2"\n' >"$source/scripts/kconfig/merge_config.sh"
	chmod +x "$source/scripts/kconfig/merge_config.sh"
	tar -C "$FAKE" -cJf "$deb/usr/src/linux-source-6.1.tar.xz" linux-source-6.1
	printf 'Package: linux-source-6.1\nVersion: 1.0\nArchitecture: all\nMaintainer: t\nDescription: t\n' \
		>"$deb/DEBIAN/control"
	dpkg-deb -b "$deb" "$FAKE/source.deb" >/dev/null
}

make_apt() {
	printf '#!/bin/sh\nexit 1\n' >"$FAKE/bin/dpkg-query"
	printf '#!/bin/sh\necho "  Candidate: ${FAKE_VERSION-1.0}"\n' >"$FAKE/bin/apt-cache"
	printf '#!/bin/sh\ncp "$FAKE/source.deb" .\n' >"$FAKE/bin/apt-get"
	chmod +x "$FAKE"/bin/*
}

# No entry, no work directory; logs and locks may stay.
nothing_half_written() {
	run ! compgen -G "$PHYSLENS_CACHE/.work-*"
	run ! compgen -G "$PHYSLENS_CACHE/lab-6.1-*"
}

wait_for() {
	local try
	for ((try = 0; try < 600; try++)); do
		"$@" && return
		sleep 0.1
	done
	return 1
}

@test "a build is kept under the hash of its inputs and found again" {
	run -0 --separate-stderr "$lab"
	entry=$output
	[[ "$entry" == "$PHYSLENS_CACHE"/lab-6.1-* ]]
	[[ "$stderr" == *"log in $PHYSLENS_CACHE/lab-6.1.log"* ]]
	for file in bzImage vmlinux System.map config; do
		[ -s "$entry/$file" ]
	done
	run -0 --separate-stderr "$lab"
	[ "$output" = "$entry" ]
	[ -z "$stderr" ]
	[ "$(wc -l <"$FAKE/builds")" -eq 1 ]
	run ! compgen -G "$PHYSLENS_CACHE/.work-*"
}

@test "another version of the source is another entry" {
	run -0 --separate-stderr "$lab"
	first=$output
	FAKE_VERSION=1.1 run -0 --separate-stderr "$lab"
	[ "$output" != "$first" ]
}

@test "--print-path builds nothing and says whether the kernel is there" {
	run -1 --separate-stderr "$lab" --print-path
	[[ "$output" == "$PHYSLENS_CACHE"/lab-6.1-* ]]
	[ ! -e "$FAKE/builds" ]
	path=$output
	run -0 "$lab"
	run -0 --separate-stderr "$lab" --print-path
	[ "$output" = "$path" ]
}

@test "lines of the fragment that did not take are named and nothing is built" {
	FAKE_DROP=CONFIG_KSM run -2 --separate-stderr "$lab"
	[[ "$stderr" == *'the configuration did not take: CONFIG_KSM=y' ]]
	[ ! -e "$FAKE/builds" ]
	nothing_half_written
}

@test "a build that fails names its log, which says why" {
	FAKE_FAIL=1 run -2 --separate-stderr "$lab"
	[[ "$stderr" == *"lab-6.1: the build failed: see $PHYSLENS_CACHE/lab-6.1.log" ]]
	grep -q 'cannot be compiled' "$PHYSLENS_CACHE/lab-6.1.log"
	nothing_half_written
}

@test "no room for the build is said before it begins" {
	unshare -rm true || skip 'no namespaces of users, or not in a chroot'
	run -2 --separate-stderr unshare -rm sh -c \
		'mkdir -p "$PHYSLENS_CACHE" && mount -t tmpfs -o size=1m tmpfs "$PHYSLENS_CACHE" &&
		exec "$1"' - "$lab"
	[[ "$stderr" == *": no room: building the lab kernel needs "*" MiB"* ]]
	[ ! -e "$FAKE/builds" ]
}

@test "a cache that cannot be written is said" {
	echo file >"$BATS_TEST_TMPDIR/file"
	PHYSLENS_CACHE=$BATS_TEST_TMPDIR/file/cache run -2 --separate-stderr "$lab"
	[[ "$stderr" == *'cannot write the cache'* ]]
}

@test "a source that apt does not know is said" {
	FAKE_VERSION='' run -2 --separate-stderr "$lab"
	[[ "$stderr" == *'linux-source-6.1: apt does not know it: sudo apt-get update' ]]
}

no_sleep() { ! pgrep -f "sleep $endless" >/dev/null; }

@test "an interrupted build leaves nothing half-written and no make" {
	# A number that no other process of this machine sleeps for.
	endless=$((1000000 + BASHPID))
	for signal in INT TERM; do
		FAKE_SLEEP=$endless env --default-signal=INT,TERM setsid "$lab" 3>&- &
		pid=$!
		wait_for pgrep -f "sleep $endless" >/dev/null
		kill -s "$signal" -- "-$pid"
		status=0
		wait "$pid" || status=$?
		[ "$status" -gt 128 ]
		# make may not have waited for it: it is dying.
		wait_for no_sleep
		nothing_half_written
	done
}

@test "what a killed builder left is cleared by the next" {
	mkdir -p "$PHYSLENS_CACHE/.work-lab-6.1/source"
	run -0 "$lab"
	run ! compgen -G "$PHYSLENS_CACHE/.work-*"
}

@test "of two builders one waits and then finds it built" {
	FAKE_UNTIL=$FAKE/go "$lab" >"$BATS_TEST_TMPDIR/one" 3>&- &
	first=$!
	wait_for test -e "$FAKE/builds"
	"$lab" >"$BATS_TEST_TMPDIR/two" 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	second=$!
	wait_for grep -q 'another build is running: waiting for it' "$BATS_TEST_TMPDIR/said"
	touch "$FAKE/go"
	wait "$first"
	wait "$second"
	[ -s "$BATS_TEST_TMPDIR/one" ]
	cmp "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/two"
	[ "$(wc -l <"$FAKE/builds")" -eq 1 ]
}

@test "bad options are refused" {
	for bad in '--version 5.4' '--version' '--nonsense'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr "$lab" $bad
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
}

@test "--packages names Debian packages, one a line" {
	run -0 "$lab" --packages
	[[ $'\n'$output$'\n' == *$'\ndwarves\n'* ]]
	[[ "$output" != *'#'* ]]
}
