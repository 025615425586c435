/* flip A B - exchanges two names as fast as it can, until it is killed: what is a directory at one moment is
 * a link the next. Static, so that it runs in any image. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	puts("flips");
	fflush(stdout);
	for (;;)
		if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) != 0)
			usleep(100);
}
