/* The levels of the processor: how code is compiled for each, and how many of them this machine can run. */

#ifndef SKBACKPROP_PROCESSOR_H
#define SKBACKPROP_PROCESSOR_H

#if defined(_MSC_VER) && !defined(__clang__)
#define restrict __restrict
#define SIMD(...)
#else
#define PRAGMA(...) _Pragma(#__VA_ARGS__)
#define SIMD(...) PRAGMA(omp simd __VA_ARGS__)
#endif

/* A loop that is unrolled completely, fetching a line of memory, and a function that is not to be copied into its callers,
   where the compiler can be told. */
#if defined(__GNUC__) && !defined(__clang__)
#define UNROLL PRAGMA(GCC unroll 32)
#else
#define UNROLL
#endif
#ifdef __GNUC__
#define FETCH(address) __builtin_prefetch(address)
#define APART __attribute__((noinline))
#else
#define FETCH(address) (void)(address)
#define APART
#endif

#define JOIN_(name, real, level) name##_##real##_##level
#define JOIN(name, real, level) JOIN_(name, real, level)
#define FN(name) JOIN(name, REAL, LEVEL)

#if defined(__x86_64__) && defined(__GNUC__)
#define X86_LEVELS 1
#include <cpuid.h>
#include <immintrin.h>

#ifdef __clang__
#define TARGET(features) PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define END_TARGET PRAGMA(clang attribute pop)
#else
#define TARGET(features) PRAGMA(GCC push_options) PRAGMA(GCC target(features))
#define END_TARGET PRAGMA(GCC pop_options)
#endif

/* AVX2: every x86-64 server and desktop since 2013 (Intel) and 2015 (AMD) */
#define AVX2 "avx2,fma"
#define AVX512 "avx2,fma,avx512f,avx512dq,avx512bw,avx512vl"
#endif

/* How many of the levels baseline, avx2 and avx512, from the first, this machine can run. __builtin_cpu_supports cannot
   be used, because with zig, to which the build falls back, it always returns 0. */
static int n_levels(void) {
#ifdef X86_LEVELS
    const unsigned avx2 = bit_AVX2, avx512 = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
    const unsigned needed = bit_FMA | bit_OSXSAVE;
    unsigned eax, ebx, ecx, edx, saved, high;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & needed) != needed) return 1;
    /* which registers the operating system saves: 0x06 up to ymm, 0xe6 up to zmm and the masks */
    __asm__ volatile("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(ebx & avx2) || (saved & 0x06) != 0x06) return 1;
    return (ebx & avx512) == avx512 && (saved & 0xe6) == 0xe6 ? 3 : 2;
#else
    return 1;
#endif
}
#endif
