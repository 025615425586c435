/* Lists: the base, tags, the catalog, referrers. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "engine/oci/manifest.h"
#include "registry/server/access.h"
#include "registry/server/handler_verb.h"
#include "registry/server/server.h"

#define CATALOG_DEFAULT 1000
#define PAGE_MAX        1000000 /* tags of one page; a higher n means this */

enum MHD_Result base_answer(struct exchange *x)
{
	return exchange_bytes(x, MHD_HTTP_OK, "application/json", "{}", 2);
}

/* ------------------------------------------------------------------ pages */

struct page {
	const char *last;
	size_t n;
};

/* n and last of the query. False: answered, n is no number that can be (CVE-2023-2253: a page as large as the
 * client likes). tests/e2e/registry_spec.py "pages" */
static bool read_page(struct exchange *x, size_t unasked, size_t most, bool refuse_more, struct page *p)
{
	const char *n = exchange_query(x, "n", 0);
	char *end;
	p->last = exchange_query(x, "last", 0);
	if (p->last && !*p->last)
		p->last = NULL;
	p->n = unasked;
	if (!n || !*n)
		return true;
	size_t digits = strspn(n, "0123456789");
	unsigned long long value = digits && digits < 19 ? strtoull(n, &end, 10) : 0;
	if (digits == 0 || n[digits] || digits >= 19 || (refuse_more && value > most)) {
		exchange_error(x, 0, API_PAGINATION_NUMBER_INVALID, "n: it is a number from 0 to %zu", most);
		return false;
	}
	p->n = value < most ? (size_t)value : most;
	return true;
}

/* Names are of a grammar that needs no escaping in a URL, but for the slash, which may stand in a query. */
static void link_next(struct exchange *x, const char *path, char *const *v, size_t n)
{
	if (n)
		exchange_header(x, "Link", "<%s?last=%s&n=%zu>; rel=\"next\"", path, v[n - 1], n);
}

static enum MHD_Result answer_list(struct exchange *x, json *doc, const char *key, char *const *v)
{
	json_set_strv(doc, key, v);
	return exchange_json(x, MHD_HTTP_OK, "application/json", doc);
}

/* ------------------------------------------------------------------ tags */

static enum MHD_Result no_repository(struct exchange *x)
{
	return exchange_error(x, 0, API_NAME_UNKNOWN, "no such repository");
}

enum MHD_Result tags_answer(struct exchange *x)
{
	struct page page;
	bool more = false;
	struct err e = ERR_INIT;
	char path[REPOSITORY_NAME_MAX + 32];
	cleanup_strv char **tags = NULL;
	if (handler_open(x) &&
	        !repository_has_index(x->held)) { /* begun, and perhaps among the local images */
		repository_put(x->held);
		x->held = repository_get_local(x->server->storage, x->repository);
	}
	if (!x->held)
		return no_repository(x);
	if (!read_page(x, PAGE_MAX, PAGE_MAX, false, &page))
		return MHD_YES;
	if (tags_list(x->held, page.last, page.n, &tags, &more, &e) < 0)
		return exchange_failed(x, &e);
	cleanup_json json *doc = json_object_new_object();
	json_set_str(doc, "name", x->repository);
	strcpy(stpcpy(stpcpy(path, "/v2/"), x->repository), "/tags/list");
	if (more)
		link_next(x, path, tags, strv_len(tags));
	return answer_list(x, doc, "tags", tags);
}

/* ------------------------------------------------------------------ the catalog */

/* Who may not read a repository does not learn its name here. tests/e2e/registry-spec.bats "rights" */
static bool may_read(void *arg, const char *name)
{
	struct exchange *x = arg;
	return !x->server->access || access_lists(x->server->access, x->identity, name);
}

enum MHD_Result catalog_answer(struct exchange *x)
{
	const struct server_options *o = x->server->options;
	size_t most = o && o->catalog_max ? o->catalog_max : CATALOG_DEFAULT;
	struct page page;
	bool more = false;
	struct err e = ERR_INIT;
	cleanup_strv char **names = NULL;
	if (!read_page(x, most, most, true, &page))
		return MHD_YES;
	if (storage_catalog(x->server->storage, page.last, page.n, may_read, x, &names, &more, &e) < 0)
		return exchange_failed(x, &e);
	cleanup_json json *doc = json_object_new_object();
	if (more)
		link_next(x, "/v2/_catalog", names, strv_len(names));
	return answer_list(x, doc, "repositories", names);
}

/* ------------------------------------------------------------------ referrers */

static json *nothing(void)
{
	json *j = json_object_new_object();
	json_set_int(j, "schemaVersion", 2);
	json_set_str(j, "mediaType", MEDIA_OCI_INDEX);
	json_set(j, "manifests", json_object_new_array());
	return j;
}

/* A '+' that was not escaped came as a blank, which no media type has. */
static char *filter_of(struct exchange *x)
{
	const char *type = exchange_query(x, "artifactType", 0);
	char *copy = type && *type ? strdup(type) : NULL;
	for (size_t i = 0; copy && copy[i]; i++)
		if (copy[i] == ' ')
			copy[i] = '+';
	return copy;
}

/* Always a list: what refers to something may be here before the thing itself. */
enum MHD_Result referrers_answer(struct exchange *x)
{
	struct digest d;
	struct err e = ERR_INIT;
	cleanup_free char *filter = filter_of(x);
	if (!digest_read(x->reference, &d))
		return exchange_error(x, 0, API_DIGEST_INVALID,
		        "not a digest: sha256: or sha512: and lower-case hex digits");
	cleanup_json json *list = handler_open(x) ? referrers_list(x->held, &d, filter, &e) : nothing();
	if (!list)
		return exchange_failed(x, &e);
	if (filter)
		exchange_header(x, "OCI-Filters-Applied", "artifactType");
	return exchange_json(x, MHD_HTTP_OK, MEDIA_OCI_INDEX, list);
}
