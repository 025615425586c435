/* Names for containers that were given none: two short words, "calm_heron". */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "engine/name.h"

static const char *const manner[] = {"amber", "bold", "brave", "brisk", "calm", "clear", "clever", "cosy",
        "crisp", "dapper", "deft", "eager", "early", "fair", "fleet", "fond", "frank", "gentle", "glad",
        "golden", "grand", "hardy", "hazel", "honest", "humble", "jolly", "keen", "kind", "light", "lively",
        "loyal", "lucid", "lucky", "mellow", "merry", "mild", "modest", "neat", "nimble", "noble", "patient",
        "plain", "polite", "proud", "quick", "quiet", "ready", "rosy", "rustic", "serene", "sharp", "silver",
        "simple", "sleek", "smart", "snug", "solid", "spry", "steady", "sunny", "swift", "tidy", "vivid",
        "warm"};
static const char *const thing[] = {"acorn", "alder", "anchor", "aspen", "badger", "barley", "beacon",
        "beaver", "birch", "bramble", "brook", "canoe", "cedar", "clover", "comet", "coral", "crane",
        "cricket", "dune", "falcon", "fern", "finch", "fjord", "garnet", "glacier", "harbor", "hare", "heron",
        "ibis", "juniper", "kestrel", "lark", "linden", "lynx", "maple", "marten", "meadow", "mistral",
        "moss", "oak", "orchid", "osprey", "otter", "pebble", "pine", "plover", "quartz", "raven", "reed",
        "robin", "rowan", "sparrow", "spruce", "stoat", "swallow", "tern", "thistle", "topaz", "trout",
        "walnut", "willow", "wren", "yarrow", "zephyr"};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

void name_generate(char dst[NAME_GENERATED_MAX], unsigned attempt)
{
	char hex[9];

	random_hex(hex, 4);
	unsigned long n = strtoul(hex, NULL, 16);
	const char *a = manner[n % COUNT(manner)], *b = thing[n / COUNT(manner) % COUNT(thing)];
	if (attempt < 3)
		snprintf(dst, NAME_GENERATED_MAX, "%s_%s", a, b);
	else /* many containers: the words alone keep colliding */
		snprintf(dst, NAME_GENERATED_MAX, "%s_%s%lu", a, b, n >> 12);
}
