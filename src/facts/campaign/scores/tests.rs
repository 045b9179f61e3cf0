use super::*;

/// What `class` in place of class 0 comes to with `faulty` scores.
fn changed(golden: &[f32], faulty: &[f32], class: usize) -> ChangedScores {
    match Scores::between(golden, 0, faulty, class) {
        Scores::Changed(scores) => scores,
        Scores::Golden => panic!("the scores are others"),
    }
}

fn tally(trials: &[(Scores, Option<bool>)]) -> CriteriaTally {
    let mut tally = CriteriaTally::default();
    trials.iter().for_each(|&(scores, correct)| tally.add(scores.deviation(correct)));
    tally
}

#[test]
fn ranks_confidences_and_margins_by_hand() {
    let golden = [0.4, 0.1, 0.2, 0.05, 0.15, 0.1];
    let found = changed(&golden, &[0.3, 0.1, 0.2, 0.35, 0.0, 0.05], 3);
    assert_eq!(found.rank, Some(6));
    assert_eq!(found.confidence, [0.4, 0.3]);
    assert_eq!(found.margin, [0.4 - 0.2, 0.3 - 0.35]);
    // Of equal scores the lower class comes first.
    assert_eq!(changed(&golden, &[0.3, 0.4, 0.2, 0.1, 0.0, 0.0], 1).rank, Some(4));
    assert_eq!(changed(&golden, &[0.3, 0.1, 0.1, 0.1, 0.0, 0.4], 5).rank, Some(5));
    // Five classes have no sixth place.
    assert_eq!(changed(&[5.0, 4.0, 3.0, 2.0, 1.0], &[0.0; 5], 0).rank, None);
}

#[test]
fn the_golden_run_says_whether_scores_are_probabilities() {
    // Logits whose faulty values look like probabilities.
    let [before, after] = changed(&[2.0, 0.0], &[1.0, 0.0], 0).confidence;
    assert!((before - 0.880_797).abs() < 1e-6 && (after - 0.731_058_6).abs() < 1e-6, "{before} {after}");
    // Probabilities with a faulty value that none can be.
    assert_eq!(changed(&[0.75, 0.25], &[0.75, 8.0], 1).confidence, [0.75, 0.75]);
    let none = changed(&[0.75, 0.25], &[0.75, f32::INFINITY], 1);
    assert!(none.confidence[1].is_nan() && none.margin[1] == f32::NEG_INFINITY, "{none:?}");
}

#[test]
fn unchanged_scores_are_those_with_the_same_bits() {
    assert_eq!(Scores::between(&[1.0, 0.0], 0, &[1.0, 0.0], 0), Scores::Golden);
    assert!(matches!(Scores::between(&[1.0, 0.0], 0, &[1.0, -0.0], 0), Scores::Changed(_)));
}

#[test]
fn json_is_short_and_reads_back_exactly() {
    assert_eq!(serde_json::to_string(&Scores::Golden).unwrap(), r#""golden""#);
    let one = Scores::Changed(ChangedScores { rank: Some(3), confidence: [0.98, 0.41], margin: [5.2, -1.1] });
    let json = r#"{"rank":3,"confidence":[0.98,0.41],"margin":[5.2,-1.1]}"#;
    assert_eq!(serde_json::to_string(&one).unwrap(), json);
    for scores in [Scores::Golden, one] {
        let json = serde_json::to_string(&scores).unwrap();
        assert_eq!(serde_json::from_str::<Scores>(&json).unwrap(), scores);
    }
    let broken = ChangedScores { rank: None, confidence: [1.0, f32::NAN], margin: [1.0, f32::NEG_INFINITY] };
    let json = r#"{"confidence":[1.0,"NaN"],"margin":[1.0,"-Infinity"]}"#;
    assert_eq!(serde_json::to_string(&broken).unwrap(), json);
    assert_eq!(serde_json::to_string(&serde_json::from_str::<Scores>(json).unwrap()).unwrap(), json);
    for json in
        [r#""other""#, "1", r#"{"rank":0,"confidence":[1,1],"margin":[1,1]}"#, r#"{"confidence":[1],"margin":[1,1]}"#]
    {
        assert!(serde_json::from_str::<Scores>(json).is_err(), "{json}");
    }
}

#[test]
fn criteria_are_counted_by_hand() {
    let scores = |rank, confidence, margin| Scores::Changed(ChangedScores { rank, confidence, margin });
    let trials = [
        (Scores::Golden, Some(true)),
        // Exactly a quarter more than 0.5: beyond both.
        (scores(Some(1), [0.5, 0.625], [1.0, 1.5]), Some(true)),
        // A sixteenth: within both.
        (scores(Some(2), [0.5, 0.531_25], [1.0, -1.0]), Some(false)),
        // An eighth less: beyond 10 % only.
        (scores(Some(6), [0.5, 0.4375], [1.0, 0.5]), Some(false)),
        (scores(Some(5), [0.5, f32::NAN], [1.0, f32::NAN]), None),
    ];
    let criteria = tally(&trials).summary(5).unwrap();
    assert_eq!(criteria.sdc5, Some(Rate::new(1, 5)));
    assert_eq!(criteria.sdc10pct, Rate::new(3, 5));
    assert_eq!(criteria.sdc20pct, Rate::new(2, 5));
    assert_eq!(criteria.accuracy, Some(Rate::new(2, 4)));
    assert_eq!(criteria.margin, Some(MarginChange { mean: (0.5 - 2.0 - 0.5) / 4.0, trials: 4 }));
    assert_eq!(tally(&trials).summary(6), None, "the scores of one trial are not known");
}

#[test]
fn sums_do_not_depend_on_the_order() {
    let of = |after: f32| {
        (Scores::Changed(ChangedScores { rank: None, confidence: [0.5; 2], margin: [0.1, after] }), Some(true))
    };
    let trials: Vec<_> = (0..1000).map(|k| of(1e9 / (k as f32 - 500.5).powi(3))).chain([of(1e30), of(-1e30)]).collect();
    let all = tally(&trials);
    let mut parts = tally(&trials[700..]);
    parts.merge(&tally(&trials[..700]));
    assert_eq!(all, parts);
    assert_eq!(all.summary(1002).unwrap().margin.unwrap().trials, 1000, "what would be all of the mean is left out");
}
