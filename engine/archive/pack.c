#include "engine/archive/pack.h"

#include "base/err.h"
#include "base/file.h"

static int write_out(void *arg, const void *data, size_t len, struct err *e)
{
	const struct pack *p = arg;

	return write_all(p->fd, data, len) < 0 ? err_sys(e, "cannot write the archive") : 0;
}

void pack_init(struct pack *p, int fd)
{
	p->fd = fd;
	tar_writer_init(&p->tar, write_out, p);
}

void pack_free(struct pack *p)
{
	tar_writer_free(&p->tar);
}

int pack_begin(struct pack *p, const char *name, uint64_t size, struct err *e)
{
	const struct tar_member m = {.type = '0', .path = name, .link = "", .mode = 0644, .size = size};

	return tar_writer_begin(&p->tar, &m, e);
}

int pack_data(struct pack *p, const void *data, size_t len, struct err *e)
{
	return tar_writer_data(&p->tar, data, len, e);
}

int pack_end(struct pack *p, struct err *e)
{
	return tar_writer_end(&p->tar, e);
}

int pack_file(struct pack *p, const char *name, const void *data, size_t len, struct err *e)
{
	if (pack_begin(p, name, len, e) < 0 || pack_data(p, data, len, e) < 0)
		return -1;
	return pack_end(p, e);
}

int pack_finish(struct pack *p, struct err *e)
{
	return tar_writer_finish(&p->tar, e);
}
