# SPDX-License-Identifier: MIT
# fish completion for ucp. The options are held against `ucp --help` and the
# manual page by tests/cases/options.sh.

# The value of the option that is being completed: what stands behind its =, or
# the whole word.
function __fish_ucp_value
    string replace -r '^--[a-z-]+=' '' -- (commandline -ct)
end

# The words of a list with commas, without those that it has already.
function __fish_ucp_list
    set -l items (string split , -- (__fish_ucp_value))
    set -e items[-1]
    for word in $argv
        contains -- $word $items; or string join , $items $word
    end
end

# The names of files behind the @ of --bwlimit.
function __fish_ucp_rate
    set -l value (__fish_ucp_value)
    string match -q '@*' -- $value; and printf '@%s\n' (__fish_complete_path (string sub -s 2 -- $value))
end

# Whether the word before is --checksums, of which the value is in the same word.
function __fish_ucp_lacks_value
    set -l words (commandline -opc)
    test "$words[-1]" = --checksums; and not contains -- -- $words
end

complete -c ucp -n __fish_ucp_lacks_value -f

set -l attributes 'mode ownership timestamps links context xattr all'

complete -c ucp -s a -l archive -d 'Copy a tree as it is, with all its attributes'
complete -c ucp -l attributes-only -d 'Copy no data, only attributes'
complete -c ucp -l backup -f -a 'none off simple never existing nil numbered t' -d 'Rename existing destinations to keep them'
complete -c ucp -s b -d 'Like --backup without an argument'
complete -c ucp -l context -f -a '(true)' -d 'Like -Z'
complete -c ucp -l copy-contents -d 'With -r, read fifos and devices'
complete -c ucp -s d -d 'Same as --no-dereference --preserve=links'
complete -c ucp -s f -l force -d 'Remove destinations that cannot be opened'
complete -c ucp -s H -d 'Follow symbolic links that are operands'
complete -c ucp -s i -l interactive -d 'Ask before an existing destination is replaced'
complete -c ucp -l keep-directory-symlink -d 'Copy into directories that symbolic links in the destination point to'
complete -c ucp -s l -l link -d 'Make hard links instead of copies'
complete -c ucp -s L -l dereference -d 'Always follow symbolic links'
complete -c ucp -s n -l no-clobber -d 'Leave existing destinations alone'
complete -c ucp -s P -l no-dereference -d 'Never follow symbolic links'
complete -c ucp -s p -d 'Same as --preserve=mode,ownership,timestamps'
complete -c ucp -l parents -d 'Use the whole name of each source below the directory'
complete -c ucp -l preserve -f -a "(__fish_ucp_list $attributes)" -d 'Preserve these attributes'
complete -c ucp -l no-preserve -x -a "(__fish_ucp_list $attributes)" -d 'Do not preserve these attributes'
complete -c ucp -s R -s r -l recursive -d 'Copy directories with everything in them'
complete -c ucp -l reflink -f -a 'auto always never' -d 'Share data with the source if possible'
complete -c ucp -l remove-destination -d 'Remove each existing destination before opening it'
complete -c ucp -l sparse -x -a 'auto always never' -d 'Keep holes, make more, or fill them'
complete -c ucp -l strip-trailing-slashes -d 'Remove slashes from the end of each source'
complete -c ucp -s s -l symbolic-link -d 'Make symbolic links instead of copies'
complete -c ucp -s S -l suffix -x -d 'End of the names of simple backups'
complete -c ucp -s t -l target-directory -x -a '(__fish_complete_directories (__fish_ucp_value))' -d 'Copy all sources into this directory'
complete -c ucp -s T -l no-target-directory -d 'Never copy into the destination'
complete -c ucp -l update -f -a 'all none none-fail older differ checksum' -d 'Which existing destinations to replace'
complete -c ucp -s u -d 'Same as --update=older'
complete -c ucp -s v -l verbose -d 'Print what is being done'
complete -c ucp -s x -l one-file-system -d 'Do not enter other file systems'
complete -c ucp -s Z -d 'Set the default SELinux context (without effect)'

complete -c ucp -s 0 -l null -d 'Lines of lists end with a NUL byte'
complete -c ucp -l exclude -x -d 'Do not copy what matches'
complete -c ucp -l exclude-from -r -F -d 'Do not copy what matches a line of a file'
complete -c ucp -l exclude-vcs -d 'Do not copy files of version control systems'
complete -c ucp -l files-from -r -F -d 'Copy only what the lines of a file name'
complete -c ucp -l gitignore -d 'Do not copy what .gitignore files exclude'
complete -c ucp -l include -x -d 'Copy what matches, even if a later pattern excludes it'
complete -c ucp -l max-size -x -d 'Do not copy larger files'
complete -c ucp -l min-size -x -d 'Do not copy smaller files'

complete -c ucp -l bwlimit -x -a '(__fish_ucp_rate)' -d 'Limit the bytes moved per second'
complete -c ucp -l checksums -f -a '(__fish_complete_path (__fish_ucp_value))' -d 'Write a checksum of each file to a file'
complete -c ucp -l atomic -d 'Let files appear only when they are complete'
complete -c ucp -l beneath -d 'Follow no symbolic link below the destination'
complete -c ucp -l backup-dir -x -a '(__fish_complete_directories (__fish_ucp_value))' -d 'Keep backups below this directory'
complete -c ucp -l best-effort -d 'Warn once about attributes that cannot be set'
complete -c ucp -l max-errors -x -d 'Begin no more files after N errors'
complete -c ucp -l chown -x -d 'Give the copies this owner and group'
complete -c ucp -l chmod -x -d 'Change the modes of the copies'
complete -c ucp -l delete -d 'Remove what the source does not have'
complete -c ucp -l delete-excluded -d 'The same with what is not chosen to be copied'
complete -c ucp -x -l max-delete -d 'Remove nothing if it would be more than N names'
complete -c ucp -x -l link-dest -a '(__fish_complete_directories)' -d 'Link to the files of an earlier copy that are the same'
complete -c ucp -x -l reflink-dest -a '(__fish_complete_directories)' -d 'Clone the files of an earlier copy that look the same'
complete -c ucp -x -l xattrs -d 'Preserve only the extended attributes that match'
complete -c ucp -l itemize -d 'Print a line for each name that is changed'
complete -c ucp -r -l log-file -d 'Append what is done to FILE'
complete -c ucp -l mirror -d 'Same as -a -T --update=differ --delete'
complete -c ucp -l move -d 'Rename, or copy and then remove each source'
complete -c ucp -l chunk-size -x -d 'Size of a chunk'
complete -c ucp -l debug -d 'Print how each file was copied, and what the rings did'
complete -c ucp -l direct -f -a 'auto always never' -d 'Read and write big files past the page cache'
complete -c ucp -l dry-run -d 'Only print what would be done'
complete -c ucp -l engine -x -a 'auto uring sync' -d 'How data is moved'
complete -c ucp -l fsync -d 'Exit only when everything has reached the disk'
complete -c ucp -l idle -d 'Use processors and disks only when nobody else needs them'
complete -c ucp -l json -d 'Report in lines of JSON on standard output'
complete -c ucp -s j -l threads -x -d 'Number of threads'
complete -c ucp -l progress -f -a 'auto always never plain synced' -d 'Show progress'
complete -c ucp -l queue-depth -x -d 'Maximum number of chunks in flight in each thread'
complete -c ucp -l stats -d 'Print at the end what was copied, and how fast'
complete -c ucp -l resume -d 'Continue an interrupted copy'
complete -c ucp -l verify -d 'Read each copy back and compare it'

complete -c ucp -s h -d 'Show a short help and exit'
complete -c ucp -l help -d 'Show a help and exit'
complete -c ucp -s V -l version -d 'Show the version and exit'

complete -c umv -w ucp
