//! What became of the answer: masked, SDC, DUE, SCM, and how sure a rate is.

mod binomial;
mod interval;
mod paired;
mod probability;
mod verdict;

pub use binomial::{at_least, upper_bound};
pub use interval::{Comparison, Rate, Ratio, koopman, wilson, wilson_share};
pub use paired::{Decision, Difference, Pairs, SIGNIFICANCE, holm};
pub use probability::{Ranked, confidences, margin, probabilities, rank, top};
pub use verdict::{Outcome, Verdict, is_due, top1};

#[cfg(test)]
mod tests;
