/* search: for the table in transfer_login.c. */
#ifndef TARE_CLI_TRANSFER_SEARCH_H
#define TARE_CLI_TRANSFER_SEARCH_H

struct cli;
struct err;

int transfer_search(struct cli *cli, void *options, char **operands, struct err *e);

#endif
