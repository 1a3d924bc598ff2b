# Tests in guests: `make check-vm`. A guest sees this build through the host's root,
# so what it runs is what was built here.
check_PROGRAMS += tests/helpers/devmem-peek tests/helpers/lockedbytes
tests_helpers_devmem_peek_SOURCES = tests/helpers/devmem-peek.c
tests_helpers_lockedbytes_SOURCES = tests/helpers/lockedbytes.c tests/helpers/helper.h

VM_TESTS = \
	tests/vm/doctor.bats \
	tests/vm/lab-addresses.bats \
	tests/vm/lab.bats \
	tests/vm/map.bats \
	tests/vm/pattern.bats \
	tests/vm/stock.bats \
	tests/vm/translate.bats

EXTRA_DIST += $(VM_TESTS) tests/vm/run tests/vm/guest.bash tests/vm/pattern.txt \
	tests/vm-host.bats tests/vm-lab-kernel.bats tests/README.md \
	scripts/vm scripts/lab-kernel scripts/lab-kernel.config scripts/lib/packages-vm \
	scripts/lib/stock-kernel.sh scripts/lib/vm-common.sh scripts/lib/vm-init scripts/lib/vm-main

# VM_ARGS='--only la57' runs some of it; VM_ARGS='--lab lab-6.12' in the other lab kernel.
.PHONY: check-vm
check-vm: physlens$(EXEEXT) $(check_PROGRAMS)
	$(srcdir)/tests/vm/run $(VM_ARGS)
