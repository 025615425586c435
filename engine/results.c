/* What the engine's answers are made of, and how they are freed: the same for every engine. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/tare.h"

const char *tare_state_name(enum tare_state s)
{
	static const char *const names[] = {"created", "running", "paused", "restarting", "exited", "dead"};

	return names[s];
}

void tare_container_free(struct tare_container *r)
{
	free(r->name);
	free(r->image);
	free(r->image_id);
	strv_free(r->command);
	free(r->network);
	json_free(&r->labels);
	strv_free(r->mounts);
	free(r->error);
	*r = (struct tare_container){0};
}

void tare_container_list_free(struct tare_container_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		tare_container_free(&l->rows[i]);
	free(l->rows);
	*l = (struct tare_container_list){0};
}

void tare_image_list_free(struct tare_image_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct tare_image *row = &l->rows[i];
		free(row->id);
		free(row->reference);
		free(row->repository);
		free(row->tag);
		free(row->digest);
		json_free(&row->labels);
	}
	free(l->rows);
	memset(l, 0, sizeof(*l));
}

void tare_volume_list_free(struct tare_volume_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->rows[i].name);
		free(l->rows[i].path);
		strv_free(l->rows[i].used_by);
	}
	free(l->rows);
	*l = (struct tare_volume_list){0};
}

void tare_file_list_free(struct tare_file_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->rows[i].name);
		free(l->rows[i].target);
	}
	free(l->rows);
	*l = (struct tare_file_list){0};
}

void tare_layer_list_free(struct tare_layer_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->rows[i].diff_id);
		free(l->rows[i].created_by);
	}
	free(l->rows);
	*l = (struct tare_layer_list){0};
}

void tare_prune_result_free(struct tare_prune_result *r)
{
	strv_free(r->removed);
	*r = (struct tare_prune_result){0};
}
