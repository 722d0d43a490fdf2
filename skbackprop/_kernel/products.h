/* Products of matrices, for one type REAL and one level of the processor (see precisions.h). Matrices lie row by row in
   memory, ld (leading dimension) values apart; the length of a row counts its padding.

   One thread, and every sum in one order, which depends on the shapes alone: so the bits of a product do not depend on
   the number of cores, and a product by BLAS, whose threads wait by spinning, is never slowed by what else the machine
   does. docs/benchmarks/batches.py measures batches beside the arithmetic of a large product by BLAS on one core. */

/* A tile of C, TILE_ROWS rows of LANES values, is summed in eight registers, whatever their width; the rows that are
   left over in smaller tiles. */
#undef VECTOR
#undef TILE_ROWS
#define VECTOR (VECTOR_BYTES / (int)sizeof(REAL))
#define TILE_ROWS (VECTOR_BYTES / 8)

/* B is taken in so many rows, of which LANES columns fit into the first-level cache; these are copied together where at
   least COPY_ROWS rows of C are made of them. */
#undef DEPTH
#undef COPY_ROWS
#define DEPTH 256
#define COPY_ROWS 256

/* C (rows x LANES) = A B, or with `add` C += A B;  a_ik is A[i * row + k * column]: also the transpose of what lies in
   memory. IN A, B   OUT C */
#undef TILE
#define TILE(name, rows)                                                                                              \
    static void FN(name)(ptrdiff_t depth, const REAL *restrict A, ptrdiff_t row, ptrdiff_t column,                    \
                         const REAL *restrict B, ptrdiff_t ldb, int add, REAL *restrict C, ptrdiff_t ldc) {           \
        REAL sum[rows][LANES];                                                                                        \
        for (int i = 0; i < rows; i++) SIMD() for (int v = 0; v < LANES; v++) sum[i][v] = 0;                          \
        for (ptrdiff_t k = 0; k < depth; k++) {                                                                       \
            const REAL *restrict a = A + k * column, *restrict b = B + k * ldb;                                       \
            for (int i = 0; i < rows; i++) SIMD() for (int v = 0; v < LANES; v++) sum[i][v] += a[i * row] * b[v];     \
        }                                                                                                             \
        if (add)                                                                                                      \
            for (int i = 0; i < rows; i++) SIMD() for (int v = 0; v < LANES; v++) C[i * ldc + v] += sum[i][v];        \
        else                                                                                                          \
            for (int i = 0; i < rows; i++) SIMD() for (int v = 0; v < LANES; v++) C[i * ldc + v] = sum[i][v];         \
    }
TILE(tile_8, 8)
TILE(tile_4, 4)
TILE(tile_2, 2)
TILE(tile_1, 1)

/* C (m x n) = A B, or with `add` C += A B, A being m x depth with a_ik in A[i * row + k * column]. Where n is no multiple
   of LANES, the rows of C have room for one, and what stands behind n becomes 0. IN A, B   OUT C */
static void FN(product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t depth, const REAL *restrict A, ptrdiff_t row,
                        ptrdiff_t column, const REAL *restrict B, ptrdiff_t ldb, int add, REAL *restrict C,
                        ptrdiff_t ldc) {
    REAL copy[DEPTH * LANES];
    for (ptrdiff_t k = 0; k < depth; k += DEPTH, add = 1) {
        const ptrdiff_t d = depth - k < DEPTH ? depth - k : DEPTH;
        for (ptrdiff_t j = 0; j < n; j += LANES) {
            const REAL *a = A + k * column, *b = B + k * ldb + j;
            ptrdiff_t i = 0, ld = ldb;
            if (n - j < LANES) {
                memset(copy, 0, sizeof copy);
                for (ptrdiff_t q = 0; q < d; q++) memcpy(copy + q * LANES, b + q * ldb, (n - j) * sizeof(REAL));
                b = copy, ld = LANES;
            } else if (m >= COPY_ROWS) {
                for (ptrdiff_t q = 0; q < d; q++) memcpy(copy + q * LANES, b + q * ldb, REGISTER_BYTES);
                b = copy, ld = LANES;
            }
#define TILES(name, rows)              \
    for (; i + rows <= m; i += rows) \
        FN(name)(d, a + i * row, row, column, b, ld, add, C + i * ldc + j, ldc)
            if (TILE_ROWS == 8) TILES(tile_8, 8);
            if (TILE_ROWS >= 4) TILES(tile_4, 4);
            TILES(tile_2, 2);
            TILES(tile_1, 1);
#undef TILES
        }
    }
}

/* Rows of a tile of a product by a transpose: 16 or 8 registers of sums, of the 32 or 16 that there are. */
#undef DOT_ROWS
#define DOT_ROWS (VECTOR_BYTES < 64 ? 2 : 4)

/* C = A B^T:  four columns of C for so many of its rows, each a product of two rows, n long, kept in as many parts as a
   register has values, until their halves are added. IN A, B   OUT C */
#undef DOT
#define DOT(name, rows)                                                                                               \
    static void FN(name)(const REAL *restrict A, ptrdiff_t lda, const REAL *restrict B, ptrdiff_t ldb, ptrdiff_t n,   \
                         REAL *restrict C, ptrdiff_t ldc) {                                                           \
        REAL sum[4 * rows][VECTOR];                                                                                   \
        for (int q = 0; q < 4 * rows; q++) SIMD() for (int v = 0; v < VECTOR; v++) sum[q][v] = 0;                     \
        for (ptrdiff_t k = 0; k < n; k += VECTOR)                                                                     \
            for (int i = 0; i < rows; i++)                                                                            \
                for (int j = 0; j < 4; j++)                                                                           \
                    SIMD() for (int v = 0; v < VECTOR; v++) sum[4 * i + j][v] +=                                      \
                        A[i * lda + k + v] * B[j * ldb + k + v];                                                      \
        if (VECTOR > 8)                                                                                               \
            for (int q = 0; q < 4 * rows; q++)                                                                        \
                SIMD() for (int v = 0; v < 8; v++) sum[q][v] += sum[q][(v + 8) % VECTOR];                             \
        if (VECTOR > 4)                                                                                               \
            for (int q = 0; q < 4 * rows; q++)                                                                        \
                SIMD() for (int v = 0; v < 4; v++) sum[q][v] += sum[q][(v + 4) % VECTOR];                             \
        for (int i = 0; i < rows; i++)                                                                                \
            for (int j = 0; j < 4; j++) {                                                                             \
                const REAL *s = sum[4 * i + j];                                                                       \
                C[i * ldc + j] = VECTOR > 2 ? (s[0] + s[2 % VECTOR]) + (s[1] + s[3 % VECTOR]) : s[0] + s[1];          \
            }                                                                                                         \
    }
DOT(dots, DOT_ROWS)
DOT(dots_of_one, 1)

/* C (m x n) = A B^T, the rows of A and B being `depth` long, B having whole fours of them. IN A, B   OUT C */
static void FN(product_by_transpose)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t depth, const REAL *restrict A, ptrdiff_t lda,
                                     const REAL *restrict B, ptrdiff_t ldb, REAL *restrict C, ptrdiff_t ldc) {
    for (ptrdiff_t j = 0; j < n; j += 4) {
        ptrdiff_t i = 0;
        for (; i + DOT_ROWS <= m; i += DOT_ROWS)
            FN(dots)(A + i * lda, lda, B + j * ldb, ldb, depth, C + i * ldc + j, ldc);
        for (; i < m; i++) FN(dots_of_one)(A + i * lda, lda, B + j * ldb, ldb, depth, C + i * ldc + j, ldc);
    }
}
