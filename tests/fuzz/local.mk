# SPDX-License-Identifier: GPL-2.0-or-later
# Harnesses, one a kind of input. With --enable-fuzz libFuzzer drives them (make fuzz); otherwise
# replay.c gives them the files of tests/fuzz/corpus/, which tests/fuzz.bats does.

FUZZERS = \
	tests/fuzz/fuzz_btf \
	tests/fuzz/fuzz_core \
	tests/fuzz/fuzz_escape \
	tests/fuzz/fuzz_kallsyms \
	tests/fuzz/fuzz_maps \
	tests/fuzz/fuzz_metrics \
	tests/fuzz/fuzz_object \
	tests/fuzz/fuzz_pagetable \
	tests/fuzz/fuzz_relocations \
	tests/fuzz/fuzz_table \
	tests/fuzz/fuzz_texts

check_PROGRAMS += $(FUZZERS)

if FUZZ
FUZZ_MAIN =
FUZZ_DRIVER = -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/replay.c
FUZZ_DRIVER =
endif
FUZZ_LINKING = $(AM_LDFLAGS) $(FUZZ_DRIVER)
FUZZ_LIBS = libphyslens.a $(SMARTCOLS_LIBS) $(ELF_LIBS)

tests_fuzz_fuzz_btf_SOURCES = tests/fuzz/fuzz_btf.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_btf_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_btf_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_core_SOURCES = tests/fuzz/fuzz_core.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_core_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_core_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_escape_SOURCES = tests/fuzz/fuzz_escape.c tests/fuzz/fuzz.h tests/fuzz/json.h $(FUZZ_MAIN)
tests_fuzz_fuzz_escape_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_escape_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_kallsyms_SOURCES = tests/fuzz/fuzz_kallsyms.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_kallsyms_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_kallsyms_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_maps_SOURCES = tests/fuzz/fuzz_maps.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_maps_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_maps_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_metrics_SOURCES = tests/fuzz/fuzz_metrics.c tests/fuzz/fuzz.h tests/fuzz/json.h $(FUZZ_MAIN)
tests_fuzz_fuzz_metrics_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_metrics_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_object_SOURCES = tests/fuzz/fuzz_object.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_object_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_object_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_pagetable_SOURCES = tests/fuzz/fuzz_pagetable.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_pagetable_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_pagetable_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_relocations_SOURCES = tests/fuzz/fuzz_relocations.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_relocations_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_relocations_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_table_SOURCES = tests/fuzz/fuzz_table.c tests/fuzz/fuzz.h tests/fuzz/json.h $(FUZZ_MAIN)
tests_fuzz_fuzz_table_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_table_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_texts_SOURCES = tests/fuzz/fuzz_texts.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_texts_LDFLAGS = $(FUZZ_LINKING)
tests_fuzz_fuzz_texts_LDADD = $(FUZZ_LIBS)

EXTRA_DIST += tests/fuzz/corpus tests/fuzz/replay.c
dist_noinst_SCRIPTS += tests/fuzz/run

# FUZZ_SECONDS in all, shared evenly; FUZZ_ONLY=NAME… for some harnesses alone.
FUZZ_SECONDS = 60
fuzz:
if FUZZ
	$(MAKE) $(AM_MAKEFLAGS) $(FUZZERS)
	$(srcdir)/tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ_ONLY)
else
	@echo 'make fuzz needs ./configure --enable-fuzz CC=clang' >&2; exit 1
endif
.PHONY: fuzz
