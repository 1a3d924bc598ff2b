# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests (cmocka), tests of the commands (bats), and the helper programs of the latter.

HELPERS = \
	tests/helpers/alternating \
	tests/helpers/cowpages \
	tests/helpers/devmem-peek \
	tests/helpers/dying \
	tests/helpers/flickering \
	tests/helpers/forger \
	tests/helpers/growing \
	tests/helpers/headless \
	tests/helpers/hostile-elf \
	tests/helpers/hugereserve \
	tests/helpers/lettered \
	tests/helpers/lockedbytes \
	tests/helpers/manyvmas \
	tests/helpers/mapfile \
	tests/helpers/pagekinds \
	tests/helpers/peek \
	tests/helpers/poser \
	tests/helpers/secretbytes \
	tests/helpers/sharers \
	tests/helpers/spinning \
	tests/helpers/tamper \
	tests/helpers/zombie

check_PROGRAMS += $(HELPERS)

# What tests look at is built as programs are: a sanitizer's shadow of 20 TiB would be most of what there
# is to see. What is wrong in themselves tests/helpers.bats finds.
$(HELPERS): SANITIZE =

# The fixture's kinds `relro` and `got` want a position-independent executable that is relocated when
# it starts, which not every compiler makes by itself.
tests_helpers_pagekinds_CFLAGS = $(AM_CFLAGS) -fPIE
tests_helpers_pagekinds_LDFLAGS = $(AM_LDFLAGS) -pie

EXTRA_DIST += \
	tests/helpers/cow.bash \
	tests/helpers/helper.h \
	tests/helpers/lab-check.pl \
	tests/helpers/lab.bash \
	tests/helpers/lib.bash \
	tests/helpers/rollup.bash \
	tests/helpers/tiny32.c \
	tests/helpers/wait.bash

# Preloaded by tests/faults.bats. Never with a sanitizer, whose own library has to be the first.
check_PROGRAMS += tests/faults/inject.so
tests_faults_inject_so_SOURCES = tests/faults/inject.c
tests_faults_inject_so_CFLAGS = $(AM_CFLAGS) -fPIC
tests_faults_inject_so_LDFLAGS = $(AM_LDFLAGS) -shared
tests/faults/inject.so tests/faults/inject_so-inject.o: SANITIZE =
EXTRA_DIST += tests/faults/Subject.pm
dist_noinst_SCRIPTS += tests/faults/sweep tests/faults/signals tests/faults/soak

# --- unit tests: tests/unit/test_X.c, one program each ---------------------------------------

UNIT_LIBS = libphyslens.a $(SMARTCOLS_LIBS) $(BPF_LIBS) $(ELF_LIBS) $(PROC2_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS = \
	tests/unit/test_arguments \
	tests/unit/test_btf \
	tests/unit/test_cache \
	tests/unit/test_container \
	tests/unit/test_core \
	tests/unit/test_cow \
	tests/unit/test_error \
	tests/unit/test_escape \
	tests/unit/test_gates \
	tests/unit/test_hexdump \
	tests/unit/test_index \
	tests/unit/test_io \
	tests/unit/test_iomem \
	tests/unit/test_kallsyms \
	tests/unit/test_kinds \
	tests/unit/test_kpage \
	tests/unit/test_layout \
	tests/unit/test_live \
	tests/unit/test_maps \
	tests/unit/test_memblocks \
	tests/unit/test_mmstate \
	tests/unit/test_numa \
	tests/unit/test_object \
	tests/unit/test_page \
	tests/unit/test_pagemap \
	tests/unit/test_pagetable \
	tests/unit/test_process \
	tests/unit/test_range \
	tests/unit/test_runs \
	tests/unit/test_mounts \
	tests/unit/test_smaps \
	tests/unit/test_source \
	tests/unit/test_table \
	tests/unit/test_vec \
	tests/unit/test_verify

tests_unit_test_arguments_LDADD = $(UNIT_LIBS)
tests_unit_test_btf_LDADD = $(UNIT_LIBS)
tests_unit_test_cache_LDADD = $(UNIT_LIBS)
tests_unit_test_container_LDADD = $(UNIT_LIBS)
tests_unit_test_core_LDADD = $(UNIT_LIBS)
tests_unit_test_cow_LDADD = $(UNIT_LIBS)
tests_unit_test_error_LDADD = $(UNIT_LIBS)
tests_unit_test_escape_LDADD = $(UNIT_LIBS)
tests_unit_test_gates_LDADD = $(UNIT_LIBS)
tests_unit_test_hexdump_LDADD = $(UNIT_LIBS)
tests_unit_test_index_LDADD = $(UNIT_LIBS)
tests_unit_test_io_LDADD = $(UNIT_LIBS)
tests_unit_test_iomem_LDADD = $(UNIT_LIBS)
tests_unit_test_kallsyms_LDADD = $(UNIT_LIBS)
tests_unit_test_kinds_LDADD = $(UNIT_LIBS)
tests_unit_test_kpage_LDADD = $(UNIT_LIBS)
tests_unit_test_layout_LDADD = $(UNIT_LIBS)
tests_unit_test_live_LDADD = $(UNIT_LIBS)
tests_unit_test_maps_LDADD = $(UNIT_LIBS)
tests_unit_test_memblocks_LDADD = $(UNIT_LIBS)
tests_unit_test_mmstate_LDADD = $(UNIT_LIBS)
tests_unit_test_numa_LDADD = $(UNIT_LIBS)
tests_unit_test_object_LDADD = $(UNIT_LIBS)
tests_unit_test_page_LDADD = $(UNIT_LIBS)
tests_unit_test_pagemap_LDADD = $(UNIT_LIBS)
tests_unit_test_pagetable_LDADD = $(UNIT_LIBS)
tests_unit_test_process_LDADD = $(UNIT_LIBS)
tests_unit_test_range_LDADD = $(UNIT_LIBS)
tests_unit_test_runs_LDADD = $(UNIT_LIBS)
tests_unit_test_mounts_LDADD = $(UNIT_LIBS)
tests_unit_test_smaps_LDADD = $(UNIT_LIBS)
tests_unit_test_source_LDADD = $(UNIT_LIBS)
tests_unit_test_table_LDADD = $(UNIT_LIBS)
tests_unit_test_vec_LDADD = $(UNIT_LIBS)
tests_unit_test_verify_LDADD = $(UNIT_LIBS)

# A system under examination that is made up, for tests of the analyses.
tests_unit_test_layout_SOURCES = \
	tests/unit/test_layout.c tests/unit/fake.c tests/unit/fake.h tests/unit/unit.h
tests_unit_test_runs_SOURCES = \
	tests/unit/test_runs.c tests/unit/fake.c tests/unit/fake.h tests/unit/unit.h

if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif

EXTRA_DIST += tests/unit/tree.h tests/unit/unit.h

# Files of real machines. The unit tests find them in $srcdir, which automake sets.
EXTRA_DIST += \
	tests/fixtures/capture \
	tests/fixtures/machines/firecracker-6.18 \
	tests/fixtures/machines/firecracker-6.18-user \
	tests/fixtures/machines/qemu-lockdown-6.12 \
	tests/fixtures/machines/qemu-numa-6.12 \
	tests/fixtures/maps/README.md \
	tests/fixtures/maps/java-6.18.maps \
	tests/fixtures/maps/node-6.18.maps \
	tests/fixtures/maps/odd-lines.maps \
	tests/fixtures/maps/pagekinds-6.18.maps \
	tests/fixtures/maps/python-6.18.maps \
	tests/fixtures/maps/tiny32-6.18.maps

# --- tests of the commands: tests/*.bats, a line of the report each file ------------------------
#
# The longest first, since several run at a time; and by turns those that change the machine, which wait
# for each other (system_lock in tests/helpers/lib.bash), and others.

BATS_FILES = \
	tests/map.bats \
	tests/fuse.bats \
	tests/terminal.bats \
	tests/verify.bats \
	tests/lab.bats \
	tests/map-bad-input.bats \
	tests/walk.bats \
	tests/docs.bats \
	tests/census.bats \
	tests/faults.bats \
	tests/read.bats \
	tests/cow-trace.bats \
	tests/share.bats \
	tests/cow.bats \
	tests/cli.bats \
	tests/owner.bats \
	tests/doctor.bats \
	tests/freeze.bats \
	tests/files.bats \
	tests/hiding.bats \
	tests/masquerade.bats \
	tests/verify-table.bats \
	tests/translate.bats \
	tests/fuzz.bats \
	tests/package.bats \
	tests/unprivileged.bats

TESTS += $(BATS_FILES)
if SANITIZED
TESTS += tests/helpers.bats
endif
dist_check_SCRIPTS = $(BATS_FILES) tests/helpers.bats tests/run-bats

TEST_EXTENSIONS = .bats
BATS_LOG_COMPILER = $(srcdir)/tests/run-bats
AM_TESTS_ENVIRONMENT = BATS='$(BATS)' CC='$(CC)' SANITIZE='$(SANITIZE)'; export BATS CC SANITIZE;
