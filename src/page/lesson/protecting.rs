//! The steps on protections: clip, code, compute twice.

use facts::campaign::compared::{Effect, Kind};
use facts::fault::{Format, Pattern, Target};
use protocol::Protection;

use super::steps::{output, sign, weight};
use crate::link::View;
use crate::state::{Scene, State, Step, Task};

/// Bounds of layers' outputs.
pub(super) const CLIP: Step = Step {
    title: "Protecting by clipping",
    text: &[
        "Without a fault the numbers of a layer stay within a range that a few images show. A number far beyond it is \
         surely wrong. Range clipping brings every output of a layer back into its range: cheap, and no training is \
         needed (Ranger, DSN 2021; FT-ClipAct, DATE 2020). A run without a fault is not changed at all.",
        "It cannot restore the right number. It makes a huge error a small one, and a small error in one number is mostly \
         masked: this is the fault of the first step. A wrong weight is another matter, because it makes many numbers \
         wrong at once, each of them perhaps within its range.",
    ],
    scene: output(sign::STOP, "block1.relu", 1856, 30, true),
    parts: &["outcome", "fault", "site", "look"],
    tasks: &[
        Task {
            text: "Switch on “Protect” under the answer, with range clipping, and see the fault mended.",
            control: "#protect",
            done: |state| under(state, &CLIPS).is_some_and(|run| run.effect == Effect::Mended),
        },
        Task {
            text: "Flip a bit of a weight so that the answer changes in spite of it.",
            control: "#diagram-picture",
            done: |state| {
                weight(state).is_some() && under(state, &CLIPS).is_some_and(|run| run.effect == Effect::Missed)
            },
        },
    ],
    hint: "Choose the layer classifier, “Weight” above its values, an element, and flip bit 30. The wrong score is clipped to \
           the largest that any image has, which is enough to win.",
    seen: "Both runs stand layer by layer. How much clipping helps is a question for a campaign, not for one fault.",
};

/// Check bits in memory.
pub(super) const CODE: Step = Step {
    title: "Protecting by a code",
    text: &[
        "A memory can notice a wrong bit if it keeps a few bits more. With one bit of parity for a word it knows that \
         something is wrong, but not where, so it can only drop the word and read 0. SEC-DED keeps 8 check bits for 64: \
         one wrong bit is put right when the word is read, two are noticed.",
        "A code does not ask what the numbers mean, and learns nothing. It takes no operation of the network, but \
         an eighth more memory. Here one weight of the first convolution is wrong, which harms every image.",
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
    parts: &["outcome", "fault"],
    tasks: &[
        Task {
            text: "Choose “Parity, zero”: the weight is read as 0, and the layers are still not what they were.",
            control: "#protection-choice",
            done: |state| {
                weight(state).is_some() && under(state, &[Kind::ParityZero]).is_some_and(|run| !is_golden(run))
            },
        },
        Task {
            text: "Choose “SEC-DED”, and see that no layer differs from the golden run.",
            control: "#protection-choice",
            done: |state| {
                weight(state).is_some()
                    && under(state, &[Kind::Secded]).is_some_and(|run| run.effect == Effect::Mended && is_golden(run))
            },
        },
    ],
    hint: "The list of protections stands under the answer, beside “Protect”. The two charts show each layer without and with \
           the protection.",
    seen: "What a code corrects never reaches the network. That is why memories of servers have it, and why faults in \
           arithmetic are the harder part.",
};

/// Repetition.
pub(super) const TWICE: Step = Step {
    title: "Computing twice",
    text: &[
        "Check bits guard what lies in memory. A fault in the arithmetic leaves a wrong result that is stored as if it \
         were right. The remedy is to compute again. Twice: a difference is noticed, and the inference can stop or start \
         over (duplication). Three times: the majority counts, and the fault is outvoted (triple modular redundancy, TMR).",
        "This is the fault of the first step. Repetition costs the operations of the layer once or twice more, and helps \
         nowhere else. To find the few layers that are worth it is what campaigns are for.",
    ],
    scene: output(sign::STOP, "block1.relu", 1856, 30, true),
    parts: &["outcome", "fault", "site", "look"],
    tasks: &[
        Task {
            text: "Choose “Duplication of block1.relu”: the fault is detected.",
            control: "#protection-choice",
            done: |state| under(state, &[Kind::Duplicate]).is_some_and(|run| run.effect == Effect::Detected),
        },
        Task {
            text: "Choose “TMR of block1.relu”: the fault is outvoted.",
            control: "#protection-choice",
            done: |state| under(state, &[Kind::Tmr]).is_some_and(|run| run.effect == Effect::Mended && is_golden(run)),
        },
        Task {
            text: "Keep it, and strike another layer so that the answer changes all the same.",
            control: "#diagram-picture",
            done: |state| under(state, &[Kind::Duplicate, Kind::Tmr]).is_some_and(|run| run.effect == Effect::Missed),
        },
    ],
    hint: "The first ReLU, stem.relu, is a good place: flip bit 30 of an element that is not 0. The protection stays at \
           block1.relu until you choose another.",
    seen: "A protection is good for the faults that it is made for. Which mixture is worth its price is measured on many \
           faults.",
};

/// The protections of the step on clipping.
const CLIPS: [Kind; 3] = [Kind::Range, Kind::Ranger, Kind::ClipToZero];

/// The fault on show under one of `kinds`, where that is chosen.
fn under<'a>(state: &'a State, kinds: &[Kind]) -> Option<&'a Protection> {
    state.protection_now().filter(|run| kinds.contains(&run.method.kind()))
}

/// Whether every layer is as in the golden run, up to the scores.
fn is_golden(run: &Protection) -> bool {
    run.stops.is_none() && run.trace.iter().all(|row| row.changed == 0)
}
