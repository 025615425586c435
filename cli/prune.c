#include "cli/prune.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/output.h"

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

static void print_names(char *const *names, const char *title)
{
	cleanup_buf struct buf text = BUF_INIT;

	strv_foreach (s, names) {
		text_harmless(&text, *s, strlen(*s));
		buf_char(&text, '\n');
	}
	printf("%s:\n%s\n", title, buf_str(&text));
}

int prune_kind(struct cli *cli, enum tare_prune_what what, bool all, const char *title, struct pruned *p)
{
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	__attribute__((cleanup(tare_prune_result_free))) struct tare_prune_result result = {0};

	if (!engine || engine->prune(engine, what, all ? TARE_PRUNE_ALL : 0, &result, &e) < 0)
		return cli_fail(cli, &e);
	p->bytes += result.bytes;
	if (!cli->json && strv_len(result.removed))
		print_names(result.removed, title);
	strv_foreach (s, result.removed) {
		if (strv_add(&p->names, *s) == 0)
			continue;
		err_set(&e, ERR_OTHER, "out of memory");
		return cli_fail(cli, &e);
	}
	return 0;
}

static int print_document(const struct cli *cli, const struct pruned *p)
{
	struct err e = ERR_INIT;
	cleanup_json json *doc = json_object_new_object();

	json_set_strv(doc, "Removed", p->names);
	json_set_int(doc, "SpaceReclaimed", (int64_t)p->bytes);
	return document_print(doc, NULL, &e) < 0 ? cli_fail(cli, &e) : 0;
}

int prune_end(const struct cli *cli, struct pruned *p, int code)
{
	char size[SIZE_TEXT_SIZE];

	if (code == 0 && cli->json)
		code = print_document(cli, p);
	else if (code == 0)
		printf("Total reclaimed space: %s\n", size_format_decimal(p->bytes, size));
	strv_free_ptr(&p->names);
	return code;
}
