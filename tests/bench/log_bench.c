/* What the dashboard's log store costs: opening a log at its end, jumping to a time, searching all of it.
 *
 *     log_bench [MIB]      writes a log of so many MiB (1024) to a file without a name in $TMPDIR
 *
 * One "name value unit" a line. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "tui/log_page.h"
#include "tui/log_pattern.h"

#define START  INT64_C(1767261600000000000) /* 2026-01-01T10:00:00Z */
#define STEP   1000000                      /* ns between two lines */
#define HALVES 2
#define ROWS   50

static const struct log_budget forever = {0};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int write_log(uint64_t bytes, uint64_t *lines)
{
	char path[256], stamp[TIME_TEXT_SIZE];
	const char *dir = getenv("TMPDIR");
	unsigned r = 1;
	int size;

	snprintf(path, sizeof(path), "%s/tare-log-XXXXXX", dir ? dir : "/tmp");
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(dup(fd), "w");
	if (!f)
		return -1;
	unlink(path);
	*lines = 0;
	for (uint64_t n = 0; n < bytes; n += (uint64_t)size, ++*lines) {
		r = r * 1103515245 + 12345;
		size = fprintf(f,
		        "%s %s F %s request=%llu path=/api/items/%u status=200 took=%ums user=\"someone "
		        "%u\"\n",
		        time_format(START + (int64_t)*lines * STEP, stamp), r >> 28 ? "stdout" : "stderr",
		        (r >> 20) % 100 ? "INFO" : "ERROR", (unsigned long long)*lines, r % 1000,
		        (r >> 8) % 500, (r >> 4) % 10000);
	}
	return fclose(f) == 0 ? fd : -1;
}

static struct log_source *source_new(int fd)
{
	struct log_source *s = calloc(1, sizeof(*s));

	if (!s || log_scan_init(&s->scan, &s->store, NULL) < 0 ||
	        log_store_files(&s->store, &fd, 1, NULL) < 0)
		exit(1);
	return s;
}

static int one_row(void *arg, const struct log_item *it)
{
	(void)arg;
	(void)it;
	return 1;
}

struct half {
	struct log_source *source;
	struct log_filters filters;
	uint64_t from, to, n;
};

static void *count_half(void *arg)
{
	struct half *h = arg;

	h->n = log_scan_count(&h->source->scan, &h->filters, h->from, h->to, &forever);
	return NULL;
}

/* As the dashboard does it, two threads share the work. */
static void search(int fd, const char *name, const char *pattern)
{
	struct half halves[HALVES];
	pthread_t threads[HALVES];
	double start = seconds();

	for (size_t i = 0; i < HALVES; i++) {
		struct half *h = &halves[i];
		*h = (struct half){.source = source_new(fd)};
		log_filters_add(&h->filters, log_pattern_new(pattern, NULL), false, NULL);
		uint64_t end = h->source->store.end,
		         middle = log_record_start(&h->source->scan.lines, end / 2);
		h->from = i ? middle : 0;
		h->to = i ? end : middle;
		pthread_create(&threads[i], NULL, count_half, h);
	}
	for (size_t i = 0; i < HALVES; i++)
		pthread_join(threads[i], NULL);
	printf("%s %.3f s\n", name, seconds() - start);
	for (size_t i = 0; i < HALVES; i++) {
		log_filters_free(&halves[i].filters);
		log_source_close(halves[i].source);
	}
}

static void page(int fd, uint64_t lines)
{
	double start = seconds();
	struct log_set set = {0};
	struct log_page p = {.set = &set, .measure = one_row, .follow = true};
	struct log_pos pos;

	log_set_add(&set, source_new(fd), NULL);
	if (log_page_size(&p, ROWS, NULL) < 0)
		exit(1);
	log_page_fill(&p, &forever);
	printf("log_open_at_end %.3f ms\n", (seconds() - start) * 1e3);
	start = seconds();
	log_set_at_time(&set, START + (int64_t)lines / 3 * STEP, &pos);
	log_page_show(&p, &pos, 0, &forever);
	log_page_fill(&p, &forever);
	printf("log_jump_to_time %.3f ms\n", (seconds() - start) * 1e3);
	start = seconds();
	log_filters_add(&set.filters, log_pattern_new("error", NULL), false, NULL);
	log_set_forget(&set);
	p.follow = true;
	log_page_fill(&p, &forever);
	printf("log_page_of_hits %.3f ms\n", (seconds() - start) * 1e3);
	log_page_free(&p);
	log_set_clear(&set);
}

int main(int argc, char **argv)
{
	uint64_t mib = argc > 1 ? strtoull(argv[1], NULL, 10) : 1024, lines;
	struct rusage use;
	int fd = write_log(mib << 20, &lines);

	if (fd < 0) {
		perror("log_bench: cannot write the log");
		return 1;
	}
	page(fd, lines);
	search(fd, "log_search_literal", "request=77777777");
	search(fd, "log_search_regex", "took=49[0-9]ms");
	getrusage(RUSAGE_SELF, &use);
	printf("log_rss %ld kB\n", use.ru_maxrss);
	close(fd);
	return 0;
}
