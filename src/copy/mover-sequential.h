// SPDX-License-Identifier: MIT
/**
 * What move_sequential and move_verify() share.
 */

#ifndef UCP_MOVER_SEQUENTIAL_H
#define UCP_MOVER_SEQUENTIAL_H

#include "copy/mover.h"

/** Bytes of move_order::buffer, and its alignment, which is also what O_DIRECT needs at least. */
#define MOVE_ORDER_BUFFER (1u << 20)
#define MOVE_ORDER_BLOCK 4096u

/** Bytes of a hole that are hashed at a time: the copy can be cancelled in between. */
#define MOVE_HOLE_PART (64u << 20)

/** Buffers for copying files in order and verifying them. */
struct move_order {
	/** The hash of what was read from the source, and the hash of what is read back. */
	struct hash *read;
	struct hash *read_back;
	char *buffer;
};

#endif // UCP_MOVER_SEQUENTIAL_H
