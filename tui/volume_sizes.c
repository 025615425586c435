/* Sizes of volumes. */
#include "tui/volume_sizes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tui/app.h"
#include "tui/loop.h"
#include "tui/worker.h"

#define FRESH_NS (60 * 1000000000ll)

struct size_of {
	char *name;
	uint64_t bytes;
};

/* Filled by the worker from the first to the last; `done` of them may be read by others. */
struct task {
	struct work w;
	struct volume_sizes *owner; /* NULL: nobody waits any longer */
	struct workers *workers;
	struct tare_engine *engine;
	struct size_of *sizes; /* sorted by name */
	size_t n;
	atomic_size_t done;
};

struct volume_sizes {
	struct app *app;
	void (*news)(void *arg);
	void *arg;
	struct task *task;     /* under way */
	struct size_of *sizes; /* of the one before */
	size_t n;
	int64_t asked;  /* CLOCK_MONOTONIC, 0: never */
	size_t n_asked; /* volumes then */
};

static void sizes_free(struct size_of *sizes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(sizes[i].name);
	free(sizes);
}

static void task_free(struct task *t)
{
	sizes_free(t->sizes, t->n);
	t->engine->close(t->engine);
	free(t);
}

static void work(struct work *w)
{
	struct task *t = (struct task *)w;

	for (size_t i = 0; i < t->n && !w->cancel; i++) {
		if (t->engine->volume_size(t->engine, t->sizes[i].name, &t->sizes[i].bytes, NULL) != 0)
			t->sizes[i].bytes = VOLUME_SIZE_UNKNOWN;
		atomic_store(&t->done, i + 1);
		work_notify(t->workers, w);
	}
}

static void news(struct work *w)
{
	struct task *t = (struct task *)w;

	if (t->owner)
		t->owner->news(t->owner->arg);
}

static void done(struct work *w)
{
	struct task *t = (struct task *)w;
	struct volume_sizes *s = t->owner;

	if (s) {
		sizes_free(s->sizes, s->n);
		s->sizes = t->sizes;
		s->n = t->n;
		s->task = NULL;
		t->sizes = NULL;
		t->n = 0;
		s->news(s->arg);
	}
	task_free(t);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct size_of *)a)->name, ((const struct size_of *)b)->name);
}

static uint64_t look_up(const struct size_of *sizes, size_t n, const char *name)
{
	struct size_of key = {.name = (char *)(uintptr_t)name};
	const struct size_of *found = n ? bsearch(&key, sizes, n, sizeof *sizes, by_name) : NULL;

	return found ? found->bytes : VOLUME_SIZE_UNKNOWN;
}

uint64_t volume_sizes_of(const struct volume_sizes *s, const char *name)
{
	uint64_t bytes = VOLUME_SIZE_UNKNOWN;

	if (s->task)
		bytes = look_up(s->task->sizes, atomic_load(&s->task->done), name);
	return bytes != VOLUME_SIZE_UNKNOWN ? bytes : look_up(s->sizes, s->n, name);
}

static struct task *task_new(struct volume_sizes *s)
{
	const struct tare_volume_list *volumes = model_volumes(app_model(s->app));
	struct task *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->engine = app_open_engine(s->app, NULL);
	t->sizes = calloc(volumes->n, sizeof *t->sizes);
	if (!t->engine || !t->sizes) {
		if (t->engine)
			t->engine->close(t->engine);
		free(t->sizes);
		free(t);
		return NULL;
	}
	for (size_t i = 0; i < volumes->n; i++) {
		t->sizes[t->n].name = strdup(volumes->rows[i].name);
		t->n += t->sizes[t->n].name != NULL;
	}
	qsort(t->sizes, t->n, sizeof *t->sizes, by_name);
	t->owner = s;
	t->workers = app_workers(s->app);
	t->w.work = work;
	t->w.done = done;
	t->w.news = news;
	return t;
}

void volume_sizes_ask(struct volume_sizes *s)
{
	size_t n = model_volumes(app_model(s->app))->n;
	int64_t now = now_monotonic();
	struct task *t;

	if (s->task || (s->asked && now - s->asked < FRESH_NS && n == s->n_asked) || !n ||
	        !app_engine(s->app)->volume_size)
		return;
	s->asked = now;
	s->n_asked = n;
	t = task_new(s);
	if (!t)
		return;
	if (workers_add(t->workers, &t->w, NULL) != 0)
		task_free(t);
	else
		s->task = t;
}

void volume_sizes_forget(struct volume_sizes *s)
{
	s->asked = 0;
}

struct volume_sizes *volume_sizes_new(struct app *a, void (*fn)(void *arg), void *arg)
{
	struct volume_sizes *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->app = a;
	s->news = fn;
	s->arg = arg;
	return s;
}

void volume_sizes_free(struct volume_sizes *s)
{
	if (!s)
		return;
	if (s->task) {
		s->task->owner = NULL;
		s->task->w.cancel = true;
	}
	sizes_free(s->sizes, s->n);
	free(s);
}
