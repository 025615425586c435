/* The spec's memory. Its JSON form is in runtime_spec_json.c. */
#include "engine/oci/runtime_spec.h"

#include <stdlib.h>

#include "base/buf.h"

static void free_mounts(struct runtime_spec *s)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		free(s->mounts[i].destination);
		free(s->mounts[i].type);
		free(s->mounts[i].source);
		free(s->mounts[i].volume);
		free(s->mounts[i].subpath);
		strv_free(s->mounts[i].options);
	}
	free(s->mounts);
}

static void free_texts(struct runtime_spec *s)
{
	char *texts[] = {
	        s->cwd, s->user, s->apparmor, s->hostname, s->domainname, s->cgroup_path, s->seccomp};
	char **lists[] = {s->args, s->env, s->groups, s->masked_paths, s->readonly_paths, s->sysctl};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		free(texts[i]);
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		strv_free(lists[i]);
}

void runtime_spec_free(struct runtime_spec *s)
{
	free_mounts(s);
	free_texts(s);
	for (size_t i = 0; i < s->n_devices; i++)
		free(s->devices[i].path);
	free(s->devices);
	free(s->rlimits);
	for (int k = 0; k < NS_KIND_COUNT; k++)
		free(s->ns[k].path);
	resources_free(&s->resources);
	json_object_put(s->annotations);
	*s = (struct runtime_spec)RUNTIME_SPEC_INIT;
}

struct spec_mount *runtime_spec_add_mount(struct runtime_spec *s)
{
	struct spec_mount *v = reallocarray(s->mounts, s->n_mounts + 1, sizeof *v);

	if (!v)
		return NULL;
	s->mounts = v;
	v[s->n_mounts] = (struct spec_mount){.source_fd = -1};
	return &v[s->n_mounts++];
}

struct spec_device *runtime_spec_add_device(struct runtime_spec *s)
{
	struct spec_device *v = reallocarray(s->devices, s->n_devices + 1, sizeof *v);

	if (!v)
		return NULL;
	s->devices = v;
	v[s->n_devices] = (struct spec_device){0};
	return &v[s->n_devices++];
}

int runtime_spec_add_rlimit(struct runtime_spec *s, struct spec_rlimit r)
{
	struct spec_rlimit *v = reallocarray(s->rlimits, s->n_rlimits + 1, sizeof *v);

	if (!v)
		return -1;
	s->rlimits = v;
	v[s->n_rlimits++] = r;
	return 0;
}
