#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Measures how fast `physlens read` streams RAM to /dev/null: against `dd bs=1M` of the same bytes of
# the same device where there is one, in bytes a second through eBPF. Run in the build directory, as
# root; in a guest too:
#
#	tests/bench/phys.sh
#	scripts/vm --mem 1024 -- tests/bench/phys.sh
set -euo pipefail

mib=512 runs=5
# shellcheck source=record.bash
. "${BASH_SOURCE[0]%/*}/record.bash"

die() {
	printf 'bench: %s\n' "$*" >&2
	exit 2
}

# The first whole MiB of the largest range of RAM, in MiB, and where that range ends.
largest_ram() {
	local range best=0 start end
	while read -r range; do
		start=$(((0x${range%-*} + 0xfffff) >> 20))
		end=$(((0x${range#*-} + 1) >> 20))
		((end - start > best)) || continue
		best=$((end - start)) first=$start
	done < <(awk '/^[0-9a-f].* : System RAM/ { print $1 }' /proc/iomem)
	((best >= mib)) || mib=$best
	((mib > 0)) || die 'no RAM in /proc/iomem'
}

works() { ./physlens --source "$1" read --raw "$paddr" 16 >/dev/null 2>&1; }

# versus SOURCE DD-ARGUMENT…
versus() {
	local source=$1 rate
	shift
	rate=$(tests/bench/bench-run --runs $runs --warm-up 1 \
		./physlens --source "$source" read --raw "$paddr" ${mib}M --against \
		dd bs=1M count=$mib status=none of=/dev/null "$@" |
		awk -v source="$source" -v mib=$mib '
			$1 == "ratio" && $2 == "wall" { ratio = $4 }
			$1 == "a" { ours = $11 }
			$1 == "b" { dd = $11 }
			END { printf "%-7s %6.0f MiB/s, dd %6.0f MiB/s: %.2f of its rate (target: at least 0.95)\n",
				source, mib / ours, mib / dd, 1 / ratio }')
	printf '%s\n' "$rate"
	record "read of RAM by $source: its rate against that of dd" \
		"$(sed 's/.*: \([0-9.]*\) of its rate.*/\1/' <<<"$rate")" ratio '>= 0.95'
}

# Where in /proc/kcore the first byte is: the segment of RAM that holds it, not the kernel's image.
kcore_offset() {
	readelf -lW /proc/kcore | while read -r type offset _ physical size _; do
		[[ $type = LOAD && ${physical#0xf} = "$physical" ]] || continue
		((physical <= paddr && paddr - physical < size)) || continue
		((size >= mib << 20)) || continue
		echo $((offset + paddr - physical))
		break
	done
}

main() {
	[[ $EUID -eq 0 ]] || die 'not root: physical memory is closed: sudo tests/bench/phys.sh'
	[[ -x ./physlens && -x tests/bench/bench-run ]] ||
		die 'not built: run make and make check in the build directory'
	local first=0 paddr offset rate
	largest_ram
	paddr=$(printf '0x%x' $((first << 20)))
	printf 'kernel %s, %s CPUs; %s MiB from %s on, medians of whole processes\n' \
		"$(uname -r)" "$(nproc)" "$mib" "$paddr"
	if works devmem; then
		versus devmem if=/dev/mem skip="$first"
	fi
	if works kcore; then
		offset=$(kcore_offset)
		versus kcore if=/proc/kcore iflag=skip_bytes skip="$offset"
	fi
	if works bpf; then
		rate=$(tests/bench/bench-run --runs $runs --warm-up 1 \
			./physlens --source bpf read --raw "$paddr" ${mib}M --against true |
			awk -v gb="$(awk -v mib=$mib 'BEGIN { print mib * 1048576 / 1e9 }')" '
				$1 == "a" { printf "bpf     %.2f GB/s by the clock, best %.2f; " \
					"%.2f GB a second of processor time (target: at least 6)\n",
					gb / $11, gb / $9, gb / $6 }')
		printf '%s\n' "$rate"
		record 'read of RAM by bpf, a second of processor time' \
			"$(sed 's/.*; \([0-9.]*\) GB a second.*/\1/' <<<"$rate")" GB/s '>= 6'
	fi
}

main
