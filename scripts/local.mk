# SPDX-License-Identifier: GPL-2.0-or-later
# What scripts/vm and its like need is listed in tests/vm/local.mk.
EXTRA_DIST += \
	.ci/run \
	scripts/check \
	scripts/lib/cppcheck-suppressions \
	scripts/lib/lint.sh \
	scripts/lib/packages \
	scripts/lib/setup.sh \
	scripts/lib/tap.sh \
	scripts/lib/unpacked-program \
	scripts/lint-rooms \
	scripts/quickstart \
	scripts/version
