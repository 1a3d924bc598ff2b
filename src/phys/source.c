// SPDX-License-Identifier: GPL-2.0-or-later
#include "phys/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/scope.h"
#include "phys/impl.h"

/* In the order in which "auto" tries them. */
static const struct source_ops *const sources[] = {&source_devmem, &source_kcore, &source_bpf};

#define SOURCE_COUNT (sizeof(sources) / sizeof(sources[0]))

/* No physical address has more bits on x86-64 (52) or arm64 (52): beyond it nothing is asked for.
 */
#define PHYSICAL_END (UINT64_C(1) << 52)

bool source_is_known(const char *name)
{
	if (strcmp(name, "auto") == 0 || strcmp(name, "none") == 0)
		return true;
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		if (strcmp(sources[i]->name, name) == 0)
			return true;
	}
	return false;
}

static int64_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec;
}

/* Addresses that are hidden are an error, unless the caller wants any address and answers for it.
 */
static struct error *system_ram(const struct source *source, range_vec *ram)
{
	struct iomem iomem;

	TRY(iomem_load(source->root, &iomem));
	struct error *error = NULL;
	if (iomem.state == IOMEM_VISIBLE)
		error = iomem_system_ram(&iomem, ram);
	else if (!(source->flags & SOURCE_ANY_ADDRESS))
		error = error_new(ERROR_DENIED, "/proc/iomem hides where RAM is: CAP_SYS_ADMIN is "
						"missing (run as root)");
	iomem_deinit(&iomem);
	return error;
}

static bool same_ranges(const range_vec *a, const range_vec *b)
{
	return a->count == b->count &&
	       (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof(*a->items)) == 0);
}

/*
 * Reads /proc/iomem again, since memory may have been plugged in: at most once a second, for
 * whoever asks for what is not RAM often asks for more of it. True when something changed. A file
 * that cannot be read now changes nothing.
 */
static bool refresh_ram(struct source *source)
{
	int64_t now = seconds_now();
	range_vec ram = {0};

	if (source->root < 0 || now == source->ram_read)
		return false;
	source->ram_read = now;
	struct error *error = system_ram(source, &ram);
	bool changed = !error && !same_ranges(&ram, &source->ram);
	if (changed && source->ram.items)
		error = vec_push(&source->retired, source->ram.items);
	if (error || !changed) {
		error_free(error);
		vec_deinit(&ram);
		return false;
	}
	source->ram = ram;
	return true;
}

void source_close(struct source *source)
{
	if (!source)
		return;
	source->ops->close(source);
	vec_deinit(&source->ram);
	for (size_t i = 0; i < source->retired.count; i++)
		free(source->retired.items[i]);
	vec_deinit(&source->retired);
	if (source->root >= 0)
		close(source->root);
	free(source->vmcoreinfo);
	free(source);
}

static struct error *allocate(const struct source_ops *ops, unsigned flags, struct source **source)
{
	*source = calloc(1, ops->size);
	if (!*source)
		return error_nomem();
	**source = (struct source){
		.ops = ops, .flags = flags, .root = -1, .page_size = (size_t)sysconf(_SC_PAGESIZE)};
	return NULL;
}

struct error *source_create(const struct source_ops *ops, unsigned flags, const struct range *ram,
			    size_t ram_count, struct source **result)
{
	struct source *source;

	TRY(allocate(ops, flags, &source));
	struct error *error = ops->open(source);
	for (size_t i = 0; !error && i < ram_count; i++)
		error = vec_push(&source->ram, ram[i]);
	if (error) {
		source_close(source);
		return error;
	}
	*result = source;
	return NULL;
}

/* Does the source give back a page of our own as we wrote it? Its frame may move under us. */
static struct error *prove(struct source *source, struct marker *marker)
{
	_cleanup_free_ void *buffer = malloc(marker->size);
	uint64_t paddr;
	int errnum = 0;

	if (!buffer)
		return error_nomem();
	for (int i = 0; i < MARKER_TRIES; i++) {
		TRY(marker_renew(marker, &paddr));
		errnum = source->ops->copy(source, paddr, buffer, marker->size);
		if (!errnum && memcmp(buffer, marker->page, marker->size) == 0)
			return NULL;
	}
	/* What refuses RAM (a strict /dev/mem) may still serve devices, for those who want that. */
	if (errnum == EPERM && source->ops->devices && source->flags & SOURCE_ANY_ADDRESS)
		return NULL;
	if (!errnum)
		return error_new(ERROR_UNSUPPORTED,
				 "wrong: a page of our own does not read back as we wrote it");
	const char *cause = source->ops->cause ? source->ops->cause(errnum) : NULL;
	return error_new(errnum == EPERM ? ERROR_DENIED : ERROR_UNSUPPORTED, "%s",
			 cause ? cause : strerror(errnum));
}

static struct error *open_live(struct source *source)
{
	struct marker marker;

	source->root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	source->ram_read = seconds_now();
	struct error *ram_error = system_ram(source, &source->ram);
	struct error *error = source->ops->open(source);
	if (error) {
		/* What the source itself lacks says more. */
		error_free(ram_error);
		return error;
	}
	if (ram_error)
		return ram_error;
	TRY(marker_init(&marker, source->root, source->page_size));
	error = prove(source, &marker);
	marker_deinit(&marker);
	return error;
}

static struct error *open_one(const struct source_ops *ops, unsigned flags, struct source **result)
{
	struct source *source;

	TRY(allocate(ops, flags, &source));
	struct error *error = open_live(source);
	if (error) {
		source_close(source);
		return error_context(error, "%s", ops->name);
	}
	*result = source;
	return NULL;
}

/* `reason` is added to *reasons, which stays a NULL pointer when there is no memory for it. */
static void add_reason(char **reasons, const struct error *reason)
{
	char *longer = NULL;

	if (asprintf(&longer, "%s%s%s", *reasons ? *reasons : "", *reasons ? "; " : "",
		     error_message(reason)) < 0)
		return;
	free(*reasons);
	*reasons = longer;
}

/* The first that works; an error names the reason of each that does not. */
static struct error *open_auto(unsigned flags, struct source **source)
{
	_cleanup_free_ char *reasons = NULL;
	bool denied = true;

	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		struct error *error = open_one(sources[i], flags, source);

		if (!error || error_is(error, ERROR_NOMEM))
			return error;
		denied = denied && error_is(error, ERROR_DENIED);
		add_reason(&reasons, error);
		error_free(error);
	}
	return error_new(denied ? ERROR_DENIED : ERROR_UNSUPPORTED,
			 "no source of physical memory works: %s", reasons ? reasons : "");
}

struct error *source_open(const char *name, unsigned flags, struct source **source)
{
	*source = NULL;
	if (strcmp(name, "auto") == 0)
		return open_auto(flags, source);
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		if (strcmp(sources[i]->name, name) == 0)
			return open_one(sources[i], flags, source);
	}
	if (strcmp(name, "none") == 0)
		return error_new(ERROR_UNSUPPORTED,
				 "physical memory is not to be read: --source none");
	return error_new(ERROR_INPUT,
			 "no such source of physical memory (auto, devmem, kcore, bpf, none): %s",
			 name);
}

const char *source_name(const struct source *source)
{
	return source->ops->name;
}

unsigned source_flags(const struct source *source)
{
	return source->flags;
}

const struct range *source_ram(const struct source *source, size_t *count)
{
	*count = source->ram.count;
	return source->ram.items;
}

/* The range of RAM that holds `paddr`, or an empty one. */
static struct range find_ram(const struct source *source, uint64_t paddr)
{
	size_t low = 0, high = source->ram.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct range range = source->ram.items[middle];

		if (range_contains(range, paddr))
			return range;
		if (paddr < range.start)
			high = middle;
		else
			low = middle + 1;
	}
	return (struct range){0, 0};
}

/* Until where may be read from `paddr` on: `paddr` itself when not at all. */
static uint64_t readable_until(struct source *source, uint64_t paddr)
{
	if (source->flags & SOURCE_ANY_ADDRESS)
		return paddr < PHYSICAL_END ? PHYSICAL_END : paddr;
	struct range range = find_ram(source, paddr);
	if (range_is_empty(range) && refresh_ram(source))
		range = find_ram(source, paddr);
	return range_is_empty(range) ? paddr : range.end;
}

static struct error *fault(const struct source *source, uint64_t paddr, int errnum)
{
	const char *cause = source->ops->cause ? source->ops->cause(errnum) : NULL;

	return error_fault(paddr, "0x%" PRIx64 ": %s: %s", paddr, source->ops->name,
			   cause ? cause : strerror(errnum));
}

/* The chunk failed: one page that cannot be read must not lose those before it. */
static struct error *read_pages(struct source *source, uint64_t paddr, char *buffer, size_t length,
				size_t *got)
{
	for (*got = 0; *got < length;) {
		uint64_t at = paddr + *got;
		size_t some = source->page_size - (size_t)(at % source->page_size);

		if (some > length - *got)
			some = length - *got;
		int errnum = source->ops->copy(source, at, buffer + *got, some);
		if (errnum)
			return fault(source, at, errnum);
		*got += some;
	}
	return NULL;
}

/* Within one range that may be read. */
static struct error *read_range(struct source *source, uint64_t paddr, char *buffer, size_t length,
				size_t *got)
{
	for (*got = 0; *got < length;) {
		uint64_t at = paddr + *got;
		size_t some = SOURCE_BATCH - (size_t)(at % SOURCE_BATCH), part;

		if (some > length - *got)
			some = length - *got;
		if (source->ops->copy(source, at, buffer + *got, some) == 0) {
			*got += some;
			continue;
		}
		struct error *error = read_pages(source, at, buffer + *got, some, &part);
		*got += part;
		if (error)
			return error;
	}
	return NULL;
}

static struct error *outside(uint64_t paddr)
{
	if (paddr >= PHYSICAL_END)
		return error_fault(paddr, "0x%" PRIx64 ": beyond any physical address", paddr);
	return error_fault(paddr, "0x%" PRIx64 ": not System RAM", paddr);
}

struct error *source_read(struct source *source, uint64_t paddr, void *buffer, size_t length,
			  size_t *got)
{
	for (*got = 0; *got < length;) {
		/* Cannot overflow: every byte until here was below `until`. */
		uint64_t at = paddr + *got, until = readable_until(source, at);
		size_t some = length - *got, part;

		if (until == at)
			return outside(at);
		if (until - at < some)
			some = (size_t)(until - at);
		struct error *error = read_range(source, at, (char *)buffer + *got, some, &part);
		*got += part;
		if (error)
			return error;
	}
	return NULL;
}

struct error *source_view(struct source *source, uint64_t paddr, void *buffer, size_t length,
			  const void **bytes, size_t *got)
{
	bool whole = source->ops->view && length > 0 &&
		     length <= SOURCE_BATCH - paddr % SOURCE_BATCH &&
		     readable_until(source, paddr) - paddr >= length;

	if (whole && source->ops->view(source, paddr, bytes, length) == 0) {
		*got = length;
		return NULL;
	}
	/* All that is not so simple, and what cannot be read. */
	*bytes = buffer;
	return source_read(source, paddr, buffer, length, got);
}

const char *source_fault_cause(const struct error *error)
{
	const char *message = error_message(error), *colon = strstr(message, ": ");

	return error_is(error, ERROR_FAULT) && colon ? colon + 2 : message;
}

struct error *source_kernel(struct source *source, struct source_kernel *kernel)
{
	if (!source->kernel_known) {
		struct source_kernel known = {0};

		if (source->ops->kernel)
			TRY(source->ops->kernel(source, &known));
		TRY(source_complete_kernel(source, &known));
		source->kernel = known;
		source->kernel_known = true;
	}
	*kernel = source->kernel;
	return NULL;
}

/* The physical address behind a kernel address, and until where the same rule holds. */
static bool physical_of(const struct source_kernel *kernel, uint64_t vaddr, uint64_t *paddr,
			uint64_t *until)
{
	if (vaddr >= KERNEL_IMAGE && vaddr < KERNEL_IMAGE_END && kernel->has_phys_base) {
		*paddr = vaddr - KERNEL_IMAGE + kernel->phys_base;
		*until = KERNEL_IMAGE_END;
		return true;
	}
	*paddr = vaddr - kernel->direct_map;
	*until = vaddr - *paddr + PHYSICAL_END;
	return kernel->has_direct_map && vaddr >= kernel->direct_map && *paddr < PHYSICAL_END &&
	       vaddr < KERNEL_IMAGE;
}

struct error *source_read_virtual(struct source *source, uint64_t vaddr, void *buffer,
				  size_t length, size_t *got)
{
	struct source_kernel kernel;
	uint64_t paddr, until;

	*got = 0;
	TRY(source_kernel(source, &kernel));
	if (!kernel.has_direct_map && !kernel.has_phys_base)
		return error_new(ERROR_UNSUPPORTED,
				 "%s: where the kernel maps physical memory is not known",
				 source->ops->name);
	if (!physical_of(&kernel, vaddr, &paddr, &until))
		return error_fault(vaddr,
				   "0x%" PRIx64 ": neither in the kernel's map of all memory nor "
				   "in its image",
				   vaddr);
	bool cut = length > until - vaddr;
	struct error *error =
		source_read(source, paddr, buffer, cut ? (size_t)(until - vaddr) : length, got);
	if (error && !error_is(error, ERROR_FAULT))
		return error;
	if (!error && !cut)
		return NULL;
	struct error *virtual_error =
		error_fault(vaddr + *got, "kernel address 0x%" PRIx64 "%s%s", vaddr + *got,
			    error ? ": " : ": the end of the kernel's map of memory",
			    error ? error_message(error) : "");
	error_free(error);
	return virtual_error;
}
