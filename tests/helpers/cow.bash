# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the bats files: what cowpages says of its pages (see there) held against what `cow` says.
# $PHYSLENS is the program.

# cow_classes PARENT CHILD START [OPTION…]: a letter for each of sixteen pages.
cow_classes() {
	"$PHYSLENS" cow --pages --all -n -r -o VADDR,PAGES,STATE "${@:4}" \
		--range "$3-$(printf '0x%x' $(($3 + 16 * 4096)))" "$1" "$2" | cow_letters "$3"
}

# cow_letters START: the same of rows "VADDR PAGES STATE" on standard input.
cow_letters() {
	perl -ane '
		BEGIN {
			%letter = ("shared", "S", "by-parent", "P", "by-child", "C", "by-both", "B",
				"unknown", "?", "parent-only", "p", "child-only", "c");
			$start = hex shift;
			@at = (".") x 16;
		}
		for my $page (map { (hex($F[0]) - $start) / 4096 + $_ } 0 .. $F[1] - 1) {
			$at[$page] = $letter{$F[2]} // "!" if $page >= 0 && $page < 16;
		}
		END { print @at, "\n" }' "$1"
}

# cow_kind FILE KIND: sets start and want, of a line that cowpages wrote to FILE.
cow_kind() {
	# shellcheck disable=SC2034 # for the caller
	read -r start want < <(awk -F'\t' -v k="$2" '$1 == k { print $2, $3 }' "$1")
}

# cow_same_classes KIND WANT GOT
cow_same_classes() {
	[ "$2" = "$3" ] || {
		printf '%s: %s, not %s\n' "$1" "$3" "$2"
		return 1
	}
}

# cow_stories LOG PID: "ADDRESS EVENT" of what the process did, by the JSON of a trace with --pages.
cow_stories() {
	jq -r --argjson pid "$2" '.cow[] | select(.pid == $pid and .vaddr) | .vaddr + " " + .event' "$1"
}

# cow_check_stories FILE LOG PID COLUMN: what cowpages says in that column of its lines in FILE, page
# for page; what was not made is named in the lines "KIND skip: REASON".
cow_check_stories() {
	cow_stories "$2" "$3" | perl -e '
		my ($file, $pid, $column) = @ARGV;
		my %letter = (copied => "c", reused => "r", touched => "t", unknown => "?",
			dropped => "d", moved => "m", swapped => "w");
		my (%story, $bad);
		while (<STDIN>) {
			my ($address, $event) = split;
			$story{hex $address} .= $letter{$event} // $event;
		}
		open my $made, "<", $file or die "$file: $!\n";
		while (<$made>) {
			chomp;
			my @fields = split /\t/;
			next if @fields < 3;
			my ($kind, $start) = @fields;
			print("$kind skip: $fields[2]\n"), next if $start eq "skip";
			my $want = $fields[$column - 1];
			my @got = map { $story{hex($start) + $_ * 4096} // "-" } 0 .. 15;
			# What was locked is held by the kernel for a while: then a write copies.
			if ($kind eq "mlocked") {
				$got[$_] eq "c" && substr($want, $_, 1) eq "r" and $got[$_] = "r" for 0 .. 15;
			}
			my $got = join "", map { length > 1 ? "($_)" : $_ } @got;
			next if $got eq $want;
			print "process $pid, $kind: $got, not $want\n";
			$bad = 1;
		}
		exit($bad // 0);' "$1" "$3" "$4"
}
