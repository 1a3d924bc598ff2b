#!/usr/bin/env bats
# vm: --kernel lab --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel lab --append lockdown=integrity
# vm: --kernel lab --append lockdown=confidentiality
# vm: --kernel stock-6.1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm: --kernel stock-6.12 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# What `doctor` says of a kernel is what that kernel is.

load guest

setup() { run -0 "$physlens" doctor --json; }

# state GATE, remedy GATE: from the JSON that setup got.
state() { jq -r --arg gate "$1" '.doctor[] | select(.gate == $gate) | .state' <<<"$output"; }
remedy() { jq -r --arg gate "$1" '.doctor[] | select(.gate == $gate) | .remedy' <<<"$output"; }

# is GATE STATE: says what it saw instead.
is() {
	[[ $(state "$1") == "$2" ]] || {
		echo "$1: expected $2, doctor says $(state "$1"): $(remedy "$1")"
		return 1
	}
}

lockdown() { sed 's/.*\[\(.*\)\].*/\1/' /sys/kernel/security/lockdown; }

@test "lockdown is said as the kernel says it" {
	is lockdown "$(lockdown)"
}

@test "/dev/mem is open, strict or locked down, and what opens it is said" {
	case $(lockdown) in
	none)
		if configured CONFIG_STRICT_DEVMEM=y; then
			is devmem strict
			[[ "$(remedy devmem)" == *CONFIG_STRICT_DEVMEM* ]]
		else
			is devmem open
		fi
		;;
	*)
		is devmem lockdown
		[[ "$(remedy devmem)" == *lockdown=none* ]]
		;;
	esac
}

@test "kcore and eBPF survive integrity lockdown and not confidentiality" {
	if [[ $(lockdown) == confidentiality ]]; then
		is kcore lockdown
		is bpf lockdown
	else
		is kcore open
		is bpf open
	fi
}

@test "frames, their flags and their counts are open" {
	is pagemap open
	is pfn open
	is kpageflags open
	is kpagecount exact
	is iomem open
	is btf open
	is vmcoreinfo open
}

@test "what came with later kernels is absent in earlier ones" {
	if newer_than 6.7; then
		[[ "$(state pagemap-scan)" == open || "$(state pagemap-scan)" == partial ]]
	else
		is pagemap-scan absent
	fi
	if newer_than 6.11; then is procmap-query open; else is procmap-query absent; fi
	if newer_than 6.13; then is guard open; else is guard absent; fi
}

@test "kallsyms and soft-dirty are as the kernel was configured" {
	if configured CONFIG_KALLSYMS_ALL=y; then is kallsyms open; else is kallsyms functions; fi
	if configured CONFIG_MEM_SOFT_DIRTY=y; then is soft-dirty open; else is soft-dirty absent; fi
}

@test "swap, KSM and huge pages are off, and on when they are on" {
	swapoff -a
	echo 0 >/sys/kernel/mm/ksm/run
	echo 0 >/proc/sys/vm/nr_hugepages
	run -0 "$physlens" doctor --json
	is swap off
	is ksm off
	# Some boots reserve a page of 1 GiB, for good.
	if [ "$(cat /sys/kernel/mm/hugepages/*/nr_hugepages | sort -u)" = 0 ]; then
		is hugetlb off
	fi
	all_kinds_possible
	run -0 "$physlens" doctor --json
	is swap on
	is ksm on
	is thp on
	is hugetlb on
}
