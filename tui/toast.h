/* Toasts: up to three lines at the bottom right that go by themselves. No timer while none is shown. */
#ifndef TARE_TUI_TOAST_H
#define TARE_TUI_TOAST_H

#include <stdarg.h>
#include <stdbool.h>

#include "tui/app.h"
#include "tui/canvas.h"
#include "tui/input.h"

struct toasts;

struct toasts *toasts_new(struct app *a);
void toasts_free(struct toasts *ts); /* NULL allowed */
void toasts_add(struct toasts *ts, enum toast_kind kind, const char *fmt, va_list ap)
        __attribute__((format(printf, 3, 0)));
bool toasts_shown(const struct toasts *ts);
/* Esc: take them away; false when there was none. */
bool toasts_dismiss(struct toasts *ts);
/* Above the last row of the canvas, which is the hint bar's. */
void toasts_draw(struct toasts *ts, const struct canvas *screen);
/* A click; screen coordinates. True when it met a toast, which then goes. */
bool toasts_mouse(struct toasts *ts, const struct mouse *m);

#endif
