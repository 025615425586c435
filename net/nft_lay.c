#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/netfilter.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/text.h"
#include "net/nft_batch.h"

/* The rules as they stand in net/table.nft. */
__asm__(".section .rodata\n"
        ".global tare_nft_rules\n"
        "tare_nft_rules:\n"
        ".incbin \"net/table.nft\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char tare_nft_rules[];

/* In the rules: the name of the table, of ports, and where the second table begins. */
#define NAME_MARK   "TABLE"
#define PORTS_MARK  "PORTS*"
#define BRIDGE_MARK "\ncreate table bridge "
/* For a set of bytes at an offset (typeof @th). */
#define NFT_NEEDED "1.0.1 or later is needed"
/* What nft says when it refuses is some lines. */
#define OUTPUT_MAX ((size_t)1 << 20)

struct laid {
	bool inet, bridge, without_bridge;
};

/* Any answer but yes and no means that the kernel doesn't know the question. */
static int look(int fd, const char *table, struct laid *l, struct err *e)
{
	int inet = nft_has_table(fd, table, NFPROTO_INET);
	int bridge = inet < 0 ? inet : nft_has_table(fd, table, NFPROTO_BRIDGE);
	int without = inet == 1 && !bridge ? nft_has_set(fd, table, NFPROTO_INET, NFT_NO_BRIDGE_SET) : 0;

	if (inet < 0 || bridge < 0 || without < 0) {
		if (errno == EINVAL || errno == EOPNOTSUPP || errno == EPROTONOSUPPORT)
			return err_set(e, ERR_UNSUPPORTED,
			        "this kernel has no nftables (CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET)");
		return err_sys(e, "cannot look for table inet %s", table);
	}
	*l = (struct laid){.inet = inet, .bridge = bridge, .without_bridge = without};
	return 0;
}

static bool is_whole(const struct laid *l)
{
	return l->inet && (l->bridge || l->without_bridge);
}

bool nft_is_laid(const char *table)
{
	cleanup_fd int fd = wire_open(NULL);
	struct laid l;

	return fd >= 0 && !look(fd, table, &l, NULL) && is_whole(&l);
}

/* nft(8) is an administrator's program: it may be where PATH doesn't lead. */
static int find_nft(char *dst, size_t size, struct err *e)
{
	const char *path = getenv("PATH");
	cleanup_free char *dirs = str_printf("%s:/usr/local/sbin:/usr/sbin:/sbin", path ? path : "");
	char *rest = dirs;

	if (!dirs)
		return err_no_memory(e);
	for (char *dir; (dir = text_next_part(&rest, ":"));) {
		int n = snprintf(dst, size, "%s/nft", dir);

		/* A relative directory could be anyone's. */
		if (dir[0] == '/' && n > 0 && (size_t)n < size && !access(dst, X_OK))
			return 0;
	}
	return err_set(e, ERR_UNSUPPORTED,
	        "cannot find the program nft, which lays down the rules of the networks; install nftables");
}

const char *nft_port_prefix(const char *table, char dst[IFNAMSIZ])
{
	const char *dash = strchr(table, '-');

	snprintf(dst, IFNAMSIZ, "t%.6s", dash ? dash + 1 : "v");
	return dst;
}

static void add_named(struct buf *b, const char *text, const char *end, const char *table)
{
	char ports[IFNAMSIZ];

	nft_port_prefix(table, ports);
	while (text < end) {
		size_t left = (size_t)(end - text);
		const char *name = memmem(text, left, NAME_MARK, strlen(NAME_MARK));
		const char *port = memmem(text, left, PORTS_MARK, strlen(PORTS_MARK));
		const char *mark = !name || (port && port < name) ? port : name;

		buf_add(b, text, mark ? (size_t)(mark - text) : left);
		if (!mark)
			return;
		buf_str_add(b, mark == name ? table : ports);
		text = mark + (mark == name ? strlen(NAME_MARK) : sizeof PORTS_MARK - sizeof "*");
	}
}

/* A rule that is a defence has its name in a comment; a test takes such rules out. */
static void leave_out(struct buf *b)
{
#ifdef TARE_TEST_SWITCHES
	for (char *line = b->len ? b->data : NULL; line && *line; line = strchrnul(line, '\n') + 1) {
		char name[64], *end = strchrnul(line, '\n');
		char *mark = memmem(line, (size_t)(end - line), "# DEFENCE", 9);

		if (mark && sscanf(mark, "# DEFENCE(\"%63[a-z-]", name) == 1 && !defence_is_in(name))
			memset(line, ' ', (size_t)(end - line));
		if (!*end)
			break;
	}
#else
	(void)b;
#endif
}

/* One of the two tables. `create` fails when it is there, so whoever comes second changes nothing. */
static void add_rules(struct buf *b, unsigned family, bool again, const char *table)
{
	const char *border = strstr(tare_nft_rules, BRIDGE_MARK);
	const char *name = family == NFPROTO_INET ? "inet" : "bridge";

	if (again)
		buf_printf(b, "table %s %s\ndelete table %s %s\n", name, table, name, table);
	if (family == NFPROTO_INET)
		add_named(b, tare_nft_rules, border, table);
	else
		add_named(b, border, border + strlen(border), table);
	buf_char(b, '\n');
	leave_out(b);
}

/* What is wrong, of the first line that says it: without where, and without what a terminal would obey. */
static void complaint(struct buf *output, char *dst, size_t size)
{
	char *text = output->len ? strstr(output->data, "Error: ") : NULL;

	if (text)
		text[strcspn(text, "\n")] = 0;
	text_harmless_to(dst, size, text ? text + strlen("Error: ") : "it does not say why");
}

static int run_nft(const char *program, const struct buf *rules, struct err *e)
{
	cleanup_fd int fd = memfd_create("tare-rules", MFD_CLOEXEC);
	cleanup_buf struct buf output = BUF_INIT_MAX(OUTPUT_MAX);
	char path[32];
	char *argv[] = {(char *)program, (char[]){"-f"}, path, NULL};
	struct spawn spawn = {.argv = argv, .out = &output, .out_has_errors = true, .keep_fd = fd};
	char why[256];
	int status;

	if (rules->failed)
		return err_no_memory(e);
	if (fd < 0 || write_all(fd, rules->data, rules->len) < 0)
		return err_sys(e, "cannot hold the rules for nft");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (spawn_wait(&spawn, &status, e) < 0)
		return -1;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	complaint(&output, why, sizeof why);
	return err_set(e, ERR_UNSUPPORTED,
	        "%s refused the rules of the networks: %s (nftables " NFT_NEEDED ")", program, why);
}

static int lay_both(const char *program, const char *table, bool again, const struct laid *l, struct err *e)
{
	cleanup_buf struct buf rules = BUF_INIT;

	if (again || !l->inet)
		add_rules(&rules, NFPROTO_INET, again, table);
	if (again || !l->bridge)
		add_rules(&rules, NFPROTO_BRIDGE, again, table);
	return run_nft(program, &rules, e);
}

/* With a mark that says so, or every start would try again. */
static int lay_without_bridge(const char *program, const char *table, bool again, struct err *e)
{
	cleanup_buf struct buf rules = BUF_INIT;

	add_rules(&rules, NFPROTO_INET, again, table);
	buf_printf(&rules, "add set inet %s %s { type ifname; }\n", table, NFT_NO_BRIDGE_SET);
	return run_nft(program, &rules, e);
}

int nft_lay(const char *table, bool again, bool *no_bridge, struct err *e)
{
	cleanup_fd int fd = wire_open(e);
	struct laid l, now;
	char program[4096];

	if (fd < 0 || look(fd, table, &l, e) < 0)
		return -1;
	*no_bridge = l.without_bridge;
	if (is_whole(&l) && !again)
		return 0;
	if (find_nft(program, sizeof program, e) < 0)
		return -1;
	*no_bridge = false;
	if (!lay_both(program, table, again, &l, e))
		return 1;
	/* Somebody else was quicker. */
	if (!again && !look(fd, table, &now, NULL) && is_whole(&now)) {
		*no_bridge = now.without_bridge;
		return 0;
	}
	if (l.inet && !again)
		return -1;
	if (lay_without_bridge(program, table, again, NULL) < 0)
		return -1;
	*no_bridge = true;
	return 1;
}

int nft_remove(const char *table, struct err *e)
{
	cleanup_nft_batch struct nft_batch *b = nft_batch_open(table, e);

	if (!b)
		return -1;
	nft_table_remove(b, NFPROTO_INET);
	nft_table_remove(b, NFPROTO_BRIDGE);
	return nft_batch_commit_removal(b, e);
}
