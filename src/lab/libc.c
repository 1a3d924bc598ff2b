/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program that uses the C library, as nearly all do. */
#include "lab/subject.h"

int main(void)
{
	say_address("puts", (void *)puts);
	say_address("stdout", stdout);
	say_address("main", (void *)main);
	say_address("errno", &(int){0});
	step_done();
	return 0;
}
