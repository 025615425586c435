/* Uploads under way: a file that grows, a small record beside it, and a running hash in memory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/archive/hash.h"
#include "registry/server/quota.h"
#include "registry/server/repository.h"

#define TABLE      256
#define RECORD_MAX 4096
#define READ_CHUNK ((size_t)256 << 10)

struct upload {
	struct upload *next; /* in the table */
	char id[UPLOAD_ID_SIZE];
	char alg[8];
	char *owner;
	char repository[REPOSITORY_NAME_MAX + 1];
	struct hash *hash; /* of all that is there; NULL: to be made by reading it again */
	bool busy;         /* a request has it; under the table's lock */
	/* of that request */
	struct repository *at;
	int fd;
	uint64_t size;
	bool gone;
};

struct uploads {
	pthread_mutex_t lock;
	unsigned n;
	struct upload *table[TABLE];
};

struct uploads *uploads_new(void)
{
	struct uploads *u = calloc(1, sizeof(*u));
	if (u)
		pthread_mutex_init(&u->lock, NULL);
	return u;
}

static void free_upload(struct upload *u)
{
	if (!u)
		return;
	hash_free(u->hash);
	free(u->owner);
	free(u);
}

void uploads_free(struct uploads *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < TABLE; i++) {
		for (struct upload *at = u->table[i], *next; at; at = next) {
			next = at->next;
			free_upload(at);
		}
	}
	pthread_mutex_destroy(&u->lock);
	free(u);
}

/* Ids are random: their first two digits spread them. */
static struct upload **chain_of(struct uploads *u, const char *id)
{
	char two[3] = {id[0], id[1], '\0'};
	return &u->table[strtoul(two, NULL, 16) % TABLE];
}

static struct upload *find(struct uploads *u, const char *id)
{
	struct upload *at = *chain_of(u, id);
	while (at && strcmp(at->id, id) != 0)
		at = at->next;
	return at;
}

static void forget(struct uploads *u, const char *id)
{
	for (struct upload **at = chain_of(u, id); *at; at = &(*at)->next) {
		if (strcmp((*at)->id, id) != 0)
			continue;
		struct upload *found = *at;
		*at = found->next;
		u->n--;
		free_upload(found);
		return;
	}
}

static void insert(struct uploads *all, struct upload *u)
{
	struct upload **chain = chain_of(all, u->id);
	u->next = *chain;
	*chain = u;
	all->n++;
}

/* Attack: uploads that are begun and left take files and memory, which no quota counts. Who asks for one more
 * is told to make room first. tests/unit/test_registry_storage.c */
static int check_number(struct uploads *all, struct err *e)
{
	pthread_mutex_lock(&all->lock);
	bool full = all->n >= UPLOADS_MAX;
	pthread_mutex_unlock(&all->lock);
	return full ? err_set(e, ERR_CONFLICT, "%d uploads are under way; try again later", UPLOADS_MAX) : 0;
}

static char *record_name(const char *id, char dst[UPLOAD_ID_SIZE + 5])
{
	strcpy(stpcpy(dst, id), ".json");
	return dst;
}

/* ------------------------------------------------------------------ beginning */

static struct upload *new_upload(const char *id, const char *repository, const char *alg, const char *owner)
{
	struct upload *u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	strcpy(u->id, id);
	strcpy(u->repository, repository);
	strcpy(u->alg, alg);
	u->fd = -1;
	u->owner = strdup(owner);
	if (u->owner)
		return u;
	free_upload(u);
	return NULL;
}

/* What a later process of the registry goes on from. It need not survive a power cut, as the upload does not.
 */
static int write_record(const struct storage *s, const struct upload *u, struct err *e)
{
	char name[UPLOAD_ID_SIZE + 5];
	cleanup_buf struct buf b = BUF_INIT_MAX(RECORD_MAX);
	cleanup_json json *j = json_object_new_object();
	json_set_str(j, "repository", u->repository);
	json_set_str(j, "algorithm", u->alg);
	json_set_str(j, "owner", u->owner);
	json_print(&b, j, JSON_COMPACT);
	return file_write_at(s->uploads_dir, record_name(u->id, name), b.data, b.len, 0600, FILE_NO_SYNC, e);
}

int upload_begin(
        struct repository *r, const char *alg, const char *owner, char id[UPLOAD_ID_SIZE], struct err *e)
{
	struct storage *s = r->storage;
	char record[UPLOAD_ID_SIZE + 5];
	if (check_number(s->uploads, e) < 0)
		return -1;
	random_hex(id, (UPLOAD_ID_SIZE - 1) / 2);
	struct upload *u = new_upload(id, r->name, alg ? alg : "sha256", owner);
	if (!u)
		return err_no_memory(e);
	cleanup_fd int fd =
	        openat(s->uploads_dir, id, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || write_record(s, u, e) < 0) {
		if (fd < 0)
			err_sys(e, "cannot begin an upload");
		unlinkat(s->uploads_dir, id, 0);
		unlinkat(s->uploads_dir, record_name(id, record), 0);
		free_upload(u);
		return -1;
	}
	pthread_mutex_lock(&s->uploads->lock);
	insert(s->uploads, u);
	pthread_mutex_unlock(&s->uploads->lock);
	return 0;
}

/* ------------------------------------------------------------------ opening */

/* One that a process before us began; under the table's lock. */
static struct upload *load(struct storage *s, const char *id)
{
	char name[UPLOAD_ID_SIZE + 5];
	cleanup_json json *j = json_read_at(s->uploads_dir, record_name(id, name), RECORD_MAX, NULL);
	const char *repository = json_str(j, "repository", ""), *alg = json_str(j, "algorithm", "");
	if (!repository_name_ok(repository) || (strcmp(alg, "sha256") != 0 && strcmp(alg, "sha512") != 0))
		return NULL;
	struct upload *u = new_upload(id, repository, alg, json_str(j, "owner", ""));
	if (u)
		insert(s->uploads, u);
	return u;
}

static int unknown(struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "no such upload; begin a new one");
}

/* One of that repository and owner; under the table's lock. Nobody goes on with, or ends, what another began
 * (hijacked upload sessions). Test: test_registry_storage.c, test_upload_is_one_request_s. */
static struct upload *find_own(struct repository *r, const char *id, const char *owner)
{
	struct upload *u = upload_id_ok(id) ? find(r->storage->uploads, id) : NULL;
	if (!u && upload_id_ok(id))
		u = load(r->storage, id);
	return u && (!DEFENCE("upload-owner") || (strcmp(u->repository, r->name) == 0 &&
	                                                 (!*u->owner || strcmp(u->owner, owner) == 0)))
	               ? u
	               : NULL;
}

int upload_look(struct repository *r, const char *id, const char *owner, uint64_t *size, struct err *e)
{
	struct stat st;
	pthread_mutex_lock(&r->storage->uploads->lock);
	bool known = find_own(r, id, owner);
	pthread_mutex_unlock(&r->storage->uploads->lock);
	if (!known || fstatat(r->storage->uploads_dir, id, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return unknown(e);
	*size = (uint64_t)st.st_size;
	return 0;
}

/* Two requests that write to one upload would mix their bytes: the second is refused.
 * tests/e2e/registry_spec.py "two at one upload" */
static struct upload *claim(struct repository *r, const char *id, const char *owner, struct err *e)
{
	struct uploads *all = r->storage->uploads;
	pthread_mutex_lock(&all->lock);
	struct upload *u = find_own(r, id, owner);
	if (!u) {
		unknown(e);
	} else if (u->busy) {
		err_set(e, ERR_CONFLICT, "another request is at this upload");
		u = NULL;
	} else {
		u->busy = true;
	}
	pthread_mutex_unlock(&all->lock);
	return u;
}

struct upload *upload_open(struct repository *r, const char *id, const char *owner, struct err *e)
{
	struct stat st;
	struct upload *u = claim(r, id, owner, e);
	if (!u)
		return NULL;
	u->at = r;
	u->gone = false;
	u->fd = openat(r->storage->uploads_dir, id, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (u->fd < 0 || fstat(u->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		u->gone = u->fd < 0 && errno == ENOENT;
		upload_close(u);
		unknown(e);
		return NULL;
	}
	u->size = (uint64_t)st.st_size;
	return u;
}

void upload_close(struct upload *u)
{
	if (!u)
		return;
	struct uploads *all = u->at->storage->uploads;
	close_fd(&u->fd);
	pthread_mutex_lock(&all->lock);
	u->busy = false;
	if (u->gone)
		forget(all, u->id);
	pthread_mutex_unlock(&all->lock);
}

uint64_t upload_size(const struct upload *u)
{
	return u->size;
}

const char *upload_id(const struct upload *u)
{
	return u->id;
}

bool upload_is_gone(const struct upload *u)
{
	return u->gone;
}

/* ------------------------------------------------------------------ writing */

/* The hash of the file as it is. */
static struct hash *hash_file(const struct upload *u, const char *alg, struct err *e)
{
	cleanup_hash struct hash *h = hash_new(alg, e);
	cleanup_free char *chunk = malloc(READ_CHUNK);
	if (!h)
		return NULL;
	if (!chunk)
		return err_no_memory(e), NULL;
	for (off_t at = 0;;) {
		ssize_t n = pread(u->fd, chunk, READ_CHUNK, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys_null(e, "cannot read an upload");
		if (n == 0)
			return steal_ptr(&h);
		hash_add(h, chunk, (size_t)n);
		at += n;
	}
}

int upload_append(struct upload *u, const void *data, size_t len, struct err *e)
{
	if (!u->hash)
		u->hash = u->size ? hash_file(u, u->alg, e) : hash_new(u->alg, e);
	if (!u->hash)
		return -1;
	if (write_all(u->fd, data, len) < 0) {
		err_sys(e, "cannot write the upload");
		/* Half a piece is no piece: what the client is told to go on from is what was hashed. */
		if (ftruncate(u->fd, (off_t)u->size) < 0)
			u->gone = true;
		return -1;
	}
	hash_add(u->hash, data, len);
	u->size += len;
	return 0;
}

int upload_truncate(struct upload *u, uint64_t size, struct err *e)
{
	if (size == u->size)
		return 0;
	hash_free(u->hash);
	u->hash = NULL;
	if (ftruncate(u->fd, (off_t)size) < 0)
		return err_sys(e, "cannot take back a part of an upload");
	u->size = size;
	return 0;
}

int upload_cancel(struct upload *u, struct err *e)
{
	struct storage *s = u->at->storage;
	char record[UPLOAD_ID_SIZE + 5];
	u->gone = true;
	if (unlinkat(s->uploads_dir, u->id, 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove an upload");
	unlinkat(s->uploads_dir, record_name(u->id, record), 0);
	return 0;
}

/* The digest of what is there, by the algorithm of `want`; uses up the running hash when that is its own. */
static int digest_of(struct upload *u, const struct digest *want, struct digest *is, struct err *e)
{
	cleanup_hash struct hash *h = NULL;
	if (u->hash && strcmp(u->alg, want->alg) == 0)
		h = steal_ptr(&u->hash);
	else
		h = hash_file(u, want->alg, e);
	if (!h)
		return -1;
	hash_finish(h, is);
	return 0;
}

int upload_commit(struct upload *u, const struct digest *d, unsigned *fresh, struct err *e)
{
	struct storage *s = u->at->storage;
	char record[UPLOAD_ID_SIZE + 5], text[DIGEST_TEXT_SIZE];
	struct digest is;
	*fresh = 0;
	if (digest_of(u, d, &is, e) < 0)
		return -1;
	if (!digest_equal(&is, d)) {
		upload_cancel(u, NULL);
		return err_set(e, ERR_CORRUPT, "the %llu bytes that came have the digest %s",
		        (unsigned long long)u->size, digest_text(&is, text));
	}
	if (blob_adopt(u->at, s->uploads_dir, u->id, u->fd, d, fresh, e) < 0)
		return -1;
	unlinkat(s->uploads_dir, record_name(u->id, record), 0);
	u->gone = true;
	return 0;
}

/* ------------------------------------------------------------------ purging */

/* Remove what stands under that name unless a request is at it. */
static bool purge_one(struct storage *s, const char *name, struct quota *q, uint64_t size)
{
	struct upload *u = NULL;
	char id[UPLOAD_ID_SIZE] = "", repository[REPOSITORY_NAME_MAX + 1] = "", record[UPLOAD_ID_SIZE + 5];
	if (upload_id_ok(name))
		strcpy(id, name);
	pthread_mutex_lock(&s->uploads->lock);
	if (*id && !(u = find(s->uploads, id)))
		u = load(s, id);
	bool done = !(u && u->busy) && unlinkat(s->uploads_dir, name, 0) == 0;
	if (done && u) {
		strcpy(repository, u->repository);
		forget(s->uploads, id);
	}
	if (done && *id)
		unlinkat(s->uploads_dir, record_name(id, record), 0);
	pthread_mutex_unlock(&s->uploads->lock);
	if (done && *id && q)
		quota_give(q, *repository ? QUOTA_BOTH : QUOTA_STORAGE, repository, size);
	return done && *id;
}

static DIR *open_list(struct storage *s, struct err *e)
{
	int fd = openat(s->uploads_dir, ".", O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		err_sys(e, "cannot list the uploads");
		close_fd(&fd);
	}
	return dir;
}

static bool is_record(const char *name)
{
	return strlen(name) == UPLOAD_ID_SIZE + 4 && strcmp(name + UPLOAD_ID_SIZE - 1, ".json") == 0;
}

/* The record of an upload that is gone: a kill came between the two. It is written after the upload's file.
 */
static bool is_orphan(const struct storage *s, const char *record)
{
	char id[UPLOAD_ID_SIZE] = "";
	memcpy(id, record, UPLOAD_ID_SIZE - 1);
	return faccessat(s->uploads_dir, id, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

int uploads_purge(struct storage *s, int64_t older_than, struct quota *q, unsigned *n, struct err *e)
{
	cleanup_dir DIR *dir = open_list(s, e);
	*n = 0;
	if (!dir)
		return -1;
	for (struct dirent *d; (d = readdir(dir));) {
		struct stat st;
		if (fstatat(s->uploads_dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		if ((int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec >= older_than)
			continue;
		if (!is_record(d->d_name))
			*n += purge_one(s, d->d_name, q, (uint64_t)st.st_size);
		else if (is_orphan(s, d->d_name))
			unlinkat(s->uploads_dir, d->d_name, 0);
	}
	return 0;
}

int uploads_count(struct storage *s, struct quota *q, struct err *e)
{
	cleanup_dir DIR *dir = open_list(s, e);
	if (!dir)
		return -1;
	for (struct dirent *d; (d = readdir(dir));) {
		struct stat st;
		if (!upload_id_ok(d->d_name) ||
		        fstatat(s->uploads_dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		pthread_mutex_lock(&s->uploads->lock);
		struct upload *u = find(s->uploads, d->d_name);
		if (!u)
			u = load(s, d->d_name);
		if (u)
			quota_add(q, QUOTA_BOTH, u->repository, (uint64_t)st.st_size);
		pthread_mutex_unlock(&s->uploads->lock);
	}
	return 0;
}
