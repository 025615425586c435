#include "engine/archive/tree_xattr_ids.h"

#include <endian.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "engine/oci/id_map.h"

/* linux/posix_acl_xattr.h: a version, then entries of tag, rights and id, all little-endian. */
#define ACL_VERSION 4
#define ACL_ENTRY   8
#define ACL_USER    2
#define ACL_GROUP   8

typedef bool translate(const struct id_map *m, uint32_t id, uint32_t *other);

static size_t translate_acl(unsigned char *value, size_t len, const struct id_maps *ids, translate *fn)
{
	size_t kept = ACL_VERSION;

	for (size_t at = ACL_VERSION; at + ACL_ENTRY <= len; at += ACL_ENTRY) {
		uint16_t tag;
		uint32_t id;
		memcpy(&tag, value + at, sizeof tag);
		memcpy(&id, value + at + 4, sizeof id);
		tag = le16toh(tag);
		id = le32toh(id);
		if ((tag == ACL_USER && !fn(&ids->uid, id, &id)) ||
		        (tag == ACL_GROUP && !fn(&ids->gid, id, &id)))
			continue;
		id = htole32(id);
		memmove(value + kept, value + at, ACL_ENTRY);
		memcpy(value + kept + 4, &id, sizeof id);
		kept += ACL_ENTRY;
	}
	return kept;
}

/* Without a root's id in it they count for that of this namespace, or of the one that they are read in. */
static ssize_t translate_capability(
        unsigned char *value, size_t len, const struct id_maps *ids, translate *fn, bool out)
{
	const size_t id_at = XATTR_CAPS_SZ_3 - sizeof(uint32_t);
	uint32_t head, id = 0;

	if (len < sizeof head)
		return -1;
	memcpy(&head, value, sizeof head);
	head = le32toh(head);
	bool has_id = (head & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_3 && len == XATTR_CAPS_SZ_3;
	if (!has_id &&
	        (!out || (head & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_2 || len != XATTR_CAPS_SZ_2))
		return (ssize_t)len;
	if (has_id)
		memcpy(&id, value + id_at, sizeof id);
	id = le32toh(id);
	if (!fn(&ids->uid, id, &id))
		return -1;
	head = htole32((head & ~VFS_CAP_REVISION_MASK) | (id ? VFS_CAP_REVISION_3 : VFS_CAP_REVISION_2));
	memcpy(value, &head, sizeof head);
	if (!id)
		return XATTR_CAPS_SZ_2;
	id = htole32(id);
	memcpy(value + id_at, &id, sizeof id);
	return XATTR_CAPS_SZ_3;
}

static bool is_acl(const char *name)
{
	return strcmp(name, "system.posix_acl_access") == 0 || strcmp(name, "system.posix_acl_default") == 0;
}

static bool is_capability(const char *name)
{
	return strcmp(name, "security.capability") == 0;
}

ssize_t tree_xattr_ids_in(const char *name, void *value, size_t len, const struct id_maps *ids)
{
	if (is_acl(name) && len > ACL_VERSION)
		return (ssize_t)translate_acl(value, len, ids, id_map_in);
	return is_capability(name) ? translate_capability(value, len, ids, id_map_in, false) : (ssize_t)len;
}

static int add_outside(struct tree_xattrs_outside *room, const struct tree_xattr *x,
        const struct id_maps *ids, struct err *e)
{
	unsigned char *value = NULL;
	ssize_t len = (ssize_t)x->len;

	if (x->len <= XATTR_SIZE_MAX &&
	        !(value = (unsigned char *)buf_reserve(&room->values, x->len + XATTR_IDS_GROW)))
		return err_no_memory(e);
	if (!value)
		return err_set(e, ERR_CORRUPT, "its attribute \"%.100s\" is too long", x->name);
	memcpy(value, x->value, x->len);
	if (is_acl(x->name) && x->len > ACL_VERSION)
		len = (ssize_t)translate_acl(value, x->len, ids, id_map_out);
	else if (is_capability(x->name))
		len = translate_capability(value, x->len, ids, id_map_out, true);
	if (len < 0)
		return 0;
	room->values.len += (size_t)len;
	room->xattrs[room->entry.n_xattrs++] = (struct tree_xattr){.name = x->name, .len = (size_t)len};
	return 0;
}

static bool has_ids(const struct tree_entry *entry)
{
	for (size_t i = 0; i < entry->n_xattrs; i++)
		if (is_acl(entry->xattrs[i].name) || is_capability(entry->xattrs[i].name))
			return true;
	return false;
}

const struct tree_entry *tree_xattrs_out(struct tree_xattrs_outside *room, const struct tree_entry *entry,
        const struct id_maps *ids, struct err *e)
{
	size_t at = 0;

	if (!ids || !has_ids(entry))
		return entry;
	buf_reset(&room->values);
	room->entry = *entry;
	room->entry.xattrs = room->xattrs;
	room->entry.n_xattrs = 0;
	for (size_t i = 0; i < entry->n_xattrs && i < TREE_XATTRS_MAX; i++)
		if (add_outside(room, &entry->xattrs[i], ids, e) != 0)
			return NULL;
	for (size_t i = 0; i < room->entry.n_xattrs; at += room->xattrs[i++].len)
		room->xattrs[i].value = room->values.data + at;
	return &room->entry;
}
