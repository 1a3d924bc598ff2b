// SPDX-License-Identifier: GPL-2.0-or-later
/* Gates that are parts of memory management: in use here, switched off, or not in this kernel. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analysis/gates_internal.h"
#include "proc/cache.h"
#include "proc/mmstate.h"
#include "proc/numa.h"

static struct error *option_absent(struct gate *gate, const char *option)
{
	gate_is(gate, GATE_IDLE, "absent");
	return gate_remedy(gate, "a kernel with %s", option);
}

struct error *gate_swap(struct prober *prober, struct gate *gate)
{
	struct swaps swaps;
	uint64_t size = 0, used = 0;

	TRY(swaps_load(prober->root, &swaps));
	if (!swaps.present)
		return option_absent(gate, "CONFIG_SWAP=y");
	size_t count = swaps.areas.count;
	for (size_t i = 0; i < count; i++) {
		size += swaps.areas.items[i].size >> 20;
		used += swaps.areas.items[i].used >> 20;
	}
	swaps_deinit(&swaps);
	gate_is(gate, count ? GATE_OPEN : GATE_IDLE, count ? "on" : "off");
	if (!count)
		return gate_remedy(gate, "swapon a device or file");
	return gate_detail(gate, "%zu area%s, %" PRIu64 " of %" PRIu64 " MiB used", count,
			   count == 1 ? "" : "s", used, size);
}

struct error *gate_ksm(struct prober *prober, struct gate *gate)
{
	struct ksm ksm;

	TRY(ksm_load(prober->root, &ksm));
	if (!ksm.present)
		return option_absent(gate, "CONFIG_KSM=y");
	bool on = ksm.run == 1 || ksm.pages_shared;
	gate_is(gate, on ? GATE_OPEN : GATE_IDLE, on ? "on" : "off");
	if (!on)
		return gate_remedy(gate, "echo 1 > /sys/kernel/mm/ksm/run");
	return gate_detail(gate, "%" PRIu64 " frames stand for %" PRIu64 " pages", ksm.pages_shared,
			   ksm.pages_shared + ksm.pages_sharing);
}

struct error *gate_thp(struct prober *prober, struct gate *gate)
{
	static const char *const states[] = {
		[THP_UNKNOWN] = "unknown",
		[THP_NEVER] = "off",
		[THP_MADVISE] = "madvise",
		[THP_ALWAYS] = "on",
	};
	struct thp thp;

	TRY(thp_load(prober->root, &thp));
	enum thp_mode mode = thp.enabled;
	uint64_t size = thp.size;
	struct error *error = gate_detail(gate, "%" PRIu64 " KiB, defrag %s", size >> 10,
					  *thp.defrag ? thp.defrag : "unknown");
	bool present = thp.present;
	thp_deinit(&thp);
	if (error)
		return error;
	if (!present)
		return option_absent(gate, "CONFIG_TRANSPARENT_HUGEPAGE=y");
	gate_is(gate, mode == THP_NEVER || mode == THP_UNKNOWN ? GATE_IDLE : GATE_OPEN,
		states[mode]);
	if (mode != THP_NEVER)
		return NULL;
	return gate_remedy(gate, "echo madvise > "
				 "/sys/kernel/mm/transparent_hugepage/enabled");
}

struct error *gate_hugetlb(struct prober *prober, struct gate *gate)
{
	struct hugetlb hugetlb;
	uint64_t total = 0, unused = 0;

	TRY(hugetlb_load(prober->root, &hugetlb));
	for (size_t i = 0; i < hugetlb.pools.count; i++) {
		total += hugetlb.pools.items[i].total;
		unused += hugetlb.pools.items[i].free;
	}
	hugetlb_deinit(&hugetlb);
	if (!hugetlb.present)
		return option_absent(gate, "CONFIG_HUGETLBFS=y");
	gate_is(gate, total ? GATE_OPEN : GATE_IDLE, total ? "on" : "off");
	if (!total)
		return gate_remedy(gate, "sysctl vm.nr_hugepages=N");
	return gate_detail(gate, "%" PRIu64 " pages, %" PRIu64 " free", total, unused);
}

struct error *gate_numa(struct prober *prober, struct gate *gate)
{
	static const char *const how[] = {
		[NUMA_NONE] = "",
		[NUMA_SINGLE] = "there is only one",
		[NUMA_BLOCKS] = "from memory blocks",
		[NUMA_ZONES] = "from the spans of zones",
	};
	struct numa numa;

	TRY(numa_load(prober->root, prober->page_shift, &numa));
	enum numa_method method = numa.method;
	size_t count = numa.nodes.count;
	numa_deinit(&numa);
	if (method == NUMA_NONE) {
		gate_is(gate, GATE_CLOSED, "absent");
		return gate_remedy(gate, "mount /sys and /proc: neither says anything of nodes");
	}
	gate_is(gate, GATE_OPEN, "open");
	return gate_detail(gate, "%zu node%s, %s", count, count == 1 ? "" : "s", how[method]);
}

/* Every level whose data can be placed: "L1 64 sets, L2 1024 sets, L3 32768 sets (nominal)". */
static void describe_caches(const struct cache_geometry *geometry, char *text, size_t size,
			    bool *complete)
{
	size_t placed = 0;

	*text = '\0';
	*complete = true;
	for (size_t i = 0; i < geometry->caches.count; i++) {
		const struct cache *cache = &geometry->caches.items[i];
		size_t used = strlen(text);

		if (cache->type == CACHE_INSTRUCTION)
			continue;
		if (!cache->sets || !cache->line) {
			*complete = false;
			continue;
		}
		placed++;
		snprintf(text + used, size - used, "%sL%u %" PRIu64 " sets%s", used ? ", " : "",
			 cache->level, cache->sets, cache->nominal ? " (nominal)" : "");
	}
	*complete = *complete && placed;
}

struct error *gate_cache(struct prober *prober, struct gate *gate)
{
	struct cache_geometry geometry;
	char text[256];
	bool complete;

	TRY(cache_load(prober->root, 0, &geometry));
	describe_caches(&geometry, text, sizeof(text), &complete);
	cache_deinit(&geometry);
	if (*text)
		TRY(gate_detail(gate, "%s", text));
	if (complete) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	gate_is(gate, *text ? GATE_LIMITED : GATE_CLOSED, *text ? "partial" : "absent");
	return gate_remedy(gate, "a machine or hypervisor that tells the kernel its caches: "
				 "/sys/devices/system/cpu/cpu0/cache");
}
