/* login, logout, search: the rows of tare's table; the functions are in transfer_login.c and
 * transfer_search.c. */
#ifndef TARE_CLI_LOGIN_OPTIONS_H
#define TARE_CLI_LOGIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"
#include "cli/output.h"

struct login_options {
	const char *username, *password, *authfile, *cert_dir;
	bool password_stdin, get_login, tls_verify;
};

struct logout_options {
	const char *authfile;
	bool all;
};

struct search_options {
	struct list_format list;
	char **filters;
	int64_t limit; /* 0: what is usual */
	const char *authfile, *cert_dir;
	bool list_tags, tls_verify;
};

extern const struct command login_commands[];

#endif
