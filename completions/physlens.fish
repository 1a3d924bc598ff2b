# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completion of physlens for fish. What may stand at the cursor is asked of the program that is being
# completed, so that it is always its own.

function __physlens_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (command $words[1] __complete $words[2..-1] 2>/dev/null)
    if contains -- :file $lines
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $lines
    end
end

complete -c physlens -f -a '(__physlens_complete)'
