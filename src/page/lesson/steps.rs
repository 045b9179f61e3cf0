//! The steps. The tests check the statements about each fault.

use facts::fault::{BitField, Format, InjectedFault, Pattern, Target};
use facts::outcome::Outcome;
use protocol::{Injection, Stage};

use super::{hardware, protecting};
use crate::link::{Sweep, View};
use crate::state::{Scene, State, Step, Task};

/// Class numbers of the signs that the scenes show.
pub(super) mod sign {
    pub const LIMIT_30: usize = 1;
    pub const GIVE_WAY: usize = 13;
    pub const STOP: usize = 14;
    pub const NO_ENTRY: usize = 17;
    pub const ROAD_WORKS: usize = 25;
}

/// An output of a layer, struck in bit `bit`.
pub(super) const fn output(sign: usize, layer: &'static str, element: usize, bit: u8, run: bool) -> Scene {
    Scene {
        view: View::Explore,
        sign,
        target: Target::Activation,
        layer,
        element,
        bit,
        format: Format::F32,
        pattern: Pattern::Single,
        run,
        faults: None,
    }
}

/// Faults in each of the 16 images of the last step's campaign: 320 of all.
const MEASURED: usize = 20;

/// All steps, in order.
pub const STEPS: &[Step] = &[
    Step {
        title: "A soft error",
        text: &[
            "A soft error is a wrong value that leaves no damage behind. A particle from cosmic radiation, or a drop in \
             voltage, inverts a bit of a register or a memory cell; the next write makes it right again. It matters \
             only if the value is used in between.",
            "Here it is. A small neural network reads a traffic sign. Its answer without a fault is the golden run: a \
             stop sign. One of the 3,072 numbers that the layer block1.relu hands on is about to be hit, in one bit, \
             for this one image. What comes out then is the faulty run.",
        ],
        scene: output(sign::STOP, "block1.relu", 1856, 30, false),
        parts: &["fault", "outcome", "setup"],
        tasks: &[Task { text: "Press “Inject fault”.", control: "#inject", done: injected }],
        hint: "The button stands in the panel “The fault”.",
        seen: "One wrong number, and the network takes the stop sign for another sign. The panel “The answer” \
               tells which, and how sure the network is of it.",
    },
    Step {
        title: "Sign, exponent, mantissa",
        text: &[
            "The value is a float32: 32 bits in three fields. Bit 31 is the sign. Bits 30 to 23 are the exponent, which \
             sets the size as a power of two. Bits 22 to 0 are the mantissa, the digits.",
            "So it matters which bit is hit. A flip in the mantissa changes a number by half of it at most, one in the \
             sign mirrors it. A flip in the exponent multiplies or divides it by a power of two: bit 23 by 2, bit 24 by 4, \
             bit 25 by 16, and so on, each time the square of the factor before, up to 2 to the power of 128 for bit 30.",
        ],
        scene: output(sign::STOP, "block1.relu", 1856, 0, false),
        parts: &["fault"],
        tasks: &[
            Task {
                text: "Flip a bit of the mantissa.",
                control: "#bits",
                done: |state| fault(state).is_some_and(|fault| field(fault) == Some(BitField::Mantissa)),
            },
            Task {
                text: "Flip a bit that makes the number more than a thousand times as large.",
                control: "#bits",
                done: |state| {
                    let grows =
                        |fault: &InjectedFault| fault.after.is_finite() && fault.after.abs() > 1e3 * fault.before.abs();
                    fault(state).is_some_and(|fault| fault.before != 0.0 && grows(fault))
                },
            },
        ],
        hint: "Move over the 32 boxes: the line below them tells what each flip makes of the number. A click flips the bit.",
        seen: "Of 32 bits only the high ones of the exponent make a number large, and only where they are 0 before.",
    },
    Step {
        title: "Most faults are masked",
        text: &[
            "This fault has struck, and the answer is what it was: the fault is masked, or benign. The values behind it \
             did change, and so did the scores; but the predicted class is only the largest of 43 scores, and it still is.",
            "Of random flips in this network more than nine in ten are masked, and so it is with most image classifiers. \
             Many numbers have a say in the answer, most flips change one of them by little, and layers in between take \
             a part of that back. Masked does not mean that nothing happened: look at how far the corruption spreads.",
        ],
        scene: output(sign::STOP, "block1.relu", 1856, 12, true),
        parts: &["fault", "outcome", "site", "path"],
        tasks: &[Task {
            text: "Find a flip in the exponent that is masked, too.",
            control: "#bits",
            done: |state| {
                fault(state).is_some_and(|fault| field(fault) == Some(BitField::Exponent))
                    && activation(state).is_some_and(|run| run.verdict.outcome == Outcome::Masked)
            },
        }],
        hint: "Bit 23 only doubles or halves the number. “All 32 bits of this element” tries every one.",
        seen: "Masking is no merit of the fault but of the network: it does not need every number to be exact.",
    },
    Step {
        title: "Where a corruption dies",
        text: &[
            "Follow this fault through the layers: it reaches the scores, though it does not change the answer. Not every \
             corruption gets that far.",
            "The layer behind this one is a ReLU. It puts out 0 for every negative number, so one negative number in place \
             of another leaves no trace. Maximum pooling, which other networks have, passes on the largest of a few \
             numbers and drops the rest, right or wrong. Sums in floating point round small changes away. Where all \
             values behind a fault are what they were, bit for bit, the corruption is dead, and the fault surely masked.",
        ],
        scene: output(sign::NO_ENTRY, "stem.norm", 3946, 24, true),
        parts: &["look", "site", "fault", "outcome"],
        tasks: &[Task {
            text: "In stem.norm, strike a value so that the ReLU behind it swallows the corruption.",
            control: "#feature-map",
            done: |state| {
                activation(state).is_some_and(|run| {
                    let (first, rest) = (run.trace.first(), run.trace.get(1..).unwrap_or_default());
                    let died = !rest.is_empty() && rest.iter().all(|row| row.changed == 0);
                    died && first.is_some_and(|row| row.layer == "stem.norm" && row.changed > 0)
                })
            },
        }],
        hint: "Click a negative element of the feature map of stem.norm; the legend tells its colour. Then flip a bit of its \
               mantissa.",
        seen: "The layer that was struck has one changed element, and every layer behind it none.",
    },
    Step {
        title: "Silent data corruption",
        text: &[
            "When the predicted class changes, the fault has made a silent data corruption, SDC. Silent, because nothing \
             gives a warning: the program does not crash, the output looks like any other, and the wrong class may even \
             come with a high probability.",
            "That is what makes soft errors in neural networks dangerous. An error that is noticed can be handled: compute \
             again, fall back, stop. An answer that is wrong and looks right is acted upon. The fault here is still masked: \
             it quarters one number of a layer in the middle of the network.",
        ],
        scene: output(sign::GIVE_WAY, "block1.second.norm", 106, 24, true),
        parts: &["fault", "outcome"],
        tasks: &[Task {
            text: "Flip a bit of the exponent so that the answer changes.",
            control: "#bits",
            done: |state| {
                fault(state).is_some_and(|fault| field(fault) == Some(BitField::Exponent))
                    && activation(state).is_some_and(|run| run.verdict.outcome == Outcome::Sdc)
            },
        }],
        hint: "The higher the bit, the larger the factor. Look for one that is 0 now.",
        seen: "The bars of the faulty run show how sure the network is of a wrong answer.",
    },
    Step {
        title: "Safety-critical or not",
        text: &[
            "Not every wrong answer is as bad as another. This fault takes the speed limit 30 for another speed limit: \
             wrong, but the driver still keeps to a limit. Had it become a stop sign or a right of way, the driver would \
             do something else altogether.",
            "A grouping puts this into numbers. Its groups are the classes that ask for the same behaviour, and some groups \
             are critical. A misclassification is safety-critical, SCM, when the true object belongs to a critical group and \
             is taken for one of another group. The grouping is a choice, and part of every result.",
        ],
        scene: output(sign::LIMIT_30, "block1.relu", 314, 30, true),
        parts: &["look", "fault", "outcome"],
        tasks: &[Task {
            text: "Find a fault that makes it safety-critical.",
            control: "#sweep-map",
            done: |state| activation(state).is_some_and(|run| run.verdict.scm == Some(true)),
        }],
        hint: "Flip bit 30 of other elements or layers. “Bit 30 over the whole map” shows which elements do it; click one.",
        seen: "The sentence under the answer names both groups: the one that was lost and the one that was read instead.",
    },
    Step {
        title: "NaN, infinity, and errors that are noticed",
        text: &[
            "An exponent whose eight bits are all 1 stands for no number: with an empty mantissa it is infinity, else NaN, \
             “not a number”. Every number from 1 up to 2 has the exponent 01111111, so one flip of its highest bit is enough.",
            "A sum with a NaN in it is NaN, and so it spreads until it reaches the scores. There a system can notice it, and \
             compute once more. Such a fault is a detected unrecoverable error, DUE: detected, because one check of the \
             output finds it; unrecoverable, because the right answer is lost.",
        ],
        scene: output(sign::STOP, "stem.relu", 697, 29, false),
        parts: &["fault", "outcome"],
        tasks: &[Task {
            text: "Bring NaN or infinity to the output.",
            control: "#bits",
            done: |state| activation(state).is_some_and(|run| run.verdict.due),
        }],
        hint: "This number lies between 1 and 2. Which of its exponent bits is 0?",
        seen: "A run with a NaN still has to predict something. Here the first NaN counts as the prediction, as numpy's argmax \
               has it, and the badge DUE says what happened.",
    },
    Step {
        title: "The first layers and the last",
        text: &[
            "The same bit does not do the same everywhere. Studies of many networks find that faults in the first and in \
             the last layers change the answer most often; in this one it is so as well.",
            "Here you see a reason. In the middle of the network ReLU leaves most numbers at 0, and a flip of bit 30 turns a \
             0 into 2, which does nothing, as this fault shows. The first layer has fewer zeros, and all the layers behind \
             read it. At the end, pool hands over 96 means, hardly one of them 0, and each goes straight into the scores.",
        ],
        scene: output(sign::ROAD_WORKS, "block2.first.relu", 900, 30, true),
        parts: &["site", "look", "fault", "outcome"],
        tasks: &[
            Task {
                text: "Flip bit 30 in the first ReLU, stem.relu, so that the answer changes.",
                control: "#diagram-picture",
                done: |state| bit_30_changes_the_answer(state, "stem.relu"),
            },
            Task {
                text: "Flip bit 30 in the last pooling, pool, so that the answer changes.",
                control: "#diagram-picture",
                done: |state| bit_30_changes_the_answer(state, "pool"),
            },
        ],
        hint: "Choose the layer in the diagram, click an element that is not 0, and flip bit 30.",
        seen: "Where most numbers are alive, most flips of a high bit do harm. A campaign measures it for every layer.",
    },
    Step {
        title: "A wrong weight stays wrong",
        text: &[
            "So far one value of one inference was wrong. The parameters of a network are values, too, and they lie in memory \
             all the time. A bit that flips there is not written over by the next image: every inference is wrong in the \
             same way, until the weights are loaded again.",
            "Here a single weight of the first convolution has become huge. Every position of the image is multiplied by \
             it, so the whole channel is wrong, and all that follows.",
        ],
        scene: Scene {
            view: View::Explore,
            sign: sign::STOP,
            target: Target::Weight,
            layer: "stem.conv",
            element: 700,
            bit: 30,
            format: Format::F32,
            pattern: Pattern::Single,
            run: true,
            faults: None,
        },
        parts: &["setup", "look", "outcome"],
        tasks: &[
            Task {
                text: "Choose another image: the answer changes there as well.",
                control: "#images",
                done: |state| {
                    let elsewhere = state
                        .image()
                        .is_some_and(|(id, _)| facts::data::class_in_name(&id).is_none_or(|class| class != sign::STOP));
                    elsewhere && weight(state).is_some_and(|run| run.verdict.outcome == Outcome::Sdc)
                },
            },
            Task {
                text: "Try this fault on all images.",
                control: "#sweep-images",
                done: |state| {
                    let all = state.link.sweep == Some(Sweep::Images) && !state.asked.sweep.busy();
                    all && state.trials_made() > 1 && state.struck().is_some_and(|at| at.target == Target::Weight)
                },
            },
        ],
        hint: "The images stand at the top of the page. The button “This fault on all … images” stands below the feature maps.",
        seen: "One flipped weight, and hardly an answer is right. Memory for weights is therefore often protected by codes that \
               correct a flipped bit.",
    },
    protecting::CLIP,
    protecting::CODE,
    protecting::TWICE,
    Step {
        title: "Measuring",
        text: &[
            "A single fault is an anecdote. A campaign draws many at random, injects each in a run of its own, and counts. What it \
             gives is a rate with an interval: were the campaign repeated with other random faults again and again, the 95 % \
             interval would hold the true rate in 95 of 100 cases.",
            "Four times as many faults halve the interval. Look at it before you compare two rates. The same seed draws the same \
             faults, here and on the command line.",
            "Most random faults strike bits that never matter. The stratified design injects where the gradient says that a change \
             hurts, and weights undo the preference: about a tenth of the faults is enough.",
        ],
        scene: Scene {
            view: View::Campaign,
            sign: sign::STOP,
            target: Target::Activation,
            layer: "block1.relu",
            element: 1856,
            bit: 30,
            format: Format::F32,
            pattern: Pattern::Single,
            run: false,
            faults: Some(MEASURED),
        },
        parts: &["campaign-settings", "campaign"],
        tasks: &[Task {
            text: "Run a campaign of 300 faults or more to its end.",
            control: "#start",
            done: |state| {
                state
                    .campaign
                    .update
                    .as_ref()
                    .is_some_and(|update| update.stage == Stage::Complete && update.faults.injections >= 300)
            },
        }],
        hint: "The number of faults in an image times the number of images is the number of all. “Start” starts it.",
        seen: "That is the whole method: a fault model, golden runs, random faults, outcomes, and rates with intervals. Choose \
               another network or your own images, and measure.",
    },
    hardware::FORMATS,
    hardware::PATTERNS,
];

fn injected(state: &State) -> bool {
    activation(state).is_some()
}

/// The faulty run on show.
fn run(state: &State, target: Target) -> Option<&Injection> {
    let run = state.injection_now()?;
    run.faults.iter().all(|fault| fault.target == target).then_some(&**run)
}

pub(super) fn activation(state: &State) -> Option<&Injection> {
    run(state, Target::Activation)
}

pub(super) fn weight(state: &State) -> Option<&Injection> {
    run(state, Target::Weight)
}

/// The activation fault on show.
pub(super) fn fault(state: &State) -> Option<&InjectedFault> {
    activation(state)?.faults.first()
}

pub(super) fn field(fault: &InjectedFault) -> Option<BitField> {
    fault.bit.and_then(|bit| fault.format.field(bit))
}

fn bit_30_changes_the_answer(state: &State, layer: &str) -> bool {
    fault(state).is_some_and(|fault| fault.layer == layer && fault.bit == Some(30))
        && activation(state).is_some_and(|run| run.verdict.outcome == Outcome::Sdc)
}
