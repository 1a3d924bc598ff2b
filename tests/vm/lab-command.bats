#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: --kernel lab --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm-deep: --kernel lab --cpus 1 --mem 4096 --cpu-flag la57=on --append 'hugepagesz=1G hugepages=1'
# vm-deep: --kernel stock-6.12 --cpus 1 --mem 4096 --append 'hugepagesz=1G hugepages=1'
# vm-deep: --kernel stock-newest --cpus 1 --mem 2048
# physlens lab with all that it can have, step by step, and with what it can lack. (What each experiment
# claims is in lab-claims.bats.)

load guest
load ../helpers/lab

setup() {
	all_kinds_possible
	LAB_HELPERS=../helpers PHYSLENS=$physlens
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
}

names() { "$physlens" lab -n -r -o name; }

@test "every experiment, step by step: what is drawn is what an independent reader finds then" {
	local name
	for name in $(names); do
		lab_compare "$name"
		echo "$name: $LAB_STEPS steps, $LAB_COMPARED numbers"
		[ "$LAB_STEPS" -ge 1 ]
		[ "$LAB_COMPARED" -ge 3 ]
		# In ASCII and in 80 columns.
		run ! grep -qP '[^\x20-\x7e]' "$LAB_DIR/out"
		run ! grep -E '^.{81}' "$LAB_DIR/out"
		grep -q '^ ok ' "$LAB_DIR/out"
		run ! grep -q '^ NO ' "$LAB_DIR/out"
	done
}

@test "fork --step: permissions are the page tables', at each step, as map says" {
	local pid pids
	lab_begin fork
	while lab_pause; do
		mapfile -t pids < <(grep -oE '(parent|child): process [0-9]+' "$LAB_DIR/step" | grep -oE '[0-9]+$')
		for pid in "${pids[@]}"; do
			"$physlens" map --pages -n -r -o vpn,pages,pte "$pid" >"ptes.$LAB_STEPS.$pid"
		done
		cp "$LAB_DIR/step" "drawn.$LAB_STEPS"
		lab_enter
	done
	lab_end
	perl -e '
		for my $step (sort glob "drawn.*") {
			my ($number) = $step =~ /(\d+)$/;
			open my $drawn, "<", $step or die;
			my (@pids, %rows);
			while (<$drawn>) {
				push @pids, /(?:parent|child): process (\d+)/g;
				my ($place, $vpn, $rest) = /^([.a-z]+) +(0x[0-9a-f]+) +\|(.*)/ or next;
				my @cells = split /\|/, $rest;
				for my $i (0 .. $#pids) {
					my ($pte) = ($cells[$i] // "") =~ /0x[0-9a-f]+\*? +([rwx>-]+) / or next;
					$pte =~ s/.*>//;
					open my $rows, "<", "ptes.$number.$pids[$i]" or die;
					my ($is) = map { $$_[2] } grep {
						hex $$_[0] <= hex $vpn && hex $vpn < hex($$_[0]) + $$_[1] } map { [split] } <$rows>;
					print "$place of $pids[$i], step $number: drawn $pte, is $is\n";
					$bad = 1 if $pte ne $is;
					$count++;
				}
			}
		}
		print "$count compared\n";
		exit($bad || $count != 35);'
	# In the end, and only for the one that faulted.
	grep -qE '^stack .*\| .* r->rw .*\| .* rw ' "$LAB_DIR/out"
}

@test "every experiment: without a source it shows what it can, and says what is missing" {
	local name
	for name in $(names); do
		run -0 "$physlens" lab -J --source none "$name"
		[ -z "$(jq -r '.lab[] | select(.kind == "claim" and .text == "FAILS") | .name' <<<"$output")" ]
		jq -e '.lab | any(.kind == "missing" and (.text | contains("--source=none")))' <<<"$output"
	done
}

@test "paging and hierarchy without swap: said, and no claim is false" {
	local name
	swapoff -a
	for name in paging hierarchy; do
		run -0 "$physlens" lab -J "$name"
		jq -e '.lab | any(.kind == "missing" and (.text | contains("swapon a device or file")))' <<<"$output"
		jq -e '.lab | any(.kind == "claim" and .text == "not measured")' <<<"$output"
		jq -e '.lab | all(.kind != "claim" or .text != "FAILS")' <<<"$output"
	done
}

@test "paging with swap on a disk: what is still in the swap cache comes back by a minor fault" {
	local disk
	swapoff -a
	[ -e /dev/loop0 ] || modprobe loop
	truncate -s 64M "$BATS_TEST_TMPDIR/swap"
	disk=$(losetup -f --show "$BATS_TEST_TMPDIR/swap")
	mkswap "$disk"
	swapon "$disk"
	"$physlens" lab -J paging >json
	swapoff "$disk"
	losetup -d "$disk"
	jq -e '.lab | all(.kind != "claim" or .text == "holds")' json
	jq -e '.lab | any(.kind == "claim" and (.name | contains("still in the swap cache")))' json
	jq -e '[.lab[] | select(.kind == "faults" and .step == 7) | .value] == [1, 0]' json
}

@test "a program that ends midway is an error, not a picture" {
	lab_begin fork
	lab_pause
	kill -KILL "$LAB_SUBJECT"
	lab_enter
	status=0
	lab_end || status=$?
	[ "$status" = 2 ]
	grep -q "^physlens: lab: the experiment's program" "$LAB_DIR/err"
}
