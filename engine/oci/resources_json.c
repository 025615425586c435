#include "engine/oci/resources_json.h"

#include <string.h>

#include "base/err.h"

static const struct {
	enum io_limit_kind kind;
	const char *list, *value;
} io_lists[] = {
        {IO_READ_BPS, "throttleReadBpsDevice", "rate"},
        {IO_WRITE_BPS, "throttleWriteBpsDevice", "rate"},
        {IO_READ_IOPS, "throttleReadIOPSDevice", "rate"},
        {IO_WRITE_IOPS, "throttleWriteIOPSDevice", "rate"},
        {IO_WEIGHT, "weightDevice", "weight"},
};

static void set_nonzero(json *j, const char *key, int64_t v)
{
	if (v)
		json_set_int(j, key, v);
}

static void set_nonempty(json *j, const char *key, json *val)
{
	if (json_object_object_length(val))
		json_set(j, key, val);
	else
		json_object_put(val);
}

static json *memory_to_json(const struct resources *r)
{
	json *j = json_object_new_object();

	set_nonzero(j, "limit", r->memory);
	set_nonzero(j, "swap", r->memory_swap);
	set_nonzero(j, "reservation", r->memory_reservation);
	if (r->swappiness)
		json_set_int(j, "swappiness", r->swappiness - 1);
	if (r->oom_kill_disable)
		json_set_bool(j, "disableOOMKiller", true);
	return j;
}

static json *cpu_to_json(const struct resources *r)
{
	json *j = json_object_new_object();

	set_nonzero(j, "shares", (int64_t)r->cpu_shares);
	set_nonzero(j, "quota", r->cpu_quota_us);
	set_nonzero(j, "period", (int64_t)r->cpu_period_us);
	if (r->cpuset_cpus)
		json_set_str(j, "cpus", r->cpuset_cpus);
	if (r->cpuset_mems)
		json_set_str(j, "mems", r->cpuset_mems);
	return j;
}

static json *block_io_to_json(const struct resources *r)
{
	json *j = json_object_new_object();

	set_nonzero(j, "weight", r->blkio_weight);
	for (size_t k = 0; k < sizeof io_lists / sizeof io_lists[0]; k++) {
		for (size_t i = 0; i < r->n_io; i++) {
			if (r->io[i].kind != io_lists[k].kind)
				continue;
			json *list = json_get(j, io_lists[k].list), *entry = json_object_new_object();
			if (!list)
				json_set(j, io_lists[k].list, list = json_object_new_array());
			json_set_int(entry, "major", r->io[i].major);
			json_set_int(entry, "minor", r->io[i].minor);
			json_set_int(entry, io_lists[k].value, (int64_t)r->io[i].value);
			json_object_array_add(list, entry);
		}
	}
	return j;
}

static json *devices_to_json(const struct resources *r)
{
	json *list = json_object_new_array();

	for (size_t i = 0; i < r->n_devices; i++) {
		const struct device_rule *d = &r->devices[i];
		json *j = json_object_new_object();
		json_set_bool(j, "allow", d->allow);
		json_set_str(j, "type", (char[]){d->type, 0});
		if (d->major >= 0)
			json_set_int(j, "major", d->major);
		if (d->minor >= 0)
			json_set_int(j, "minor", d->minor);
		json_set_str(j, "access", d->access);
		json_object_array_add(list, j);
	}
	return list;
}

json *resources_to_json(const struct resources *r)
{
	json *j = json_object_new_object();

	set_nonempty(j, "memory", memory_to_json(r));
	set_nonempty(j, "cpu", cpu_to_json(r));
	set_nonempty(j, "blockIO", block_io_to_json(r));
	if (r->pids) {
		json *pids = json_object_new_object();
		json_set_int(pids, "limit", r->pids);
		json_set(j, "pids", pids);
	}
	if (r->n_devices)
		json_set(j, "devices", devices_to_json(r));
	return j;
}

static size_t list_length(json *list)
{
	return list && json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static int io_from_json(json *block, struct resources *r, struct err *e)
{
	for (size_t k = 0; k < sizeof io_lists / sizeof io_lists[0]; k++) {
		json *list = json_get(block, io_lists[k].list);
		for (size_t i = 0; i < list_length(list); i++) {
			json *entry = json_object_array_get_idx(list, i);
			struct io_limit l = {io_lists[k].kind, (unsigned)json_int(entry, "major", 0),
			        (unsigned)json_int(entry, "minor", 0),
			        (uint64_t)json_int(entry, io_lists[k].value, 0)};
			if (resources_add_io(r, l))
				return err_no_memory(e);
		}
	}
	return 0;
}

static int devices_from_json(json *list, struct resources *r, struct err *e)
{
	for (size_t i = 0; i < list_length(list); i++) {
		json *j = json_object_array_get_idx(list, i);
		const char *type = json_str(j, "type", "a"), *access = json_str(j, "access", "rwm");
		struct device_rule d = {.allow = json_bool(j, "allow", false),
		        .type = *type,
		        .major = json_int(j, "major", -1),
		        .minor = json_int(j, "minor", -1)};
		if (!strchr("abc", *type) || !*type || strlen(access) >= sizeof d.access ||
		        access[strspn(access, "rwm")])
			return err_set(e, ERR_CORRUPT,
			        "linux.resources.devices[%zu]: type or access is not known", i);
		strcpy(d.access, access);
		if (resources_add_device(r, d))
			return err_no_memory(e);
	}
	return 0;
}

static int take_text(json *j, const char *key, char **dst, struct err *e)
{
	const char *s = json_str(j, key, NULL);

	return s && !(*dst = strdup(s)) ? err_no_memory(e) : 0;
}

int resources_from_json(json *j, struct resources *r, struct err *e)
{
	json *memory = json_get(j, "memory"), *cpu = json_get(j, "cpu"), *block = json_get(j, "blockIO");

	r->memory = json_int(memory, "limit", 0);
	r->memory_swap = json_int(memory, "swap", 0);
	r->memory_reservation = json_int(memory, "reservation", 0);
	r->swappiness = json_int(memory, "swappiness", -1) + 1;
	r->oom_kill_disable = json_bool(memory, "disableOOMKiller", false);
	r->cpu_shares = (uint64_t)json_int(cpu, "shares", 0);
	r->cpu_quota_us = json_int(cpu, "quota", 0);
	r->cpu_period_us = (uint64_t)json_int(cpu, "period", 0);
	r->pids = json_int(json_get(j, "pids"), "limit", 0);
	r->blkio_weight = (uint16_t)json_int(block, "weight", 0);
	if (take_text(cpu, "cpus", &r->cpuset_cpus, e) || take_text(cpu, "mems", &r->cpuset_mems, e))
		return -1;
	return io_from_json(block, r, e) || devices_from_json(json_get(j, "devices"), r, e) ? -1 : 0;
}
