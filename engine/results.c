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

static void free_ports(struct tare_port *ports, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(ports[i].host_ip);
	free(ports);
}

void tare_container_free(struct tare_container *r)
{
	free(r->name);
	free(r->image);
	free(r->image_id);
	strv_free(r->command);
	free(r->network);
	for (size_t i = 0; i < r->n_attachments; i++) {
		free(r->attachments[i].network);
		free(r->attachments[i].ip);
		free(r->attachments[i].ip6);
		free(r->attachments[i].mac);
	}
	free(r->attachments);
	free_ports(r->ports, r->n_ports);
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

void tare_moved_free(struct tare_moved *m)
{
	free(m->reference);
	free(m->digest);
	*m = (struct tare_moved){0};
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
		json_free(&l->rows[i].labels);
		json_free(&l->rows[i].options);
	}
	free(l->rows);
	*l = (struct tare_volume_list){0};
}

void tare_backup_result_free(struct tare_backup_result *r)
{
	free(r->id);
	strv_free(r->skipped);
	*r = (struct tare_backup_result){0};
}

void tare_restore_result_free(struct tare_restore_result *r)
{
	free(r->volume);
	free(r->id);
	free(r->of);
	strv_free(r->running);
	strv_free(r->dropped);
	*r = (struct tare_restore_result){0};
}

static void free_member(struct tare_member *m)
{
	free(m->id);
	free(m->name);
	free(m->ip);
	free(m->ip6);
	free(m->mac);
	free_ports(m->ports, m->n_ports);
}

static void free_network(struct tare_network *n)
{
	free(n->name);
	free(n->id);
	free(n->driver);
	free(n->link);
	for (size_t family = 0; family < 2; family++) {
		free(n->subnet[family]);
		free(n->gateway[family]);
		free(n->range[family]);
	}
	json_free(&n->labels);
	json_free(&n->options);
	for (size_t i = 0; i < n->n_members; i++)
		free_member(&n->members[i]);
	free(n->members);
}

void tare_network_list_free(struct tare_network_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free_network(&l->rows[i]);
	free(l->rows);
	*l = (struct tare_network_list){0};
}

static void free_finding(struct tare_finding *f)
{
	free(f->what);
	free(f->problem);
	free(f->remedy);
}

void tare_check_result_free(struct tare_check_result *r)
{
	for (size_t i = 0; i < r->n; i++)
		free_finding(&r->rows[i]);
	free(r->rows);
	*r = (struct tare_check_result){0};
}

int tare_check_result_add(
        struct tare_check_result *r, bool repaired, const char *what, const char *problem, const char *remedy)
{
	struct tare_finding f = {
	        .what = strdup(what),
	        .problem = strdup(problem),
	        .repaired = repaired,
	        .remedy = remedy ? strdup(remedy) : NULL,
	};
	struct tare_finding *grown = realloc(r->rows, (r->n + 1) * sizeof *grown);

	if (grown)
		r->rows = grown;
	if (!grown || !f.what || !f.problem || (remedy && !f.remedy)) {
		free_finding(&f);
		return -1;
	}
	r->rows[r->n++] = f;
	return 0;
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
