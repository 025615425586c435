/* Files: the forms in which their names, modes and bytes are shown, and their order. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/file_browser.h"

#define LOOKED_AT 8192 /* bytes that tell a binary from a text */
#define HEX_COLS  16

int file_compare(const struct tare_file *a, const struct tare_file *b, enum file_order order)
{
	bool da = S_ISDIR(a->mode), db = S_ISDIR(b->mode);

	if (da != db)
		return da ? -1 : 1;
	if (order == FILES_BY_SIZE && a->size != b->size)
		return a->size > b->size ? -1 : 1;
	if (order == FILES_BY_TIME && a->mtime != b->mtime)
		return a->mtime > b->mtime ? -1 : 1;
	return strcmp(a->name, b->name);
}

static char type_letter(unsigned mode)
{
	return S_ISDIR(mode)    ? 'd'
	       : S_ISLNK(mode)  ? 'l'
	       : S_ISCHR(mode)  ? 'c'
	       : S_ISBLK(mode)  ? 'b'
	       : S_ISFIFO(mode) ? 'p'
	       : S_ISSOCK(mode) ? 's'
	                        : '-';
}

char *file_mode_text(unsigned mode, char *dst)
{
	static const char letters[] = "rwxrwxrwx";

	dst[0] = type_letter(mode);
	for (int i = 0; i < 9; i++)
		dst[1 + i] = mode >> (8 - i) & 1 ? letters[i] : '-';
	if (mode & S_ISUID)
		dst[3] = mode & 0100 ? 's' : 'S';
	if (mode & S_ISGID)
		dst[6] = mode & 0010 ? 's' : 'S';
	if (mode & 01000) /* the sticky bit, which POSIX names only with XSI */
		dst[9] = mode & 0001 ? 't' : 'T';
	dst[10] = '\0';
	return dst;
}

void file_path_join(char *dst, size_t size, const char *dir, const char *name)
{
	int n = snprintf(dst, size, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);

	if (n < 0 || (size_t)n >= size)
		dst[0] = '\0';
}

void file_path_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash && slash != path)
		*slash = '\0';
	else
		strcpy(path, "/");
}

bool file_is_binary(const char *data, size_t len)
{
	size_t n = len < LOOKED_AT ? len : LOOKED_AT, bad = 0;
	uint32_t cp;

	if (memchr(data, '\0', n))
		return true;
	for (size_t i = 0; i < n; bad += cp == 0xfffd)
		i += utf8_decode(data + i, n - i, &cp);
	return bad * 10 > n;
}

void file_hex_dump(struct buf *out, const char *data, size_t len)
{
	for (size_t at = 0; at < len; at += HEX_COLS) {
		size_t n = len - at < HEX_COLS ? len - at : HEX_COLS;
		buf_printf(out, "%08zx ", at);
		for (size_t i = 0; i < HEX_COLS; i++) {
			if (i % 8 == 0)
				buf_char(out, ' ');
			if (i < n)
				buf_printf(out, "%02x ", (unsigned char)data[at + i]);
			else
				buf_str_add(out, "   ");
		}
		buf_str_add(out, " |");
		for (size_t i = 0; i < n; i++)
			buf_char(out, data[at + i] >= ' ' && data[at + i] < 0x7f ? data[at + i] : '.');
		buf_str_add(out, "|\n");
	}
}
