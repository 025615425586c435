#include "cli/push_options.h"

const struct command push_commands[] = {
        {0},
};
