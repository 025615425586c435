/* Resolvers: see resolvers.h. */
#include "net/dns/resolvers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#define RESOLV_CONF_MAX 65536
#define BLANKS          " \t\r"

/* "fe80::1%3": the index of a link alone, since its name would have to be asked of the kernel, which this
 * program may not do (sandbox.c). */
static void add(struct resolvers *r, const char *text)
{
	char address[NET_ADDRESS_TEXT];
	size_t len = strcspn(text, "%");

	if (r->n == RESOLVERS_MAX || len >= sizeof address)
		return;
	memcpy(address, text, len);
	address[len] = '\0';
	if (net_address_parse(address, &r->address[r->n], NULL) < 0)
		return;
	r->scope[r->n] = text[len] ? (unsigned)strtoul(text + len + 1, NULL, 10) : 0;
	r->n++;
}

void resolvers_parse(struct resolvers *r, char *const *texts)
{
	*r = (struct resolvers){0};
	strv_foreach (text, texts)
		add(r, *text);
}

static void parse_file(struct resolvers *r, char *text)
{
	char *line;

	*r = (struct resolvers){0};
	while ((line = text_next_part(&text, "\n"))) {
		line += strspn(line, BLANKS);
		if (strncmp(line, "nameserver", 10) != 0 || !line[10] || !strchr(BLANKS, line[10]))
			continue;
		line += 10 + strspn(line + 10, BLANKS);
		line[strcspn(line, BLANKS "#;")] = '\0';
		add(r, line);
	}
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* A file that is missing or can't be read for a moment, as while it is being replaced, leaves what was
 * known. */
const struct resolvers *host_resolvers_get(struct host_resolvers *h, const char *path)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(RESOLV_CONF_MAX);
	struct stat now;

	if (stat(path, &now) < 0 || is_same(&now, &h->seen))
		return &h->list;
	if (file_read_at(AT_FDCWD, path, &text, NULL) == 0 && text.data) {
		parse_file(&h->list, text.data);
		h->seen = now;
	}
	return &h->list;
}
