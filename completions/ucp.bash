# SPDX-License-Identifier: MIT
# bash completion for ucp                                  -*- shell-script -*-
#
# Works with the bash-completion package and without it. The options are held
# against `ucp --help` and the manual page by tests/cases/options.sh.

# Sets cur to the word before the cursor and prev to the one before it. The
# shell hands out `--sparse=a' as three words (COMP_WORDBREAKS): what has no
# blank between is put together again.
_ucp_words()
{
	local i blanks line=${COMP_LINE:0:COMP_POINT} word last='' all=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		blanks=${line%%[![:blank:]]*}
		line=${line#"$blanks"}
		word=${COMP_WORDS[i]}
		if ((i == COMP_CWORD)); then
			word=$line
		fi
		line=${line#"$word"}
		if ((i > 1)) && [[ ! $blanks ]] &&
			[[ $last =~ ^[=:]+$ || $word =~ ^[=:]+ ]]; then
			all[-1]+=$word
		else
			all+=("$word")
		fi
		last=$word
	done
	cur=${all[-1]}
	prev=''
	if ((${#all[@]} > 1)); then
		prev=${all[-2]}
	fi
}

# Adds those of the words $1 that go on from $cur.
_ucp_offer()
{
	local line
	while IFS= read -r line; do
		COMPREPLY+=("$line")
	done < <(compgen -W "$1" -- "$cur")
}

# The same for the last item of a list with commas, without the words that the
# list has already.
_ucp_offer_list()
{
	local head='' item left=''
	if [[ $cur == *,* ]]; then
		head=${cur%,*},
	fi
	for item in $1; do
		if [[ ,$head != *",$item,"* ]]; then
			left+=" $head$item"
		fi
	done
	_ucp_offer "$left"
	compopt -o nospace 2>/dev/null
}

# Adds files, or with -d only directories.
_ucp_files()
{
	if declare -F _filedir >/dev/null; then
		_filedir "$@"
		return
	fi
	local line kind=-f
	if [[ ${1-} == -d ]]; then
		kind=-d
	fi
	while IFS= read -r line; do
		COMPREPLY+=("$line")
	done < <(compgen "$kind" -- "$cur")
	compopt -o filenames 2>/dev/null
}

# Adds the values of option $1.
_ucp_values()
{
	case $1 in
		--engine) _ucp_offer "auto uring sync" ;;
		--sparse | --reflink | --direct) _ucp_offer "auto always never" ;;
		--progress) _ucp_offer "auto always never plain synced" ;;
		--update) _ucp_offer "all none none-fail older differ checksum" ;;
		--backup)
			_ucp_offer "none off simple never existing nil numbered t"
			;;
		--preserve | --no-preserve)
			_ucp_offer_list \
				"mode ownership timestamps links context xattr all"
			;;
		--target-directory | --backup-dir) _ucp_files -d ;;
		--checksums | --exclude-from | --files-from | --log-file) _ucp_files ;;
		--bwlimit)
			# A file to read the rate from
			if [[ $cur == @* ]]; then
				cur=${cur#@}
				_ucp_files
				COMPREPLY=("${COMPREPLY[@]/#/@}")
			fi
			;;
	esac
}

_ucp_options()
{
	_ucp_offer "
		-a --archive --attributes-only -b --backup --backup= --context
		--context= --copy-contents -d --debug -f --force -H -i --interactive
		--keep-directory-symlink -l --link -L --dereference -n --no-clobber -P
		--no-dereference -p --parents --preserve --preserve= --no-preserve= -R
		-r --recursive --reflink --reflink= --remove-destination --sparse=
		--strip-trailing-slashes -s --symbolic-link -S --suffix= -t
		--target-directory= -T --no-target-directory --update --update= -u -v
		--verbose -x --one-file-system -Z -h --help -V --version --atomic --beneath
		--backup-dir= --best-effort --max-errors= --chown= --chmod= --delete
		--delete-excluded --max-delete= --mirror --move --link-dest= --reflink-dest=
		--log-file= --itemize --xattrs=
		--chunk-size=
		--engine= --fsync -j --threads= --progress --progress=
		--queue-depth= --resume --verify --checksums= --stats --json
		--bwlimit= --exclude= --exclude-from= --exclude-vcs --include= -0
		--null --max-size= --min-size= --files-from= --gitignore --idle
		--dry-run --direct --direct="
	if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *= ]]; then
		compopt -o nospace 2>/dev/null
	fi
}

# Adds what the word $cur may become; prev is the word before it.
_ucp_complete()
{
	local i name=''

	# After -- there are operands only.
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then
			_ucp_files
			return
		fi
	done

	if [[ $cur == --*=* ]]; then
		name=${cur%%=*}
		cur=${cur#*=}
		_ucp_values "$name"
		COMPREPLY=("${COMPREPLY[@]/#/$name=}")
		return
	fi

	case $prev in
		# Only these may have their value in a word of its own.
		--engine | --sparse | --no-preserve | --target-directory | \
			--suffix | --threads | --queue-depth | --chunk-size | \
			--bwlimit | --exclude | --include | --exclude-from | \
			--max-size | --min-size | --files-from | --max-delete | --link-dest | --reflink-dest | \
			--chown | --chmod | --backup-dir | --max-errors | --log-file)
			_ucp_values "$prev"
			return
			;;
		# Its value is in the same word, or it is an error.
		--checksums | --xattrs) return ;;
	esac
	if [[ $prev =~ ^-[^-tjS]*([tjS])$ ]]; then
		if [[ ${BASH_REMATCH[1]} == t ]]; then
			_ucp_files -d
		fi
		return
	fi

	if [[ $cur == -* ]]; then
		_ucp_options
	else
		_ucp_files
	fi
}

_ucp()
{
	local cur prev done_part i
	COMPREPLY=()

	if declare -F _init_completion >/dev/null; then
		# shellcheck disable=SC2034 # _init_completion sets them
		local words cword
		_init_completion -n =: || return
	else
		_ucp_words
	fi

	# The shell replaces what stands behind the last break in the word.
	done_part=''
	if [[ ${COMP_WORDBREAKS-} == *=* && $cur == *=* && $cur != [\"\']* ]]; then
		done_part=${cur%"${cur##*=}"}
	fi
	if [[ ${COMP_WORDBREAKS-} == *:* && ${cur#"$done_part"} == *:* &&
		$cur != [\"\']* ]]; then
		done_part=${cur%"${cur##*:}"}
	fi
	_ucp_complete
	for i in "${!COMPREPLY[@]}"; do
		COMPREPLY[i]=${COMPREPLY[i]#"$done_part"}
	done
}

complete -F _ucp ucp umv
