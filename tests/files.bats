#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which file an area shows. The numbers in maps do not tell it everywhere, and what is opened may be
# another one than what was mapped when the line of maps was read.

# shellcheck disable=SC2154,SC2016 # bats sets stderr; scripts are for another shell

bats_require_minimum_version 1.5.0
load helpers/lib

setup() {
	require_root
	D=$BATS_TEST_TMPDIR
	export D PHYSLENS
}

teardown() {
	helpers_stop
	started_stop
}

# Two programs that are not alike: one place on two disks.
two_programs() {
	"$1/prog" 600 & a=$!
	"$2/prog" -f /dev/null & b=$!
	for p in $a $b; do
		for ((i = 0; i < 300; i++)); do
			[[ $(cat /proc/$p/comm) = prog ]] && break
			sleep 0.1
		done
	done
}

# What the commands say of $a and $b, which run two files.
tell_apart() {
	# The bench first: that maps has the same numbers for both.
	numbers() { awk '/prog$/ { print $4, $5; exit }' "/proc/$1/maps"; }
	echo "numbers $([ "$(numbers $a)" = "$(numbers $b)" ] && echo same || echo differ)"
	echo "objects $("$PHYSLENS" census --by object -n -r -o OBJECT | grep -c "/prog$")"
	"$PHYSLENS" share --object "*/prog" -n -r -o SHARED,OBJECT $a $b >"$D/share" || exit
	echo "groups $(grep -c "/prog$" "$D/share")"
	"$PHYSLENS" verify $a $b >"$D/verify"
	echo "verify $?"
	grep -E "patched|page-cache|replaced|deleted" "$D/verify"
	echo "symbols $("$PHYSLENS" map -n -r -o REGION,OBJECT $a | grep -c "^\.text .*/prog$")"
	chmod 755 "$D"
	setpriv --reuid 65534 --clear-groups "$1/prog" 600 & c=$!
	for ((i = 0; i < 300; i++)); do
		[[ $(cat /proc/$c/comm) = prog ]] && break
		sleep 0.1
	done
	echo "user $(setpriv --reuid 65534 --clear-groups "$PHYSLENS" map -n -r -o REGION,OBJECT $c |
		grep -c "^\.text .*/prog$")"
	kill $a $b $c
	wait
}

# inside SCRIPT: in a mount namespace of its own, with the two functions above.
inside() {
	require_own_mounts
	{
		declare -f two_programs tell_apart
		printf '%s\n' "$1"
	} >"$D/script"
	run --separate-stderr timeout -s KILL 240 unshare -m -p -f --mount-proc --kill-child \
		bash -c 'mount --bind "$D" /mnt && D=/mnt && cd /mnt && . ./script'
	echo "status $status: $output"
	echo "$stderr"
	[ "$status" -ne 77 ] || skip "$output"
	[ "$status" -eq 0 ]
}

# What must be true of both kinds of file system.
two_files() {
	[[ $output == *'numbers same'* ]]
	[[ $output == *'objects 2'* && $output == *'symbols 1'* && $output == *'user 1'* ]]
	[ "$(grep -c '/prog$' "$D/share")" -gt 2 ]
	# Not a frame is shared, and each section of each is a group of its own.
	awk '$2 ~ /prog$/ && $1 != 0 { exit 1 }' "$D/share"
	[ "$(awk '{ print $2 }' "$D/share" | grep '/prog$' | sort -u | wc -l)" = 2 ]
	[[ $output != *patched* && $output != *page-cache* && $output != *replaced* ]]
}

@test "btrfs: a file and its snapshot have the same numbers, and are two" {
	command -v mkfs.btrfs >/dev/null || skip 'no btrfs-progs'
	inside '
		truncate -s 150M "$D/img" && mkdir "$D/m"
		mkfs.btrfs -q "$D/img" >/dev/null 2>&1 || exit
		mount -o loop "$D/img" "$D/m" 2>/dev/null || { echo "no btrfs, or no loop device"; exit 77; }
		btrfs -q subvolume create "$D/m/a" && cp /bin/sleep "$D/m/a/prog"
		btrfs -q subvolume snapshot "$D/m/a" "$D/m/b" && cat /bin/tail >"$D/m/b/prog" && sync
		two_programs "$D/m/a" "$D/m/b"
		tell_apart "$D/m/a"
		umount "$D/m"'
	two_files
}

@test "an overlay of two file systems has two files of one number" {
	inside '
		mkdir "$D/one" "$D/two" "$D/m"
		mount -t tmpfs none "$D/one" && mount -t tmpfs none "$D/two" || exit
		# As the first file of its file system each has the same inode number.
		mkdir "$D/one/a" "$D/two/b"
		cp /bin/sleep "$D/one/a/prog" && cp /bin/tail "$D/two/b/prog"
		mount -t overlay none -o "lowerdir=$D/one:$D/two,xino=off" "$D/m" 2>/dev/null ||
			{ echo "no overlay"; exit 77; }
		two_programs "$D/m/a" "$D/m/b"
		tell_apart "$D/m/a"'
	two_files
}

@test "a file of a mount that is in nobody's list is no memory of the kernel's own, whatever it is called" {
	inside '
		mkdir "$D/m" && mount -t tmpfs none "$D/m" && cp /bin/sleep "$D/m/memfd:x" || exit
		"$D/m/memfd:x" 600 & a=$!
		for ((i = 0; i < 300; i++)); do
			[[ $(cat /proc/$a/comm) = memfd:x ]] && break
			sleep 0.1
		done
		umount -l "$D/m"
		"$PHYSLENS" map -n -r -o REGION,OBJECT $a | grep -F memfd:x
		"$PHYSLENS" verify -n -r -o KIND,OBJECT $a
		kill $a'
	[[ $output == *'.text /memfd:x'* && $output == *'unverifiable /memfd:x'* ]]
	[[ $output != *'memfd /memfd:x'* ]]
}

@test "a file that is mapped in turn with another is never taken for it, nor taken from others" {
	local look other
	cp /bin/tail "$D/one"
	cp /bin/sort "$D/two"
	sync "$D/one" "$D/two"
	helper_start alternating "$D/one" "$D/two"
	other=$(helper_value alternating)
	helper_start mapfile -x -t "$D/one"
	for ((look = 0; look < 25; look++)); do
		run --separate-stderr physlens verify -n -r -o PID,KIND,OBJECT,WHY "$other" "$HELPER_PID"
		[[ $output != *page-cache* && $output != *patched* ]]
		# The honest one is compared whole, whatever became of the other's.
		[[ $'\n'$output != *$'\n'"$HELPER_PID "* ]]
	done
	# Its symbols are looked for in the file that was mapped.
	for ((look = 0; look < 10; look++)); do
		run -0 --separate-stderr physlens map "$other"
	done
}

# loaded PID N: until it has so many of our files.
loaded() { [ "$(grep -o '/file[0-9]*' "/proc/$1/maps" | sort -u | wc -l)" = "$2" ]; }

@test "with few descriptors all files are compared, shown and named" {
	local i few='ulimit -n 60; exec "$PHYSLENS" "$@"' pid all=() library
	# What has a file is everywhere, is small, and has symbols.
	library=$(ldconfig -p | awk '$1 == "libz.so.1" { print $NF; exit }')
	for ((i = 0; i < 150; i++)); do
		cp "$library" "$D/file$i"
		all+=("$D/file$i")
	done
	sync
	start env LD_PRELOAD="${all[*]}" sleep 600
	pid=$PID
	wait_for loaded "$pid" 150
	run -0 --separate-stderr bash -c "$few" - verify "$pid"
	echo "$output" "$stderr"
	[[ $output == *' of 1'[5-9][0-9]' files in 1 process'* && $output != *'/file'* ]]
	[[ $output == *' 0 pages unverifiable'* ]]
	bash -c "$few" - map -n -r -o REGION,OBJECT "$pid" | grep '/file' | sort -u >"$D/regions"
	[ "$(grep -c '^\.text ' "$D/regions")" = 150 ]
	run -0 bash -c "$few" - translate -n -r -o SYMBOL "$pid" 'file149!zlibVersion'
	[[ $output == zlibVersion+0x0 ]]
}

@test "files with holes for symbol tables: what is read of all of them is bounded" {
	local i all=() library shoff index
	[ -z "${SANITIZE:-}" ] || skip 'a sanitizer wants more addresses'
	library=$(ldconfig -p | awk '$1 == "libz.so.1" { print $NF; exit }')
	shoff=$(readelf -h "$library" | awk '/Start of section headers/ { print $5 }')
	index=$(readelf -SW "$library" | sed -n 's/^ *\[ *\([0-9]*\)\] \.dynstr .*/\1/p')
	for ((i = 0; i < 8; i++)); do
		cp "$library" "$D/hole$i"
		# Names of 500 MiB, which the loader does not look at, and the disk does not have.
		perl -e 'open(F, "+<", $ARGV[0]) or die; seek(F, $ARGV[1], 0); print F pack("Q", 500 << 20)' \
			"$D/hole$i" $((shoff + index * 64 + 32))
		truncate -s 520M "$D/hole$i"
		all+=("$D/hole$i")
	done
	[ "$(du -sm "$D" | cut -f 1)" -lt 8 ]
	start env LD_PRELOAD="${all[*]}" sleep 600
	become "$PID" "$(readlink -f "$(command -v sleep)")"
	run --separate-stderr bash -c 'ulimit -v 2500000; exec "$PHYSLENS" translate -n -r -o SYMBOL "$1" nowhere' - "$PID"
	[ "$status" -eq 2 ]
	[[ $stderr == *"unknown symbol: nowhere"* ]]
	run -0 bash -c 'ulimit -v 2500000; exec "$PHYSLENS" translate -n -r -o SYMBOL "$1" "libc.so*!getpid"' - "$PID"
	[[ $output == getpid+0x0 || $output == *getpid+0x0 ]]
}
