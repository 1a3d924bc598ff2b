// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_X FILE|DIRECTORY…: gives each file to the harness, in memory of its very size, so that
 * sanitizers see a byte too far. Prints how many there were. In builds without --enable-fuzz.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "fuzz.h"

static int replay_file(const char *path, unsigned *count)
{
	FILE *file = fopen(path, "r");
	struct stat st;

	if (!file || fstat(fileno(file), &st) < 0) {
		perror(path);
		return 1;
	}
	size_t size = (size_t)st.st_size;
	uint8_t *data = malloc(size ? size : 1);
	int bad = !data || fread(data, 1, size, file) != size;

	fclose(file);
	if (bad) {
		perror(path);
	} else {
		/* Where it ends, standard error has said which one it was. */
		fprintf(stderr, "%s\n", path);
		LLVMFuzzerTestOneInput(data, size);
		++*count;
	}
	free(data);
	return bad;
}

static int replay_directory(DIR *dir, const char *path, unsigned *count)
{
	const struct dirent *entry;
	int bad = 0;

	while (!bad && (entry = readdir(dir))) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		bad = replay_file(name, count);
	}
	return bad;
}

int main(int argc, char **argv)
{
	unsigned count = 0;
	int bad = 0;

	for (int i = 1; i < argc && !bad; i++) {
		DIR *dir = opendir(argv[i]);

		bad = dir ? replay_directory(dir, argv[i], &count) : replay_file(argv[i], &count);
		if (dir)
			closedir(dir);
	}
	printf("%u inputs\n", count);
	return bad;
}
