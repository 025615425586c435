/* Fuzz target: a seccomp profile of any bytes: a program that the kernel would take, or one line. */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "engine/runtime/launch.h"
#include "engine/runtime/seccomp_profile.h"

#define BPF_MOST 4096 /* BPF_MAXINSNS of linux/bpf_common.h */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seccomp_filter filter = {0};
	cleanup_strv char **unknown = NULL;
	struct err e = ERR_INIT;
	cleanup_json json *j = json_parse((const char *)data, size, "the input", &e);

	if (!j)
		return 0;
	if (seccomp_profile_compile(j, "profile.json", size, &filter, &e) == 0) {
		if (filter.n_insns > BPF_MOST)
			abort();
		seccomp_filter_free(&filter);
	} else if (!*e.msg) {
		abort();
	}
	seccomp_profile_unknown_calls(j, &unknown);
	return 0;
}
