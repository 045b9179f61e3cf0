//! The widest vector instructions that the machine has.

/// Work that gains from vector instructions: loops over [`Vector`]s, or plain loops over floats, which the compiler turns
/// into them.
///
/// Implementations mark `run` and what it calls `#[inline(always)]`: only what is compiled into it uses them.
pub trait Vectorised {
    /// What it makes.
    type Output;

    /// Does it, with vectors of `LANES` floats.
    fn run<V: Vector<LANES>, const LANES: usize>(self) -> Self::Output;
}

/// Floats in a register.
pub trait Vector<const LANES: usize>: Copy {
    /// Whether multiplication and addition are one operation, with one rounding. The result is the same on all machines
    /// that have it.
    const FUSED: bool;

    /// Zeros.
    fn zero() -> Self;

    /// The floats of an array.
    fn load(from: &[f32; LANES]) -> Self;

    /// `self + x * y`.
    fn add_product(self, x: f32, y: Self) -> Self;

    /// The same as an array.
    fn store(self, to: &mut [f32; LANES]);
}

/// Floats in a vector, by what the machine can do.
pub fn lanes() -> usize {
    match instructions() {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => 16,
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => 8,
        Instructions::Baseline => 4,
    }
}

/// Does `work` with the widest vectors there are.
pub fn vectorised<W: Vectorised>(work: W) -> W::Output {
    match instructions() {
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "the call is unsafe only where the machine lacks the instructions")]
        // SAFETY: `instructions` has asked the machine.
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

/// Asked once by the standard library, then remembered there.
fn instructions() -> Instructions {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        return if is_x86_feature_detected!("avx512f") { Instructions::Avx512 } else { Instructions::Avx2 };
    }
    Instructions::Baseline
}

/// What every machine of an architecture has: SSE2, NEON, SIMD128. The compiler finds them.
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

/// Left to itself the compiler loads a vector again for each use, and loads are what a matrix product waits for: these
/// are the registers by name.
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
            // SAFETY: as above; the array has all that is read.
            Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        fn add_product(self, x: f32, y: Self) -> Self {
            // SAFETY: AVX-512 is there, see the module.
            Self(unsafe { _mm512_fmadd_ps(_mm512_set1_ps(x), y.0, self.0) })
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; 16]) {
            // SAFETY: as above; the array has room for all that is written.
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
            // SAFETY: as above; the array has all that is read.
            Self(unsafe { _mm256_loadu_ps(from.as_ptr()) })
        }

        #[inline(always)]
        fn add_product(self, x: f32, y: Self) -> Self {
            // SAFETY: AVX2 and FMA are there, see the module.
            Self(unsafe { _mm256_fmadd_ps(_mm256_set1_ps(x), y.0, self.0) })
        }

        #[inline(always)]
        fn store(self, to: &mut [f32; 8]) {
            // SAFETY: as above; the array has room for all that is written.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), self.0) }
        }
    }
}
