// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-run [--runs N] [--warm-up N] COMMAND ARG… --against COMMAND ARG…
 *
 * Times two programs against each other: A B A B …, so that whatever else the machine does
 * meets both alike. A time is that of a whole process, from fork to wait4. Standard output
 * goes to /dev/null. Prints one line a quantity, the last ones ratios of the pairs A/B:
 *
 *	a cpu min 0.001208 median 0.001251 wall min … median … rss 4608
 *	b cpu …
 *	ratio cpu 1.52 wall 1.49 pairs 0.98 … (of medians; the quarters of the ratios pair by pair)
 *
 * Seconds, and KiB at the peak. A command that fails ends it, with that command's status.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS_MAX = 1000 };

struct contender {
	char **argv;
	double cpu[RUNS_MAX];
	double wall[RUNS_MAX];
	long rss; /* KiB */
};

static double seconds_of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void become(char **argv)
{
	int null = open("/dev/null", O_WRONLY);

	if (null >= 0)
		dup2(null, STDOUT_FILENO);
	execvp(argv[0], argv);
	fprintf(stderr, "bench-run: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* One run, noted as number `i` unless that is negative. */
static void run_once(struct contender *one, int i)
{
	struct rusage usage;
	double start = now();
	pid_t pid = vfork();
	int status;

	if (pid == 0)
		become(one->argv);
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
		fprintf(stderr, "bench-run: fork: %s\n", strerror(errno));
		exit(2);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "bench-run: %s: it failed\n", one->argv[0]);
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
	}
	if (i < 0)
		return;
	one->wall[i] = now() - start;
	one->cpu[i] = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
	if (usage.ru_maxrss > one->rss)
		one->rss = usage.ru_maxrss;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The value that `part` of 4 quarters of the sorted values lie below. */
static double quartile(const double *sorted, int count, int part)
{
	return sorted[(count - 1) * part / 4];
}

/* Pair by pair, before the order is lost. */
static void print_ratio(const char *what, const double *a, const double *b, int count)
{
	double each[RUNS_MAX] = {0};

	for (int i = 0; i < count; i++)
		each[i] = b[i] > 0 ? a[i] / b[i] : 0;
	qsort(each, (size_t)count, sizeof(each[0]), compare);
	printf("ratio %s median %.3f quarters %.3f %.3f\n", what, quartile(each, count, 2),
	       quartile(each, count, 1), quartile(each, count, 3));
}

static void print_contender(const char *name, struct contender *one, int count)
{
	qsort(one->cpu, (size_t)count, sizeof(one->cpu[0]), compare);
	qsort(one->wall, (size_t)count, sizeof(one->wall[0]), compare);
	printf("%s cpu min %.6f median %.6f wall min %.6f median %.6f rss %ld\n", name, one->cpu[0],
	       quartile(one->cpu, count, 2), one->wall[0], quartile(one->wall, count, 2), one->rss);
}

static int number(const char *text, int most)
{
	char *end;
	long value = text ? strtol(text, &end, 10) : -1;

	if (!text || *end != '\0' || value < 0 || value > most) {
		fprintf(stderr, "bench-run: %s: not a number up to %d\n", text ? text : "", most);
		exit(2);
	}
	return (int)value;
}

static _Noreturn void usage(void)
{
	fputs("usage: bench-run [--runs N] [--warm-up N] COMMAND ARG... --against COMMAND ARG...\n",
	      stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	static struct contender a, b;
	int runs = 21, warm_up = 2, i = 1;

	for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
		if (strcmp(argv[i], "--runs") == 0)
			runs = number(argv[i + 1], RUNS_MAX);
		else if (strcmp(argv[i], "--warm-up") == 0)
			warm_up = number(argv[i + 1], RUNS_MAX);
		else
			usage();
	}
	a.argv = &argv[i];
	while (i < argc && strcmp(argv[i], "--against") != 0)
		i++;
	if (runs < 1 || &argv[i] == a.argv || i + 1 >= argc)
		usage();
	argv[i] = NULL;
	b.argv = &argv[i + 1];
	for (i = -warm_up; i < runs; i++) {
		run_once(&a, i);
		run_once(&b, i);
	}
	print_ratio("cpu", a.cpu, b.cpu, runs);
	print_ratio("wall", a.wall, b.wall, runs);
	print_contender("a", &a, runs);
	print_contender("b", &b, runs);
	return 0;
}
