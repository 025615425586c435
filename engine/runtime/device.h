/* Device access of a container: the rules that hold for every container, and the two ways to lay rules on
 * a cgroup: text into devices.allow and devices.deny (v1), an eBPF program on the directory (v2). */
#ifndef TARE_RUNTIME_DEVICE_H
#define TARE_RUNTIME_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/oci/resources.h"

struct bpf_insn;
struct err;

/* Evaluated before the container's own: mknod of anything, and the devices that every /dev has. */
extern const struct device_rule device_defaults[];
extern const size_t device_n_defaults;

/* Whether `rules` after the defaults allow everything (a privileged container). */
bool device_allows_all(const struct device_rule *rules, size_t n);

/* "c 1:3 rwm", "b *:* m", into dst. Pure. */
#define DEVICE_TEXT_SIZE 40
void device_rule_text(const struct device_rule *r, char dst[DEVICE_TEXT_SIZE]);
/* A BPF_PROG_TYPE_CGROUP_DEVICE program for defaults plus rules; the last matching rule wins, nothing
 * matching is a denial. The caller frees *out. The count, or -1 with e. Pure. */
int device_program(const struct device_rule *rules, size_t n, struct bpf_insn **out, struct err *e);

/* fd: the cgroup's directory in the devices hierarchy. */
int device_apply_v1(int fd, const struct device_rule *rules, size_t n, struct err *e);
/* fd: the cgroup's directory in the v2 tree. `replace`: earlier programs of that directory are taken off. */
int device_apply_v2(int fd, const struct device_rule *rules, size_t n, bool replace, struct err *e);
/* Whether this kernel takes such programs from us. */
bool device_v2_works(void);

#endif
