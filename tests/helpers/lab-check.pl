#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The drawings of `physlens lab --plain --step NAME` against the kernel: pagemap, maps and mem of the
# processes, read here and in no other way. Fails at the first number that is not so.
#
# lab-check.pl NAME PID <STEP: one step, whose program is process PID and waits. The first step's text is
# in the file LAB_WORDS. Prints how many numbers were compared.
#
# lab-check.pl --run DIRECTORY PHYSLENS NAME [OPTION...]: every step, while it stands. What it prints goes
# to DIRECTORY's out and err. Prints how many steps there were, and how many numbers; its exit status is
# the command's.
use strict;
use warnings;
no warnings 'portable'; # hex of more than 32 bits

my ($name, $subject, @lines, $text, $words);
my $compared = 0;

# The words of pagemap of COUNT pages.
sub words {
	my ($pid, $address, $count) = @_;
	open my $file, '<:raw', "/proc/$pid/pagemap" or die "process $pid: $!\n";
	sysseek $file, int($address / 4096) * 8, 0 or die;
	my $got = sysread $file, my $bytes, 8 * $count;
	defined $got or die;
	return unpack('Q*', $bytes);
}

# "0x1234", "swapped" or "none".
sub frame {
	my ($word) = words(@_, 1);
	return 'none' unless defined $word;
	return sprintf '0x%x', $word & ((1 << 55) - 1) if $word >> 63;
	return $word >> 62 & 1 ? 'swapped' : 'none';
}

sub same {
	my ($what, $drawn, $measured) = @_;
	$drawn eq $measured or die "$name: $what: drawn $drawn, measured $measured\n$text";
	$compared++;
}

sub memory {
	my ($pid, $address, $length) = @_;
	open my $file, '<:raw', "/proc/$pid/mem" or die "process $pid: $!\n";
	sysseek $file, $address, 0 or die;
	sysread($file, my $bytes, $length) == $length or die;
	return $bytes;
}

# Two page tables side by side: fork, exec, libc, sharing.
sub scene {
	my @pids;
	for (@lines) {
		chomp;
		my ($first, @panes) = split /\|/;
		next unless @panes;
		if (/process \d/) {
			@pids = map { /process (\d+)/ ? $1 : 0 } @panes;
			# Of one process twice the first is how it was before.
			$pids[0] = 0 if @pids > 1 && $pids[0] == $pids[1];
			next;
		}
		my ($place, $vpn) = $first =~ /^(\S+)\s+(0x[0-9a-f]+)?/ or next;
		for my $pane (0 .. $#panes) {
			next if !$pids[$pane];
			my $cell = $panes[$pane];
			$cell =~ s/^\s+//;
			my $page = $vpn;
			$page = $1 if !$page && $cell =~ s/^(0x[0-9a-f]+)\s+//;
			$page or die "no page: $_\n";
			my $drawn = $cell =~ /^(0x[0-9a-f]+)/ ? $1 : 'none';
			same("$place in $pids[$pane]", $drawn, frame($pids[$pane], hex($page) * 4096));
		}
	}
}

sub threads {
	for (@lines) {
		my ($task, $id, $vpn, $frame, $reads) =
			/^\s+(main thread|other thread|child)\s+(\d+)\s+\S+\s+(0x\w+)\s+(0x\w+)\*?\s+\S+\s+(\d+)$/
			or next;
		same("frame of $task", $frame, frame($id, hex($vpn) * 4096));
		same("counter of $task", $reads, unpack('q', memory($id, hex($vpn) * 4096, 8)));
	}
}

sub grid {
	my @pids = $text =~ /(?:parent|child): process (\d+)/g;
	for (@lines) {
		next unless /^(0x[0-9a-f]+)\s+\|/;
		my $address = hex $1;
		my (undef, @panes) = split /\|/;
		for my $pane (0 .. $#pids) {
			my @cells = $panes[$pane] =~ /(\S{4}[=*. ])/g;
			@cells == 4 or die "cells: $panes[$pane]\n";
			for my $i (0 .. 3) {
				my ($mine, @other) = map { frame($_, $address + $i * 4096) }
					$pids[$pane], @pids > 1 ? $pids[1 - $pane] : ();
				my $measured = $mine eq 'none' ? '.' : !@other ? ' '
					: $mine eq $other[0] ? '=' : '*';
				same(sprintf('page 0x%x', $address + $i * 4096),
					substr($cells[$i], 4), $measured);
			}
		}
	}
}

# The addresses are said once, in the first step.
sub first_words {
	(my $said = $words) =~ s/\n {3}/ /g;
	return $said;
}

sub paging {
	my ($own, $file) = first_words() =~ /own at (0x\w+).*file at (0x\w+)\./ or die 'no addresses';
	my ($line) = reverse grep { /^\d+\. .* [R0Sfx.]{8} / } @lines;
	my ($letters, $of_file, $frame) = $line =~ / ([R0Sfx.]{8}) +([R0Sfx.]{8})\s+(0x\w+)?/ or die;
	for ([$own, $letters], [$file, $of_file]) {
		my ($address, $drawn) = @$_;
		my @words = words($subject, hex $address, 8);
		for my $i (0 .. 7) {
			my $letter = substr $drawn, $i, 1;
			same("page $i", $letter =~ /[R0]/ ? 'R' : $letter eq 'S' ? 'S' : '-',
				$words[$i] >> 63 ? 'R' : $words[$i] >> 62 & 1 ? 'S' : '-');
		}
	}
	return unless $frame;
	my @frames = map { frame($subject, hex $_) } $own, $file;
	same('frame of page 0', $frame, $frame eq $frames[0] ? $frames[0] : $frames[1]);
}

sub layout {
	open my $maps, '<', "/proc/$subject/maps" or die;
	my %areas;
	while (<$maps>) {
		my ($start, $perms) = /^(\w+)-\w+ (\S+)/ or die;
		$areas{hex $start} = $perms;
	}
	for (@lines) {
		my ($address, $what, $present, $pages) =
			/^\s*(0x\w+) \| (.*?)\s+(\d+)\/(\d+)/ or next;
		my ($part, $perms) = $what =~ /^(\S+)(?:\s+(\S+))?$/ or die $_;
		my $area = (sort { $b <=> $a } grep { $_ <= hex $address } keys %areas)[0];
		same("permissions of $part", $perms, $areas{$area}) if $perms;
		next if $part =~ /^v/; # the kernel's own pages: no frame is named
		same("pages of $part in RAM", $present,
			scalar grep { $_ >> 63 } words($subject, hex $address, $pages));
	}
}

sub address {
	my $words = first_words();
	my ($process, $address) = $words =~ /Process (\d+) has written .* address (0x\w+)\./ or die;
	same('its process', $process, $subject);
	same('the byte', 'P', memory($subject, hex $address, 1));
	if ($text =~ /\(PFN\)\s+(0x\w+)/) {
		same('its frame', $1, frame($subject, hex $address));
		$text =~ /physical address\s+(0x\w+) / or die;
		same('where it is', $1,
			sprintf '0x%x', hex(frame($subject, hex $address)) * 4096 + (hex($address) & 4095));
	}
	same('the frame of the walk', $1, frame($subject, hex $address)) if $text =~ /PTE .*-> (0x\w+)/;
}

sub hierarchy {
	my ($ram, $swap, $file) = first_words() =~ /at (0x\w+)\. .* at (0x\w+), .* at (0x\w+),/ or die;
	my ($frame) = $text =~ /frame (0x\w+): the 1st byte/ or die;
	same('the 1st byte', $frame, frame($subject, hex $ram));
	same('the 2nd byte', $text =~ /the 2nd byte/ ? 'swapped' : 'elsewhere',
		frame($subject, hex $swap) eq 'swapped' ? 'swapped' : 'elsewhere');
	same('the 3rd byte', 'none', frame($subject, hex $file));
}

my %checks = (
	fork => \&scene, exec => \&scene, libc => \&scene, sharing => \&scene, threads => \&threads,
	grid => \&grid, paging => \&paging, layout => \&layout, address => \&address,
	hierarchy => \&hierarchy,
);

sub check {
	$text = shift;
	@lines = split /^/m, $text;
	$words //= $text;
	$checks{$name}->();
}

sub slurp {
	my ($path) = @_;
	open my $file, '<', $path or die "$path: $!\n";
	local $/;
	return <$file>;
}

# The last that PID started: exec and libc have two. (Their numbers rise, but for a wrap.)
sub child_of {
	my ($pid) = @_;
	my $last;
	for (sort { $a <=> $b } map { m{(\d+)} } glob '/proc/[0-9]*') {
		open my $file, '<', "/proc/$_/stat" or next;
		$last = $_ if (<$file> // '') =~ /^.*\) \S (\d+)/ && $1 == $pid;
	}
	return $last;
}

sub run_all {
	my ($directory, $physlens, @options) = @_;
	my ($steps, $buffer) = (0, '');
	open my $log, '>', "$directory/out" or die "$directory: $!\n";
	pipe my $in, my $enter or die;
	pipe my $drawn, my $out or die;
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0) {
		close $_ for $enter, $drawn;
		open STDIN, '<&', $in or die;
		open STDOUT, '>&', $out or die;
		open STDERR, '>', "$directory/err" or die;
		exec $physlens, 'lab', '--plain', '--step', $name, @options or die "$physlens: $!\n";
	}
	close $_ for $in, $out;
	while (sysread $drawn, $buffer, 65536, length $buffer) {
		$buffer =~ /\A(.*?)^\[Enter\]/ms or next;
		print $log $buffer;
		$steps++;
		$subject = child_of($pid);
		check($1);
		$buffer = '';
		syswrite $enter, "\n";
	}
	print $log $buffer;
	waitpid $pid, 0;
	print "$steps $compared\n";
	exit($? >> 8 || $? & 127);
}

if (@ARGV && $ARGV[0] eq '--run') {
	(undef, my $directory, my $physlens, $name, my @options) = @ARGV;
	run_all($directory, $physlens, @options);
}
($name, $subject) = @ARGV;
$words = slurp($ENV{LAB_WORDS}) if $ENV{LAB_WORDS};
check(do { local $/; <STDIN> });
print "$compared\n";
