#include "engine/backup/tar_check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "engine/archive/unnamed_file.h"

#define LINE_LIMIT  ((size_t)64 << 10) /* two paths, four digits a byte, and the rest */
#define SPARE_BYTES ((uint64_t)1 << 20)

int tar_check_begin(struct tar_check *c, struct err *e)
{
	return tar_manifest_begin(&c->own, e);
}

void tar_check_digest(void *arg, const unsigned char *xxh128)
{
	struct tar_check *c = arg;
	if (c->own.first < c->own.n_slots)
		tar_manifest_digest(&c->own, xxh128);
	else if (!c->n_last++)
		memcpy(c->last_header, xxh128, HASH_XXH128_SIZE);
}

static int begin_theirs(struct tar_check *c, const struct tar_reader *t, uint64_t size, struct err *e)
{
	/* Disk exhaustion (a manifest of a terabyte): it is about as long as ours.
	 * tests/unit/test_backup_tar.c */
	if (size > 2 * c->own.size + SPARE_BYTES)
		return err_set(e, ERR_CORRUPT, "the archive is damaged: its list of files is too long");
	c->has_manifest = true;
	c->last_at = t->at;
	c->last_size = size;
	c->theirs = unnamed_file(-1, e);
	return c->theirs < 0 ? -1 : 1;
}

int tar_check_entry(
        struct tar_check *c, const struct tar_reader *t, const struct tree_entry *entry, struct err *e)
{
	if (c->has_manifest) {
		c->behind = true;
		return tar_manifest_drop(&c->own, e) < 0 || (t->stored && tar_manifest_drop(&c->own, e) < 0)
		               ? -1
		               : 0;
	}
	if (tar_manifest_is(entry) && !entry->first && S_ISREG(entry->mode))
		return begin_theirs(c, t, entry->size, e);
	return tar_manifest_add(&c->own, entry, t->at, t->stored, e);
}

int tar_check_data(struct tar_check *c, const void *data, size_t len, struct err *e)
{
	return write_all(c->theirs, data, len) < 0 ? err_sys(e, "cannot write the list of files to /var/tmp")
	                                           : 0;
}

int tar_check_torn(struct tar_check *c, const struct tar_reader *t, struct err *e)
{
	*(c->has_manifest ? &c->torn_behind : &c->torn) = true;
	return t->headed ? tar_manifest_drop(&c->own, e) : 0;
}

/* ------------------------------------------------------------------ differences */

/* A manifest, line by line. */
struct lines {
	FILE *file;
	char *text, *copy; /* LINE_LIMIT each: as it stands there; taken apart */
	struct tar_manifest_line line;
	bool ended, broken;
};

static bool next_line(struct lines *l)
{
	do {
		if (!fgets(l->text, (int)LINE_LIMIT, l->file)) {
			l->ended = true;
			return false;
		}
		l->text[strcspn(l->text, "\n")] = '\0';
		strcpy(l->copy, l->text);
		l->broken |= !tar_manifest_parse(l->copy, &l->line);
	} while (!l->line.path);
	return true;
}

static int open_lines(struct lines *l, int fd, struct err *e)
{
	cleanup_fd int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	*l = (struct lines){.text = malloc(LINE_LIMIT), .copy = malloc(LINE_LIMIT)};
	if (!l->text || !l->copy)
		return err_no_memory(e);
	if (own < 0 || lseek(own, 0, SEEK_SET) < 0 || !(l->file = fdopen(own, "r")))
		return err_sys(e, "cannot read the list of files");
	own = -1;
	next_line(l);
	return 0;
}

static void close_lines(struct lines *l)
{
	if (l->file)
		fclose(l->file);
	free(l->text);
	free(l->copy);
}

struct telling {
	void (*damaged)(void *arg, const char *line);
	void *arg;
};

static void tell(const struct telling *t, const char *path, const char *what)
{
	cleanup_buf struct buf b = BUF_INIT;
	if (!t->damaged)
		return;
	buf_char(&b, '"');
	text_harmless(&b, path[0] ? path : ".", path[0] ? strlen(path) : 1);
	buf_printf(&b, "\": %s", what);
	t->damaged(t->arg, buf_str(&b));
}

static bool same(const char *a, const char *b)
{
	return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static const char *difference(const struct tar_manifest_line *theirs, const struct tar_manifest_line *own)
{
	bool header = same(theirs->header, own->header), content = same(theirs->content, own->content);
	return header && !content   ? "its content is damaged"
	       : !header && content ? "its header (name, owner, mode, times or attributes) is damaged"
	                            : "its header is damaged, and its content with it";
}

/* The entry at hand of theirs, of which `what` is to be told; NULL: nothing is wrong with it. Where it ends
 * is known from where the next one begins. */
static void leave_entry(const struct tar_check *c, const struct telling *t, struct lines *theirs,
        struct buf *path, const char *what)
{
	uint64_t from = theirs->line.at;
	buf_reset(path);
	buf_str_add(path, theirs->line.path);
	next_line(theirs);
	uint64_t to = theirs->ended ? c->last_at : theirs->line.at;
	if (c->placed && c->placed(c->placed_arg, buf_str(path), from, to, what != NULL))
		return;
	if (what)
		tell(t, buf_str(path), what);
}

/* Both lists are in the order in which things stand in the archive. */
static void compare(
        const struct tar_check *c, const struct telling *t, struct lines *theirs, struct lines *own)
{
	cleanup_buf struct buf path = BUF_INIT;
	while (!theirs->ended || !own->ended) {
		bool mine = theirs->ended || (!own->ended && own->line.at < theirs->line.at);
		if (mine) {
			if (!c->torn)
				tell(t, own->line.path, "it is not in the archive's list of files");
			next_line(own);
			continue;
		}
		bool both = !own->ended && own->line.at == theirs->line.at;
		const char *what = both ? NULL : "its header is damaged, or it is missing";
		if (both && strcmp(theirs->text, own->text) != 0)
			what = difference(&theirs->line, &own->line);
		leave_entry(c, t, theirs, &path, what);
		if (both)
			next_line(own);
	}
}

static int find_differences(struct tar_check *c, const struct telling *t, struct err *e)
{
	struct lines theirs = {0}, own = {0};
	int rc = open_lines(&theirs, c->theirs, e) < 0 || open_lines(&own, c->own.spill, e) < 0 ? -1 : 0;
	if (rc == 0)
		compare(c, t, &theirs, &own);
	close_lines(&theirs);
	close_lines(&own);
	return rc;
}

int tar_check_end(struct tar_check *c, void (*damaged)(void *arg, const char *line), void *arg, struct err *e)
{
	const struct telling t = {damaged, arg};
	unsigned char header[HASH_XXH128_SIZE];
	struct digest lines;
	if (!c->has_manifest)
		return 0;
	c->own.torn = c->torn || c->torn_behind || c->behind;
	if (tar_manifest_end(&c->own, COMPRESSION_NONE, e) < 0 ||
	        tar_manifest_header(c->last_size, header, e) < 0)
		return -1;
	bool right = memcmp(header, c->last_header, sizeof(header)) == 0;
	if (!right)
		tell(&t, TAR_MANIFEST_NAME, "the header of the list of files is damaged");
	if (c->behind)
		tell(&t, TAR_MANIFEST_NAME, "there are entries behind the list of files");
	int whole = tar_manifest_check(c->theirs, c->last_size, &lines, &c->kind, e);
	if (whole == 0)
		tell(&t, TAR_MANIFEST_NAME,
		        "the list of files is damaged; the files cannot be checked against it");
	if (whole <= 0)
		return whole;
	bool equal = digest_equal(&lines, &c->own.digest);
	if ((!equal || c->placed) && find_differences(c, &t, e) < 0)
		return -1;
	return equal && right && !c->behind;
}

void tar_check_free(struct tar_check *c)
{
	tar_manifest_free(&c->own);
	close_fd(&c->theirs);
}
