/* Asking registries what they have. */
#include "registry/client/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/oci/reference.h"
#include "registry/client/http.h"
#include "registry/client/http_url.h"
#include "registry/client/pull_tags.h"
#include "registry/client/registries.h"
#include "registry/client/remote.h"

#define HUB        "docker.io"
#define HUB_API    "registry-1.docker.io" /* has no search … */
#define HUB_INDEX  "https://index.docker.io"
#define PAGE_BYTES ((size_t)4 << 20)
#define PAGE_ROWS  100
#define PAGES_MAX  100
#define TERM_MAX   200

struct search {
	struct http *http;
	struct registries *registries;
	const struct search_request *q;
	const char *term;
	size_t want;
	struct found *found;
};

/* ------------------------------------------------------------------ one answer */

struct page {
	struct remote *remote;
	struct buf body;
	char next[PULL_TAGS_QUERY];
	int status;
	bool over;
	struct err *e;
};

static void take_page(
        void *arg, const struct http_answer *a, enum http_failure failure, const struct err *why)
{
	struct page *p = arg;
	p->over = true;
	if (failure != HTTP_OK_SO_FAR) {
		if (p->e)
			*p->e = *why;
		return;
	}
	p->status = a->status;
	if (a->status / 100 != 2) {
		remote_error(p->remote, "list its repositories", a, p->e);
		return;
	}
	buf_add(&p->body, buf_str(&a->body), a->body.len);
	if (!pull_tags_next(http_header(a, "link"), p->next))
		p->next[0] = '\0';
}

/* The answer's body is in p->body when 0 comes back. */
static int fetch(struct http *h, struct page *p, const char *path)
{
	const struct remote_request q = {
	        .http = {.method = "GET", .max = PAGE_BYTES, .follow = true, .done = take_page, .arg = p},
	        .path = path,
	        .endpoint = -1};
	p->over = false;
	p->status = 0;
	buf_reset(&p->body);
	if (remote_request(p->remote, &q, p->e) < 0)
		return -1;
	while (!p->over)
		if (http_step(h, -1, p->e) < 0)
			return -1;
	return p->status / 100 == 2 && !p->body.failed ? 0 : -1;
}

/* ------------------------------------------------------------------ /v1/search */

static char *v1_path(const struct search *s, const char *base, unsigned page)
{
	char number[16];
	char *path = str_printf("%s/v1/search", base);
	path = http_url_query(path, "q", s->term);
	snprintf(number, sizeof(number), "%d", PAGE_ROWS);
	path = http_url_query(path, "n", number);
	snprintf(number, sizeof(number), "%u", page);
	return http_url_query(path, "page", number);
}

static int hub_page(const struct search *s, unsigned page, struct buf *body, struct err *e)
{
	cleanup_free char *url = v1_path(s, HUB_INDEX, page);
	const struct http_request q = {.method = "GET", .url = url, .follow = true, .max = PAGE_BYTES};
	if (!url)
		return err_no_memory(e);
	int status = http_fetch(s->http, &q, body, NULL, e);
	if (status < 0)
		return -1;
	if (status / 100 != 2)
		return err_set(e, ERR_OTHER, "it has answered %d%s", status,
		        status == 429 ? ", too many requests; try again later" : "");
	return 0;
}

/* Docker Hub's search is on another host than its images, and asks nobody for credentials. */
static int search_hub(const struct search *s, struct err *e)
{
	size_t before = s->found->n;
	for (unsigned page = 1; page <= PAGES_MAX; page++) {
		cleanup_buf struct buf body = BUF_INIT_MAX(PAGE_BYTES);
		if (hub_page(s, page, &body, e) < 0)
			return -1;
		int n = search_read_v1(buf_str(&body), body.len, HUB, s->found, e);
		if (n < 0)
			return -1;
		if (n < PAGE_ROWS || s->found->n - before >= s->want)
			break;
	}
	return 0;
}

/* 1: found by it; 0: this registry has no search. */
static int search_v1(const struct search *s, const char *host, struct page *p, struct err *e)
{
	size_t before = s->found->n;
	struct err why = ERR_INIT;
	for (unsigned page = 1; page <= PAGES_MAX; page++) {
		cleanup_free char *path = v1_path(s, "", page);
		if (!path)
			return err_no_memory(e);
		p->e = &why;
		int rc = fetch(s->http, p, path);
		p->e = e;
		if (rc < 0 && p->status == 0) {
			*e = why;
			return -1;
		}
		int n = rc < 0 ? -1 : search_read_v1(buf_str(&p->body), p->body.len, host, s->found, &why);
		if (n < 0)
			return page > 1;
		if (n < PAGE_ROWS || s->found->n - before >= s->want)
			break;
	}
	return 1;
}

/* ------------------------------------------------------------------ /v2/_catalog */

/* A Link to the page it stands on, or to pages without end: a page that ends as the one before ends the
 * search, and so do too many. Test: tests/e2e/registries.bats, "a catalog that leads in circles". */
static int search_catalog(const struct search *s, const char *host, struct page *p, struct err *e)
{
	char query[PULL_TAGS_QUERY] = "n=1000", last[256] = "", before[256] = "";
	size_t had = s->found->n;
	for (unsigned page = 0; query[0] && s->found->n - had < s->want; page++) {
		char path[PULL_TAGS_QUERY + 32];
		snprintf(path, sizeof(path), "/v2/_catalog?%s", query);
		p->next[0] = '\0';
		if (fetch(s->http, p, path) < 0)
			return -1;
		int n = search_read_catalog(buf_str(&p->body), p->body.len, host, s->term, s->found, last, e);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		if (strcmp(last, before) == 0)
			return err_set(
			        e, ERR_CORRUPT, "%s lists the same repositories again and again", host);
		if (page >= PAGES_MAX)
			return err_set(e, ERR_CORRUPT, "%s lists too many repositories", host);
		strcpy(before, last);
		strcpy(query, p->next);
	}
	return 0;
}

/* ------------------------------------------------------------------ registries */

static struct remote *open_host(const struct search *s, const char *host, const char *path, struct err *e)
{
	const struct reference ref = {.domain = (char *)host, .path = (char *)path};
	const struct remote_options o = {
	        .access = REMOTE_PULL, .authfile = s->q->authfile, .insecure = s->q->insecure};
	return remote_open(s->http, s->registries, &ref, &o, e);
}

/* Is docker.io the Hub itself, and not led elsewhere by registries.conf? */
static int is_hub(const struct search *s, const char *host, struct err *e)
{
	cleanup_route struct registry_route route = REGISTRY_ROUTE_INIT;
	if (strcmp(host, HUB) != 0)
		return 0;
	if (registries_route(s->registries, host, "library/search", &route, e) < 0)
		return -1;
	return strcmp(route.list[route.n - 1].host, HUB_API) == 0;
}

static int ask_registry(const struct search *s, const char *host, struct err *e)
{
	int hub = is_hub(s, host, e);
	if (hub != 0)
		return hub < 0 ? -1 : search_hub(s, e);
	cleanup_remote struct remote *remote = open_host(s, host, "search", e);
	if (!remote)
		return -1;
	struct page p = {.remote = remote, .body = BUF_INIT_MAX(PAGE_BYTES), .e = e};
	int rc = search_v1(s, host, &p, e);
	if (rc == 0)
		rc = search_catalog(s, host, &p, e);
	buf_free(&p.body);
	return rc < 0 ? -1 : 0;
}

static int search_registry(const struct search *s, const char *host, struct err *e)
{
	return ask_registry(s, host, e) < 0 ? err_wrap(e, "cannot search %s", host) : 0;
}

static int search_all(const struct search *s, struct err *e)
{
	cleanup_strv char **hosts = NULL;
	size_t failed = 0;
	if (registries_search(s->registries, &hosts, e) < 0)
		return -1;
	strv_foreach (host, hosts) {
		if (search_registry(s, *host, e) == 0)
			continue;
		if (++failed == strv_len(hosts))
			return -1;
		log_line(LOG_LEVEL_WARN, "%s", e->msg);
	}
	return 0;
}

static int check_term(const char *term, struct err *e)
{
	for (const unsigned char *c = (const unsigned char *)term; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			return err_set(e, ERR_USAGE, "a search term holds no control characters");
	return strlen(term) > TERM_MAX
	               ? err_set(e, ERR_USAGE, "a search term is at most %d bytes long", TERM_MAX)
	               : 0;
}

int search_images(
        const struct search_request *q, const char *term, size_t want, struct found *f, struct err *e)
{
	struct search s = {.q = q, .term = term, .want = want, .found = f};
	if (check_term(term, e) < 0)
		return -1;
	cleanup_registries struct registries *r = registries_load(q->cert_dir, e);
	cleanup_http struct http *h = r ? http_new(e) : NULL;
	if (!h)
		return -1;
	s.registries = r;
	s.http = h;
	const char *rest = strchr(term, '/');
	/* a colon is in no word that is searched for, but before a port */
	if (!registry_in_name(term) && (rest || !strchr(term, ':')))
		return *term ? search_all(&s, e) : err_set(e, ERR_USAGE, "the search term is empty");
	cleanup_free char *host = strndup(term, strcspn(term, "/"));
	s.term = rest ? rest + 1 : "";
	return host ? search_registry(&s, host, e) : err_no_memory(e);
}

int search_tags(const struct search_request *q, const char *name, char **full, char ***tags, struct err *e)
{
	struct search s = {.q = q};
	cleanup_reference struct reference ref = REFERENCE_INIT;
	cleanup_strv char **names = NULL;
	cleanup_registries struct registries *r = registries_load(q->cert_dir, e);
	cleanup_http struct http *h = r ? http_new(e) : NULL;
	*full = NULL;
	*tags = NULL;
	if (!h || registries_names(r, name, &names, e) < 0 || reference_parse(names[0], &ref, e) < 0)
		return -1;
	s.registries = r;
	s.http = h;
	cleanup_remote struct remote *remote = open_host(&s, ref.domain, ref.path, e);
	if (!remote)
		return -1;
	if (pull_tags(h, remote, tags, e) < 0)
		return err_wrap(e, "%s", remote_name(remote));
	*full = strdup(remote_name(remote));
	return *full ? 0 : err_no_memory(e);
}
