/* Signals as a process finds them; their names are in proc.h. */
#ifndef TARE_BASE_SIGNAL_H
#define TARE_BASE_SIGNAL_H

/* All as a new program expects them: nothing ignored, handled or blocked. Whoever started us may have let it
 * be otherwise, and so may we for a child of ours. */
void signal_default_all(void);

#endif
