#include "engine/backup/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "engine/backup/document.h"

#define VERSION   1
#define NAME_SIZE 512 /* of a volume or a host, at most */

void snapshot_free(struct snapshot *s)
{
	free(s->volume);
	free(s->host);
	*s = (struct snapshot){0};
}

void snapshot_list_free(struct snapshot_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		snapshot_free(&l->rows[i]);
	free(l->rows);
	*l = (struct snapshot_list){0};
}

void snapshot_record_free(struct snapshot_record *r)
{
	snapshot_free(&r->about);
	free(r->listing);
	*r = (struct snapshot_record){0};
}

bool snapshot_id_is(const char *name)
{
	return strlen(name) == SNAPSHOT_ID_SIZE - 1 &&
	       strspn(name, "0123456789abcdef") == SNAPSHOT_ID_SIZE - 1;
}

/* All in one string: a JSON value for each would cost ten times the memory. */
static void set_listing(json *j, const struct snapshot_record *r, struct buf *hex)
{
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < sizeof(r->listing->bytes); k++)
			buf_printf(hex, "%02x", r->listing[i].bytes[k]);
	json_set_str(j, "listing", buf_str(hex));
}

int snapshot_write(int dirfd, const struct seal *s, struct snapshot_record *r, struct err *e)
{
	struct document_digest digest;
	cleanup_buf struct buf hex = BUF_INIT_MAX(DOCUMENT_MAX);
	cleanup_json json *j = json_object_new_object();
	json_set_int(j, "version", VERSION);
	json_set_str(j, "volume", r->about.volume);
	json_set_str(j, "host", r->about.host);
	json_set_int(j, "time", r->about.time);
	json_set_int(j, "bytes", (int64_t)r->about.bytes);
	json_set_int(j, "files", (int64_t)r->about.files);
	json_set_int(j, "entries", (int64_t)r->about.entries);
	json_set_int(j, "added", (int64_t)r->about.added);
	json_set_int(j, "stored", (int64_t)r->about.stored);
	set_listing(j, r, &hex);
	if (!j || hex.failed)
		return err_no_memory(e);
	if (document_write(dirfd, NULL, s, j, &digest, e) < 0)
		return -1;
	memcpy(r->about.id, digest.hex, SNAPSHOT_ID_SIZE - 1);
	r->about.id[SNAPSHOT_ID_SIZE - 1] = '\0';
	return 0;
}

static int get_name(json *j, const char *key, char **out, struct err *e)
{
	const char *s = json_str(j, key, "");
	if (strlen(s) >= NAME_SIZE)
		return err_set(e, ERR_CORRUPT, "its \"%s\" is too long", key);
	*out = strdup(s);
	return *out ? 0 : err_no_memory(e);
}

static int get_count(json *j, const char *key, uint64_t *out, struct err *e)
{
	int64_t v = json_int(j, key, -1);
	if (v < 0)
		return err_set(e, ERR_CORRUPT, "it has no right \"%s\"", key);
	*out = (uint64_t)v;
	return 0;
}

static int get_listing(json *j, struct snapshot_record *r, struct err *e)
{
	const char *hex = json_str(j, "listing", "");
	size_t len = strlen(hex), digits = 2 * sizeof(r->listing->bytes);
	if (len == 0 || len % digits || strspn(hex, "0123456789abcdef") != len)
		return err_set(e, ERR_CORRUPT, "it has no right \"listing\"");
	r->listing = calloc(len / digits, sizeof(*r->listing));
	if (!r->listing)
		return err_no_memory(e);
	r->n = len / digits;
	for (size_t i = 0; i < len / 2; i++)
		r->listing[2 * i / digits].bytes[i % (digits / 2)] =
		        (unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
	return 0;
}

int snapshot_from_json(json *j, struct snapshot_record *r, struct err *e)
{
	struct snapshot *s = &r->about;
	int64_t version = json_int(j, "version", 0);
	*r = (struct snapshot_record){0};
	if (version > VERSION)
		return err_set(e, ERR_UNSUPPORTED, "it was written by a newer Tare");
	if (version < 1)
		return err_set(e, ERR_CORRUPT, "it is no snapshot");
	s->time = json_int(j, "time", 0);
	if (get_name(j, "volume", &s->volume, e) < 0 || get_name(j, "host", &s->host, e) < 0 ||
	        get_count(j, "bytes", &s->bytes, e) < 0 || get_count(j, "files", &s->files, e) < 0 ||
	        get_count(j, "entries", &s->entries, e) < 0 || get_count(j, "added", &s->added, e) < 0 ||
	        get_count(j, "stored", &s->stored, e) < 0 || get_listing(j, r, e) < 0) {
		snapshot_record_free(r);
		return -1;
	}
	return 0;
}

int snapshot_read(int dirfd, const struct seal *s, const char *id, struct snapshot_record *r, struct err *e)
{
	struct document_digest digest;
	*r = (struct snapshot_record){0};
	cleanup_json json *j = document_read(dirfd, id, s, &digest, e);
	if (!j)
		return -1;
	if (strncmp(digest.hex, id, SNAPSHOT_ID_SIZE - 1) != 0)
		return err_set(e, ERR_CORRUPT, "it has the content of another one");
	if (snapshot_from_json(j, r, e) < 0)
		return -1;
	strcpy(r->about.id, id);
	return 0;
}
