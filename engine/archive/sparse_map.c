#include "engine/archive/sparse_map.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "engine/archive/tar_header.h"

#define WORTH_IT   ((uint64_t)64 << 10) /* less than that in holes is not worth a map */
#define PIECES_MAX 50000                /* more: written as it is; readers have limits, too */

static int add_piece(struct sparse_map *m, uint64_t offset, uint64_t len, struct err *e)
{
	if (m->n == m->cap || !m->list) {
		size_t cap = m->cap ? m->cap * 2 : 16;
		struct sparse_piece *grown = realloc(m->list, cap * sizeof(*grown));
		if (!grown)
			return err_no_memory(e);
		m->list = grown;
		m->cap = cap;
	}
	m->list[m->n++] = (struct sparse_piece){offset, len};
	m->data += len;
	return 0;
}

/* 1, or 0 when this file system cannot tell or there are too many. */
static int find_pieces(int fd, struct sparse_map *m, struct err *e)
{
	for (uint64_t at = 0; at < m->size;) {
		off_t from = lseek(fd, (off_t)at, SEEK_DATA);
		if (from < 0 && errno == ENXIO)
			break;
		if (from < 0)
			return 0;
		off_t to = lseek(fd, from, SEEK_HOLE);
		if (to < 0 || m->n == PIECES_MAX)
			return 0;
		if ((uint64_t)to > m->size)
			to = (off_t)m->size;
		if (to <= from)
			break;
		if (add_piece(m, (uint64_t)from, (uint64_t)(to - from), e) < 0)
			return -1;
		at = (uint64_t)to;
	}
	return 1;
}

/* A hole at the end is said by a last piece without data. */
static int close_map(struct sparse_map *m, struct err *e)
{
	const struct sparse_piece *last = m->n ? &m->list[m->n - 1] : NULL;
	if ((!last || last->offset + last->len < m->size) && add_piece(m, m->size, 0, e) < 0)
		return -1;
	m->text = (struct buf)BUF_INIT;
	buf_printf(&m->text, "%zu\n", m->n);
	for (size_t i = 0; i < m->n; i++)
		buf_printf(&m->text, "%llu\n%llu\n", (unsigned long long)m->list[i].offset,
		        (unsigned long long)m->list[i].len);
	while (!m->text.failed && m->text.len % TAR_BLOCK_SIZE)
		buf_char(&m->text, '\0');
	return m->text.failed ? err_no_memory(e) : 1;
}

int sparse_map_read(int fd, const struct stat *st, struct sparse_map *m, struct err *e)
{
	m->size = (uint64_t)st->st_size;
	if (m->size < WORTH_IT || (uint64_t)st->st_blocks * 512 + WORTH_IT > m->size)
		return 0;
	int rc = find_pieces(fd, m, e);
	return rc > 0 ? close_map(m, e) : rc;
}

void sparse_map_free(struct sparse_map *m)
{
	free(m->list);
	buf_free(&m->text);
}
