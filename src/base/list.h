// SPDX-License-Identifier: MIT
/**
 * Intrusive doubly linked lists: the node is a member of the listed structure.
 */

#ifndef UCP_LIST_H
#define UCP_LIST_H

/** A node, and also the head of a ring of nodes. */
struct list {
	struct list *next;
	struct list *prev;
};

/** The structure of TYPE whose MEMBER is the node NODE. */
// clang-format off
#define list_item(node, type, member) ((type *)((char *)(node) - offsetof(type, member)))
// clang-format on

/** Make an empty list, or a node that is in no list. */
static inline void list_init(struct list *list) {
	list->next = list;
	list->prev = list;
}

/** Whether a list is empty, or a node is in no list. */
static inline bool list_empty(const struct list *list) {
	return list->next == list;
}

/** Insert a node before all others. */
static inline void list_push(struct list *list, struct list *node) {
	node->next = list->next;
	node->prev = list;
	list->next->prev = node;
	list->next = node;
}

/** Append a node after all others. */
static inline void list_append(struct list *list, struct list *node) {
	list_push(list->prev, node);
}

/** Remove a node from its list, if it is in one. */
static inline void list_remove(struct list *node) {
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/** Remove and return the first node; NULL if the list is empty. */
static inline struct list *list_pop(struct list *list) {
	if (list_empty(list)) {
		return NULL;
	}
	struct list *node = list->next;
	list_remove(node);
	return node;
}

#endif // UCP_LIST_H
