/* Follows harvest bins by their radio tags: which truck carries which bin, and which bins have not
 * been heard of for too long. Memory is fixed at start, as the reader box has little of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bin_tracker.h"

#define TAG_SLOTS 4096u
#define SILENT_SECONDS 5400u
#define SIGNAL_FLOOR_DBM (-87)

struct tag_slot {
	uint64_t tag;
	uint32_t last_heard;
	uint16_t truck;
	int8_t best_dbm;
	uint8_t flags;
};

struct bin_tracker {
	struct tag_slot slots[TAG_SLOTS];
	uint32_t used;
	uint32_t dropped;
};

static uint32_t slot_of(uint64_t tag)
{
	tag ^= tag >> 29;
	tag *= 0x9fb21c651e98df25ull;
	return (uint32_t)(tag >> 40) & (TAG_SLOTS - 1u);
}

static struct tag_slot *find_slot(struct bin_tracker *tracker, uint64_t tag, int create)
{
	uint32_t at = slot_of(tag);
	uint32_t probes;

	for (probes = 0; probes < 24u; ++probes) {
		struct tag_slot *slot = &tracker->slots[(at + probes * probes) & (TAG_SLOTS - 1u)];

		if (slot->tag == tag)
			return slot;
		if (slot->tag == 0 && create) {
			slot->tag = tag;
			slot->best_dbm = -128;
			tracker->used++;
			return slot;
		}
	}
	if (create)
		tracker->dropped++;
	return NULL;
}

int bin_tracker_hear(struct bin_tracker *tracker, uint64_t tag, uint16_t truck, int dbm, uint32_t now)
{
	struct tag_slot *slot;

	if (tag == 0 || dbm < SIGNAL_FLOOR_DBM)
		return BIN_IGNORED;
	slot = find_slot(tracker, tag, 1);
	if (slot == NULL)
		return BIN_NO_ROOM;
	/* A weaker reading from another truck within two minutes is a neighbour in the queue. */
	if (slot->truck != 0 && slot->truck != truck && now - slot->last_heard < 120u &&
	    dbm <= slot->best_dbm + 6)
		return BIN_NEIGHBOUR;
	slot->truck = truck;
	slot->best_dbm = (int8_t)dbm;
	slot->last_heard = now;
	slot->flags |= TAG_SEEN_TODAY;
	return BIN_UPDATED;
}

uint32_t bin_tracker_silent(const struct bin_tracker *tracker, uint32_t now, uint64_t *tags, uint32_t room)
{
	uint32_t found = 0;
	uint32_t i;

	for (i = 0; i < TAG_SLOTS && found < room; ++i) {
		const struct tag_slot *slot = &tracker->slots[i];

		if (slot->tag == 0 || (slot->flags & TAG_RETIRED) != 0)
			continue;
		if (now - slot->last_heard > SILENT_SECONDS)
			tags[found++] = slot->tag;
	}
	return found;
}
