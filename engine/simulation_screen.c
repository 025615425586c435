/* Programs of the pretend shell that fill the screen, to try panes with: Conway's life, and a chart of
 * colours. */
#include "engine/simulation_shell.h"

#include <stdlib.h>
#include <string.h>

#define LIFE_MS 150

struct life {
	unsigned rows, cols;
	unsigned char *cells, *next;
};

static unsigned neighbours(const struct life *l, unsigned y, unsigned x)
{
	unsigned n = 0;

	for (unsigned dy = l->rows - 1; dy <= l->rows + 1; dy++)
		for (unsigned dx = l->cols - 1; dx <= l->cols + 1; dx++)
			n += l->cells[(y + dy) % l->rows * l->cols + (x + dx) % l->cols];
	return n - l->cells[y * l->cols + x];
}

static void life_step(struct life *l)
{
	unsigned char *swap = l->cells;

	for (unsigned y = 0; y < l->rows; y++)
		for (unsigned x = 0; x < l->cols; x++) {
			unsigned n = neighbours(l, y, x);

			l->next[y * l->cols + x] = n == 3 || (n == 2 && l->cells[y * l->cols + x]);
		}
	l->cells = l->next;
	l->next = swap;
}

static void life_draw(struct sim_shell *sh, const struct life *l, unsigned generation)
{
	sim_say(sh->t, "\033[H");
	for (unsigned y = 0; y < l->rows; y++) {
		for (unsigned x = 0; x < l->cols; x++)
			sim_say(sh->t, l->cells[y * l->cols + x] ? "\033[3%um#" : " ", 1 + (x + y) / 8 % 6);
		sim_say(sh->t, "\033[0m\n");
	}
	sim_say(sh->t, "\033[7m life, generation %u; q ends it \033[0m\033[K", generation);
}

static bool life_begin(struct sim_shell *sh, struct life *l)
{
	sim_terminal_size(sh->t);
	l->rows = sh->t->rows > 2 ? sh->t->rows - 1 : 2;
	l->cols = sh->t->cols > 2 ? sh->t->cols : 2;
	free(l->cells);
	free(l->next);
	l->cells = calloc(l->rows, l->cols);
	l->next = calloc(l->rows, l->cols);
	for (size_t i = 0; l->cells && i < (size_t)l->rows * l->cols; i++)
		l->cells[i] = sim_unit(sh->c->seed, i) < 0.3;
	return l->cells && l->next;
}

int sim_run_life(struct sim_shell *sh, char *const *args)
{
	struct life l = {0};

	(void)args;
	if (!sh->t->io) {
		sh->seconds = INT64_MAX;
		return 0;
	}
	sim_say(sh->t, "\033[?1049h\033[?25l\033[2J");
	for (unsigned generation = 0;; generation++) {
		unsigned rows = sh->t->rows, cols = sh->t->cols;
		int c;

		sim_terminal_size(sh->t);
		if ((!l.cells || rows != sh->t->rows || cols != sh->t->cols) && !life_begin(sh, &l))
			break;
		life_draw(sh, &l, generation);
		life_step(&l);
		c = sim_key(sh->t, LIFE_MS);
		if (c == 'q' || c == 3 || c == SIM_KEY_END || (!sh->t->raw && generation > 20))
			break;
	}
	sim_say(sh->t, "\033[0m\033[?25h\033[?1049l");
	free(l.cells);
	free(l.next);
	return 0;
}

int sim_run_colors(struct sim_shell *sh, char *const *args)
{
	(void)args;
	for (unsigned i = 0; i < 16; i++)
		sim_say(sh->t, "\033[48;5;%um  %2u  \033[0m%s", i, i, i % 8 == 7 ? "\n" : "");
	for (unsigned i = 0; i < 216; i++)
		sim_say(sh->t, "\033[48;5;%um  \033[0m%s", 16 + i, i % 36 == 35 ? "\n" : "");
	for (unsigned i = 0; i < 72; i++)
		sim_say(sh->t, "\033[48;2;%u;%u;%um \033[0m", 255 - i * 3, i * 3, 120 + i);
	sim_say(sh->t, "\n\033[1mbold\033[0m \033[2mdim\033[0m \033[3mitalic\033[0m \033[4munderline\033[0m "
	               "\033[7mreverse\033[0m \033[9mstruck\033[0m 日本語 éü ✓ ▁▂▃▄▅▆▇█\n");
	return 0;
}
