/* One page of what a search found: foreign JSON becomes names that are names and text that is harmless. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "engine/oci/reference.h"
#include "registry/client/search.h"

#define DESCRIPTION_MAX 400

void found_free(struct found *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->list[i].name);
		free(f->list[i].description);
	}
	free(f->list);
	memset(f, 0, sizeof(*f));
}

static bool has(const struct found *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].name, name) == 0)
			return true;
	return false;
}

/* `repository` at `host` as people write it; NULL (no error) when that is no name: it goes to a terminal, and
 * from there into commands. Test: test_registry_search.c, test_names_that_are_none_are_left_out. */
static char *familiar(const char *host, const char *repository)
{
	cleanup_reference struct reference ref = REFERENCE_INIT;
	cleanup_free char *full = str_printf("%s/%s", host, repository);
	if (!full || strpbrk(repository, ":@") || reference_parse(full, &ref, NULL) < 0)
		return NULL;
	return reference_familiar_repository(&ref);
}

static int add(struct found *f, const char *host, const char *repository, const char *description,
        struct found_image image, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_free char *name = familiar(host, repository);
	if (!name || f->n >= SEARCH_MAX || has(f, name))
		return 0;
	text_harmless(&text, description, strnlen(description, DESCRIPTION_MAX));
	struct found_image *grown = realloc(f->list, (f->n + 1) * sizeof(*grown));
	if (!grown)
		return err_no_memory(e);
	f->list = grown;
	image.description = strdup(buf_str(&text));
	if (!image.description)
		return err_no_memory(e);
	image.name = steal_ptr(&name);
	grown[f->n++] = image;
	return 0;
}

int search_read_v1(const char *text, size_t len, const char *host, struct found *f, struct err *e)
{
	cleanup_json json *doc = json_parse(text, len, "search result", e);
	json *rows = json_get(doc, "results");
	if (!doc)
		return -1;
	if (!json_object_is_type(rows, json_type_array))
		return err_set(e, ERR_CORRUPT, "the registry has not answered with a list of results");
	size_t n = json_object_array_length(rows);
	for (size_t i = 0; i < n && i < SEARCH_MAX; i++) {
		json *row = json_object_array_get_idx(rows, i);
		int64_t stars = json_int(row, "star_count", 0);
		const struct found_image image = {
		        .stars = stars > 0 ? stars : 0, .official = json_bool(row, "is_official", false)};
		if (add(f, host, json_str(row, "name", ""), json_str(row, "description", ""), image, e) < 0)
			return -1;
	}
	return n > SEARCH_MAX ? SEARCH_MAX : (int)n;
}

int search_read_catalog(const char *text, size_t len, const char *host, const char *term, struct found *f,
        char last[256], struct err *e)
{
	cleanup_json json *doc = json_parse(text, len, "list of repositories", e);
	cleanup_strv char **names = json_strv(doc, "repositories");
	if (!doc)
		return -1;
	if (last)
		last[0] = '\0';
	strv_foreach (name, names) {
		if (last && strlen(*name) < 256)
			strcpy(last, *name);
		if (strcasestr(*name, term) && add(f, host, *name, "", (struct found_image){0}, e) < 0)
			return -1;
	}
	return (int)strv_len(names);
}
