# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests (cmocka), tests of the commands (bats), and the helper programs of the latter.

HELPERS = \
	tests/helpers/devmem-peek \
	tests/helpers/dying \
	tests/helpers/hostile-elf \
	tests/helpers/hugereserve \
	tests/helpers/lockedbytes \
	tests/helpers/manyvmas \
	tests/helpers/mapfile \
	tests/helpers/pagekinds \
	tests/helpers/peek \
	tests/helpers/zombie

check_PROGRAMS += $(HELPERS)

# The fixture's kinds `relro` and `got` want a position-independent executable that is relocated when
# it starts, which not every compiler makes by itself.
tests_helpers_pagekinds_CFLAGS = $(AM_CFLAGS) -fPIE
tests_helpers_pagekinds_LDFLAGS = $(AM_LDFLAGS) -pie

EXTRA_DIST += tests/helpers/helper.h tests/helpers/lib.bash tests/helpers/tiny32.c

if HAVE_CMOCKA
UNIT_TESTS =
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif
