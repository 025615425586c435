/* ^P: jump to any container, image, volume or shell by a few letters of its name. */
#ifndef TARE_TUI_JUMP_H
#define TARE_TUI_JUMP_H

struct app;
struct view;

struct view *jump_new(struct app *a);

#endif
