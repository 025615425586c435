/* A log, as its pane shows it, into a file: by a worker, however large it is. */
#ifndef TARE_TUI_LOG_SAVE_H
#define TARE_TUI_LOG_SAVE_H

struct log_view;

void log_save_ask(struct log_view *lv); /* asks for the file's name first */
void log_save_stop(struct log_view *lv);

#endif
