#include "base/err.h"
#include "cli/command.h"
#include "engine/tare.h"

struct tare_engine *cli_engine(struct cli *cli, struct err *e)
{
	if (!cli->engine)
		cli->engine = cli->demo ? tare_engine_simulated(cli->state, e)
		                        : tare_engine_linux(cli->root, cli->state, e);
	return cli->engine;
}
