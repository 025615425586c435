#include "engine/image_archive_members.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/archive/hash.h"
#include "engine/archive/tar_reader.h"
#include "engine/store/blob.h"

#define LINKS_MAX 8 /* links that lead to links */

void members_free(struct members *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->list[i].name);
		free(m->list[i].link);
	}
	free(m->list);
	memset(m, 0, sizeof(*m));
}

/* `path` seen from the directory of `base` (NULL: the root), without ".", ".." and doubled slashes; NULL when
 * it leads out. */
static char *normalise(const char *base, const char *path)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(8192);
	const char *slash = base ? strrchr(base, '/') : NULL;
	if (slash)
		buf_add(&b, base, (size_t)(slash - base));
	while (*path) {
		size_t len = strcspn(path, "/");
		if (len == 2 && memcmp(path, "..", 2) == 0) {
			if (b.len == 0)
				return NULL;
			while (b.len > 0 && b.data[b.len - 1] != '/')
				b.len--;
			b.len -= b.len > 0;
		} else if (len > 0 && !(len == 1 && path[0] == '.')) {
			if (b.len)
				buf_char(&b, '/');
			buf_add(&b, path, len);
		}
		path += len + (path[len] == '/');
	}
	return b.len ? (b.data[b.len] = '\0', buf_take(&b)) : NULL;
}

static struct member *append(struct members *m, struct err *e)
{
	if (m->n == MEMBERS_MAX)
		return err_set_null(e, ERR_CORRUPT,
		        "the archive has more than %d files; this is no image archive", MEMBERS_MAX);
	if (m->n == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 32;
		struct member *grown = realloc(m->list, cap * sizeof(*grown));
		if (!grown)
			return err_set_null(e, ERR_OTHER, "out of memory");
		m->list = grown;
		m->cap = cap;
	}
	m->list[m->n] = (struct member){0};
	return &m->list[m->n++];
}

/* "blobs/sha512/…" is hashed as its name says, everything else by sha256. */
static const char *member_alg(const char *name)
{
	return strncmp(name, "blobs/sha512/", 13) == 0 ? "sha512" : "sha256";
}

/* An OCI blob that is not what its name says. */
static int check_name(const struct member *f, struct err *e)
{
	char path[DIGEST_TEXT_SIZE];
	if (strncmp(f->name, "blobs/sha", 9) != 0 || strcmp(f->name + 6, digest_path(&f->digest, path)) == 0)
		return 0;
	return err_set(e, ERR_CORRUPT, "the archive is damaged: the content of %.200s has the digest %s:%s",
	        f->name, f->digest.alg, f->digest.hex);
}

static int copy_data(struct tar_reader *t, struct blob_draft *d, struct member *f, struct err *e)
{
	const void *data = NULL;
	size_t len = 0;
	int rc;
	cleanup_hash struct hash *h = hash_new(member_alg(f->name), e);
	if (!h)
		return -1;
	while ((rc = tar_data(t, &data, &len, e)) > 0) {
		hash_add(h, data, len);
		if (write_all(d->fd, data, len) < 0)
			return err_sys(e, "cannot write to the image store");
		f->size += len;
	}
	if (rc == 0)
		hash_finish(h, &f->digest);
	return rc;
}

static int store_file(struct arrival *a, struct tar_reader *t, struct member *f, struct err *e)
{
	struct blob_draft d = BLOB_DRAFT_INIT;
	if (blob_draft_open(&a->store, &d, e) < 0)
		return -1;
	int rc = copy_data(t, &d, f, e);
	if (rc == 0)
		rc = check_name(f, e);
	if (rc == 0)
		rc = arrival_add_blob(a, &d, &f->digest, e);
	blob_draft_drop(&a->store, &d);
	return rc;
}

static int add_entry(struct arrival *a, struct tar_reader *t, const struct tar_entry *entry,
        struct members *m, struct err *e)
{
	bool file = entry->type == TAR_FILE && !entry->sparse;
	bool link = entry->type == TAR_SYMLINK || entry->type == TAR_HARDLINK;
	if (entry->type == TAR_DIR)
		return 0;
	cleanup_free char *name = entry->path[0] == '/' ? NULL : normalise(NULL, entry->path);
	if (!name || strstr(entry->path, ".."))
		return err_set(e, ERR_CORRUPT,
		        "the archive is damaged or hostile: \"%.300s\" leads out of it", entry->path);
	if (!file && !link)
		return err_set(e, ERR_CORRUPT,
		        "this is no image archive: \"%.300s\" is neither a file nor a link", name);
	struct member *f = append(m, e);
	if (!f)
		return -1;
	f->name = steal_ptr(&name);
	if (file)
		return store_file(a, t, f, e);
	f->link = normalise(entry->type == TAR_SYMLINK ? f->name : NULL, entry->link);
	if (!f->link || entry->link[0] == '/')
		return err_set(e, ERR_CORRUPT,
		        "the archive is damaged or hostile: the link \"%.300s\" leads out of it", f->name);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

/* Two files of one name: which one counts would be a matter of taste, so none does. */
static int sort_members(struct members *m, struct err *e)
{
	if (m->n)
		qsort(m->list, m->n, sizeof(*m->list), by_name);
	for (size_t i = 1; i < m->n; i++)
		if (strcmp(m->list[i - 1].name, m->list[i].name) == 0)
			return err_set(e, ERR_CORRUPT, "the archive is damaged: \"%.300s\" is in it twice",
			        m->list[i].name);
	return 0;
}

int members_read(struct arrival *a, int fd, uint64_t total, struct members *m, struct err *e)
{
	const struct tar_entry *entry;
	struct inflate_result r;
	struct inflate_options o = {.copy_fd = -1};
	cleanup_inflate struct inflate *in = inflate_open(fd, &o, e);
	if (!in)
		return -1;
	cleanup_tar_reader struct tar_reader t = TAR_READER_INIT(in);
	int rc;
	while ((rc = tar_next(&t, &entry, e)) > 0) {
		if (add_entry(a, &t, entry, m, e) < 0)
			return -1;
		if (a->progress)
			progress_step(a->progress, "archive", "reading", inflate_position(in), total);
	}
	if (rc < 0 || inflate_finish(in, &r, e) < 0)
		return -1;
	return sort_members(m, e);
}

const struct member *members_find(const struct members *m, const char *name)
{
	for (unsigned hops = 0; hops < LINKS_MAX && m->n > 0; hops++) {
		struct member key = {.name = (char *)(uintptr_t)name};
		const struct member *f = bsearch(&key, m->list, m->n, sizeof(*m->list), by_name);
		if (!f || !f->link)
			return f;
		name = f->link;
	}
	return NULL;
}

int member_read(const struct arrival *a, const struct member *file, struct buf *b, struct err *e)
{
	if (file->size > b->max)
		return err_set(e, ERR_CORRUPT,
		        "the archive is damaged: \"%.200s\" has %llu bytes, more than the limit of %zu",
		        file->name, (unsigned long long)file->size, b->max);
	return blob_read(&a->store, &file->digest, b, e);
}
