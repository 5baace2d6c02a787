// SPDX-License-Identifier: MIT
/** Runs a fuzz target over files, where there is no libFuzzer. */

#include "../fuzz/fuzz.h"

int main(int argc, char **argv) {
	for (int i = 1; i < argc; ++i) {
		static uint8_t data[1 << 20];
		FILE *file = fopen(argv[i], "r");
		if (!file) {
			perror(argv[i]);
			return 2;
		}
		size_t size = fread(data, 1, sizeof(data), file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, size);
	}
	printf("%d inputs\n", argc - 1);
	return 0;
}
