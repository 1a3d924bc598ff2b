#!/usr/bin/env bats
# vm: --kernel lab --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-6.1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-6.12 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# Every kind of page that the fixture program can make, shown by `map`. Here every
# one is made: what a host had to skip for want of swap, KSM or huge pages too.

load guest

setup_file() {
	all_kinds_possible
	start pagekinds
	export made pid
}

teardown_file() { kill "$pid"; }

# runs_of KIND START PAGES: `map`'s rows there as "VADDR PAGES STATE" lines.
runs_of() {
	"$physlens" map --pages -n -r -o vaddr,pages,state \
		--range "$2-$(printf '0x%x' $(($2 + $3 * 4096)))" "$pid"
}

# The rows are one after the other, from START, PAGES in all, each in STATE.
check_runs() {
	local kind=$1 next=$(($2)) end=$(($2 + $3 * 4096)) state=$4 vaddr pages got
	while read -r vaddr pages got; do
		[[ $((vaddr)) -eq $next && $got == "$state" ]] || {
			printf '%s: expected %s at 0x%x, map says %s at %s\n' \
				"$kind" "$state" "$next" "$got" "$vaddr"
			return 1
		}
		next=$((next + pages * 4096))
	done < <(runs_of "$1" "$2" "$3")
	[[ $next -eq $end ]] || {
		printf '%s: map ends at 0x%x, the pages at 0x%x\n' "$kind" "$next" "$end"
		return 1
	}
}

@test "every kind of page is made, but those of later kernels" {
	run -0 kinds_not_made
	echo "$output"
	[ -z "$output" ]
}

@test "map shows every kind in the state that it has" {
	local kind begin pages state rest bad=0
	while IFS=$'\t' read -r kind begin pages state rest; do
		[[ $begin == 0x* && $state != - ]] || continue
		check_runs "$kind" "$begin" "$pages" "$state" || bad=$((bad + 1))
	done <"$made"
	[ "$bad" -eq 0 ]
}

@test "map --pages gives the PFNs of an independent read of pagemap" {
	local kind begin pages rest vaddr pfn
	while IFS=$'\t' read -r kind begin pages rest; do
		case $kind in
		anon-written | thp | hugetlb | file-shared | ksm | mlocked) ;;
		*) continue ;;
		esac
		"$physlens" map --pages -n -r -o vaddr,pages,pfn \
			--range "$begin-$(printf '0x%x' $((begin + pages * 4096)))" "$pid" \
			>"$BATS_TEST_TMPDIR/rows"
		[ -s "$BATS_TEST_TMPDIR/rows" ]
		while read -r vaddr pages pfn; do
			for ((page = 0; page < pages; page += pages / 3 + 1)); do
				[ $((pfn + page)) -eq $(($(pfn_of "$pid" $((vaddr + page * 4096))))) ]
			done
		done <"$BATS_TEST_TMPDIR/rows"
	done <"$made"
}
