#include "engine/image_users.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/store/container_record.h"

void image_users_free(struct image_users *u)
{
	free(u->list);
	memset(u, 0, sizeof(*u));
}

static bool is_running(const struct store *s, const char *id)
{
	struct container_state state = {0};
	cleanup_fd int fd = container_state_dir_open(s, id, false);
	return fd >= 0 && container_state_read(fd, &state) == 0 && proc_alive(&state.process);
}

/* A container that goes away meanwhile, or whose record cannot be read, is no user. */
static void add_user(const struct store *s, const char *id, struct image_users *u)
{
	struct container_record r = {0};
	struct image_user *user = &u->list[u->n];
	if (container_record_read(s, id, &r, NULL) < 0)
		return;
	if (r.image_id && digest_read(r.image_id, &user->image)) {
		memcpy(user->id, r.id, sizeof(user->id));
		user->running = is_running(s, id);
		u->n++;
	}
	container_record_free(&r);
}

int image_users_read(const struct store *s, struct image_users *u, struct err *e)
{
	cleanup_strv char **ids = NULL;
	memset(u, 0, sizeof(*u));
	if (container_ids(s, &ids, e) < 0)
		return -1;
	u->list = calloc(strv_len(ids) + 1, sizeof(*u->list));
	if (!u->list)
		return err_no_memory(e);
	strv_foreach (id, ids)
		add_user(s, *id, u);
	return 0;
}

unsigned image_users_count(
        const struct image_users *u, const struct digest *image, const struct image_user **first)
{
	unsigned n = 0;
	const struct image_user *found = NULL;
	for (size_t i = 0; i < u->n; i++) {
		if (!digest_equal(&u->list[i].image, image))
			continue;
		n++;
		if (!found || (u->list[i].running && !found->running))
			found = &u->list[i];
	}
	if (first)
		*first = found;
	return n;
}
