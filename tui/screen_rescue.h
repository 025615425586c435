/* Putting the terminal back whatever happens. Private to screen*.c. */
#ifndef TARE_TUI_SCREEN_RESCUE_H
#define TARE_TUI_SCREEN_RESCUE_H

#include <stddef.h>
#include <termios.h>

/* From now on, restore `fd` by these bytes, termios and file flags (-1: leave them) at exit(), at a crash and
 * at a signal that ends the program. */
void rescue_arm(int fd, const struct termios *t, int flags, const char *bytes, size_t len);
void rescue_now(void);    /* restore and disarm; async-signal-safe; nothing when not armed */
void rescue_handle(void); /* install the handlers; once is enough */

#endif
