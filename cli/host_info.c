#include "cli/host_info.h"

#include <string.h>

#include "base/text.h"
#include "base/units.h"

static const struct line {
	const char *key, *label; /* the label with its indentation */
	bool size;
} lines[] = {
        {"Containers", "Containers", false},
        {"ContainersRunning", " Running", false},
        {"ContainersPaused", " Paused", false},
        {"ContainersStopped", " Stopped", false},
        {"Images", "Images", false},
        {"Networks", "Networks", false},
        {"ServerVersion", "Server Version", false},
        {"Driver", "Storage Driver", false},
        {"LoggingDriver", "Logging Driver", false},
        {"CgroupVersion", "Cgroup Version", false},
        {"CgroupControllers", "Cgroup Controllers", false},
        {"CgroupDelegation", "Cgroup Delegation", false},
        {"IPv4Forwarding", "IPv4 Forwarding", false},
        {"IPv6Forwarding", "IPv6 Forwarding", false},
        {"SecurityOptions", "Security Options", false},
        {"SecurityModules", "Security Modules", false},
        {"UserNamespaces", "User Namespaces", false},
        {"AppArmorProfile", "AppArmor Profile", false},
        {"KernelVersion", "Kernel Version", false},
        {"OperatingSystem", "Operating System", false},
        {"OSType", "OSType", false},
        {"Architecture", "Architecture", false},
        {"NCPU", "CPUs", false},
        {"MemTotal", "Total Memory", true},
        {"Name", "Name", false},
        {"DockerRootDir", "Root Dir", false},
        {"StateDir", "State Dir", false},
};

static void add_text(struct buf *out, json *value)
{
	const char *text = value ? json_object_get_string(value) : "none";

	text_harmless(out, text, strlen(text));
	buf_char(out, '\n');
}

static void add_members(struct buf *out, json *value)
{
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach (value, key, member) {
			buf_printf(out, " %s: ", key);
			add_text(out, member);
		}
		return;
	}
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		buf_char(out, ' ');
		add_text(out, json_object_array_get_idx(value, i));
	}
}

static void add_line(struct buf *out, const struct line *l, json *value)
{
	char size[SIZE_TEXT_SIZE];

	buf_printf(out, "%s:", l->label);
	if (json_object_is_type(value, json_type_object) || json_object_is_type(value, json_type_array)) {
		buf_char(out, '\n');
		add_members(out, value);
	} else if (l->size) {
		buf_printf(out, " %s\n", size_format_binary((uint64_t)json_object_get_int64(value), size));
	} else {
		buf_char(out, ' ');
		add_text(out, value);
	}
}

void host_info_text(json *doc, struct buf *out)
{
	json *warnings = json_get(doc, "Warnings");

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		json *value = json_get(doc, lines[i].key);

		if (value)
			add_line(out, &lines[i], value);
	}
	for (size_t i = 0; warnings && i < json_object_array_length(warnings); i++) {
		buf_str_add(out, "WARNING: ");
		add_text(out, json_object_array_get_idx(warnings, i));
	}
}
