#include "engine/event_document.h"

#include <string.h>

#define SECOND_NS 1000000000ll

json *event_document(const char *type, const char *action, const char *id, json *attributes, int64_t at)
{
	json *event = json_object_new_object(), *actor = json_object_new_object();

	if (!attributes)
		attributes = json_object_new_object();
	/* The three that Docker's first API had are still what many scripts read. */
	if (strcmp(type, "container") == 0) {
		json_set_str(event, "status", action);
		json_set_str(event, "id", id);
		json_set_str(event, "from", json_str(attributes, "image", ""));
	}
	json_set_str(event, "Type", type);
	json_set_str(event, "Action", action);
	json_set_str(actor, "ID", id);
	json_set(actor, "Attributes", attributes);
	json_set(event, "Actor", actor);
	json_set_str(event, "scope", "local");
	json_set_int(event, "time", at / SECOND_NS);
	json_set_int(event, "timeNano", at);
	return event;
}
