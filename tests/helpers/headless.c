// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * headless: its first thread exits, and another goes on: to whoever asks of the PID alone it is a
 * zombie. Prints where it has a page of its own, "page ADDRESS", and then "ready PID".
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helper.h"

static char state_of_first(void)
{
	char path[64], text[512];
	FILE *file;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)getpid());
	file = fopen(path, "r");
	length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	if (file)
		fclose(file);
	text[length] = '\0';
	return strrchr(text, ')') ? strrchr(text, ')')[2] : '?';
}

static void *go_on(void *argument)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argument;
	memset(page, 'h', 4096);
	while (state_of_first() != 'Z')
		usleep(1000);
	printf("page %p\n", (void *)page);
	helper_ready();
	helper_wait();
	_exit(0);
}

int main(void)
{
	pthread_t thread;

	helper_init();
	if (pthread_create(&thread, NULL, go_on, NULL) != 0)
		helper_die("headless: pthread_create");
	syscall(SYS_exit, 0);
	return 1;
}
