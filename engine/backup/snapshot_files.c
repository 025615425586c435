#include <stdlib.h>

#include "base/err.h"
#include "engine/backup/repository_own.h"

static int next_chunk(void *arg, const unsigned char **data, size_t *len, struct err *e)
{
	struct snapshot_files *f = arg;
	if (f->next == f->record.n)
		return 0;
	return chunk_reader_borrow(&f->chunks, &f->record.listing[f->next++], data, len, e) < 0 ? -1 : 1;
}

int snapshot_files_open(struct snapshot_files *f, struct repository *r, const char *id, struct err *e)
{
	*f = (struct snapshot_files){0};
	if (!snapshot_id_is(id))
		return err_set(e, ERR_NOT_FOUND, "there is no snapshot %.40s", id);
	if (repository_load_index(r, e) < 0 || chunk_reader_start(&f->chunks, r, e) < 0)
		return -1;
	if (snapshot_read(r->snapshots, &r->seal, id, &f->record, e) < 0 ||
	        !(f->reader = listing_reader_new(next_chunk, f, e))) {
		snapshot_files_close(f);
		return err_wrap(e, "snapshot %s", id);
	}
	return 0;
}

void snapshot_files_close(struct snapshot_files *f)
{
	listing_reader_free(f->reader);
	snapshot_record_free(&f->record);
	chunk_reader_end(&f->chunks);
	*f = (struct snapshot_files){0};
}
