/* Alerts: what the user should know even if looking elsewhere. A badge counts the unread ones, the Events
 * panel lists them; the bell (setting "bell") and a desktop notification (config "alert.notify",
 * off) ring for them. */
#ifndef TARE_TUI_ALERT_H
#define TARE_TUI_ALERT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/app.h"
#include "tui/model.h"

struct alerts;

struct alert {
	int64_t time; /* ns since the epoch, the engine's clock */
	struct object about;
	char text[160];
	bool read;
};

struct alerts *alerts_new(struct app *a);
void alerts_free(struct alerts *as); /* NULL allowed */
void alerts_add(struct alerts *as, const struct object *about, const char *fmt, va_list ap)
        __attribute__((format(printf, 3, 0)));
/* Each event as it comes: one about a watched container, a death with a code other than 0, an OOM kill, a
 * crash loop or failing health makes an alert. */
void alerts_event(struct alerts *as, const struct model_event *ev);
size_t alerts_unread(const struct alerts *as);
/* Oldest first, at most 200; `i` below the number that alerts_count() gives. */
size_t alerts_count(const struct alerts *as);
const struct alert *alerts_get(const struct alerts *as, size_t i);
struct view *alerts_dialog_new(struct app *a); /* all of them, newest first; read from then on */
void alerts_mark_read(struct alerts *as);      /* when the Events panel is looked at */
/* `w`: ring when this container ends. Returns whether it is watched now. */
bool alerts_watch(struct alerts *as, const char *id, bool on);
bool alerts_is_watched(const struct alerts *as, const char *id);

#endif
