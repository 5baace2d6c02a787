// SPDX-License-Identifier: MIT
#include "tree/listing.h"

#include "base/array.h"
#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/** Bytes of each block of names after the first. */
#define NAME_BLOCK (16u << 10)

/** Up to this many names of one inode are compared in pairs; more are sorted by name. */
#define COMPARED_MOST 64

/** Above this many names, the memory that sorting takes counts. */
#define HALVED 65536

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

/** Bits of the byte in front of a name: its type, and whether its name in the destination follows it. */
#define TYPE_BITS 0x0f
#define OTHER_NAME 0x10

/** Store a name. Returns it, or NULL if there is no memory. */
static const char *keep(struct listing *listing, const char *name, const char *dst_name, unsigned char type) {
	size_t len = strlen(name) + 1;
	size_t other = dst_name == name ? 0 : strlen(dst_name) + 1;
	char *at = name_alloc(listing, 1 + len + other);
	if (!at) {
		return NULL;
	}
	*at = (char)((type & TYPE_BITS) | (other > 0 ? OTHER_NAME : 0));
	memcpy(at + 1, name, len);
	memcpy(at + 1 + len, dst_name, other);
	return at + 1;
}

static int append(struct listed **list, size_t *count, size_t *size, struct listed item) {
	int ret = array_reserve(*list, *count, *size);
	if (ret == 0) {
		(*list)[(*count)++] = item;
	}
	return ret;
}

int listing_add(struct listing *listing, const char *name, const char *dst_name, uint64_t ino, unsigned char type) {
	struct listed item = {.name = keep(listing, name, dst_name, type), .ino = ino};
	if (!item.name) {
		return -ENOMEM;
	}
	if (type == DT_DIR) {
		return append(&listing->dirs, &listing->dir_count, &listing->dir_size, item);
	}
	return append(&listing->files, &listing->file_count, &listing->file_size, item);
}

struct entry listing_entry(const struct listed *listed) {
	unsigned char kept = (unsigned char)listed->name[-1];
	bool other = kept & OTHER_NAME;
	return (struct entry) {
		.name = listed->name,
		.dst_name = other ? listed->name + strlen(listed->name) + 1 : listed->name,
		.ino = listed->ino,
		.type = kept & TYPE_BITS,
	};
}

static int by_inode(const void *a, const void *b) {
	const struct listed *x = a;
	const struct listed *y = b;
	return (x->ino > y->ino) - (x->ino < y->ino);
}

static int by_name(const void *a, const void *b) {
	const struct listed *x = a;
	const struct listed *y = b;
	return strcmp(x->name, y->name);
}

/** Whether ENTRY is among the names of its inode, which are the last ones kept. */
static bool is_kept(const struct listed *entries, size_t kept, const struct listed *entry) {
	while (kept > 0 && entries[kept - 1].ino == entry->ino) {
		if (strcmp(entries[--kept].name, entry->name) == 0) {
			return true;
		}
	}
	return false;
}

/**
 * Sort by inode. qsort(3) takes as much memory again as what it sorts. So the halves are sorted one after the other,
 * and only the first half is copied when they are merged.
 */
static void sort_by_inode(struct listed *entries, size_t count) {
	size_t half = count > HALVED ? count / 2 : 0;
	qsort(entries, half, sizeof(*entries), by_inode);
	qsort(entries + half, count - half, sizeof(*entries), by_inode);
	struct listed *first = half > 0 ? malloc(half * sizeof(*first)) : NULL;
	if (!first) {
		qsort(entries, half > 0 ? count : 0, sizeof(*entries), by_inode);
		return;
	}
	memcpy(first, entries, half * sizeof(*first));
	size_t to = 0;
	for (size_t a = 0, b = half; a < half; ++to) {
		entries[to] = b == count || first[a].ino <= entries[b].ino ? first[a++] : entries[b++];
	}
	free(first);
}

/** Sort by inode, and drop what is there twice. */
static void sort_entries(struct listed *entries, size_t *count) {
	size_t kept = 0;
	if (*count > 1) {
		sort_by_inode(entries, *count);
	}
	for (size_t i = 0, end; i < *count; i = end) {
		for (end = i + 1; end < *count && entries[end].ino == entries[i].ino; ++end) {
		}
		bool many = end - i > COMPARED_MOST;
		if (many) {
			qsort(entries + i, end - i, sizeof(*entries), by_name);
		}
		for (size_t k = i; k < end; ++k) {
			bool twice = many ? k > i && by_name(&entries[kept - 1], &entries[k]) == 0
							  : is_kept(entries, kept, &entries[k]);
			if (!twice) {
				entries[kept++] = entries[k];
			}
		}
	}
	*count = kept;
}

void listing_sort(struct listing *listing) {
	sort_entries(listing->files, &listing->file_count);
	sort_entries(listing->dirs, &listing->dir_count);
}

static int add_entry(void *listing, const struct dirent64 *entry) {
	return listing_add(listing, entry->d_name, entry->d_name, entry->d_ino, entry->d_type);
}

int listing_read(struct listing *listing, int dir) {
	return read_names(dir, add_entry, listing);
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
