/* What a registry found, to pick from. */
#ifndef TARE_TUI_SEARCH_RESULTS_H
#define TARE_TUI_SEARCH_RESULTS_H

struct app;

/* Ask for repositories that match a term, or for the tags of a repository, as a job; then show them: Enter
 * pulls, Right looks at the tags. */
void search_for_images(struct app *a, const char *term);
void search_for_tags(struct app *a, const char *repository);

#endif
