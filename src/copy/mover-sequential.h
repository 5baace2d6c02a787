/**
 * What move_sequential shares with what reads its copies back.
 */

#ifndef UCP_MOVER_SEQUENTIAL_H
#define UCP_MOVER_SEQUENTIAL_H

#include "copy/mover.h"

/** Bytes of move_order::buffer, and what it is aligned to and O_DIRECT asks for at least. */
#define MOVE_ORDER_BUFFER (1u << 20)
#define MOVE_ORDER_BLOCK 4096u

/** Holes are hashed in parts of this size, lest nobody is heard meanwhile. */
#define MOVE_HOLE_PART (64u << 20)

/** What files are copied in order and verified with. */
struct move_order {
	/** Of what was read from the source, and of what is read back. */
	struct hash *read;
	struct hash *read_back;
	char *buffer;
};

#endif // UCP_MOVER_SEQUENTIAL_H
