#include "engine/archive/inflate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/archive/decoder.h"
#include "engine/archive/hash.h"
#include "engine/archive/hash_ring.h"
#include "engine/archive/piece.h"
#include "engine/archive/source.h"

struct inflate {
	enum compression kind;
	struct decoder *decoder; /* NULL: plain */
	bool pieces;             /* of a backup of ours */
	bool ended;              /* the uncompressed side has */
	int copy_fd;             /* gets the uncompressed side, -1: nothing does */
	uint64_t out_bytes;
	struct hash *hash;      /* of the uncompressed side */
	struct hash_ring *ring; /* instead of it */
	bool ahead;             /* it reads, too; the source is its thread's */
	bool parts;             /* the ring has digests of parts: */
	size_t waiting;         /* of the block that came last, which it gets when its parts are known */
	unsigned char *out;     /* a window, where neither the ring nor the source has one to use */
	struct source source;
};

const char *compression_name(enum compression c)
{
	static const char *const names[] = {"tar", "gzip", "zstd", "xz", "bzip2"};
	return names[c];
}

/* ------------------------------------------------------------------ kinds */

#define MAGIC_MAX 6
#define START_MAX 24 /* what a piece begins with */
static enum compression sniff(const unsigned char *p, size_t len)
{
	static const struct {
		const char *magic;
		size_t len;
		enum compression kind;
	} magics[] = {
	        {"\x1f\x8b", 2, COMPRESSION_GZIP},
	        {"\x28\xb5\x2f\xfd", 4, COMPRESSION_ZSTD},
	        {"\xfd"
	         "7zXZ\0",
	                MAGIC_MAX, COMPRESSION_XZ},
	        {"BZh", 3, COMPRESSION_BZIP2},
	};
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (len >= magics[i].len && memcmp(p, magics[i].magic, magics[i].len) == 0)
			return magics[i].kind;
	/* One of ours is known by more than its magic number, should that be damaged. */
	if (len >= START_MAX && memcmp(p + 8, PIECE_MAGIC, 8) == 0)
		return COMPRESSION_ZSTD;
	if (len >= START_MAX && memcmp(p + 16, PIECE_MAGIC, 8) == 0)
		return COMPRESSION_GZIP;
	/* A zstd stream may begin with a skippable frame: 0x184D2A50 to 0x184D2A5F. */
	if (len >= 4 && (p[0] & 0xf0) == 0x50 && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0)
		return COMPRESSION_ZSTD;
	return COMPRESSION_NONE;
}

/* Whether a backup of ours begins here. */
static bool has_pieces(struct inflate *in, struct err *e)
{
	struct source *s = &in->source;
	if (in->kind != COMPRESSION_GZIP && in->kind != COMPRESSION_ZSTD)
		return false;
	return source_want(s, PIECE_HEADER_MAX, e) == 0 && s->len - s->pos >= piece_header_size(in->kind) &&
	       piece_header_is(in->kind, s->data + s->pos);
}

static struct decoder *new_decoder(struct inflate *in, const struct inflate_options *o, struct err *e)
{
	if ((in->pieces = o->backup && has_pieces(in, e)))
		return decoder_pieces(in->kind, o->damaged, o->damaged_arg, e);
	switch (in->kind) {
	case COMPRESSION_GZIP:
		return decoder_gzip(o->zlib, e);
	case COMPRESSION_ZSTD:
		return decoder_zstd(o->window_max, e);
	default:
		return decoder_library(in->kind, &in->source, e);
	}
}

/* ------------------------------------------------------------------ bombs */

#define BOMB_FLOOR ((uint64_t)64 << 20)
#define BOMB_RATIO 400

/* Decompression bomb (a megabyte that unpacks to gigabytes and fills the disk): once more than 64 MiB have
 * come out, less than 1/400 of that having gone in ends it. Gzip cannot pack tighter than 1:1032, and images
 * of programs and data stay below 1:20. tests/unit/test_archive_inflate.c */
static int check_bomb(const struct inflate *in, struct err *e)
{
	if (!DEFENCE("bomb") || in->kind == COMPRESSION_NONE || in->pieces || in->out_bytes <= BOMB_FLOOR ||
	        in->out_bytes / BOMB_RATIO <= in->source.bytes)
		return 0;
	return err_set(e, ERR_CORRUPT,
	        "the archive unpacks to more than %d times its size; refused as a decompression bomb (if it "
	        "is "
	        "meant so, uncompress it first)",
	        BOMB_RATIO);
}

/* ------------------------------------------------------------------ the whole */

/* The first bytes are read before the kind is known, so their copy is made here. */
static int start(struct inflate *in, const struct inflate_options *o, struct err *e)
{
	struct source *s = &in->source;
	if (source_want(s, START_MAX, e) < 0)
		return -1;
	in->kind = sniff(s->data, s->len);
	bool copy_output = in->kind == COMPRESSION_XZ || in->kind == COMPRESSION_BZIP2;
	*(copy_output ? &in->copy_fd : &s->copy_fd) = o->copy_fd;
	if (s->copy_fd >= 0 && write_all(s->copy_fd, s->data, s->len) < 0)
		return err_sys(e, "cannot store the archive");
	if (in->kind == COMPRESSION_NONE)
		return 0;
	if (o->oci_only && copy_output)
		return err_set(e, ERR_UNSUPPORTED, "it is compressed by %s; layers are tar, gzip or zstd",
		        compression_name(in->kind));
	in->decoder = new_decoder(in, o, e);
	return in->decoder ? 0 : -1;
}

static int start_hashes(struct inflate *in, const struct inflate_options *o, struct err *e)
{
	if (o->in_alg && !(in->source.hash = hash_new(o->in_alg, e)))
		return -1;
	if (o->part) {
		in->parts = true;
		in->ring = hash_ring_parts(SOURCE_WINDOW, o->part, o->part_arg, e);
		return in->ring ? 0 : -1;
	}
	if (o->out_alg && o->hash_aside)
		in->ring = hash_ring_new(o->out_alg, SOURCE_WINDOW, e);
	else if (o->out_alg)
		in->hash = hash_new(o->out_alg, e);
	return o->out_alg && !in->ring && !in->hash ? -1 : 0;
}

/* For the ring, whose thread reads ahead. */
static ssize_t read_plain(void *arg, void *data, size_t room, struct err *e)
{
	struct source *s = &((struct inflate *)arg)->source;
	size_t len = s->len - s->pos;
	if (len == 0)
		return s->end ? 0 : source_read(s, data, room, e);
	memcpy(data, s->data + s->pos, len);
	s->pos = s->len;
	return (ssize_t)len;
}

/* A file, that is: who gives up would have to wait for a pipe. */
static bool reads_ahead(const struct inflate *in)
{
	struct stat st;
	return in->parts && !in->decoder && !in->source.read && fstat(in->source.fd, &st) == 0 &&
	       S_ISREG(st.st_mode);
}

struct inflate *inflate_open(int fd, const struct inflate_options *o, struct err *e)
{
	cleanup_inflate struct inflate *in = malloc(sizeof(*in));
	if (!in)
		return err_set_null(e, ERR_OTHER, "out of memory");
	memset(in, 0, offsetof(struct inflate, source.data));
	in->copy_fd = in->source.copy_fd = -1;
	in->source.fd = fd;
	in->source.read = o->read;
	in->source.arg = o->arg;
	if (start_hashes(in, o, e) < 0 || start(in, o, e) < 0)
		return NULL;
	in->ahead = reads_ahead(in);
	if (in->ahead)
		hash_ring_read(in->ring, read_plain, in);
	if (in->decoder && !in->ring && !(in->out = malloc(SOURCE_WINDOW)))
		return err_set_null(e, ERR_OTHER, "out of memory");
	struct inflate *made = in;
	in = NULL;
	return made;
}

/* What was read to know the kind comes first. */
static int plain_block(
        struct inflate *in, unsigned char *out, const unsigned char **data, size_t *len, struct err *e)
{
	struct source *s = &in->source;
	if (s->pos == s->len && out) {
		ssize_t n = s->end ? 0 : source_read(s, out, SOURCE_WINDOW, e);
		*data = out;
		*len = n > 0 ? (size_t)n : 0;
		return n < 0 ? -1 : 0;
	}
	if (s->pos == s->len && source_fill(s, e) < 0)
		return -1;
	*data = s->data + s->pos;
	*len = s->len - s->pos;
	s->pos = s->len;
	if (out) {
		memcpy(out, *data, *len);
		*data = out;
	}
	return 0;
}

static int next_ahead(struct inflate *in, const unsigned char **data, size_t *len, struct err *e)
{
	unsigned char *block = NULL;
	ssize_t n = hash_ring_next(in->ring, &block, e);
	*data = block;
	*len = n > 0 ? (size_t)n : 0;
	return n < 0 ? -1 : 0;
}

/* The next bytes, into the ring when there is one: its thread reads them as the caller does. */
static int next_block(struct inflate *in, const unsigned char **data, size_t *len, struct err *e)
{
	if (in->ahead)
		return next_ahead(in, data, len, e);
	unsigned char *out = in->ring ? hash_ring_room(in->ring) : in->out;
	if (!in->decoder)
		return plain_block(in, in->ring ? out : NULL, data, len, e);
	*data = out;
	return in->decoder->decode(in->decoder, &in->source, out, SOURCE_WINDOW, len, e);
}

static void give_waiting(struct inflate *in)
{
	if (in->parts && in->waiting > 0)
		hash_ring_give(in->ring, in->waiting);
	in->waiting = 0;
}

void inflate_part(struct inflate *in, size_t back, bool wanted)
{
	hash_ring_mark(in->ring, back < in->waiting ? in->waiting - back : 0, wanted);
}

void inflate_parts_end(struct inflate *in)
{
	give_waiting(in);
	hash_ring_end(in->ring);
}

int inflate_block(struct inflate *in, const void **data, size_t *len, struct err *e)
{
	const unsigned char *block = NULL;
	*len = 0;
	if (in->ended)
		return 0;
	give_waiting(in);
	if (next_block(in, &block, len, e) < 0)
		return -1;
	*data = block;
	in->ended = *len == 0;
	in->out_bytes += *len;
	if (in->parts)
		in->waiting = *len;
	else if (in->ring)
		hash_ring_give(in->ring, *len);
	else if (in->hash)
		hash_add(in->hash, block, *len);
	if (in->copy_fd >= 0 && write_all(in->copy_fd, block, *len) < 0)
		return err_sys(e, "cannot store the archive");
	return check_bomb(in, e) < 0 ? -1 : !in->ended;
}

int inflate_finish(struct inflate *in, struct inflate_result *r, struct err *e)
{
	struct source *s = &in->source;
	const void *data;
	size_t len;
	int rc;
	while ((rc = inflate_block(in, &data, &len, e)) > 0)
		;
	if (rc < 0)
		return -1;
	do { /* of what is read ahead all has been, and its thread leaves the source alone */
		if (source_fill(s, e) < 0) /* what a decoder did not ask for belongs to the input as well */
			return -1;
	} while (s->len > 0);
	memset(r, 0, sizeof(*r));
	r->kind = in->kind;
	bool repacked = in->kind == COMPRESSION_XZ || in->kind == COMPRESSION_BZIP2;
	r->copy = repacked ? COMPRESSION_NONE : in->kind;
	r->in_bytes = s->bytes;
	r->out_bytes = in->out_bytes;
	if (s->hash)
		hash_finish(s->hash, &r->in);
	if (in->parts)
		inflate_parts_end(in);
	else if (in->ring)
		hash_ring_finish(in->ring, &r->out);
	else if (in->hash)
		hash_finish(in->hash, &r->out);
	return 0;
}

bool inflate_in_pieces(const struct inflate *in)
{
	return in->pieces;
}

enum compression inflate_kind(const struct inflate *in)
{
	return in->kind;
}

uint64_t inflate_position(const struct inflate *in)
{
	return in->ahead ? in->out_bytes : in->source.bytes;
}

void inflate_free(struct inflate *in)
{
	if (!in)
		return;
	hash_ring_free(in->ring); /* first: its thread may be reading */
	if (in->decoder)
		in->decoder->free(in->decoder);
	hash_free(in->source.hash);
	hash_free(in->hash);
	free(in->out);
	free(in);
}

void inflate_free_ptr(struct inflate **in)
{
	inflate_free(*in);
}
