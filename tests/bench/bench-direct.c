// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-direct LIST: reads each file that LIST names (a path a line) from its beginning to its end,
 * once, with O_DIRECT and in pieces of 128 KiB, as cat would: the floor for `physlens verify`. What
 * cannot be opened so is passed over. Prints the number of files and bytes.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 128 << 10 };

static long long read_whole(const char *path, void *buffer)
{
	long long bytes = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	while ((got = read(fd, buffer, PIECE)) > 0)
		bytes += got;
	close(fd);
	return bytes;
}

int main(int argc, char **argv)
{
	char path[4096];
	long long files = 0, bytes = 0;
	void *buffer = aligned_alloc(4096, PIECE);
	FILE *list = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (!list || !buffer) {
		fprintf(stderr, "usage: bench-direct LIST\n");
		return 2;
	}
	while (fgets(path, sizeof(path), list)) {
		path[strcspn(path, "\n")] = '\0';
		long long one = read_whole(path, buffer);

		files += one >= 0;
		bytes += one > 0 ? one : 0;
	}
	fclose(list);
	free(buffer);
	printf("%lld files, %lld bytes\n", files, bytes);
	return 0;
}
