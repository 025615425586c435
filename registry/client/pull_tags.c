#include "registry/client/pull_tags.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "registry/client/http.h"
#include "registry/client/remote.h"

#define PAGE_BYTES ((size_t)4 << 20)
#define TAG_MAX    128

struct page {
	struct remote *remote;
	struct buf body;
	char next[PULL_TAGS_QUERY];
	bool over;
	int rc;
	struct err *e;
};

static bool is_tag(const char *s)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	size_t len = strlen(s);
	if (!len || len > TAG_MAX || !strchr(first, *s))
		return false;
	for (const char *c = s; *c; c++)
		if (!strchr(first, *c) && *c != '.' && *c != '-')
			return false;
	return true;
}

int pull_tags_read(const char *text, size_t len, char ***out, struct err *e)
{
	int n = 0;
	cleanup_json json *j = json_parse(text, len, "tag list", e);
	if (!j)
		return -1;
	cleanup_strv char **tags = json_strv(j, "tags");
	strv_foreach (tag, tags) {
		if (!is_tag(*tag))
			return err_set(
			        e, ERR_CORRUPT, "the registry lists \"%.130s\", which is no tag", *tag);
		if (strv_add(out, *tag) < 0)
			return err_no_memory(e);
		n++;
	}
	return n;
}

/* A Link may name another host, or a path that we never asked for: only its query is used, of letters that a
 * query has. tests/unit/test_registry_pull_tags.c */
bool pull_tags_next(const char *link, char query[PULL_TAGS_QUERY])
{
	static const char good[] =
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%=&+:/,";
	const char *begin = link && *link == '<' ? strchr(link, '?') : NULL;
	const char *end = link ? strchr(link, '>') : NULL;
	if (!begin || !end || end < begin || !strstr(end, "rel=\"next\""))
		return false;
	begin++;
	size_t len = (size_t)(end - begin);
	if (!len || len >= PULL_TAGS_QUERY || strspn(begin, good) < len)
		return false;
	memcpy(query, begin, len);
	query[len] = '\0';
	return true;
}

static void take_page(
        void *arg, const struct http_answer *a, enum http_failure failure, const struct err *why)
{
	struct page *p = arg;
	p->over = true;
	p->rc = -1;
	if (failure != HTTP_OK_SO_FAR) {
		if (p->e)
			*p->e = *why;
		return;
	}
	if (a->status / 100 != 2) {
		remote_error(p->remote, "list tags", a, p->e);
		return;
	}
	buf_add(&p->body, buf_str(&a->body), a->body.len);
	if (!pull_tags_next(http_header(a, "link"), p->next))
		p->next[0] = '\0';
	p->rc = p->body.failed ? err_no_memory(p->e) : 0;
}

static int fetch_page(struct http *h, struct page *p, const char *query)
{
	char path[PULL_TAGS_QUERY + 16];
	const struct remote_request q = {
	        .http = {.method = "GET", .max = PAGE_BYTES, .follow = true, .done = take_page, .arg = p},
	        .path = path,
	        .endpoint = -1};
	snprintf(path, sizeof(path), "tags/list?%s", query);
	p->over = false;
	buf_reset(&p->body);
	if (remote_request(p->remote, &q, p->e) < 0)
		return -1;
	while (!p->over)
		if (http_step(h, -1, p->e) < 0)
			return -1;
	return p->rc;
}

/* Pagination loop (a Link to its own page) and lists without end: a page that ends as the one before it did
 * ends the list, and so do too many. tests/e2e/pull-hostile.bats */
static int read_pages(struct http *h, struct page *p, char ***out, struct err *e)
{
	char query[PULL_TAGS_QUERY] = "n=1000", last[TAG_MAX + 1] = "";
	for (unsigned pages = 0; query[0]; pages++) {
		if (fetch_page(h, p, query) < 0)
			return -1;
		int n = pull_tags_read(buf_str(&p->body), p->body.len, out, e);
		if (n < 0)
			return -1;
		size_t all = strv_len(*out);
		if (all > PULL_TAGS_MAX || pages > PULL_TAGS_PAGES)
			return err_set(e, ERR_CORRUPT,
			        "the registry lists more than %d tags; name those that you need",
			        PULL_TAGS_MAX);
		if (n == 0)
			break;
		if (strcmp(last, (*out)[all - 1]) == 0)
			return err_set(e, ERR_CORRUPT, "the registry lists the same tags again and again");
		strcpy(last, (*out)[all - 1]);
		strcpy(query, p->next);
	}
	return 0;
}

int pull_tags(struct http *h, struct remote *r, char ***out, struct err *e)
{
	struct page p = {.remote = r, .body = BUF_INIT_MAX(PAGE_BYTES), .e = e};
	*out = NULL;
	int rc = read_pages(h, &p, out, e);
	buf_free(&p.body);
	if (rc < 0)
		strv_free_ptr(out);
	return rc;
}
