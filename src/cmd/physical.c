// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/physical.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/gates.h"
#include "base/scope.h"

/* Gates of the same names; "auto" asks for any one of them. */
static const char *const gate_names[] = {"devmem", "kcore", "bpf"};

static void destroy_gatesp(struct gates **gates)
{
	gates_destroy(*gates);
}

/* "A; or B": the remedies of the gates in question, each once; NULL when there is none. */
static struct error *collect_remedies(const struct gates *gates, const char *name, char **list)
{
	_cleanup_free_ char *found = NULL;

	*list = NULL;
	for (size_t i = 0; i < sizeof(gate_names) / sizeof(gate_names[0]); i++) {
		const struct gate *gate = gates_find(gates, gate_names[i]);
		char *longer;

		if (strcmp(name, "auto") != 0 && strcmp(name, gate_names[i]) != 0)
			continue;
		if (!gate->remedy || (found && strstr(found, gate->remedy)))
			continue;
		if (asprintf(&longer, "%s%s%s", found ? found : "", found ? "; or " : "",
			     gate->remedy) < 0)
			return error_nomem();
		free(found);
		found = longer;
	}
	*list = scope_take(found, NULL);
	return NULL;
}

/* The gates are probed only now that one of them is in the way. Takes `error`. */
static struct error *add_remedy(const char *name, struct error *error)
{
	__attribute__((cleanup(destroy_gatesp))) struct gates *gates = NULL;
	_cleanup_free_ char *remedies = NULL;
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error *probing = root < 0 ? error_errno(errno, "/") : gates_probe(root, &gates);

	if (!probing)
		probing = collect_remedies(gates, name, &remedies);
	error_free(probing);
	if (!remedies)
		return error;
	struct error *longer =
		error_new(error_kind(error), "%s (remedy: %s)", error_message(error), remedies);
	error_free(error);
	return longer;
}

/* A user who is not root, and did not ask for one source. */
static bool wants_it_short(const struct invocation *invocation)
{
	return geteuid() != 0 && strcmp(invocation->source, "auto") == 0;
}

/*
 * Why each way is closed, and what kernel opens it, is for doctor to say: a user who is not root
 * needs to know that this is what it takes, here as elsewhere.
 */
struct error *physical_error(const struct invocation *invocation, struct error *error)
{
	if (!error || error_is(error, ERROR_NOMEM) || !wants_it_short(invocation) ||
	    !strstr(error_message(error), "no source of physical memory"))
		return error;
	struct error *shorter =
		error_new(error_kind(error), "physical memory is not open to this user (run as "
					     "root; 'physlens doctor' says what opens it)");
	error_free(error);
	return shorter;
}

struct error *open_physical(const struct invocation *invocation, unsigned flags,
			    struct source **source)
{
	struct error *error = source_open(invocation->source, flags, source);

	if (!error || error_is(error, ERROR_NOMEM) || strcmp(invocation->source, "none") == 0)
		return error;
	return wants_it_short(invocation) ? physical_error(invocation, error)
					  : add_remedy(invocation->source, error);
}
