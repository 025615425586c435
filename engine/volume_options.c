/* What --opt of a volume asks for: Docker's words of its local driver, as far as they are Tare's to carry
 * out. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"
#include "engine/volume.h"

/* The options as they stand, borrowed; NULL where one is missing. */
struct words {
	const char *type, *device, *o, *size;
};

static int unknown_option(const char *key, size_t len, struct err *e)
{
	static const char *const keys[] = {"type", "device", "o", "size"};
	cleanup_free char *word = strndup(key, len);
	const char *nearest = word ? text_nearest(word, keys, 4) : NULL;

	return err_set(e, ERR_USAGE,
	        "unknown volume option \"%s\"%s%s%s; options are type=, device=, o= and size=",
	        word ? word : key, nearest ? "; did you mean " : "", nearest ? nearest : "",
	        nearest ? "?" : "");
}

static int sort_words(char *const *options, struct words *w, struct err *e)
{
	const struct {
		const char *key;
		const char **value;
	} keys[] = {{"type", &w->type}, {"device", &w->device}, {"o", &w->o}, {"size", &w->size}};

	strv_foreach (option, options) {
		const char *equals = strchr(*option, '=');
		size_t len = equals ? (size_t)(equals - *option) : strlen(*option), i = 0;
		while (i < 4 && (strlen(keys[i].key) != len || strncmp(keys[i].key, *option, len) != 0))
			i++;
		if (i == 4)
			return unknown_option(*option, len, e);
		if (!equals || !equals[1])
			return err_set(e, ERR_USAGE, "volume option \"%s\" needs a value, as in %s", *option,
			        i == 0   ? "type=tmpfs"
			        : i == 3 ? "size=10g"
			                 : "o=size=64m");
		*keys[i].value = equals + 1;
	}
	return 0;
}

/* ------------------------------------------------------------------ tmpfs */

/* The kernel knows no "1.5g": what is no share of memory is written in bytes. */
static int add_size(struct volume_record *r, const char *text, struct err *e)
{
	uint64_t bytes;

	if (text[strlen(text) - 1] == '%')
		return strv_take(&r->mount_options, str_printf("size=%s", text)) ? err_no_memory(e) : 0;
	if (size_parse(text, &bytes, e) != 0)
		return -1;
	return strv_take(&r->mount_options, str_printf("size=%llu", (unsigned long long)bytes))
	               ? err_no_memory(e)
	               : 0;
}

static int tmpfs_word(struct volume_record *r, const char *word, struct err *e)
{
	if (strcmp(word, "ro") == 0) {
		r->read_only = true;
		return 0;
	}
	if (strncmp(word, "size=", 5) == 0 && word[5])
		return add_size(r, word + 5, e);
	bool mode =
	        strncmp(word, "mode=", 5) == 0 && word[5] && strspn(word + 5, "01234567") == strlen(word + 5);
	if (!mode && !volume_is_tmpfs_option(word))
		return err_set(e, ERR_USAGE,
		        "unknown option \"%s\" of a tmpfs volume; sample: o=size=64m,mode=1777,uid=1000",
		        word);
	return strv_add(&r->mount_options, word) < 0 ? err_no_memory(e) : 0;
}

static int parse_tmpfs(const struct words *w, struct volume_record *r, struct err *e)
{
	cleanup_free char *copy = strdup(w->o ? w->o : "");
	char *rest = copy;
	const char *word;

	r->kind = VOLUME_TMPFS;
	if (!copy)
		return err_no_memory(e);
	while ((word = text_next_part(&rest, ",")))
		if (*word && tmpfs_word(r, word, e) != 0)
			return -1;
	return w->size ? add_size(r, w->size, e) : 0;
}

/* ------------------------------------------------------------------ bind */

static int bind_words(const char *o, struct volume_record *r, bool *bind, struct err *e)
{
	cleanup_free char *copy = strdup(o);
	char *rest = copy;
	const char *word;

	if (!copy)
		return err_no_memory(e);
	while ((word = text_next_part(&rest, ","))) {
		if (strcmp(word, "bind") == 0 || strcmp(word, "rbind") == 0)
			*bind = true;
		else if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0)
			r->read_only = word[1] == 'o';
		else if (*word)
			return err_set(e, ERR_USAGE,
			        "unknown option \"%s\" of a bind-backed volume; o=bind or o=bind,ro", word);
	}
	return 0;
}

static int parse_bind(const struct words *w, struct volume_record *r, struct err *e)
{
	bool bind = false;

	r->kind = VOLUME_BIND;
	if (w->size)
		return err_set(e, ERR_USAGE,
		        "size= limits a directory that Tare makes, not device=%s; leave one of them out",
		        w->device ? w->device : "");
	if (bind_words(w->o ? w->o : "", r, &bind, e) != 0)
		return -1;
	if (!bind || !w->device || *w->device != '/')
		return err_set(e, ERR_USAGE, "a volume of type=none is a directory of this host: add %s",
		        bind ? "device=/PATH" : "o=bind and device=/PATH");
	r->device = strdup(w->device);
	return r->device ? 0 : err_no_memory(e);
}

/* ------------------------------------------------------------------ all */

static int parse_directory(const struct words *w, struct volume_record *r, struct err *e)
{
	r->kind = VOLUME_DIRECTORY;
	if (w->device || w->o)
		return err_set(e, ERR_USAGE,
		        "%s= needs a type: --opt type=tmpfs, or --opt type=none for a directory of this host",
		        w->device ? "device" : "o");
	if (!w->size)
		return 0;
	if (size_parse(w->size, &r->quota, e) != 0)
		return -1;
	return r->quota ? 0 : err_set(e, ERR_USAGE, "a volume of size=0 holds nothing; as in size=10g");
}

int volume_options_parse(char *const *options, struct volume_record *r, struct err *e)
{
	struct words w = {0};

	if (sort_words(options, &w, e) != 0)
		return -1;
	if (!w.type)
		return parse_directory(&w, r, e);
	if (strcmp(w.type, "tmpfs") == 0)
		return parse_tmpfs(&w, r, e);
	if (strcmp(w.type, "none") == 0)
		return parse_bind(&w, r, e);
	return err_set(e, ERR_UNSUPPORTED,
	        "volume type \"%s\" is not in Tare: mount it on the host, and give its directory: --opt "
	        "type=none --opt o=bind --opt device=/PATH",
	        w.type);
}
