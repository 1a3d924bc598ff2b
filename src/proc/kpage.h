// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/kpageflags, kpagecount and kpagecgroup (fs/proc/page.c): one word a frame, indexed by PFN.
 */
#ifndef PHYSLENS_PROC_KPAGE_H
#define PHYSLENS_PROC_KPAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Bits of kpageflags (include/uapi/linux/kernel-page-flags.h) that decisions are made on. */
#define KPF_BIT_LOCKED     (UINT64_C(1) << 0)
#define KPF_BIT_DIRTY      (UINT64_C(1) << 4)
#define KPF_BIT_LRU        (UINT64_C(1) << 5)
#define KPF_BIT_SLAB       (UINT64_C(1) << 7)
#define KPF_BIT_WRITEBACK  (UINT64_C(1) << 8)
#define KPF_BIT_BUDDY      (UINT64_C(1) << 10)
#define KPF_BIT_MMAP       (UINT64_C(1) << 11)
#define KPF_BIT_ANON       (UINT64_C(1) << 12)
#define KPF_BIT_SWAPBACKED (UINT64_C(1) << 14)
#define KPF_BIT_HEAD       (UINT64_C(1) << 15)
#define KPF_BIT_TAIL       (UINT64_C(1) << 16)
#define KPF_BIT_HUGE       (UINT64_C(1) << 17)
#define KPF_BIT_HWPOISON   (UINT64_C(1) << 19)
#define KPF_BIT_NOPAGE     (UINT64_C(1) << 20)
#define KPF_BIT_KSM        (UINT64_C(1) << 21)
#define KPF_BIT_THP        (UINT64_C(1) << 22)
#define KPF_BIT_OFFLINE    (UINT64_C(1) << 23)
#define KPF_BIT_ZERO_PAGE  (UINT64_C(1) << 24)
#define KPF_BIT_PGTABLE    (UINT64_C(1) << 26)
#define KPF_BIT_RESERVED   (UINT64_C(1) << 32)
/* PageAnonExclusive, of an anonymous page: see analysis/cow.h. */
#define KPF_BIT_ANON_EXCLUSIVE (UINT64_C(1) << 34)

/*
 * The words of `count` frames, in the order of `pfns` (any order; sorted or in runs is fastest: a
 * run is one read). A frame past the end of the file gets `absent`. Returns 0 or an errno.
 */
int kpage_read(int fd, const uint64_t *pfns, size_t count, uint64_t absent, uint64_t *words);

/* The same of `count` consecutive frames from `pfn` on. */
int kpage_read_range(int fd, uint64_t pfn, size_t count, uint64_t absent, uint64_t *words);

/*
 * Names of the flags set in `flags`, comma-separated, lower case, in the order of the bits; a bit
 * without a name is "bitN". Written as snprintf() does; returns the length of the whole.
 */
size_t kpage_flags_text(uint64_t flags, char *buffer, size_t size);

#endif
