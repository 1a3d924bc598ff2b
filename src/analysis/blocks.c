// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/blocks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

enum {
	SHARDS = 64, /* each with a lock of its own, so that threads rarely wait */
	LEAST = 8,   /* stretches: below that a block saves nothing */
	FIRST_SLOTS = 64,
};

#define ID_MASK ((UINT64_C(1) << STRETCH_SPACE_BITS) - 1)
/* Of a stretch's `what`, that which does not depend on where the block is mapped. */
#define WITHIN_MASK (((uint64_t)BLOCK_PAGES << STRETCH_VPN_SHIFT) - 1)

struct block {
	const struct stretch *stretches;
	uint64_t hash;
	size_t count;
};

struct use {
	uint32_t block; /* within the shard */
	uint32_t space;
	uint64_t vpn;
};

struct shard {
	pthread_mutex_t lock;
	VEC(struct block) blocks;
	VEC(struct use) uses;
	uint32_t *slots; /* open addressing: number of a block and 1, or 0 */
	size_t slot_count;
};

struct blocks {
	uint64_t first_id;
	struct shard shards[SHARDS];
};

struct error *blocks_create(uint64_t first_id, struct blocks **result)
{
	struct blocks *blocks = calloc(1, sizeof(*blocks));

	if (!blocks)
		return error_nomem();
	blocks->first_id = first_id;
	for (int i = 0; i < SHARDS; i++)
		pthread_mutex_init(&blocks->shards[i].lock, NULL);
	*result = blocks;
	return NULL;
}

void blocks_destroy(struct blocks *blocks)
{
	if (!blocks)
		return;
	for (int i = 0; i < SHARDS; i++) {
		pthread_mutex_destroy(&blocks->shards[i].lock);
		vec_deinit(&blocks->shards[i].blocks);
		vec_deinit(&blocks->shards[i].uses);
		free(blocks->shards[i].slots);
	}
	free(blocks);
}

/* Equal blocks have equal hashes; unequal ones are told apart by comparing. */
static uint64_t hash_of(const struct stretch *s, size_t count)
{
	uint64_t hash = count;

	for (size_t i = 0; i < count; i++) {
		hash = (hash ^ s[i].where >> STRETCH_SPACE_BITS) * UINT64_C(0x9e3779b97f4a7c15);
		hash = (hash ^ hash >> 29 ^ (s[i].what & WITHIN_MASK)) *
		       UINT64_C(0xbf58476d1ce4e5b9);
	}
	return hash ^ hash >> 32;
}

static bool are_equal(const struct stretch *a, const struct stretch *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if ((a[i].where ^ b[i].where) & ~ID_MASK || (a[i].what ^ b[i].what) & WITHIN_MASK)
			return false;
	}
	return true;
}

/* The slot where a block with this hash is, or where it would be put. */
static uint32_t *find_slot(const struct shard *shard, uint64_t hash, const struct stretch *s,
			   size_t count)
{
	for (size_t i = hash / SHARDS;; i++) {
		uint32_t *slot = &shard->slots[i & (shard->slot_count - 1)];

		if (*slot == 0)
			return slot;
		const struct block *block = &shard->blocks.items[*slot - 1];
		if (s && block->hash == hash && block->count == count &&
		    are_equal(block->stretches, s, count))
			return slot;
	}
}

/* At most half of the slots are taken. */
static struct error *make_room(struct shard *shard)
{
	size_t count = shard->slot_count ? 2 * shard->slot_count : FIRST_SLOTS;

	if (2 * (shard->blocks.count + 1) <= shard->slot_count)
		return NULL;
	uint32_t *slots = calloc(count, sizeof(*slots));
	if (!slots)
		return error_nomem();
	free(shard->slots);
	shard->slots = slots;
	shard->slot_count = count;
	for (size_t i = 0; i < shard->blocks.count; i++)
		*find_slot(shard, shard->blocks.items[i].hash, NULL, 0) = (uint32_t)i + 1;
	return NULL;
}

static struct error *add_block(struct shard *shard, uint32_t *slot, struct stretch *s, size_t count,
			       uint64_t hash, uint64_t id)
{
	TRY(vec_push(&shard->blocks, ((struct block){s, hash, count})));
	*slot = (uint32_t)shard->blocks.count;
	for (size_t i = 0; i < count; i++)
		s[i].where = (s[i].where & ~ID_MASK) | id;
	return NULL;
}

static struct error *put(struct blocks *blocks, struct shard *shard, struct stretch *s,
			 size_t count, uint64_t hash, struct use use, bool *known)
{
	/* Numbers of blocks of one shard are SHARDS apart. */
	uint64_t id = blocks->first_id + shard->blocks.count * SHARDS +
		      (uint64_t)(shard - blocks->shards);

	TRY(make_room(shard));
	uint32_t *slot = find_slot(shard, hash, s, count);
	*known = *slot != 0;
	if (!*known && id > ID_MASK)
		return NULL; /* no number is left: they stay this space's own */
	if (!*known)
		TRY(add_block(shard, slot, s, count, hash, id));
	use.block = *slot - 1;
	return vec_push(&shard->uses, use);
}

struct error *blocks_put(struct blocks *blocks, struct stretch *stretches, size_t count,
			 size_t space, uint64_t vpn, bool *known)
{
	struct use use = {.space = (uint32_t)space, .vpn = vpn};

	*known = false;
	if (count < LEAST)
		return NULL;
	uint64_t hash = hash_of(stretches, count);
	struct shard *shard = &blocks->shards[hash % SHARDS];
	pthread_mutex_lock(&shard->lock);
	struct error *error = put(blocks, shard, stretches, count, hash, use, known);
	pthread_mutex_unlock(&shard->lock);
	return error;
}

/* --- when reading is over -------------------------------------------------------------------- */

static size_t count_numbers(const struct blocks *blocks)
{
	size_t most = 0;

	for (int i = 0; i < SHARDS; i++) {
		if (blocks->shards[i].blocks.count > most)
			most = blocks->shards[i].blocks.count;
	}
	return most * SHARDS;
}

typedef void (*use_visit)(struct block_users *users, size_t block, const struct use *use);

static void count_use(struct block_users *users, size_t block, const struct use *use)
{
	(void)use;
	users->first[block + 1]++;
}

/* first[] is where the next one goes, and in the end where the block's own end. */
static void place_use(struct block_users *users, size_t block, const struct use *use)
{
	users->users[users->first[block]++] = (struct block_user){use->vpn, use->space};
}

static void for_uses(const struct blocks *blocks, bool (*keep)(const void *, size_t),
		     const void *argument, struct block_users *users, use_visit visit)
{
	for (size_t i = 0; i < SHARDS; i++) {
		const struct shard *shard = &blocks->shards[i];

		for (size_t j = 0; j < shard->uses.count; j++) {
			const struct use *use = &shard->uses.items[j];

			if (keep(argument, use->space))
				visit(users, (size_t)use->block * SHARDS + i, use);
		}
	}
}

struct error *blocks_users(const struct blocks *blocks,
			   bool (*keep)(const void *argument, size_t space), const void *argument,
			   struct block_users *users)
{
	size_t count = count_numbers(blocks);

	*users = (struct block_users){.count = count};
	users->first = calloc(count + 2, sizeof(*users->first));
	if (!users->first)
		return error_nomem();
	for_uses(blocks, keep, argument, users, count_use);
	for (size_t i = 0; i < count; i++)
		users->first[i + 1] += users->first[i];
	users->users = calloc(users->first[count] + 1, sizeof(*users->users));
	if (!users->users) {
		free(users->first);
		users->first = NULL;
		return error_nomem();
	}
	for_uses(blocks, keep, argument, users, place_use);
	/* Each first[] has moved on to the next one's. */
	memmove(users->first + 1, users->first, count * sizeof(*users->first));
	users->first[0] = 0;
	return NULL;
}
