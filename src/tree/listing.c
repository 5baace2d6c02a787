#include "tree/listing.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Bytes of each block of names after the first. */
#define NAME_BLOCK (16u << 10)

/** Bytes read from a directory at once. */
#define DIR_BUFFER (32u << 10)

/** Names, one after the other. */
struct name_block {
	struct name_block *next;
	size_t used;
	size_t size;
	char names[];
};

/** Allocate LEN bytes that never move. NULL without memory. */
static char *name_alloc(struct listing *listing, size_t len) {
	struct name_block *block = listing->blocks;
	if (!block || block->size - block->used < len) {
		// Most directories are small, so the first block is, too
		size_t size = max(len, block ? NAME_BLOCK : (size_t)1024);
		block = malloc(sizeof(*block) + size);
		if (!block) {
			return NULL;
		}
		*block = (struct name_block) {.next = listing->blocks, .size = size};
		listing->blocks = block;
	}
	char *name = block->names + block->used;
	block->used += len;
	return name;
}

static char *name_copy(struct listing *listing, const char *name) {
	size_t len = strlen(name) + 1;
	char *copy = name_alloc(listing, len);
	return copy ? memcpy(copy, name, len) : NULL;
}

static int entry_append(struct entry **entries, size_t *count, size_t *size, struct entry entry) {
	if (*count == *size) {
		size_t more = *size ? *size * 2 : 16;
		struct entry *bigger = realloc(*entries, more * sizeof(*bigger));
		if (!bigger) {
			return -ENOMEM;
		}
		*entries = bigger;
		*size = more;
	}
	(*entries)[(*count)++] = entry;
	return 0;
}

int listing_add(struct listing *listing, const char *name, const char *dst_name, uint64_t ino, unsigned char type) {
	struct entry entry = {.ino = ino, .type = type};
	entry.name = name_copy(listing, name);
	entry.dst_name = dst_name == name ? entry.name : name_copy(listing, dst_name);
	if (!entry.name || !entry.dst_name) {
		return -ENOMEM;
	}
	if (type == DT_DIR) {
		return entry_append(&listing->dirs, &listing->dir_count, &listing->dir_size, entry);
	}
	return entry_append(&listing->files, &listing->file_count, &listing->file_size, entry);
}

static int add_block(struct listing *listing, const char *data, size_t len) {
	int ret = 0;
	for (size_t at = 0; at < len && ret == 0;) {
		const struct dirent64 *dirent = (const struct dirent64 *)(data + at);
		const char *name = dirent->d_name;
		at += dirent->d_reclen;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			ret = listing_add(listing, name, name, dirent->d_ino, dirent->d_type);
		}
	}
	return ret;
}

int listing_read(struct listing *listing, int dir) {
	char *data = malloc(DIR_BUFFER);
	int ret = data ? 0 : -ENOMEM;
	while (ret == 0) {
		ssize_t n = getdents64(dir, data, DIR_BUFFER);
		if (n <= 0) {
			ret = n < 0 ? -errno : 0;
			break;
		}
		ret = add_block(listing, data, (size_t)n);
	}
	free(data);
	return ret;
}

void listing_free(struct listing *listing) {
	free(listing->files);
	free(listing->dirs);
	for (struct name_block *block = listing->blocks; block;) {
		struct name_block *next = block->next;
		free(block);
		block = next;
	}
	*listing = (struct listing) {0};
}
