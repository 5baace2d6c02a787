// SPDX-License-Identifier: MIT
#include "dest/hardlinks.h"

#include "base/clock.h"
#include "dest/dest.h"
#include "tree/tree.h"

#include <stdlib.h>
#include <string.h>

void hardlinks_init(struct hardlinks *hardlinks) {
	*hardlinks = (struct hardlinks) {0};
	thread_must(pthread_mutex_init(&hardlinks->lock, NULL));
}

static void free_link(void *item) {
	struct link *link = item;
	if (link->first.tree) {
		tree_drop(link->first.tree);
	}
	free(link->first.src_name);
	free(link->first.dst_name);
	free(link);
}

void hardlinks_destroy(struct hardlinks *hardlinks) {
	inode_set_clear(&hardlinks->set, free_link);
	inode_set_clear(&hardlinks->copies, free);
	thread_must(pthread_mutex_destroy(&hardlinks->lock));
}

static bool set_name(struct link_name *name, const struct entry *entry) {
	name->src_name = strdup(entry->name);
	name->dst_name = strdup(entry->dst_name);
	return name->src_name && name->dst_name;
}

static struct link *add(struct hardlinks *hardlinks, struct inode inode, const struct entry *entry) {
	struct link *link = calloc(1, sizeof(*link));
	if (!link) {
		return NULL;
	}
	link->inode = inode;
	list_init(&link->waiting);
	// Allocate the names now, so that recording the copy cannot fail
	if (!set_name(&link->first, entry) || inode_set_insert(&hardlinks->set, &link->inode) < 0) {
		free_link(link);
		return NULL;
	}
	return link;
}

struct link_name *link_name_new(struct tree *tree, const struct entry *entry) {
	struct link_name *name = calloc(1, sizeof(*name));
	if (!name) {
		return NULL;
	}
	list_init(&name->node);
	name->tree = tree;
	tree_ref(tree);
	if (!set_name(name, entry)) {
		link_name_free(name);
		return NULL;
	}
	return name;
}

static enum link_verdict wait_for(struct link *link, struct tree *tree, const struct entry *entry,
	const struct dest_found *found) {
	struct link_name *name = link_name_new(tree, entry);
	if (!name) {
		return LINK_NO_MEMORY;
	}
	name->agreed = found && found->agreed;
	if (found && found->backup && !(name->backup = strdup(found->backup))) {
		link_name_free(name);
		return LINK_NO_MEMORY;
	}
	list_append(&link->waiting, &name->node);
	return LINK_WAIT;
}

enum link_verdict hardlinks_enter(struct hardlinks *hardlinks, struct inode inode, struct tree *tree,
	const struct entry *entry, const struct dest_found *found, struct link **out, const struct link_name **to) {
	enum link_verdict verdict;

	mutex_lock(&hardlinks->lock);
	struct link *link = inode_set_find(&hardlinks->set, inode);
	if (!link) {
		*out = add(hardlinks, inode, entry);
		verdict = *out ? LINK_COPY : LINK_NO_MEMORY;
	} else if (link->first.tree) {
		*to = &link->first;
		verdict = LINK_TO;
	} else {
		verdict = wait_for(link, tree, entry, found);
	}
	mutex_unlock(&hardlinks->lock);
	return verdict;
}

void link_copied(struct link *link, const struct stat *src) {
	link->copied = true;
	link->size = src->st_size;
	link->mtime = src->st_mtim;
	link->ctime = src->st_ctim;
}

bool link_is_copy_of(const struct link_name *to, const struct stat *src) {
	const struct link *link = list_item(to, struct link, first);
	return link->copied && inode_same(inode_of(src), link->inode) && src->st_size == link->size
		&& time_same(src->st_mtim, link->mtime) && time_same(src->st_ctim, link->ctime);
}

/** Move the waiting names to WAITING. */
static void take_waiting(struct link *link, struct list *waiting) {
	for (struct list *node; (node = list_pop(&link->waiting));) {
		list_append(waiting, node);
	}
}

const struct link_name *hardlinks_done(struct hardlinks *hardlinks, struct link *link, struct tree *tree,
	struct inode copy, struct list *waiting) {
	mutex_lock(&hardlinks->lock);
	tree_keep(tree);
	link->first.tree = tree;
	link->first.copy = copy;
	hardlinks->copies_unknown |= inode_set_add(&hardlinks->copies, copy) < 0;
	take_waiting(link, waiting);
	mutex_unlock(&hardlinks->lock);
	return &link->first;
}

bool hardlinks_is_copy(struct hardlinks *hardlinks, struct inode inode) {
	mutex_lock(&hardlinks->lock);
	bool is = hardlinks->copies_unknown || inode_set_has(&hardlinks->copies, inode);
	mutex_unlock(&hardlinks->lock);
	return is;
}

void hardlinks_failed(struct hardlinks *hardlinks, struct link *link, struct list *waiting) {
	mutex_lock(&hardlinks->lock);
	take_waiting(link, waiting);
	inode_set_remove(&hardlinks->set, &link->inode);
	mutex_unlock(&hardlinks->lock);
	free_link(link);
}

void link_name_free(struct link_name *name) {
	tree_unref(name->tree);
	free(name->src_name);
	free(name->dst_name);
	free(name->backup);
	free(name);
}
