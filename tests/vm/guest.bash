# shellcheck shell=bash
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
# pid and the file `made`. Its standard input stays open until stop_all. In setup_file,
# export both.
started=()
start() {
	local hold
	made=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/made.${#started[@]}
	merge_eagerly 5
	mkfifo "$made.hold"
	exec {hold}<>"$made.hold"
	"$programs/$1" "${@:2}" <"$made.hold" >"$made" 2>"$made.err" 3>&- {hold}>&- &
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
		vsyscall) ! configured CONFIG_LEGACY_VSYSCALL_NONE=y || continue ;;
		esac
		printf '%s: %s\n' "$kind" "$reason"
	done <"$made"
}
