// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process that pretends, and waits.
 *
 * poser title TEXT    its first argument is TEXT from now on
 * poser name TEXT     its comm is
 * poser silent TEXT   its comm is, and it has no arguments
 * poser program FILE  the kernel has FILE as its program, and its own file is not mapped any more
 * poser wiped FILE    the same, and no auxv is left that says where it was started
 * poser guest FILE    the same, with code of FILE mapped, and its own in a copy of its file
 * poser move -        its code is in memory without a file, at its own place
 * poser protect -     data of its own that it has changed are read-only
 *
 * Prints "ready PID".
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "helper.h"

struct area {
	uintptr_t start, end;
	uint64_t offset;
	int prot;
};

enum { AREAS_MAX = 64 };

/* The areas of this program's own file. */
static size_t list_areas(struct area areas[AREAS_MAX])
{
	char line[PATH_MAX + 128], own[PATH_MAX] = "";
	FILE *maps = fopen("/proc/self/maps", "re");
	size_t count = 0;

	if (!maps || readlink("/proc/self/exe", own, sizeof(own) - 1) < 0)
		helper_die("maps");
	while (count < AREAS_MAX && fgets(line, sizeof(line), maps)) {
		struct area *area = &areas[count];
		char perms[5], path[PATH_MAX] = "";

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %" SCNx64 " %*s %*s %4095[^\n]",
			   &area->start, &area->end, perms, &area->offset, path) < 5 ||
		    strcmp(path, own) != 0)
			continue;
		area->prot = (perms[0] == 'r' ? PROT_READ : 0) |
			     (perms[1] == 'w' ? PROT_WRITE : 0) | (perms[2] == 'x' ? PROT_EXEC : 0);
		count++;
	}
	fclose(maps);
	return count;
}

/* The same bytes at the same place in memory without a file, or in that of `fd`. */
static void replace(const struct area *area, int fd)
{
	size_t length = area->end - area->start;
	void *copy = mmap(NULL, length, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0), fd,
			  fd < 0 ? 0 : (off_t)area->offset);

	if (copy == MAP_FAILED)
		helper_die("mmap");
	if (memcmp(copy, (const void *)area->start, length) != 0)
		memcpy(copy, (const void *)area->start, length);
	if (mprotect(copy, length, area->prot) != 0 ||
	    mremap(copy, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)area->start) ==
		    MAP_FAILED)
		helper_die("mremap");
}

/* All of it, or its code alone. */
static void leave_own_file(int copy_fd, int code_alone)
{
	struct area areas[AREAS_MAX];
	size_t count = list_areas(areas);

	for (size_t i = 0; i < count; i++) {
		if (!code_alone || areas[i].prot & PROT_EXEC)
			replace(&areas[i], copy_fd);
	}
}

static void protect(void)
{
	static struct {
		char text[1 << 16];
	} data __attribute__((aligned(1 << 12))) = {"as linked"};
	volatile char *p = data.text;

	p[0] = 'w';
	if (mprotect(&data, helper_page(), PROT_READ) != 0)
		helper_die("mprotect");
}

static int copy_own_file(void)
{
	char path[] = "/tmp/poser.XXXXXX", buffer[1 << 16];
	const char *dir = getenv("TMPDIR");
	char place[PATH_MAX];
	ssize_t got;

	snprintf(place, sizeof(place), "%s/poser.XXXXXX", dir ? dir : "/tmp");
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int fd = mkstemp(dir ? place : path);
	if (from < 0 || fd < 0)
		helper_die("copy");
	while ((got = read(from, buffer, sizeof(buffer))) > 0) {
		if (write(fd, buffer, (size_t)got) != got)
			helper_die("copy");
	}
	if (got < 0 || fsync(fd) != 0)
		helper_die("copy");
	close(from);
	return fd;
}

/* What the kernel has noted of this process's memory, in the order of /proc/self/stat. */
static struct prctl_mm_map own_map(void)
{
	char text[4096] = "";
	unsigned long long v[52] = {0};
	FILE *stat = fopen("/proc/self/stat", "re");
	char *at = stat && fgets(text, sizeof(text), stat) ? strrchr(text, ')') : NULL;

	if (!at)
		helper_die("stat");
	fclose(stat);
	at = strchr(at + 2, ' ');
	for (int i = 4; i < 52 && at; i++, at = strchr(at + 1, ' '))
		v[i] = strtoull(at, NULL, 10);
	return (struct prctl_mm_map){.start_code = v[26],
				     .end_code = v[27],
				     .start_data = v[45],
				     .end_data = v[46],
				     .start_brk = v[47],
				     .brk = (uintptr_t)sbrk(0),
				     .start_stack = v[28],
				     .arg_start = v[48],
				     .arg_end = v[49],
				     .env_start = v[50],
				     .env_end = v[51],
				     .exe_fd = (unsigned)-1};
}

/* Status 77: this kernel was built without CONFIG_CHECKPOINT_RESTORE, or we may not. */
static void set_map(const struct prctl_mm_map *map)
{
	if (prctl(PR_SET_MM, PR_SET_MM_MAP, map, sizeof(*map), 0L) != 0) {
		fprintf(stderr, "prctl: %s\n", strerror(errno));
		exit(77);
	}
}

static void be_program(const char *path, int guest, int wiped)
{
	static uint64_t auxv[2];
	int fd = open(path, O_RDONLY | O_CLOEXEC), copy_fd = guest ? copy_own_file() : -1;
	struct prctl_mm_map map = own_map();

	if (fd < 0)
		helper_die(path);
	leave_own_file(copy_fd, 0);
	map.exe_fd = (unsigned)fd;
	if (wiped) {
		map.auxv = (void *)auxv;
		map.auxv_size = sizeof(auxv);
	}
	set_map(&map);
	if (guest && mmap(NULL, helper_page(), PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
			  helper_code_offset(fd)) == MAP_FAILED)
		helper_die("mmap");
}

static void be_silent(void)
{
	struct prctl_mm_map map = own_map();

	map.arg_end = map.arg_start;
	set_map(&map);
}

static void set_title(char **argv, int argc, const char *title)
{
	char *end = argv[argc - 1] + strlen(argv[argc - 1]);
	size_t room = (size_t)(end - argv[0]);
	char *copy = strdup(title);

	if (!copy || strlen(copy) >= room)
		helper_die("title");
	memset(argv[0], 0, room);
	memcpy(argv[0], copy, strlen(copy));
	free(copy);
}

int main(int argc, char **argv)
{
	const char *how = argc == 3 ? argv[1] : "";

	helper_init();
	if (strcmp(how, "title") == 0) {
		set_title(argv, argc, argv[2]);
	} else if (strcmp(how, "name") == 0 || strcmp(how, "silent") == 0) {
		prctl(PR_SET_NAME, argv[2]);
		if (how[0] == 's')
			be_silent();
	} else if (strcmp(how, "program") == 0 || strcmp(how, "guest") == 0 ||
		   strcmp(how, "wiped") == 0) {
		be_program(argv[2], how[0] == 'g', how[0] == 'w');
	} else if (strcmp(how, "move") == 0) {
		leave_own_file(-1, 1);
	} else if (strcmp(how, "protect") == 0) {
		protect();
	} else {
		fprintf(stderr, "usage: poser title|name|silent TEXT | program|wiped|guest FILE | "
				"move|protect -\n");
		return 2;
	}
	helper_ready();
	helper_wait();
	return 0;
}
