# SPDX-License-Identifier: GPL-2.0-or-later
# Measurements: `make bench`. They never fail a test; built by `make check` so that they go on
# compiling.
BENCHES = \
	tests/bench/bench-census \
	tests/bench/bench-direct \
	tests/bench/bench-pagemap \
	tests/bench/bench-run \
	tests/bench/bench-scan

check_PROGRAMS += $(BENCHES)

EXTRA_DIST += tests/bench/all tests/bench/record.bash tests/bench/run tests/bench/cow.sh tests/bench/page-types tests/bench/phys.sh tests/bench/verify.sh

# BENCH_ARGS='--runs 101' for more of it, BENCH_ARGS=--long BENCH_MINUTES=60 for all; BENCH_JSON=FILE
# has the results as JSON.
.PHONY: bench
bench: physlens$(EXEEXT) tests/helpers/hugereserve$(EXEEXT) tests/helpers/manyvmas$(EXEEXT) \
	tests/helpers/sharers$(EXEEXT) $(BENCHES)
	BENCH_JSON='$(BENCH_JSON)' BENCH_MINUTES='$(BENCH_MINUTES)' $(srcdir)/tests/bench/all $(BENCH_ARGS)
