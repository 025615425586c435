/* What the analyzer can't know from one file at a time: these always return -1. Included before each file by
 * `make lint-analyze` only. */
#include "base/err.h"

#define err_set(...)     (err_set(__VA_ARGS__), -1)
#define err_sys(...)     (err_sys(__VA_ARGS__), -1)
#define err_wrap(...)    (err_wrap(__VA_ARGS__), -1)
#define err_no_memory(e) (err_no_memory(e), -1)
