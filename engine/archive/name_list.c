#include "engine/archive/name_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"

static int add(struct name_list *l, const char *name)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		uint32_t *grown = reallocarray(l->at, cap, sizeof(*grown));
		if (!grown)
			return -1;
		l->at = grown;
		l->cap = cap;
	}
	l->at[l->n++] = (uint32_t)l->text.len;
	buf_add(&l->text, name, strlen(name) + 1);
	return l->text.failed ? -1 : 0;
}

static int by_name(const void *a, const void *b, void *text)
{
	return strcmp((const char *)text + *(const uint32_t *)a, (const char *)text + *(const uint32_t *)b);
}

int name_list_read(struct name_list *l, int dirfd, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	cleanup_fd int own = openat(dirfd, ".", flags | O_NOATIME);
	if (own < 0 && errno == EPERM)
		own = openat(dirfd, ".", flags);
	if (own < 0 && errno == ENOENT)
		return 0; /* removed meanwhile */
	cleanup_dir DIR *dir = own < 0 ? NULL : fdopendir(own);
	if (!dir)
		return err_sys(e, "cannot list it");
	own = -1;
	for (struct dirent *d; (errno = 0, d = readdir(dir));) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (add(l, d->d_name) < 0)
			return err_no_memory(e);
	}
	if (errno)
		return err_sys(e, "cannot list it");
	if (l->n > 1)
		qsort_r(l->at, l->n, sizeof(*l->at), by_name, l->text.data);
	return 0;
}

const char *name_list_get(const struct name_list *l, size_t i)
{
	return l->text.data + l->at[i];
}

void name_list_free(struct name_list *l)
{
	buf_free(&l->text);
	free(l->at);
	l->at = NULL;
	l->n = l->cap = 0;
}
