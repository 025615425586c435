/* How far jobs are: a line with a bar for each, and for each thing that it works on. */
#ifndef TARE_TUI_JOB_PROGRESS_H
#define TARE_TUI_JOB_PROGRESS_H

#include <stdbool.h>

#include "tui/canvas.h"
#include "tui/job.h"

struct app;

#define JOB_PROGRESS_ROWS 16 /* objects shown of a job */

/* Does it tell how far it is? */
bool job_has_progress(const struct job *j);
/* The whole of a job in one row, called `name`; NULL: without, where that is known already. */
void job_progress_draw(struct app *a, const struct canvas *c, struct rect r, const struct job *j,
        const char *name, int name_width, struct style on);
/* Rows that its objects take, and those rows: what is under way before what is complete, where there is no
 * room for all. */
int job_objects_rows(const struct job *j);
void job_objects_draw(
        struct app *a, const struct canvas *c, struct rect r, const struct job *j, struct style on);

#endif
