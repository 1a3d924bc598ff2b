// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/vec.h"

enum { READ_CHUNK = 1 << 16 };

int pread_full(int fd, void *buffer, size_t length, uint64_t offset, size_t *got)
{
	*got = 0;
	while (*got < length) {
		ssize_t n = pread(fd, (char *)buffer + *got, length - *got, (off_t)(offset + *got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return 0;
}

struct error *read_all(int fd, const char *name, size_t limit, char **text, size_t *length)
{
	_cleanup_free_ void *buffer = NULL;
	size_t capacity = 0, used = 0;

	for (;;) {
		/* One byte is always kept free for the terminating NUL. */
		TRY(vec_grow(&buffer, &capacity, used + READ_CHUNK + 1, 1));
		ssize_t n = read(fd, (char *)buffer + used, capacity - used - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(errno, "%s", name);
		if (n == 0)
			break;
		used += (size_t)n;
		if (used > limit)
			return error_new(ERROR_INPUT, "%s: larger than %zu bytes", name, limit);
	}
	((char *)buffer)[used] = '\0';
	*text = scope_take(buffer, NULL);
	if (length)
		*length = used;
	return NULL;
}

struct error *read_file_at(int dirfd, const char *path, size_t limit, char **text, size_t *length)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return error_errno(errno, "%s", path);
	return read_all(fd, path, limit, text, length);
}

struct error *read_number_at(int dirfd, const char *path, uint64_t *value)
{
	_cleanup_free_ char *text = NULL;

	TRY(read_file_at(dirfd, path, 4096, &text, NULL));
	char *start = text + strspn(text, " \t\n");
	start[strcspn(start, " \t\n")] = '\0';
	if (!parse_decimal(start, value))
		return error_new(ERROR_INPUT, "%s: not a number: %s", path, start);
	return NULL;
}

struct error *next_entry(DIR *dir, const char *name, struct dirent **entry)
{
	errno = 0;
	*entry = readdir(dir);
	return !*entry && errno ? error_errno(errno, "%s", name) : NULL;
}

/* strtoull() accepts signs and leading space, so the first character is checked before it. */
static bool parse_number(const char *text, int base, uint64_t *value)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	char *end;

	if (!*text || strspn(text, digits) != strlen(text))
		return false;
	errno = 0;
	unsigned long long number = strtoull(text, &end, base);
	if (errno || *end)
		return false;
	*value = number;
	return true;
}

bool parse_decimal(const char *text, uint64_t *value)
{
	return parse_number(text, 10, value);
}

bool parse_hex(const char *text, uint64_t *value)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	return parse_number(text, 16, value);
}
