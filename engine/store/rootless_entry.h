/* Tare for an ordinary user: the process becomes root of a user namespace before it opens the store, and from
 * there on the same code runs as for root.
 *
 * All commands of one state directory meet in one user namespace: STATE/user-namespace names a process in it,
 * and who comes later joins. Nothing stays resident for that: when nobody lives there any more, the next
 * command makes a new one. The mount namespace is each command's own, so that all see what the user's host
 * has mounted today. */
#ifndef TARE_STORE_ROOTLESS_ENTRY_H
#define TARE_STORE_ROOTLESS_ENTRY_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

/* Where the store is, for who only works with its files: *root_out and *state_out (allocated) are `root` and
 * `state`, for NULL the user's own: $XDG_DATA_HOME/tare and $XDG_RUNTIME_DIR/tare, or root's. */
int rootless_paths(const char *root, const char *state, char **root_out, char **state_out, struct err *e);
/* The same, and become root, if we are not. For root that costs a system call, and two where a path is NULL.
 * The process must have a single thread. */
int rootless_enter(const char *root, const char *state, char **root_out, char **state_out, struct err *e);

/* ---- pure, for tests ---- */

/* The ranges that a file like /etc/subuid gives a user, "FIRST COUNT" pairs into `ranges`; the number of
 * ranges, at most `max`. */
struct id_range {
	unsigned first, count;
};
size_t id_ranges_parse(const char *text, const char *name, uid_t uid, struct id_range *ranges, size_t max);
/* Only a directory that belongs to `uid` and that nobody else may enter will do (0 or -1 with e). */
int runtime_dir_check(const char *path, uid_t uid, struct err *e);

#endif
