//! Sums of products of bytes, with the machine's instructions for them.

/// Columns whose sums lie in a vector.
pub const COLUMNS: usize = 16;
/// Bytes of a row that one instruction multiplies with as many of each column.
pub const QUAD: usize = 4;

/// A vector of factors: four of the first column, then four of the second, and so on. It does not cross a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub struct Quads(pub [i8; COLUMNS * QUAD]);

/// Sums of some rows and columns.
pub type Sums<const WIDTH: usize, const ROWS: usize> = [[[i32; COLUMNS]; WIDTH]; ROWS];

/// Returns whether the machine has instructions for sums of products of bytes (AVX-512 VNNI), or for those of numbers of 16
/// bits (AVX2), which are quicker than sums of floats that must stay below 2^24.
pub fn has_dots() -> bool {
    !matches!(instructions(), Instructions::None)
}

enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Bytes,
    #[cfg(target_arch = "x86_64")]
    Words,
    None,
}

/// The standard library detects the instructions once and remembers the result.
fn instructions() -> Instructions {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
        return Instructions::Bytes;
    } else if is_x86_feature_detected!("avx2") {
        return Instructions::Words;
    }
    Instructions::None
}

/// Adds to `sums` the products of each of `rows` and each column of `panel`, modulo 2^32.
///
/// A row has [`QUAD`] bytes for each step of the panel.
///
/// # Panics
/// If a row is shorter.
pub fn add_dots<const WIDTH: usize, const ROWS: usize>(
    rows: [&[u8]; ROWS],
    panel: &[[Quads; WIDTH]],
    sums: &mut Sums<WIDTH, ROWS>,
) {
    let rows = rows.map(|row| &row.as_chunks::<QUAD>().0[..panel.len()]);
    match instructions() {
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "the call is unsafe only where the machine lacks the instructions")]
        // SAFETY: the machine has them, and each row has a quad for each step of the panel.
        Instructions::Bytes => unsafe { x86::add_bytes(rows, panel, sums) },
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "the call is unsafe only where the machine lacks the instructions")]
        // SAFETY: as above.
        Instructions::Words => unsafe { x86::add_words(rows, panel, sums) },
        Instructions::None => plain(rows, panel, sums),
    }
}

/// The same by plain loops.
fn plain<const WIDTH: usize, const ROWS: usize>(
    rows: [&[[u8; QUAD]]; ROWS],
    panel: &[[Quads; WIDTH]],
    sums: &mut Sums<WIDTH, ROWS>,
) {
    for (row, sums) in rows.iter().zip(sums) {
        for (quad, step) in row.iter().zip(panel) {
            for (factors, sums) in step.iter().zip(sums.iter_mut()) {
                for (factors, sum) in factors.0.as_chunks::<QUAD>().0.iter().zip(sums) {
                    let dot: i32 = quad.iter().zip(factors).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum();
                    *sum = sum.wrapping_add(dot);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "loads from memory are unsafe")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_madd_epi16, _mm256_set1_epi64x,
        _mm256_setzero_si256, _mm256_storeu_si256, _mm512_dpbusd_epi32, _mm512_load_si512, _mm512_loadu_si512,
        _mm512_set1_epi32, _mm512_storeu_si512,
    };

    use super::{COLUMNS, QUAD, Quads, Sums};

    /// Columns whose sums lie in a vector, each in two parts.
    const FOUR: usize = 4;

    /// # Safety
    /// Each row must have as many quads as the panel has steps.
    #[target_feature(enable = "avx512f,avx512vnni")]
    pub unsafe fn add_bytes<const WIDTH: usize, const ROWS: usize>(
        rows: [&[[u8; QUAD]]; ROWS],
        panel: &[[Quads; WIDTH]],
        sums: &mut Sums<WIDTH, ROWS>,
    ) {
        // SAFETY: the array has as many integers as the load reads.
        let mut held =
            sums.each_ref().map(|sums| sums.each_ref().map(|sums| unsafe { _mm512_loadu_si512(sums.as_ptr().cast()) }));
        for (k, step) in panel.iter().enumerate() {
            // SAFETY: the bytes are aligned, and as many as the load reads.
            let columns = step.each_ref().map(|quads| unsafe { _mm512_load_si512(quads.0.as_ptr().cast()) });
            for (held, row) in held.iter_mut().zip(rows) {
                // A check a row takes the registers that tiles need.
                // SAFETY: the row has a quad for each step.
                let quad = _mm512_set1_epi32(i32::from_le_bytes(unsafe { *row.get_unchecked(k) }));
                for (held, column) in held.iter_mut().zip(columns) {
                    *held = _mm512_dpbusd_epi32(*held, quad, column);
                }
            }
        }
        for (held, sums) in held.iter().zip(sums) {
            for (held, sums) in held.iter().zip(sums) {
                // SAFETY: the array has room for all integers of the store.
                unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), *held) }
            }
        }
    }

    /// # Safety
    /// Each row must have as many quads as the panel has steps.
    #[target_feature(enable = "avx2")]
    pub unsafe fn add_words<const WIDTH: usize, const ROWS: usize>(
        rows: [&[[u8; QUAD]]; ROWS],
        panel: &[[Quads; WIDTH]],
        sums: &mut Sums<WIDTH, ROWS>,
    ) {
        // Each quad as numbers of 16 bits.
        let wide = |quad: &[u8; QUAD]| quad.iter().rev().fold(0u64, |wide, &x| wide << 16 | u64::from(x)) as i64;
        let words: Vec<[i64; ROWS]> =
            (0..panel.len()).map(|k| std::array::from_fn(|row| wide(&rows[row][k]))).collect();
        for at in (0..WIDTH * COLUMNS).step_by(FOUR) {
            let (vector, column) = (at / COLUMNS, at % COLUMNS);
            let mut held = [_mm256_setzero_si256(); ROWS];
            for (step, words) in panel.iter().zip(&words) {
                let four: &[i8; FOUR * QUAD] =
                    step[vector].0[column * QUAD..].first_chunk().expect("a vector has a multiple of four columns");
                // SAFETY: the array has as many bytes as the load reads.
                let factors = _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(four.as_ptr().cast()) });
                for (held, &quad) in held.iter_mut().zip(words) {
                    *held = _mm256_add_epi32(*held, _mm256_madd_epi16(_mm256_set1_epi64x(quad), factors));
                }
            }
            for (held, sums) in held.into_iter().zip(sums.iter_mut()) {
                for (sum, pair) in sums[vector][column..].iter_mut().zip(pairs(held)) {
                    *sum = sum.wrapping_add(pair[0].wrapping_add(pair[1]));
                }
            }
        }
    }

    #[target_feature(enable = "avx2")]
    fn pairs(sums: __m256i) -> [[i32; 2]; FOUR] {
        let mut pairs = [[0; 2]; FOUR];
        // SAFETY: the array has room for all integers of the store.
        unsafe { _mm256_storeu_si256(pairs.as_mut_ptr().cast(), sums) }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn instructions_are_the_plain_loops(
            bytes in prop::collection::vec(any::<u8>(), 3 * 4 * 40),
            factors in prop::collection::vec(any::<i8>(), 2 * 64 * 40),
            steps in 0usize..40,
            start in any::<i32>(),
        ) {
            let rows = [0, 1, 2].map(|row| &bytes[row * 160..][..160]);
            let panel: Vec<Quads> = factors.as_chunks().0.iter().map(|&quads| Quads(quads)).collect();
            let panel = &panel.as_chunks::<2>().0[..steps];
            let mut sums = [[[start; COLUMNS]; 2]; 3];
            let mut expected = sums;
            add_dots(rows, panel, &mut sums);
            let rows = rows.map(|row| row.as_chunks::<QUAD>().0);
            plain(rows, panel, &mut expected);
            prop_assert_eq!(sums, expected);
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                let mut sums = [[[start; COLUMNS]; 2]; 3];
                #[allow(unsafe_code, reason = "the call is unsafe only where the machine lacks the instructions")]
                // SAFETY: the machine has them, and the rows are as long as the panel or longer.
                unsafe { x86::add_words(rows, panel, &mut sums) };
                prop_assert_eq!(sums, expected);
            }
        }
    }

    /// The largest products of all steps, which saturate in 16 bits.
    #[test]
    fn nothing_saturates() {
        let (row, panel) = ([255u8; 4096], [[Quads([-128; 64])]; 1024]);
        let mut sums = [[[0; COLUMNS]]];
        add_dots([&row], &panel, &mut sums);
        assert_eq!(sums, [[[-128 * 255 * 4096; COLUMNS]]]);
    }
}
