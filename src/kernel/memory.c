// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/memory.h"

#include <stdlib.h>

#include "arch/x86_64.h"
#include "base/scope.h"
#include "kernel/vmcoreinfo.h"
#include "proc/cpuinfo.h"
#include "proc/iomem.h"
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

struct error *kernel_physical(const struct kernel_memory *memory, uint64_t vaddr, uint64_t *paddr)
{
	if (memory->has_direct_map && vaddr >= memory->direct_map &&
	    vaddr - memory->direct_map < end_of_ram(memory)) {
		*paddr = vaddr - memory->direct_map;
		return NULL;
	}
	if (memory->has_phys_base && vaddr >= X86_64_KERNEL_MAP &&
	    vaddr - X86_64_KERNEL_MAP < IMAGE_SIZE) {
		*paddr = vaddr - X86_64_KERNEL_MAP + memory->phys_base;
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

static bool is_translatable(const struct kernel_memory *memory)
{
	return memory->has_direct_map || memory->has_phys_base;
}

/* Where nothing is known of the kernel's map, a source may still read by the kernel's addresses. */
static struct error *read_virtual(const struct kernel_memory *memory, uint64_t vaddr, void *buffer,
				  size_t length)
{
	size_t got;

	TRY(source_read_virtual(memory->source, vaddr, buffer, length, &got));
	return got == length ? NULL : no_memory_at(vaddr + got);
}

struct error *kernel_read(const struct kernel_memory *memory, uint64_t vaddr, void *buffer,
			  size_t length)
{
	char *to = buffer;

	if (!is_translatable(memory))
		return read_virtual(memory, vaddr, buffer, length);
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

enum { SYMBOL_TEXT, SYMBOL_INIT_TASK, SYMBOL_PAGE_OFFSET, SYMBOL_TABLE, SYMBOLS };

/* kallsyms may be hidden or without data: then each symbol is 0. */
static void load_symbols(int root, uint64_t addresses[SYMBOLS])
{
	struct kallsyms_lookup lookups[SYMBOLS] = {
		[SYMBOL_TEXT] = {.name = "_text"},
		[SYMBOL_INIT_TASK] = {.name = "init_task"},
		[SYMBOL_PAGE_OFFSET] = {.name = "page_offset_base"},
		[SYMBOL_TABLE] = {.name = "init_top_pgt"},
	};
	struct kallsyms_summary summary;
	_cleanup_error_ struct error *error = kallsyms_load(root, lookups, SYMBOLS, &summary);

	for (size_t i = 0; i < SYMBOLS; i++)
		addresses[i] = !error && lookups[i].found ? lookups[i].address : 0;
}

/* The kernel's code begins, in /proc/iomem, at the physical address of `_text`. */
static void learn_phys_base(struct kernel_memory *memory, int root, uint64_t text)
{
	struct iomem iomem = {0};
	struct range code;
	_cleanup_error_ struct error *error =
		memory->has_phys_base || !text ? NULL : iomem_load(root, &iomem);

	if (!memory->has_phys_base && text && !error && iomem_kernel_code(&iomem, &code)) {
		memory->phys_base = code.start - (text - X86_64_KERNEL_MAP);
		memory->has_phys_base = true;
	}
	if (!error)
		iomem_deinit(&iomem);
}

static void learn_from_vmcoreinfo(struct kernel_memory *memory, int root, uint64_t *table)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	uint64_t number;
	_cleanup_error_ struct error *error =
		vmcoreinfo_load(root, memory->source, &text, &length);

	if (error)
		return;
	if (!memory->has_phys_base)
		memory->has_phys_base =
			vmcoreinfo_number(text, length, "phys_base", &memory->phys_base);
	if (vmcoreinfo_number(text, length, "sme_mask", &number))
		memory->table.encryption = number;
	if (!*table)
		(void)vmcoreinfo_symbol(text, length, "init_top_pgt", table);
}

static bool is_direct_map(uint64_t address)
{
	return address >> 63 && address % (UINT64_C(1) << 30) == 0;
}

/*
 * page_offset_base is a variable since KASLR moves the direct map (CONFIG_RANDOMIZE_MEMORY); a
 * kernel without that symbol has it where it always was.
 */
static void learn_direct_map(struct kernel_memory *memory, uint64_t symbol)
{
	uint64_t value;
	bool five = memory->table.format == x86_64_format(true);

	if (memory->has_direct_map || !memory->has_phys_base)
		return;
	memory->direct_map = five ? DIRECT_MAP_FIVE : DIRECT_MAP_FOUR;
	memory->has_direct_map = true;
	if (!symbol)
		return;
	_cleanup_error_ struct error *error = kernel_read_pointer(memory, symbol, &value);
	if (!error && is_direct_map(value))
		memory->direct_map = value;
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
	return NULL;
}

static void learn_root(struct kernel_memory *memory, uint64_t table)
{
	if (memory->has_phys_base && table >= X86_64_KERNEL_MAP)
		memory->table.root = table - X86_64_KERNEL_MAP + memory->phys_base;
}

struct error *kernel_memory_init(struct kernel_memory *memory, struct source *source, int root)
{
	uint64_t symbols[SYMBOLS];

	*memory = (struct kernel_memory){.source = source};
	TRY(source_kernel(source, &memory->known));
	TRY(learn_tables(memory, root));
	load_symbols(root, symbols);
	memory->direct_map = memory->known.direct_map;
	memory->has_direct_map = memory->known.has_direct_map;
	memory->phys_base = memory->known.phys_base;
	memory->has_phys_base = memory->known.has_phys_base;
	memory->init_task = symbols[SYMBOL_INIT_TASK];
	learn_phys_base(memory, root, symbols[SYMBOL_TEXT]);
	learn_from_vmcoreinfo(memory, root, &symbols[SYMBOL_TABLE]);
	learn_direct_map(memory, symbols[SYMBOL_PAGE_OFFSET]);
	learn_root(memory, symbols[SYMBOL_TABLE]);
	return NULL;
}
