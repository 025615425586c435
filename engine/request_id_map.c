/* Which users of the host a container's are: --userns, --uidmap, --gidmap. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"
#include "engine/request.h"
#include "engine/tare.h"
#include "engine/userns_mode.h"

#define MAP_LINES_MAX 340                       /* of the kernel since 4.15, user_namespaces(7) */
#define ID_MAX        (INT64_C(4294967295) - 1) /* the highest is no id but "unchanged" */

struct range {
	int64_t inside, outside, size;
};

static int malformed(const char *text, struct err *e)
{
	return err_set(
	        e, ERR_USAGE, "invalid map \"%s\": write CONTAINER:HOST:SIZE, as in 0:100000:65536", text);
}

/* One "0:100000:65536", which is cut up. */
static int range_parse(char *text, const char *whole, struct range *r, struct err *e)
{
	int64_t *const fields[] = {&r->inside, &r->outside, &r->size};
	char *rest = text, *part;
	size_t n = 0;

	while ((part = text_next_part(&rest, ":")))
		if (n == 3 || int_parse(part, 0, ID_MAX, "id", fields[n++], NULL) != 0)
			return malformed(whole, e);
	if (n != 3 || r->size == 0)
		return malformed(whole, e);
	if (r->inside + r->size - 1 > ID_MAX || r->outside + r->size - 1 > ID_MAX)
		return err_set(e, ERR_USAGE, "map \"%s\" goes beyond the last id, 4294967294", whole);
	return 0;
}

static bool overlap(int64_t a, int64_t n_a, int64_t b, int64_t n_b)
{
	return a < b + n_b && b < a + n_a;
}

/* Each "C:H:S" of the vector, against those before it. */
static int check_map(const char *flag, char *const *map, struct err *e)
{
	struct range ranges[MAP_LINES_MAX];
	size_t n = 0;

	strv_foreach (text, map) {
		cleanup_free char *copy = strdup(*text);

		if (!copy)
			return err_no_memory(e);
		if (n == MAP_LINES_MAX)
			return err_set(e, ERR_USAGE,
			        "%s has more than %d ranges, which is all that the kernel takes", flag,
			        MAP_LINES_MAX);
		if (range_parse(copy, *text, &ranges[n], e) != 0)
			return err_wrap(e, "%s", flag);
		for (size_t i = 0; i < n; i++)
			if (overlap(ranges[i].inside, ranges[i].size, ranges[n].inside, ranges[n].size) ||
			        overlap(ranges[i].outside, ranges[i].size, ranges[n].outside, ranges[n].size))
				return err_set(e, ERR_USAGE,
				        "%s: \"%s\" and \"%s\" overlap; each id can be mapped once", flag,
				        map[i], *text);
		n++;
	}
	return 0;
}

/* "0:1000:1,1:100000:65535" */
static int add_ranges(char ***map, const char *text, struct err *e)
{
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *part;
	struct range r;

	if (!copy)
		return err_no_memory(e);
	while ((part = text_next_part(&rest, ","))) {
		if (strv_add(map, part) < 0)
			return err_no_memory(e);
		if (range_parse(part, text, &r, e) != 0)
			return -1;
	}
	return 0;
}

int tare_parse_uid_map(struct tare_create *c, const char *text, struct err *e)
{
	return add_ranges(&c->uid_maps, text, e);
}

int tare_parse_gid_map(struct tare_create *c, const char *text, struct err *e)
{
	return add_ranges(&c->gid_maps, text, e);
}

int tare_parse_userns(struct tare_create *c, const char *text, struct err *e)
{
	struct userns_mode mode;
	char *copy;

	if (userns_mode_parse(&mode, text, e) != 0)
		return -1;
	copy = strdup(text);
	if (!copy)
		return err_no_memory(e);
	free(c->userns_mode);
	c->userns_mode = copy;
	return 0;
}

int request_check_id_maps(const struct tare_create *c, struct err *e)
{
	if (c->userns_mode && (c->uid_maps || c->gid_maps))
		return err_set(e, ERR_USAGE, "--userns %s and %s exclude each other; use one of them",
		        c->userns_mode, c->uid_maps ? "--uidmap" : "--gidmap");
	return check_map("--uidmap", c->uid_maps, e) != 0 ? -1 : check_map("--gidmap", c->gid_maps, e);
}
