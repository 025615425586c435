#include "cli/commit_options.h"

const struct command commit_commands[] = {
        {0},
};
