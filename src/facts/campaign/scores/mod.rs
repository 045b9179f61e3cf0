//! What a fault did to the scores, beyond the predicted class.

mod criterion;

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::criterion::Criterion;
use crate::fault::number;
use crate::outcome::{Rate, confidences, margin, rank};

/// The scores of a trial beside those of the golden run. In JSON `"golden"`, or the object of [`ChangedScores`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scores {
    /// They are the golden ones, bit for bit.
    Golden,
    /// They are others.
    Changed(ChangedScores),
}

/// Scores that a fault changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangedScores {
    /// The place of the faulty class among the golden scores; 1 is the golden class. `None` where there are no more classes
    /// than [`ChangedScores::TOP`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// The golden class's probability without and with the fault; NaN where the scores give none.
    #[serde(with = "number::pair")]
    pub confidence: [f32; 2],
    /// The golden class's score less the highest one of the others, without and with the fault.
    #[serde(with = "number::pair")]
    pub margin: [f32; 2],
}

impl ChangedScores {
    /// Places that a faulty class may have to be among the best golden ones.
    pub const TOP: u32 = 5;
}

impl Scores {
    /// Of `faulty` scores, which are the answer `class`, beside the `golden` ones, which are the answer `golden_class`.
    pub fn between(golden: &[f32], golden_class: usize, faulty: &[f32], class: usize) -> Self {
        if golden.iter().map(|score| score.to_bits()).eq(faulty.iter().map(|score| score.to_bits())) {
            return Self::Golden;
        }
        let place = u32::try_from(rank(golden, class)).unwrap_or(u32::MAX);
        Self::Changed(ChangedScores {
            rank: Some(place).filter(|_| golden.len() > ChangedScores::TOP as usize),
            confidence: confidences(golden, faulty, golden_class),
            margin: [golden, faulty].map(|scores| margin(scores, golden_class)),
        })
    }

    /// What the criteria make of it, in a trial whose prediction is `correct`.
    pub(super) fn deviation(self, correct: Option<bool>) -> Deviation {
        let Self::Changed(scores) = self else {
            return Deviation { correct, ranked: None, top5: false, ten: false, twenty: false, margin: Some(0) };
        };
        let [before, after] = scores.confidence.map(f64::from);
        // Without a confidence nothing stayed within the bound.
        let stays = |share: f64| (after - before).abs() <= share * before;
        let [before, after] = scores.margin.map(f64::from);
        let change = after - before;
        Deviation {
            correct,
            ranked: Some(scores.rank.is_some()),
            top5: scores.rank.is_some_and(|rank| rank > ChangedScores::TOP),
            ten: !stays(0.1),
            twenty: !stays(0.2),
            margin: (change.abs() < MOST_CHANGE).then_some((change * UNITS) as i128),
        }
    }
}

impl Serialize for Scores {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Golden => serializer.serialize_str(GOLDEN),
            Self::Changed(scores) => scores.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Scores {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScoresVisitor)
    }
}

/// The word for unchanged scores.
const GOLDEN: &str = "golden";

struct ScoresVisitor;

impl<'de> Visitor<'de> for ScoresVisitor {
    type Value = Scores;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("\"golden\", or an object with confidence and margin")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Scores, E> {
        if text == GOLDEN { Ok(Scores::Golden) } else { Err(E::invalid_value(Unexpected::Str(text), &self)) }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scores, A::Error> {
        let scores = ChangedScores::deserialize(MapAccessDeserializer::new(map))?;
        match scores.rank {
            Some(0) => Err(A::Error::custom("the rank of a class is 1 or more, found 0")),
            _ => Ok(Scores::Changed(scores)),
        }
    }
}

/// A change of the margin from here on is not in the mean, as one such trial would be all of it.
const MOST_CHANGE: f64 = 1e12;

/// Units of a change of the margin: whole numbers have the same sum in any order.
const UNITS: f64 = (1u64 << 40) as f64;

/// What the criteria make of one trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deviation {
    /// The prediction is the label, where that is known.
    correct: Option<bool>,
    /// Whether the rank is known; `None` where it is 1 since nothing changed.
    ranked: Option<bool>,
    top5: bool,
    ten: bool,
    twenty: bool,
    /// The change of the margin in units, where it counts.
    margin: Option<i128>,
}

impl Deviation {
    /// Whether the trial is an SDC-5, an SDC-10 %, and an SDC-20 %.
    pub fn outcomes(self) -> [bool; 3] {
        [self.top5, self.ten, self.twenty]
    }

    /// Whether the prediction is the label, where that is known.
    pub(super) fn correct(self) -> Option<bool> {
        self.correct
    }

    /// The change of the margin in units, where it counts.
    pub(super) fn margin(self) -> Option<i128> {
        self.margin
    }
}

/// Trials counted by the criteria.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CriteriaTally {
    known: u64,
    labelled: u64,
    correct: u64,
    ranked: u64,
    unranked: u64,
    top5: u64,
    ten: u64,
    twenty: u64,
    margins: u64,
    margin: i128,
}

impl CriteriaTally {
    /// Counts a trial.
    pub(super) fn add(&mut self, trial: Deviation) {
        self.known += 1;
        self.labelled += u64::from(trial.correct.is_some());
        self.correct += u64::from(trial.correct == Some(true));
        self.ranked += u64::from(trial.ranked == Some(true));
        self.unranked += u64::from(trial.ranked == Some(false));
        self.top5 += u64::from(trial.top5);
        self.ten += u64::from(trial.ten);
        self.twenty += u64::from(trial.twenty);
        self.margins += u64::from(trial.margin.is_some());
        self.margin += trial.margin.unwrap_or(0);
    }

    /// Counts what `other` has counted.
    pub(super) fn merge(&mut self, other: &Self) {
        self.known += other.known;
        self.labelled += other.labelled;
        self.correct += other.correct;
        self.ranked += other.ranked;
        self.unranked += other.unranked;
        self.top5 += other.top5;
        self.ten += other.ten;
        self.twenty += other.twenty;
        self.margins += other.margins;
        self.margin += other.margin;
    }

    /// The number of trials with an SDC-5, an SDC-10 %, and an SDC-20 %.
    pub(super) fn counts(&self) -> [u64; 3] {
        [self.top5, self.ten, self.twenty]
    }

    /// Whether the rank of a faulty class is known in any trial.
    pub(super) fn is_ranked(&self) -> bool {
        self.ranked > 0
    }

    /// The rates over `injections` trials; `None` where the scores of one of them are not known.
    pub(super) fn summary(&self, injections: u64) -> Option<Criteria> {
        let of = |count| Rate::new(count, self.known);
        (self.known == injections && injections > 0).then(|| Criteria {
            sdc5: (self.unranked == 0).then(|| of(self.top5)),
            sdc10pct: of(self.ten),
            sdc20pct: of(self.twenty),
            accuracy: (self.labelled > 0).then(|| Rate::new(self.correct, self.labelled)),
            margin: (self.margins > 0)
                .then(|| MarginChange { mean: self.margin as f64 / UNITS / self.margins as f64, trials: self.margins }),
        })
    }
}

/// Outcomes beyond the predicted class, by the criteria of Li et al. (SC 2017). Their SDC-1 is [`FaultSummary::sdc`].
///
/// [`FaultSummary::sdc`]: super::FaultSummary::sdc
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criteria {
    /// The faulty class is not among the five best golden ones; `None` where there are no more than five classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdc5: Option<Rate>,
    /// The golden class's probability differs from the golden one by more than 10 % of it.
    pub sdc10pct: Rate,
    /// The same with 20 %.
    pub sdc20pct: Rate,
    /// Trials that predict the true class; `None` where no image has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Rate>,
    /// The change of the margin; `None` where no trial has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<MarginChange>,
}

impl Criteria {
    /// Makes the shares those of a population of which all were tried.
    pub(super) fn make_exact(&mut self) {
        let rates = [&mut self.sdc10pct, &mut self.sdc20pct].into_iter();
        rates.chain(&mut self.sdc5).chain(&mut self.accuracy).for_each(|rate| *rate = rate.exact());
    }
}

/// How far faults move the margin, which is the golden class's score less the highest one of the others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarginChange {
    /// The mean of the margin with the fault less that without it. Negative: the golden class loses ground.
    pub mean: f64,
    /// The trials that the mean is over: those whose margins are finite and differ by less than 10^12.
    pub trials: u64,
}

impl MarginChange {
    /// The same over trials with weights: `change` is the mean over all candidates, in units and with 0 where the margin does not
    /// count, and `share` the share of candidates where it counts. `None` where it counts for none.
    pub(super) fn estimated(self, change: f64, share: f64) -> Option<Self> {
        (share > 0.0).then(|| Self { mean: change / UNITS / share, ..self })
    }
}

#[cfg(test)]
mod tests;
