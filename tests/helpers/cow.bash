# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the bats files: what cowpages says of its pages (see there) held against what `cow` says.
# $PHYSLENS is the program.

# cow_classes PARENT CHILD START [OPTION…]: a letter for each of sixteen pages.
cow_classes() {
	"$PHYSLENS" cow --pages --all -n -r -o VADDR,PAGES,STATE "${@:4}" \
		--range "$3-$(printf '0x%x' $(($3 + 16 * 4096)))" "$1" "$2" |
		while read -r vaddr pages state; do
			printf '%d %s %s\n' $(((vaddr - $3) / 4096)) "$pages" "$state"
		done | awk '
			BEGIN {
				split("shared S by-parent P by-child C by-both B unknown ? parent-only p child-only c", words)
				for (i = 1; i in words; i += 2)
					letter[words[i]] = words[i + 1]
			}
			{ for (i = $1; i < $1 + $2; i++) at[i] = $3 in letter ? letter[$3] : "!" }
			END { for (i = 0; i < 16; i++) printf "%s", i in at ? at[i] : "."; print "" }'
}

# cow_kind FILE KIND: sets start and want, of a line that cowpages wrote to FILE.
cow_kind() {
	read -r start want < <(awk -F'\t' -v k="$2" '$1 == k { print $2, $3 }' "$1")
}

# cow_same_classes KIND WANT GOT
cow_same_classes() {
	[ "$2" = "$3" ] || {
		printf '%s: %s, not %s\n' "$1" "$3" "$2"
		return 1
	}
}

# cow_stories LOG PID: "ADDRESS LETTER" of what the process did, by the JSON of a trace with --pages.
cow_stories() {
	jq -r --argjson pid "$2" '.cow[] | select(.pid == $pid and .vaddr) | .vaddr + " " + .event' "$1" |
		sed 's/copied/c/; s/reused/r/; s/touched/t/; s/unknown/?/; s/dropped/d/; s/moved/m/; s/swapped/w/'
}

# cow_check_stories FILE LOG PID COLUMN: what cowpages says in that column of its lines in FILE, page
# for page; what was not made is named in the lines "KIND skip: REASON".
cow_check_stories() {
	local kind start want got bad=0
	cow_stories "$2" "$3" >"$BATS_TEST_TMPDIR/stories"
	while read -r kind start want; do
		if [ "$start" = skip ]; then
			echo "$kind skip: $want"
			continue
		fi
		got=$(for ((i = 0; i < 16; i++)); do
			printf '0x%x\n' $((start + i * 4096))
		done | awk 'NR == FNR { story[$1] = story[$1] $2; next }
			{ printf "%s", $1 in story ? length(story[$1]) == 1 ? story[$1] : "(" story[$1] ")" : "-" }' \
			"$BATS_TEST_TMPDIR/stories" -)
		# What was locked is held by the kernel for a while: then a write copies.
		[ "$kind" != mlocked ] || [ "${#got}" != 16 ] || got=$(cow_forgive "$want" "$got")
		[ "$got" = "$want" ] || {
			echo "process $3, $kind: $got, not $want"
			bad=1
		}
	done < <(awk -F'\t' -v c="$4" 'NF >= 3 { print $1, $2, $2 == "skip" ? $3 : $c }' "$1")
	return $bad
}

# cow_forgive WANT GOT: GOT, with a copy where a reuse was to be taken for that.
cow_forgive() {
	local i out=''
	for ((i = 0; i < ${#2}; i++)); do
		if [ "${1:i:1}${2:i:1}" = rc ]; then out+=r; else out+=${2:i:1}; fi
	done
	printf '%s\n' "$out"
}
