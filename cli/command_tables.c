#include "cli/command_tables.h"

#include "cli/archive_options.h"

const struct command *const command_tables[] = {
        container_run_commands,
        container_life_commands,
        container_list_commands,
        container_look_commands,
        stats_commands,
        image_commands,
        archive_commands,
        volume_commands,
        system_commands,
        NULL,
};
