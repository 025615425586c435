/* How many descriptors we may have. A thousand containers need some twelve thousand for their figures, so the
 * soft limit is raised to the hard one; children get it as it was, since a container inherits it from who
 * starts it. */
#ifndef TARE_TUI_DESCRIPTORS_H
#define TARE_TUI_DESCRIPTORS_H

struct descriptors {
	unsigned long ours, children; /* soft limits; 0: left alone */
};

void descriptors_raise(struct descriptors *d);
/* Around a fork: d->children, then d->ours. */
void descriptors_use(unsigned long soft);

#endif
