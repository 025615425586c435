/* Names for containers that were given none. */
#ifndef TARE_ENGINE_NAME_H
#define TARE_ENGINE_NAME_H

#define NAME_GENERATED_MAX 40
/* A fresh suggestion; from the fourth attempt on with a number. */
void name_generate(char dst[NAME_GENERATED_MAX], unsigned attempt);

#endif
