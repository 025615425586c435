#include "cli/login_options.h"

const struct command login_commands[] = {
        {0},
};
