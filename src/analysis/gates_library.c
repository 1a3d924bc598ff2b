// SPDX-License-Identifier: GPL-2.0-or-later
/* Gates of the libraries that are loaded when a command first needs them (base/library.h). */
#include "analysis/gates_internal.h"
#include "kernel/btf.h"
#include "proc/process.h"

/* Takes `error`, with which loading has failed; NULL: it was loaded. */
static struct error *judge(struct gate *gate, struct error *error, const char *soname,
			   const char *package)
{
	if (!error) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	gate_is(gate, GATE_CLOSED, "absent");
	struct error *telling = gate_detail(gate, "%s", error_message(error));
	error_free(error);
	TRY(telling);
	return gate_remedy(gate, "install %s (Debian: apt-get install %s)", soname, package);
}

struct error *gate_libbpf(struct prober *prober, struct gate *gate)
{
	(void)prober;
	return judge(gate, kernel_types_check_library(), BPF_SONAME, "libbpf1");
}

struct error *gate_libproc2(struct prober *prober, struct gate *gate)
{
	(void)prober;
	return judge(gate, process_check_library(), PROC2_SONAME, "libproc2-0");
}
