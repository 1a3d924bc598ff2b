# SPDX-License-Identifier: GPL-2.0-or-later
# A page for the program and one for each command.
dist_man_MANS += \
	man/physlens.1 \
	man/physlens-census.1 \
	man/physlens-cow.1 \
	man/physlens-doctor.1 \
	man/physlens-lab.1 \
	man/physlens-map.1 \
	man/physlens-owner.1 \
	man/physlens-read.1 \
	man/physlens-share.1 \
	man/physlens-translate.1 \
	man/physlens-verify.1 \
	man/physlens-walk.1
