// Lets a build on a new Debian run with an old C library: scripts/prebuilt.ts links this into prebuilt addons, with
// --wrap for each name that is wrapped here.
#include <pthread.h>
#include <sys/stat.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

extern "C" {

// Debian's libjpeg.a reads `stderr` in a way that only programs can. libjpeg's default message handler, which needs it,
// is replaced in the addon.
extern FILE* const __real_stderr;
FILE* __wrap_stderr;
__attribute__((constructor)) static void FindStderr() { __wrap_stderr = __real_stderr; }

// Functions that got a new symbol version in glibc 2.29 to 2.34, by the version that all have had from the beginning.
#ifdef __x86_64__
#define CANOPY_OLDEST "GLIBC_2.2.5"
#else
#define CANOPY_OLDEST "GLIBC_2.17"
#endif
#define CANOPY_OLD(alias, name) __asm__(".symver " #alias "," #name "@" CANOPY_OLDEST)

CANOPY_OLD(OldExp, exp);
double OldExp(double);
double __wrap_exp(double value) { return OldExp(value); }

CANOPY_OLD(OldPow, pow);
double OldPow(double, double);
double __wrap_pow(double base, double exponent) { return OldPow(base, exponent); }

CANOPY_OLD(OldCreate, pthread_create);
int OldCreate(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  return OldCreate(thread, attributes, start, argument);
}

CANOPY_OLD(OldJoin, pthread_join);
int OldJoin(pthread_t, void**);
int __wrap_pthread_join(pthread_t thread, void** result) { return OldJoin(thread, result); }

#ifdef __x86_64__
constexpr int kStatVersion = 1;
#else
constexpr int kStatVersion = 0;
#endif
CANOPY_OLD(OldFstat, __fxstat);
int OldFstat(int, int, struct stat*);
int __wrap_fstat(int file, struct stat* status) { return OldFstat(kStatVersion, file, status); }
int __wrap_fstat64(int file, struct stat* status) { return OldFstat(kStatVersion, file, status); }

// libstdc++ counts references without atomic instructions where it is true.
char __wrap___libc_single_threaded = 0;

}  // extern "C"
