// SPDX-License-Identifier: GPL-2.0-or-later
#include "phys/impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "proc/pagemap.h"

struct error *marker_init(struct marker *marker, int root, size_t page_size)
{
	*marker = (struct marker){.size = page_size, .pagemap = -1};
	void *page =
		mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return error_errno(errno, "a page of memory");
	marker->page = page;
	/* Against swapping. Where the limit forbids it, the page is touched before each use anyway.
	 */
	(void)mlock(page, page_size);
	/* It must not leave this process: what forks shares its frame until somebody writes. */
	(void)madvise(page, page_size, MADV_DONTFORK);
	marker->pagemap = openat(root, "proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (marker->pagemap < 0) {
		struct error *error = error_errno(errno, "/proc/self/pagemap");

		marker_deinit(marker);
		return error;
	}
	return NULL;
}

void marker_deinit(struct marker *marker)
{
	if (marker->page)
		munmap(marker->page, marker->size);
	if (marker->pagemap >= 0)
		close(marker->pagemap);
	*marker = (struct marker){.pagemap = -1};
}

/* Zeroes would match too much: the bytes are random, or at least neither empty nor alike. */
static void fill(struct marker *marker)
{
	size_t done = 0;

	while (done < marker->size) {
		/* Up to 256 bytes come whole and without a signal's interruption. */
		size_t some = marker->size - done < 256 ? marker->size - done : 256;

		if (getrandom(marker->page + done, some, GRND_NONBLOCK) != (ssize_t)some)
			memset(marker->page + done, (int)(1 + done / some % 255), some);
		done += some;
	}
}

struct error *marker_renew(struct marker *marker, uint64_t *paddr)
{
	uint64_t word;
	size_t got;

	fill(marker);
	int errnum = pagemap_read(marker->pagemap, (uintptr_t)marker->page / marker->size, &word, 1,
				  &got);
	if (errnum)
		return error_errno(errnum, "/proc/self/pagemap");
	if (got != 1 || !(word & PAGEMAP_PRESENT))
		return error_new(ERROR_OTHER, "a page of our own is not present in pagemap");
	if (!(word & PAGEMAP_PFN))
		return error_new(
			ERROR_DENIED,
			"frame numbers are hidden: CAP_SYS_ADMIN is missing (run as root)");
	*paddr = (word & PAGEMAP_PFN) * marker->size;
	return NULL;
}
