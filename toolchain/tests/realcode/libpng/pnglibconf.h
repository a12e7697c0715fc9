/* Upstream's configuration for builds without its own configure. */
#include "scripts/pnglibconf.h.prebuilt"
