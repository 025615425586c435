/* Reading the hand-over block. It comes from our own launcher, but a bound costs nothing and an error here
 * would run with every right (R6). */
#include "engine/init/block.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int bad_block(void)
{
	errno = EBADMSG;
	return -1;
}

static int check_counts(const struct init_block *b, size_t len)
{
	uint64_t need = sizeof *b;

	if (b->magic != INIT_MAGIC || b->size != len)
		return bad_block();
	if (b->n_rlimits > INIT_RLIMITS_MAX || b->n_filter > INIT_FILTER_MAX || b->n_groups > INIT_GROUPS_MAX)
		return bad_block();
	if (b->n_args < 1 || b->n_args > INIT_STRINGS_MAX || b->n_env > INIT_STRINGS_MAX)
		return bad_block();
	need += (uint64_t)b->n_rlimits * sizeof(struct init_rlimit);
	need += (uint64_t)b->n_filter * sizeof(struct sock_filter);
	need += (uint64_t)b->n_groups * sizeof(uint32_t) + b->strings;
	return need == len ? 0 : bad_block();
}

static char *next_string(char **at, char *end)
{
	char *s = *at, *nul = s < end ? memchr(s, 0, (size_t)(end - s)) : NULL;

	if (!nul)
		return NULL;
	*at = nul + 1;
	return s;
}

static int split_strings(struct init_plan *p, char *at, char *end)
{
	const struct init_block *b = p->block;
	size_t n = (size_t)b->n_args + b->n_env + 2;
	char **v = mmap(NULL, n * sizeof *v, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (v == MAP_FAILED)
		return -1;
	p->args = v;
	p->env = v + b->n_args + 1;
	p->cwd = next_string(&at, end);
	p->apparmor = next_string(&at, end);
	if (!p->cwd || !p->apparmor)
		return bad_block();
	for (uint32_t i = 0; i < b->n_args; i++)
		if (!(p->args[i] = next_string(&at, end)))
			return bad_block();
	for (uint32_t i = 0; i < b->n_env; i++)
		if (!(p->env[i] = next_string(&at, end)))
			return bad_block();
	return at == end ? 0 : bad_block();
}

int init_plan_parse(void *data, size_t len, struct init_plan *p)
{
	unsigned char *at = data;
	struct init_block *b = data;

	if (len < sizeof *b || check_counts(b, len))
		return bad_block();
	p->block = b;
	at += sizeof *b;
	p->rlimits = at;
	at += b->n_rlimits * sizeof(struct init_rlimit);
	p->filter = (void *)at;
	at += b->n_filter * sizeof(struct sock_filter);
	p->groups = (void *)at;
	at += b->n_groups * sizeof(uint32_t);
	return split_strings(p, (char *)at, (char *)data + len);
}

int init_plan_read(int fd, struct init_plan *p)
{
	struct stat st;

	if (fstat(fd, &st))
		return -1;
	if (st.st_size < (off_t)sizeof(struct init_block) || st.st_size > INIT_BLOCK_MAX)
		return bad_block();
	void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return -1;
	return init_plan_parse(data, (size_t)st.st_size, p);
}

const char *init_plan_path(const struct init_plan *p)
{
	for (char **v = p->env; *v; v++)
		if (!strncmp(*v, "PATH=", 5))
			return *v + 5;
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}
