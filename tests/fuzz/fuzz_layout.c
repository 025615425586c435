/* The layout at any size, and remembered splits of any text: everything fits, nothing is lost, and what is
 * printed is read back as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/layout.h"
#include "tui/panes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct rect r, int rows, int cols)
{
	if (r.y < 0 || r.x < 0 || r.h < 0 || r.w < 0 || r.y + r.h > rows || r.x + r.w > cols)
		abort();
}

static void try_layout(const uint8_t *data, size_t size)
{
	int16_t n[3];

	if (size < sizeof n + 1)
		return;
	memcpy(n, data, sizeof n);
	struct layout_request r = {.rows = n[0],
	        .cols = n[1],
	        .list_percent = n[2],
	        .banner = data[6] & 1,
	        .on_detail = data[6] & 2,
	        .zoomed = data[6] & 4};
	struct layout l = layout_compute(&r);
	if (l.too_small)
		return;
	const struct rect all[] = {l.top, l.banner, l.list, l.divider, l.detail, l.hints};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		check(all[i], r.rows, r.cols);
}

static void try_panes(const uint8_t *data, size_t size)
{
	struct panes p;
	cleanup_buf struct buf first = BUF_INIT, second = BUF_INIT;
	char *text = malloc(size + 1);

	if (!text || panes_init(&p, NULL) != 0)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	panes_parse(&p, text);
	panes_print(&p, &first);
	if (p.n < 1 || p.n > PANES_MAX)
		abort();
	panes_parse(&p, buf_str(&first));
	panes_print(&p, &second);
	if (strcmp(buf_str(&first), buf_str(&second)) != 0)
		abort();
	panes_free(&p);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_layout(data, size);
	try_panes(data, size);
	return 0;
}
