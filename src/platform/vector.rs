//! The widest vector instructions that the machine has.

/// Work that gains from vector instructions: plain loops over arrays of `LANES` floats, which the compiler turns into
/// them.
///
/// Implementations mark `run` and what it calls `#[inline(always)]`: only what is compiled into it uses them.
pub trait Vectorised {
    /// What it makes.
    type Output;

    /// Does it. `FUSED`: multiply and add with one rounding, which is exact in the same way on every machine that can.
    fn run<const LANES: usize, const FUSED: bool>(self) -> Self::Output;
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
        Instructions::Avx512 => unsafe { avx512(work) },
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code, reason = "the call is unsafe only where the machine lacks the instructions")]
        // SAFETY: as above.
        Instructions::Avx2 => unsafe { avx2(work) },
        // NEON has fused multiplication; SSE2 and SIMD128 have not.
        Instructions::Baseline => work.run::<4, { cfg!(target_arch = "aarch64") }>(),
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

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn avx512<W: Vectorised>(work: W) -> W::Output {
    work.run::<16, true>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<W: Vectorised>(work: W) -> W::Output {
    work.run::<8, true>()
}
