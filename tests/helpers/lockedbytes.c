// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lockedbytes FILE: the file's bytes in anonymous memory that is locked, so that
 * a test can look for them at a physical address. Prints "address 0x…" and
 * "length …", then "ready PID", and holds them until its standard input ends or
 * a SIGTERM comes. Pages are small: a huge one is compacted into other frames.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "helper.h"

static void load(int fd, char *p, size_t len)
{
	size_t done = 0;
	ssize_t got;

	while (done < len) {
		got = read(fd, p + done, len - done);
		if (got <= 0)
			helper_die("read");
		done += (size_t)got;
	}
}

int main(int argc, char **argv)
{
	struct stat st;
	size_t len;
	char *p;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: lockedbytes FILE\n");
		return 2;
	}
	helper_init();
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		helper_die(argv[1]);
	len = (size_t)st.st_size;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		helper_die("mmap");
	(void)madvise(p, len, MADV_NOHUGEPAGE);
	load(fd, p, len);
	if (mlock(p, len) != 0)
		helper_die("mlock");
	printf("address 0x%lx\nlength %zu\n", (unsigned long)p, len);
	helper_ready();
	helper_wait();
	return 0;
}
