/* inspect: all that is known about containers, images, networks and volumes. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/output.h"
#include "engine/tare.h"

struct inspect_options {
	const char *format;
	const char *type; /* NULL: the first kind that has the name */
	bool size;
};

/* In the order in which a name is looked for. */
static const char *const types[] = {"container", "image", "network", "volume"};
#define N_TYPES (sizeof types / sizeof *types)

static int parse_type(void *options, const char *text, struct err *e)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (strcmp(text, types[i]) == 0) {
			((struct inspect_options *)options)->type = text;
			return 0;
		}
	return err_set(e, ERR_USAGE, "unknown type \"%s\"; one of container, image, network, volume", text);
}

static void container_init(void *options)
{
	((struct inspect_options *)options)->type = "container";
}

static void image_init(void *options)
{
	((struct inspect_options *)options)->type = "image";
}

static void network_init(void *options)
{
	((struct inspect_options *)options)->type = "network";
}

static void volume_init(void *options)
{
	((struct inspect_options *)options)->type = "volume";
}

#define OPTIONS struct inspect_options
static const struct option inspect_options[] = {
        OPT_STRING(
                "format", 'f', format, "FORMAT", "json", "json or a Go template such as '{{.State.Status}}'"),
        OPT_FLAG("size", 's', size, "Show the sizes of containers too"),
        OPT_CALL("type", 0, parse_type, "TYPE", "container image network volume",
                "Look only at containers, images, networks or volumes"),
        OPTION_END,
};

static const struct option one_type_options[] = {
        OPT_STRING("format", 'f', format, "FORMAT", "json", "json or a Go template such as '{{.Id}}'"),
        OPTION_END,
};
#undef OPTIONS

static int inspect_as(
        struct tare_engine *engine, const char *type, bool size, const char *ref, json **doc, struct err *e)
{
	switch (*type) {
	case 'c':
		return engine->inspect(engine, ref, size, doc, e);
	case 'i':
		return engine->image_inspect(engine, ref, doc, e);
	case 'v':
		return engine->volume_inspect(engine, ref, doc, e);
	default:
		return engine->network_inspect(engine, ref, doc, e);
	}
}

static int inspect_one(struct tare_engine *engine, const struct inspect_options *o, const char *ref,
        json **doc, struct err *e)
{
	if (o->type)
		return inspect_as(engine, o->type, o->size, ref, doc, e);
	for (size_t i = 0; i < N_TYPES; i++) {
		if (inspect_as(engine, types[i], o->size, ref, doc, e) == 0)
			return 0;
		if (e->kind != ERR_NOT_FOUND)
			return -1;
	}
	return err_set(e, ERR_NOT_FOUND,
	        "there is no container, image, network or volume \"%s\"; see: tare ps -a, tare images, tare "
	        "network ls, tare volume ls",
	        ref);
}

static int inspect_run(struct cli *cli, void *options, char **operands)
{
	struct inspect_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	cleanup_json json *all = json_object_new_array();
	int code = 0;

	if (!engine)
		return cli_fail(cli, &e);
	for (char **ref = operands; *ref; ref++) {
		json *doc = NULL;

		e = (struct err)ERR_INIT;
		if (inspect_one(engine, o, *ref, &doc, &e) == 0) {
			json_object_array_add(all, doc);
			if (!o->format || document_print(doc, o->format, &e) == 0)
				continue;
		}
		code = cli_fail(cli, &e) == 125 && e.kind == ERR_USAGE ? 125 : 1;
		if (code == 125)
			return code;
	}
	if (!o->format && document_print(all, NULL, &e) < 0)
		return cli_fail(cli, &e);
	return code;
}

const struct command inspect_commands[] = {
        {
                .words = "inspect",
                .group = GROUP_CONTAINERS,
                .operands = "NAME [NAME...]",
                .min_operands = 1,
                .max_operands = -1,
                .summary = "Show all that is known about containers, images, networks or volumes",
                .examples = "tare inspect web\ntare inspect -f '{{.State.Pid}}' web\n"
                            "tare inspect -f '{{range $k, $v := "
                            ".Config.Labels}}{{$k}}={{$v}}{{println}}{{end}}' web",
                .complete = "containers",
                .options = inspect_options,
                .size = sizeof(struct inspect_options),
                .run = inspect_run,
        },
        {
                .words = "container inspect",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER [CONTAINER...]",
                .min_operands = 1,
                .max_operands = -1,
                .summary = "Show all that is known about containers",
                .complete = "containers",
                .options = inspect_options,
                .size = sizeof(struct inspect_options),
                .init = container_init,
                .run = inspect_run,
        },
        {
                .words = "image inspect",
                .group = GROUP_IMAGES,
                .operands = "IMAGE [IMAGE...]",
                .min_operands = 1,
                .max_operands = -1,
                .summary = "Show all that is known about images",
                .complete = "images",
                .options = one_type_options,
                .size = sizeof(struct inspect_options),
                .init = image_init,
                .run = inspect_run,
        },
        {
                .words = "network inspect",
                .group = GROUP_NETWORKS,
                .operands = "NETWORK [NETWORK...]",
                .min_operands = 1,
                .max_operands = -1,
                .summary = "Show all that is known about networks, and who is in them",
                .examples = "tare network inspect tare0\n"
                            "tare network inspect -f '{{range .Containers}}{{.Name}} "
                            "{{.IPv4Address}}{{println}}{{end}}' web",
                .complete = "networks",
                .options = one_type_options,
                .size = sizeof(struct inspect_options),
                .init = network_init,
                .run = inspect_run,
        },
        {
                .words = "volume inspect",
                .aliases = "volume-inspect",
                .group = GROUP_VOLUMES,
                .operands = "VOLUME [VOLUME...]",
                .min_operands = 1,
                .max_operands = -1,
                .summary = "Show all that is known about volumes, and who uses them",
                .examples = "tare volume inspect data\n"
                            "tare volume inspect -f '{{range .UsedBy}}{{.Name}} "
                            "{{.Destination}}{{println}}{{end}}' data",
                .complete = "volumes",
                .options = one_type_options,
                .size = sizeof(struct inspect_options),
                .init = volume_init,
                .run = inspect_run,
        },
        {0},
};
