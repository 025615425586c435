/* Fuzz target: a list of files of any bytes. Reading ends, the same however the bytes arrive; no path leads
 * out or through what is no directory of the list, and pieces fill their file and stay in their chunk. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "engine/backup/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct feed {
	const uint8_t *data;
	size_t left, step;
};

static int feed(void *arg, const unsigned char **data, size_t *len, struct err *e)
{
	struct feed *f = arg;
	(void)e;
	if (f->left == 0)
		return 0;
	*data = f->data;
	*len = f->left < f->step ? f->left : f->step;
	f->data += *len;
	f->left -= *len;
	return 1;
}

static void check_path(const char *path, const char *before)
{
	if (strlen(path) >= PATH_MAX || path[0] == '/' || listing_path_compare(before, path) >= 0)
		abort();
	for (const char *s = path; *s;) {
		size_t len = strcspn(s, "/");
		if (len == 0 || len > NAME_MAX || (len == 2 && memcmp(s, "..", 2) == 0) ||
		        (len == 1 && *s == '.'))
			abort();
		s += len + (s[len] == '/');
	}
}

static void check_entry(const struct tree_entry *entry)
{
	if (entry->n_xattrs > TREE_XATTRS_MAX || entry->uid == UINT32_MAX || entry->gid == UINT32_MAX)
		abort();
	if ((S_ISLNK(entry->mode) && !entry->first) != (entry->target != NULL))
		abort();
	if (entry->mtime.tv_nsec < 0 || entry->mtime.tv_nsec > 999999999 || entry->size > INT64_MAX)
		abort();
	for (size_t i = 0; i < entry->n_xattrs; i++)
		if (!entry->xattrs[i].name[0] || entry->xattrs[i].len > LISTING_VALUE_MAX)
			abort();
}

static uint64_t run(const uint8_t *data, size_t size, size_t step)
{
	struct feed f = {data, size, step};
	struct err e = ERR_INIT;
	struct listing_piece p;
	const struct tree_entry *entry;
	uint64_t sum = 0;
	int rc, in = 0;
	char *before = NULL;
	cleanup_listing_reader struct listing_reader *r = listing_reader_new(feed, &f, &e);
	while ((rc = listing_next(r, &entry, &e)) > 0) {
		if (before)
			check_path(entry->path, before);
		free(before);
		before = strdup(entry->path);
		check_entry(entry);
		sum = sum * 31 + entry->size + entry->n_xattrs + entry->path[0];
		if (sum % 3 == 0)
			continue;
		uint64_t at = 0;
		for (; (in = listing_piece(r, &p, &e)) > 0; at += p.len)
			if (p.at != at || p.len > entry->size - at ||
			        (!p.hole && p.offset + p.len > CHUNK_MAX))
				abort();
		if (in < 0)
			break;
		if (S_ISREG(entry->mode) && !entry->first && at != entry->size)
			abort();
	}
	free(before);
	if ((rc < 0 || in < 0) && !e.msg[0])
		abort();
	return sum * 4 + (uint64_t)(rc + 1) + (uint64_t)(in < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (run(data, size, size + 1) != run(data, size, 1))
		abort();
	return 0;
}
