use super::*;

fn judgement(number: u64) -> Judgement {
    Judgement { sdc: number.is_multiple_of(3), due: Some(false), scm: number.is_multiple_of(6), deviation: None }
}

/// Draws from trials number `from` to below `to`, every second of which is initially correct.
fn draw(sample: StudySample, from: u64, to: u64) -> Draw {
    let mut draw = Draw::new(sample, from);
    for number in from..to {
        let starts: &[Start] =
            if number.is_multiple_of(2) { &[Start::Correct] } else { &[Start::Scm, Start::Misclassified] };
        draw.take(starts, judgement(number));
    }
    draw
}

fn places(draw: &Draw, start: Start) -> Vec<u64> {
    let mut places: Vec<_> = draw.drawn[start as usize].iter().map(|&(_, place, _)| place).collect();
    places.sort_unstable();
    places
}

#[test]
fn a_draw_does_not_depend_on_how_the_records_were_cut() {
    let sample = StudySample { count: 40, seed: 9 };
    let whole = draw(sample, 0, 1000);
    for cut in [1, 17, 500, 999] {
        let mut parts = draw(sample, 0, cut);
        parts.merge(draw(sample, cut, 1000));
        for start in Start::ALL {
            assert_eq!(places(&parts, start), places(&whole, start), "{start:?}, cut at {cut}");
        }
    }
}

#[test]
fn no_trial_is_drawn_twice_and_sets_are_drawn_apart() {
    let whole = draw(StudySample { count: 40, seed: 9 }, 0, 1000);
    for start in [Start::Correct, Start::Scm, Start::Misclassified] {
        let mut places = places(&whole, start);
        assert_eq!(places.len(), 40);
        places.dedup();
        assert_eq!(places.len(), 40);
        assert!(places.iter().all(|place| place.is_multiple_of(2) == (start == Start::Correct)));
    }
    assert!(places(&whole, Start::NonScm).is_empty());
    assert_ne!(places(&whole, Start::Scm), places(&whole, Start::Misclassified));
    let other = draw(StudySample { count: 40, seed: 10 }, 0, 1000);
    assert_ne!(places(&whole, Start::Correct), places(&other, Start::Correct));
}

/// Each trial is as likely to be drawn as any other: of 1,000 draws of 10 from 50, about 200 hold each. The standard
/// deviation is 12.6, and the largest of 50 deviations is below 5 of them but once in 30,000 sets of draws; the seeds
/// are fixed.
#[test]
fn every_trial_is_as_likely_as_any_other() {
    let mut drawn = [0; 100];
    for seed in 0..1000 {
        let draw = draw(StudySample { count: 10, seed }, 0, 100);
        places(&draw, Start::Correct).into_iter().for_each(|place| drawn[place as usize] += 1);
    }
    let drawn: Vec<i32> = drawn.into_iter().step_by(2).collect();
    assert_eq!(drawn.iter().sum::<i32>(), 10_000);
    assert!(drawn.iter().all(|times| (times - 200).abs() < 63), "{drawn:?}");
}
