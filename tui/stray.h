/* What libraries write to standard error while the screen is ours: kept aside, and printed at the end. */
#ifndef TARE_TUI_STRAY_H
#define TARE_TUI_STRAY_H

struct stray {
	int saved, file; /* -1: not caught */
};

void stray_catch(struct stray *s);
void stray_release(struct stray *s); /* standard error is as before; the last 4 KiB of what was said follow */

#endif
