/* One line of a log in full, laid out, in a dialog. */
#ifndef TARE_TUI_LOG_DETAIL_H
#define TARE_TUI_LOG_DETAIL_H

struct log_view;

void log_detail_open(struct log_view *lv);

#endif
