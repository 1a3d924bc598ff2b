// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * forger [vfork]: says of itself again and again, by prctl(2), that its program begins and its
 * stack lies elsewhere: what no privilege is needed for, and looks as if it executed programs. With
 * "vfork" it is a child in its parent's memory that does. Prints "forger PID" of the one that does,
 * and "ready PID" of itself.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <linux/prctl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "helper.h"

enum { START_CODE = 26, END_CODE, START_STACK, START_DATA = 45, LAST = 51 };

/* Fields of /proc/self/stat, numbered from 1. */
static void read_fields(uint64_t *fields)
{
	char text[4096];
	FILE *file = fopen("/proc/self/stat", "re");
	size_t got = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (!file || got == 0)
		helper_die("forger: /proc/self/stat");
	fclose(file);
	text[got] = '\0';
	const char *field = strrchr(text, ')');
	for (int i = 3; i <= LAST && field; i++) {
		field = strchr(field + 1, ' ');
		fields[i] = field ? strtoull(field, NULL, 10) : 0;
	}
}

static struct prctl_mm_map read_map(void)
{
	uint64_t f[LAST + 1] = {0};

	read_fields(f);
	return (struct prctl_mm_map){
		.start_code = f[START_CODE],
		.end_code = f[END_CODE],
		.start_data = f[START_DATA],
		.end_data = f[START_DATA + 1],
		.start_brk = f[START_DATA + 2],
		.brk = (uint64_t)(uintptr_t)sbrk(0),
		.start_stack = f[START_STACK],
		.arg_start = f[START_DATA + 3],
		.arg_end = f[START_DATA + 4],
		.env_start = f[START_DATA + 5],
		.env_end = f[START_DATA + 6],
		.exe_fd = (uint32_t)-1,
	};
}

static int forge_once(struct prctl_mm_map *map, unsigned turn)
{
	map->start_stack = (map->start_stack & ~UINT64_C(0xfff)) | ((turn * 16) & 0xfff);
	map->start_code = (map->start_code & ~UINT64_C(0xff)) | (turn & 0xff);
	return prctl(PR_SET_MM, PR_SET_MM_MAP, map, sizeof(*map), 0);
}

static int forge(void *argument)
{
	struct prctl_mm_map map = read_map();

	(void)argument;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned turn = 0; !helper_stopped; turn++) {
		if (forge_once(&map, turn) != 0)
			_exit(3);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static char stack[1 << 16] __attribute__((aligned(16)));
	int flags = argc > 1 && strcmp(argv[1], "vfork") == 0 ? CLONE_VM | SIGCHLD : SIGCHLD;

	helper_init();
	struct prctl_mm_map map = read_map();
	if (forge_once(&map, 0) != 0)
		helper_die("forger: PR_SET_MM_MAP");
	pid_t child = clone(forge, stack + sizeof(stack), flags, NULL);
	if (child < 0)
		helper_die("forger: clone");
	printf("forger %ld\n", (long)child);
	helper_ready();
	helper_wait();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
