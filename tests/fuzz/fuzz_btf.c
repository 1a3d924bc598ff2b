// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's type information: whatever it says, a member is found or is not, in bounded time. */
#include "fuzz.h"
#include "kernel/btf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[][2] = {
		{"task", "pid"},        {"task", "a"},
		{"task", "links.next"}, {"task", "b"},
		{"task", "inner.deep"}, {"task", "tail"},
		{"task", ".."},         {"list", "next.prev"},
		{"task", "nothing"},    {"task_struct", "tasks"},
	};
	struct kernel_types *types;
	struct kernel_member member;
	char path[64];
	int fd = memory_file(data, size);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fine(kernel_types_load(path, &types))) {
		for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
			if (fine(kernel_types_member(types, paths[i][0], paths[i][1], &member)))
				must((uint64_t)member.offset + member.size <= UINT32_MAX);
		}
		kernel_types_free(types);
	}
	close(fd);
	return 0;
}
