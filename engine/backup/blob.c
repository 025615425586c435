#include "engine/backup/blob.h"

#include <stdlib.h>
#include <zstd.h>

#include "base/err.h"
#include "engine/backup/seal.h"

#define LEVEL      3
#define PROBE_FROM ((size_t)32 << 10) /* shorter ones are compressed without asking */
#define PROBE_PART ((size_t)4 << 10)
#define PROBES     4

struct blob_coder {
	const struct seal *seal;
	ZSTD_CCtx *compress, *probe;
	ZSTD_DCtx *decompress;
	unsigned char *packed, *sealed;
	size_t packed_size, sealed_size;
	unsigned char part[PROBES * PROBE_PART], parted[ZSTD_COMPRESSBOUND(PROBES * PROBE_PART)];
};

struct blob_coder *blob_coder_new(const struct seal *s, struct err *e)
{
	struct blob_coder *c = calloc(1, sizeof(*c));
	if (!c) {
		err_no_memory(e);
		return NULL;
	}
	c->seal = s;
	return c;
}

void blob_coder_free(struct blob_coder *c)
{
	if (!c)
		return;
	ZSTD_freeCCtx(c->compress);
	ZSTD_freeCCtx(c->probe);
	ZSTD_freeDCtx(c->decompress);
	free(c->packed);
	free(c->sealed);
	free(c);
}

void blob_coder_free_ptr(struct blob_coder **c)
{
	blob_coder_free(*c);
}

/* Grows in steps: the largest chunks are rare, and memory that was never touched is not ours. */
static int room(unsigned char **data, size_t *size, size_t want, struct err *e)
{
	if (*size >= want)
		return 0;
	size_t grown = (want + ((size_t)256 << 10)) & ~(((size_t)128 << 10) - 1);
	free(*data);
	*data = malloc(grown);
	*size = *data ? grown : 0;
	return *data ? 0 : err_no_memory(e);
}

/* A few pieces of it, compressed in the quickest way: when they don't give in, the whole would not either,
 * and the time is saved. */
static bool seems_dense(struct blob_coder *c, const unsigned char *data, size_t len)
{
	size_t step = len < PROBE_FROM ? 0 : (len - PROBE_PART) / (PROBES - 1);
	if (len < PROBE_FROM)
		return false;
	for (size_t i = 0; i < PROBES; i++)
		memcpy(c->part + i * PROBE_PART, data + i * step, PROBE_PART);
	size_t n = ZSTD_compressCCtx(c->probe, c->parted, sizeof(c->parted), c->part, sizeof(c->part), 1);
	return !ZSTD_isError(n) && n >= sizeof(c->part) - sizeof(c->part) / 64;
}

/* The compressed length, or 0 where it is better stored as it is. */
static int squeeze(struct blob_coder *c, const void *data, size_t len, size_t *packed, struct err *e)
{
	*packed = 0;
	if (!c->compress && (!(c->compress = ZSTD_createCCtx()) || !(c->probe = ZSTD_createCCtx())))
		return err_no_memory(e);
	if (seems_dense(c, data, len))
		return 0;
	if (room(&c->packed, &c->packed_size, ZSTD_compressBound(len), e) < 0)
		return -1;
	size_t n = ZSTD_compressCCtx(c->compress, c->packed, c->packed_size, data, len, LEVEL);
	if (ZSTD_isError(n))
		return err_set(e, ERR_OTHER, "cannot compress: %s", ZSTD_getErrorName(n));
	*packed = n < len ? n : 0;
	return 0;
}

int blob_encode(
        struct blob_coder *c, const void *data, size_t len, struct blob *b, const void **out, struct err *e)
{
	size_t n;
	if (len == 0 || len > CHUNK_MAX)
		return err_set(e, ERR_OTHER, "a chunk of %zu bytes cannot be stored", len);
	if (squeeze(c, data, len, &n, e) < 0)
		return -1;
	b->zstd = n > 0;
	*out = n ? c->packed : data;
	n = n ? n : len;
	if (c->seal->on) {
		if (room(&c->sealed, &c->sealed_size, n + SEAL_OVERHEAD, e) < 0)
			return -1;
		n = seal_box(c->seal, SEAL_CHUNK, *out, n, c->sealed);
		*out = c->sealed;
	}
	b->plain = (uint32_t)len;
	b->stored = (uint32_t)n;
	b->check = word_hash(0, *out, n);
	return 0;
}

static int expand(struct blob_coder *c, const struct blob *b, const unsigned char *data, size_t len,
        void *plain, struct err *e)
{
	if (!b->zstd) {
		if (len != b->plain)
			return err_set(e, ERR_CORRUPT, "a chunk has another length than it should");
		memcpy(plain, data, len);
		return 0;
	}
	if (!c->decompress && !(c->decompress = ZSTD_createDCtx()))
		return err_no_memory(e);
	/* However much it would become: what is written is bounded by the room given. */
	size_t n = ZSTD_decompressDCtx(c->decompress, plain, b->plain, data, len);
	if (ZSTD_isError(n) || n != b->plain)
		return err_set(e, ERR_CORRUPT, "a chunk cannot be decompressed");
	return 0;
}

int blob_check(const struct blob *b, const void *stored, struct err *e)
{
	return word_hash(0, stored, b->stored) == b->check ? 0
	                                                   : err_set(e, ERR_CORRUPT, "a chunk is damaged");
}

int blob_decode(struct blob_coder *c, const struct blob *b, void *stored, void *plain, struct err *e)
{
	unsigned char *data = stored;
	size_t len = b->stored;
	struct chunk_id id;
	if (c->seal->on) {
		if (seal_unbox(c->seal, SEAL_CHUNK, data, len, &len) < 0)
			return err_set(e, ERR_CORRUPT, "a chunk is not what was sealed");
		data += SEAL_NONCE;
	}
	if (expand(c, b, data, len, plain, e) < 0)
		return -1;
	seal_chunk_id(c->seal, plain, b->plain, &id);
	return chunk_id_equal(&id, &b->id) ? 0 : err_set(e, ERR_CORRUPT, "a chunk has another digest");
}
