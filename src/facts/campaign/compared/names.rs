//! The table of protections.

use crate::{Name, Named};

/// The protections, without their options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`super::ClipRule::Range`].
    Range,
    /// [`super::ClipRule::Ranger`].
    Ranger,
    /// [`super::ClipRule::ClipToZero`].
    ClipToZero,
    /// [`super::Code::ParityZero`].
    ParityZero,
    /// [`super::Code::Secded`].
    Secded,
    /// [`super::Code::LsbParity`].
    LsbParity,
    /// [`super::Code::InPlaceEcc`].
    InPlaceEcc,
    /// [`super::Method::WeightClip`].
    WeightClip,
    /// [`super::Method::Duplicate`].
    Duplicate,
    /// [`super::Method::Tmr`].
    Tmr,
    /// [`super::Method::Abft`].
    Abft,
    /// [`super::Detector::NanCheck`].
    NanCheck,
    /// [`super::Detector::LogitRange`].
    LogitRange,
    /// [`super::Detector::TopTwoMargin`].
    TopTwoMargin,
}

impl Named for Kind {
    const ALL: &'static [(Self, Name)] = &[
        (
            Self::Range,
            Name::new("range", "Range clipping", "every layer's output is clipped to its range in golden runs"),
        ),
        (
            Self::Ranger,
            Name::new(
                "ranger",
                "Ranger",
                "outputs of activations, pooling, concatenation and normalisation are clipped to their ranges in golden runs",
            ),
        ),
        (
            Self::ClipToZero,
            Name::new(
                "clip-to-zero",
                "Clip to zero",
                "outputs of activations beyond their ranges in golden runs become 0",
            ),
        ),
        (
            Self::ParityZero,
            Name::new(
                "parity-zero",
                "Parity, zero",
                "a bit of parity for each word; a word with a parity error is read as 0",
            ),
        ),
        (Self::Secded, Name::new("secded", "SEC-DED", "8 bits for 64: one flipped bit is corrected, two are detected")),
        (
            Self::LsbParity,
            Name::new(
                "lsb-parity",
                "LSB parity",
                "parity in the least significant bit; a word with a parity error is read as 0",
            ),
        ),
        (Self::InPlaceEcc, Name::new("in-place-ecc", "In-place ECC", "SEC-DED in the free bits of int8 weights")),
        (
            Self::WeightClip,
            Name::new(
                "weight-clip",
                "Weight clipping",
                "a weight beyond the range of its tensor is set to the nearest bound",
            ),
        ),
        (Self::Duplicate, Name::new("duplicate", "Duplication", "layers are computed twice; a difference is detected")),
        (Self::Tmr, Name::new("tmr", "TMR", "layers are computed three times; the majority counts")),
        (
            Self::Abft,
            Name::new(
                "abft",
                "ABFT",
                "products and convolutions are compared with checksums of their weights; a layer that differs is computed again",
            ),
        ),
        (Self::NanCheck, Name::new("nan-check", "NaN check", "NaN or infinity among the scores is detected")),
        (
            Self::LogitRange,
            Name::new("logit-range", "Score range", "a score beyond the range of scores in golden runs is detected"),
        ),
        (
            Self::TopTwoMargin,
            Name::new("top-2-margin", "Top-2 margin", "a best score too close to the runner-up is detected"),
        ),
    ];
}
