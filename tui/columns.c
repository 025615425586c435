/* Which columns a list shows, and how wide each is. */
#include "tui/columns.h"

#include <stdio.h>
#include <string.h>

void columns_default(struct column_choice *ch, const struct column *table, size_t n)
{
	ch->n = 0;
	for (size_t i = 0; i < n && ch->n < COLUMNS_MAX; i++)
		if (!(table[i].flags & COLUMN_HIDDEN))
			ch->at[ch->n++] = (uint8_t)i;
}

bool columns_shown(const struct column_choice *ch, size_t column)
{
	for (size_t i = 0; i < ch->n; i++)
		if (ch->at[i] == column)
			return true;
	return false;
}

void columns_parse(struct column_choice *ch, const struct column *table, size_t n, const char *text)
{
	ch->n = 0;
	while (text && *text) {
		size_t len = strcspn(text, ", ");

		for (size_t i = 0; i < n && ch->n < COLUMNS_MAX; i++)
			if (strlen(table[i].id) == len && !strncmp(table[i].id, text, len) &&
			        !columns_shown(ch, i))
				ch->at[ch->n++] = (uint8_t)i;
		text += len;
		text += strspn(text, ", ");
	}
	if (ch->n == 0)
		columns_default(ch, table, n);
}

void columns_print(const struct column_choice *ch, const struct column *table, char *dst, size_t size)
{
	size_t at = 0;

	*dst = '\0';
	for (size_t i = 0; i < ch->n; i++) {
		int n = snprintf(dst + at, size - at, "%s%s", i ? "," : "", table[ch->at[i]].id);

		if (n < 0 || (size_t)n >= size - at)
			return;
		at += (size_t)n;
	}
}

static int total(const struct column_choice *ch, const int *widths, int gap)
{
	int sum = 0;

	for (size_t i = 0; i < ch->n; i++)
		if (widths[i])
			sum += widths[i] + (sum ? gap : 0);
	return sum;
}

static int ideal_of(const struct column *col, unsigned need)
{
	if (!col->text || !need)
		return col->ideal;
	if ((int)need < col->min)
		return col->min;
	return (int)need < col->ideal ? (int)need : col->ideal;
}

/* The one that goes next: of those that may go, and have these flags, the one with the highest `drop`, the
 * last of equals. */
static bool drop_one(const struct column *table, const struct column_choice *ch, unsigned flags, int *widths)
{
	size_t worst = ch->n;

	for (size_t i = 0; i < ch->n; i++) {
		const struct column *col = &table[ch->at[i]];

		if (widths[i] && col->drop && (col->flags & flags) == flags &&
		        (worst == ch->n || col->drop >= table[ch->at[worst]].drop))
			worst = i;
	}
	if (worst == ch->n)
		return false;
	widths[worst] = 0;
	return true;
}

/* Even what always stays may be too wide: the widest gives. */
static void squeeze(const struct column_choice *ch, int *widths, int gap, int room)
{
	int over;

	while (ch->n && (over = total(ch, widths, gap) - room) > 0) {
		size_t widest = 0;

		for (size_t i = 1; i < ch->n; i++)
			if (widths[i] > widths[widest])
				widest = i;
		if (widths[widest] <= 0)
			return;
		widths[widest] -= over < widths[widest] ? over : widths[widest];
	}
}

/* The next to get more room: the lowest `grow` above `done`. */
static size_t next_to_grow(
        const struct column *table, const struct column_choice *ch, const int *widths, const bool *done)
{
	size_t best = ch->n;

	for (size_t i = 0; i < ch->n; i++)
		if (widths[i] && !done[i] &&
		        (best == ch->n || table[ch->at[i]].grow < table[ch->at[best]].grow))
			best = i;
	return best;
}

/* What is left over makes the columns wider. */
static void grow(const struct column *table, const struct column_choice *ch, const uint16_t *needs, int spare,
        int *widths)
{
	bool done[COLUMNS_MAX] = {false};
	size_t i;

	while (spare > 0 && (i = next_to_grow(table, ch, widths, done)) < ch->n) {
		const struct column *col = &table[ch->at[i]];
		int more = ideal_of(col, needs[ch->at[i]]) - widths[i];

		done[i] = true;
		if (more <= 0 || (more > spare && col->flags & COLUMN_WHOLE))
			continue;
		more = more < spare ? more : spare;
		widths[i] += more;
		spare -= more;
	}
}

static void least_widths(
        const struct column *table, const struct column_choice *ch, const uint16_t *needs, int *widths)
{
	for (size_t i = 0; i < ch->n; i++) {
		const struct column *col = &table[ch->at[i]];

		widths[i] = col->flags & COLUMN_NEEDED && !needs[ch->at[i]] ? 0 : col->min;
	}
}

/* Can those that are whole have their best width, when none but spare ones go for it? */
static bool fit_whole(const struct column *table, const struct column_choice *ch, const uint16_t *needs,
        int room, int gap, int *widths)
{
	bool any = false;

	least_widths(table, ch, needs, widths);
	for (size_t i = 0; i < ch->n; i++) {
		const struct column *col = &table[ch->at[i]];

		if (!(col->flags & COLUMN_WHOLE) || !widths[i])
			continue;
		widths[i] = ideal_of(col, needs[ch->at[i]]);
		any = true;
	}
	while (any && total(ch, widths, gap) > room)
		if (!drop_one(table, ch, COLUMN_SPARE, widths))
			return false;
	return any;
}

/* Have those that are whole their best width? */
static bool fit(const struct column *table, const struct column_choice *ch, const uint16_t *needs, int room,
        int gap, int *widths)
{
	bool is_whole = fit_whole(table, ch, needs, room, gap, widths);

	if (!is_whole) {
		least_widths(table, ch, needs, widths);
		while (total(ch, widths, gap) > room)
			if (!drop_one(table, ch, 0, widths))
				break;
		squeeze(ch, widths, gap, room > 0 ? room : 0);
	}
	grow(table, ch, needs, room - total(ch, widths, gap), widths);
	return is_whole;
}

int columns_fit(const struct column *table, const struct column_choice *ch, const uint16_t *needs, int room,
        int gap, int widths[COLUMNS_MAX])
{
	fit(table, ch, needs, room, gap, widths);
	return total(ch, widths, gap);
}

int columns_fit_closer(const struct column *table, const struct column_choice *ch, const uint16_t *needs,
        int room, int gap, int widths[COLUMNS_MAX])
{
	int closer[COLUMNS_MAX];

	if (fit(table, ch, needs, room, gap, widths) || !fit(table, ch, needs, room, 1, closer))
		return gap;
	memcpy(widths, closer, ch->n * sizeof *widths);
	return 1;
}
