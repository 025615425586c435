/* The access log: one line per request in the combined format, with bytes of foreigners made harmless,
 * written at once. */
#ifndef TARE_REGISTRY_ACCESS_LOG_H
#define TARE_REGISTRY_ACCESS_LOG_H

struct access_log;
struct exchange;

/* Takes fd (opened for appending); for as long as the process lives. NULL: no memory. */
struct access_log *access_log_new(int fd);
/* Go on with another file, taken; the old one is closed. */
void access_log_reopen(struct access_log *l, int fd);
/* When the answer is sent. NULL: no log is kept. */
void access_log_write(struct access_log *l, const struct exchange *x);

#endif
