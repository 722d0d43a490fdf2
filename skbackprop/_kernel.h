/* The kernel for one LEVEL of the processor: first for float, then for double. */

#define REAL float
#define REAL_IS_DOUBLE 0
#include "_functions.h"
#include "_layers.h"
#include "_rules.h"
#include "_sample.h"
#include "_steps.h"
#include "_batches.h"
#undef REAL
#undef REAL_IS_DOUBLE

#define REAL double
#define REAL_IS_DOUBLE 1
#include "_functions.h"
#include "_layers.h"
#include "_rules.h"
#include "_sample.h"
#include "_steps.h"
#include "_batches.h"
#undef REAL
#undef REAL_IS_DOUBLE
