// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/memory.h"

#include <stdlib.h>

#include "arch/x86_64.h"
#include "proc/cpuinfo.h"
#include "proc/kallsyms.h"

/* Where the direct map begins unless it was moved (arch/x86/include/asm/page_64_types.h). */
#define DIRECT_MAP_FOUR UINT64_C(0xffff888000000000)
#define DIRECT_MAP_FIVE UINT64_C(0xff11000000000000)

/* The image is at most this large; modules follow behind it (KERNEL_IMAGE_SIZE without KASLR). */
#define IMAGE_SIZE (UINT64_C(512) << 20)

enum { PAGE_BYTES = 4096 };

/* --- addresses ---------------------------------------------------------------------------- */

static uint64_t end_of_ram(const struct kernel_memory *memory)
{
	const struct page_table *table = &memory->table;

	return table->ram_count ? table->ram[table->ram_count - 1].end : 0;
}

static struct error *no_memory_at(uint64_t vaddr)
{
	return error_fault(vaddr, "nothing is mapped at kernel address 0x%llx",
			   (unsigned long long)vaddr);
}

/* By the kernel's page table, for modules, vmalloc and what else is mapped page by page. */
static struct error *physical_by_walk(const struct kernel_memory *memory, uint64_t vaddr,
				      uint64_t *paddr)
{
	struct page_table_walk walk;

	TRY(page_table_walk_to(&memory->table, vaddr, &walk));
	const struct page_table_step *end = page_table_walk_end(&walk);
	if (end->entry.kind != ENTRY_PAGE)
		return no_memory_at(vaddr);
	*paddr = end->entry.frame * PAGE_BYTES + (vaddr & (page_table_span(end->level) - 1));
	return NULL;
}

/* Whether all of it lies in the direct map: then it is contiguous in physical memory too. */
static bool in_direct_map(const struct kernel_memory *memory, uint64_t vaddr, size_t length)
{
	uint64_t end = end_of_ram(memory), offset = vaddr - memory->direct_map;

	return memory->has_direct_map && vaddr >= memory->direct_map && length <= end &&
	       offset <= end - length;
}

struct error *kernel_physical(const struct kernel_memory *memory, uint64_t vaddr, uint64_t *paddr)
{
	if (in_direct_map(memory, vaddr, 1)) {
		*paddr = vaddr - memory->direct_map;
		return NULL;
	}
	if (memory->known.has_phys_base && vaddr >= X86_64_KERNEL_MAP &&
	    vaddr - X86_64_KERNEL_MAP < IMAGE_SIZE) {
		*paddr = vaddr - X86_64_KERNEL_MAP + memory->known.phys_base;
		return NULL;
	}
	return memory->table.root ? physical_by_walk(memory, vaddr, paddr) : no_memory_at(vaddr);
}

/* --- reading ------------------------------------------------------------------------------ */

static struct error *read_physical(void *argument, uint64_t paddr, void *buffer, size_t length)
{
	size_t got;

	TRY(source_read(argument, paddr, buffer, length, &got));
	if (got != length)
		return error_fault(paddr + got, "physical address 0x%llx cannot be read",
				   (unsigned long long)(paddr + got));
	return NULL;
}

struct error *kernel_read(const struct kernel_memory *memory, uint64_t vaddr, void *buffer,
			  size_t length)
{
	char *to = buffer;

	if (in_direct_map(memory, vaddr, length))
		return read_physical(memory->source, vaddr - memory->direct_map, buffer, length);
	while (length > 0) {
		size_t piece = PAGE_BYTES - vaddr % PAGE_BYTES;
		uint64_t paddr;

		piece = piece < length ? piece : length;
		TRY(kernel_physical(memory, vaddr, &paddr));
		TRY(read_physical(memory->source, paddr, to, piece));
		vaddr += piece;
		to += piece;
		length -= piece;
	}
	return NULL;
}

struct error *kernel_read_pointer(const struct kernel_memory *memory, uint64_t vaddr,
				  uint64_t *pointer)
{
	return kernel_read(memory, vaddr, pointer, sizeof(*pointer));
}

/* --- learning ----------------------------------------------------------------------------- */

/* Both are hexadecimal, "SYMBOL(init_top_pgt)=ffffffff82a10000", or decimal: "NUMBER(sme_mask)=0".
 */
static uint64_t vmcoreinfo_value(const struct kernel_memory *memory, const char *key, int base)
{
	const char *value;

	return vmcoreinfo_find(memory->known.vmcoreinfo, key, &value) ? strtoull(value, NULL, base)
								      : 0;
}

/*
 * Where the direct map begins is a variable since KASLR moves it (CONFIG_RANDOMIZE_MEMORY), which
 * the source has read if kallsyms names it; else it is where it always was.
 */
static void learn_direct_map(struct kernel_memory *memory)
{
	bool five = memory->table.format == x86_64_format(true);

	memory->has_direct_map = memory->known.has_direct_map;
	memory->direct_map = memory->known.direct_map;
	if (!memory->has_direct_map && memory->known.has_phys_base) {
		memory->has_direct_map = true;
		memory->direct_map = five ? DIRECT_MAP_FIVE : DIRECT_MAP_FOUR;
	}
}

static void learn_root(struct kernel_memory *memory)
{
	uint64_t root = vmcoreinfo_value(memory, "SYMBOL(init_top_pgt)", 16);

	if (memory->known.has_phys_base && root >= X86_64_KERNEL_MAP)
		memory->table.root = root - X86_64_KERNEL_MAP + memory->known.phys_base;
}

static struct error *learn_tables(struct kernel_memory *memory, int root)
{
	struct cpu_flags cpu;

	TRY(cpu_flags_load(root, &cpu));
	memory->table = (struct page_table){.format = x86_64_format(cpu.la57),
					    .physical_bits = cpu.physical_bits,
					    .read = read_physical,
					    .argument = memory->source};
	memory->table.ram = source_ram(memory->source, &memory->table.ram_count);
	memory->table.encryption = vmcoreinfo_value(memory, "NUMBER(sme_mask)", 10);
	return NULL;
}

struct error *kernel_memory_init(struct kernel_memory *memory, struct source *source, int root)
{
	*memory = (struct kernel_memory){.source = source};
	TRY(source_kernel(source, &memory->known));
	TRY(learn_tables(memory, root));
	learn_direct_map(memory);
	learn_root(memory);
	return NULL;
}

struct error *kernel_symbol(const char *name, int root, uint64_t *address)
{
	struct kallsyms_lookup lookup = {.name = name};
	struct kallsyms_summary summary;

	TRY(kallsyms_load(root, &lookup, 1, &summary));
	if (summary.hidden)
		return error_new(ERROR_DENIED, "/proc/kallsyms: every address is hidden "
					       "(kernel.kptr_restrict, CAP_SYSLOG)");
	if (!lookup.found || !lookup.address)
		return error_new(ERROR_UNSUPPORTED, "/proc/kallsyms does not name %s%s", name,
				 summary.data ? "" : ": it has no data (CONFIG_KALLSYMS_ALL)");
	*address = lookup.address;
	return NULL;
}
