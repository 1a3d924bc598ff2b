/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread, which shares the address space, and a child, which has a copy of it. */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lab/subject.h"

static volatile long counter[PAGE / sizeof(long)] __attribute__((aligned(PAGE))) = {1};
static volatile pid_t thread_id;
static volatile long thread_sees;
static int to_thread[2], from_thread[2];

static void *thread(void *argument)
{
	thread_id = (pid_t)syscall(SYS_gettid);
	for (int turn = 0;; turn++) {
		if (turn == 1)
			counter[0] = 2;
		thread_sees = counter[0];
		tell(from_thread[1]);
		hear(to_thread[0]);
	}
	return argument;
}

static void step_thread(void)
{
	tell(to_thread[1]);
	hear(from_thread[0]);
}

int main(void)
{
	volatile long *seen =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct child child;
	pthread_t one;

	if (seen == MAP_FAILED || pipe(to_thread) || pipe(from_thread))
		fail("mmap");
	counter[0] = 1;
	if (fork_child(&child) == 0) {
		for (int turn = 0;; turn++) {
			my_turn(&child);
			if (turn == 2)
				counter[0] = 3;
			*seen = counter[0];
			my_turn_is_over(&child);
		}
	}
	if (pthread_create(&one, NULL, thread, NULL))
		fail("pthread_create");
	hear(from_thread[0]);
	say_number("main", getpid());
	say_number("thread", thread_id);
	say_number("child", child.pid);
	say_address("counter", counter);
	for (int step = 0; step < 3; step++) {
		if (step > 0)
			step_thread();
		step_child(&child);
		say_number("main.sees", counter[0]);
		say_number("thread.sees", thread_sees);
		say_number("child.sees", *seen);
		step_done();
	}
	return 0;
}
