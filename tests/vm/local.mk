# SPDX-License-Identifier: GPL-2.0-or-later
# Tests in guests: `make check-vm`. A guest sees this build through the host's root,
# so what it runs is what was built here.

VM_TESTS = \
	tests/vm/cow-trace.bats \
	tests/vm/cow.bats \
	tests/vm/doctor.bats \
	tests/vm/hold.bats \
	tests/vm/index.bats \
	tests/vm/lab-addresses.bats \
	tests/vm/lab-claims.bats \
	tests/vm/lab-command.bats \
	tests/vm/lab.bats \
	tests/vm/map.bats \
	tests/vm/numa.bats \
	tests/vm/pattern.bats \
	tests/vm/read.bats \
	tests/vm/servers.bats \
	tests/vm/sources.bats \
	tests/vm/stock.bats \
	tests/vm/translate.bats \
	tests/vm/verify-system.bats \
	tests/vm/verify.bats \
	tests/vm/walk-drgn.bats \
	tests/vm/walk.bats

# The machinery itself, seen from the host.
VM_HOST_TESTS = \
	tests/vm-host.bats \
	tests/vm-lab-kernel.bats \
	tests/vm-run.bats

EXTRA_DIST += $(VM_TESTS) $(VM_HOST_TESTS) tests/README.md \
	tests/vm/flaky tests/vm/guest.bash tests/vm/known tests/vm/pattern.txt tests/vm/run \
	tests/vm/run-boot tests/vm/walk-drgn.py \
	scripts/lab-kernel scripts/lab-kernel.config scripts/vm \
	scripts/lib/packages-vm scripts/lib/stock-kernel.sh scripts/lib/vm-common.sh \
	scripts/lib/vm-init scripts/lib/vm-main

# make check-vm VM_ARGS='--only la57': some of the boots; see tests/README.md.
.PHONY: check-vm check-vm-host check-vm-guests
check-vm: physlens$(EXEEXT) $(HELPERS) $(lab_names:=$(EXEEXT))
	status=0; \
	$(MAKE) $(AM_MAKEFLAGS) check-vm-host || status=1; \
	$(MAKE) $(AM_MAKEFLAGS) check-vm-guests || status=1; \
	exit $$status

check-vm-host:
	cd $(srcdir) && $(BATS) --tap --timing $(VM_HOST_TESTS)

check-vm-guests: physlens$(EXEEXT) $(HELPERS) $(lab_names:=$(EXEEXT))
	$(srcdir)/tests/vm/run $(VM_ARGS)
