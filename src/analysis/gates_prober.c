// SPDX-License-Identifier: GPL-2.0-or-later
/* What the probes stand on: who we are, pages of our own, and the words of a remedy. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "analysis/gates_internal.h"
#include "base/io.h"
#include "base/scope.h"
#include "proc/process.h"

static const char *const capability_names[] = {
	[CAP_DAC_READ_SEARCH] = "cap_dac_read_search",
	[CAP_SYS_RAWIO] = "cap_sys_rawio",
	[CAP_SYS_PTRACE] = "cap_sys_ptrace",
	[CAP_SYS_ADMIN] = "cap_sys_admin",
	[CAP_SYSLOG] = "cap_syslog",
	[CAP_PERFMON] = "cap_perfmon",
	[CAP_BPF] = "cap_bpf",
	[CAP_CHECKPOINT_RESTORE] = "cap_checkpoint_restore",
};

#define CAPABILITY_COUNT (sizeof(capability_names) / sizeof(capability_names[0]))

/* Those of the bits that have a name above, separated by commas. */
static struct error *name_capabilities(uint64_t capabilities, char **names)
{
	char buffer[256] = "";

	for (size_t i = 0; i < CAPABILITY_COUNT; i++) {
		size_t used = strlen(buffer);

		if (capability_names[i] && capabilities & CAP_MASK(i))
			snprintf(buffer + used, sizeof(buffer) - used, "%s%s", used ? "," : "",
				 capability_names[i]);
	}
	*names = strdup(buffer);
	return *names ? NULL : error_nomem();
}

struct error *setcap_command(uint64_t capabilities, const char *program, char **command)
{
	_cleanup_free_ char *names = NULL;

	*command = NULL;
	TRY(name_capabilities(capabilities, &names));
	return asprintf(command, "setcap %s+ep %s", names, program) < 0 ? error_nomem() : NULL;
}

/* "CapEff:	000001fffeffffff" of /proc/self/status; none when it is not to be had. */
static struct error *load_capabilities(struct prober *prober)
{
	_cleanup_free_ char *text = NULL;
	static const char label[] = "\nCapEff:";
	struct error *error = read_file_at(prober->root, "proc/self/status", 1 << 20, &text, NULL);

	if (error) {
		error_free(error);
		return NULL;
	}
	char *word = strstr(text, label);
	if (!word)
		return error_new(ERROR_INPUT, "proc/self/status: no CapEff");
	word += sizeof(label) - 1;
	word += strspn(word, " \t");
	word[strcspn(word, "\n")] = '\0';
	if (!parse_hex(word, &prober->capabilities))
		return error_new(ERROR_INPUT, "proc/self/status: CapEff: not a set: %s", word);
	return NULL;
}

/* The initial namespace maps everybody: "         0          0 4294967295". */
static void load_user_namespace(struct prober *prober)
{
	_cleanup_free_ char *text = NULL;
	unsigned inside, outside, count;
	struct error *error = read_file_at(prober->root, "proc/self/uid_map", 1 << 16, &text, NULL);

	prober->user_namespace =
		!error && (sscanf(text, "%u %u %u", &inside, &outside, &count) != 3 || inside ||
			   outside || count != UINT_MAX);
	error_free(error);
}

static struct error *load_program(struct prober *prober)
{
	char path[PATH_MAX];
	ssize_t length = readlinkat(prober->root, "proc/self/exe", path, sizeof(path) - 1);

	path[length > 0 ? length : 0] = '\0';
	prober->program = strdup(length > 0 ? path : "physlens");
	return prober->program ? NULL : error_nomem();
}

int prober_open_own(const struct prober *prober, const char *path, int flags, int *errnum)
{
	int fd = process_open_own(prober->root, path, flags);

	*errnum = fd < 0 ? errno : 0;
	return fd;
}

int prober_open(const struct prober *prober, const char *path, int *errnum)
{
	int fd = openat(prober->root, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	*errnum = fd < 0 ? errno : 0;
	return fd;
}

static struct error *make_pages(struct prober *prober)
{
	void *pages = mmap(NULL, 2 * prober->page_size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		return error_errno(errno, "two pages of memory");
	prober->page = pages;
	/* No huge page here: the second page is to stay untouched. */
	madvise(pages, 2 * prober->page_size, MADV_NOHUGEPAGE);
	memset(pages, 0x5a, prober->page_size);
	return NULL;
}

struct error *prober_init(struct prober *prober, int root)
{
	int ignored;

	*prober = (struct prober){
		.root = root,
		.root_user = geteuid() == 0,
		.page_size = (size_t)sysconf(_SC_PAGESIZE),
		.pagemap = -1,
		.kpageflags = -1,
		.kpagecount = -1,
	};
	prober->page_shift = (unsigned)__builtin_ctzl(prober->page_size);
	TRY(load_program(prober));
	TRY(load_capabilities(prober));
	load_user_namespace(prober);
	TRY(make_pages(prober));
	prober->pagemap =
		prober_open_own(prober, "proc/self/pagemap", O_RDONLY, &prober->pagemap_errno);
	prober->kpageflags = prober_open(prober, "proc/kpageflags", &ignored);
	prober->kpagecount = prober_open(prober, "proc/kpagecount", &ignored);
	return NULL;
}

void prober_deinit(struct prober *prober)
{
	if (prober->page)
		munmap(prober->page, 2 * prober->page_size);
	prober->page = NULL;
	scope_closep(&prober->pagemap);
	scope_closep(&prober->kpageflags);
	scope_closep(&prober->kpagecount);
	free(prober->program);
	prober->program = NULL;
}

bool prober_has(const struct prober *prober, uint64_t capabilities)
{
	return !prober->user_namespace && (prober->capabilities & capabilities) == capabilities;
}

void gate_is(struct gate *gate, enum gate_grade grade, const char *state)
{
	gate->grade = grade;
	gate->state = state;
}

static struct error *__attribute__((format(printf, 2, 0)))
set_text(char **text, const char *format, va_list args)
{
	free(*text);
	if (vasprintf(text, format, args) >= 0)
		return NULL;
	*text = NULL;
	return error_nomem();
}

struct error *gate_remedy(struct gate *gate, const char *format, ...)
{
	va_list args;

	gate->by_capability = false;
	va_start(args, format);
	struct error *error = set_text(&gate->remedy, format, args);
	va_end(args);
	return error;
}

struct error *gate_detail(struct gate *gate, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct error *error = set_text(&gate->detail, format, args);
	va_end(args);
	return error;
}

struct error *gate_wants(const struct prober *prober, struct gate *gate, uint64_t capabilities)
{
	_cleanup_free_ char *names = NULL, *command = NULL;
	uint64_t missing = capabilities & ~prober->capabilities;

	if (prober->user_namespace)
		return gate_remedy(gate, "run on the host: in this user namespace (a container's) "
					 "no capability reaches the machine");
	if (!missing)
		return gate_remedy(gate, "have the security module or seccomp filter that "
					 "refuses it allow it: the capability is there");
	gate->capabilities |= missing;
	TRY(name_capabilities(missing, &names));
	if (prober->root_user)
		return gate_remedy(gate,
				   "give this root the capability %s (a container: "
				   "--cap-add)",
				   names);
	TRY(setcap_command(missing, prober->program, &command));
	TRY(gate_remedy(gate, "run as root, or: %s", command));
	gate->by_capability = true;
	return NULL;
}

struct error *gate_locked_down(const struct prober *prober, struct gate *gate, enum lockdown level,
			       uint64_t capabilities)
{
	gate_is(gate, GATE_CLOSED, "lockdown");
	return gate_remedy(gate, "boot with lockdown=%s and Secure Boot off%s",
			   level == LOCKDOWN_CONFIDENTIALITY ? "integrity" : "none",
			   prober_has(prober, capabilities) ? "" : ", then run as root");
}

bool own_entry(const struct prober *prober, const void *address, uint64_t *entry)
{
	size_t got;
	uint64_t offset = ((uint64_t)(uintptr_t)address >> prober->page_shift) * sizeof(*entry);

	return prober->pagemap >= 0 &&
	       pread_full(prober->pagemap, entry, sizeof(*entry), offset, &got) == 0 &&
	       got == sizeof(*entry);
}

bool frame_word(int fd, uint64_t pfn, uint64_t *word)
{
	size_t got;

	return fd >= 0 && pread_full(fd, word, sizeof(*word), pfn * sizeof(*word), &got) == 0 &&
	       got == sizeof(*word);
}
