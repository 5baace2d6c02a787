// SPDX-License-Identifier: MIT
#include "cli/cli-impl.h"

#include <string.h>

/** Note what an option asks for. */
static void note(struct ahead *ahead, bool *text, int key) {
	ahead->json |= key == KEY_JSON;
	ahead->dry_run |= key == KEY_DRY_RUN;
	*text |= key == KEY_HELP || key == 'V';
}

/** Look at a word that begins with two dashes. Returns whether its argument is the next one. */
static bool look_at_name(struct ahead *ahead, bool *text, const char *name) {
	struct buf why = {0};
	size_t len = strcspn(name, "=");
	const struct argp_option *option = cli_find_option(name, len, &why);
	buf_free(&why);
	if (!option) {
		return false;
	}
	note(ahead, text, option->key);
	return cli_needs_argument(option) && name[len] != '=';
}

/** The same for a word of letters. */
static bool look_at_letters(struct ahead *ahead, bool *text, const char *letters) {
	for (; *letters; ++letters) {
		const struct argp_option *option = cli_find_letter(*letters);
		if (option && cli_needs_argument(option)) {
			return letters[1] == '\0';
		}
		note(ahead, text, *letters);
	}
	return false;
}

struct ahead cli_look_ahead(int argc, char **argv, bool posix) {
	struct ahead ahead = {0};
	bool text = false;
	bool only_operands = false;
	for (int i = 1; i < argc; ++i) {
		const char *word = argv[i];
		if (only_operands || word[0] != '-' || word[1] == '\0') {
			++ahead.operands;
			only_operands |= posix;
		} else if (strcmp(word, "--") == 0) {
			only_operands = true;
		} else {
			i += word[1] == '-' ? look_at_name(&ahead, &text, word + 2) : look_at_letters(&ahead, &text, word + 1);
		}
	}
	ahead.json &= !text;
	return ahead;
}
