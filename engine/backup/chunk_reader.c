#include <stdlib.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/backup/repository_own.h"

int chunk_reader_start(struct chunk_reader *c, struct repository *r, struct err *e)
{
	*c = (struct chunk_reader){.repository = r, .fd = -1};
	c->coder = blob_coder_new(&r->seal, e);
	return c->coder ? 0 : -1;
}

void chunk_reader_end(struct chunk_reader *c)
{
	if (!c->coder)
		return;
	blob_coder_free(c->coder);
	close_fd(&c->fd);
	free(c->stored);
	free(c->plain);
	*c = (struct chunk_reader){.fd = -1};
}

static int room(unsigned char **data, size_t *size, size_t want, struct err *e)
{
	if (*size >= want)
		return 0;
	free(*data);
	*data = malloc(want);
	*size = *data ? want : 0;
	return *data ? 0 : err_no_memory(e);
}

static int open_pack(struct chunk_reader *c, uint32_t pack, struct err *e)
{
	struct repository *r = c->repository;
	if (c->fd >= 0 && c->pack == pack)
		return 0;
	close_fd(&c->fd);
	pthread_mutex_lock(&r->mutex);
	struct pack_name name = r->list[pack].name;
	pthread_mutex_unlock(&r->mutex);
	c->fd = pack_open(r->packs, &name, e);
	c->pack = pack;
	return c->fd < 0 ? -1 : 0;
}

static int get(struct chunk_reader *c, const struct chunk_id *id, const struct chunk_row *row, void *plain,
        struct err *e)
{
	struct blob b;
	chunk_row_blob(row, id, &b);
	if (room(&c->stored, &c->stored_size, b.stored, e) < 0 || open_pack(c, row->pack, e) < 0 ||
	        pack_read(c->fd, row->offset, c->stored, b.stored, e) < 0)
		return -1;
	return blob_decode(c->coder, &b, c->stored, plain, e);
}

static int find(struct chunk_reader *c, const struct chunk_id *id, struct chunk_row *row, struct err *e)
{
	if (repository_find_chunk(c->repository, id, row))
		return 0;
	return err_set(e, ERR_CORRUPT, "a chunk is missing in the repository");
}

int chunk_reader_get(
        struct chunk_reader *c, const struct chunk_id *id, void *plain, size_t *len, struct err *e)
{
	struct chunk_row row;
	if (find(c, id, &row, e) < 0)
		return -1;
	*len = row.plain;
	return get(c, id, &row, plain, e);
}

int chunk_reader_borrow(struct chunk_reader *c, const struct chunk_id *id, const unsigned char **data,
        size_t *len, struct err *e)
{
	struct chunk_row row;
	if (!c->plain_len || !chunk_id_equal(&c->id, id)) {
		c->plain_len = 0;
		if (find(c, id, &row, e) < 0 || room(&c->plain, &c->plain_size, row.plain, e) < 0 ||
		        get(c, id, &row, c->plain, e) < 0)
			return -1;
		c->id = *id;
		c->plain_len = row.plain;
	}
	*data = c->plain;
	*len = c->plain_len;
	return 0;
}
