#include "registry/client/platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/err.h"

#define LISTED_MAX 24 /* platforms in an error */

/* ------------------------------------------------------------------ spelling */

static void normalise(struct platform *p)
{
	static const char *const names[][3] = {{"x86_64", "amd64", ""}, {"x86-64", "amd64", ""},
	        {"aarch64", "arm64", ""}, {"armhf", "arm", "v7"}, {"armel", "arm", "v6"}, {"i386", "386", ""},
	        {"i686", "386", ""}};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(p->architecture, names[i][0]) == 0) {
			strcpy(p->architecture, names[i][1]);
			if (names[i][2][0])
				strcpy(p->variant, names[i][2]);
		}
	if (p->variant[0] >= '1' && p->variant[0] <= '9' && !p->variant[1]) {
		p->variant[1] = p->variant[0];
		p->variant[0] = 'v';
		p->variant[2] = '\0';
	}
	if (strcmp(p->architecture, "arm") == 0 && !p->variant[0])
		strcpy(p->variant, "v7");
	if ((strcmp(p->architecture, "arm64") == 0 && strcmp(p->variant, "v8") == 0) ||
	        (strcmp(p->architecture, "amd64") == 0 && strcmp(p->variant, "v1") == 0))
		p->variant[0] = '\0';
}

static bool copy_part(char *dst, size_t size, const char *text, size_t len)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	if (len == 0 || len >= size || strspn(text, good) < len)
		return false;
	memcpy(dst, text, len);
	dst[len] = '\0';
	return true;
}

static bool read_parts(const char *text, struct platform *p)
{
	const char *part[3] = {text};
	size_t len[3] = {0}, n = 1;
	for (const char *c = text; *c; c++) {
		if (*c != '/') {
			len[n - 1]++;
			continue;
		}
		if (n == 3)
			return false;
		part[n++] = c + 1;
	}
	if (n == 1) {
		strcpy(p->os, "linux");
		return copy_part(p->architecture, sizeof(p->architecture), part[0], len[0]);
	}
	return copy_part(p->os, sizeof(p->os), part[0], len[0]) &&
	       copy_part(p->architecture, sizeof(p->architecture), part[1], len[1]) &&
	       (n == 2 || copy_part(p->variant, sizeof(p->variant), part[2], len[2]));
}

static void host_platform(struct platform *p)
{
	struct utsname u;
	strcpy(p->os, "linux");
	snprintf(p->architecture, sizeof(p->architecture), "%s", host_architecture());
	/* "armv6l" */
	if (strcmp(p->architecture, "arm") == 0 && uname(&u) == 0 && strncmp(u.machine, "armv", 4) == 0)
		snprintf(p->variant, sizeof(p->variant), "v%c", u.machine[4]);
}

int platform_parse(const char *text, struct platform *p, struct err *e)
{
	*p = (struct platform){.asked = text};
	if (!text)
		host_platform(p);
	else if (!read_parts(text, p))
		return err_set(e, ERR_USAGE,
		        "\"%.100s\" is not a platform; write OS/ARCH[/VARIANT], as in linux/arm64 or "
		        "linux/arm/v7",
		        text);
	normalise(p);
	return 0;
}

char *platform_text(const struct platform *p, char dst[PLATFORM_TEXT_SIZE])
{
	snprintf(dst, PLATFORM_TEXT_SIZE, "%s/%s%s%s", p->os, p->architecture, p->variant[0] ? "/" : "",
	        p->variant);
	return dst;
}

/* ------------------------------------------------------------------ choice */

/* What a descriptor or config says, in normal form. false: nothing, or too long to be one that is known. */
static bool said(const char *os, const char *architecture, const char *variant, struct platform *p)
{
	*p = (struct platform){0};
	if (!os || !architecture || strlen(os) >= sizeof(p->os) ||
	        strlen(architecture) >= sizeof(p->architecture) ||
	        (variant && strlen(variant) >= sizeof(p->variant)))
		return false;
	strcpy(p->os, os);
	strcpy(p->architecture, architecture);
	strcpy(p->variant, variant ? variant : "");
	normalise(p);
	return true;
}

static int variant_number(const char *variant, int none)
{
	return !variant[0]                                                   ? none
	       : variant[0] == 'v' && variant[1] >= '1' && variant[1] <= '9' ? variant[1] - '0'
	                                                                     : 0;
}

/* How well `there` runs on `here`, the smaller the better; -1: not at all. A processor runs what was made for
 * older variants of its kind. */
static int rank(const struct platform *here, const struct platform *there)
{
	bool is_arm = strcmp(here->architecture, "arm") == 0 || strcmp(here->architecture, "arm64") == 0;
	int none = strcmp(here->architecture, "arm64") == 0 ? 8 : 1;
	if (strcmp(here->os, there->os) != 0)
		return -1;
	if (strcmp(here->architecture, there->architecture) == 0) {
		int have = variant_number(here->variant, none), want = variant_number(there->variant, none);
		if (strcmp(here->variant, there->variant) == 0)
			return 0;
		return have && want && want <= have && (!is_arm || want >= 5) ? have - want : -1;
	}
	/* 32-bit programs on a 64-bit machine: only when nobody named the architecture */
	if (here->asked)
		return -1;
	if (strcmp(here->architecture, "amd64") == 0 && strcmp(there->architecture, "386") == 0)
		return 20;
	if (strcmp(here->architecture, "arm64") == 0 && strcmp(there->architecture, "arm") == 0)
		return 28 - variant_number(there->variant, 7);
	return -1;
}

/* Attestations (buildkit's) say unknown/unknown and which member they are about. */
static bool is_candidate(const struct descriptor *d)
{
	enum media_kind kind = media_kind(d->media_type);
	return (kind == MEDIA_KIND_MANIFEST || kind == MEDIA_KIND_INDEX) && !d->about_another &&
	       !(d->os && strcmp(d->os, "unknown") == 0);
}

static void list_platforms(const struct oci_index *index, struct buf *out)
{
	unsigned n = 0;
	for (size_t i = 0; i < index->n && n < LISTED_MAX; i++) {
		const struct descriptor *d = &index->entries[i];
		if (!is_candidate(d) || !d->os || !d->architecture)
			continue;
		buf_printf(out, "%s%.30s/%.30s%s%.14s", n++ ? ", " : "", d->os, d->architecture,
		        d->variant && d->variant[0] ? "/" : "", d->variant ? d->variant : "");
	}
	if (n == LISTED_MAX)
		buf_str_add(out, ", …");
}

const struct descriptor *platform_choose(
        const struct oci_index *index, const struct platform *p, const char *what, struct err *e)
{
	const struct descriptor *best = NULL, *silent = NULL;
	int best_rank = -1;
	size_t n_silent = 0;
	char text[PLATFORM_TEXT_SIZE];
	for (size_t i = 0; i < index->n; i++) {
		const struct descriptor *d = &index->entries[i];
		struct platform there;
		if (!is_candidate(d))
			continue;
		if (!said(d->os, d->architecture, d->variant, &there)) {
			silent = d;
			n_silent += !d->os || !d->architecture;
			continue;
		}
		int r = rank(p, &there);
		if (r >= 0 && (!best || r < best_rank)) {
			best = d;
			best_rank = r;
		}
	}
	if (best || n_silent == 1)
		return best ? best : silent;
	cleanup_buf struct buf list = BUF_INIT;
	list_platforms(index, &list);
	if (!list.len)
		return err_set_null(e, ERR_NOT_FOUND, "%s is an index without any image", what);
	return err_set_null(e, ERR_NOT_FOUND, "%s is not there for %s; choose with --platform: %s", what,
	        platform_text(p, text), buf_str(&list));
}

bool platform_fits(const struct platform *p, const struct image_config *c)
{
	struct platform there;
	return said(c->os, c->architecture, c->variant, &there) && rank(p, &there) >= 0;
}
