/* login, logout, search: the rows of tare's table; the functions are in transfer_login.c. */
#ifndef TARE_CLI_LOGIN_OPTIONS_H
#define TARE_CLI_LOGIN_OPTIONS_H

#include "cli/command.h"
#include "cli/progress_options.h"

extern const struct command login_commands[];

#endif
