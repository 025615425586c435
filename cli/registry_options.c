#include "cli/registry_options.h"

const struct command registry_commands[] = {
        {0},
};
