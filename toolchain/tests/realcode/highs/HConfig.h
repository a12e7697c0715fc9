// What CMake would write.
#ifndef HCONFIG_H_
#define HCONFIG_H_

#define FAST_BUILD
#define CUPDLP_CPU
#define HIGHS_NO_DEFAULT_THREADS
#define HIGHS_HAVE_BUILTIN_CLZ

#define HIGHS_GITHASH "none"
#define HIGHS_VERSION_MAJOR 1
#define HIGHS_VERSION_MINOR 16
#define HIGHS_VERSION_PATCH 0

#endif
