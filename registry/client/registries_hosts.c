/* containerd's hosts.toml: mirrors of a registry, and how they are spoken to. Read from certs.d/HOST of Tare
 * and of containerd, or from certs.d/_default there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "registry/client/certs.h"
#include "registry/client/registry_rules.h"
#include "registry/client/toml.h"

struct hosts {
	const struct registries *r;
	const char *dir, *file; /* of the hosts.toml */
	const char *domain, *repository;
	struct err *e;
};

static int wrong(const struct hosts *h, const struct toml *at, const char *what)
{
	return err_set(h->e, ERR_USAGE, "%s:%u: %s", h->file, at->line, what);
}

/* ------------------------------------------------------------------ which server */

static bool host_ok(const char *host)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	bool literal = host[0] == '[';
	size_t len = literal ? strspn(host + 1, "0123456789abcdefABCDEF:") : strspn(host, letters);
	const char *rest = host + len + (literal ? 2 : 0);
	if (len == 0 || (literal && host[len + 1] != ']'))
		return false;
	if (*rest == '\0')
		return true;
	size_t digits = strspn(rest + 1, "0123456789");
	return *rest == ':' && digits > 0 && digits <= 5 && rest[1 + digits] == '\0';
}

/* What comes before /v2/: nothing, or a path of plain signs, since it goes into URLs. */
static bool path_ok(const char *path)
{
	static const char signs[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-/";
	return strspn(path, signs) == strlen(path) && !strstr(path, "..") && !strstr(path, "//");
}

/* http[s]://HOST[:PORT][/PATH] into p. `whole`: the path has its /v2 already. */
static int read_url(const struct hosts *h, const struct toml *at, const char *url, bool whole,
        struct registry_endpoint *p)
{
	bool plain = strncmp(url, "http://", 7) == 0;
	const char *host = plain ? url + 7 : strncmp(url, "https://", 8) == 0 ? url + 8 : url;
	size_t host_len = strcspn(host, "/"), path_len = strlen(host + host_len);
	const char *path = host + host_len;
	while (path_len > 0 && path[path_len - 1] == '/')
		path_len--;
	if (whole && path_len >= 3 && strncmp(path + path_len - 3, "/v2", 3) == 0)
		path_len -= 3;
	else if (whole)
		return wrong(h, at, "override_path is of use only for a URL that ends in /v2");
	p->host = strndup(host, host_len);
	p->api_path = strndup(path, path_len);
	p->repository = strdup(h->repository);
	if (!p->host || !p->api_path || !p->repository)
		return err_no_memory(h->e);
	if (!host_ok(p->host) || !path_ok(p->api_path))
		return err_set(h->e, ERR_USAGE,
		        "%s:%u: \"%.200s\" is no URL of a registry, like https://HOST:PORT", h->file,
		        at->line, url);
	p->http_only = plain;
	p->plain_http = plain || registry_is_loopback(p->host);
	p->unverified = registry_is_loopback(p->host);
	return 0;
}

/* ------------------------------------------------------------------ its keys */

static int read_flag(const struct hosts *h, const struct toml *t, const char *key, bool *out)
{
	const struct toml *v = toml_get(t, key);
	if (v && v->kind != TOML_BOOL)
		return wrong(h, v, "true or false is expected");
	if (v)
		*out = v->boolean;
	return 0;
}

static int add_file(const struct hosts *h, const struct toml *v, char ***files)
{
	if (v->kind != TOML_STRING || !*v->string)
		return wrong(h, v, "the path of a file is expected");
	char *file = v->string[0] == '/' ? strdup(v->string) : str_printf("%s/%s", h->dir, v->string);
	return file && strv_take(files, file) == 0 ? 0 : err_no_memory(h->e);
}

/* ca = "FILE" or ["FILE", …] */
static int read_ca(const struct hosts *h, const struct toml *t, struct registry_endpoint *p)
{
	cleanup_strv char **files = NULL;
	const struct toml *v = toml_get(t, "ca");
	if (!v)
		return 0;
	if (v->kind != TOML_ARRAY)
		return add_file(h, v, &files) < 0 ? -1 : certs_bundle(h->r, files, &p->ca_file, h->e);
	for (const struct toml *f = v->first; f; f = f->next)
		if (add_file(h, f, &files) < 0)
			return -1;
	return certs_bundle(h->r, files, &p->ca_file, h->e);
}

/* client = "FILE" with both, ["FILE", …] or [["CERT", "KEY"], …]; the first counts. */
static int read_client(const struct hosts *h, const struct toml *t, struct registry_endpoint *p)
{
	cleanup_strv char **files = NULL;
	const struct toml *v = toml_get(t, "client");
	if (!v || (v->kind == TOML_ARRAY && !v->first))
		return 0;
	const struct toml *first = v->kind == TOML_ARRAY ? v->first : v;
	const struct toml *cert = first->kind == TOML_ARRAY && first->first ? first->first : first;
	const struct toml *key = cert != first && cert->next ? cert->next : cert;
	if (add_file(h, cert, &files) < 0 || add_file(h, key, &files) < 0)
		return -1;
	free(p->cert_file);
	free(p->key_file);
	p->cert_file = strdup(files[0]);
	p->key_file = strdup(files[1]);
	return p->cert_file && p->key_file ? 0 : err_no_memory(h->e);
}

static int read_tls(const struct hosts *h, const struct toml *t, struct registry_endpoint *p)
{
	if (certs_find(h->r, p->host, p, h->e) < 0)
		return -1;
	if (read_flag(h, t, "skip_verify", &p->unverified) < 0 || read_ca(h, t, p) < 0)
		return -1;
	return read_client(h, t, p);
}

/* "resolve" is by tag, "pull" by digest. False: nothing for us. */
static int read_capabilities(
        const struct hosts *h, const struct toml *t, struct registry_endpoint *p, bool *any)
{
	const struct toml *v = toml_get(t, "capabilities");
	bool pull = !v, resolve = !v;
	if (v && v->kind != TOML_ARRAY)
		return wrong(h, v, "capabilities is a list like [\"pull\", \"resolve\"]");
	for (const struct toml *c = v ? v->first : NULL; c; c = c->next) {
		if (c->kind != TOML_STRING)
			return wrong(h, c, "a capability is \"pull\", \"resolve\" or \"push\"");
		pull = pull || strcmp(c->string, "pull") == 0;
		resolve = resolve || strcmp(c->string, "resolve") == 0;
	}
	*any = pull;
	p->pulls = resolve ? ENDPOINT_PULLS_ALL : ENDPOINT_PULLS_DIGEST;
	return 0;
}

static void warn_unknown(const struct hosts *h, const struct toml *t, bool top)
{
	static const char known[] = " capabilities ca client skip_verify override_path dial_timeout ";
	for (const struct toml *c = t->first; c && !h->r->quiet; c = c->next) {
		char word[64];
		if (top && (strcmp(c->key, "server") == 0 || strcmp(c->key, "host") == 0))
			continue;
		if ((size_t)snprintf(word, sizeof(word), " %s ", c->key) >= sizeof(word) ||
		        !strstr(known, word))
			log_line(LOG_LEVEL_WARN, "%s:%u: \"%s\" is not known to Tare and ignored", h->file,
			        c->line, c->key);
	}
}

/* ------------------------------------------------------------------ the file */

/* [host."URL"] */
static int add_host(const struct hosts *h, const struct toml *t, struct registry_route *route)
{
	struct registry_endpoint found = {0};
	bool whole = false, any = true;
	if (t->kind != TOML_TABLE)
		return wrong(h, t, "a host is a table: [host.\"https://HOST\"]");
	warn_unknown(h, t, false);
	if (read_capabilities(h, t, &found, &any) < 0 || read_flag(h, t, "override_path", &whole) < 0)
		return -1;
	if (!any)
		return 0;
	struct registry_endpoint *p = registry_route_add(route);
	if (!p)
		return err_no_memory(h->e);
	p->mirror = true;
	p->pulls = found.pulls;
	if (read_url(h, t, t->key, whole, p) < 0 || read_tls(h, t, p) < 0)
		return -1;
	if (strcmp(p->host, h->domain) == 0)
		return 0;
	/* One cache may serve many registries; it is told which. */
	p->ns = strdup(h->domain);
	return p->ns ? 0 : err_no_memory(h->e);
}

static int add_server(const struct hosts *h, const struct toml *doc, struct registry_route *route)
{
	const struct toml *v = toml_get(doc, "server");
	const char *own = strcmp(h->domain, "docker.io") == 0 ? "registry-1.docker.io" : h->domain;
	struct registry_endpoint *p = registry_route_add(route);
	bool whole = false, given = v && v->kind == TOML_STRING && *v->string;
	if (!p)
		return err_no_memory(h->e);
	if (v && v->kind != TOML_STRING)
		return wrong(h, v, "server is a URL");
	if (read_flag(h, doc, "override_path", &whole) < 0)
		return -1;
	if (read_url(h, given ? v : doc, given ? v->string : own, whole && given, p) < 0)
		return -1;
	return read_tls(h, doc, p);
}

static int read_document(const struct hosts *h, const struct toml *doc, struct registry_route *route)
{
	const struct toml *list = toml_get(doc, "host");
	warn_unknown(h, doc, true);
	if (list && list->kind != TOML_TABLE)
		return wrong(h, list, "hosts are tables: [host.\"https://HOST\"]");
	for (const struct toml *t = list ? list->first : NULL; t; t = t->next)
		if (add_host(h, t, route) < 0)
			return -1;
	return add_server(h, doc, route);
}

int registries_read_hosts(const struct registries *r, const struct toml *doc, const char *domain,
        const char *repository, struct registry_route *route, struct err *e)
{
	const struct hosts h = {
	        .r = r, .dir = "/", .file = "hosts.toml", .domain = domain, .repository = repository, .e = e};
	return read_document(&h, doc, route);
}

/* 1: there is such a file; 0: there is none. */
static int read_file(struct hosts *h, struct registry_route *route)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(TOML_MAX_BYTES + 1);
	struct err why = ERR_INIT;
	if (file_read_at(AT_FDCWD, h->file, &text, &why) < 0) {
		if (why.sys == ENOENT || why.sys == ENOTDIR || why.sys == EACCES)
			return 0;
		if (h->e)
			*h->e = why;
		return -1;
	}
	cleanup_toml struct toml *doc = toml_parse(buf_str(&text), text.len, h->file, h->e);
	return doc && read_document(h, doc, route) == 0 ? 1 : -1;
}

/* certs.d/HOST:PORT, or HOST_PORT_ where a colon cannot be in a name, or _default. */
static int try_names(struct hosts *h, const char *tool, struct registry_route *route)
{
	size_t host = strlen(h->domain) - strlen(strrchr(h->domain, ':') ? strrchr(h->domain, ':') : "");
	const char *port = h->domain + host;
	cleanup_free char *other = *port ? str_printf("%.*s_%s_", (int)host, h->domain, port + 1) : NULL;
	const char *const names[] = {h->domain, other, "_default"};
	for (size_t i = 0; i < 3; i++) {
		if (!names[i])
			continue;
		cleanup_free char *dir = str_printf("%s/%s/certs.d/%s", registries_etc(), tool, names[i]);
		cleanup_free char *file = dir ? str_printf("%s/hosts.toml", dir) : NULL;
		if (!file)
			return err_no_memory(h->e);
		h->dir = dir;
		h->file = file;
		int rc = read_file(h, route);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int registries_hosts(const struct registries *r, const char *domain, const char *repository,
        struct registry_route *route, struct err *e)
{
	struct hosts h = {.r = r, .domain = domain, .repository = repository, .e = e};
	int rc = try_names(&h, "tare", route);
	return rc != 0 ? rc : try_names(&h, "containerd", route);
}
