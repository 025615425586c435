#include "engine/backup/tar_verify.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/text.h"
#include "engine/archive/tar_reader.h"
#include "engine/archive/unpack.h"
#include "engine/backup/tar_check.h"

#define PROGRESS_EVERY 64
#define DAMAGED        "is damaged: " /* how the reader begins */
#define HOLES_MAX      1000           /* damaged pieces that are remembered */

/* A piece of the compressed stream that is damaged: what of the content it had. */
struct hole {
	uint64_t from, to;
	const char *why;
	uint64_t files, wrong; /* that have a part in it */
	char *first;
};

struct verify {
	struct inflate *in;
	struct tar_reader tar;
	struct tar_check check;
	struct hole *holes;
	size_t n_holes;
	struct buf path; /* of the entry at hand, as the manifest has it */
	struct buf first;
	bool named;
	uint64_t n; /* of what is wrong */
	void (*damaged)(void *arg, const char *line);
	void *arg;
	struct progress *progress;
	const char *file;
	uint64_t total;
	struct err torn; /* the first damage to the structure */
	bool followed;   /* there were headers behind damage */
	bool cut;        /* the stream ended, or failed */
	bool rooted;     /* the first entry is the root */
};

static void tell_line(void *arg, const char *line)
{
	struct verify *v = arg;
	if (v->n++ < TAR_VERIFY_LINES)
		v->damaged(v->arg, line);
}

static void tell(struct verify *v, const char *path, const char *what)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (path) {
		buf_char(&b, '"');
		text_harmless(&b, path[0] ? path : ".", path[0] ? strlen(path) : 1);
		buf_str_add(&b, "\": ");
	}
	buf_str_add(&b, what);
	tell_line(v, buf_str(&b));
}

/* ------------------------------------------------------------------ damaged pieces */

static void remember_hole(void *arg, uint64_t from, uint64_t len, const char *why)
{
	struct verify *v = arg;
	if (v->n_holes == HOLES_MAX)
		return;
	struct hole *grown = realloc(v->holes, (v->n_holes + 1) * sizeof(*grown));
	if (!grown)
		return;
	v->holes = grown;
	grown[v->n_holes++] = (struct hole){.from = from, .to = from + len, .why = why};
}

/* An entry that stands from `from` to `to` of the content. */
static bool count_in_holes(void *arg, const char *path, uint64_t from, uint64_t to, bool wrong)
{
	struct verify *v = arg;
	for (size_t i = 0; i < v->n_holes; i++) {
		struct hole *h = &v->holes[i];
		if (to <= h->from || from >= h->to)
			continue;
		if (!h->files++)
			h->first = strdup(path);
		h->wrong += wrong;
	}
	return false;
}

/* The last piece is the list of files. Should damage have hidden that, it is in the last file that was seen.
 */
static const char *name_of(const struct verify *v, const struct hole *h)
{
	if (h->first)
		return h->first;
	bool lost = !v->check.has_manifest && v->named && h->to < v->tar.position;
	return lost ? buf_str(&v->path) : TAR_MANIFEST_NAME;
}

/* The stream ends in it: what it had of files is not known. */
static bool is_end(const struct verify *v, size_t i)
{
	return v->holes[i].files == 0 && !v->check.has_manifest &&
	       strcmp(v->holes[i].why, INFLATE_CUT_OFF) == 0;
}

/* Files that are no longer what they were are named by their digests. Where all of them are right, what was
 * hit is something that decoders overlook, or what stands in front of the piece. */
static void tell_holes(struct verify *v)
{
	for (size_t i = 0; i < v->n_holes; i++) {
		const struct hole *h = &v->holes[i];
		cleanup_buf struct buf b = BUF_INIT;
		if (v->tar.position && h->from >= v->tar.position) {
			tell(v, NULL, "something stands behind the end of the archive");
			continue;
		}
		if (h->wrong)
			continue;
		buf_str_add(&b, h->why);
		if (is_end(v, i)) {
			buf_str_add(
			        &b, v->named ? ", in this file or behind it" : ": nothing of it can be read");
			tell(v, v->named ? buf_str(&v->path) : NULL, buf_str(&b));
			continue;
		}
		if (h->files > 1)
			buf_printf(&b, ", and so for %llu files behind it in the same piece",
			        (unsigned long long)h->files - 1);
		if (h->files)
			buf_str_add(&b, "; all of it can still be read");
		tell(v, name_of(v, h), buf_str(&b));
	}
}

/* ------------------------------------------------------------------ entries */

/* As the walk named it: no "./", no slash at the end. */
static const char *clean(struct buf *b, const char *path)
{
	buf_reset(b);
	while (path[0] == '.' && path[1] == '/')
		path += 2;
	buf_str_add(b, path);
	while (b->len && b->data[b->len - 1] == '/')
		b->data[--b->len] = '\0';
	if (strcmp(buf_str(b), ".") == 0)
		buf_reset(b);
	return b->len ? buf_str(b) : "";
}

static int read_entry(struct verify *v, const struct tar_entry *t, struct err *e)
{
	const void *data;
	size_t len;
	struct tree_entry entry;
	unpack_describe(t, &entry);
	entry.path = clean(&v->path, t->path);
	entry.first = t->type == TAR_HARDLINK ? clean(&v->first, t->link) : NULL;
	v->rooted |= !v->named && !entry.path[0];
	v->named = true;
	int mine = tar_check_entry(&v->check, &v->tar, &entry, e), rc;
	if (mine < 0)
		return -1;
	while ((rc = tar_data(&v->tar, &data, &len, e)) > 0)
		if (mine && tar_check_data(&v->check, data, len, e) < 0)
			return -1;
	return rc;
}

static void tell_padding(struct verify *v)
{
	if (v->tar.dirty)
		tell(v, v->named ? buf_str(&v->path) : NULL, "what fills up its last block is damaged");
	v->tar.dirty = false;
}

/* Where it goes on after damage. 1, 0: nowhere, -1. */
static int go_on(struct verify *v, struct err *why, struct err *e)
{
	if (why->kind != ERR_CORRUPT) {
		if (e)
			*e = *why;
		return -1;
	}
	if (!v->torn.msg[0])
		v->torn = *why;
	if (tar_check_torn(&v->check, &v->tar, e) < 0)
		return -1;
	v->cut |= v->tar.ended;
	int rc = tar_resync(&v->tar, why);
	v->followed |= rc > 0;
	return rc > 0;
}

/* All entries, whatever lies between them. */
static int read_entries(struct verify *v, struct err *e)
{
	const struct tar_entry *t;
	for (unsigned n = 0;; n++) {
		struct err why = ERR_INIT;
		int rc = tar_next(&v->tar, &t, &why);
		tell_padding(v);
		if (rc > 0)
			rc = read_entry(v, t, &why) < 0 ? -1 : 1;
		if (rc == 0 && (v->check.torn || v->n_holes) && !v->check.has_manifest)
			rc = tar_resync(&v->tar, &why) > 0; /* the end of an archive that lies in a file */
		if (rc == 0)
			return 0;
		if (rc < 0 && (rc = go_on(v, &why, e)) <= 0)
			return rc;
		if (v->progress && n % PROGRESS_EVERY == 0)
			progress_step(v->progress, v->file, "verifying", inflate_position(v->in), v->total);
	}
}

/* ------------------------------------------------------------------ the end */

static int check_rest(struct verify *v, struct err *e)
{
	uint64_t bytes;
	bool zeros;
	struct err why = ERR_INIT;
	char line[80];
	int rc = tar_rest(&v->tar, &bytes, &zeros, &why);
	if (rc < 0 && why.kind != ERR_CORRUPT) {
		if (e)
			*e = why;
		return -1;
	}
	if (rc < 0)
		tell(v, NULL, why.msg);
	/* GNU tar fills up its last record; a backup ends with its end marker. */
	if (bytes > 0 && !v->check.torn && v->check.has_manifest) {
		snprintf(line, sizeof(line), "%llu bytes stand behind the end of the archive",
		        (unsigned long long)bytes);
		tell(v, NULL, line);
	}
	return 0;
}

/* Of our own archives, which begin with their root, the last header is that of the list of files. */
static void tell_torn(struct verify *v)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (v->check.torn_behind)
		tell(v, NULL, "the end marker of the archive is damaged");
	if (!v->check.torn || v->check.has_manifest || v->n_holes)
		return;
	bool list = v->rooted && !v->followed && !v->cut;
	const char *what = strstr(v->torn.msg, DAMAGED);
	what = what ? what + strlen(DAMAGED) : v->torn.msg;
	buf_printf(&b, "%s%s", what, v->named && !list ? ", in this file or behind it" : "");
	tell(v, list ? TAR_MANIFEST_NAME : v->named ? buf_str(&v->path) : NULL, buf_str(&b));
}

/* What decoders overlook in what stands in front of the first piece shows itself by its lack. */
static void check_pieces(struct verify *v)
{
	if (v->check.kind != COMPRESSION_NONE && v->check.kind == inflate_kind(v->in) &&
	        !inflate_in_pieces(v->in))
		tell(v, NULL,
		        "it was compressed by another program since, or what stands in front of its first "
		        "piece is "
		        "damaged");
}

static int verify(struct verify *v, struct err *e)
{
	int rc = read_entries(v, e);
	if (rc < 0 || check_rest(v, e) < 0)
		return -1;
	inflate_parts_end(v->in);
	v->check.placed = v->n_holes ? count_in_holes : NULL;
	v->check.placed_arg = v;
	rc = tar_check_end(&v->check, tell_line, v, e);
	if (rc < 0)
		return -1;
	if (!v->check.has_manifest && !v->check.torn && !v->n_holes)
		return err_set(e, ERR_UNSUPPORTED,
		        "%s can be read to its end, but it has no list of files with digests: it was not "
		        "made by "
		        "`tare volume backup`",
		        v->file);
	tell_torn(v);
	tell_holes(v);
	check_pieces(v);
	return 0;
}

/* ------------------------------------------------------------------ the whole */

static int open_file(const char *file, uint64_t *size, struct err *e)
{
	struct stat st;
	bool input = strcmp(file, "-") == 0;
	if (input && isatty(STDIN_FILENO))
		return err_set(e, ERR_USAGE, "standard input is a terminal; name a FILE or redirect it");
	int fd = input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "cannot open %s", file);
	*size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	return fd;
}

static int open_and_verify(struct verify *v, struct err *e)
{
	cleanup_fd int fd = open_file(v->file, &v->total, e);
	const struct inflate_options o = {.copy_fd = -1,
	        .backup = true,
	        .part = tar_check_digest,
	        .part_arg = &v->check,
	        .damaged = remember_hole,
	        .damaged_arg = v};
	if (fd < 0 || tar_check_begin(&v->check, e) < 0)
		return -1;
	cleanup_inflate struct inflate *in = inflate_open(fd, &o, e);
	if (!in)
		return -1;
	v->in = in;
	v->tar = (struct tar_reader)TAR_READER_INIT(in);
	v->tar.parts = v->tar.endless = true;
	int rc = verify(v, e);
	tar_reader_free(&v->tar);
	return rc;
}

int tar_verify(const char *file, struct progress *p, void (*damaged)(void *arg, const char *line), void *arg,
        uint64_t *n, struct err *e)
{
	struct verify v = {
	        .check = TAR_CHECK_INIT, .damaged = damaged, .arg = arg, .progress = p, .file = file};
	int rc = open_and_verify(&v, e);
	tar_check_free(&v.check);
	for (size_t i = 0; i < v.n_holes; i++)
		free(v.holes[i].first);
	free(v.holes);
	buf_free(&v.path);
	buf_free(&v.first);
	*n = v.n;
	if (p)
		progress_done(p, file, rc < 0 ? "cannot be read" : v.n ? "damaged" : "right");
	return rc;
}
