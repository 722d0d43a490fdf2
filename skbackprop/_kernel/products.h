/* Products of matrices, for one type REAL and one level of the processor (see precisions.h). Matrices are stored row by
   row, ld (leading dimension) values apart; the length of a row includes its padding.

   There is one thread, and the order of every sum depends only on the shapes. So the bits of a product do not depend on
   the number of cores. Nor is it slowed down by other work on the machine, as BLAS is, whose threads wait by spinning.
   docs/benchmarks/batches.py compares batches with the arithmetic of a large BLAS product on one core. */

/* A tile of C, TILE_ROWS rows of TILE_COLUMNS values, is summed in 16 of 32 registers, or 8 of 16, whatever their width;
   the remaining rows and columns are summed in smaller tiles, the last few columns in tiles of HALF the LANES, since
   100 units are six times 16 and 4. */
#undef VECTOR
#undef TILE_ROWS
#undef TILE_COLUMNS
#define VECTOR (VECTOR_BYTES / (int)sizeof(REAL))
#define TILE_ROWS (VECTOR_BYTES / 8)
#define TILE_COLUMNS (VECTOR_BYTES < 64 ? LANES : 2 * LANES)
#undef HALF
#define HALF (LANES / 2)

/* B is processed DEPTH rows at a time, of which TILE_COLUMNS columns fit into the first-level cache. */
#undef DEPTH
#define DEPTH (VECTOR_BYTES < 64 ? 256 : 160)

/* C (rows x columns) = A B, or with `add` C += A B.  a_ik is A[i * row + k * column], so A may be the transpose of the
   matrix in memory. The sums begin with the first product, as setting an array to 0 is slow. IN A, B   OUT C */
#undef TILE
#undef EACH_OF_TILE
#define EACH_OF_TILE(i, rows, v, columns) \
    for (int i = 0; i < rows; i++) SIMD() for (int v = 0; v < columns; v++)
#define TILE(name, rows, columns)                                                                                     \
    static void FN(name)(ptrdiff_t depth, const REAL *restrict A, ptrdiff_t row, ptrdiff_t column,                    \
                         const REAL *restrict B, ptrdiff_t ldb, int add, REAL *restrict C, ptrdiff_t ldc) {           \
        REAL sum[rows][columns];                                                                                      \
        EACH_OF_TILE(i, rows, v, columns) sum[i][v] = A[i * row] * B[v];                                              \
        for (ptrdiff_t k = 1; k < depth; k++) {                                                                       \
            const REAL *restrict a = A + k * column, *restrict b = B + k * ldb;                                       \
            EACH_OF_TILE(i, rows, v, columns) sum[i][v] += a[i * row] * b[v];                                         \
        }                                                                                                             \
        if (add)                                                                                                      \
            EACH_OF_TILE(i, rows, v, columns) C[i * ldc + v] += sum[i][v];                                            \
        else                                                                                                          \
            EACH_OF_TILE(i, rows, v, columns) C[i * ldc + v] = sum[i][v];                                             \
    }
TILE(half_tile_8, 8, HALF)
TILE(half_tile_4, 4, HALF)
TILE(half_tile_2, 2, HALF)
TILE(half_tile_1, 1, HALF)
TILE(tile_8, 8, LANES)
TILE(tile_4, 4, LANES)
TILE(tile_2, 2, LANES)
TILE(tile_1, 1, LANES)
TILE(wide_tile_8, 8, 2 * LANES)
TILE(wide_tile_4, 4, 2 * LANES)
TILE(wide_tile_2, 2, 2 * LANES)
TILE(wide_tile_1, 1, 2 * LANES)

/* C (m x n) = A B, or with `add` C += A B, A being m x depth with a_ik in A[i * row + k * column]. Where n is no multiple
   of LANES, the rows of C have room for one, and what stands behind n becomes 0; so does B, if it has this room.
   IN A, B   OUT C */
static void FN(product)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t depth, const REAL *restrict A, ptrdiff_t row,
                        ptrdiff_t column, const REAL *restrict B, ptrdiff_t ldb, int add, REAL *restrict C,
                        ptrdiff_t ldc) {
    REAL copy[DEPTH * LANES];
    for (ptrdiff_t k = 0; k < depth; k += DEPTH, add = 1) {
        const ptrdiff_t d = depth - k < DEPTH ? depth - k : DEPTH;
        for (ptrdiff_t j = 0, columns; j < n; j += columns) {
            const REAL *a = A + k * column, *b = B + k * ldb + j;
            ptrdiff_t i = 0, ld = ldb;
            columns = n - j > TILE_COLUMNS - HALF ? TILE_COLUMNS : n - j > HALF ? LANES : HALF;
            if (columns > LANES && j + columns > ldb) columns = LANES;
            if (j + columns > ldb) { /* B has no room */
                memset(copy, 0, d * LANES * sizeof(REAL));
                for (ptrdiff_t q = 0; q < d; q++) memcpy(copy + q * LANES, b + q * ldb, (n - j) * sizeof(REAL));
                b = copy, ld = LANES;
            }
#define TILES(name, rows)              \
    for (; i + rows <= m; i += rows) \
        FN(name)(d, a + i * row, row, column, b, ld, add, C + i * ldc + j, ldc)
            if (columns == HALF) {
                if (TILE_ROWS >= 4) TILES(half_tile_8, 8);
                TILES(half_tile_4, 4);
                TILES(half_tile_2, 2);
                TILES(half_tile_1, 1);
                for (i = 0; i < m && !add; i++)
                    for (int v = HALF; v < LANES; v++) C[i * ldc + j + v] = 0;
            } else if (columns > LANES) {
                TILES(wide_tile_8, 8);
                TILES(wide_tile_4, 4);
                TILES(wide_tile_2, 2);
                TILES(wide_tile_1, 1);
            } else {
                if (TILE_ROWS == 8) TILES(tile_8, 8);
                if (TILE_ROWS >= 4) TILES(tile_4, 4);
                TILES(tile_2, 2);
                TILES(tile_1, 1);
            }
#undef TILES
        }
    }
}

/* Rows in a tile of a product by a transpose: the sums take 16 of 32 registers, or 8 of 16. */
#undef DOT_ROWS
#define DOT_ROWS (VECTOR_BYTES < 64 ? 2 : 4)

/* C = A B^T:  four columns of C for `rows` of its rows. Each value is the product of two rows of length n, summed in as
   many parts as a register has values, whose halves are added at the end. IN A, B   OUT C */
#undef DOT
#define DOT(name, rows)                                                                                               \
    static void FN(name)(const REAL *restrict A, ptrdiff_t lda, const REAL *restrict B, ptrdiff_t ldb, ptrdiff_t n,   \
                         REAL *restrict C, ptrdiff_t ldc) {                                                           \
        REAL sum[4 * rows][VECTOR];                                                                                   \
        for (int i = 0; i < rows; i++)                                                                                \
            for (int j = 0; j < 4; j++)                                                                               \
                SIMD() for (int v = 0; v < VECTOR; v++) sum[4 * i + j][v] = A[i * lda + v] * B[j * ldb + v];          \
        for (ptrdiff_t k = VECTOR; k < n; k += VECTOR)                                                                \
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

/* C (m x n) = A B^T. The rows of A and B have length `depth`; B has a multiple of four rows. IN A, B   OUT C */
static void FN(product_by_transpose)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t depth, const REAL *restrict A, ptrdiff_t lda,
                                     const REAL *restrict B, ptrdiff_t ldb, REAL *restrict C, ptrdiff_t ldc) {
    for (ptrdiff_t j = 0; j < n; j += 4) {
        ptrdiff_t i = 0;
        for (; i + DOT_ROWS <= m; i += DOT_ROWS)
            FN(dots)(A + i * lda, lda, B + j * ldb, ldb, depth, C + i * ldc + j, ldc);
        for (; i < m; i++) FN(dots_of_one)(A + i * lda, lda, B + j * ldb, ldb, depth, C + i * ldc + j, ldc);
    }
}
