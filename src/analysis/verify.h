// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is what processes execute and read of their files what is in these files on the disk?
 *
 *	verify_create()     a source of physical memory, or NULL: then /proc/PID/mem
 *	verify_add()        for each process: what there is to compare
 *	verify_run()        compares, file by file
 *	verify_findings()   by process and address
 *
 * A page-cache frame is compared once however many processes map it. Nothing but what differs is
 * kept; memory grows with the distinct pages that are resident, up to VERIFY_PAGES_MAX.
 */
#ifndef PHYSLENS_ANALYSIS_VERIFY_H
#define PHYSLENS_ANALYSIS_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "phys/source.h"
#include "target/target.h"

enum verify_kind {
	VERIFY_PATCHED,    /* a private page, other bytes than the file */
	VERIFY_PAGE_CACHE, /* the shared frame is not what is on the disk, and not dirty */
	VERIFY_BREAKPOINT, /* a lone int3 */
	VERIFY_RELOCATED,  /* relocations of the text account for it */
	VERIFY_COPIED,     /* a private page with the bytes of the file: someone wrote */
	VERIFY_DELETED,    /* code of a file that has no name any more */
	VERIFY_REPLACED,   /* another file is at its path, of another build-id */
	VERIFY_MEMFD,      /* code of a file that never had a name */
	VERIFY_ANON_EXEC,  /* executable memory without a file */
	VERIFY_WRITABLE_EXEC,
	VERIFY_DATA_EXEC,    /* executable memory of a file that has no code there */
	VERIFY_FOREIGN_VDSO, /* a vdso unlike the others */
	VERIFY_REMAPPED,     /* a file over code of an object that has other pages there */
	VERIFY_MASQUERADE,   /* it is not what it is taken for */
	/* From here on no findings: */
	VERIFY_UNVERIFIABLE, /* it could not be compared */
	VERIFY_UNSTABLE,     /* it would not hold still until it was compared */
	VERIFY_PROTECTED,    /* data of the program's that it made read-only */
	VERIFY_MOVED,        /* its text, as in the file, in memory of its own */
	VERIFY_KIND_COUNT,
};

const char *verify_kind_name(enum verify_kind kind); /* "page-cache" */
bool verify_kind_is_finding(enum verify_kind kind);
bool verify_kind_parse(const char *name, enum verify_kind *kind);

enum { VERIFY_BYTES_SHOWN = 16 };

struct verify_finding {
	enum verify_kind kind;
	pid_t pid;
	uint32_t space;      /* the number of the process, in the order of verify_add() */
	const char *command; /* the verify's */
	uint32_t file;       /* the number of the mapped file, or UINT32_MAX */
	const char *object;  /* path, pseudo-name or NULL; the verify's */
	uint64_t vaddr;
	uint64_t length; /* bytes from the first that differs to the last; of an area, all of it */
	uint64_t pages;  /* in RAM, that it is about */
	bool has_pfn;
	uint64_t pfn;
	bool has_offset;
	uint64_t offset; /* of vaddr, in the file */
	unsigned shown;  /* bytes in before and after: at most VERIFY_BYTES_SHOWN */
	uint8_t before[VERIFY_BYTES_SHOWN];
	uint8_t after[VERIFY_BYTES_SHOWN];
	char *why; /* or NULL; the verify's, as the two that follow */
	char *region;
	char *symbol; /* "memcpy+0x12" */
	char *also;   /* "setenv, putenv": what else begins within its bytes */
};

struct verify_counts {
	uint64_t processes;
	uint64_t files;
	uint64_t frames;       /* compared, each once */
	uint64_t bytes;        /* of them */
	uint64_t unverifiable; /* pages */
	uint64_t swapped;      /* private pages that were in swap and were read back */
	uint64_t unstable;     /* pages that changed whenever they were looked at */
	uint64_t vanished;     /* pages that were gone before it was sure that they differ */
	uint64_t fallback;     /* pages that the source could not read, and /proc/PID/mem could */
	uint64_t lost;         /* findings beyond those that are kept */
};

struct verify;

/* How many pages are remembered at once; from there on large files are compared piece by piece. */
enum { VERIFY_PAGES_MAX = 640 << 10 };

/* `source` may be NULL and stays the caller's, as `target` does. */
struct error *verify_create(struct target *target, struct source *source, struct verify **verify);
void verify_destroy(struct verify *verify); /* NULL is fine */

/* Another limit than VERIFY_PAGES_MAX. */
void verify_limit(struct verify *verify, size_t pages);

/* Has what was written to files reach the disk before they are compared. */
void verify_sync(struct verify *verify);

/*
 * Errors as target_open_space()'s; ERROR_GONE when the process ended meanwhile. A finding comes
 * with ERROR_DENIED where another mount lies over the process in /proc, and cannot be looked past.
 */
struct error *verify_add(struct verify *verify, pid_t pid);

/* The number `index` of those that lie beneath a mount: the list of processes may be without them.
 * False past the last one. */
bool verify_covered(const struct verify *verify, size_t index, pid_t *pid);

/* `done` of `all` bytes. */
typedef void (*verify_progress)(void *argument, uint64_t done, uint64_t all);

struct error *verify_run(struct verify *verify, verify_progress progress, void *argument);

/* Sorted by process and address, the unverifiable ones among them. Valid until verify_destroy(). */
const struct verify_finding *verify_findings(const struct verify *verify, size_t *count);

void verify_counts(const struct verify *verify, struct verify_counts *counts);

/*
 * Files of which something does not hold together, compared all the same: the message of number
 * `index` ("PATH: section: overlaps another"), or NULL past the last one.
 */
const char *verify_remark(const struct verify *verify, size_t index);

#endif
