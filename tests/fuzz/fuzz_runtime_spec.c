/* Fuzz target: a config.json of any bytes. What is taken for one is written, read and written again with the
 * same result. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "engine/oci/runtime_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void print(const struct runtime_spec *spec, struct buf *out)
{
	cleanup_json json *j = runtime_spec_to_json(spec);

	check(j);
	json_print(out, j, JSON_COMPACT);
}

static void read_again(const struct buf *text, struct buf *out)
{
	struct runtime_spec spec = RUNTIME_SPEC_INIT;
	struct err e = ERR_INIT;
	cleanup_json json *j = json_parse(text->data, text->len, "the output", &e);

	check(j && runtime_spec_from_json(j, &spec, &e) == 0);
	print(&spec, out);
	runtime_spec_free(&spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_buf struct buf once = BUF_INIT, twice = BUF_INIT;
	struct runtime_spec spec = RUNTIME_SPEC_INIT;
	struct err e = ERR_INIT;
	cleanup_json json *j = json_parse((const char *)data, size, "the input", &e);

	if (!j)
		return 0;
	if (runtime_spec_from_json(j, &spec, &e) == 0) {
		print(&spec, &once);
		read_again(&once, &twice);
		check(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	} else {
		check(*e.msg);
	}
	runtime_spec_free(&spec);
	return 0;
}
