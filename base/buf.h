/* Buffers: bytes that grow up to a hard maximum that is part of the buffer.
 *
 * A buffer that would pass its maximum, or for which memory runs out, drops its content, stays
 * empty and remembers `failed`; appends after that do nothing. So a sequence of appends needs one
 * check at the end. `data` is always followed by a NUL that `len` does not count, and is never NULL
 * after BUF_INIT-and-append (buf_str() gives "" for an empty one). */
#ifndef TARE_BASE_BUF_H
#define TARE_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;
	size_t len, cap;
	size_t max; /* 0 means BUF_DEFAULT_MAX */
	bool failed;
};

#define BUF_DEFAULT_MAX ((size_t)64 << 20)
/* clang-format off */
#define BUF_INIT {0}
#define BUF_INIT_MAX(m) {.max = (m)}
/* clang-format on */

void buf_free(struct buf *b);  /* leaves it empty and usable */
void buf_reset(struct buf *b); /* empties it, keeps the memory, clears `failed` */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_str_add(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Room for `len` more bytes at data+len (the caller then adds to len); NULL when failed. */
char *buf_reserve(struct buf *b, size_t len);
const char *buf_str(const struct buf *b);
/* The content as an allocated string, the caller's to free; the buffer becomes empty. NULL if failed. */
char *buf_take(struct buf *b);

#define cleanup_buf __attribute__((cleanup(buf_free)))

/* A NULL-terminated vector of allocated strings. NULL is an empty vector. */
size_t strv_len(char *const *v);
void strv_free(char **v);
/* Append a copy (or, strv_take, the string itself, freed on failure). 0, or -1 when memory is short. */
int strv_add(char ***v, const char *s);
int strv_take(char ***v, char *s);
char **strv_copy(char *const *v);
bool strv_has(char *const *v, const char *s);
void strv_free_ptr(char ***v);
#define cleanup_strv       __attribute__((cleanup(strv_free_ptr)))
#define strv_foreach(s, v) for (char *const *s = (v); s && *s; s++)

/* Memory that belongs to a scope. */
void free_ptr(void *p); /* p is the address of a pointer */
#define cleanup_free __attribute__((cleanup(free_ptr)))
/* *p, leaving NULL behind: ownership moves to the caller. */
#define steal_ptr(p)                                                                                         \
	({                                                                                                   \
		__typeof__(p) _pp = &(p)[0];                                                                 \
		__typeof__(*_pp) _v = *_pp;                                                                  \
		*_pp = NULL;                                                                                 \
		_v;                                                                                          \
	})
/* asprintf that returns NULL on failure. */
char *str_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
