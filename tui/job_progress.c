#include "tui/job_progress.h"

#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "tui/app.h"
#include "tui/progress_bar.h"

bool job_has_progress(const struct job *j)
{
	return j->state == JOB_RUNNING && j->objects.n > 0;
}

/* ------------------------------------------------------------------ the whole */

void job_progress_draw(struct app *a, const struct canvas *c, struct rect r, const struct job *j,
        const char *name, int name_width, struct style on)
{
	struct job_sum s = job_objects_sum(&j->objects);
	char phase[48];
	struct progress_line l = {.name = name ? name : phase,
	        .name_width = name_width,
	        .phase = name ? phase : NULL,
	        .share = s.share,
	        .rate = s.rate,
	        .eta = s.eta};

	if (s.n > 1)
		snprintf(phase, sizeof(phase), "%zu of %zu%s%s", s.complete, s.n, j->objects.cut ? "+" : "",
		        name ? "" : " done");
	else
		snprintf(phase, sizeof(phase), "%s", s.n ? j->phase : "waiting");
	progress_line_draw(a, c, r, &l, on);
}

/* ------------------------------------------------------------------ its objects */

int job_objects_rows(const struct job *j)
{
	return j->objects.n > JOB_PROGRESS_ROWS ? JOB_PROGRESS_ROWS + 1 : (int)j->objects.n;
}

static void draw_object(struct app *a, const struct canvas *c, struct rect r, const struct job_object *o,
        int name_width, struct style on)
{
	struct progress_line l = {.name = o->name,
	        .name_width = name_width,
	        .phase = o->phase,
	        .rate = o->rate,
	        .eta = o->eta,
	        .complete = o->complete};

	l.share = o->complete ? 1 : o->total ? fmin((double)o->done / (double)o->total, 1) : (double)NAN;
	progress_line_draw(a, c, r, &l, on);
}

/* How many of the complete ones are passed over, so that those under way are seen. */
static size_t hidden_complete(const struct job_objects *os)
{
	size_t complete = 0, surplus = os->n > JOB_PROGRESS_ROWS ? os->n - JOB_PROGRESS_ROWS : 0;

	for (size_t i = 0; i < os->n; i++)
		complete += os->rows[i].complete;
	return complete < surplus ? complete : surplus;
}

void job_objects_draw(
        struct app *a, const struct canvas *c, struct rect r, const struct job *j, struct style on)
{
	const struct job_objects *os = &j->objects;
	size_t hidden = hidden_complete(os), skip = hidden, shown = 0;
	int widest = 0;

	for (size_t i = 0; i < os->n; i++) {
		int w = (int)text_width(os->rows[i].name);

		widest = w > widest ? w : widest;
	}
	for (size_t i = 0; i < os->n && shown < JOB_PROGRESS_ROWS && (int)shown < r.h; i++) {
		if (os->rows[i].complete && skip) {
			skip--;
			continue;
		}
		draw_object(a, c, (struct rect){r.y + (int)shown, r.x, 1, r.w}, &os->rows[i], widest, on);
		shown++;
	}
	if (os->n > shown && (int)shown < r.h)
		canvas_printf(c, r.y + (int)shown, r.x, r.w, style_over(on, app_style(a, UI_MUTED)),
		        "and %zu more%s%s", os->n - shown, os->cut ? ", and others" : "",
		        hidden == os->n - shown ? ", complete" : "");
}
