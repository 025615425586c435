/* Fuzz target: a command line of any words, read by the tables of run and of update: a request or one line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/run_options.h"

#define WORDS_MOST 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Words are divided by newlines; one that names a file to be read would read this host's. */
static size_t split(char *text, char *words[WORDS_MOST + 1])
{
	size_t n = 0;

	for (char *save = NULL, *w = strtok_r(text, "\n", &save); w && n < WORDS_MOST;
	        w = strtok_r(NULL, "\n", &save))
		if (!strstr(w, "file"))
			words[n++] = w;
	words[n] = NULL;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = strndup((const char *)data, size);
	cleanup_free char **operands = NULL;
	char *words[WORDS_MOST + 1];
	struct run_options o = {0};
	struct err e = ERR_INIT;

	split(text, words);
	run_options_init(&o);
	struct option_reader r = {
	        .own = run_option_rows, .options = &o, .stop_at_operand = true, .command = "tare run"};
	if (option_read(&r, words, &operands, &e) != 0 ||
	        (!r.help && run_options_finish(&o, operands, &e) != 0))
		if (!*e.msg || strchr(e.msg, '\n'))
			abort();
	option_free(run_option_rows, &o);
	run_options_fini(&o);
	return 0;
}
