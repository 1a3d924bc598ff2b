#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""walk-drgn.py VMLINUX PID <LINES: does drgn, an independent reader of the kernel, agree?

Each line is "ADDRESS FRAME VALUE": an address of the process, and its frame and page-table entry as
physlens has them. drgn finds the process by its own debug information, and its root table with it; it
reads the page through its own walk of the tables, and the frame by its physical address. Both must be
the same bytes, and not those of another page given here. The entry is looked up once more by hand.
"""
import sys

import drgn
from drgn.helpers.linux.mm import access_process_vm
from drgn.helpers.linux.pid import find_task

PAGE = 4096


def entry_of(prog, root, address, levels):
    """The last entry on the way to an address, by arithmetic on physical memory alone."""
    table, mask = root, 0xFFFFFFFFFF000
    for level in reversed(range(levels)):
        shift = 12 + 9 * level
        entry = prog.read_u64(table + 8 * (address >> shift & 511), True)
        if level == 0 or not entry & 1 or entry & 0x80 and level < 3:
            return entry, (entry & mask & ~((1 << shift) - 1)) + (address & ((1 << shift) - 1))
        table = entry & mask


def main():
    vmlinux, pid = sys.argv[1], int(sys.argv[2])
    prog = drgn.Program()
    prog.set_kernel()
    prog.load_debug_info([vmlinux])
    task = find_task(prog, pid)
    levels = 5 if " la57 " in open("/proc/cpuinfo").read().replace("\n", " ") else 4
    root = task.mm.pgd.value_() - prog["page_offset_base"].value_()
    seen = {}
    for line in sys.stdin:
        address, frame, value = (int(word, 16) for word in line.split())
        page = access_process_vm(task, address, PAGE)
        assert page == prog.read(frame * PAGE, PAGE, True), line
        assert seen.setdefault(page, frame) == frame, line
        entry, paddr = entry_of(prog, root, address, levels)
        assert entry == value and paddr >> 12 == frame, (line, hex(entry), hex(paddr))
    assert seen
    print(f"root 0x{root:x}")
    print(f"same {len(seen)}")


main()
