# SPDX-License-Identifier: GPL-2.0-or-later
# Processes to be looked at, and whether they are as they were left: for sweep, signals and soak, each of
# which is the first process of a PID namespace, so that whatever is there is known to it.
package Subject;
use strict;
use warnings;
no warnings 'exec';
use Errno;
use Exporter 'import';
use POSIX qw(:sys_wait_h _exit dup2);
use Time::HiRes qw(sleep);

our @EXPORT = qw(slurp is_sanitized subject_start wrong_with_others end_of program helpers);

sub program { return $ENV{PHYSLENS} || './physlens' }
sub helpers { return $ENV{PHYSLENS_HELPERS} || 'tests/helpers' }

# libproc2 keeps a buffer of each thread that has listed processes.
$ENV{ASAN_OPTIONS} = join ':', grep { defined } $ENV{ASAN_OPTIONS}, 'detect_leaks=0';

# A sanitizer gives memory back late.
sub is_sanitized { return slurp(program()) =~ /__asan_init/ }

sub slurp {
	my $path = shift;
	open my $file, '<', $path or return '';
	local $/;
	return scalar(<$file>) // '';
}

my (%known, @subjects, @kept);

# subject_start: a family of three with memory in common. Gives a hash: first, all (their PIDs), address
# and pages of what they share.
sub subject_start {
	pipe(my $theirs, my $ours) or die "pipe: $!";
	my $pid = open(my $out, '-|') // die "fork: $!";
	if (!$pid) {
		close $ours;
		dup2(fileno($theirs), 0);
		exec helpers() . '/sharers', 3, 1, '--private', 16;
		_exit(127);
	}
	my %fact;
	while (<$out>) {
		my ($key, @values) = split;
		$fact{$key} = \@values;
		last if $key eq 'ready';
	}
	die "no subject\n" unless $fact{ready};
	push @kept, $ours, $out; # its input ends with us
	@subjects = ($fact{ready}[0], @{$fact{children}});
	%known = map { $_ => 1 } $$, @subjects;
	# Between its last line and its rest it still touches pages.
	for (1 .. 500) {
		last unless grep { slurp("/proc/$_/stat") !~ /\) S / } @subjects;
		sleep 0.01;
	}
	return (first => $subjects[0], all => [@subjects], address => $fact{address}[0], pages => 256);
}

sub state_of {
	my $status = slurp("/proc/$_[0]/status");
	my ($state) = $status =~ /^State:\s*(\S)/m;
	my ($tracer) = $status =~ /^TracerPid:\s*(\d+)/m;
	return ($state // 'gone') . ($tracer // '');
}

# What is wrong with the others, after ten seconds still: what was let go a moment ago may take another.
# PIDs that are also known are the arguments.
sub wrong_with_others {
	my %also = map { $_ => 1 } @_;
	my @wrong;
	for (1 .. 500) {
		1 while waitpid(-1, WNOHANG) > 0;
		@wrong = ();
		for (@subjects) {
			my $state = state_of($_);
			push @wrong, "process $_ is $state" if $state !~ /^[SR]0$/;
		}
		opendir my $proc, '/proc' or die "/proc: $!";
		for (readdir $proc) {
			next if !/^\d+$/ || $known{$_} || $also{$_};
			chomp(my $name = slurp("/proc/$_/comm"));
			push @wrong, "process $_ is left: $name";
		}
		return () unless @wrong;
		sleep 0.02;
	}
	return @wrong;
}

# end_of PID, SECONDS: its wait status, or undef where it had to be killed.
sub end_of {
	my ($pid, $seconds) = @_;
	my $late = 0;
	local $SIG{ALRM} = sub { $late = 1; kill 'KILL', $pid };
	Time::HiRes::alarm($seconds);
	my $got;
	1 while ($got = waitpid $pid, 0) < 0 && $!{EINTR};
	my $status = $got == $pid ? $? : undef; # undef: it was waited for before
	Time::HiRes::alarm(0);
	return $late ? undef : $status;
}

1;
