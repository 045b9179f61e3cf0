//! The steps on number formats and patterns.

use facts::fault::Pattern;

use super::*;

impl Desk {
    fn format(&mut self, format: Format) {
        self.act(Action::choose(move |link| {
            (link.card.format, link.card.weight_format) = (Some(format), Some(format));
        }));
    }

    fn pattern(&mut self, pattern: Pattern) {
        self.act(Action::choose(move |link| link.pattern = Some(pattern)));
    }
}

#[test]
fn a_flip_in_bfloat16_does_what_no_flip_in_int8_does() {
    let mut desk = Desk::at(13);
    assert_eq!((desk.state.format(), desk.state.code().format), (Format::Bf16, Format::Bf16));
    let exponent = |format: Format| format.bits_of(BitField::Exponent).len();
    assert_eq!((exponent(Format::Bf16), Format::Bf16.width(), exponent(Format::I8)), (8, 16, 0));
    desk.act(Action::Strike(14));
    assert_eq!(desk.injection().verdict.outcome, Outcome::Sdc);
    assert!(desk.state.lesson.is_done(13, 0));

    desk.format(Format::I8);
    let golden = desk.state.golden_now().expect("a golden run");
    assert_eq!(
        golden.top[0].class,
        desk.state.step().expect("a step").1.scene.sign,
        "the rounded network reads the sign"
    );
    desk.act(Action::Sweep(Some(Sweep::Bits)));
    let outcomes: Vec<_> =
        desk.state.trials().iter().flatten().flatten().map(|trial| (trial.fault.bit, trial.verdict.outcome)).collect();
    assert!(desk.state.lesson.is_complete(13), "{outcomes:?}");
    let numbers = desk.state.numbers().expect("it is rounded");
    assert_eq!(numbers.calibration.map(|calibration| calibration.images), Some(samples().len()));
    // No flip leaves the range that the format covers.
    let code = desk.state.code();
    let range = [-128i32, 127].map(|word| code.decode(word as u32));
    for trial in desk.state.trials().iter().flatten().flatten() {
        assert!((range[0]..=range[1]).contains(&trial.fault.after), "{:?}", trial.fault);
    }
}

#[test]
fn a_pattern_changes_the_answer_where_one_flip_does_not() {
    let mut desk = Desk::at(14);
    assert_eq!((desk.injection().verdict.outcome, desk.injection().struck), (Outcome::Masked, 1));
    assert_eq!((desk.fault().before, desk.fault().after), (0.0, 2.0));
    let changed = |desk: &Desk| desk.injection().trace.iter().map(|row| row.changed).sum::<u64>();
    let single = changed(&desk);
    desk.pattern(Pattern::BulletWake(None));
    assert!(desk.state.lesson.is_done(14, 0));
    assert!(changed(&desk) > single);
    let outcomes: Vec<_> = ["row", "column", "channel", "full-channels", "bullet-wake", "shattered-glass", "block:4x4"]
        .into_iter()
        .map(|pattern| {
            desk.pattern(pattern.parse().expect("a pattern"));
            (pattern, desk.injection().struck, desk.injection().verdict.outcome)
        })
        .collect();
    assert!(desk.state.lesson.is_complete(14), "{outcomes:?}");
    let channel = outcomes.iter().find(|(pattern, ..)| *pattern == "channel").expect("it is there");
    assert_eq!(channel.1, 64, "as the hint says");
}
