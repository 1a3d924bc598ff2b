# SPDX-License-Identifier: GPL-2.0-or-later
dist_bashcompletion_DATA = completions/physlens
