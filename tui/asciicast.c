/* Recordings of a terminal in the asciicast v2 format. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "tui/asciicast.h"

#define PIECE      4096
#define EVENT_MAX  ((size_t)6 * PIECE + 128) /* each byte can become six */
#define NS_PER_SEC 1000000000

struct asciicast {
	int fd;
	char *path;
	int64_t began;
	char cut[4]; /* the begin of a character whose end has not come yet */
	size_t n_cut;
	bool failed;
	struct buf line;
};

const char *asciicast_path(const struct asciicast *ac)
{
	return ac->path;
}

/* The bytes that a character with this first byte has. */
static size_t utf8_length(unsigned char first)
{
	return first < 0x80   ? 1
	       : first < 0xc2 ? 1
	       : first < 0xe0 ? 2
	       : first < 0xf0 ? 3
	       : first < 0xf5 ? 4
	                      : 1;
}

/* How many bytes at the end are the begin of a character that could go on. */
static size_t cut_at_end(const char *s, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char c = (unsigned char)s[len - back];

		if ((c & 0xc0) != 0x80)
			return utf8_length(c) > back ? back : 0;
	}
	return 0;
}

static void add_json(struct buf *b, const char *s, size_t len)
{
	while (len > 0) {
		uint32_t cp;
		size_t used = utf8_decode(s, len, &cp);

		if (cp == '"' || cp == '\\') {
			buf_char(b, '\\');
			buf_char(b, (char)cp);
		} else if (cp == '\n') {
			buf_str_add(b, "\\n");
		} else if (cp == '\r') {
			buf_str_add(b, "\\r");
		} else if (cp < 0x20 || cp == 0x7f) {
			buf_printf(b, "\\u%04" PRIx32, cp);
		} else if (cp == 0xfffd && used == 1) {
			buf_str_add(b, "\xef\xbf\xbd");
		} else {
			buf_add(b, s, used);
		}
		s += used;
		len -= used;
	}
}

static int write_line(struct asciicast *ac, struct err *e)
{
	buf_char(&ac->line, '\n');
	if (ac->line.failed) {
		ac->failed = true;
		return err_no_memory(e);
	}
	if (write_all(ac->fd, ac->line.data, ac->line.len) != 0) {
		ac->failed = true;
		return err_sys(e, "cannot write to %s", ac->path);
	}
	buf_reset(&ac->line);
	return 0;
}

static void begin_event(struct asciicast *ac, int64_t now, char kind)
{
	int64_t since = now > ac->began ? now - ac->began : 0;

	buf_printf(&ac->line, "[%" PRId64 ".%06d, \"%c\", \"", since / NS_PER_SEC,
	        (int)(since % NS_PER_SEC / 1000), kind);
}

static int write_event(
        struct asciicast *ac, const char *text, size_t len, int64_t now, char kind, struct err *e)
{
	begin_event(ac, now, kind);
	add_json(&ac->line, text, len);
	buf_str_add(&ac->line, "\"]");
	return write_line(ac, e);
}

struct asciicast *asciicast_open(
        const char *path, int rows, int cols, const char *title, int64_t started, int64_t now, struct err *e)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct asciicast *ac;

	if (fd < 0)
		return err_sys_null(e, "cannot record to %s", path);
	ac = calloc(1, sizeof *ac);
	if (!ac || !(ac->path = str_printf("%s", path))) {
		free(ac);
		err_no_memory(e);
		return NULL;
	}
	ac->fd = steal_fd(&fd);
	ac->began = now;
	ac->line.max = EVENT_MAX;
	buf_printf(&ac->line,
	        "{\"version\": 2, \"width\": %d, \"height\": %d, \"timestamp\": %" PRId64 ", \"title\": \"",
	        cols, rows, started);
	add_json(&ac->line, title, strlen(title));
	buf_str_add(&ac->line, "\", \"env\": {\"TERM\": \"xterm-256color\"}}");
	if (write_line(ac, e) != 0) {
		asciicast_close(ac, NULL);
		return NULL;
	}
	return ac;
}

int asciicast_output(struct asciicast *ac, const char *bytes, size_t len, int64_t now, struct err *e)
{
	char piece[PIECE];

	while (len > 0 && !ac->failed) {
		size_t n = sizeof piece - ac->n_cut, cut;

		if (n > len)
			n = len;
		memcpy(piece, ac->cut, ac->n_cut);
		memcpy(piece + ac->n_cut, bytes, n);
		bytes += n;
		len -= n;
		n += ac->n_cut;
		cut = cut_at_end(piece, n);
		memcpy(ac->cut, piece + n - cut, cut);
		ac->n_cut = cut;
		if (n > cut && write_event(ac, piece, n - cut, now, 'o', e) != 0)
			return -1;
	}
	return 0;
}

int asciicast_resize(struct asciicast *ac, int rows, int cols, int64_t now, struct err *e)
{
	char size[32];

	if (ac->failed)
		return 0;
	snprintf(size, sizeof size, "%dx%d", cols, rows);
	return write_event(ac, size, strlen(size), now, 'r', e);
}

int asciicast_close(struct asciicast *ac, struct err *e)
{
	int result = 0;

	if (!ac)
		return 0;
	if (close(ac->fd) != 0)
		result = err_sys(e, "cannot write to %s", ac->path);
	buf_free(&ac->line);
	free(ac->path);
	free(ac);
	return result;
}
