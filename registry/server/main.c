/* tare-registry: the commands of the registry server. `tare` replaces itself by this program, so that no
 * other command waits for the libraries it needs. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/registry_options.h"
#include "engine/store/rootless_entry.h"
#include "registry/server/commands.h"

static const struct {
	const char *words;
	int (*run)(struct cli *cli, void *options, struct err *e);
} verbs[] = {
        {"registry start", registry_start},
        {"registry stop", registry_stop},
        {"registry status", registry_status},
        {"registry gc", registry_gc},
};

static int run(struct cli *cli, void *options, char **operands)
{
	cleanup_free char *root = NULL, *state = NULL;
	struct err e = ERR_INIT;
	int rc = -1;

	(void)operands;
	/* An ordinary user's registry needs no rights: what it keeps is that user's. */
	if (rootless_paths(cli->root, cli->state, &root, &state, &e) != 0)
		return cli_fail(cli, &e);
	cli->root = root;
	cli->state = state;
	err_set(&e, ERR_USAGE, "tare-registry has no command \"%s\"", cli->command->words);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verbs[i].words, cli->command->words) == 0) {
			e = (struct err)ERR_INIT;
			rc = verbs[i].run(cli, options, &e);
		}
	return rc < 0 ? cli_fail(cli, &e) : rc;
}

static int run_bare(struct cli *cli, void *options, char **operands)
{
	struct err e = ERR_INIT;

	(void)options;
	(void)operands;
	err_set(&e, ERR_USAGE, "tare-registry is a helper of tare; try: tare registry start");
	return cli_fail(cli, &e);
}

int main(int argc, char **argv)
{
	static const struct command *const tables[] = {registry_commands, NULL};
	static const struct program registry = {
	        .name = "tare-registry", .tables = tables, .run_other = run, .run_bare = run_bare};

	return program_main(&registry, argc, argv);
}
