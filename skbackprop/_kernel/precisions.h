/* The kernel for one LEVEL of the processor: first for float, then for double. */

#define REAL float
#define REAL_IS_DOUBLE 0
#include "functions.h"
#include "layers.h"
#include "products.h"
#include "sample.h"
#include "steps.h"
#include "parts.h"
#include "rules.h"
#include "lists.h"
#include "batches.h"
#include "predictions.h"
#undef REAL
#undef REAL_IS_DOUBLE

#define REAL double
#define REAL_IS_DOUBLE 1
#include "functions.h"
#include "layers.h"
#include "products.h"
#include "sample.h"
#include "steps.h"
#include "parts.h"
#include "rules.h"
#include "lists.h"
#include "batches.h"
#include "predictions.h"
#undef REAL
#undef REAL_IS_DOUBLE
