//! How many faults an image gets.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Number of faults injected into an image, one at a time.
///
/// In JSON a number, `5`, or an object, `{"correct": 5, "misclassified": 30}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Faults {
    /// The same number for each image.
    Each(usize),
    /// As the golden run has it: the study's protocol, which has few misclassified images and wants as many faults
    /// in them.
    ByGolden {
        /// Faults where the golden prediction is the true class.
        correct: usize,
        /// Faults where it is not.
        misclassified: usize,
    },
}

impl Faults {
    /// The study's numbers for CIFAR-100 and ImageNet.
    pub const STUDY: Self = Self::ByGolden { correct: 5, misclassified: 30 };

    /// The study's numbers for GTSRB, whose networks err less often.
    pub const STUDY_GTSRB: Self = Self::ByGolden { correct: 5, misclassified: 50 };

    /// The study's protocol for a model of so many classes: those of GTSRB are known by their number.
    pub fn study(classes: usize) -> Self {
        const GTSRB_CLASSES: usize = 43;
        if classes == GTSRB_CLASSES { Self::STUDY_GTSRB } else { Self::STUDY }
    }

    /// Faults of an image of class `label` where the golden run predicts `class`.
    ///
    /// # Errors
    /// Where that depends on the true class and it is not known.
    pub fn of(self, label: Option<usize>, class: usize) -> Result<usize> {
        match (self, label) {
            (Self::Each(faults), _) => Ok(faults),
            (Self::ByGolden { correct, .. }, Some(label)) if label == class => Ok(correct),
            (Self::ByGolden { misclassified, .. }, Some(_)) => Ok(misclassified),
            (Self::ByGolden { .. }, None) => Err(Error::request(
                "the image has no label, and the number of its faults depends on whether its golden prediction is right",
            )),
        }
    }

    /// The same number of faults for each of `rates` settings.
    ///
    /// # Errors
    /// Where the numbers are too large.
    pub fn times(self, rates: usize) -> Result<Self> {
        let times = |faults: usize| {
            faults.checked_mul(rates).ok_or_else(|| {
                Error::request(format_args!("{faults} faults for each of {rates} bit error rates are too many"))
            })
        };
        Ok(match self {
            Self::Each(faults) => Self::Each(times(faults)?),
            Self::ByGolden { correct, misclassified } => {
                Self::ByGolden { correct: times(correct)?, misclassified: times(misclassified)? }
            }
        })
    }

    /// Most faults an image can get.
    pub fn at_most(self) -> usize {
        match self {
            Self::Each(faults) => faults,
            Self::ByGolden { correct, misclassified } => correct.max(misclassified),
        }
    }

    /// Fewest faults an image can get.
    pub fn at_least(self) -> usize {
        match self {
            Self::Each(faults) => faults,
            Self::ByGolden { correct, misclassified } => correct.min(misclassified),
        }
    }

    /// Whether the images must have labels.
    pub fn needs_labels(self) -> bool {
        matches!(self, Self::ByGolden { .. })
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// Where an image could get no fault: golden runs are known from the records of their faults only.
    pub fn validate(self) -> Result<()> {
        let (least, which) = match self {
            Self::Each(faults) => (faults, "each"),
            Self::ByGolden { correct: 0, .. } => (0, "each correctly classified"),
            Self::ByGolden { misclassified, .. } => (misclassified, "each misclassified"),
        };
        if least == 0 {
            return Err(Error::request(format_args!(
                "a campaign injects at least one fault into {which} image; 0 were asked for"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_a_number_or_both_numbers() {
        for (faults, json) in [(Faults::Each(5), "5"), (Faults::STUDY, r#"{"correct":5,"misclassified":30}"#)] {
            assert_eq!(serde_json::to_string(&faults).unwrap(), json);
            assert_eq!(serde_json::from_str::<Faults>(json).unwrap(), faults);
        }
        for json in [r#"{"correct":5}"#, r#"{"correct":5,"misclassified":30,"other":1}"#, "-1", "\"5\""] {
            assert!(serde_json::from_str::<Faults>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_misclassified_image_gets_its_own_number() {
        assert_eq!(Faults::STUDY.of(Some(3), 3).unwrap(), 5);
        assert_eq!(Faults::STUDY.of(Some(3), 4).unwrap(), 30);
        assert_eq!(Faults::STUDY_GTSRB.of(Some(3), 4).unwrap(), 50);
        assert!(Faults::STUDY.of(None, 4).unwrap_err().to_string().contains("no label"));
        assert_eq!(Faults::Each(7).of(None, 4).unwrap(), 7);
    }

    #[test]
    fn every_image_gets_a_fault() {
        let refused =
            |correct, misclassified| Faults::ByGolden { correct, misclassified }.validate().unwrap_err().to_string();
        assert!(refused(0, 3).contains("each correctly classified image"));
        assert!(refused(3, 0).contains("each misclassified image"));
        assert!(Faults::Each(0).validate().is_err());
    }
}
