/* Text: UTF-8, display width, and making foreign bytes harmless (rule R5: bytes that a container,
 * an archive or a registry chose never reach a terminal raw). */
#ifndef TARE_BASE_TEXT_H
#define TARE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Decode one code point from s (len > 0 bytes). Returns the bytes consumed, >= 1; *cp is U+FFFD for an
 * ill-formed sequence (overlong, surrogate, above U+10FFFF, truncated), which consumes one byte. */
size_t utf8_decode(const char *s, size_t len, uint32_t *cp);
/* The bytes of a code point; how many. */
size_t utf8_encode(uint32_t cp, char dst[4]);
bool utf8_valid(const char *s, size_t len);
/* Columns on a terminal: 0 for combining marks and format characters, 2 for wide ones, 1 otherwise;
 * -1 for controls. Needs no locale. */
int cp_width(uint32_t cp);
/* Bidirectional controls and the two separators that terminals take for a new line: never shown as they are.
 */
bool cp_is_reordering(uint32_t cp);
/* Columns of a string that text_harmless() made. */
size_t text_width(const char *s);
/* The longest prefix of s that is at most `cols` wide, in bytes. */
size_t text_prefix(const char *s, size_t cols);

/* Append s with C0, C1, DEL, bidirectional controls and ill-formed bytes replaced by U+FFFD (newline
 * and tab by a space), and at most four combining marks in a row. */
void text_harmless(struct buf *out, const char *s, size_t len);
/* The same for a text of several lines: newlines stay. */
void text_harmless_lines(struct buf *out, const char *s, size_t len);
/* One more line "PATH: WHAT" about a name that may be anything. A list of `most` lines is full: its last one
 * is "PATH: and more like it", and what comes then is dropped. Without memory a line is missing. */
void text_note(char ***notes, size_t most, const char *path, const char *what);
/* The same as text_harmless(), into a fixed buffer, always terminated. */
void text_harmless_to(char *dst, size_t size, const char *s);

/* Edit distance (Damerau-Levenshtein, at most 64 bytes each), for "did you mean". */
unsigned text_distance(const char *a, const char *b);
/* Near enough for "did you mean": one slip, or one in three letters. */
bool text_is_near(const char *word, unsigned distance);
/* The nearest of `n` words that is near enough, or NULL. */
const char *text_nearest(const char *word, const char *const *words, size_t n);
/* Shell-style match with *, ? and [..]; no locale, no recursion on hostile patterns. */
bool text_glob(const char *pattern, const char *s);
/* The part of *rest before the next separator, which is cut off; *rest goes behind it, and is NULL after the
 * last. NULL when *rest is (strsep(3), which POSIX has not). */
char *text_next_part(char **rest, const char *separators);
/* What a hexadecimal digit of either case stands for; -1 for what is none. */
int hex_digit(char c);
/* Append s quoted for POSIX sh, only where it needs quoting. */
void text_shell_quote(struct buf *out, const char *s);

#endif
