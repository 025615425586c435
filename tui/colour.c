/* Nearest colours by the "redmean" distance: weights follow how eyes see red and blue, without a colour
 * space. */
#include "tui/colour.h"

#define CUBE_START 16
#define GREY_START 232
#define N_GREYS    24
#define MIN_SPREAD 40  /* of its parts: below that a colour looks grey */
#define BRIGHT     216 /* a part that is larger than those of the eight dark colours */

static const int cube_levels[6] = {0, 95, 135, 175, 215, 255};
static const uint32_t basic[16] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd,
        0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};

static int red(uint32_t rgb)
{
	return (int)(rgb >> 16 & 0xff);
}

static int green(uint32_t rgb)
{
	return (int)(rgb >> 8 & 0xff);
}

static int blue(uint32_t rgb)
{
	return (int)(rgb & 0xff);
}

static int distance(uint32_t a, uint32_t b)
{
	int mean = (red(a) + red(b)) / 2;
	int r = red(a) - red(b), g = green(a) - green(b), bl = blue(a) - blue(b);

	return ((512 + mean) * r * r >> 8) + 4 * g * g + ((767 - mean) * bl * bl >> 8);
}

static int nearest_level(int v)
{
	return v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40;
}

uint32_t colour_of_256(int i)
{
	uint32_t grey;

	if (i < CUBE_START)
		return basic[i];
	if (i < GREY_START) {
		i -= CUBE_START;
		return (uint32_t)cube_levels[i / 36] << 16 | (uint32_t)cube_levels[i / 6 % 6] << 8 |
		       (uint32_t)cube_levels[i % 6];
	}
	grey = 8 + 10 * (uint32_t)(i - GREY_START);
	return grey << 16 | grey << 8 | grey;
}

int colour_nearest_256(uint32_t rgb)
{
	int cube = CUBE_START + 36 * nearest_level(red(rgb)) + 6 * nearest_level(green(rgb)) +
	           nearest_level(blue(rgb));
	int mean = (red(rgb) + green(rgb) + blue(rgb)) / 3;
	int step = mean < 8 ? 0 : (mean - 3) / 10;
	int grey = GREY_START + (step < N_GREYS ? step : N_GREYS - 1);

	return distance(colour_of_256(grey), rgb) < distance(colour_of_256(cube), rgb) ? grey : cube;
}

static void bounds(uint32_t rgb, int *min, int *max)
{
	*min = *max = red(rgb);
	*max = green(rgb) > *max ? green(rgb) : *max;
	*max = blue(rgb) > *max ? blue(rgb) : *max;
	*min = green(rgb) < *min ? green(rgb) : *min;
	*min = blue(rgb) < *min ? blue(rgb) : *min;
}

static int nearest_grey(uint32_t rgb)
{
	static const int greys[] = {0, 8, 7, 15};
	int best = 0;

	for (int i = 1; i < 4; i++)
		if (distance(basic[greys[i]], rgb) < distance(basic[greys[best]], rgb))
			best = i;
	return greys[best];
}

/* By hue, since that is what a colour says: a pale red is red, while its nearest neighbour would be a
 * magenta. */
int colour_nearest_16(uint32_t rgb)
{
	int min, max, middle, hue;

	for (int i = 0; i < 16; i++)
		if (basic[i] == rgb)
			return i;
	bounds(rgb, &min, &max);
	if (max - min < MIN_SPREAD)
		return nearest_grey(rgb);
	middle = (max + min) / 2;
	hue = (red(rgb) > middle ? 1 : 0) | (green(rgb) > middle ? 2 : 0) | (blue(rgb) > middle ? 4 : 0);
	return hue + (max >= BRIGHT ? 8 : 0);
}

int colour_number(colour c, enum colour_depth depth)
{
	uint32_t value = c & 0xffffff;

	if (depth == DEPTH_MONO || (COLOUR_TAG(c) != 1 && COLOUR_TAG(c) != 2))
		return -1;
	if (COLOUR_TAG(c) == 1)
		return depth == DEPTH_16 && value >= 16
		               ? colour_nearest_16(colour_of_256((int)(value & 0xff)))
		               : (int)(value & 0xff);
	if (depth == DEPTH_TRUE)
		return 256 + (int)value;
	return depth == DEPTH_256 ? colour_nearest_256(value) : colour_nearest_16(value);
}
