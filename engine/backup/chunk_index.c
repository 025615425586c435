#include "engine/backup/chunk_index.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define SEGMENT 8192u /* rows; so that growing moves none */

static struct chunk_row *row_at(const struct chunk_index *x, uint32_t i)
{
	return &x->segments[i / SEGMENT][i % SEGMENT];
}

static uint32_t *head_of(const struct chunk_index *x, const void *id)
{
	return &x->heads[word_hash(x->seed, id, sizeof(((struct chunk_row *)0)->id)) & (x->n_heads - 1)];
}

struct chunk_row *chunk_index_find(const struct chunk_index *x, const struct chunk_id *id)
{
	if (x->n == 0)
		return NULL;
	for (uint32_t i = *head_of(x, id->bytes); i; i = row_at(x, i - 1)->next)
		if (memcmp(row_at(x, i - 1)->id, id->bytes, sizeof(row_at(x, 0)->id)) == 0)
			return row_at(x, i - 1);
	return NULL;
}

static int grow_heads(struct chunk_index *x, struct err *e)
{
	size_t n = x->n_heads ? x->n_heads * 2 : 4096;
	uint32_t *heads = calloc(n, sizeof(*heads));
	if (!heads)
		return err_no_memory(e);
	if (!x->heads)
		randombytes_buf(&x->seed, sizeof(x->seed));
	free(x->heads);
	x->heads = heads;
	x->n_heads = n;
	for (uint32_t i = 0; i < x->n; i++) {
		uint32_t *head = head_of(x, row_at(x, i)->id);
		row_at(x, i)->next = *head;
		*head = i + 1;
	}
	return 0;
}

static int grow_rows(struct chunk_index *x, struct err *e)
{
	struct chunk_row **segments = realloc(x->segments, (x->n_segments + 1) * sizeof(*segments));
	if (!segments)
		return err_no_memory(e);
	x->segments = segments;
	segments[x->n_segments] = malloc(SEGMENT * sizeof(**segments));
	if (!segments[x->n_segments])
		return err_no_memory(e);
	x->n_segments++;
	return 0;
}

int chunk_index_add(struct chunk_index *x, const struct chunk_id *id, struct chunk_row **row, struct err *e)
{
	if ((*row = chunk_index_find(x, id)))
		return 0;
	if (x->n == UINT32_MAX - 1)
		return err_set(e, ERR_UNSUPPORTED, "the repository has too many chunks");
	if (x->n == x->n_heads && grow_heads(x, e) < 0)
		return -1;
	if (x->n == x->n_segments * SEGMENT && grow_rows(x, e) < 0)
		return -1;
	uint32_t *head = head_of(x, id->bytes);
	*row = row_at(x, (uint32_t)x->n);
	**row = (struct chunk_row){.next = *head};
	memcpy((*row)->id, id->bytes, sizeof((*row)->id));
	*head = (uint32_t)++x->n;
	return 1;
}

void chunk_row_blob(const struct chunk_row *row, const struct chunk_id *id, struct blob *b)
{
	*b = (struct blob){.id = *id, .stored = row->stored, .plain = row->plain, .zstd = row->zstd};
}

void chunk_index_free(struct chunk_index *x)
{
	for (size_t i = 0; i < x->n_segments; i++)
		free(x->segments[i]);
	free(x->segments);
	free(x->heads);
	*x = (struct chunk_index){0};
}
