//! The widest vector instructions of the machine.

/// Work that gains from vector instructions: loops over [`Vector`]s, or plain loops over floats that the compiler
/// vectorises.
///
/// Implementations mark `run` and its callees `#[inline(always)]`: only code inlined into the caller uses the vector
/// instructions.
pub trait Vectorised {
    /// The result of the work.
    type Output;

    /// Does the work with vectors of `LANES` floats.
    fn run<V: Vector<LANES>, const LANES: usize>(self) -> Self::Output;
}

/// Floats in a register.
pub trait Vector<const LANES: usize>: Copy {
    /// Whether multiplication and addition are one operation, with one rounding. The result is the same on all
    /// machines with this operation.
    const FUSED: bool;

    /// Returns a vector of zeros.
    fn zero() -> Self;

    /// Loads the floats of an array.
    fn load(from: &[f32; LANES]) -> Self;

    /// Computes `self + x * y`.
    fn add_product(self, x: f32, y: Self) -> Self;

    /// Stores the floats to an array.
    fn store(self, to: &mut [f32; LANES]);
}

/// Returns the number of floats in the machine's widest vector.
pub fn lanes() -> usize {
    match instructions() {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => 16,
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => 8,
        Instructions::Baseline => 4,
    }
}

/// Does `work` with the machine's widest vectors.
pub fn vectorised<W: Vectorised>(work: W) -> W::Output {
    match instructions() {
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "the call is unsafe only where the machine lacks the instructions")]
        // SAFETY: `instructions` has checked that the machine supports AVX-512.
        Instructions::Avx512 => unsafe { x86::avx512(work) },
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "the call is unsafe only where the machine lacks the instructions")]
        // SAFETY: as above.
        Instructions::Avx2 => unsafe { x86::avx2(work) },
        Instructions::Baseline => work.run::<Baseline, 4>(),
    }
}

enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Baseline,
}

/// The standard library detects the instructions once and remembers the result.
fn instructions() -> Instructions {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        return if is_x86_feature_detected!("avx512f") { Instructions::Avx512 } else { Instructions::Avx2 };
    }
    Instructions::Baseline
}

/// The vectors that every machine of an architecture has: SSE2, NEON, SIMD128. The compiler selects the instructions.
#[derive(Clone, Copy)]
struct Baseline([f32; 4]);

impl Vector<4> for Baseline {
    /// NEON has fused multiplication; SSE2 and SIMD128 have not.
    const FUSED: bool = cfg!(target_arch = "aarch64");

    #[inline(always)]
    fn zero() -> Self {
        Self([0.0; 4])
    }

    #[inline(always)]
    fn load(from: &[f32; 4]) -> Self {
        Self(*from)
    }

    #[inline(always)]
    fn add_product(self, x: f32, y: Self) -> Self {
        let mut sums = self.0;
        for (sum, y) in sums.iter_mut().zip(y.0) {
            *sum = if Self::FUSED { x.mul_add(y, *sum) } else { x * y + *sum };
        }
        Self(sums)
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 4]) {
        *to = self.0;
    }
}

/// The registers are named here because the compiler otherwise reloads a vector for each use, and loads limit the
/// speed of a matrix product.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "the instructions are there: only the two functions below use these types")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };

    use super::{Vector, Vectorised};

    #[target_feature(enable = "avx512f,avx2,fma")]
    pub fn avx512<W: Vectorised>(work: W) -> W::Output {
        work.run::<Avx512, 16>()
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2<W: Vectorised>(work: W) -> W::Output {
        work.run::<Avx2, 8>()
    }

    #[derive(Clone, Copy)]
    struct Avx512(__m512);

    impl Vector<16> for Avx512 {
        const FUSED: bool = true;

        #[inline(always)]
        fn zero() -> Self {
            // SAFETY: AVX-512 is there, see the module.
            Self(unsafe { _mm512_setzero_ps() })
        }

        #[inline(always)]
        fn load(from: &[f32; 16]) -> Self {
            // SAFETY: as above; the array has as many floats as the load reads.
            Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        fn add_product(self, x: f32, y: Self) -> Self {
            // SAFETY: AVX-512 is there, see the module.
            Self(unsafe { _mm512_fmadd_ps(_mm512_set1_ps(x), y.0, self.0) })
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; 16]) {
            // SAFETY: as above; the array has room for all floats of the store.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
        }
    }

    #[derive(Clone, Copy)]
    struct Avx2(__m256);

    impl Vector<8> for Avx2 {
        const FUSED: bool = true;

        #[inline(always)]
        fn zero() -> Self {
            // SAFETY: AVX2 is there, see the module.
            Self(unsafe { _mm256_setzero_ps() })
        }

        #[inline(always)]
        fn load(from: &[f32; 8]) -> Self {
            // SAFETY: as above; the array has as many floats as the load reads.
            Self(unsafe { _mm256_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        fn add_product(self, x: f32, y: Self) -> Self {
            // SAFETY: AVX2 and FMA are there, see the module.
            Self(unsafe { _mm256_fmadd_ps(_mm256_set1_ps(x), y.0, self.0) })
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; 8]) {
            // SAFETY: as above; the array has room for all floats of the store.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), self.0) }
        }
    }
}
