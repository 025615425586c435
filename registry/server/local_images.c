/* Local images: the image store of Tare, shown as repositories that can only be read. Nothing is copied: its
 * index.json is read again when it has changed, its blobs are opened where they are. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/oci/manifest.h"
#include "engine/oci/reference.h"
#include "registry/server/repository.h"

#define NESTING_MAX 4 /* of indexes in indexes */

struct local_images {
	int dir;
	pthread_mutex_t lock;
	struct repository *list; /* each with a reference of ours */
	struct timespec changed;
	ino_t inode;
};

/* ------------------------------------------------------------------ what a manifest names */

static int by_digest(const void *a, const void *b)
{
	const struct digest *x = a, *y = b;
	int c = strcmp(x->hex, y->hex);
	return c ? c : strcmp(x->alg, y->alg);
}

static void reach(struct repository *r, const struct digest *d)
{
	struct digest *grown = realloc(r->reachable, (r->n_reachable + 1) * sizeof(*grown));
	if (!grown)
		return;
	r->reachable = grown;
	grown[r->n_reachable++] = *d;
}

static void reach_document(struct repository *r, const struct digest *d, const char *media_type, int nesting);

static void reach_index(struct repository *r, const struct buf *b, int nesting)
{
	cleanup_oci_index struct oci_index i = OCI_INDEX_INIT;
	if (nesting == 0 || oci_index_parse(buf_str(b), b->len, &i, NULL) < 0)
		return;
	for (size_t k = 0; k < i.n; k++) {
		const struct descriptor *child = &i.entries[k];
		index_add(&r->index, &child->digest, child->size, child->media_type, NULL, NULL);
		reach_document(r, &child->digest, child->media_type, nesting - 1);
	}
}

static void reach_document(struct repository *r, const struct digest *d, const char *media_type, int nesting)
{
	char path[sizeof("blobs/") + DIGEST_TEXT_SIZE], tail[DIGEST_TEXT_SIZE];
	cleanup_buf struct buf b = BUF_INIT_MAX(MANIFEST_MAX_BYTES);
	cleanup_manifest struct manifest m = MANIFEST_INIT;
	strcpy(stpcpy(path, "blobs/"), digest_path(d, tail));
	reach(r, d);
	if (file_read_at(r->dir, path, &b, NULL) < 0)
		return;
	if (media_kind(media_type) == MEDIA_KIND_INDEX) {
		reach_index(r, &b, nesting);
		return;
	}
	if (manifest_parse(buf_str(&b), b.len, media_type, &m, NULL) < 0)
		return;
	reach(r, &m.config.digest);
	for (size_t i = 0; i < m.n_layers; i++)
		reach(r, &m.layers[i].digest);
}

/* ------------------------------------------------------------------ reading the store's index */

static struct repository *find(struct repository *list, const char *name)
{
	while (list && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

static struct repository *make(struct local_images *l, struct storage *s, const char *name)
{
	struct repository *r = find(l->list, name);
	if (r)
		return r;
	int fd = fcntl(l->dir, F_DUPFD_CLOEXEC, 3);
	r = fd >= 0 ? repository_new(s, name, fd) : NULL;
	if (!r)
		return NULL;
	r->read_only = true;
	r->has_index = true;
	r->refs = 1;
	r->next = l->list;
	l->list = r;
	return r;
}

/* docker.io/library/busybox:latest is library/busybox:latest here, and so are names of other hosts without
 * their host; of two that fall together the first has the tag. */
static void add_entry(struct local_images *l, struct storage *s, const struct descriptor *d)
{
	cleanup_reference struct reference ref = REFERENCE_INIT;
	if (!d->ref_name || reference_parse(d->ref_name, &ref, NULL) < 0 || !ref.path ||
	        !repository_name_ok(ref.path) || !media_type_ok(d->media_type))
		return;
	struct repository *r = make(l, s, ref.path);
	if (!r || index_add(&r->index, &d->digest, d->size, d->media_type, ref.tag, NULL) < 0)
		return;
	reach_document(r, &d->digest, d->media_type, NESTING_MAX);
}

/* Under table_lock is where references of repositories change. */
static void drop_all(struct local_images *l)
{
	for (struct repository *r = l->list, *next; r; r = next) {
		next = r->next;
		r->next = NULL;
		repository_put(r);
	}
	l->list = NULL;
}

static int refresh(struct local_images *l, struct storage *s, struct err *e)
{
	struct stat st;
	cleanup_buf struct buf b = BUF_INIT_MAX(INDEX_MAX_BYTES);
	cleanup_oci_index struct oci_index i = OCI_INDEX_INIT;
	if (fstatat(l->dir, "index.json", &st, AT_SYMLINK_NOFOLLOW) < 0) {
		int rc = errno == ENOENT ? 0 : err_sys(e, "cannot look at the local images");
		drop_all(l);
		l->inode = 0;
		return rc;
	}
	if (st.st_ino == l->inode && st.st_mtim.tv_sec == l->changed.tv_sec &&
	        st.st_mtim.tv_nsec == l->changed.tv_nsec)
		return 0;
	if (file_read_at(l->dir, "index.json", &b, e) < 0 || oci_index_parse(buf_str(&b), b.len, &i, e) < 0)
		return err_wrap(e, "the local images");
	drop_all(l);
	for (size_t k = 0; k < i.n; k++)
		add_entry(l, s, &i.entries[k]);
	for (struct repository *r = l->list; r; r = r->next)
		qsort(r->reachable, r->n_reachable, sizeof(*r->reachable), by_digest);
	l->inode = st.st_ino;
	l->changed = st.st_mtim;
	return 0;
}

/* ------------------------------------------------------------------ serving */

int storage_serve_local(struct storage *s, int storefd, struct err *e)
{
	struct local_images *l = calloc(1, sizeof(*l));
	if (!l)
		return err_no_memory(e);
	pthread_mutex_init(&l->lock, NULL);
	l->dir = fcntl(storefd, F_DUPFD_CLOEXEC, 3);
	if (l->dir < 0) {
		err_sys(e, "cannot hold the image store");
		local_images_free(l);
		return -1;
	}
	s->local = l;
	return 0;
}

struct repository *local_images_get(
        struct local_images *l, struct storage *s, const char *name, struct err *e)
{
	struct repository *r = NULL;
	pthread_mutex_lock(&l->lock);
	int rc = refresh(l, s, e);
	if (rc == 0)
		r = find(l->list, name);
	if (r) {
		pthread_mutex_lock(&s->table_lock);
		r->refs++;
		pthread_mutex_unlock(&s->table_lock);
	}
	pthread_mutex_unlock(&l->lock);
	if (!r && rc == 0)
		err_set(e, ERR_NOT_FOUND, "no repository %s", name);
	return r;
}

char **local_images_names(struct local_images *l, struct storage *s)
{
	char **names = NULL;
	pthread_mutex_lock(&l->lock);
	if (refresh(l, s, NULL) == 0)
		for (const struct repository *r = l->list; r; r = r->next)
			strv_add(&names, r->name);
	pthread_mutex_unlock(&l->lock);
	return names;
}

void local_images_free(struct local_images *l)
{
	if (!l)
		return;
	drop_all(l);
	close_fd(&l->dir);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
