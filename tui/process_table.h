/* The processes of a container, as the engine tells them, in the order of their tree or of the CPU time they
 * use. */
#ifndef TARE_TUI_PROCESS_TABLE_H
#define TARE_TUI_PROCESS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"

#define PROCESSES_MAX      20000
#define PROCESS_DEPTH_MAX  20 /* deeper ones are drawn at this depth */
#define PROCESS_FILTER_MAX 64

struct process_row {
	pid_t pid, ppid;
	const char *user, *command, *time; /* borrowed from the document */
	double cpu;                        /* percent of a core; NAN: not known */
	uint64_t cpu_ns;                   /* UINT64_MAX: not known */
	uint64_t memory;                   /* bytes resident, UINT64_MAX: not known */
	uint8_t depth;
	bool last;     /* of its parent's children */
	uint32_t bars; /* bit d: the ancestor at depth d has more after it */
};

struct process_table {
	json *document;
	struct process_row *rows;
	size_t n, n_all; /* n: of these the first, which passed the filter */
	int64_t at;      /* when it was made, ns */
};

enum process_order { PROCESSES_TREE, PROCESSES_CPU };

/* Takes the document, {"Titles", "Processes", "Usage"}. Usage has [cpu ns, resident bytes] for each of the
 * processes; without it the share of CPU is that since the start. The table before gives what was used since.
 */
int process_table_set(struct process_table *t, json *document, int64_t at);
void process_table_free(struct process_table *t);
/* Only those whose command, user or pid has the filter ("": all); a filtered table is flat. */
void process_table_order(struct process_table *t, enum process_order order, const char *filter);
/* The row of a pid, or n. */
size_t process_table_find(const struct process_table *t, pid_t pid);
/* "│  ├─ " for a row of a tree; dst holds PROCESS_PREFIX_SIZE. */
#define PROCESS_PREFIX_SIZE (PROCESS_DEPTH_MAX * 5 + 8)
char *process_prefix(const struct process_row *r, bool ascii, char *dst);

#endif
