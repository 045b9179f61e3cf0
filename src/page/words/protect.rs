//! One fault under a protection in words.

use facts::Named;
use facts::campaign::compared::{Effect, Method, Stop};
use facts::outcome::Outcome;
use protocol::{Injection, Protection};

use super::{EFFECTS, bytes, count, percent};

/// What the choice of a protection is about.
pub const PROTECT: &str = "The same fault once more in the protected network, by the code that campaigns compare protections with. A \
    fault strikes the network, and never the protection. Protections that learn do so from golden runs.";

/// See [`EFFECTS`].
const NEEDLESS: (&str, &str) = ("Needless", "Needless: masked without the protection; with it the inference stops");
/// See [`EFFECTS`].
const UNCHANGED: (&str, &str) = ("Unchanged", "Unchanged: masked without the protection, and with it");

/// The effect of a protection in a word, with its explanation.
pub fn effect(effect: Effect) -> (&'static str, &'static str) {
    let [mended, detected, missed, worse] = EFFECTS;
    match effect {
        Effect::Mended => mended,
        Effect::Detected => detected,
        Effect::Missed => missed,
        Effect::Worse => worse,
        Effect::Needless => NEEDLESS,
        Effect::Unchanged => UNCHANGED,
    }
}

/// A number of things, in the singular or the plural.
fn some(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(number), if number == 1 { "" } else { "s" })
}

/// The name of a protection on the page, with its layers.
pub fn method(method: &Method) -> String {
    let (text, row) = (method.to_string(), method.kind().row());
    match (method, text.split_once(':')) {
        (Method::Clip(_) | Method::Detector(_), Some((_, options))) => format!("{}, {options}", row.label),
        (_, Some((_, layers))) => format!("{} of {layers}", row.label),
        (_, None) => row.label.to_owned(),
    }
}

/// What became of the fault under the protection.
pub fn protection(injection: &Injection, protection: &Protection) -> String {
    let Protection { faulty, confidence, clipped, stops, .. } = protection;
    let probability = percent(f64::from(*confidence));
    let named = method(&protection.method);
    let label = &faulty.label;
    let golden = protection.golden.as_ref().unwrap_or(&injection.golden);
    let mut text = match stops {
        Some(Stop::Read) => format!("{named} notices the fault when the value is read, and the inference stops."),
        Some(Stop::Layer(layer)) => format!("{named} notices the fault after {layer}, and the inference stops."),
        Some(Stop::Scores) => {
            format!(
                "{named} notices the fault in the scores, and the inference stops; the answer would have been “{label}”."
            )
        }
        None if faulty.class == injection.golden.class => {
            format!("Under {named}, the answer is “{label}”, as without the fault, with {probability}.")
        }
        None if faulty.class == golden.class => {
            format!("Under {named}, the answer is “{label}”, as the protected network has it without the fault.")
        }
        None if faulty.class == injection.faulty.class => {
            format!("Under {named}, the answer is “{label}”, as without the protection.")
        }
        None => format!("Under {named}, the answer is “{label}”."),
    };
    if let Some(golden) = &protection.golden {
        text.push_str(&format!(" Without any fault, the protected network takes this image for “{}”.", golden.label));
    }
    if protection.alarm {
        text.push_str(" It stops the inference without the fault, too: a false alarm.");
    }
    if stops.is_none() {
        let left = protection.trace.iter().any(|row| row.changed > 0);
        match (&protection.method, clipped.first(), left) {
            (_, _, false) => text.push_str(" No layer differs from the golden run."),
            (Method::Clip(_), None, true) => text.push_str(" No value left its range, so nothing was clipped."),
            (_, None, true) => {}
            (_, Some((first, _)), true) => text.push_str(&format!(
                " {} clipped in {}, first in {first}.",
                some(clipped.iter().map(|(_, elements)| elements).sum(), "value"),
                some(clipped.len() as u64, "layer")
            )),
        }
    }
    if protection.verdict.due && protection.verdict.outcome == Outcome::Masked {
        text.push_str(" NaN or infinity still reaches the output.");
    }
    text
}

/// What the protection costs, and what it has learnt from.
pub fn price(protection: &Protection) -> String {
    let share = |share: Option<f64>| share.map(|share| format!(" ({})", percent(share))).unwrap_or_default();
    let (operations, of_operations) = protection.operations;
    let (memory, of_memory) = protection.bytes;
    let operations = match operations {
        0 => "no operations".to_owned(),
        some_of_them => format!("{}{}", some(some_of_them, "operation"), share(of_operations)),
    };
    let memory = match memory {
        0 => "no memory".to_owned(),
        some_of_it => format!("{} of memory{}", bytes(some_of_it), share(of_memory)),
    };
    let mut text = format!("Cost: {operations} and {memory} more for an inference.");
    if protection.images > 0 {
        text.push_str(&format!(
            " Learnt from {} of images on this page, the present one among them.",
            some(protection.images as u64, "golden run")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use facts::TraceRow;
    use facts::outcome::Verdict;
    use protocol::ClassInfo;

    use super::*;

    fn injection() -> Injection {
        let injection = crate::words::tests::injection(Outcome::Sdc, None, "", "");
        Injection { faulty: ClassInfo { class: 7, ..injection.faulty }, ..injection }
    }

    fn under(name: &str) -> Protection {
        let Injection { verdict, faulty, .. } = injection();
        Protection {
            method: name.parse().expect("a protection"),
            layers: Vec::new(),
            effect: Effect::Missed,
            verdict,
            faulty,
            golden: None,
            confidence: 0.25,
            after: Vec::new(),
            stops: None,
            alarm: false,
            trace: vec![TraceRow { changed: 3, elements: 9, ..TraceRow::new("conv1") }],
            clipped: Vec::new(),
            images: 0,
            operations: (0, Some(0.0)),
            bytes: (0, Some(0.0)),
            milliseconds: 1.0,
        }
    }

    fn mended(name: &str) -> Protection {
        let verdict = Verdict { outcome: Outcome::Masked, due: false, scm: None };
        Protection { effect: Effect::Mended, verdict, faulty: injection().golden, ..under(name) }
    }

    #[test]
    fn what_became_of_the_fault_is_told_with_what_was_done_to_it() {
        let fault = injection();
        let clipped = vec![("conv1".to_owned(), 1), ("conv2".to_owned(), 2)];
        assert_eq!(
            protection(&fault, &Protection { clipped, images: 1, ..under("range") }),
            "Under Range clipping, the answer is “Egyptian cat”, as without the protection. 3 values clipped in 2 layers, first \
             in conv1."
        );
        assert_eq!(
            protection(&fault, &mended("ranger")),
            "Under Ranger, the answer is “tabby cat”, as without the fault, with 25.0 %. No value left its range, so nothing was \
             clipped."
        );
        assert_eq!(
            protection(&fault, &Protection { trace: Vec::new(), ..mended("tmr:conv1") }),
            "Under TMR of conv1, the answer is “tabby cat”, as without the fault, with 25.0 %. No layer differs from the golden \
             run."
        );
        let stopped = |name: &str, stop: Stop| protection(&fault, &Protection { stops: Some(stop), ..under(name) });
        assert_eq!(
            stopped("duplicate:conv1", Stop::Layer("conv1".into())),
            "Duplication of conv1 notices the fault after conv1, and the inference stops."
        );
        assert!(stopped("secded", Stop::Read).starts_with("SEC-DED notices the fault when the value is read"));
        assert!(stopped("nan-check", Stop::Scores).ends_with("the answer would have been “Egyptian cat”."));
        let alarm = protection(&fault, &Protection { alarm: true, stops: Some(Stop::Scores), ..under("logit-range") });
        assert!(alarm.ends_with("without the fault, too: a false alarm."), "{alarm}");
        let other = ClassInfo { class: 3, label: "lynx".into(), group: None, critical: false };
        let moved = protection(&fault, &Protection { faulty: other.clone(), golden: Some(other), ..mended("ranger") });
        assert!(
            moved.contains("as the protected network has it") && moved.contains("takes this image for “lynx”"),
            "{moved}"
        );
    }

    #[test]
    fn the_price_names_operations_memory_and_images() {
        assert_eq!(price(&under("nan-check")), "Cost: no operations and no memory more for an inference.");
        let costly =
            Protection { operations: (1, Some(0.0001)), bytes: (2_600, Some(0.125)), images: 9, ..under("range") };
        assert_eq!(
            price(&costly),
            "Cost: 1 operation (<\u{a0}0.1 %) and 3 kB of memory (12.5 %) more for an inference. Learnt from 9 golden runs of images \
             on this page, the present one among them."
        );
        assert_eq!(effect(Effect::Needless).0, "Needless");
        assert_eq!(effect(Effect::Mended).0, "Mended");
        assert_eq!(method(&"ranger:channel".parse().expect("a protection")), "Ranger, channel");
    }
}
