/* Noise that is known for any moment without adding up what came before: hashes of (seed, number of the
 * period), joined. So a counter that ran for days costs as much as one that just began. */
#include "engine/simulation.h"

#include <string.h>

/* The last step of splitmix64: every bit of x moves every bit of the result. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

uint64_t sim_hash(uint64_t seed, uint64_t n)
{
	return mix(seed ^ mix(n));
}

/* FNV-1a, then mixed. */
uint64_t sim_hash_text(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return mix(h);
}

double sim_unit(uint64_t seed, uint64_t n)
{
	return (double)(sim_hash(seed, n) >> 11) * 0x1p-53;
}

/* The number of the period and how much of it has passed. */
static double split(double seconds, double period, int64_t *n)
{
	double x = seconds / period;

	*n = (int64_t)x;
	if ((double)*n > x)
		--*n;
	return x - (double)*n;
}

double sim_wave(uint64_t seed, double seconds, double period)
{
	int64_t n;
	double f = split(seconds, period, &n);
	double a = sim_unit(seed, (uint64_t)n), b = sim_unit(seed, (uint64_t)(n + 1));

	return a + (b - a) * f * f * (3 - 2 * f);
}

double sim_flow(uint64_t seed, double seconds, double period, double ramp)
{
	int64_t n;
	double f = split(seconds, period, &n);
	double a = sim_unit(seed, (uint64_t)n), b = sim_unit(seed, (uint64_t)(n + 1));

	if (ramp < 1) {
		f = (f - sim_unit(~seed, (uint64_t)n) * (1 - ramp)) / ramp;
		f = f < 0 ? 0 : f > 1 ? 1 : f;
	}
	/* Rounded in one way at both sides of a border, so that it never goes back. */
	return period * (f >= 1 ? (double)(n + 1) + b : (double)n + a + (1 + b - a) * f);
}

void sim_hex(uint64_t seed, char *dst, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++)
		dst[i] = digits[(sim_hash(seed, i / 16) >> (i % 16 * 4)) & 15];
	dst[n] = '\0';
}
