# SPDX-License-Identifier: MIT
# For fish (tests/tools/shells.py): what its completion offers.
# $argv[1]: the completion. The other arguments: lines to complete. Prints, for each of them, what is offered in the
# place of its last word, a line each, and a line "end".

source $argv[1]
for line in $argv[2..]
    complete -C $line | string replace -r '\t.*' ''
    echo end
end
