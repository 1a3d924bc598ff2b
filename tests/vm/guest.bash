# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Loaded by the bats files of tests/vm. They run inside a guest, as root, in the
# build directory; what they need is there or they fail: nothing is skipped.

bats_require_minimum_version 1.5.0

[[ -n ${PHYSLENS_IN_VM:-} ]] || {
	echo 'this file runs in a guest: tests/vm/run FILE' >&2
	exit 1
}

# shellcheck source=../helpers/wait.bash
. "${BASH_SOURCE[0]%/*}/../helpers/wait.bash"

# shellcheck disable=SC2034 # for the tests
physlens=${PHYSLENS:-$PWD/physlens}
programs=${PHYSLENS_HELPERS:-$PWD/tests/helpers}

# Every kind of page that has to be arranged: swap, KSM, huge pages of 2 MiB.
all_kinds_possible() {
	if ! grep -q zram /proc/swaps; then
		if [[ ! -e /sys/block/zram0 ]]; then modprobe zram; fi
		if [[ $(cat /sys/block/zram0/disksize) -eq 0 ]]; then
			echo 512M >/sys/block/zram0/disksize
			mkswap /dev/zram0 >/dev/null
		fi
		swapon /dev/zram0
	fi
	echo 1 >/sys/kernel/mm/ksm/run
	echo 10000 >/sys/kernel/mm/ksm/pages_to_scan
	echo 16 >/proc/sys/vm/nr_hugepages
	# khugepaged is to rest: it would move pages to huge ones while they are looked at.
	echo 3600000 >/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs
	echo always >/sys/kernel/mm/transparent_hugepage/enabled
	echo always >/sys/kernel/mm/transparent_hugepage/shmem_enabled
}

# start PROGRAM ARG...: a helper program that prints what it made and waits. Sets
# pid and the file `made`. In setup_file, export both.
started=()
start() {
	made=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/made.${#started[@]}
	merge_eagerly 5
	# A standard input that does not end, also if this shell does.
	mkfifo "$made.hold"
	(
		trap - EXIT ERR DEBUG
		close_others
		exec "$programs/$1" "${@:2}" <>"$made.hold" >"$made" 2>"$made.err"
	) &
	pid=$!
	started+=("$pid")
	until grep -q '^ready ' "$made"; do
		kill -0 "$pid" 2>/dev/null || {
			cat "$made.err"
			return 1
		}
		sleep 0.05
	done
	merge_eagerly 10000
}

# Bats waits until nobody has its pipes open any more.
close_others() {
	local fd
	for fd in /proc/"$BASHPID"/fd/*; do
		fd=${fd##*/}
		((fd <= 2)) || eval "exec $fd>&-"
	done
}

# the_pagekinds: sets up a guest for all kinds of pages, and sets made and pid of one process that has
# them. It takes seconds to make, so the files that only look at it share it as long as the guest lives.
the_pagekinds() {
	local place=/run/pagekinds
	if [[ ! -e $place/pid ]]; then
		all_kinds_possible
		mkdir $place
		BATS_TEST_TMPDIR=$place start pagekinds
		cp "$made" $place/lines
		echo "$pid" >$place/pid
	fi
	made=$place/lines pid=$(<$place/pid)
	export made pid
}

# merge_eagerly MS: how long ksmd rests between two scans. Pages are to be merged soon, but a ksmd
# that never rests takes one of the guest's two processors.
merge_eagerly() {
	[[ ! -e /sys/kernel/mm/ksm/sleep_millisecs ]] || echo "$1" >/sys/kernel/mm/ksm/sleep_millisecs
}

stop_all() {
	local one
	for one in "${started[@]}"; do
		kill "$one" 2>/dev/null || true
		wait "$one" || true
	done
	started=()
}

# value KEY: of a "KEY VALUE" line that the helper printed.
value() { sed -n "s/^$1 //p" "$made"; }

# pfn PID ADDRESS: from pagemap, by dd and od, independent of everything here.
pfn_of() {
	dd if="/proc/$1/pagemap" bs=8 skip=$(($2 / 4096)) count=1 status=none |
		od -An -t u8 | awk '{ print $1 }' | {
		read -r entry
		# Bash's numbers are signed: bit 63 makes a present entry negative.
		((entry < 0)) || return 1
		printf '0x%x\n' $((entry & 0x7fffffffffffff))
	}
}

# of KIND FIELD: from the lines that pagekinds printed.
of() { awk -F'\t' -v k="$1" -v f="$2" '$1 == k { print $f }' "$made"; }

# range KIND: where its pages are, for --range.
range() { printf '%s-0x%x\n' "$(of "$1" 2)" $(($(of "$1" 2) + $(of "$1" 3) * 4096)); }

# places_of KIND…: "ADDRESS PAGES" of those kinds that were made. What cannot be made is another
# test's affair.
places_of() {
	awk -F'\t' -v kinds=" $* " 'index(kinds, " " $1 " ") && $2 ~ /^0x/ { print $2, $3 }' "$made"
}

# in_pagemap PID FILE: "address PFN" for the pages that are present at the places in FILE, lines
# "ADDRESS PAGES". Read by perl, independent of everything here, in one go: to start a program takes
# a guest as long as to read thousands of pages.
in_pagemap() {
	perl -ane 'BEGIN { open $file, "<:raw", shift or die "pagemap: $!" }
		sysseek $file, hex($F[0]) / 4096 * 8, 0;
		sysread($file, $words, $F[1] * 8) == $F[1] * 8 or die "pagemap: $!";
		my $address = hex $F[0];
		for (unpack "Q*", $words) {
			printf "0x%x 0x%x\n", $address, $_ & ((1 << 55) - 1) if $_ >> 63;
			$address += 4096;
		}' "/proc/$1/pagemap" "$2"
}

# page_by_page FILE: of rows "VADDR PAGES PFN" on standard input the pages at the places in FILE, as
# in_pagemap has them.
page_by_page() {
	perl -ane '
		BEGIN {
			open $file, "<", shift or die $!;
			while (<$file>) {
				my ($start, $count) = split;
				push @places, [hex $start, $count];
			}
		}
		next unless $F[2] =~ /^0x/;
		my ($start, $pages, $pfn) = (hex $F[0], $F[1], hex $F[2]);
		for my $i (0 .. $#places) {
			my ($from, $count) = @{$places[$i]};
			my $end = $from + 4096 * $count;
			for (my $at = $from > $start ? $from : $start; $at < $end && $at < $start + 4096 * $pages; $at += 4096) {
				$found[$i] .= sprintf "0x%x 0x%x\n", $at, $pfn + ($at - $start) / 4096;
			}
		}
		END { print grep { defined } @found }' "$1"
}

# The sources that this kernel leaves open, by what it was made of and told: what the kernel itself
# says, not what physlens finds.
open_sources() {
	local level=none
	[[ ! -e /sys/kernel/security/lockdown ]] || level=$(lockdown)
	if [[ $level = none ]] && configured '# CONFIG_STRICT_DEVMEM is not set'; then echo devmem; fi
	[[ $level = confidentiality ]] || printf '%s\n' kcore bpf
}

# "none", "integrity" or "confidentiality": the kernel's own word.
lockdown() { sed 's/.*\[\(.*\)\].*/\1/' /sys/kernel/security/lockdown; }

# A physical address in main memory, 16 MiB into the range that begins at 1 MiB.
ram_address() {
	grep -q '^00100000-.*System RAM' /proc/iomem && echo 0x01100000
}

# configured LINE: whether this kernel was configured with it. Debian's kernels carry
# no configuration of their own; theirs lies beside the unpacked modules.
configured() {
	if [[ -e /proc/config.gz ]]; then
		zcat /proc/config.gz
	else
		cat "$(realpath "/lib/modules/$(uname -r)")/../../../config"
	fi | grep -qx -- "$1"
}

# newer_than VERSION: this kernel is of that version or later.
newer_than() { [[ $(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1) == "$1" ]]; }

# kinds_not_made: what pagekinds skipped though this kernel has it, with the reason.
kinds_not_made() {
	local kind what reason
	while IFS=$'\t' read -r kind what reason; do
		[[ $what == skip ]] || continue
		case $kind in
		guard) newer_than 6.13 || continue ;;
		# MADV_COLLAPSE of shared memory, write protection of what is not there
		thp-shared) newer_than 6.2 || continue ;;
		uffd-wp-marker) newer_than 6.4 || continue ;;
		hugetlb-1g) grep -q -w hugepagesz=1G /proc/cmdline || continue ;;
		vsyscall) ! configured CONFIG_LEGACY_VSYSCALL_NONE=y || continue ;;
		esac
		printf '%s: %s\n' "$kind" "$reason"
	done <"$made"
}
