// SPDX-License-Identifier: MIT
#include "base/inode.h"

#include "base/array.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
	const struct inode *x = a;
	const struct inode *y = b;
	if (x->dev != y->dev) {
		return x->dev < y->dev ? -1 : 1;
	}
	return (x->ino > y->ino) - (x->ino < y->ino);
}

int inode_set_insert(struct inode_set *set, struct inode *item) {
	return tsearch(item, &set->root, compare) ? 0 : -ENOMEM;
}

void *inode_set_find(const struct inode_set *set, struct inode inode) {
	void *found = tfind(&inode, &set->root, compare);
	return found ? *(void **)found : NULL;
}

void inode_set_remove(struct inode_set *set, const struct inode *item) {
	tdelete(item, &set->root, compare);
}

bool inode_set_has(const struct inode_set *set, struct inode inode) {
	return inode_set_find(set, inode) != NULL;
}

int inode_set_add(struct inode_set *set, struct inode inode) {
	if (inode_set_has(set, inode)) {
		return 0;
	}
	struct inode *item = malloc(sizeof(*item));
	if (!item) {
		return -ENOMEM;
	}
	*item = inode;
	if (inode_set_insert(set, item) < 0) {
		free(item);
		return -ENOMEM;
	}
	return 1;
}

void inode_set_clear(struct inode_set *set, void (*release)(void *item)) {
	tdestroy(set->root, release);
	set->root = NULL;
}

int inode_list_add(struct inode_list *list, struct inode inode) {
	int ret = array_reserve(list->items, list->count, list->size);
	if (ret == 0) {
		list->items[list->count++] = inode;
	}
	return ret;
}

void inode_list_sort(struct inode_list *list) {
	if (list->count > 1) {
		qsort(list->items, list->count, sizeof(*list->items), compare);
	}
}

bool inode_list_has(const struct inode_list *list, struct inode inode) {
	return list->count > 0 && bsearch(&inode, list->items, list->count, sizeof(*list->items), compare);
}

void inode_list_free(struct inode_list *list) {
	free(list->items);
	*list = (struct inode_list) {0};
}
