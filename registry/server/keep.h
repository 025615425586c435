/* Keep rules: which tags a registry keeps. Without a rule, all. A rule is
 *
 *   REPOSITORIES[:TAGS][,last=N][,within=DURATION]     "ci/ *:*,last=10"  "ci/ *:v*"  "ci/
 * *:pr-*,last=3,within=7d"
 *
 * with shell patterns (TAGS alone missing: all). In the repositories that any rule speaks of, a tag is kept
 * when some rule that fits its name keeps it: one without a condition always, `last` the N that were pushed
 * last of those that fit, `within` those pushed so short a time ago. All others are given up, as if they had
 * been deleted. */
#ifndef TARE_REGISTRY_KEEP_H
#define TARE_REGISTRY_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct keep_rule {
	char *repositories, *tags;
	unsigned last;  /* 0: no such condition */
	int64_t within; /* ns, 0: no such condition */
};
struct keep_rules {
	struct keep_rule *list;
	size_t n;
};
#define KEEP_RULES_INIT                                                                                      \
	{                                                                                                    \
		0                                                                                            \
	}
void keep_rules_free(struct keep_rules *k);
#define cleanup_keep_rules __attribute__((cleanup(keep_rules_free)))
/* `texts`: a vector, or NULL. ERR_USAGE quotes a wrong one and shows a right one. */
int keep_rules_parse(char *const *texts, struct keep_rules *k, struct err *e);

struct keep_tag {
	const char *name;
	int64_t pushed; /* ns since the epoch */
	bool kept;      /* the answer */
};
/* `tags` is sorted anew, those pushed last first. */
void keep_decide(
        const struct keep_rules *k, const char *repository, struct keep_tag *tags, size_t n, int64_t now);

#endif
