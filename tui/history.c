/* The past of one container, in two rings per metric. A metric that never moves (a network that isn't there)
 * costs one number instead of a ring, so a thousand idle containers cost next to nothing. */
#include "tui/history.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FINE_SLOTS   300
#define COARSE_STEP  10
#define COARSE_SLOTS 360

/* No sign, 7 bits of exponent, 9 of mantissa: 2^-40 … 2^86 within 0.1 %, and the order of the codes is that
 * of the values. */
#define CODE_NAN      0xffffu
#define CODE_MAX      0xfffeu
#define EXPONENT_BIAS 40

struct ring {
	unsigned step, size;
	int64_t first, last; /* slots in use, a slot is second / step; first > last: none */
	uint8_t present[(COARSE_SLOTS + 7) / 8];
	uint16_t constant[METRIC_N]; /* the value everywhere, as long as there is no array */
	uint16_t *values[METRIC_N];
};

struct history {
	struct ring fine, coarse;
};

static uint16_t encode(double v)
{
	int exponent;
	double mantissa;
	long code;

	if (isnan(v) || v < 0)
		return CODE_NAN;
	if (v == 0)
		return 0;
	mantissa = frexp(v, &exponent); /* [0.5, 1) */
	if (isinf(v) || exponent + EXPONENT_BIAS > 126)
		return CODE_MAX;
	if (exponent + EXPONENT_BIAS < 1)
		return 0;
	code = ((long)(exponent + EXPONENT_BIAS) << 9) + lround((mantissa * 2 - 1) * 512);
	return code > (long)CODE_MAX ? CODE_MAX : (uint16_t)code;
}

static double decode(uint16_t code)
{
	if (code == CODE_NAN)
		return NAN;
	if (code == 0)
		return 0;
	return ldexp((1 + (code & 511) / 512.0) / 2, (code >> 9) - EXPONENT_BIAS);
}

static uint16_t larger(uint16_t a, uint16_t b)
{
	if (a == CODE_NAN)
		return b;
	return b == CODE_NAN || a > b ? a : b;
}

static size_t place_of(const struct ring *r, int64_t slot)
{
	return (size_t)(slot % (int64_t)r->size);
}

static bool ring_has(const struct ring *r, int64_t slot)
{
	size_t i = place_of(r, slot);

	return slot >= r->first && slot <= r->last && r->present[i / 8] >> (i % 8) & 1;
}

static void ring_set_present(struct ring *r, int64_t slot, bool on)
{
	size_t i = place_of(r, slot);

	if (on)
		r->present[i / 8] |= (uint8_t)(1u << (i % 8));
	else
		r->present[i / 8] &= (uint8_t) ~(1u << (i % 8));
}

static uint16_t ring_get(const struct ring *r, enum metric m, int64_t slot)
{
	return r->values[m] ? r->values[m][place_of(r, slot)] : r->constant[m];
}

static void ring_put(struct ring *r, enum metric m, int64_t slot, uint16_t code, bool is_only)
{
	if (!r->values[m]) {
		if (is_only)
			r->constant[m] = code;
		if (r->constant[m] == code)
			return;
		r->values[m] = malloc(r->size * sizeof *r->values[m]);
		if (!r->values[m])
			return; /* this metric stays flat: better than no dashboard */
		for (unsigned i = 0; i < r->size; i++)
			r->values[m][i] = r->constant[m];
	}
	r->values[m][place_of(r, slot)] = code;
}

/* Make `slot` part of the ring; false when it is older than the ring reaches. */
static bool ring_extend(struct ring *r, int64_t slot)
{
	int64_t size = r->size;

	if (r->first > r->last || slot > r->last + size) { /* the first one, or none of the old counts */
		memset(r->present, 0, sizeof r->present);
		r->first = r->last = slot;
		return true;
	}
	if (slot <= r->last - size)
		return false;
	for (; r->last < slot; r->last++)
		ring_set_present(r, r->last + 1, false);
	if (r->first <= r->last - size)
		r->first = r->last - size + 1;
	for (; r->first > slot; r->first--)
		ring_set_present(r, r->first - 1, false);
	return true;
}

static void ring_add(struct ring *r, int64_t second, const double values[METRIC_N])
{
	int64_t slot = second / (int64_t)r->step;
	bool was_empty = r->first > r->last, was_there;

	if (second < 0 || !ring_extend(r, slot))
		return;
	was_there = ring_has(r, slot);
	for (enum metric m = 0; m < METRIC_N; m++) {
		uint16_t code = encode(values[m]);

		ring_put(r, m, slot, was_there ? larger(code, ring_get(r, m, slot)) : code, was_empty);
	}
	ring_set_present(r, slot, true);
}

static uint16_t ring_max(const struct ring *r, enum metric m, int64_t from, int64_t to)
{
	uint16_t max = CODE_NAN;

	if (from < r->first)
		from = r->first;
	if (to > r->last)
		to = r->last;
	for (int64_t slot = from; slot <= to; slot++)
		if (ring_has(r, slot))
			max = larger(max, ring_get(r, m, slot));
	return max;
}

static void ring_init(struct ring *r, unsigned step, unsigned size)
{
	r->step = step;
	r->size = size;
	r->last = -1;
}

static void ring_end(struct ring *r)
{
	for (enum metric m = 0; m < METRIC_N; m++)
		free(r->values[m]);
}

struct history *history_new(void)
{
	struct history *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	ring_init(&h->fine, 1, FINE_SLOTS);
	ring_init(&h->coarse, COARSE_STEP, COARSE_SLOTS);
	return h;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	ring_end(&h->fine);
	ring_end(&h->coarse);
	free(h);
}

void history_add(struct history *h, int64_t second, const double values[METRIC_N])
{
	ring_add(&h->fine, second, values);
	ring_add(&h->coarse, second, values);
}

void history_add_coarse(struct history *h, int64_t second, const double values[METRIC_N])
{
	ring_add(&h->coarse, second, values);
}

static uint16_t window_max(const struct history *h, enum metric m, int64_t from, int64_t to, unsigned step)
{
	const struct ring *fine = &h->fine, *coarse = &h->coarse;

	if (step < COARSE_STEP && fine->first <= fine->last && to >= fine->first)
		return ring_max(fine, m, from, to);
	if (step < COARSE_STEP)
		return ring_max(coarse, m, from / COARSE_STEP, to / COARSE_STEP);
	/* each coarse value counts in one window only: that in which it begins */
	return ring_max(coarse, m, (from + COARSE_STEP - 1) / COARSE_STEP, to / COARSE_STEP);
}

void history_get(const struct history *h, enum metric m, int64_t now, unsigned step, double *out, size_t n)
{
	/* Windows begin at multiples of the step, whenever one looks: a graph moves, but does not flicker. */
	int64_t end = step ? now / step : 0;

	for (size_t i = 0; i < n; i++) {
		int64_t from = (end - (int64_t)(n - 1 - i)) * (int64_t)step;

		out[i] = !h || !step || from < 0
		                 ? NAN
		                 : decode(window_max(h, m, from, from + (int64_t)step - 1, step));
	}
}
