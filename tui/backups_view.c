/* The backups of a volume: a list in a pane, read by a child; from here what changed between two is seen, and
 * the files of one, and the volume restored. What was opened takes the place of the list until one goes back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/backup.h"
#include "tui/change_lines.h"
#include "tui/figures.h"
#include "tui/job.h"
#include "tui/list_view.h"
#include "tui/views.h"
#include "tui/volume_actions.h"

#define LIST_MOST    ((size_t)2 << 20) /* bytes of a list of backups */
#define REPOSITORY_W 512

struct backups_view {
	struct list_view l;
	struct object object; /* the volume */
	char repository[REPOSITORY_W];
	struct backup_list list;
	struct ticket *ticket; /* of the child that reads, or NULL */
	bool is_known, is_visible;
	char trouble[256];
	/* what was opened */
	bool is_open;
	struct change_lines lines;
	char title[160];
	char *older, *newer; /* the ids of what is compared; of one's files both are that */
};

static const struct view_ops list_table, lines_table;

#define BACKUP(row) ((const struct backup *)(row))

/* ------------------------------------------------------------------ columns */

static void draw_time(const struct cell *at, const void *row)
{
	cell_text(at, BACKUP(row)->when, at->base);
}

static int compare_time(const void *a, const void *b)
{
	int64_t x = BACKUP(a)->time, y = BACKUP(b)->time;

	return x < y ? -1 : x > y ? 1 : 0;
}

/* The youngest first, which is the newest. */
static int compare_age(const void *a, const void *b)
{
	return compare_time(b, a);
}

static void draw_age(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];

	cell_right(
	        at, figure_age(app_now(at->list->v.app) - BACKUP(row)->time, text), cell_style(at, UI_MUTED));
}

static void draw_size(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];

	cell_right(at, figure_bytes(BACKUP(row)->bytes, text), at->base);
}

static int compare_size(const void *a, const void *b)
{
	return compare_numbers(BACKUP(a)->bytes, BACKUP(b)->bytes);
}

static void draw_added(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];

	cell_right(at, figure_bytes(BACKUP(row)->added, text), cell_style(at, UI_ADDED));
}

static int compare_added(const void *a, const void *b)
{
	return compare_numbers(BACKUP(a)->added, BACKUP(b)->added);
}

static void draw_stored(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];

	cell_right(at, figure_bytes(BACKUP(row)->stored, text), cell_style(at, UI_MUTED));
}

static int compare_stored(const void *a, const void *b)
{
	return compare_numbers(BACKUP(a)->stored, BACKUP(b)->stored);
}

static void draw_files(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];

	cell_right(at, figure_count(BACKUP(row)->files, text), at->base);
}

static int compare_files(const void *a, const void *b)
{
	return compare_numbers(BACKUP(a)->files, BACKUP(b)->files);
}

static const char *id_of(const void *row)
{
	return BACKUP(row)->id;
}

static void draw_id(const struct cell *at, const void *row)
{
	cell_text(at, id_of(row), cell_style(at, UI_MUTED));
}

static const char *host_of(const void *row)
{
	return BACKUP(row)->host;
}

static void draw_host(const struct cell *at, const void *row)
{
	cell_text(at, host_of(row), cell_style(at, UI_MUTED));
}

static int compare_host(const void *a, const void *b)
{
	return compare_texts(host_of(a), host_of(b));
}

/* clang-format off */
#define FIGURE (COLUMN_RIGHT | COLUMN_DESCENDING)
static const struct column columns[] = {
        {"time", "WHEN", "When it was begun", 19, 19, 0, 9, COLUMN_DESCENDING, NULL, draw_time, compare_time},
        {"age", "AGE", "How old it is", 4, 4, 3, 9, COLUMN_RIGHT, NULL, draw_age, compare_age},
        {"size", "SIZE", "Bytes of the files in it", 5, 5, 0, 9, FIGURE, NULL, draw_size, compare_size},
        {"new", "NEW", "Bytes that were not in the backup before", 5, 5, 1, 9, FIGURE, NULL, draw_added, compare_added},
        {"files", "FILES", "How many files are in it", 5, 5, 2, 9, FIGURE, NULL, draw_files, compare_files},
        {"stored", "STORED", "Bytes that the repository grew by", 6, 6, 5, 9, FIGURE, NULL, draw_stored, compare_stored},
        {"id", "ID", "What it is called in the repository", 6, 16, 4, 9, 0, id_of, draw_id, NULL},
        {"host", "HOST", "The machine it was made on", 6, 20, 6, 9, COLUMN_HIDDEN, host_of, draw_host, compare_host},
};
/* clang-format on */

/* ------------------------------------------------------------------ rows */

static void collect(struct list_view *l)
{
	struct backups_view *v = (struct backups_view *)l;

	for (size_t i = 0; i < v->list.n; i++)
		list_add(l, &v->list.rows[i]);
}

enum { KEY_ID, KEY_HOST };
static const char *const filter_keys[] = {"id", "host", NULL};

static bool has(const void *row, int property, const char *value)
{
	return filter_contains(property == KEY_ID ? id_of(row) : host_of(row), value);
}

static void describe(struct list_view *l, const void *row, struct filter_row *out)
{
	(void)l;
	*out = (struct filter_row){
	        .texts = {id_of(row), BACKUP(row)->when, host_of(row)}, .has = has, .row = row};
}

static bool exists(struct list_view *l, const char *id)
{
	return backup_find(&((struct backups_view *)l)->list, id) != NULL;
}

static void object(struct list_view *l, const void *row, struct object *o)
{
	(void)row;
	*o = ((struct backups_view *)l)->object;
}

static void say_empty(struct list_view *l, const struct canvas *c)
{
	struct backups_view *v = (struct backups_view *)l;
	char key[64], first[200], second[200];

	if (v->object.kind != OBJECT_VOLUME)
		return;
	if (!*v->repository) {
		snprintf(second, sizeof second, "%s says where it is, or will be",
		        list_key(l, ACTION_BACKUP_WHERE, key));
		list_say(l, c,
		        (const char *const[]){"No backups yet",
		                "A repository is a directory that keeps many backups, and what is the same "
		                "only once.",
		                second, NULL});
		return;
	}
	if (!v->is_known && !*v->trouble) {
		list_say(l, c, (const char *const[]){"Reading the list of backups …", NULL});
		return;
	}
	/* what was said is for those who type commands; here a key leads there */
	if (strstr(v->trouble, "--key-file")) {
		snprintf(first, sizeof first, "%.150s is encrypted", v->repository);
		snprintf(second, sizeof second, "%s says which key file opens it",
		        list_key(l, ACTION_BACKUP_WHERE, key));
		list_say(l, c, (const char *const[]){first, second, NULL});
		return;
	}
	snprintf(first, sizeof first, "No backups of it in %.150s", v->repository);
	if (strstr(v->trouble, "key"))
		snprintf(second, sizeof second, "%s says which key file opens it",
		        list_key(l, ACTION_BACKUP_WHERE, key));
	else
		snprintf(second, sizeof second, "%s makes one", list_key(l, ACTION_BACKUP_MAKE, key));
	list_say(l, c,
	        *v->trouble ? (const char *const[]){"The backups cannot be listed", v->trouble, second, NULL}
	                    : (const char *const[]){first, second, NULL});
}

/* ------------------------------------------------------------------ reading */

/* Goes with the child; the view may be gone before it. */
struct ticket {
	struct backups_view *owner;
	bool is_files;
	char title[160];
	char *older, *newer;
};

static void ticket_free(struct ticket *t)
{
	if (!t)
		return;
	free(t->older);
	free(t->newer);
	free(t);
}

static void drop_ticket(struct backups_view *v)
{
	if (v->ticket)
		v->ticket->owner = NULL;
	v->ticket = NULL;
}

static void close_lines(struct backups_view *v)
{
	struct change_list empty = {0};

	v->is_open = false;
	v->l.v.ops = &list_table;
	change_lines_set(&v->lines, &empty, false);
}

static void take_list(struct backups_view *v, const struct job *j)
{
	struct backup_list list = {0};
	struct err e = ERR_INIT;
	const char *text = j->output ? j->output : "";

	*v->trouble = '\0';
	if (j->state != JOB_OK)
		snprintf(v->trouble, sizeof v->trouble, "%s", j->error ? j->error : "cancelled");
	else if (backup_list_parse(text, strlen(text), &list, &e) < 0)
		snprintf(v->trouble, sizeof v->trouble, "%.255s", e.msg);
	backup_list_free(&v->list);
	v->list = list;
	v->is_known = !*v->trouble;
	list_stale(&v->l);
}

static void take_files(struct backups_view *v, const struct job *j, struct ticket *t)
{
	struct change_list list = {0};
	struct err e = ERR_INIT;
	const char *text = j->output ? j->output : "";

	if (j->state == JOB_CANCELLED)
		return;
	if (j->state != JOB_OK || change_list_parse(text, strlen(text), &list, &e) < 0) {
		app_toast(v->l.v.app, TOAST_ERROR, "%s failed: %.200s", j->title,
		        j->state != JOB_OK ? (j->error ? j->error : "") : e.msg);
		return;
	}
	change_lines_set(&v->lines, &list, false);
	snprintf(v->title, sizeof v->title, "%s", t->title);
	free(v->older);
	free(v->newer);
	v->older = steal_ptr(&t->older);
	v->newer = steal_ptr(&t->newer);
	v->is_open = true;
	v->l.v.ops = &lines_table;
}

static void has_read(struct app *a, const struct job *j, void *arg)
{
	struct ticket *t = arg;
	struct backups_view *v = t->owner;

	if (v) {
		v->ticket = NULL;
		if (t->is_files)
			take_files(v, j, t);
		else
			take_list(v, j);
		app_redraw(a);
	}
	ticket_free(t);
}

/* `tare --json volume backups … DIR [ID [ID]]`. */
static void read_with(struct backups_view *v, const char *from, const char *to, const char *title)
{
	struct app *a = v->l.v.app;
	cleanup_strv char **args =
	        backup_words(v->repository, backup_key_file(a, v->repository), v->object.id, from, to);
	cleanup_free char *said =
	        str_printf("%s in %s", from ? "read backups" : "list the backups", v->repository);
	struct ticket *t = calloc(1, sizeof *t);
	struct err e = ERR_INIT;

	drop_ticket(v);
	if (!t || !said)
		err_no_memory(&e);
	else
		*t = (struct ticket){.owner = v,
		        .is_files = from != NULL,
		        .older = from ? strdup(from) : NULL,
		        .newer = from ? strdup(to ? to : from) : NULL};
	if (t && title)
		snprintf(t->title, sizeof t->title, "%s", title);
	if (!t || !said ||
	        !job_start_reading(
	                app_jobs(a), args, from ? JOB_READING_MAX : LIST_MOST, said, has_read, t, &e)) {
		snprintf(v->trouble, sizeof v->trouble, "%.255s", e.msg);
		ticket_free(t);
		return;
	}
	v->ticket = t;
}

static void read_list(struct backups_view *v)
{
	if (v->object.kind != OBJECT_VOLUME)
		return;
	snprintf(v->repository, sizeof v->repository, "%s", backup_repository(v->l.v.app, v->object.id));
	if (*v->repository && v->is_visible)
		read_with(v, NULL, NULL, NULL);
}

/* ------------------------------------------------------------------ which ones */

static const struct backup *selected(struct backups_view *v)
{
	const struct list_row *r = list_selected(&v->l);

	return r ? r->row : NULL;
}

static bool is_marked(const struct backups_view *v, const struct backup *b)
{
	return marks_has(&v->l.marks, b->id);
}

/* The marked ones, newest first, else the selected one; the caller's to free. */
static const struct backup **chosen(struct backups_view *v, size_t *n)
{
	const struct backup **out = calloc(v->list.n + 1, sizeof(const struct backup *)), *b;

	*n = 0;
	for (size_t i = 0; out && i < v->list.n; i++)
		if (is_marked(v, &v->list.rows[i]))
			out[(*n)++] = &v->list.rows[i];
	b = selected(v);
	if (out && !*n && b)
		out[(*n)++] = b;
	return out;
}

static void show_changes(struct backups_view *v)
{
	size_t n;
	cleanup_free const struct backup **some = chosen(v, &n);
	const struct backup *from = NULL, *to = NULL;
	char title[160];

	if (!some || !n)
		return;
	if (n > 2) {
		app_toast(v->l.v.app, TOAST_INFO, "%zu are marked; mark the two that are to be compared", n);
		return;
	}
	to = n == 2 ? some[0] : &v->list.rows[0];
	from = some[n - 1];
	if (from == to) /* the newest: with the one before */
		from = v->list.n > 1 ? &v->list.rows[1] : NULL;
	if (!from) {
		app_toast(v->l.v.app, TOAST_INFO, "there is only this one; f shows its files");
		return;
	}
	snprintf(title, sizeof title, "From %s to %s%s", from->when, to->when,
	        to == &v->list.rows[0] ? ", the newest" : "");
	read_with(v, from->id, to->id, title);
}

static void show_files(struct backups_view *v)
{
	const struct backup *b = selected(v);
	char title[160];

	if (!b)
		return;
	snprintf(title, sizeof title, "Files of the backup of %s", b->when);
	read_with(v, b->id, NULL, title);
}

/* ------------------------------------------------------------------ the view */

static void show(struct view *view, const struct object *o)
{
	struct backups_view *v = (struct backups_view *)view;
	static const struct object none = {.kind = OBJECT_NONE};

	if (object_equal(o ? o : &none, &v->object))
		return;
	v->object = o ? *o : none;
	drop_ticket(v);
	close_lines(v);
	backup_list_free(&v->list);
	*v->trouble = *v->repository = '\0';
	v->is_known = false;
	v->l.selected = v->l.top = 0;
	*v->l.key = '\0';
	marks_clear(&v->l.marks);
	line_edit_set(&v->l.line, "");
	list_filter(&v->l, "");
	list_stale(&v->l);
	read_list(v);
}

static void visible(struct view *view, bool on)
{
	struct backups_view *v = (struct backups_view *)view;

	v->is_visible = on;
	list_visible(view, on);
	if (on && !v->ticket)
		read_list(v);
}

static bool changed(struct view *view, unsigned what)
{
	if (what & MODEL_FILES)
		read_list((struct backups_view *)view);
	return list_changed(view, what);
}

static unsigned act(struct view *view, enum action a)
{
	struct backups_view *v = (struct backups_view *)view;
	struct app *app = view->app;
	const struct backup *b = selected(v);
	size_t n;

	switch ((int)a) {
	case ACTION_BACKUP_CHANGES:
		show_changes(v);
		return VIEW_DONE;
	case ACTION_BACKUP_FILES:
		show_files(v);
		return VIEW_DONE;
	case ACTION_BACKUP_MAKE:
		volume_back_up(app, v->object.id);
		return VIEW_DONE;
	case ACTION_BACKUP_RESTORE:
		volume_restore(app, v->object.id, v->repository, b, NULL);
		return VIEW_DONE;
	case ACTION_BACKUP_VERIFY:
		if (b)
			backup_verify(app, v->repository, b);
		return VIEW_DONE;
	case ACTION_BACKUP_FORGET: {
		cleanup_free const struct backup **some = chosen(v, &n);
		backups_forget(app, v->repository, some, some ? n : 0);
		return VIEW_DONE;
	}
	case ACTION_BACKUP_WHERE:
		backup_ask_where(app, v->object.id);
		return VIEW_DONE;
	case ACTION_REPOSITORY_VERIFY:
		verify_repository(app, v->repository);
		return VIEW_DONE;
	case ACTION_REPOSITORY_PRUNE:
		prune_repository(app, v->repository);
		return VIEW_DONE;
	case ACTION_BACKUP_READ:
		read_list(v);
		return VIEW_DONE;
	default:
		return list_act(view, a);
	}
}

static void status(struct view *view, char *dst, size_t size)
{
	struct backups_view *v = (struct backups_view *)view;

	if (v->l.marks.n)
		list_status(view, dst, size);
	else
		snprintf(dst, size, "%s", v->repository);
}

static void backups_free(struct view *view)
{
	struct backups_view *v = (struct backups_view *)view;

	drop_ticket(v);
	change_lines_free(&v->lines);
	free(v->older);
	free(v->newer);
	list_end(&v->l);
	backup_list_free(&v->list);
	free(v);
}

/* ------------------------------------------------------------------ what was opened */

/* The title, and of changes what the letters stand for. */
static int heading_lines(const struct backups_view *v)
{
	return v->lines.list.n && v->lines.list.rows[0].kind != ' ' ? 2 : 1;
}

static void lines_draw(struct view *view, const struct canvas *c, bool focused)
{
	struct backups_view *v = (struct backups_view *)view;
	struct rect rest = {0, 0, c->r.h, c->r.w};
	struct canvas body;

	canvas_cell(c, 0, 1, c->r.w - 1, v->title, app_style(view->app, UI_TITLE));
	change_lines_legend(&v->lines, c, 1);
	rect_cut_top(&rest, heading_lines(v));
	body = canvas_part(c, rest);
	if (v->lines.list.n)
		change_lines_draw(&v->lines, &body, focused);
	else
		canvas_str(&body, 0, 1, body.r.w - 2, "Nothing: they are the same.",
		        app_style(view->app, UI_MUTED));
}

/* What the cursor is on, from the backup that is shown; of two from the older, whose state is lost, but what
 * came since is only in the newer. */
static void restore_this(struct backups_view *v)
{
	const struct change_lines *l = &v->lines;
	const struct change *c = l->pane.cursor < l->n ? &l->list.rows[l->rows[l->pane.cursor]] : NULL;
	const char *id = c && c->kind == 'A' ? v->newer : v->older;
	const struct backup *b = c && id ? backup_find(&v->list, id) : NULL;

	if (b)
		volume_restore(v->l.v.app, v->object.id, v->repository, b, c->path);
	else
		app_toast(
		        v->l.v.app, TOAST_INFO, c ? "that backup is not there any more" : "nothing is here");
}

static unsigned lines_act(struct view *view, enum action a)
{
	struct backups_view *v = (struct backups_view *)view;
	unsigned result;

	if (a == ACTION_CHANGES_RESTORE) {
		restore_this(v);
		return VIEW_DONE;
	}
	result = change_lines_act(&v->lines, a);

	if (result != VIEW_IGNORED)
		return result;
	switch ((int)a) {
	case ACTION_CHANGES_CLOSE:
	case ACTION_BACK:
	case ACTION_LEAVE:
		close_lines(v);
		return VIEW_DONE;
	default:
		return VIEW_IGNORED;
	}
}

static unsigned lines_mouse(struct view *view, const struct mouse *m)
{
	struct mouse inside = *m;

	inside.y -= heading_lines((struct backups_view *)view);
	return text_pane_mouse(&((struct backups_view *)view)->lines.pane, &inside);
}

static void lines_status(struct view *view, char *dst, size_t size)
{
	change_lines_status(&((struct backups_view *)view)->lines, dst, size);
}

static bool lines_copy(struct view *view, struct buf *out)
{
	return change_lines_copy(&((struct backups_view *)view)->lines, out);
}

static int lines_save(struct view *view, int fd, struct err *e)
{
	return text_pane_save(&((struct backups_view *)view)->lines.pane, fd, e);
}

static bool lines_changed(struct view *view, unsigned what)
{
	(void)view;
	(void)what;
	return false;
}

static const struct view_ops lines_table = {
        .title = "Backups",
        .context = CONTEXT_COMPARISON,
        .draw = lines_draw,
        .act = lines_act,
        .mouse = lines_mouse,
        .show = show,
        .changed = lines_changed,
        .visible = visible,
        .status = lines_status,
        .copy = lines_copy,
        .save = lines_save,
        .free = backups_free,
};

static const struct view_ops list_table = {
        .title = "Backups",
        .context = CONTEXT_BACKUPS,
        .draw = list_draw,
        .key = list_keys,
        .typing = list_typing,
        .paste = list_paste,
        .mouse = list_mouse,
        .status = status,
        .copy = list_copy,
        .selected = list_selected_object,
        .act = act,
        .show = show,
        .changed = changed,
        .visible = visible,
        .free = backups_free,
};

static const struct list_ops ops = {
        .name = "backups",
        .kind = OBJECT_VOLUME,
        .columns = columns,
        .n_columns = sizeof columns / sizeof *columns,
        .sort = "time desc",
        .filter_keys = filter_keys,
        .rows_from = MODEL_FILES,
        .collect = collect,
        .id = id_of,
        .compare = compare_age,
        .describe = describe,
        .exists = exists,
        .object = object,
        .empty = say_empty,
};

struct view *backups_view_new(struct app *a)
{
	struct backups_view *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	list_init(&v->l, a, &list_table, &ops);
	change_lines_init(&v->lines, a);
	return &v->l.v;
}
