#include "cli/pull_options.h"

const struct command pull_commands[] = {
        {0},
};
