#include "cli/prune.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"

int prune_confirm(const struct cli *cli, const char *what, bool force)
{
	struct err e = ERR_INIT;
	char answer[8] = "";

	if (force)
		return 0;
	if (!isatty(STDIN_FILENO)) {
		err_set(&e, ERR_USAGE, "%s asks first, and nobody can answer here; add --force",
		        cli->command->words);
		return cli_fail(cli, &e);
	}
	fprintf(stderr, "WARNING! This will remove %s.\nAre you sure you want to continue? [y/N] ", what);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return 0;
	return 1;
}

int prune_kind(struct cli *cli, enum tare_prune_what what, bool all, const char *title, uint64_t *bytes)
{
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	__attribute__((cleanup(tare_prune_result_free))) struct tare_prune_result result = {0};
	cleanup_buf struct buf text = BUF_INIT;

	if (!engine || engine->prune(engine, what, all, &result, &e) < 0)
		return cli_fail(cli, &e);
	*bytes += result.bytes;
	if (!result.removed || !result.removed[0])
		return 0;
	strv_foreach (s, result.removed) {
		text_harmless(&text, *s, strlen(*s));
		buf_char(&text, '\n');
	}
	printf("%s:\n%s\n", title, buf_str(&text));
	return 0;
}

void prune_total(const struct cli *cli, uint64_t bytes)
{
	char size[SIZE_TEXT_SIZE];

	(void)cli;
	printf("Total reclaimed space: %s\n", size_format_decimal(bytes, size));
}
