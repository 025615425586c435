#include "engine/oci/id_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"

#define ID_LAST (UINT32_MAX - 1) /* the highest number means "leave as it is" */

static bool overlap(uint64_t a, uint64_t n_a, uint64_t b, uint64_t n_b)
{
	return a < b + n_b && b < a + n_a;
}

/* Attack 25: ranges that overlap, or wrap around, would give one id to two. The kernel refuses them as well,
 * but without a word about which. Test: test_oci_id_map.c, ranges_that_overlap. */
int id_map_add(struct id_map *m, struct id_range r, struct err *e)
{
	if (!r.size || r.inside > ID_LAST || r.outside > ID_LAST || r.size - 1 > ID_LAST - r.inside ||
	        r.size - 1 > ID_LAST - r.outside)
		return err_set(e, ERR_USAGE, "map \"%u:%u:%u\": its ids end at 4294967294", r.inside,
		        r.outside, r.size);
	if (m->n == ID_RANGES_MAX)
		return err_set(e, ERR_USAGE, "more than %d ranges of ids, which is all that the kernel takes",
		        ID_RANGES_MAX);
	for (size_t i = 0; i < m->n; i++)
		if (DEFENCE("id-overlap") &&
		        (overlap(m->v[i].inside, m->v[i].size, r.inside, r.size) ||
		                overlap(m->v[i].outside, m->v[i].size, r.outside, r.size)))
			return err_set(e, ERR_USAGE,
			        "map \"%u:%u:%u\" overlaps \"%u:%u:%u\"; each id can be mapped once",
			        r.inside, r.outside, r.size, m->v[i].inside, m->v[i].outside, m->v[i].size);
	m->v[m->n++] = r;
	return 0;
}

/* The first id of `others` that is not below `from`, and the end of its range; false: there is none. */
static bool next_other(const struct id_map *others, uint64_t from, uint64_t *first, uint64_t *end)
{
	bool found = false;

	for (size_t i = 0; i < others->n; i++) {
		uint64_t begin = others->v[i].inside, stop = begin + others->v[i].size;
		if (stop <= from || (found && begin >= *first))
			continue;
		*first = begin;
		*end = stop;
		found = true;
	}
	return found;
}

int id_map_add_around(struct id_map *m, struct id_range r, const struct id_map *others, struct err *e)
{
	uint64_t stop = (uint64_t)r.inside + r.size, first = stop, end = stop;

	for (uint64_t at = r.inside; at < stop; at = end) {
		if (!next_other(others, at, &first, &end))
			first = end = stop;
		uint64_t until = first < stop ? first : stop;
		struct id_range part = {
		        (uint32_t)at, (uint32_t)(r.outside + (at - r.inside)), (uint32_t)(until - at)};
		if (until > at && id_map_add(m, part, e) != 0)
			return -1;
	}
	return 0;
}

static int range_parse(char *text, struct id_range *r)
{
	uint32_t *const fields[] = {&r->inside, &r->outside, &r->size};
	char *rest = text, *part;
	size_t n = 0;
	int64_t v;

	while ((part = text_next_part(&rest, ":"))) {
		if (n == 3 || int_parse(part, 0, UINT32_MAX, "id", &v, NULL) != 0)
			return -1;
		*fields[n++] = (uint32_t)v;
	}
	return n == 3 ? 0 : -1;
}

int id_map_parse(struct id_map *m, const char *text, struct err *e)
{
	cleanup_free char *copy = strdup(text);
	char *rest = copy, *part;
	struct id_range r;

	if (!copy)
		return err_no_memory(e);
	while ((part = text_next_part(&rest, ","))) {
		if (range_parse(part, &r) != 0)
			return err_set(e, ERR_USAGE,
			        "invalid map \"%s\": write CONTAINER:HOST:SIZE, as in 0:100000:65536", text);
		if (id_map_add(m, r, e) != 0)
			return -1;
	}
	return 0;
}

bool id_map_out(const struct id_map *m, uint32_t inside, uint32_t *outside)
{
	for (size_t i = 0; i < m->n; i++) {
		if (inside < m->v[i].inside || inside - m->v[i].inside >= m->v[i].size)
			continue;
		*outside = m->v[i].outside + (inside - m->v[i].inside);
		return true;
	}
	*outside = inside;
	return !m->n;
}

bool id_map_in(const struct id_map *m, uint32_t outside, uint32_t *inside)
{
	for (size_t i = 0; i < m->n; i++) {
		if (outside < m->v[i].outside || outside - m->v[i].outside >= m->v[i].size)
			continue;
		*inside = m->v[i].inside + (outside - m->v[i].outside);
		return true;
	}
	*inside = outside;
	return !m->n;
}

void id_map_invert(const struct id_map *m, struct id_map *inverse)
{
	inverse->n = m->n;
	for (size_t i = 0; i < m->n; i++)
		inverse->v[i] = (struct id_range){m->v[i].outside, m->v[i].inside, m->v[i].size};
}

uint64_t id_map_count(const struct id_map *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += m->v[i].size;
	return n;
}

uint64_t id_map_run(const struct id_map *m)
{
	uint64_t end = 0;

	for (size_t pass = 0; pass < m->n; pass++)
		for (size_t i = 0; i < m->n; i++)
			if (m->v[i].inside == end)
				end += m->v[i].size;
	return end;
}

void id_map_print(struct buf *b, const struct id_map *m)
{
	for (size_t i = 0; i < m->n; i++)
		buf_printf(b, "%u %u %u\n", m->v[i].inside, m->v[i].outside, m->v[i].size);
}

json *id_map_to_json(const struct id_map *m)
{
	json *list = json_object_new_array();

	for (size_t i = 0; i < m->n; i++) {
		json *j = json_object_new_object();
		json_set_int(j, "containerID", m->v[i].inside);
		json_set_int(j, "hostID", m->v[i].outside);
		json_set_int(j, "size", m->v[i].size);
		json_object_array_add(list, j);
	}
	return list;
}

static bool get_id(json *j, const char *key, uint32_t *id)
{
	int64_t v = json_int(j, key, -1);

	*id = (uint32_t)v;
	return v >= 0 && v <= UINT32_MAX;
}

int id_map_from_json(struct id_map *m, json *list, struct err *e)
{
	size_t n = list && json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	struct id_range r;

	m->n = 0;
	for (size_t i = 0; i < n; i++) {
		json *j = json_object_array_get_idx(list, i);
		if (!get_id(j, "containerID", &r.inside) || !get_id(j, "hostID", &r.outside) ||
		        !get_id(j, "size", &r.size))
			return err_set(e, ERR_CORRUPT, "mapping %zu has no containerID, hostID and size", i);
		if (id_map_add(m, r, e) != 0)
			return -1;
	}
	return 0;
}

json *id_map_texts(const struct id_map *m)
{
	json *list = json_object_new_array();
	char text[40];

	for (size_t i = 0; i < m->n; i++) {
		snprintf(text, sizeof text, "%u:%u:%u", m->v[i].inside, m->v[i].outside, m->v[i].size);
		json_add_str(list, text);
	}
	return list;
}
