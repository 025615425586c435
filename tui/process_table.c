/* The processes of a container: see process_table.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/process_table.h"
#include "tui/text_lines.h"

/* ------------------------------------------------------------------ reading */

struct columns {
	int pid, ppid, user, share, time, command;
};

static int column(json *titles, const char *name)
{
	size_t n = json_object_is_type(titles, json_type_array) ? json_object_array_length(titles) : 0;

	for (size_t i = 0; i < n; i++) {
		const char *title = json_object_get_string(json_object_array_get_idx(titles, i));
		if (title && strcmp(title, name) == 0)
			return (int)i;
	}
	return -1;
}

static const char *field(json *row, int i)
{
	json *v = i >= 0 && (size_t)i < json_object_array_length(row)
	                  ? json_object_array_get_idx(row, (size_t)i)
	                  : NULL;

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

static uint64_t usage(json *all, size_t row, size_t i)
{
	json *of_row = json_object_is_type(all, json_type_array) ? json_object_array_get_idx(all, row) : NULL;
	json *v = json_object_is_type(of_row, json_type_array) ? json_object_array_get_idx(of_row, i) : NULL;

	return json_object_is_type(v, json_type_int) && json_object_get_int64(v) >= 0
	               ? (uint64_t)json_object_get_int64(v)
	               : UINT64_MAX;
}

static int by_pid(const void *a, const void *b)
{
	const struct process_row *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* The share since the table before, or that since the process began. */
static double share_of(
        const struct process_row *r, const struct process_table *before, int64_t at, const char *since_start)
{
	const struct process_row *was = NULL;
	char *end;

	if (r->cpu_ns != UINT64_MAX && before->n_all && at > before->at)
		was = bsearch(r, before->rows, before->n_all, sizeof *r, by_pid);
	if (was && was->cpu_ns != UINT64_MAX && was->cpu_ns <= r->cpu_ns)
		return 100.0 * (double)(r->cpu_ns - was->cpu_ns) / (double)(at - before->at);
	double v = strtod(since_start, &end);
	return end == since_start ? NAN : v;
}

static void read_rows(struct process_table *t, json *processes, json *use, const struct columns *c,
        const struct process_table *before)
{
	for (size_t i = 0; i < json_object_array_length(processes) && t->n < PROCESSES_MAX; i++) {
		json *row = json_object_array_get_idx(processes, i);
		if (!json_object_is_type(row, json_type_array))
			continue;
		struct process_row *r = &t->rows[t->n++];
		*r = (struct process_row){.pid = (pid_t)strtol(field(row, c->pid), NULL, 10),
		        .ppid = (pid_t)strtol(field(row, c->ppid), NULL, 10),
		        .user = field(row, c->user),
		        .command = field(row, c->command),
		        .time = field(row, c->time),
		        .cpu_ns = usage(use, i, 0),
		        .memory = usage(use, i, 1)};
		r->cpu = share_of(r, before, t->at, field(row, c->share));
	}
}

int process_table_set(struct process_table *t, json *document, int64_t at)
{
	json *titles = json_get(document, "Titles"), *processes = json_get(document, "Processes");
	struct process_table fresh = {.document = document, .at = at};
	const struct columns c = {column(titles, "PID"), column(titles, "PPID"), column(titles, "UID"),
	        column(titles, "C"), column(titles, "TIME"), column(titles, "CMD")};
	size_t n = json_object_is_type(processes, json_type_array) ? json_object_array_length(processes) : 0;

	fresh.rows = calloc((n < PROCESSES_MAX ? n : PROCESSES_MAX) + 1, sizeof *fresh.rows);
	if (!fresh.rows) {
		json_object_put(document);
		return -1;
	}
	if (t->n_all)
		qsort(t->rows, t->n_all, sizeof *t->rows, by_pid);
	if (n)
		read_rows(&fresh, processes, json_get(document, "Usage"), &c, t);
	fresh.n_all = fresh.n;
	process_table_free(t);
	*t = fresh;
	return 0;
}

void process_table_free(struct process_table *t)
{
	json_free(&t->document);
	free(t->rows);
	*t = (struct process_table){.n = 0};
}

/* ------------------------------------------------------------------ order */

static int by_parent(const void *a, const void *b)
{
	const struct process_row *x = a, *y = b;

	return x->ppid != y->ppid ? (x->ppid < y->ppid ? -1 : 1) : by_pid(a, b);
}

static int by_cpu(const void *a, const void *b)
{
	const struct process_row *x = a, *y = b;

	if (x->cpu > y->cpu || (isnan(y->cpu) && !isnan(x->cpu)))
		return -1;
	if (y->cpu > x->cpu || (isnan(x->cpu) && !isnan(y->cpu)))
		return 1;
	return by_pid(a, b);
}

/* The first of the rows, sorted by parent, whose parent is `ppid`. */
static size_t first_child(const struct process_row *rows, size_t n, pid_t ppid)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (rows[middle].ppid < ppid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct walk {
	struct process_row *from, *to; /* from: sorted by parent; to: in the order of the tree */
	size_t n, done;
	bool *seen;
};

/* Where a walk down the tree goes on: in `to`, the row whose children are next, or on the way back its
 * parent. */
static void walk_tree(struct walk *w, size_t root, size_t *stack)
{
	size_t depth = 0;

	stack[0] = root;
	for (;;) {
		size_t i = stack[depth];
		if (!w->seen[i]) {
			struct process_row *r = &w->to[w->done++];
			w->seen[i] = true;
			*r = w->from[i];
			r->depth = (uint8_t)(depth < PROCESS_DEPTH_MAX ? depth : PROCESS_DEPTH_MAX);
			r->last = i + 1 >= w->n || w->from[i + 1].ppid != r->ppid;
			for (size_t d = 1; d < r->depth; d++) {
				size_t up = stack[d];
				bool more = up + 1 < w->n && w->from[up + 1].ppid == w->from[up].ppid;
				r->bars |= (uint32_t)more << d;
			}
			size_t child = first_child(w->from, w->n, r->pid);
			if (child < w->n && w->from[child].ppid == r->pid && !w->seen[child]) {
				stack[++depth] = child;
				continue;
			}
		}
		/* the next of the same parent, or back up */
		while (depth > 0) {
			size_t next = stack[depth] + 1;
			if (next < w->n && w->from[next].ppid == w->from[stack[depth]].ppid &&
			        !w->seen[next]) {
				stack[depth] = next;
				break;
			}
			depth--;
		}
		if (depth == 0)
			return;
	}
}

static bool has_pid(const struct process_row *by_pid_rows, size_t n, pid_t pid)
{
	const struct process_row key = {.pid = pid};

	return bsearch(&key, by_pid_rows, n, sizeof key, by_pid) != NULL;
}

static void order_tree(struct process_table *t)
{
	struct process_row *sorted = malloc((t->n + 1) * sizeof *sorted);
	size_t *stack = malloc((t->n + 1) * sizeof *stack);
	struct walk w = {sorted, NULL, t->n, 0, calloc(t->n + 1, sizeof *w.seen)};

	qsort(t->rows, t->n, sizeof *t->rows, by_pid);
	w.to = malloc((t->n + 1) * sizeof *w.to);
	if (sorted && stack && w.seen && w.to) {
		memcpy(sorted, t->rows, t->n * sizeof *sorted);
		qsort(sorted, t->n, sizeof *sorted, by_parent);
		for (size_t i = 0; i < t->n; i++)
			if (!has_pid(t->rows, t->n, sorted[i].ppid) || sorted[i].ppid == sorted[i].pid)
				walk_tree(&w, i, stack);
		/* parents in a circle cannot be, but a table from outside can say anything */
		for (size_t i = 0; i < t->n; i++)
			if (!w.seen[i])
				walk_tree(&w, i, stack);
		memcpy(t->rows, w.to, t->n * sizeof *t->rows);
	}
	free(sorted);
	free(stack);
	free(w.seen);
	free(w.to);
}

static bool passes(const struct process_row *r, const char *filter)
{
	char pid[16];

	snprintf(pid, sizeof pid, "%d", (int)r->pid);
	return text_find(r->command, strlen(r->command), filter) ||
	       text_find(r->user, strlen(r->user), filter) || strcmp(pid, filter) == 0;
}

void process_table_order(struct process_table *t, enum process_order order, const char *filter)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_all; i++) {
		struct process_row r = t->rows[i];
		r.depth = 0;
		r.bars = 0;
		t->rows[i] = r;
		if (*filter && !passes(&r, filter))
			continue;
		t->rows[i] = t->rows[n];
		t->rows[n++] = r;
	}
	t->n = n;
	if (n == 0)
		return;
	if (order == PROCESSES_CPU || *filter)
		qsort(t->rows, t->n, sizeof *t->rows, order == PROCESSES_CPU ? by_cpu : by_pid);
	else
		order_tree(t);
}

size_t process_table_find(const struct process_table *t, pid_t pid)
{
	size_t i = 0;

	while (i < t->n && t->rows[i].pid != pid)
		i++;
	return i;
}

char *process_prefix(const struct process_row *r, bool ascii, char *dst)
{
	char *at = dst;

	*at = '\0';
	for (unsigned d = 1; d < r->depth; d++)
		at = stpcpy(at, r->bars >> d & 1 ? (ascii ? "| " : "│ ") : "  ");
	if (r->depth > 0)
		stpcpy(at, ascii ? (r->last ? "`-" : "|-") : (r->last ? "└─" : "├─"));
	return dst;
}
