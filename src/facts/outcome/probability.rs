//! Class scores as people read them.

use super::top1;

/// Scores as probabilities.
///
/// Where `scores` already are a probability row (all of them in [0, 1], with sum 1 within 1e-3), as after a model's
/// own softmax, they are returned as they are; anything else is taken for logits and goes through a softmax. A score
/// of -infinity has the probability 0. Of a row with a NaN or +infinity in it, or with no finite score, no probabilities
/// can be made: all of them are NaN.
pub fn probabilities(scores: &[f32]) -> Vec<f32> {
    if is_row_of_probabilities(scores) { scores.to_vec() } else { softmax(scores) }
}

/// The probability of `class` without and with a fault. The golden scores say whether both are probabilities, as
/// [`probabilities`] has it, or both are logits. NaN where a score is NaN or +infinity, or none is finite.
pub fn confidences(golden: &[f32], faulty: &[f32], class: usize) -> [f32; 2] {
    let are_probabilities = is_row_of_probabilities(golden);
    [golden, faulty].map(|scores| {
        let share = match are_probabilities {
            true if !scores.iter().any(has_no_probability) => scores.get(class).copied(),
            true => None,
            false => softmax(scores).get(class).copied(),
        };
        share.unwrap_or(f32::NAN)
    })
}

/// The score of `class` less the highest one of the other classes; NaN where one of the scores is.
pub fn margin(scores: &[f32], class: usize) -> f32 {
    let mut best = f32::NEG_INFINITY;
    for (_, &score) in scores.iter().enumerate().filter(|&(other, _)| other != class) {
        if score.is_nan() {
            return f32::NAN;
        }
        best = best.max(score);
    }
    scores.get(class).map_or(f32::NAN, |score| score - best)
}

/// The place of `class` in the order of [`top`], from 1 on, of scores without NaN.
pub fn rank(scores: &[f32], class: usize) -> usize {
    let Some(&own) = scores.get(class) else { return scores.len() + 1 };
    let before = |&(other, &score): &(usize, &f32)| score > own || (score == own && other < class);
    1 + scores.iter().enumerate().filter(before).count()
}

/// Whether all of `scores` are in [0, 1], with sum 1.
fn is_row_of_probabilities(scores: &[f32]) -> bool {
    const TOLERANCE: f64 = 1e-3;
    let sum: f64 = scores.iter().map(|&score| f64::from(score)).sum();
    scores.iter().all(|score| (0.0..=1.0).contains(score)) && (sum - 1.0).abs() <= TOLERANCE
}

fn has_no_probability(score: &f32) -> bool {
    score.is_nan() || *score == f32::INFINITY
}

fn softmax(scores: &[f32]) -> Vec<f32> {
    if scores.iter().any(has_no_probability) || !scores.iter().any(|score| score.is_finite()) {
        return vec![f32::NAN; scores.len()];
    }
    // Subtracting the maximum keeps the exponentials in range.
    let maximum = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = scores.iter().map(|&score| (f64::from(score) - f64::from(maximum)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| (weight / sum) as f32).collect()
}

/// A class with its place in the model's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Class.
    pub class: usize,
    /// Its probability, see [`probabilities`].
    pub probability: f32,
}

/// The `count` most likely classes of `scores`, the predicted one ([`top1`]) first; of equal scores the lower class
/// comes first, and a NaN comes before any number.
pub fn top(scores: &[f32], count: usize) -> Vec<Ranked> {
    let probabilities = probabilities(scores);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| {
        let (x, y) = (scores[a], scores[b]);
        y.is_nan().cmp(&x.is_nan()).then(y.partial_cmp(&x).unwrap_or(std::cmp::Ordering::Equal)).then(a.cmp(&b))
    });
    debug_assert!(order.first().is_none_or(|&first| first == top1(scores)));
    order.into_iter().take(count).map(|class| Ranked { class, probability: probabilities[class] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_go_through_a_softmax() {
        let probabilities = probabilities(&[1000.0, 1000.0 + 2f32.ln(), -1000.0]);
        assert!((probabilities[0] - 1.0 / 3.0).abs() < 1e-4, "{probabilities:?}");
        assert!((probabilities[1] - 2.0 / 3.0).abs() < 1e-4, "{probabilities:?}");
        assert_eq!(probabilities[2], 0.0);
    }

    #[test]
    fn a_probability_row_is_kept() {
        let row = [0.25, 0.5, 0.25];
        assert_eq!(probabilities(&row), row);
    }

    #[test]
    fn a_row_that_sums_to_one_with_a_negative_score_is_logits() {
        let probabilities = probabilities(&[-1.0, 2.0]);
        assert!((probabilities[1] - 1.0 / (1.0 + (-3f32).exp())).abs() < 1e-6, "{probabilities:?}");
    }

    #[test]
    fn non_finite_scores_have_no_probabilities_but_an_order() {
        assert!(probabilities(&[0.0, f32::INFINITY]).iter().all(|value| value.is_nan()));
        let order: Vec<_> = top(&[1.0, f32::INFINITY, f32::NAN, 3.0, f32::NAN], 5).iter().map(|r| r.class).collect();
        assert_eq!(order, [2, 4, 1, 3, 0]);
    }

    #[test]
    fn minus_infinity_is_a_score_of_probability_zero() {
        let found = probabilities(&[f32::NEG_INFINITY, 2.0, 2.0]);
        assert_eq!(found, [0.0, 0.5, 0.5]);
        assert!(probabilities(&[f32::NEG_INFINITY; 2]).iter().all(|value| value.is_nan()));
    }

    #[test]
    fn ties_go_to_the_lower_class_and_the_count_is_a_limit() {
        let order: Vec<_> = top(&[0.5, 2.0, 2.0, 0.5], 3).iter().map(|r| r.class).collect();
        assert_eq!(order, [1, 2, 0]);
        assert_eq!(top(&[0.5], 7).len(), 1);
    }

    #[derive(serde::Deserialize)]
    struct Reference {
        golden: Vec<f32>,
        faulty: Vec<f32>,
        /// The classes of the golden and of the faulty answer.
        classes: [usize; 2],
        confidence: [f32; 2],
        margin: [f32; 2],
        rank: usize,
    }

    #[test]
    fn confidences_margins_and_ranks_are_those_of_numpy() {
        let reference: Vec<Reference> = serde_json::from_str(include_str!("confidence_reference.json")).unwrap();
        assert!(reference.len() >= 40);
        for case in reference {
            let [class, other] = case.classes;
            assert_eq!(class, top1(&case.golden));
            let found = confidences(&case.golden, &case.faulty, class);
            for (found, expected) in found.into_iter().zip(case.confidence) {
                assert!((found - expected).abs() <= 1e-6 * expected.max(1e-30), "{found} is not {expected}");
            }
            assert_eq!([margin(&case.golden, class), margin(&case.faulty, class)], case.margin);
            assert_eq!(rank(&case.golden, other), case.rank);
        }
    }
}
