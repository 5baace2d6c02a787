# SPDX-License-Identifier: MIT
# For a zsh on a terminal (tests/tools/shells.py): what its completion offers, and what a line becomes.
# $1: where the completions are. $2: lines to complete. $3: gets, for each of them, what is offered in the place of its
# last word, each behind a line break, and a line "end".

fpath=("$1" $fpath)
queries=$2 answers=$3
autoload -Uz compinit
compinit -u -D
zstyle ':completion:*' verbose no
PS1= RPS1=
setopt no_beep no_prompt_cr

# Ctrl-X a: completes all lines.
_offers()
{
	compadd() {
		local -a words prefix hidden quoted other
		# What is only looked up is not offered
		if [[ -z ${argv[(r)-[OAD]]} ]]; then
			builtin compadd -O words "$@"
			zparseopts -E -a other P:=prefix p:=hidden Q=quoted q f e n U l 1 2 C J: V: X: x: M: F: W: S: s: i: I: r: R: d: o:
			(($#quoted)) && words=("${(@Q)words}")
			found+=("${words[@]/#/$IPREFIX${prefix[2]-}${hidden[2]-}}")
		fi
		builtin compadd "$@"
	}
	_main_complete
	unfunction compadd
	compstate[insert]= compstate[list]=
}
zle -C offers complete-word _offers

answer_all()
{
	local line
	local -aU found
	while IFS= read -r line; do
		found=()
		BUFFER=$line CURSOR=$#line
		zle offers
		print -rl -- "${found[@]}" end
	done <"$queries" >"$answers"
	BUFFER=
	print -r -- '<<done>>'
}
zle -N answer_all
bindkey '^Xa' answer_all

# Ctrl-X p: shows the line as it is.
display_line()
{
	print -rn -- "<<$BUFFER>>"
}
zle -N display_line
bindkey '^Xp' display_line
print -r RE''ADY
