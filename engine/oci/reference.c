#include "engine/oci/reference.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#define NAME_MAX_LEN 255 /* domain and path together, as distribution/reference limits them */
#define TAG_MAX_LEN  128

static const char lower_digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

void reference_free(struct reference *r)
{
	free(r->domain);
	free(r->path);
	free(r->tag);
	memset(r, 0, sizeof(*r));
}

/* alphanumerics joined by ".", "_", "__" or dashes. */
static bool component_ok(const char *s, size_t len)
{
	size_t i = 0;
	while (i < len) {
		size_t run = strspn(s + i, lower_digits);
		if (run == 0)
			return false;
		i += run;
		if (i >= len)
			break;
		size_t dashes = strspn(s + i, "-");
		if (dashes)
			i += dashes;
		else if (s[i] == '_')
			i += s[i + 1] == '_' ? 2 : 1;
		else if (s[i] == '.')
			i++;
		else
			return false;
		if (i >= len)
			return false;
	}
	return len > 0;
}

static bool path_ok(const char *path)
{
	for (const char *p = path;;) {
		size_t len = strcspn(p, "/");
		if (!component_ok(p, len))
			return false;
		if (p[len] == '\0')
			return true;
		p += len + 1;
	}
}

static bool port_ok(const char *port)
{
	size_t len = strspn(port, "0123456789");
	return len > 0 && len <= 5 && port[len] == '\0';
}

/* host[:port], or [IPv6][:port]. */
static bool domain_ok(const char *d)
{
	if (d[0] == '[') {
		size_t len = strspn(d + 1, "0123456789abcdefABCDEF:");
		const char *rest = d + 1 + len;
		return len > 0 && rest[0] == ']' &&
		       (rest[1] == '\0' || (rest[1] == ':' && port_ok(rest + 2)));
	}
	const char *p = d;
	for (;;) {
		size_t len = strcspn(p, ".:");
		if (len == 0 || p[0] == '-' || p[len - 1] == '-')
			return false;
		for (size_t i = 0; i < len; i++)
			if (!strchr(letters, p[i]) && p[i] != '-')
				return false;
		if (p[len] == '\0')
			return true;
		if (p[len] == ':')
			return port_ok(p + len + 1);
		p += len + 1;
	}
}

static bool tag_ok(const char *tag)
{
	size_t len = strlen(tag);
	if (len == 0 || len > TAG_MAX_LEN || tag[0] == '.' || tag[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr(letters, tag[i]) && !strchr("_.-", tag[i]))
			return false;
	return true;
}

static bool has_upper(const char *s)
{
	for (; *s; s++)
		if (isupper((unsigned char)*s))
			return true;
	return false;
}

static bool is_domain(const char *first)
{
	return strpbrk(first, ".:[") || strcmp(first, "localhost") == 0 || has_upper(first);
}

/* `name` without tag and digest becomes domain and path. It is cut up in place. */
static int split_name(char *name, struct reference *r)
{
	const char *domain = "docker.io";
	const char *path = name;
	char *slash = strchr(name, '/');
	if (slash) {
		*slash = '\0';
		if (is_domain(name)) {
			domain = strcmp(name, "index.docker.io") == 0 ? "docker.io" : name;
			path = slash + 1;
		} else {
			*slash = '/';
		}
	}
	bool official = strcmp(domain, "docker.io") == 0 && !strchr(path, '/');
	r->domain = strdup(domain);
	r->path = str_printf("%s%s", official ? "library/" : "", path);
	return r->domain && r->path ? 0 : -1;
}

static int invalid(struct err *e, const char *text, const char *why)
{
	return err_set(e, ERR_USAGE, "invalid image name \"%.300s\": %s", text, why);
}

static int cut_digest(char *name, const char *text, struct reference *r, struct err *e)
{
	char *at = strchr(name, '@');
	if (!at)
		return 0;
	*at = '\0';
	if (!digest_read(at + 1, &r->digest))
		return invalid(e, text, "after '@' a digest is expected, like sha256: and 64 hex digits");
	return 0;
}

static int cut_tag(char *name, const char *text, struct reference *r, struct err *e)
{
	char *colon = strrchr(name, ':');
	const char *tag = digest_is_set(&r->digest) ? NULL : "latest";
	if (colon && !strchr(colon, '/')) {
		*colon = '\0';
		tag = colon + 1;
		if (!tag_ok(tag))
			return invalid(e, text,
			        "a tag has at most 128 letters, digits, '_', '.' and '-', and starts with "
			        "none of the last two");
	}
	r->tag = tag ? strdup(tag) : NULL;
	if (tag && !r->tag)
		return err_no_memory(e);
	return 0;
}

static int check_name(const struct reference *r, const char *text, struct err *e)
{
	if (!domain_ok(r->domain))
		return invalid(
		        e, text, "the part before the first '/' is not a registry (HOST or HOST:PORT)");
	if (has_upper(r->path))
		return invalid(e, text, "repository names are lower case");
	if (!path_ok(r->path))
		return invalid(e, text,
		        "expected [REGISTRY/]NAME[:TAG], NAME of lower-case letters and digits joined by "
		        "'.', '_', '-' or "
		        "'/', like busybox:1.36");
	if (strlen(r->domain) + 1 + strlen(r->path) > NAME_MAX_LEN)
		return invalid(e, text, "the name is longer than 255 characters");
	return 0;
}

static int parse(char *name, const char *text, struct reference *r, struct err *e)
{
	if (name[0] == '\0')
		return invalid(e, text, "it is empty");
	if (strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64)
		return invalid(e, text, "64 hex digits are an image id, not a name");
	if (cut_digest(name, text, r, e) < 0 || cut_tag(name, text, r, e) < 0)
		return -1;
	if (split_name(name, r) < 0)
		return err_no_memory(e);
	return check_name(r, text, e);
}

int reference_parse(const char *text, struct reference *r, struct err *e)
{
	memset(r, 0, sizeof(*r));
	if (strnlen(text, 1024) >= 1024)
		return invalid(e, text, "it is too long");
	cleanup_free char *name = strdup(text);
	if (!name)
		return err_no_memory(e);
	int rc = parse(name, text, r, e);
	if (rc < 0)
		reference_free(r);
	return rc;
}

static char *with_tail(const struct reference *r, const char *head, const char *between, const char *path)
{
	char digest[DIGEST_TEXT_SIZE] = "";
	bool has_digest = digest_is_set(&r->digest);
	if (has_digest)
		digest_text(&r->digest, digest);
	return str_printf("%s%s%s%s%s%s%s", head, between, path, r->tag ? ":" : "", r->tag ? r->tag : "",
	        has_digest ? "@" : "", digest);
}

char *reference_full(const struct reference *r)
{
	return with_tail(r, r->domain, "/", r->path);
}

char *reference_familiar_repository(const struct reference *r)
{
	if (strcmp(r->domain, "docker.io") != 0)
		return str_printf("%s/%s", r->domain, r->path);
	return strdup(
	        strncmp(r->path, "library/", 8) == 0 && !strchr(r->path + 8, '/') ? r->path + 8 : r->path);
}

char *reference_familiar(const struct reference *r)
{
	cleanup_free char *repository = reference_familiar_repository(r);
	return repository ? with_tail(r, "", "", repository) : NULL;
}

char *reference_shorten(const char *full)
{
	cleanup_reference struct reference r = REFERENCE_INIT;
	if (reference_parse(full, &r, NULL) < 0)
		return strdup(full);
	return reference_familiar(&r);
}
