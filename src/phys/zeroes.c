// SPDX-License-Identifier: GPL-2.0-or-later
#include "phys/zeroes.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "arch/x86_64.h"
#include "proc/cpuinfo.h"

static int64_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec;
}

/* "KEY=ffffffff9b42a000"; 0 when it is not there. */
static uint64_t value_of(const char *vmcoreinfo, const char *key, int base)
{
	const char *value;

	return vmcoreinfo && vmcoreinfo_find(vmcoreinfo, key, &value) ? strtoull(value, NULL, base)
								      : 0;
}

static struct error *learn_table(struct zero_judge *judge, const struct source_kernel *kernel)
{
#if defined(__x86_64__)
	uint64_t root = value_of(kernel->vmcoreinfo, "SYMBOL(init_top_pgt)", 16);
	struct cpu_flags cpu = {0};

	if (!kernel->has_phys_base || !kernel->has_direct_map || root < X86_64_KERNEL_MAP)
		return NULL;
	TRY(cpu_flags_load(judge->root, &cpu));
	judge->table.format = x86_64_format(cpu.la57);
	judge->table.physical_bits = cpu.physical_bits;
	judge->table.encryption = value_of(kernel->vmcoreinfo, "NUMBER(sme_mask)", 10);
	judge->table.root = root - X86_64_KERNEL_MAP + kernel->phys_base;
	judge->direct_map = kernel->direct_map;
	judge->has_table = true;
#else
	(void)judge;
	(void)kernel;
#endif
	return NULL;
}

struct error *zero_judge_init(struct zero_judge *judge, int root,
			      const struct source_kernel *kernel, table_read read, void *argument)
{
	*judge = (struct zero_judge){
		.root = root, .table = {.read = read, .argument = argument}, .blocks_read = -1};
	return learn_table(judge, kernel);
}

void zero_judge_deinit(struct zero_judge *judge)
{
	memory_blocks_deinit(&judge->blocks);
}

/* What cannot be read now is not known now. */
static void refresh_blocks(struct zero_judge *judge)
{
	int64_t now = seconds_now();

	if (judge->blocks_read == now)
		return;
	judge->blocks_read = now;
	memory_blocks_deinit(&judge->blocks);
	error_free(memory_blocks_load(judge->root, &judge->blocks));
}

/* Whether the kernel's table maps the page; false in *known when the table cannot be read. */
static bool is_mapped(struct zero_judge *judge, uint64_t paddr, bool *known)
{
	uint64_t vaddr = judge->direct_map + paddr;
	struct page_table_walk walk;

	*known = true;
	if (range_contains(judge->mapped, paddr))
		return true;
	struct error *error = page_table_walk_to(&judge->table, vaddr, &walk);
	if (error) {
		error_free(error);
		*known = false;
		return false;
	}
	const struct page_table_step *end = page_table_walk_end(&walk);
	*known = end->entry.kind != ENTRY_BAD;
	if (end->entry.kind != ENTRY_PAGE)
		return false;
	uint64_t span = page_table_span(end->level);
	judge->mapped.start = paddr - (vaddr & (span - 1));
	judge->mapped.end = judge->mapped.start + span;
	return true;
}

void zero_judge_forget(struct zero_judge *judge)
{
	judge->mapped = (struct range){0, 0};
}

enum zeroes zero_judge_page(struct zero_judge *judge, uint64_t paddr)
{
	bool known;

	refresh_blocks(judge);
	if (memory_blocks_offline(&judge->blocks, paddr))
		return ZEROES_OFFLINE;
	if (!judge->has_table || !judge->blocks.known)
		return ZEROES_UNPROVEN;
	if (is_mapped(judge, paddr, &known))
		return ZEROES_TRUE;
	return known ? ZEROES_UNMAPPED : ZEROES_UNPROVEN;
}
