//! Strata: the class of a fault's bits, that of its score, and for faults in parameters the direction of the change.

use crate::fault::{BitField, Corruption, Format};

/// The number of a stratum: the class of its bits times [`SCORES`], plus the class of its score, plus [`RAISED`] for one half
/// of the directions.
pub type Stratum = u8;

/// What is added where a parameter raises the outputs of its layer.
const RAISED: u8 = 128;

/// The class in the place of a score of a variance that becomes much smaller.
const AMPLIFIED: u8 = 15;

/// Factors by which a variance becomes smaller, from which on outputs are *amplified*: the class has two halves.
const AMPLIFIES: [f32; 2] = [100.0, 10_000.0];

/// Classes of scores.
const SCORES: u8 = 16;

/// The class of a fault that is proved to change no output.
const PROVED: u8 = 0;

/// Upper ends of the classes of finite scores, which are counted from 1.
const EDGES: [f32; 8] = [-10.0, -1.0, -0.1, -1e-3, 1e-3, 0.1, 1.0, 10.0];

/// Upper ends of the classes of changes without a gradient.
const CHANGES: [f32; 3] = [1e-3, 1.0, 100.0];

/// What is known of a fault before it is injected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Score {
    /// It is proved to change no output.
    Proved,
    /// The change of the margin to first order over the margin: 1 is where the answer changes.
    Finite(f32),
    /// A value that is no finite number, or a score that is none.
    NotFinite,
    /// The margin does not depend on the element to first order; the greatest change of a value.
    Flat(f32),
    /// There is no gradient; the greatest change of a value.
    Unknown(f32),
}

/// What a changed parameter does to the outputs of its layer. A gradient does not tell it: outputs that rise without limit pass
/// an activation function, those that fall end at 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Direction {
    /// They fall, or nothing is known.
    #[default]
    Other,
    /// They rise where the layer's inputs are positive.
    Raised,
    /// A variance becomes smaller by this factor.
    Amplified(f32),
}

/// Returns the stratum of a fault of this score and direction that strikes `corruption` first.
pub fn stratum(corruption: Corruption, format: Format, score: Score, direction: Direction) -> Stratum {
    let below = |edges: &[f32], value: f32| edges.iter().filter(|&&edge| value >= edge).count() as u8;
    let class = match score {
        Score::Proved => return PROVED,
        Score::Finite(score) if score.is_nan() => 10,
        Score::Finite(score) => 1 + below(&EDGES, score),
        Score::NotFinite => 10,
        Score::Flat(change) => 11 + below(&CHANGES, change),
        // Not to be mixed with faults of a campaign with scores.
        Score::Unknown(change) => 11 + below(&CHANGES, change),
    };
    let bits = bits_of(corruption, format) * SCORES;
    match direction {
        Direction::Amplified(factor) if factor >= AMPLIFIES[1] => bits + AMPLIFIED + RAISED,
        Direction::Amplified(factor) if factor >= AMPLIFIES[0] => bits + AMPLIFIED,
        Direction::Raised => bits + class + RAISED,
        Direction::Amplified(_) | Direction::Other => bits + class,
    }
}

/// Returns the class of the most significant bit that is struck.
fn bits_of(corruption: Corruption, format: Format) -> u8 {
    let Some(highest) = corruption.bits().and_then(|bits| bits.iter().max()) else { return 6 };
    match format.field(highest) {
        Some(BitField::Sign) => 1,
        Some(BitField::Exponent) => {
            let bits = format.bits_of(BitField::Exponent);
            match bits.end - 1 - highest {
                0 => 2,
                below if below <= bits.len() as u8 / 2 => 3,
                _ => 4,
            }
        }
        Some(BitField::Integer) => {
            let bits = format.bits_of(BitField::Integer);
            if highest - bits.start >= bits.len() as u8 / 2 { 3 } else { 4 }
        }
        Some(BitField::Mantissa | BitField::Fraction) => 5,
        None => 6,
    }
}

/// Returns whether a fault of the stratum is proved to change no output.
pub fn is_proved(stratum: Stratum) -> bool {
    stratum == PROVED
}

/// Returns the words for a stratum.
pub fn words(stratum: Stratum, scored: bool) -> String {
    if is_proved(stratum) {
        return "proved masked".to_owned();
    }
    let (raised, stratum) = (stratum >= RAISED, stratum % RAISED);
    let bits = match stratum / SCORES {
        1 => "sign",
        2 => "highest exponent bit",
        3 => "upper exponent bits",
        4 => "lower exponent bits",
        5 => "mantissa",
        _ => "other",
    };
    let between = |edges: &[f32], class: usize| match (class.checked_sub(1), edges.get(class)) {
        (Some(low), Some(high)) => format!("{} to {high}", edges[low]),
        (None, Some(high)) => format!("below {high}"),
        (Some(low), None) => format!("{} or more", edges[low]),
        (None, None) => String::new(),
    };
    let score = match stratum % SCORES {
        class @ 1..=9 => format!("score {}", between(&EDGES, usize::from(class - 1))),
        10 => "not finite".to_owned(),
        AMPLIFIED if raised => return format!("{bits}, variance {} times smaller or more", AMPLIFIES[1]),
        AMPLIFIED => return format!("{bits}, variance {} to {} times smaller", AMPLIFIES[0], AMPLIFIES[1]),
        class => {
            let gradient = if scored { "gradient 0, change" } else { "change" };
            format!("{gradient} {}", between(&CHANGES, usize::from(class - 11)))
        }
    };
    if raised { format!("{bits}, {score}, outputs rise") } else { format!("{bits}, {score}") }
}
