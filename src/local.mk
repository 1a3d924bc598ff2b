# SPDX-License-Identifier: GPL-2.0-or-later
# The program, room by room. Everything but main.c is a library, so that the unit tests link it.
noinst_LIBRARIES += libphyslens.a
bin_PROGRAMS += physlens

libphyslens_a_SOURCES = \
	src/base/clock.h \
	src/base/direct.c src/base/direct.h \
	src/base/error.c src/base/error.h \
	src/base/io.c src/base/io.h \
	src/base/library.c src/base/library.h \
	src/base/range.h \
	src/base/path.h \
	src/base/scope.h \
	src/base/vec.c src/base/vec.h \
	src/base/whole_file.c src/base/whole_file.h

# object
libphyslens_a_SOURCES += \
	src/object/buildid.c \
	src/object/core.c src/object/core.h \
	src/object/debugfile.c \
	src/object/impl.h \
	src/object/layout.c \
	src/object/lookup.c \
	src/object/minidebug.c \
	src/object/object.c src/object/object.h \
	src/object/pe.c \
	src/object/relocations.c src/object/relocations.h \
	src/object/symbols.c

# arch
libphyslens_a_SOURCES += \
	src/arch/pagetable.c src/arch/pagetable.h \
	src/arch/x86_64.c src/arch/x86_64.h

# proc
libphyslens_a_SOURCES += \
	src/proc/cache.c src/proc/cache.h \
	src/proc/cgroup.c src/proc/cgroup.h \
	src/proc/container.c src/proc/container.h \
	src/proc/cpuinfo.c src/proc/cpuinfo.h \
	src/proc/identity.c src/proc/identity.h \
	src/proc/iomem.c src/proc/iomem.h \
	src/proc/kallsyms.c src/proc/kallsyms.h \
	src/proc/kpage.c src/proc/kpage.h \
	src/proc/maps.c src/proc/maps.h \
	src/proc/memory.c src/proc/memory.h \
	src/proc/memblocks.c src/proc/memblocks.h \
	src/proc/mmstate.c src/proc/mmstate.h \
	src/proc/numa.c src/proc/numa.h \
	src/proc/pagemap.c src/proc/pagemap.h \
	src/proc/process.c src/proc/process.h \
	src/proc/mounted.c src/proc/mounted.h \
	src/proc/mounts.c src/proc/mounts.h \
	src/proc/smaps.c src/proc/smaps.h \
	src/proc/uprobes.c src/proc/uprobes.h

# phys
libphyslens_a_SOURCES += \
	src/phys/bpf.c \
	src/phys/devmem.c \
	src/phys/impl.h \
	src/phys/kcore.c \
	src/phys/known.c \
	src/phys/lockdown.c \
	src/phys/marker.c \
	src/phys/program.c src/phys/program.h \
	src/phys/source.c src/phys/source.h \
	src/phys/zeroes.c src/phys/zeroes.h

# kernel
libphyslens_a_SOURCES += \
	src/kernel/btf.c src/kernel/btf.h \
	src/kernel/kernel.c src/kernel/kernel.h \
	src/kernel/memory.c src/kernel/memory.h \
	src/kernel/tasks.c src/kernel/tasks.h

# target
libphyslens_a_SOURCES += \
	src/target/files.c src/target/files.h \
	src/target/freeze.h \
	src/target/live/elsewhere.c src/target/live/elsewhere.h \
	src/target/live/files.c \
	src/target/live/frames.c \
	src/target/live/freeze.c \
	src/target/live/identity.c \
	src/target/live/live.c src/target/live/live.h \
	src/target/live/process.c \
	src/target/live/trace.c \
	src/target/live/tables.c \
	src/target/live/words.c \
	src/target/target.h \
	src/target/trace.h

# analysis
libphyslens_a_SOURCES += \
	src/analysis/blocks.c src/analysis/blocks.h \
	src/analysis/census.c src/analysis/census.h \
	src/analysis/cow.c src/analysis/cow.h \
	src/analysis/differ.c src/analysis/differ.h \
	src/analysis/explain.c src/analysis/explain.h \
	src/analysis/family.c src/analysis/family.h \
	src/analysis/folio.c src/analysis/folio.h \
	src/analysis/frames.c src/analysis/frames.h \
	src/analysis/gates.c src/analysis/gates.h \
	src/analysis/gates_bpf.c \
	src/analysis/gates_library.c \
	src/analysis/gates_frames.c \
	src/analysis/gates_internal.h \
	src/analysis/gates_memory.c \
	src/analysis/gates_pages.c \
	src/analysis/gates_process.c \
	src/analysis/gates_prober.c \
	src/analysis/gates_system.c \
	src/analysis/hardware.c src/analysis/hardware.h \
	src/analysis/index.c src/analysis/index.h \
	src/analysis/kinds.c src/analysis/kinds.h \
	src/analysis/layout.c src/analysis/layout.h \
	src/analysis/ledger.c src/analysis/ledger.h \
	src/analysis/locate.c src/analysis/locate.h \
	src/analysis/page.c src/analysis/page.h \
	src/analysis/pool.c src/analysis/pool.h \
	src/analysis/reading.c src/analysis/reading.h \
	src/analysis/runs.c src/analysis/runs.h \
	src/analysis/share.c src/analysis/share.h \
	src/analysis/snapshot.c src/analysis/snapshot.h \
	src/analysis/stretch.c src/analysis/stretch.h \
	src/analysis/tally.c src/analysis/tally.h \
	src/analysis/verify.c src/analysis/verify.h \
	src/analysis/verify_collect.c \
	src/analysis/verify_compare.c \
	src/analysis/verify_disk.c \
	src/analysis/verify_find.c \
	src/analysis/verify_identity.c \
	src/analysis/verify_internal.h \
	src/analysis/verify_look.c \
	src/analysis/verify_names.c \
	src/analysis/verify_pages.c \
	src/analysis/verify_places.c \
	src/analysis/verify_vdso.c \
	src/analysis/walk.c src/analysis/walk.h \
	src/analysis/writers.c src/analysis/writers.h

# ui
libphyslens_a_SOURCES += \
	src/ui/draw.c src/ui/draw.h \
	src/ui/escape.c src/ui/escape.h \
	src/ui/locale.c src/ui/locale.h \
	src/ui/grid.c src/ui/grid.h \
	src/ui/hexdump.c src/ui/hexdump.h \
	src/ui/progress.c src/ui/progress.h \
	src/ui/prose.c src/ui/prose.h \
	src/ui/size.c src/ui/size.h \
	src/ui/table.c src/ui/table.h \
	src/ui/table_backend.h \
	src/ui/table_fit.c \
	src/ui/table_json.c \
	src/ui/table_lines.c \
	src/ui/table_scols.c \
	src/ui/table_stream.c

# cmd
libphyslens_a_SOURCES += \
	src/cmd/arguments.c src/cmd/arguments.h \
	src/cmd/census.c src/cmd/census.h \
	src/cmd/census_metrics.c \
	src/cmd/census_rows.c \
	src/cmd/command.c src/cmd/command.h \
	src/cmd/complete.c src/cmd/complete.h \
	src/cmd/commands.h \
	src/cmd/cow.c src/cmd/cow.h \
	src/cmd/cow_family.c \
	src/cmd/cow_grid.c \
	src/cmd/cow_pair.c \
	src/cmd/cow_trace.c \
	src/cmd/doctor.c \
	src/cmd/explain.c src/cmd/explain.h \
	src/cmd/lab.c \
	src/cmd/lab/address.c \
	src/cmd/lab/exec.c \
	src/cmd/lab/fork.c \
	src/cmd/lab/grid.c \
	src/cmd/lab/hierarchy.c \
	src/cmd/lab/lab.h \
	src/cmd/lab/layout.c \
	src/cmd/lab/libc.c \
	src/cmd/lab/paging.c \
	src/cmd/lab/scene.c \
	src/cmd/lab/sharing.c \
	src/cmd/lab/subject.c \
	src/cmd/lab/threads.c \
	src/cmd/lab/view.c \
	src/cmd/map.c src/cmd/map.h \
	src/cmd/map_objects.c \
	src/cmd/naming.c src/cmd/naming.h \
	src/cmd/nearest.c src/cmd/nearest.h \
	src/cmd/owner.c \
	src/cmd/physical.c src/cmd/physical.h \
	src/cmd/processes.c src/cmd/processes.h \
	src/cmd/read.c \
	src/cmd/read_output.c src/cmd/read_output.h \
	src/cmd/share.c \
	src/cmd/translate.c \
	src/cmd/verify.c \
	src/cmd/walk.c \
	src/cmd/walktext.c src/cmd/walktext.h \
	src/cmd/watch.c src/cmd/watch.h

physlens_SOURCES = src/main.c
physlens_LDADD = libphyslens.a $(SMARTCOLS_LIBS) $(ELF_LIBS)

EXTRA_DIST += src/README.md
