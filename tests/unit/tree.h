// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Directory trees for tests: the files of /proc and /sys of a real machine, kept in one text file
 * each (tests/fixtures/capture writes it), are unpacked below a temporary directory.
 */
#ifndef PHYSLENS_TESTS_TREE_H
#define PHYSLENS_TESTS_TREE_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tree {
	char path[64];
	int fd; /* of its root directory */
};

static inline void tree_init(struct tree *tree)
{
	strcpy(tree->path, "/tmp/physlens-tree-XXXXXX");
	if (!mkdtemp(tree->path))
		abort();
	tree->fd = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static inline int tree_remove_one(const char *path, const struct stat *status, int type,
				  struct FTW *where)
{
	(void)status, (void)type, (void)where;
	return remove(path);
}

static inline void tree_deinit(struct tree *tree)
{
	close(tree->fd);
	nftw(tree->path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Opens a file of the tree for writing; the directories above it are made. */
static inline FILE *tree_open(const struct tree *tree, const char *path)
{
	char copy[4096];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdirat(tree->fd, copy, 0755);
		*slash = '/';
	}
	int fd = openat(tree->fd, copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file)
		abort();
	return file;
}

static inline void tree_write(const struct tree *tree, const char *path, const char *content)
{
	FILE *file = tree_open(tree, path);

	fputs(content, file);
	fclose(file);
}

/* Removes a file of the tree, or a directory with all that is in it. */
static inline void tree_remove(const struct tree *tree, const char *path)
{
	char whole[600];

	snprintf(whole, sizeof(whole), "%s/%s", tree->path, path);
	nftw(whole, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* "==> PATH <==": the path, cut out of the line; NULL for any other line. */
static inline const char *tree_heading(char *line)
{
	char *end = strstr(line, " <==\n");

	if (strncmp(line, "==> ", 4) != 0 || !end)
		return NULL;
	*end = '\0';
	return line + 4;
}

/* Unpacks tests/fixtures/NAME; `srcdir` comes from automake. */
static inline void tree_unpack(struct tree *tree, const char *name)
{
	const char *srcdir = getenv("srcdir");
	char line[4096];
	FILE *out = NULL;

	tree_init(tree);
	snprintf(line, sizeof(line), "%s/tests/fixtures/%s", srcdir ? srcdir : ".", name);
	FILE *in = fopen(line, "r");
	if (!in) {
		perror(line);
		abort();
	}
	while (fgets(line, sizeof(line), in)) {
		const char *path = tree_heading(line);

		if (path && out)
			fclose(out);
		if (path)
			out = tree_open(tree, path);
		else if (out)
			fputs(line, out);
	}
	if (out)
		fclose(out);
	fclose(in);
}

#endif
