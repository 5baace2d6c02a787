// SPDX-License-Identifier: MIT
#include "run/work.h"

#include "base/array.h"
#include "copy/file.h"
#include "dest/hardlinks.h"
#include "tree/tree.h"

#include <limits.h>
#include <stdlib.h>

/** Calls of work_urge() until a sweep waits for nothing. */
#define URGENT 10

void work_init(struct work *work) {
	*work = (struct work) {.limit = UINT_MAX};
	thread_must(pthread_mutex_init(&work->lock, NULL));
	thread_must(pthread_cond_init(&work->cond, NULL));
	list_init(&work->files);
	list_init(&work->batches);
	list_init(&work->trees);
	list_init(&work->deferred);
	list_init(&work->last);
}

static void free_batches(struct list *batches) {
	for (struct list *node = batches->next, *next; node != batches; node = next) {
		next = node->next;
		tree_note_failure(list_item(node, struct batch, node)->tree);
		batch_free(list_item(node, struct batch, node));
	}
	list_init(batches);
}

/** Free the names of a sweep, and note those that were not begun. */
static void free_spots(struct spot *spots, size_t count) {
	for (size_t i = 0; i < count; ++i) {
		if (spots[i].tree) {
			tree_note_failure(spots[i].tree);
			tree_unref(spots[i].tree);
		}
	}
	free(spots);
}

void work_destroy(struct work *work) {
	free_spots(work->spots, work->spot_count);
	free_batches(&work->batches);
	free_batches(&work->deferred);
	for (struct list *node; (node = list_pop(&work->last));) {
		tree_note_failure(list_item(node, struct link_name, node)->tree);
		link_name_free(list_item(node, struct link_name, node));
	}
	for (struct list *node; (node = list_pop(&work->trees));) {
		tree_note_failure(list_item(node, struct tree, work_node));
		tree_unref(list_item(node, struct tree, work_node));
	}
	thread_must(pthread_mutex_destroy(&work->lock));
	thread_must(pthread_cond_destroy(&work->cond));
}

/** Wake a worker if one waits; the lock is held. */
static void wake(struct work *work) {
	if (work->waiting > 0) {
		cond_signal(&work->cond);
	}
}

void work_share(struct work *work, struct file *file) {
	file_ref(file);
	mutex_lock(&work->lock);
	list_append(&work->files, &file->work_node);
	// Wake all workers: each can claim a range
	cond_broadcast(&work->cond);
	mutex_unlock(&work->lock);
}

bool work_unshare(struct work *work, struct file *file) {
	mutex_lock(&work->lock);
	bool listed = !list_empty(&file->work_node);
	list_remove(&file->work_node);
	mutex_unlock(&work->lock);
	return listed;
}

struct batch *batch_new(struct tree *tree, const struct listed *listed, size_t count) {
	struct batch *batch = malloc(sizeof(*batch));
	if (batch) {
		*batch = (struct batch) {.tree = tree, .listed = listed, .count = count};
		list_init(&batch->node);
		tree_ref(tree);
	}
	return batch;
}

void batch_free(struct batch *batch) {
	tree_unref(batch->tree);
	free(batch);
}

bool work_push(struct work *work, struct batch *batch) {
	mutex_lock(&work->lock);
	bool room = work->batch_count < WORK_BATCHES;
	if (room) {
		list_push(&work->batches, &batch->node);
		++work->batch_count;
		wake(work);
	}
	mutex_unlock(&work->lock);
	return room;
}

bool work_put(struct work *work, struct spot spot) {
	mutex_lock(&work->lock);
	bool room = array_reserve(work->spots, work->spot_count, work->spot_size) == 0;
	if (room) {
		tree_ref(spot.tree);
		work->spots[work->spot_count++] = spot;
	}
	mutex_unlock(&work->lock);
	return room;
}

/** In the order of the places; the names of an inode stay in the order of their directory. */
static int by_place(const void *a, const void *b) {
	const struct spot *x = a;
	const struct spot *y = b;
	if (x->place != y->place) {
		return x->place < y->place ? -1 : 1;
	}
	if (x->listed->ino != y->listed->ino) {
		return x->listed->ino < y->listed->ino ? -1 : 1;
	}
	return (x->listed > y->listed) - (x->listed < y->listed);
}

/** Whether no name was added to the next sweep for long; the lock is held. */
static bool is_urgent(const struct work *work) {
	return work->idle >= URGENT;
}

/** Whether a sweep can begin; the lock is held. */
static bool is_sweep_due(const struct work *work) {
	bool found = list_empty(&work->batches) && list_empty(&work->trees) && work->busy == 0;
	return !work->sweeping && work->spot_count > 0 && (found || is_urgent(work) || work->spot_count >= WORK_SPOTS);
}

/** Begin a sweep; the lock is held. */
static struct work_item take_sweep(struct work *work) {
	work->sweep = (struct batch) {.spots = work->spots, .count = work->spot_count};
	qsort(work->spots, work->spot_count, sizeof(*work->spots), by_place);
	work->spots = NULL;
	work->spot_count = work->spot_size = work->urged = 0;
	work->sweeping = true;
	work->idle = 0;
	return (struct work_item) {.kind = WORK_SWEEP, .batch = &work->sweep};
}

void work_swept(struct work *work) {
	free_spots(work->sweep.spots, work->sweep.count);
	mutex_lock(&work->lock);
	work->sweeping = false;
	cond_broadcast(&work->cond);
	mutex_unlock(&work->lock);
}

void work_urge(struct work *work) {
	mutex_lock(&work->lock);
	bool same = work->spot_count > 0 && work->spot_count == work->urged && !work->sweeping;
	work->idle = same ? work->idle + 1 : 0;
	work->urged = work->spot_count;
	if (is_urgent(work)) {
		wake(work);
	}
	mutex_unlock(&work->lock);
}

void work_push_later(struct work *work, struct batch *batch) {
	mutex_lock(&work->lock);
	list_append(&work->deferred, &batch->node);
	mutex_unlock(&work->lock);
}

void work_push_last(struct work *work, struct list *names) {
	if (list_empty(names)) {
		return;
	}
	mutex_lock(&work->lock);
	for (struct list *node; (node = list_pop(names));) {
		if (list_item(node, struct link_name, node)->what == TRY_PART) {
			list_append(&work->last, node);
		} else {
			list_push(&work->last, node);
		}
	}
	mutex_unlock(&work->lock);
}

void work_push_tree(struct work *work, struct tree *tree) {
	tree_ref(tree);
	mutex_lock(&work->lock);
	list_push(&work->trees, &tree->work_node);
	wake(work);
	mutex_unlock(&work->lock);
}

/** Take the next subdirectory of the newest tree; the lock is held. */
static struct work_item take_directory(struct work *work) {
	struct tree *tree = list_item(work->trees.next, struct tree, work_node);
	struct work_item item = {
		.kind = WORK_TREE,
		.tree = tree,
		.entry = listing_entry(&tree->listing.dirs[tree->next_dir++]),
	};
	if (tree->next_dir == tree->listing.dir_count) {
		// The list's reference becomes the taker's
		list_remove(&tree->work_node);
	} else {
		tree_ref(tree);
		wake(work);
	}
	return item;
}

/** Take the next piece of work; the lock is held. FLAGS: enum work_take_flags. */
static struct work_item take(struct work *work, unsigned flags) {
	struct work_item item = {.kind = WORK_NONE};
	struct list *node;

	if (work->cancelled) {
		return item;
	}
	if (!list_empty(&work->files)) {
		item.kind = WORK_FILE;
		item.file = list_item(work->files.next, struct file, work_node);
		file_ref(item.file);
	} else if (is_sweep_due(work) && (!(flags & WORK_NARROW) || is_urgent(work))) {
		return take_sweep(work);
	} else if (work->sweeping || is_sweep_due(work)) {
		// Nothing else is to move the head now
		return item;
	} else if ((node = list_pop(&work->batches))) {
		item.kind = WORK_BATCH;
		item.batch = list_item(node, struct batch, node);
		--work->batch_count;
	} else if (!list_empty(&work->trees)) {
		return take_directory(work);
	} else if (work->busy == 0 && (node = list_pop(&work->deferred))) {
		item.kind = WORK_BATCH;
		item.batch = list_item(node, struct batch, node);
	} else if (work->busy == 0 && (node = list_pop(&work->last))) {
		item.kind = WORK_NAME;
		item.name = list_item(node, struct link_name, node);
	}
	return item;
}

/** Take the next piece of work if BUSY workers may be busy; the lock is held. FLAGS: enum work_take_flags. */
static struct work_item take_within(struct work *work, unsigned busy, unsigned flags) {
	struct work_item item = {.kind = WORK_NONE};
	if (busy <= work->limit) {
		item = take(work, flags);
	}
	return item;
}

/** Whether there may be work yet; the lock is held. */
static bool is_going_on(const struct work *work) {
	return (work->busy > 0 || work->spot_count > 0) && !work->cancelled;
}

struct work_item work_take(struct work *work, unsigned flags) {
	bool wait = flags & WORK_WAIT;
	mutex_lock(&work->lock);
	if (wait) {
		--work->busy;
	}
	struct work_item item = take_within(work, work->busy + (wait ? 1 : 0), flags);
	if (wait && item.kind == WORK_NONE && is_sweep_due(work)) {
		// It may be for one of those that wait
		cond_broadcast(&work->cond);
	}
	while (wait && item.kind == WORK_NONE && is_going_on(work)) {
		++work->waiting;
		cond_wait(&work->cond, &work->lock);
		--work->waiting;
		item = take_within(work, work->busy + 1, flags);
	}
	if (wait && item.kind != WORK_NONE) {
		++work->busy;
	} else if (wait) {
		// No worker is left that could push
		cond_broadcast(&work->cond);
	}
	mutex_unlock(&work->lock);
	return item;
}

void work_join(struct work *work, unsigned count) {
	mutex_lock(&work->lock);
	work->busy += count;
	mutex_unlock(&work->lock);
}

bool work_is_surplus(struct work *work, unsigned index) {
	if (index < atomic_load_explicit(&work->limit, memory_order_relaxed)) {
		return false;
	}
	mutex_lock(&work->lock);
	bool surplus = work->busy > work->limit;
	mutex_unlock(&work->lock);
	return surplus;
}

enum work_kind work_pending(struct work *work) {
	enum work_kind kind = WORK_NONE;
	mutex_lock(&work->lock);
	if (!list_empty(&work->batches)) {
		kind = WORK_BATCH;
	} else if (!list_empty(&work->trees)) {
		kind = WORK_TREE;
	} else if (!list_empty(&work->files)) {
		kind = WORK_FILE;
	}
	mutex_unlock(&work->lock);
	return kind;
}

void work_leave(struct work *work, unsigned count) {
	mutex_lock(&work->lock);
	work->busy -= count;
	cond_broadcast(&work->cond);
	mutex_unlock(&work->lock);
}

void work_limit(struct work *work, unsigned limit) {
	mutex_lock(&work->lock);
	work->limit = limit;
	cond_broadcast(&work->cond);
	mutex_unlock(&work->lock);
}

void work_cancel(struct work *work) {
	mutex_lock(&work->lock);
	work->cancelled = true;
	cond_broadcast(&work->cond);
	mutex_unlock(&work->lock);
}
