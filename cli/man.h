/* Man pages, written from the tables: tare.1, and one per command. */
#ifndef TARE_CLI_MAN_H
#define TARE_CLI_MAN_H

struct buf;
struct command;
struct err;
struct program;

void man_page(const struct command *c, struct buf *out);
void man_overview(const struct program *p, struct buf *out);
/* All of them into an existing directory. */
int man_write(const struct program *p, const char *dir, struct err *e);

#endif
