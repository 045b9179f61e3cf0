//! The chance alarm: golden runs that are no better than guessing.
//!
//! Where they are, labels or pixels were most likely read wrongly, and every rate that follows is worth nothing.

use std::collections::BTreeMap;

use crate::outcome::at_least;

/// The chance that guesses come to as many hits, above which the golden runs are no better.
const CHANCE: f64 = 0.01;

/// What golden runs predicted for images with labels.
#[derive(Clone, Debug, Default)]
pub struct Guesses {
    labels: BTreeMap<usize, u64>,
    predictions: BTreeMap<usize, u64>,
    images: u64,
    correct: u64,
}

impl Guesses {
    /// Counts `images` golden runs that predicted `class` for images of class `label`.
    pub fn add(&mut self, label: usize, class: usize, images: u64) {
        *self.labels.entry(label).or_default() += images;
        *self.predictions.entry(class).or_default() += images;
        self.images += images;
        self.correct += if label == class { images } else { 0 };
    }

    /// Images, and those among them that were predicted correctly.
    pub fn hits(&self) -> (u64, u64) {
        (self.images, self.correct)
    }

    /// The alarm, in a sentence; `None` where the golden runs are better than guessing, or too few to tell.
    ///
    /// A guess is the class that most images have. Golden runs are no better where so many hits, or more, have a chance
    /// above 1 % (exact binomial test, one-sided), and are closer to that guess than to perfection. Where all images are of
    /// one class, a guess is one of the classes seen.
    pub fn alarm(&self) -> Option<String> {
        let several = self.labels.len() > 1;
        let largest = self.labels.values().max().copied()?;
        let seen = self.labels.keys().chain(self.predictions.keys()).collect::<std::collections::BTreeSet<_>>().len();
        let guess = if several { largest as f64 / self.images as f64 } else { 1.0 / seen.max(2) as f64 };
        let rate = self.correct as f64 / self.images as f64;
        let chance = at_least(self.correct, self.images, guess);
        let what = if several && self.predictions.len() == 1 && self.images > 1 {
            let (class, _) = self.predictions.first_key_value()?;
            format!("all {} golden runs predict class {class}, though the labels are several", self.images)
        } else if chance > CHANCE && rate < f64::midpoint(1.0, guess) {
            format!(
                "{} of {} golden runs are right, no better than guessing {}",
                self.correct,
                self.images,
                match several {
                    true => format!("the commonest label, by its share ({:.0} %)", guess * 100.0),
                    // The commonest label would always be right.
                    false => format!(
                        "among {} classes ({:.0} %): all images have one label, so that labels and predictions are counted",
                        seen.max(2),
                        guess * 100.0
                    ),
                }
            )
        } else {
            return None;
        };
        let mut reasons = vec![
            "the preprocessing is not the one the model was trained with".to_owned(),
            "the labels are in another order than the model's classes".to_owned(),
            "red and blue are exchanged".to_owned(),
            "the data are not what the model was trained for".to_owned(),
        ];
        // Where one label has more than half of the images, a good model may be no better than that label.
        if 2 * largest > self.images {
            let classes = self.labels.len();
            let reason = if several {
                format!(
                    "the data holds few classes: {classes} among {} {}, and the commonest one has {:.0} % of them; draw images with \
                 `faultscope sample`",
                    self.images,
                    if self.images == 1 { "image" } else { "images" },
                    100.0 * largest as f64 / self.images as f64
                )
            } else {
                "the data holds one class; draw images with `faultscope sample`".to_owned()
            };
            // Few hits have another reason first.
            let place = if 2 * self.correct >= self.images { 0 } else { reasons.len() };
            reasons.insert(place, reason);
        }
        Some(format!(
            "{what}. The rates of this campaign say nothing until that is mended. Likely reasons, in this order: {}",
            reasons.join("; ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guesses(pairs: &[(usize, usize, u64)]) -> Guesses {
        let mut guesses = Guesses::default();
        pairs.iter().for_each(|&(label, class, images)| guesses.add(label, class, images));
        guesses
    }

    #[test]
    fn labels_in_another_order_raise_the_alarm_and_good_models_do_not() {
        let alarm = |pairs: &[(usize, usize, u64)]| guesses(pairs).alarm();
        let shuffled = alarm(&[(0, 1, 20), (1, 2, 20), (2, 0, 18), (2, 2, 2)]).unwrap();
        let guess = "2 of 60 golden runs are right, no better than guessing the commonest label, by its share (33 %)";
        assert!(shuffled.starts_with(guess) && !shuffled.contains("few classes"), "{shuffled}");
        let one = alarm(&[(0, 3, 5), (1, 3, 5), (3, 3, 5)]).unwrap();
        assert!(one.starts_with("all 15 golden runs predict class 3"), "{one}");
        assert!(alarm(&[(0, 1, 1), (1, 2, 1), (2, 2, 1)]).is_some(), "1 of 3");
        assert_eq!(alarm(&[(0, 0, 1), (1, 1, 1), (2, 2, 1)]), None, "all right");
        assert_eq!(alarm(&[(0, 0, 1), (1, 1, 1), (2, 2, 1), (3, 0, 1)]), None, "3 of 4");
        assert_eq!(alarm(&[(7, 7, 90), (7, 1, 10)]), None, "one class, mostly right");
        assert!(alarm(&[(7, 7, 10), (7, 1, 50), (7, 3, 40)]).is_some(), "one class, mostly wrong");
        assert_eq!(alarm(&[]), None);
    }

    #[test]
    fn few_classes_are_a_likely_reason_with_the_share_of_the_commonest() {
        let alarm = |pairs: &[(usize, usize, u64)]| guesses(pairs).alarm().unwrap();
        // 14 of 16 are right, and 15 of 16 have label 3.
        let good = alarm(&[(3, 3, 14), (3, 1, 1), (5, 2, 1)]);
        assert!(
            good.starts_with("14 of 16 golden runs are right, no better than guessing the commonest label"),
            "{good}"
        );
        let reason = "the data holds few classes: 2 among 16 images, and the commonest one has 94 % of them; draw images with \
                      `faultscope sample`";
        assert!(good.contains(&format!("in this order: {reason}; the preprocessing is not")), "{good}");
        // No hit at all: the preprocessing comes first.
        let bad = alarm(&[(3, 1, 15), (5, 1, 1)]);
        assert!(bad.contains("in this order: the preprocessing") && bad.ends_with(reason), "{bad}");
        let one = alarm(&[(7, 7, 10), (7, 1, 50), (7, 3, 40)]);
        assert!(
            one.starts_with(
                "10 of 100 golden runs are right, no better than guessing among 3 classes (33 %): all images"
            ),
            "{one}"
        );
        assert!(one.contains("the data holds one class; draw") && !one.contains("100 % of them"), "{one}");
    }
}
