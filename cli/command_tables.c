#include "cli/command_tables.h"

#include "cli/archive_options.h"
#include "cli/backup_options.h"
#include "cli/commit_options.h"
#include "cli/copy_options.h"
#include "cli/login_options.h"
#include "cli/pull_options.h"
#include "cli/push_options.h"
#include "cli/registry_options.h"

const struct command *const command_tables[] = {
        image_commands,
        pull_commands,
        push_commands,
        archive_commands,
        commit_commands,
        history_commands,
        login_commands,
        container_run_commands,
        container_life_commands,
        wait_commands,
        container_list_commands,
        container_look_commands,
        event_commands,
        copy_commands,
        diff_commands,
        port_commands,
        stats_commands,
        volume_commands,
        backup_commands,
        network_commands,
        registry_commands,
        inspect_commands,
        prune_commands,
        dashboard_commands,
        system_commands,
        check_commands,
        security_commands,
        NULL,
};
