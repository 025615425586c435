/* Looking at a tree of files that the engine shows: directories as lists, files in a text pane (binary ones
 * as a hex dump). The files view and the layers view have one each. */
#ifndef TARE_TUI_FILE_BROWSER_H
#define TARE_TUI_FILE_BROWSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/tare.h"
#include "tui/action.h"
#include "tui/cursor.h"
#include "tui/text_view.h"

struct app;
struct buf;

#define FILE_FILTER_MAX  64
#define FILE_PATH_MAX    4096
#define FILE_PREVIEW_MAX ((size_t)256 << 10)

enum file_order { FILES_BY_NAME, FILES_BY_SIZE, FILES_BY_TIME, FILES_N_ORDERS };

struct file_browser {
	struct app *app;
	enum tare_tree tree;
	char ref[160];
	char path[FILE_PATH_MAX]; /* absolute, "/" or without a slash at its end */
	struct tare_file_list list;
	uint32_t *rows; /* those of the list that are shown, in order */
	size_t n;
	enum file_order order;
	bool hide_dots;
	char filter[FILE_FILTER_MAX];
	struct cursor cursor;
	bool is_preview;
	struct text_block block;
	struct text_pane pane;
	char preview_name[256];
	struct err trouble; /* its msg empty: none */
};

void file_browser_init(struct file_browser *b, struct app *a);
void file_browser_free(struct file_browser *b);
/* Nothing to show (ref NULL), or the directory `path` of a tree. */
void file_browser_open(struct file_browser *b, enum tare_tree tree, const char *ref, const char *path);
/* The same directory again, in case it has changed. */
void file_browser_reload(struct file_browser *b);

/* VIEW_ bits. At the top, "up" and "back" are ignored. */
unsigned file_browser_act(struct file_browser *b, enum action a);
unsigned file_browser_mouse(struct file_browser *b, const struct mouse *m);
void file_browser_draw(struct file_browser *b, const struct canvas *c, bool focused);
void file_browser_status(const struct file_browser *b, char *dst, size_t size);
/* The path under the cursor, or what is selected of a file. */
bool file_browser_copy(const struct file_browser *b, struct buf *out);
/* Of what is under the cursor, or is read; false: there is nothing, or it was removed. dst holds
 * FILE_PATH_MAX bytes. */
bool file_browser_path(const struct file_browser *b, char *dst);
int file_browser_save(const struct file_browser *b, int fd, struct err *e);

/* Pure parts. */
int file_compare(const struct tare_file *a, const struct tare_file *b, enum file_order order);
/* "drwxr-xr-t"; dst holds 11 bytes. */
char *file_mode_text(unsigned mode, char *dst);
/* dir/name, or NULL in dst[0] == 0 when too long. ".." of a path: its directory. */
void file_path_join(char *dst, size_t size, const char *dir, const char *name);
void file_path_up(char *path);
bool file_is_binary(const char *data, size_t len);
/* "00000010  2f 62 …  |/b…|" lines. */
void file_hex_dump(struct buf *out, const char *data, size_t len);

#endif
