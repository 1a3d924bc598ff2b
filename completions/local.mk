# SPDX-License-Identifier: GPL-2.0-or-later
dist_bashcompletion_DATA = completions/physlens
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = completions/_physlens
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = completions/physlens.fish
