/* The rows of a list: fetched, filtered, sorted and grouped when something changed, and only then. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/list_view.h"

/* ------------------------------------------------------------------ comparing */

/* The value of the digits at *s, which it passes: as many as there are, compared by length, then as text. */
static int compare_digits(const char **a, const char **b)
{
	size_t na, nb;
	int rc;

	*a += strspn(*a, "0");
	*b += strspn(*b, "0");
	na = strspn(*a, "0123456789");
	nb = strspn(*b, "0123456789");
	rc = na != nb ? (na < nb ? -1 : 1) : strncmp(*a, *b, na);
	*a += na;
	*b += nb;
	return rc;
}

int compare_texts(const char *a, const char *b)
{
	const char *x = a ? a : "", *y = b ? b : "";

	while (*x && *y) {
		int rc;

		if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
			rc = compare_digits(&x, &y);
		} else {
			rc = tolower((unsigned char)*x) - tolower((unsigned char)*y);
			x++;
			y++;
		}
		if (rc)
			return rc;
	}
	return *x ? 1 : *y ? -1 : strcmp(a ? a : "", b ? b : "");
}

int compare_doubles(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) && isnan(b) ? 0 : isnan(a) ? -1 : 1;
	return a < b ? -1 : a > b;
}

int compare_numbers(uint64_t a, uint64_t b)
{
	/* not known becomes 0, and all others one more */
	return a + 1 < b + 1 ? -1 : a + 1 > b + 1;
}

static int compare_rows(const struct list_view *l, const void *a, const void *b)
{
	int rc = 0;

	if (l->grouped && l->ops->group) {
		const char *x = l->ops->group(a), *y = l->ops->group(b);

		/* what belongs to no group stands last */
		rc = x && y ? compare_texts(x, y) : x ? -1 : y ? 1 : 0;
		if (rc)
			return rc;
	}
	if (l->sort < l->ops->n_columns)
		rc = l->ops->columns[l->sort].compare(a, b);
	if (l->reverse)
		rc = -rc;
	return rc ? rc : l->ops->compare(a, b);
}

/* Stable, and quick for what is nearly in order, as it is from second to second. */
static void merge_sort(const struct list_view *l, const void **v, const void **scratch, size_t n)
{
	size_t half = n / 2, i = 0, k = 0, at = half;

	if (n < 2)
		return;
	merge_sort(l, v, scratch, half);
	merge_sort(l, v + half, scratch, n - half);
	if (compare_rows(l, v[half - 1], v[half]) <= 0)
		return;
	memcpy(scratch, v, half * sizeof *v);
	while (i < half && at < n)
		v[k++] = compare_rows(l, scratch[i], v[at]) <= 0 ? scratch[i++] : v[at++];
	memcpy(v + k, scratch + i, (half - i) * sizeof *v);
}

static void sort(struct list_view *l)
{
	l->unsorted = false;
	if (l->sort < l->ops->n_columns || (l->grouped && l->ops->group))
		merge_sort(l, l->found, l->scratch, l->n_found);
}

/* ------------------------------------------------------------------ fetching */

static bool passes(struct list_view *l, const void *row)
{
	struct filter_row texts = {.row = row};

	if (!l->filter.n)
		return true;
	l->ops->describe(l, row, &texts);
	return filter_match(&l->filter, &texts);
}

static bool grow_found(struct list_view *l)
{
	size_t cap = l->found_cap ? 2 * l->found_cap : 64;
	const void **found, **scratch;

	if (l->n_found < l->found_cap)
		return true;
	found = realloc(l->found, cap * sizeof *found);
	l->found = found ? found : l->found;
	scratch = realloc(l->scratch, cap * sizeof *scratch);
	l->scratch = scratch ? scratch : l->scratch;
	if (!found || !scratch)
		return false;
	l->found_cap = cap;
	return true;
}

static void measure(struct list_view *l, const void *row)
{
	for (size_t i = 0; i < l->ops->n_columns; i++) {
		const char *text = l->ops->columns[i].text ? l->ops->columns[i].text(row) : NULL;
		size_t len = text ? strnlen(text, 200) : 0;

		if (len > l->needs[i])
			l->needs[i] = (uint16_t)len;
	}
}

void list_add(struct list_view *l, const void *row)
{
	l->n_all++;
	measure(l, row);
	if (passes(l, row) && grow_found(l))
		l->found[l->n_found++] = row;
}

static void fetch(struct list_view *l)
{
	l->stale = false;
	l->version = model_version(app_model(l->v.app));
	l->n_found = l->n_all = 0;
	memset(l->needs, 0, sizeof l->needs);
	l->ops->collect(l);
}

static bool mark_exists(void *list, const char *id)
{
	struct list_view *l = list;

	return l->ops->exists(l, id);
}

/* ------------------------------------------------------------------ rows with headings */

static bool add_row(struct list_view *l, struct list_row row)
{
	if (l->n_rows == l->rows_cap) {
		size_t cap = l->rows_cap ? 2 * l->rows_cap : 64;
		struct list_row *grown = realloc(l->rows, cap * sizeof *grown);

		if (!grown)
			return false;
		l->rows = grown;
		l->rows_cap = cap;
	}
	l->rows[l->n_rows++] = row;
	return true;
}

static const char *group_of(const struct list_view *l, size_t i)
{
	return l->grouped && l->ops->group ? l->ops->group(l->found[i]) : NULL;
}

static bool same_group(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void lay_out(struct list_view *l)
{
	l->n_rows = 0;
	for (size_t i = 0, end; i < l->n_found; i = end) {
		const char *group = group_of(l, i);
		bool closed = group && strv_has(l->closed, group);

		for (end = i + 1; end < l->n_found && same_group(group, group_of(l, end)); end++)
			;
		if (group)
			add_row(l, (struct list_row){
			                   .group = group, .n = end - i, .first = i, .closed = closed});
		for (size_t k = i; k < end && !closed; k++)
			add_row(l, (struct list_row){.row = l->found[k], .group = group});
	}
}

/* ------------------------------------------------------------------ the selection */

static void keep_key(struct list_view *l)
{
	const struct list_row *r;

	if (l->selected >= l->n_rows) {
		*l->key = '\0';
		return;
	}
	r = &l->rows[l->selected];
	l->on_heading = !r->row;
	snprintf(l->key, sizeof l->key, "%s", r->row ? l->ops->id(r->row) : r->group);
}

static bool is_key(const struct list_view *l, const struct list_row *r, const char *key, bool heading)
{
	const char *name = r->row ? l->ops->id(r->row) : r->group;

	return heading == !r->row && name && !strcmp(name, key);
}

static bool find_key(struct list_view *l, const char *key, bool heading, size_t *at)
{
	/* mostly it is where it was */
	if (*at < l->n_rows && is_key(l, &l->rows[*at], key, heading))
		return true;
	for (size_t i = 0; i < l->n_rows; i++) {
		if (is_key(l, &l->rows[i], key, heading)) {
			*at = i;
			return true;
		}
	}
	return false;
}

/* The selection stays on its object, and the object where it is on the screen, when rows come and go. */
static void find_selection(struct list_view *l)
{
	size_t old = l->selected;

	if (l->follow && l->follows_end) {
		l->selected = l->n_rows ? l->n_rows - 1 : 0;
	} else if (*l->key && find_key(l, l->key, l->on_heading, &l->selected)) {
		if (l->selected != old && l->top > 0)
			l->top = l->selected > old            ? l->top + (l->selected - old)
			         : l->top > old - l->selected ? l->top - (old - l->selected)
			                                      : 0;
	} else if (l->selected >= l->n_rows) {
		l->selected = l->n_rows ? l->n_rows - 1 : 0;
	}
	keep_key(l);
}

void list_select(struct list_view *l, size_t at)
{
	if (l->n_rows == 0)
		at = 0;
	else if (at >= l->n_rows)
		at = l->n_rows - 1;
	l->selected = at;
	l->follows_end = l->follow && at + 1 >= l->n_rows;
	keep_key(l);
	if (l->ops->seen && at < l->n_rows && l->rows[at].row)
		l->ops->seen(l, l->rows[at].row);
}

const struct list_row *list_selected(struct list_view *l)
{
	list_sync(l);
	return l->selected < l->n_rows ? &l->rows[l->selected] : NULL;
}

/* ------------------------------------------------------------------ keeping up */

void list_sync(struct list_view *l)
{
	if (l->stale || l->version != model_version(app_model(l->v.app))) {
		fetch(l);
		if (l->marks.n)
			marks_keep(&l->marks, mark_exists, l);
	} else if (!l->unsorted) {
		return;
	}
	sort(l);
	lay_out(l);
	find_selection(l);
}

void list_stale(struct list_view *l)
{
	l->stale = true;
}

void list_toggle_group(struct list_view *l, const struct list_row *heading)
{
	char **left = NULL;
	const char *name = heading->group;

	if (heading->closed) {
		strv_foreach (s, l->closed)
			if (strcmp(*s, name) != 0)
				strv_add(&left, *s);
		strv_free(l->closed);
		l->closed = left;
	} else {
		strv_add(&l->closed, name);
	}
	l->unsorted = true;
}

void list_filter(struct list_view *l, const char *text)
{
	filter_parse(&l->filter, text, l->ops->filter_keys);
	l->stale = true;
	l->top = 0;
	if (!l->follow)
		l->selected = 0;
}

void list_sort_by(struct list_view *l, size_t column, bool reverse)
{
	l->sort = column;
	l->reverse = reverse;
	/* as collected is an order that only fetching gives back */
	l->stale = true;
	list_remember(l);
}
