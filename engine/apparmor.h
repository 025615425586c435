/* AppArmor: our own profile of containers, loaded once where the kernel has AppArmor and apparmor_parser is
 * installed; and the labels of running processes. */
#ifndef TARE_ENGINE_APPARMOR_H
#define TARE_ENGINE_APPARMOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct store;

#define APPARMOR_OURS       "tare-default" /* engine/profiles/apparmor-default */
#define APPARMOR_LABEL_SIZE 256

bool apparmor_enabled(void);
/* Have the profile in the kernel, if it is ours. 1: use it. 0: go without, only when `optional`. -1 with e:
 * it was asked for and can't be had. After the first time in a boot this reads three small files. */
int apparmor_ready(const struct store *s, const char *name, bool optional, struct err *e);
/* The profile of a process, without its mode; "" for none (also without AppArmor). -1 with errno. */
int apparmor_label_of(pid_t pid, char dst[APPARMOR_LABEL_SIZE]);
/* For people: the name of our profile where it holds, or why not. Loads nothing. */
void apparmor_describe(const struct store *s, char *dst, size_t size);

#endif
