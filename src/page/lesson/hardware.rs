//! The steps on faults as hardware makes them: other number formats, and several elements at once.

use facts::fault::{BitField, Format, Pattern};
use facts::outcome::Outcome;

use super::steps::{activation, fault, field, output, sign};
use crate::link::Sweep;
use crate::state::{Scene, State, Step, Task};

/// Number formats.
pub(super) const FORMATS: Step = Step {
    title: "Why bfloat16 is more fragile than int8",
    text: &[
        "Few networks compute in float32. bfloat16 is its upper half: one sign, eight bits of exponent, seven of mantissa. Half \
         of its bits can multiply a number by a power of two, as a quarter of those of float32 can. int8 has no exponent: \
         its 256 numbers lie at equal distances, from the smallest to the largest that the layer has had in golden runs. No flip \
         leaves this range.",
        "On 4,000 images a random flip changed this network's answer in 3.8 % of the runs in bfloat16, in 2.0 % in float32, \
         and in 0.6 % in int8. Here is the stop sign of the first step once more.",
    ],
    scene: Scene { format: Format::Bf16, ..output(sign::STOP, "block1.relu", 1856, 0, false) },
    parts: &["fault", "outcome", "look"],
    tasks: &[
        Task {
            text: "In bfloat16, flip a bit of the exponent so that the answer changes.",
            control: "#bits",
            done: |state| {
                let fault = fault(state).filter(|fault| fault.format == Format::Bf16);
                fault.is_some_and(|fault| field(fault) == Some(BitField::Exponent)) && changes_the_answer(state)
            },
        },
        Task {
            text: "Choose int8 under “Numbers”, and try all 8 bits of this element: none changes the answer.",
            control: "#format",
            done: |state| {
                let trials = state.trials();
                state.link.sweep == Some(Sweep::Bits)
                    && state.struck().is_some_and(|struck| struck.tensor.format == Format::I8)
                    && trials.len() == 8
                    && trials
                        .iter()
                        .all(|trial| matches!(trial, Some(Ok(trial)) if trial.verdict.outcome == Outcome::Masked))
            },
        },
    ],
    hint: "Move over the 16 boxes: those of the exponent make the number huge. “All 8 bits of this element” stands below the \
           feature maps.",
    seen: "The golden answer is that of the rounded network, and it is the same. A narrow format without an exponent bounds every \
           error by itself. A word of 8 bits is also a smaller target than one of 16.",
};

/// Patterns.
pub(super) const PATTERNS: Step = Step {
    title: "A broken multiplier is not a flipped bit",
    text: &[
        "A flipped bit makes one number wrong. A multiplier that is broken, or a wrong word in the registers of a graphics \
         card, has a part in many numbers. Experiments on such cards find patterns: a row, a whole channel, or the same \
         place in several channels, which is called a bullet wake.",
        "The fault here is one flip, which turns a 0 into 2, and it is masked. The dashed lines in the feature map and around its thumbnails \
         show the elements of a pattern before it strikes. On 1,000 images single flips changed this network's answer in \
         2 % of the runs, bullet wakes in 38 % and whole channels in 49 %.",
    ],
    scene: output(sign::STOP, "block1.relu", 1820, 30, true),
    parts: &["fault", "look", "outcome", "path"],
    tasks: &[
        Task {
            text: "Choose the pattern “Bullet wake” and see more of the layers behind it change.",
            control: "#pattern",
            done: |state| {
                let wake = matches!(state.link.pattern(), Pattern::BulletWake(_));
                wake && activation(state).is_some_and(|run| run.struck > 1)
            },
        },
        Task {
            text: "Find a pattern with which this flip changes the answer.",
            control: "#pattern",
            done: |state| activation(state).is_some_and(|run| run.struck > 1) && changes_the_answer(state),
        },
    ],
    hint: "A whole channel has 64 elements here. “Draw” draws other channels of the same pattern.",
    seen: "Results of single flips do not hold for broken hardware. Which patterns there are, and how often, has to come from \
           experiments with the hardware.",
};

fn changes_the_answer(state: &State) -> bool {
    activation(state).is_some_and(|run| run.verdict.outcome == Outcome::Sdc)
}
