/* Sources: what each asker has of the tables, so that one that asks without end leaves the others theirs. */
#include <string.h>

#include "net/dns/service.h"

#define WAYS          8 /* places that an address may have */
#define TOKENS_MOST   1000
#define TOKENS_PER_MS 5

static uint32_t hash_address(const struct net_address *a)
{
	uint32_t h = 0x811c9dc5;

	for (size_t i = 0; i < net_address_len(a); i++)
		h = (h ^ a->bytes[i]) * 0x01000193;
	return h ^ h >> 15;
}

int source_find(struct service *s, const struct net_address *a)
{
	unsigned first = hash_address(a) % (SOURCES_MAX / WAYS) * WAYS;
	int free = -1;

	for (unsigned i = first; i < first + WAYS; i++) {
		const struct source *at = &s->sources[i];
		if (net_address_equal(&at->address, a))
			return (int)i;
		if (at->queries || at->streams || at->relays)
			continue;
		if (free < 0 || at->refilled < s->sources[free].refilled)
			free = (int)i;
	}
	if (free >= 0)
		s->sources[free] = (struct source){.address = *a, .refilled = s->now, .tokens = TOKENS_MOST};
	return free;
}

bool source_spend(struct service *s, int source)
{
	struct source *at = &s->sources[source];
	uint64_t tokens = at->tokens + (uint64_t)(s->now - at->refilled) * TOKENS_PER_MS;

	at->refilled = s->now;
	at->tokens = tokens > TOKENS_MOST ? TOKENS_MOST : (unsigned)tokens;
	if (!at->tokens)
		return false;
	at->tokens--;
	return true;
}
