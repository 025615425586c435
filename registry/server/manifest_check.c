/* The check of a manifest: see manifest_check.h. */
#include "registry/server/manifest_check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/defence.h"
#include "base/err.h"
#include "engine/archive/hash.h"
#include "engine/oci/manifest.h"
#include "engine/oci/schema.h"

#define CHILDREN_MAX 65536

void manifest_facts_free(struct manifest_facts *f)
{
	free(f->children);
	free(f->artifact_type);
	json_free(&f->annotations);
	memset(f, 0, sizeof(*f));
}

/* ------------------------------------------------------------------ which kind */

static const char *const own_members[] = {"schemaVersion", "mediaType", "artifactType", "config", "layers",
        "manifests", "subject", "annotations"};

/* Go's decoder takes "Layers" for "layers": such a document is one thing to it and another to everybody else.
 * tests/unit/test_registry_manifest_check.c */
static int check_spelling(json *doc, struct err *e)
{
	json_object_object_foreach (doc, key, value) {
		(void)value;
		for (size_t i = 0; i < sizeof(own_members) / sizeof(own_members[0]); i++)
			if (strcasecmp(key, own_members[i]) == 0 && strcmp(key, own_members[i]) != 0)
				return err_set(e, ERR_CORRUPT,
				        "\"%.40s\" is not how that member is spelled: \"%s\"", key,
				        own_members[i]);
	}
	return 0;
}

/* The request's type without parameters; "" when it says nothing about the document. */
static void plain_type(const char *content_type, char dst[MEDIA_TYPE_MAX + 1])
{
	size_t len = content_type ? strcspn(content_type, "; \t") : 0;
	if (len > MEDIA_TYPE_MAX)
		len = 0;
	memcpy(dst, content_type ? content_type : "", len);
	dst[len] = '\0';
	if (strcmp(dst, "application/json") == 0 || strcmp(dst, "application/octet-stream") == 0)
		*dst = '\0';
}

/* Type confusion (CVE-2021-41190): a document that is a manifest to one program and an index to another. It
 * has the members of one kind only, and its own type is the one that it was sent as.
 * tests/unit/test_registry_manifest_check.c, tests/e2e/registry_spec.py "both layers and manifests" */
static int check_kind(json *doc, const char *content_type, struct manifest_facts *f, struct err *e)
{
	char outer[MEDIA_TYPE_MAX + 1];
	const char *inner = json_str(doc, "mediaType", NULL);
	bool list = json_get(doc, "manifests");
	plain_type(content_type, outer);
	if (json_get(doc, "mediaType") && !inner)
		return err_set(e, ERR_CORRUPT, "\"mediaType\" is not a string");
	if (DEFENCE("pushed-kind") && list && (json_get(doc, "layers") || json_get(doc, "config")))
		return err_set(e, ERR_CORRUPT, "the document has both manifests and layers");
	if (inner && *outer && strcmp(inner, outer) != 0)
		return err_set(
		        e, ERR_CORRUPT, "it says it is \"%.100s\" and was sent as \"%.100s\"", inner, outer);
	const char *type = inner ? inner : *outer ? outer : list ? MEDIA_OCI_INDEX : MEDIA_OCI_MANIFEST;
	enum media_kind kind = media_kind(type);
	if (kind != MEDIA_KIND_MANIFEST && kind != MEDIA_KIND_INDEX)
		return err_set(e, ERR_CORRUPT, "\"%.100s\" is no kind of manifest that is served here", type);
	f->index = kind == MEDIA_KIND_INDEX;
	if (f->index != list)
		return err_set(e, ERR_CORRUPT, "it is \"%.100s\" and %s", type,
		        list ? "has manifests" : "has no list of manifests");
	if (json_int(doc, "schemaVersion", 0) != 2)
		return err_set(e, ERR_CORRUPT, "schemaVersion is not 2");
	strcpy(f->media_type, type);
	return 0;
}

/* Encoders write null for what is not there (Go for a list without members): that is as good as nothing. */
static int forgive_null(json *doc, struct err *e)
{
	static const char *const optional[] = {"artifactType", "subject", "annotations"};
	json *none;
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		if (!json_get(doc, optional[i]) || !*json_str(doc, optional[i], "x"))
			json_object_object_del(doc, optional[i]);
	if (json_get(doc, "layers") || json_get(doc, "manifests"))
		return 0;
	none = json_object_new_array();
	if (!none)
		return err_no_memory(e);
	json_set(doc, "layers", none);
	return 0;
}

/* What does not have the shape that the spec gives it would be stored here and refused by who pulls it.
 * tests/unit/test_registry_manifest_check.c */
static int check_shape(json *doc, const struct manifest_facts *f, struct err *e)
{
	if (forgive_null(doc, e) < 0)
		return -1;
	return schema_check(f->index ? SCHEMA_INDEX : SCHEMA_ARTIFACT, doc, e);
}

/* ------------------------------------------------------------------ children */

/* Does the descriptor carry its content (base64), and is that what it says? 1, 0: it has none, -1. */
static int check_data(json *j, const struct manifest_child *c, struct err *e)
{
	json *value = json_get(j, "data");
	struct digest is;
	if (!value)
		return 0;
	const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
	size_t len = strlen(text);
	cleanup_free unsigned char *raw = malloc(BASE64_ROOM(len));
	if (!raw)
		return err_no_memory(e);
	ssize_t n = base64_decode(text, len, raw);
	if (n < 0 || (uint64_t)n != c->size)
		return err_set(e, ERR_CORRUPT, "the data of a descriptor is not what its size says");
	if (hash_bytes(c->digest.alg, raw, (size_t)n, &is, e) < 0)
		return -1;
	if (!digest_equal(&is, &c->digest))
		return err_set(e, ERR_CORRUPT, "the data of a descriptor does not have its digest");
	return 1;
}

static bool is_elsewhere(const char *media_type)
{
	return strstr(media_type, ".nondistributable.") || strstr(media_type, ".foreign.");
}

static int read_child(json *j, const char *what, struct manifest_child *c, struct err *e)
{
	struct descriptor d;
	memset(c, 0, sizeof(*c));
	if (descriptor_from_json(j, &d, e) < 0)
		return err_wrap(e, "%s", what);
	c->digest = d.digest;
	c->size = d.size;
	c->may_miss = is_elsewhere(d.media_type);
	bool typed = media_type_ok(d.media_type);
	descriptor_free(&d);
	if (!typed)
		return err_set(e, ERR_CORRUPT, "%s: it has no valid mediaType", what);
	int data = check_data(j, c, e);
	if (data < 0)
		return err_wrap(e, "%s", what);
	c->may_miss |= data > 0;
	return 0;
}

static int read_list(json *list, const char *what, struct manifest_facts *f, struct err *e)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	if (list && !json_object_is_type(list, json_type_array))
		return err_set(e, ERR_CORRUPT, "\"%s\" is not a list", what);
	if (n > CHILDREN_MAX)
		return err_set(e, ERR_CORRUPT, "\"%s\" has more than %d members", what, CHILDREN_MAX);
	struct manifest_child *grown = realloc(f->children, (f->n_children + n + 1) * sizeof(*grown));
	if (!grown)
		return err_no_memory(e);
	f->children = grown;
	for (size_t i = 0; i < n; i++) {
		struct manifest_child *c = &f->children[f->n_children];
		if (read_child(json_object_array_get_idx(list, i), what, c, e) < 0)
			return -1;
		c->manifest = f->index;
		f->n_children++;
	}
	return 0;
}

static int read_children(json *doc, struct manifest_facts *f, struct err *e)
{
	if (f->index)
		return read_list(json_get(doc, "manifests"), "manifests", f, e);
	f->children = calloc(1, sizeof(*f->children));
	if (!f->children)
		return err_no_memory(e);
	if (!json_get(doc, "config"))
		return err_set(e, ERR_CORRUPT, "it has no config");
	if (read_child(json_get(doc, "config"), "config", &f->children[0], e) < 0)
		return -1;
	f->n_children = 1;
	return read_list(json_get(doc, "layers"), "layers", f, e);
}

/* ------------------------------------------------------------------ what it refers to */

static int read_referrer(json *doc, struct manifest_facts *f, struct err *e)
{
	struct manifest_child subject;
	json *notes = json_get(doc, "annotations");
	const char *type = json_str(doc, "artifactType", NULL);
	if (json_get(doc, "subject")) {
		if (read_child(json_get(doc, "subject"), "subject", &subject, e) < 0)
			return -1;
		f->subject = subject.digest;
	}
	if ((!type || !*type) && !f->index)
		type = json_str(json_get(doc, "config"), "mediaType", NULL);
	if (type && *type && !(f->artifact_type = strdup(type)))
		return err_no_memory(e);
	if (notes && !json_object_is_type(notes, json_type_object))
		return err_set(e, ERR_CORRUPT, "\"annotations\" is not an object");
	f->annotations = notes ? json_object_get(notes) : NULL;
	return 0;
}

static int check(
        const char *doc, size_t len, const char *content_type, struct manifest_facts *f, struct err *e)
{
	cleanup_json json *j = json_parse(doc, len, "manifest", e);
	if (!j)
		return -1;
	if (!json_object_is_type(j, json_type_object))
		return err_set(e, ERR_CORRUPT, "it is not a JSON object");
	if (json_has_duplicates(doc, len))
		return err_set(e, ERR_CORRUPT, "an object in it has one name twice");
	if (check_spelling(j, e) < 0 || check_kind(j, content_type, f, e) < 0 || check_shape(j, f, e) < 0 ||
	        read_children(j, f, e) < 0)
		return -1;
	return read_referrer(j, f, e);
}

int manifest_check(
        const char *doc, size_t len, const char *content_type, struct manifest_facts *f, struct err *e)
{
	memset(f, 0, sizeof(*f));
	int rc = check(doc, len, content_type, f, e);
	if (rc < 0)
		manifest_facts_free(f);
	return rc;
}
