//! Numbers and outcomes in words.

mod options;
mod protect;

use facts::campaign::compared::Method;
use facts::campaign::{Aim, Criterion, NumberFormats};
use facts::fault::{Bits, Corruption, Format, InjectedFault, Pattern, Target};
use facts::outcome::{Decision, Outcome, Rate, Verdict};
use facts::report::aimed;
use protocol::{ClassInfo, Injection, Learnt};

pub use options::in_page_words;
pub use protect::{PROTECT, effect, method, price, protection};

/// The terms of the field, each with its explanation.
pub const GOLDEN_RUN: &str =
    "Golden run: the network's answer without any fault. Every faulty run is compared with it.";
/// See [`GOLDEN_RUN`].
pub const FAULTY_RUN: &str = "Faulty run: the same image through the same network, with the fault.";
/// See [`GOLDEN_RUN`].
pub const MASKED: &str = "Masked: the fault did not change the predicted class.";
/// See [`GOLDEN_RUN`].
pub const SDC: &str = "SDC, silent data corruption: the predicted class changed, and nothing gave a warning.";
/// See [`GOLDEN_RUN`].
pub const DUE: &str =
    "DUE, detected unrecoverable error: NaN or infinity reached the output, which a system could notice.";
/// See [`GOLDEN_RUN`].
pub const SCM: &str =
    "SCM, safety-critical misclassification: an object of a critical group is taken for one of another group.";

/// The effects of a protection, each with its explanation.
pub const EFFECTS: [(&str, &str); 4] = [
    ("Mended", "Mended: an SDC without the protection, and the right answer with it"),
    ("Detected", "Detected: an SDC without the protection; with it the inference stops"),
    ("Missed", "Missed: an SDC without the protection, and with it"),
    ("Worse", "Worse: masked without the protection, and an SDC with it"),
];
/// What a comparison of protections is.
pub const COMPARED: &str = "Every fault was tried in the unprotected network and under each protection. Coverage is the share of SDCs that \
    a protection mends or detects. A conclusion follows from McNemar's test, corrected by Holm, and holds at the end of a campaign.";

/// What a protected network is.
pub const PROTECTED_FILE: &str = "Save the network for any runtime (.onnx), with standard operators that bound the layers by their values in golden \
    runs of these images: 100 of them, or the number under Protections. The network must be an ONNX file.";

/// What a number format is.
pub const NUMBER_FORMAT: &str = "The number format that the network is rounded to: every layer's output, and the parameters. A fault strikes \
    the bits of this format. Integers have scales, which are learnt from the golden runs of the images on the page.";

/// What a pattern is.
pub const PATTERN: &str = "The elements that the fault strikes together, as a faulty multiplier or a corrupted register does. Each of them is \
    changed alike. The feature map shows them before the fault strikes.";

/// A number for people: five significant digits, an exponent where it is far from 1.
pub fn number(value: f32) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+∞" } else { "−∞" }.to_owned();
    }
    let magnitude = value.abs();
    let text = if magnitude == 0.0 {
        (if value.is_sign_negative() { "-0" } else { "0" }).to_owned()
    } else if (1e-3..1e5).contains(&magnitude) {
        let digits = (4 - magnitude.log10().floor() as i32).clamp(0, 7) as usize;
        let text = format!("{value:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else {
        let text = format!("{value:.4e}");
        match text.split_once('e') {
            Some((mantissa, exponent)) if mantissa.contains('.') => {
                format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
            }
            _ => text,
        }
    };
    text.replace('-', "−")
}

/// A count with thin spaces between thousands.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A share from 0 to 1 in percent.
pub fn percent(share: f64) -> String {
    if share.is_nan() {
        return "NaN".to_owned();
    }
    let percent = share * 100.0;
    // A share below 1 must not be rounded to 100 %, nor one above 0 to 0 %.
    if share > 0.0 && percent < 0.05 {
        "<\u{a0}0.1 %".to_owned()
    } else if share < 1.0 && percent >= 99.95 {
        ">\u{a0}99.9 %".to_owned()
    } else {
        format!("{percent:.1} %")
    }
}

/// A number with three digits, for the ends of a scale.
pub fn scale_end(value: f32) -> String {
    // Text of a number is a number.
    number(format!("{value:.2e}").parse().unwrap_or(value))
}

/// The workers that a campaign has lost.
pub fn lost(workers: usize) -> String {
    let who = if workers == 1 { "a worker has" } else { "workers have" };
    format!("; {who} stopped answering, and the others do the rest: nothing is lost")
}

/// A number without zeros at its end.
pub fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The interval of a rate, of a confidence in percent.
pub fn interval(rate: &Rate, confidence: u8) -> String {
    // No line ends between a number and its sign.
    let [low, high] = [rate.low, rate.high].map(|end| percent(end).replace(' ', "\u{a0}"));
    format!("{confidence} % interval {low} to {high}")
}

/// The stratified design, for its setting.
pub const STRATIFIED: &str = "A pilot of a few images finds out which bits and places matter, by the gradient of the answer. Most faults are \
    then injected there. Weights undo the preference, so that the rates are those of faults drawn uniformly.";

/// How well the quantity of a campaign is known.
pub fn aim(aim: &Aim) -> String {
    format!(
        "{} The intervals of the rates hold with {} % although the campaign looks at them to stop; those of layers and bits \
         are for a fixed number of faults.",
        sentence(&aimed(aim)),
        aim.goal.confidence.percent()
    )
}

/// A text as a sentence.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}

/// A rate in percent; a dash where nothing was counted.
pub fn rate(rate: &Rate) -> String {
    if rate.of > 0 { percent(rate.rate) } else { "–".to_owned() }
}

/// The conclusion on a protection.
pub fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Better => "better",
        Decision::Worse => "worse",
        Decision::NoDifferenceSeen => "no difference seen",
        Decision::TooFewToSay => "too few to say",
    }
}

/// The protections of a campaign, in a few words.
pub fn chosen_protections(methods: &[Method]) -> String {
    match methods {
        [] => "none".to_owned(),
        [first, second, _, ..] => format!("{}: {first}, {second}, …", methods.len()),
        few => few.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// Why the charts of a campaign do not show an outcome.
pub fn unknown_outcome(outcome: Criterion) -> &'static str {
    match outcome {
        Criterion::Sdc => "",
        Criterion::Sdc5 => {
            "SDC-5 is not known of these faults: it needs more than five classes, and the scores of every fault. The charts show the SDC."
        }
        Criterion::Sdc10 | Criterion::Sdc20 => {
            "SDC-10 % and SDC-20 % are not known of these faults: they need the scores of every fault, which records of earlier versions \
             do not have. The charts show the SDC."
        }
        Criterion::Scm => "SCM is not judged: the network has no grouping. The charts show the SDC.",
    }
}

/// Bytes in the unit that fits.
pub fn bytes(value: u64) -> String {
    match value {
        0..1_000 => format!("{value} B"),
        1_000..1_000_000 => format!("{:.0} kB", value as f64 / 1e3),
        _ => format!("{:.1} MB", value as f64 / 1e6),
    }
}

/// A time in the unit that fits.
pub fn duration(milliseconds: f64) -> String {
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 1000.0 {
        format!("{milliseconds:.0} ms")
    } else if milliseconds < 60_000.0 {
        format!("{:.1} s", milliseconds / 1000.0)
    } else {
        let seconds = (milliseconds / 1000.0).round() as u64;
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

/// A shape as `3 × 224 × 224`.
pub fn shape(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "scalar".to_owned();
    }
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}

/// The formats of layers' outputs and of parameters.
pub fn formats([outputs, weights]: [Format; 2]) -> String {
    if outputs == weights {
        return outputs.name().into_owned();
    }
    format!("{}, weights {}", outputs.name(), weights.name())
}

/// A pattern, as a list of patterns names it.
pub fn pattern(pattern: Pattern) -> String {
    let counted = |name: &str, count: Option<usize>| match count {
        None => name.to_owned(),
        Some(count) => format!("{name}, {count} channels"),
    };
    match pattern {
        Pattern::Single => "Single".to_owned(),
        Pattern::Row => "Row".to_owned(),
        Pattern::Column => "Column".to_owned(),
        Pattern::Channel => "Channel".to_owned(),
        Pattern::FullChannels(count) => counted("Full channels", count.or(Some(2))),
        Pattern::BulletWake(count) => counted("Bullet wake", count),
        Pattern::ShatteredGlass(count) => counted("Shattered glass", count),
        Pattern::Block { width, height } => format!("Block of {width} × {height}"),
        Pattern::Skip { stride, count: None } => format!("Elements {stride} apart"),
        Pattern::Skip { stride, count: Some(count) } => format!("{count} elements {stride} apart"),
        Pattern::Random(1) => "A random element".to_owned(),
        Pattern::Random(count) => format!("{count} random elements"),
    }
}

/// A sentence about the elements that a pattern strikes, of which there are `elements` in so many planes.
pub fn spread(elements: usize, planes: usize) -> String {
    let noun =
        |count: usize, one: &str| format!("{} {one}{}", self::count(count as u64), if count == 1 { "" } else { "s" });
    format!("{} in {}, each changed alike", noun(elements, "element"), noun(planes, "map"))
}

/// A sentence about the number formats that the network is rounded to.
pub fn rounded(numbers: &NumberFormats) -> String {
    let learnt = if numbers.learns() { " These are the first images on the page." } else { "" };
    format!("The network is rounded: {numbers}.{learnt}")
}

/// What a campaign learns before its first fault, and how far it is: `done` of all golden runs.
pub fn learning(learnt: Learnt, [done, of]: [usize; 2]) -> String {
    let what = match learnt {
        Learnt::Scales => "the scales of the number format are learnt",
        Learnt::Accuracy => "the accuracy is measured, rounded and in float32,",
        Learnt::Protections => "the protections learn",
        Learnt::Strata => "the strata are learnt",
    };
    format!("{what} from golden runs: {} of {}", count(done as u64), count(of as u64))
}

/// A set of bits as the subject of a sentence: `Bit 30`, `Bits 23-30`.
pub fn bits(bits: Bits) -> String {
    match bits.single() {
        Some(bit) => format!("Bit {bit}"),
        None => format!("Bits {bits}"),
    }
}

/// The change of a value in a word or two: `bit 30`, `set`.
pub fn corruption(corruption: Corruption) -> String {
    match corruption {
        Corruption::Flip(set) => bits(set).to_lowercase(),
        Corruption::StuckAt1(set) => format!("{} stuck at 1", bits(set).to_lowercase()),
        Corruption::StuckAt0(set) => format!("{} stuck at 0", bits(set).to_lowercase()),
        Corruption::Set(_) => "set".to_owned(),
        Corruption::Scale(factor) => format!("times {factor}"),
        Corruption::Add(number) => format!("plus {number}"),
        Corruption::Rescale { scale, zero } => format!("read with scale {scale} and zero point {zero}"),
    }
}

/// A sentence about a fault: place, and value before and after.
pub fn fault(fault: &InjectedFault) -> String {
    let place = match fault.target {
        Target::Activation => format!("element {} of layer {}", fault.element, fault.layer),
        Target::Weight => format!("element {} of {} (layer {})", fault.element, fault.tensor, fault.layer),
        Target::Input => format!("byte {} of the image", fault.element),
        Target::Metadata => format!("scale or zero point {} of {}", fault.element, fault.tensor),
    };
    let change = format!("{} → {}", number(fault.before), number(fault.after));
    match fault.struck() {
        Some(struck) => {
            let field = struck.single().map(|bit| format!(" ({})", fault.format.field_name(bit)));
            format!("{}{} of {place}: {change}", bits(struck), field.unwrap_or_default())
        }
        None => format!("{}{}: {change}", place[..1].to_uppercase(), &place[1..]),
    }
}

/// A sentence about the elements that were struck.
pub fn struck(injection: &Injection) -> Option<String> {
    let first = fault(injection.faults.first()?);
    Some(match injection.struck {
        0 | 1 => first,
        2 => format!("{first}; and one more element"),
        all => format!("{first}; and {} more elements", count(all as u64 - 1)),
    })
}

/// An outcome in a word or two.
pub fn verdict(verdict: &Verdict) -> String {
    let mut text = match (verdict.scm, verdict.outcome) {
        (Some(true), _) => "SCM",
        (_, Outcome::Sdc) => "SDC",
        (_, Outcome::Masked) => "masked",
    }
    .to_owned();
    if verdict.due {
        text.push_str(", DUE");
    }
    text
}

/// The outcome.
pub fn outcome(injection: &Injection) -> String {
    let Injection { verdict, golden, faulty, confidence: [before, after], .. } = injection;
    let mut text = match verdict.outcome {
        Outcome::Masked => {
            let confidence = format!("{} → {}", percent(f64::from(*before)), percent(f64::from(*after)));
            format!("Still “{}”; its probability went {confidence}.", golden.label)
        }
        Outcome::Sdc => format!("“{}” → “{}”: {}", golden.label, faulty.label, grouping(verdict.scm, golden, faulty)),
    };
    if verdict.due {
        text.push_str(" NaN or infinity reached the output, so a system could have noticed.");
    }
    if injection.nan_wins {
        text.push_str(" The first score that is NaN counts as the prediction, as numpy's argmax has it.");
    }
    text
}

fn grouping(scm: Option<bool>, golden: &ClassInfo, faulty: &ClassInfo) -> String {
    match (scm, &golden.group, &faulty.group) {
        (Some(true), Some(from), Some(to)) => {
            format!("{from} (critical) taken for {to}, a safety-critical misclassification.")
        }
        (_, Some(from), Some(to)) if from == to => format!("same group, {from}; not safety-critical."),
        (_, Some(from), Some(to)) => {
            format!("{from} taken for {to}; {from} is not critical, so neither is the mistake.")
        }
        _ => "another class. This model has no grouping, so whether that is safety-critical is not judged.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use facts::outcome::Verdict;

    #[test]
    fn numbers_are_short_and_true() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "−0"),
            (1.0, "1"),
            (-2.5, "−2.5"),
            (0.843_147_3, "0.84315"),
            (12345.678, "12346"),
            (1.0e38, "1e38"),
            (-3.4028235e38, "−3.4028e38"),
            (1.0e-7, "1e−7"),
            (f32::NAN, "NaN"),
            (f32::NEG_INFINITY, "−∞"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn shares_are_not_rounded_to_certainty() {
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(percent(0.0001), "<\u{a0}0.1 %");
        assert_eq!(percent(0.99999), ">\u{a0}99.9 %");
        assert_eq!([-3.8038e37, 4.0054, 0.0].map(scale_end), ["−3.8e37", "4.01", "0"]);
        assert_eq!(percent(1.0), "100.0 %");
        assert_eq!(percent(f64::NAN), "NaN");
    }

    #[test]
    fn few_protections_are_named_and_many_are_counted() {
        let methods: Vec<Method> =
            ["range", "secded", "nan-check"].iter().map(|name| name.parse().expect("a protection")).collect();
        assert_eq!(chosen_protections(&[]), "none");
        assert_eq!(chosen_protections(&methods[..2]), "range, secded");
        assert_eq!(chosen_protections(&methods), "3: range, secded, …");
        assert_eq!(rate(&Rate::new(0, 0)), "–");
        assert_eq!(rate(&Rate::new(1, 4)), "25.0 %");
    }

    #[test]
    fn what_a_campaign_learns_is_told_with_its_golden_runs() {
        let told = [Learnt::Scales, Learnt::Accuracy, Learnt::Protections, Learnt::Strata];
        let told = told.map(|learnt| learning(learnt, [3, 120]));
        assert_eq!(told[0], "the scales of the number format are learnt from golden runs: 3 of 120");
        assert_eq!(told[1], "the accuracy is measured, rounded and in float32, from golden runs: 3 of 120");
        assert_eq!(told[2], "the protections learn from golden runs: 3 of 120");
        assert_eq!(told[3], "the strata are learnt from golden runs: 3 of 120");
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
    }

    pub(super) fn injection(outcome: Outcome, scm: Option<bool>, from: &str, to: &str) -> Injection {
        let class = |label: &str, group: &str| ClassInfo {
            class: 0,
            label: label.into(),
            group: (!group.is_empty()).then(|| group.into()),
            critical: scm == Some(true),
        };
        Injection {
            verdict: Verdict { outcome, due: false, scm },
            golden: class("tabby cat", from),
            faulty: class("Egyptian cat", to),
            confidence: [0.5, 0.25],
            nan_wins: false,
            before: Vec::new(),
            after: Vec::new(),
            faults: Vec::new(),
            struck: 0,
            trace: Vec::new(),
            milliseconds: 1.0,
        }
    }

    #[test]
    fn an_outcome_is_told_with_its_reason() {
        let same = outcome(&injection(Outcome::Sdc, Some(false), "Small Animals", "Small Animals"));
        assert_eq!(same, "“tabby cat” → “Egyptian cat”: same group, Small Animals; not safety-critical.");
        let critical = outcome(&injection(Outcome::Sdc, Some(true), "Person", "Tools"));
        assert!(critical.contains("Person (critical) taken for Tools"), "{critical}");
        let unknown = outcome(&injection(Outcome::Sdc, None, "", ""));
        assert!(unknown.contains("no grouping"), "{unknown}");
        let masked = outcome(&injection(Outcome::Masked, Some(false), "a", "a"));
        assert_eq!(masked, "Still “tabby cat”; its probability went 50.0 % → 25.0 %.");
    }
}
