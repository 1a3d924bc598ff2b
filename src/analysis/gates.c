// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/gates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/gates_internal.h"
#include "base/scope.h"

static const struct {
	const char *name;
	gate_probe *probe;
	const char *gives;
} gate_table[] = {
	{"pagemap", gate_pagemap, "the state of every page of a process"},
	{"pfn", gate_pfn, "the physical frame behind a page"},
	{"pagemap-scan", gate_pagemap_scan, "populated pages without reading the holes"},
	{"procmap-query", gate_procmap_query, "the area of one address without reading all"},
	{"guard", gate_guard, "guard regions told from untouched pages"},
	{"soft-dirty", gate_soft_dirty, "pages written since a given moment"},
	{"kpageflags", gate_kpageflags, "what kind of page a frame holds"},
	{"kpagecount", gate_kpagecount, "the kernel's count of a frame's mappers"},
	{"kpagecgroup", gate_kpagecgroup, "the memory cgroup that pays for a frame"},
	{"anon-exclusive", gate_anon_exclusive, "which side of a fork wrote a page"},
	{"map-files", gate_map_files, "deleted, replaced or containers' mapped files"},
	{"ptrace", gate_ptrace, "processes of other users"},
	{"attach", gate_attach, "holding processes still, and /proc/PID/mem"},
	{"kcmp", gate_kcmp, "processes that share one address space"},
	{"lockdown", gate_lockdown, "whether the kernel keeps its memory from root"},
	{"devmem", gate_devmem, "physical memory through /dev/mem"},
	{"kcore", gate_kcore, "physical memory through /proc/kcore"},
	{"bpf", gate_bpf, "physical memory through eBPF"},
	{"btf", gate_btf, "the layout of the kernel's structures"},
	{"kallsyms", gate_kallsyms, "the addresses of the kernel's symbols"},
	{"iomem", gate_iomem, "where RAM and the kernel's code are"},
	{"vmcoreinfo", gate_vmcoreinfo, "where the kernel's crash notes are"},
	{"libbpf", gate_libbpf, "reading the layout of the kernel's structures"},
	{"libproc2", gate_libproc2, "the list of all processes"},
	{"swap", gate_swap, "the area and slot of swapped-out pages"},
	{"ksm", gate_ksm, "pages merged for having equal content"},
	{"thp", gate_thp, "transparent huge pages"},
	{"hugetlb", gate_hugetlb, "huge pages from pools"},
	{"numa", gate_numa, "the NUMA node of a frame"},
	{"cache", gate_cache, "the cache set and colour of a frame"},
};

#define GATE_COUNT (sizeof(gate_table) / sizeof(gate_table[0]))

struct gates {
	struct gate gates[GATE_COUNT];
	char *program;
};

static struct error *probe_all(struct prober *prober, struct gates *gates)
{
	for (size_t i = 0; i < GATE_COUNT; i++) {
		struct gate *gate = &gates->gates[i];

		gate->name = gate_table[i].name;
		gate->gives = gate_table[i].gives;
		/* A probe that fails of itself (garbage in a file of /proc) closes its gate only.
		 */
		struct error *error = gate_table[i].probe(prober, gate);
		if (error_is(error, ERROR_NOMEM))
			return error;
		if (error) {
			gate_is(gate, GATE_CLOSED, "failed");
			struct error *told = gate_detail(gate, "%s", error_message(error));
			error_free(error);
			TRY(told);
		}
	}
	return NULL;
}

/* Gates whose purpose one of the sources that follow serves as well. */
static const struct {
	const char *gate;
	const char *instead[2];
} alternatives[] = {
	{"devmem", {"kcore", "bpf"}},
	{"kcore", {"devmem", "bpf"}},
	{"bpf", {"devmem", "kcore"}},
	{"kallsyms", {"kcore", "bpf"}},
};

/* The first source that stands in for gate `name` and is open here; NULL for none. */
static const char *open_alternative(const struct gates *gates, const char *name)
{
	for (size_t i = 0; i < sizeof(alternatives) / sizeof(alternatives[0]); i++) {
		if (strcmp(alternatives[i].gate, name) != 0)
			continue;
		for (size_t j = 0; j < 2; j++) {
			const char *instead = alternatives[i].instead[j];

			if (gates_find(gates, instead)->grade == GATE_OPEN)
				return instead;
		}
	}
	return NULL;
}

/* A remedy that is not needed says so: nobody should build a kernel for what is there already. */
static struct error *ease_remedies(struct gates *gates)
{
	for (size_t i = 0; i < GATE_COUNT; i++) {
		struct gate *gate = &gates->gates[i];
		_cleanup_free_ char *remedy = NULL;
		const char *instead = open_alternative(gates, gate->name);

		if (!instead || !gate->remedy || gate->by_capability)
			continue;
		remedy = scope_take(gate->remedy, NULL);
		TRY(gate_remedy(gate, "%s; not needed here, where %s is open", remedy, instead));
	}
	return NULL;
}

struct error *gates_probe(int root, struct gates **gates)
{
	struct prober prober;

	*gates = calloc(1, sizeof(**gates));
	if (!*gates)
		return error_nomem();
	struct error *error = prober_init(&prober, root);
	if (!error)
		error = probe_all(&prober, *gates);
	if (!error)
		error = ease_remedies(*gates);
	(*gates)->program = scope_take(prober.program, NULL);
	prober_deinit(&prober);
	if (error) {
		gates_destroy(*gates);
		*gates = NULL;
	}
	return error;
}

void gates_destroy(struct gates *gates)
{
	if (!gates)
		return;
	for (size_t i = 0; i < GATE_COUNT; i++) {
		free(gates->gates[i].remedy);
		free(gates->gates[i].detail);
	}
	free(gates->program);
	free(gates);
}

size_t gates_count(const struct gates *gates)
{
	(void)gates;
	return GATE_COUNT;
}

const struct gate *gates_at(const struct gates *gates, size_t index)
{
	return &gates->gates[index];
}

const struct gate *gates_find(const struct gates *gates, const char *name)
{
	for (size_t i = 0; i < GATE_COUNT; i++) {
		if (strcmp(gate_table[i].name, name) == 0)
			return &gates->gates[i];
	}
	return NULL;
}

struct error *gates_setcap(const struct gates *gates, char **command)
{
	uint64_t capabilities = 0;

	*command = NULL;
	for (size_t i = 0; i < GATE_COUNT; i++)
		capabilities |= gates->gates[i].by_capability ? gates->gates[i].capabilities : 0;
	if (!capabilities)
		return NULL;
	return setcap_command(capabilities, gates->program, command);
}

const char *gates_program(const struct gates *gates)
{
	return gates->program;
}

/*
 * What the commands need of the gates. Without what it needs a command does not work; without what
 * enriches it, some columns are empty or some processes are missing.
 */
static const struct requirement {
	const char *command;
	const char *needs;
	const char *enriches;
} requirements[] = {
	{"map", "pagemap", "pfn ptrace map-files kpageflags kpagecount guard"},
	{"translate", "pagemap", "pfn ptrace map-files numa cache"},
	{"doctor", "", ""},
	{"walk", "source btf libbpf", "pfn iomem"},
	{"read", "source pfn iomem", "ptrace attach"},
	{"share", "pagemap pfn", "ptrace map-files kpageflags kpagecount kcmp attach libproc2"},
	{"owner", "pagemap pfn libproc2",
	 "ptrace map-files kpageflags kpagecount kpagecgroup iomem"},
	{"census", "pagemap pfn libproc2",
	 "ptrace kpageflags kpagecount kpagecgroup iomem kcmp attach"},
	{"cow", "pagemap pfn libproc2",
	 "anon-exclusive ptrace attach map-files kpageflags kcmp source"},
	{"verify", "pagemap", "pfn ptrace map-files attach kpageflags source libproc2"},
	{"lab", "pagemap", "pfn anon-exclusive kpageflags kpagecount source btf libbpf"},
};

/* Not a gate, but any one of three. */
static const char *const sources[] = {"devmem", "kcore", "bpf"};

static bool gate_works(const struct gates *gates, const char *name)
{
	const struct gate *gate = gates_find(gates, name);

	return gate && (gate->grade == GATE_OPEN || gate->grade == GATE_IDLE);
}

static bool requirement_met(const struct gates *gates, const char *name)
{
	if (strcmp(name, "source") != 0)
		return gate_works(gates, name);
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (gate_works(gates, sources[i]))
			return true;
	}
	return false;
}

/* Those of the words in `names` that are not met, as a list; NULL when all are. */
static struct error *list_missing(const struct gates *gates, const char *names, char **list)
{
	_cleanup_free_ char *copy = strdup(names);
	_cleanup_free_ char *found = NULL;
	char *rest = copy, *name;

	*list = NULL;
	if (!copy)
		return error_nomem();
	while ((name = strsep(&rest, " "))) {
		char *longer;

		if (!*name || requirement_met(gates, name))
			continue;
		if (strcmp(name, "source") == 0)
			name = (char *)"a source (devmem, kcore or bpf)";
		if (asprintf(&longer, "%s%s%s", found ? found : "", found ? ", " : "", name) < 0)
			return error_nomem();
		free(found);
		found = longer;
	}
	*list = scope_take(found, NULL);
	return NULL;
}

static const struct requirement *find_requirement(const char *command)
{
	for (size_t i = 0; i < sizeof(requirements) / sizeof(requirements[0]); i++) {
		if (strcmp(requirements[i].command, command) == 0)
			return &requirements[i];
	}
	return NULL;
}

struct error *gates_command_verdict(const struct gates *gates, const char *command,
				    struct gates_verdict *verdict)
{
	const struct requirement *requirement = find_requirement(command);

	*verdict = (struct gates_verdict){.work = GATES_FULLY};
	if (!requirement)
		return NULL;
	TRY(list_missing(gates, requirement->needs, &verdict->missing));
	if (verdict->missing) {
		verdict->work = GATES_NOT;
		return NULL;
	}
	TRY(list_missing(gates, requirement->enriches, &verdict->missing));
	if (verdict->missing)
		verdict->work = GATES_PARTLY;
	return NULL;
}

void gates_verdict_deinit(struct gates_verdict *verdict)
{
	free(verdict->missing);
	verdict->missing = NULL;
}
