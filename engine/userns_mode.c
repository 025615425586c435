#include "engine/userns_mode.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"

#define ID_LAST (UINT32_MAX - 1)

static int number(const char *text, int64_t least, const char *what, uint32_t *n, struct err *e)
{
	int64_t v;

	if (int_parse(text, least, ID_LAST, what, &v, e) != 0)
		return -1;
	*n = (uint32_t)v;
	return 0;
}

static int auto_option(struct userns_mode *m, const char *key, const char *value, struct err *e)
{
	if (strcmp(key, "size") == 0)
		return number(value, 1, "size", &m->size, e);
	if (strcmp(key, "uidmapping") == 0)
		return id_map_parse(&m->maps.uid, value, e);
	if (strcmp(key, "gidmapping") == 0)
		return id_map_parse(&m->maps.gid, value, e);
	return err_set(e, ERR_USAGE,
	        "auto has no option \"%s\"; there are size, uidmapping and gidmapping, as in "
	        "auto:size=1000,uidmapping=5:100005:1",
	        key);
}

static int keep_id_option(struct userns_mode *m, const char *key, const char *value, struct err *e)
{
	if (strcmp(key, "uid") == 0)
		return number(value, 0, "uid", &m->uid, e);
	if (strcmp(key, "gid") == 0)
		return number(value, 0, "gid", &m->gid, e);
	return err_set(e, ERR_USAGE,
	        "keep-id has no option \"%s\"; there are uid and gid, as in "
	        "keep-id:uid=1000,gid=1000",
	        key);
}

/* "size=1000,uidmapping=0:1000:1", which is cut up. */
static int take_options(struct userns_mode *m, char *text, struct err *e)
{
	char *part;

	while ((part = text_next_part(&text, ","))) {
		char *value = strchr(part, '=');
		if (!value || !value[1])
			return err_set(e, ERR_USAGE, "\"%s\" has no value, as in auto:size=1000", part);
		*value++ = '\0';
		if (m->kind == USERNS_AUTO ? auto_option(m, part, value, e)
		                           : keep_id_option(m, part, value, e))
			return -1;
	}
	return 0;
}

static int unknown(const char *text, struct err *e)
{
	return err_set(e, ERR_USAGE,
	        "unknown user namespace \"%s\"; one of auto, keep-id, nomap, host, or a map such as "
	        "0:100000:65536",
	        text);
}

int userns_mode_parse(struct userns_mode *m, const char *text, struct err *e)
{
	static const char *const kinds[] = {[USERNS_HOST] = "host",
	        [USERNS_AUTO] = "auto",
	        [USERNS_KEEP_ID] = "keep-id",
	        [USERNS_NOMAP] = "nomap"};
	cleanup_free char *copy = strdup(text);
	char *options = copy ? strchr(copy, ':') : NULL;

	*m = (struct userns_mode){.kind = USERNS_MAP};
	if (!copy)
		return err_no_memory(e);
	if (*text >= '0' && *text <= '9')
		return id_map_parse(&m->maps.uid, text, e) != 0 || id_map_parse(&m->maps.gid, text, e) != 0
		               ? -1
		               : 0;
	if (options)
		*options++ = '\0';
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(copy, kinds[i]) == 0)
			m->kind = (enum userns_kind)i;
	if (m->kind == USERNS_MAP || (options && m->kind != USERNS_AUTO && m->kind != USERNS_KEEP_ID))
		return unknown(text, e);
	return options ? take_options(m, options, e) : 0;
}
