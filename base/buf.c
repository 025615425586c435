/* Buffers, string vectors and scoped memory. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64

void buf_free(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
	b->failed = false;
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

static char *buf_fail(struct buf *b)
{
	buf_free(b);
	b->failed = true;
	return NULL;
}

char *buf_reserve(struct buf *b, size_t len)
{
	size_t max = b->max ? b->max : BUF_DEFAULT_MAX, cap = b->cap ? b->cap : FIRST_CAP, need;
	char *grown;

	if (b->failed)
		return NULL;
	if (max == SIZE_MAX)
		max--;
	if (b->len > max || len > max - b->len)
		return buf_fail(b);
	need = b->len + len + 1;
	if (need <= b->cap)
		return b->data + b->len;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (cap > max + 1)
		cap = max + 1;
	grown = realloc(b->data, cap);
	if (!grown)
		return buf_fail(b);
	b->data = grown;
	b->cap = cap;
	b->data[b->len] = '\0';
	return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	char *room = buf_reserve(b, len);

	if (!room)
		return;
	if (len)
		memcpy(room, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_str_add(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *room;
	size_t space;
	int len;

	if (b->failed)
		return;
	va_copy(again, ap);
	space = b->cap - b->len;
	len = vsnprintf(b->data ? b->data + b->len : NULL, b->data ? space : 0, fmt, ap);
	if (len < 0) {
		buf_fail(b);
	} else if ((size_t)len < space) {
		b->len += (size_t)len;
	} else {
		/* The first try may have overwritten the NUL, nothing more. */
		room = buf_reserve(b, (size_t)len);
		if (room) {
			vsnprintf(room, (size_t)len + 1, fmt, again);
			b->len += (size_t)len;
		}
	}
	va_end(again);
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
	char *data;

	if (!buf_reserve(b, 0)) {
		buf_free(b);
		return NULL;
	}
	data = steal_ptr(&b->data);
	buf_free(b);
	return data;
}

size_t strv_len(char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

void strv_free(char **v)
{
	for (char **s = v; s && *s; s++)
		free(*s);
	free(v);
}

void strv_free_ptr(char ***v)
{
	strv_free(*v);
	*v = NULL;
}

int strv_take(char ***v, char *s)
{
	size_t n = strv_len(*v);
	char **grown;

	if (!s)
		return -1;
	grown = realloc(*v, (n + 2) * sizeof(*grown));
	if (!grown) {
		free(s);
		return -1;
	}
	grown[n] = s;
	grown[n + 1] = NULL;
	*v = grown;
	return 0;
}

int strv_add(char ***v, const char *s)
{
	return strv_take(v, strdup(s));
}

char **strv_copy(char *const *v)
{
	cleanup_strv char **copy = calloc(strv_len(v) + 1, sizeof(*copy));

	if (!copy)
		return NULL;
	for (size_t i = 0; v && v[i]; i++) {
		copy[i] = strdup(v[i]);
		if (!copy[i])
			return NULL;
	}
	return steal_ptr(&copy);
}

bool strv_has(char *const *v, const char *s)
{
	strv_foreach (have, v)
		if (!strcmp(*have, s))
			return true;
	return false;
}

void free_ptr(void *p)
{
	void *memory;

	/* p points to a pointer of any type: memcpy reads it without breaking aliasing rules. */
	memcpy(&memory, p, sizeof(memory));
	free(memory);
	memset(p, 0, sizeof(memory));
}

char *str_printf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		return NULL;
	s = malloc((size_t)len + 1);
	if (!s)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(s, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return s;
}
