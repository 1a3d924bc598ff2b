// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Preloaded into a program, it has one call of the C library fail, or be interrupted, or come
 *short.
 *
 *	FAULTS=MODE	which calls, and how they fail: see `modes`
 *	FAULTS_AT=N	the N-th of them in this process, from 1 on; 0: none; all: every second one,
 *			or with `short` every one
 *	FAULTS_LOG=FILE	what is found out is appended to it, a line each:
 *
 *	failed pread 3 4096 physlens+0x1234 …	the N-th call: what it was, where it was made from
 *	at 17 malloc 5e1c…			with FAULTS_AT=0: the 17th call, and a hash of the
 *						FAULTS_DEPTH innermost callers, so that each way to
 *						a call can be tried once
 *	end 1234 2 3				at the exit: calls, blocks of memory left,
 *descriptors
 *
 * Programs that it executes are left alone. What the C library does within itself is not seen,
 *memory aside: hence fopen(), getdelim(), fwrite() and the like have faults of their own.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the library's own functions for memory are called there: dlsym() itself needs memory. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

enum group {
	MEMORY = 1,
	MAPS = 2,
	OPENS = 4,
	READS = 8,
	ASKS = 16,
	WRITES = 32,
	WAITS = 64,
	TASKS = 128,
	CALLS = 256,
	PRINTS = 512,
	LISTS = 1024, /* read, but never interrupted */
};

struct mode {
	const char *name;
	unsigned groups;
	int errnum; /* 0: what was asked for comes in part */
};

static const struct mode modes[] = {
	{"memory", MEMORY | MAPS, ENOMEM},
	{"descriptors", OPENS, EMFILE},
	{"io", READS | LISTS | ASKS | WRITES | PRINTS, EIO},
	{"denied", READS | LISTS | MAPS | CALLS, EPERM},
	{"again", READS | WRITES | MAPS | TASKS | CALLS, EAGAIN},
	{"interrupted", OPENS | READS | WRITES | WAITS, EINTR},
	{"short", READS | WRITES, 0},
};

enum { STACK = 24, CALLERS_MAX = 16, PLACES = 1 << 16, LINE = 2048 };

struct place {
	const char *what;
	uint64_t hash;
};

static const struct mode *mode;
static long wanted; /* -1: all */
static int depth = 4;
static const char *log_path;
static atomic_bool armed;
static atomic_long calls, blocks;
static struct place places[PLACES];
static __thread bool inside;  /* what finds out where a call came from, allocates */
static __thread bool loading; /* a library, which stays: what that takes is nobody's leak */

/* The next definition behind this one, looked up when it is first called. */
#define REAL(name)                                                                                 \
	__extension__({                                                                            \
		static __typeof__(name) *real_;                                                    \
		if (!real_) {                                                                      \
			bool before_ = inside;                                                     \
			inside = true;                                                             \
			void *symbol_ = dlsym(RTLD_NEXT, #name);                                   \
			inside = before_;                                                          \
			memcpy(&real_, &symbol_, sizeof(real_));                                   \
		}                                                                                  \
		real_;                                                                             \
	})

/* --- what is said ------------------------------------------------------------------------------
 */

/* No descriptor is kept, and no buffer: the program may fork, or end at any time. */
static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	char line[LINE];
	va_list args;

	va_start(args, format);
	int length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (length >= LINE)
		length = LINE - 1;
	long fd = syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
			  0600);
	if (fd < 0)
		return;
	(void)syscall(SYS_write, fd, line, (size_t)length);
	(void)syscall(SYS_close, fd);
}

static void say_failed(const char *what, long first, long second)
{
	void *callers[STACK];
	char text[LINE - 256];
	size_t used = 0;
	int count = backtrace(callers, STACK);

	text[0] = '\0';
	for (int i = 2; i < count && used < sizeof(text) - 1; i++) {
		Dl_info info;
		const char *file = "?";
		uintptr_t base = 0;

		if (dladdr(callers[i], &info) && info.dli_fname) {
			file = strrchr(info.dli_fname, '/');
			file = file ? file + 1 : info.dli_fname;
			base = (uintptr_t)info.dli_fbase;
		}
		int n = snprintf(text + used, sizeof(text) - used, " %s+0x%lx", file,
				 (unsigned long)((uintptr_t)callers[i] - base));
		used += n > 0 ? (size_t)n : 0;
	}
	say("failed %s %ld %ld%s\n", what, first, second, text);
}

/* --- which call fails ---------------------------------------------------------------------------
 */

static uint64_t hash_of_callers(void)
{
	void *callers[CALLERS_MAX + 3];
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	int count = backtrace(callers, depth + 3);

	for (int i = 3; i < count; i++)
		hash = (hash ^ (uintptr_t)callers[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* Whether this call, one of `group`, is to fail: errno is set then. */
static bool fails(const char *what, enum group group, long first, long second)
{
	if (!atomic_load(&armed) || inside || !(mode->groups & group))
		return false;
	long n = atomic_fetch_add(&calls, 1) + 1;
	bool hit = wanted < 0 ? mode->errnum == 0 || n % 2 == 1 : n == wanted;

	if (hit || (wanted == 0 && n < PLACES)) {
		inside = true;
		if (wanted == 0)
			places[n] = (struct place){.what = what, .hash = hash_of_callers()};
		else if (wanted > 0)
			say_failed(what, first, second);
		inside = false;
	}
	if (!hit)
		return false;
	errno = mode->errnum;
	return true;
}

/* How much of `length` is given where it is to come short: half, of entries of eight bytes whole
 * ones. */
static size_t shorten(const char *what, enum group group, int fd, size_t length)
{
	if (mode->errnum || length < 2 || !fails(what, group, fd, (long)length))
		return length;
	return length >= 16 ? length / 2 / 8 * 8 : length / 2;
}

/* The same in one: whether it fails, or else how much it may do. */
static bool stops(const char *what, enum group group, int fd, size_t *length)
{
	if (!atomic_load(&armed) || inside)
		return false;
	if (mode->errnum)
		return fails(what, group, fd, (long)*length);
	*length = shorten(what, group, fd, *length);
	return false;
}

/* --- beginning and end --------------------------------------------------------------------------
 */

static const struct mode *find_mode(const char *name)
{
	for (size_t i = 0; name && i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	}
	return NULL;
}

__attribute__((constructor)) static void begin(void)
{
	const char *at = getenv("FAULTS_AT"), *levels = getenv("FAULTS_DEPTH");
	void *callers[2];

	log_path = getenv("FAULTS_LOG");
	mode = find_mode(getenv("FAULTS"));
	unsetenv("LD_PRELOAD");
	if (!mode || !at || !log_path)
		return;
	wanted = strcmp(at, "all") == 0 ? -1 : strtol(at, NULL, 10);
	if (levels)
		depth = (int)strtol(levels, NULL, 10);
	if (depth < 1 || depth > CALLERS_MAX)
		depth = CALLERS_MAX;
	(void)backtrace(callers, 2); /* loads what it needs */
	atomic_store(&armed, true);
}

static long count_descriptors(void)
{
	long count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += syscall(SYS_fcntl, fd, F_GETFD) >= 0;
	return count;
}

__attribute__((destructor)) static void end(void)
{
	if (!atomic_exchange(&armed, false))
		return;
	long n = atomic_load(&calls), left = atomic_load(&blocks);

	for (long i = 1; wanted == 0 && i <= n && i < PLACES; i++)
		say("at %ld %s %llx\n", i, places[i].what, (unsigned long long)places[i].hash);
	say("end %ld %ld %ld\n", n, left, count_descriptors());
}

/* --- memory
 * --------------------------------------------------------------------------------------- */

static void *given(void *block)
{
	if (block && atomic_load(&armed) && !inside && !loading)
		atomic_fetch_add(&blocks, 1);
	return block;
}

void *malloc(size_t size)
{
	return fails("malloc", MEMORY, (long)size, 0) ? NULL : given(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return fails("calloc", MEMORY, (long)count, (long)size) ? NULL
								: given(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
	if (fails("realloc", MEMORY, (long)size, 0))
		return NULL;
	void *moved = __libc_realloc(block, size);
	return block ? moved : given(moved);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails("aligned_alloc", MEMORY, (long)size, 0)
		       ? NULL
		       : given(__libc_memalign(alignment, size));
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
	*block = aligned_alloc(alignment, size);
	return *block ? 0 : ENOMEM;
}

void free(void *block)
{
	int errnum = errno;

	if (block && atomic_load(&armed) && !inside && !loading)
		atomic_fetch_sub(&blocks, 1);
	__libc_free(block);
	errno = errnum;
}

/* glibc 2.36 itself ends by a signal where it has no memory for its list of databases
 * (nss/nss_database.c): nothing fails in there. */
struct passwd *getpwuid(uid_t uid)
{
	bool before = inside;

	inside = true;
	struct passwd *entry = REAL(getpwuid)(uid);
	inside = before;
	return entry;
}

void *dlopen(const char *name, int flags)
{
	loading = true;
	void *library = REAL(dlopen)(name, flags);

	loading = false;
	return library;
}

/* --- calls that are made, or fail
 * ------------------------------------------------------------------ */

/* `what` is told of the call, a descriptor or a number; the rest are its arguments. */
#define FAILING(type, name, group, failed, parameters, what, ...)                                  \
	type name parameters                                                                       \
	{                                                                                          \
		if (fails(#name, group, (long)(what), 0))                                          \
			return failed;                                                             \
		return REAL(name)(__VA_ARGS__);                                                    \
	}

FAILING(void *, mmap, MAPS, (void *)-1, (void *at, size_t n, int prot, int how, int fd, off_t from),
	n, at, n, prot, how, fd, from)
FAILING(int, mprotect, MAPS, -1, (void *at, size_t n, int prot), n, at, n, prot)
FAILING(int, madvise, MAPS, -1, (void *at, size_t n, int advice), advice, at, n, advice)
FAILING(int, mlock, MAPS, -1, (const void *at, size_t n), n, at, n)
FAILING(int, mlockall, MAPS, -1, (int how), how, how)

FAILING(FILE *, fopen, OPENS, NULL, (const char *path, const char *how), 0, path, how)
FAILING(FILE *, fdopen, MEMORY, NULL, (int fd, const char *how), fd, fd, how)
FAILING(DIR *, opendir, OPENS, NULL, (const char *path), 0, path)
FAILING(DIR *, fdopendir, MEMORY, NULL, (int fd), fd, fd)
FAILING(int, pipe, OPENS, -1, (int fds[2]), 0, fds)
FAILING(int, pipe2, OPENS, -1, (int fds[2], int how), 0, fds, how)
FAILING(int, dup2, OPENS, -1, (int from, int to), from, from, to)
FAILING(int, memfd_create, OPENS, -1, (const char *name, unsigned how), 0, name, how)

FAILING(struct dirent *, readdir, LISTS, NULL, (DIR * dir), 0, dir)
FAILING(int, stat, ASKS, -1, (const char *path, struct stat *s), 0, path, s)
FAILING(int, fstat, ASKS, -1, (int fd, struct stat *s), fd, fd, s)
FAILING(int, fstatat, ASKS, -1, (int fd, const char *path, struct stat *s, int how), fd, fd, path,
	s, how)
FAILING(int, fstatfs, ASKS, -1, (int fd, struct statfs *s), fd, fd, s)
FAILING(ssize_t, readlink, ASKS, -1, (const char *path, char *to, size_t n), 0, path, to, n)
FAILING(ssize_t, readlinkat, ASKS, -1, (int fd, const char *path, char *to, size_t n), fd, fd, path,
	to, n)
FAILING(int, access, ASKS, -1, (const char *path, int how), how, path, how)
FAILING(int, faccessat, ASKS, -1, (int fd, const char *path, int how, int flags), fd, fd, path, how,
	flags)

FAILING(int, ftruncate, WRITES, -1, (int fd, off_t n), fd, fd, n)
FAILING(pid_t, fork, TASKS, -1, (void), 0)
FAILING(pid_t, waitpid, WAITS, -1, (pid_t pid, int *status, int how), pid, pid, status, how)
FAILING(int, waitid, WAITS, -1, (idtype_t kind, id_t id, siginfo_t *info, int how), id, kind, id,
	info, how)
FAILING(int, poll, WAITS, -1, (struct pollfd * fds, nfds_t n, int ms), n, fds, n, ms)

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
		   void *argument)
{
	if (fails("pthread_create", TASKS, 0, 0))
		return errno;
	return REAL(pthread_create)(thread, attributes, run, argument);
}

/* --- calls with arguments that may be there
 * ----------------------------------------------------------- */

#define OPENING(name, parameters, fd, ...)                                                         \
	int name parameters                                                                        \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, how);                                                               \
		mode_t bits = how & O_CREAT || (how & O_TMPFILE) == O_TMPFILE                      \
				      ? va_arg(args, mode_t)                                       \
				      : 0;                                                         \
		va_end(args);                                                                      \
		return fails(#name, OPENS, fd, how) ? -1 : REAL(name)(__VA_ARGS__, bits);          \
	}

OPENING(open, (const char *path, int how, ...), 0, path, how)
OPENING(open64, (const char *path, int how, ...), 0, path, how)
OPENING(openat, (int fd, const char *path, int how, ...), fd, fd, path, how)
OPENING(openat64, (int fd, const char *path, int how, ...), fd, fd, path, how)

/* A call with up to six arguments of the size of a register: whatever was not given is not looked
 * at. */
#define PASSING(type, name, group, first_type)                                                     \
	type name(first_type first, ...)                                                           \
	{                                                                                          \
		long rest[6];                                                                      \
		va_list args;                                                                      \
		va_start(args, first);                                                             \
		for (int i = 0; i < 6; i++)                                                        \
			rest[i] = va_arg(args, long);                                              \
		va_end(args);                                                                      \
		if (fails(#name, group, (long)first, rest[0]))                                     \
			return -1;                                                                 \
		return REAL(name)(first, rest[0], rest[1], rest[2], rest[3], rest[4], rest[5]);    \
	}

PASSING(long, syscall, CALLS, long)
PASSING(int, prctl, CALLS, int)

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;

	va_start(args, request);
	void *argument = va_arg(args, void *);
	va_end(args);
	return fails("ioctl", LISTS, fd, (long)request) ? -1 : REAL(ioctl)(fd, request, argument);
}

/*
 * As its header has it for C, whose first parameter is an enum of that name. To seize may be
 * refused; of one that is held nothing else is.
 */
long ptrace(enum __ptrace_request request, ...)
{
	va_list args;

	va_start(args, request);
	pid_t pid = va_arg(args, pid_t);
	void *at = va_arg(args, void *);
	void *data = va_arg(args, void *);
	va_end(args);
	return request == PTRACE_SEIZE && fails("ptrace", CALLS, (long)request, pid)
		       ? -1
		       : REAL(ptrace)(request, pid, at, data);
}

/* --- calls that may come short
 * --------------------------------------------------------------------------- */

ssize_t read(int fd, void *to, size_t n)
{
	return stops("read", READS, fd, &n) ? -1 : REAL(read)(fd, to, n);
}

ssize_t pread(int fd, void *to, size_t n, off_t from)
{
	return stops("pread", READS, fd, &n) ? -1 : REAL(pread)(fd, to, n, from);
}

ssize_t pread64(int fd, void *to, size_t n, off64_t from)
{
	return stops("pread", READS, fd, &n) ? -1 : REAL(pread64)(fd, to, n, from);
}

/* Past the cache it comes short by whole blocks alone. */
ssize_t preadv2(int fd, const struct iovec *vectors, int count, off_t from, int how)
{
	size_t n = vectors->iov_len;

	if (stops("preadv2", READS, fd, &n))
		return -1;
	if (count != 1 || n == vectors->iov_len || n < 8192)
		return REAL(preadv2)(fd, vectors, count, from, how);
	struct iovec part = {vectors->iov_base, n / 4096 * 4096};
	return REAL(preadv2)(fd, &part, 1, from, how);
}

ssize_t write(int fd, const void *from, size_t n)
{
	return stops("write", WRITES, fd, &n) ? -1 : REAL(write)(fd, from, n);
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t at)
{
	return stops("pwrite", WRITES, fd, &n) ? -1 : REAL(pwrite)(fd, from, n, at);
}

/* --- streams
 * --------------------------------------------------------------------------------------------- */

/* What a stream of the library remembers of a failure, ferror(): as its header has it. */
static void set_error(FILE *stream)
{
	stream->_flags |= 0x20;
}

static bool stream_fails(const char *what, enum group group, FILE *stream)
{
	if (!fails(what, group, 0, 0))
		return false;
	set_error(stream);
	return true;
}

ssize_t __getdelim(char **line, size_t *size, int end_byte, FILE *stream);
ssize_t __getdelim(char **line, size_t *size, int end_byte, FILE *stream)
{
	return stream_fails("getdelim", LISTS, stream)
		       ? -1
		       : REAL(__getdelim)(line, size, end_byte, stream);
}

char *fgets(char *to, int n, FILE *stream)
{
	return stream_fails("fgets", LISTS, stream) ? NULL : REAL(fgets)(to, n, stream);
}

size_t fwrite(const void *from, size_t size, size_t count, FILE *stream)
{
	return stream_fails("fwrite", PRINTS, stream) ? 0 : REAL(fwrite)(from, size, count, stream);
}

int fputs(const char *text, FILE *stream)
{
	return stream_fails("fputs", PRINTS, stream) ? EOF : REAL(fputs)(text, stream);
}

int fflush(FILE *stream)
{
	return stream_fails("fflush", PRINTS, stream) ? EOF : REAL(fflush)(stream);
}

/* The stream is closed all the same. */
int fclose(FILE *stream)
{
	bool failed = fails("fclose", PRINTS, 0, 0);
	int errnum = errno, result = REAL(fclose)(stream);

	if (!failed)
		return result;
	errno = errnum;
	return EOF;
}
