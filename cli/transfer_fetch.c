#include "cli/transfer_fetch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/oci/reference.h"
#include "registry/client/http.h"
#include "registry/client/registries.h"
#include "registry/client/remote.h"

struct fetch {
	struct http *http;
	struct remote *remote;
	bool done;
	struct err why; /* of a download */
};

static int put_line(json *j)
{
	cleanup_buf struct buf b = BUF_INIT;

	json_print(&b, j, JSON_COMPACT);
	buf_char(&b, '\n');
	return write_all(STDOUT_FILENO, buf_str(&b), b.len);
}

static int put_word(const char *key)
{
	cleanup_json json *j = json_object_new_object();

	json_set_bool(j, key, true);
	return put_line(j);
}

static int put_descriptor(const struct descriptor *d)
{
	cleanup_json json *j = json_object_new_object();
	char text[DIGEST_TEXT_SIZE];

	if (d->media_type)
		json_set_str(j, "mediaType", d->media_type);
	json_set_str(j, "digest", digest_text(&d->digest, text));
	json_set_int(j, "size", (int64_t)d->size);
	return put_line(j);
}

static int put_error(const struct err *e)
{
	cleanup_json json *j = json_object_new_object();

	if (e->kind == ERR_NOT_FOUND)
		return put_word("unknown");
	json_set_str(j, "error", e->msg);
	return put_line(j);
}

/* ------------------------------------------------------------------ manifests */

/* A tag is asked for by HEAD first, which no registry counts. */
static int fetch_manifest(struct fetch *f, const char *reference, const char *known, struct err *e)
{
	struct descriptor d = {0}, head = {0};
	char text[DIGEST_TEXT_SIZE];
	cleanup_buf struct buf doc = BUF_INIT_MAX(MANIFEST_MAX_BYTES);
	const char *wanted = reference;

	if (!strchr(reference, ':')) {
		if (remote_head(f->remote, reference, &head, e) < 0)
			return -1;
		wanted = digest_text(&head.digest, text);
		descriptor_free(&head);
	}
	if (strcmp(wanted, known) == 0)
		return put_word("same");
	if (remote_manifest(f->remote, wanted, &doc, &d, e) < 0)
		return -1;
	int rc = put_descriptor(&d) < 0 || write_all(STDOUT_FILENO, buf_str(&doc), doc.len) < 0
	                 ? err_sys(e, "cannot hand on the manifest")
	                 : 0;
	descriptor_free(&d);
	return rc;
}

/* ------------------------------------------------------------------ blobs */

struct blob_head {
	struct fetch *fetch;
	struct descriptor *d;
};

static void head_done(
        void *arg, const struct http_answer *a, enum http_failure failure, const struct err *why)
{
	struct blob_head *h = arg;

	h->fetch->done = true;
	if (failure != HTTP_OK_SO_FAR)
		h->fetch->why = *why;
	else if (a->status != 200)
		remote_error(h->fetch->remote, "fetch a blob", a, &h->fetch->why);
	else if (a->length == UINT64_MAX)
		err_set(&h->fetch->why, ERR_OTHER, "the upstream does not say how large the blob is");
	else
		h->d->size = a->length;
}

static int wait_done(struct fetch *f, struct err *e)
{
	while (!f->done)
		if (http_step(f->http, -1, e) < 0)
			return -1;
	f->done = false;
	if (!f->why.msg[0])
		return 0;
	*e = f->why;
	return -1;
}

static int ask_size(struct fetch *f, struct descriptor *d, struct err *e)
{
	char text[DIGEST_TEXT_SIZE];
	cleanup_free char *path = str_printf("blobs/%s", digest_text(&d->digest, text));
	struct blob_head h = {f, d};
	const struct remote_request q = {
	        .http = {.method = "HEAD", .follow = true, .done = head_done, .arg = &h},
	        .path = path,
	        .endpoint = -1,
	};

	if (!path)
		return err_no_memory(e);
	return remote_request(f->remote, &q, e) < 0 ? -1 : wait_done(f, e);
}

static int pass_on(void *arg, const void *data, size_t len, struct err *e)
{
	(void)arg;
	return write_all(STDOUT_FILENO, data, len) < 0 ? err_sys(e, "cannot hand on the blob") : 0;
}

static void blob_done(void *arg, const struct err *why)
{
	struct fetch *f = arg;

	f->done = true;
	if (why)
		f->why = *why;
}

/* Who asked checks the digest. After the first line an error can only be told by too few bytes. */
static int fetch_blob(struct fetch *f, const char *reference, struct err *e)
{
	struct descriptor d = {0};
	struct err why = ERR_INIT;
	const struct remote_download download = {.blob = &d, .data = pass_on, .done = blob_done, .arg = f};

	if (digest_parse(reference, &d.digest, e) < 0 || ask_size(f, &d, e) < 0)
		return -1;
	if (put_descriptor(&d) < 0)
		return err_sys(e, "cannot hand on the blob");
	if (remote_download(f->remote, &download, &why) < 0 || wait_done(f, &why) < 0)
		log_line(LOG_LEVEL_WARN, "%s", why.msg);
	return 0;
}

int transfer_fetch(struct cli *cli, void *options, char **words)
{
	struct err e = ERR_INIT;
	cleanup_reference struct reference ref = REFERENCE_INIT;
	const struct remote_options o = {.access = REMOTE_PULL};

	(void)options;
	if (strv_len(words) < 4 || strcmp(words[0], "fetch") != 0) {
		err_set(&e, ERR_USAGE,
		        "tare-transfer --internal has only: fetch manifest|blob NAME REFERENCE");
		return cli_fail(cli, &e);
	}
	cleanup_http struct http *http = http_new(&e);
	cleanup_registries struct registries *registries = http ? registries_load(NULL, &e) : NULL;
	if (!registries || reference_parse(words[2], &ref, &e) < 0) {
		put_error(&e);
		return cli_fail(cli, &e);
	}
	struct fetch f = {.http = http, .remote = remote_open(http, registries, &ref, &o, &e)};
	bool blob = strcmp(words[1], "blob") == 0;
	int rc = !f.remote ? -1
	         : blob    ? fetch_blob(&f, words[3], &e)
	                   : fetch_manifest(&f, words[3], words[4] ? words[4] : "", &e);
	if (rc < 0)
		put_error(&e);
	remote_free(f.remote);
	return rc < 0 && e.kind != ERR_NOT_FOUND ? cli_fail(cli, &e) : 0;
}
