/* Signals as bytes in a pipe, so that they are handled where nothing else is half done. Private to loop*.c.
 */
#ifndef TARE_TUI_LOOP_SIGNAL_H
#define TARE_TUI_LOOP_SIGNAL_H

#include "tui/loop.h"

struct loop_signals;

/* One per process at a time, since a handler has no argument. */
struct loop_signals *loop_signals_new(struct loop *l, struct err *e);
void loop_signals_free(struct loop_signals *s); /* NULL allowed; the handlers of before come back */
int loop_signals_add(struct loop_signals *s, int sig, loop_fn *fn, void *arg, struct err *e);

#endif
