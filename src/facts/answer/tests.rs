use super::*;
use crate::graph::GraphBuilder;
use crate::outcome::probabilities;

/// A network on a 1 x 3 x 2 x 2 image: 12 numbers in a row, of which `count` come first.
fn row(builder: &mut GraphBuilder, name: &str, input: ValueId, count: usize) -> ValueId {
    let flat = builder.layer(&format!("{name}_flat"), "Flatten", Op::Reshape { shape: vec![1, 12] }, &[input]).unwrap();
    let range = |length: usize| crate::graph::SliceRange { start: 0, step: 1, length };
    builder.layer(name, "Slice", Op::Slice { ranges: vec![range(1), range(count)] }, &[flat]).unwrap()
}

fn network(build: impl FnOnce(&mut GraphBuilder, ValueId) -> Vec<ValueId>) -> Graph {
    let mut builder = GraphBuilder::new("test");
    let image = builder.input("image", vec![1, 3, 2, 2]).unwrap();
    let outputs = build(&mut builder, image);
    builder.finish(&outputs).unwrap()
}

fn binary(probability: bool, threshold: f64) -> Answer {
    Answer::Binary { probability, threshold: Threshold::new(threshold).unwrap() }
}

fn selected(graph: Graph, wanted: Option<&str>) -> Result<(Graph, Answer, Vec<String>)> {
    let mut notices = Vec::new();
    let (graph, answer) = select(graph, wanted, &mut notices)?;
    Ok((graph, answer, notices))
}

const SIGMOID: Op = Op::Unary(Unary::Sigmoid);
const SOFTMAX: Op = Op::Softmax { axis: 1, to_end: false, log: false };

#[test]
fn the_shape_and_the_last_layer_tell_what_an_output_means() {
    let of = |op: Option<Op>, count: usize| {
        let graph = network(|builder, image| {
            let mut last = row(builder, "row", image, count);
            if let Some(op) = op {
                last = builder.layer("last", "Last", op, &[last]).unwrap();
            }
            vec![builder.layer("flat", "Flatten", Op::Reshape { shape: vec![count] }, &[last]).unwrap()]
        });
        selected(graph, None).map(|(_, answer, _)| answer)
    };
    assert_eq!(of(None, 5).unwrap(), Answer::Scores { classes: 5, probabilities: false });
    assert_eq!(of(Some(SOFTMAX), 5).unwrap(), Answer::Scores { classes: 5, probabilities: true });
    assert_eq!(of(Some(SIGMOID), 1).unwrap(), binary(true, 0.5));
    assert_eq!(of(None, 1).unwrap(), binary(false, 0.5));
    for op in [SOFTMAX, Op::Unary(Unary::Relu)] {
        assert!(of(Some(op), 1).unwrap_err().to_string().contains("\"flat\""));
    }
}

#[test]
fn an_output_that_is_no_row_of_scores_is_refused() {
    let shaped = |shape: &[usize]| {
        let shape = shape.to_vec();
        let reshape = |builder: &mut GraphBuilder, image| {
            vec![builder.layer("out", "Reshape", Op::Reshape { shape }, &[image]).unwrap()]
        };
        selected(network(reshape), None).map(|(_, answer, _)| answer.classes())
    };
    for shape in [&[12][..], &[1, 12], &[1, 12, 1, 1], &[1, 1, 1, 12]] {
        assert_eq!(shaped(shape).unwrap(), 12, "{shape:?}");
    }
    for (shape, word) in [
        (&[1, 3, 2, 2][..], "1 x 3 x 2 x 2, which is no row of class scores, but a map"),
        (&[1, 4, 3], "1 x 4 x 3, which is no row of class scores, but one row for each"),
        (&[1, 12, 1], "no row"),
        (&[3, 4], "several rows"),
        (&[1, 1, 12, 1], "a map"),
    ] {
        let error = shaped(shape).unwrap_err().to_string();
        assert!(error.contains(word), "{shape:?}: {error}");
    }
}

#[test]
fn two_scores_of_a_binary_answer_decide_as_the_threshold_does() {
    let probability = binary(true, 0.5);
    let above = f32::from_bits(0.5f32.to_bits() + 1);
    let below = f32::from_bits(0.5f32.to_bits() - 1);
    for (p, class) in [(0.0, 0), (below, 0), (0.5, 0), (above, 1), (1.0, 1), (1e38, 1), (-1e38, 0), (f32::INFINITY, 1)]
    {
        assert_eq!(probability.class(&probability.scores(vec![p])), class, "{p}");
    }
    assert_eq!(probabilities(&probability.scores(vec![0.25])), [0.75, 0.25]);
    let logit = binary(false, 0.5);
    let tiny = f32::from_bits(1);
    for (z, class) in [(-tiny, 0), (0.0, 0), (-0.0, 0), (tiny, 1), (3.0, 1), (f32::MAX, 1), (f32::MIN, 0)] {
        assert_eq!(logit.class(&logit.scores(vec![z])), class, "{z}");
    }
    // A logit of 1 must not be taken for a probability.
    let sigmoid = 1.0 / (1.0 + (-1f32).exp());
    assert!((probabilities(&logit.scores(vec![1.0]))[1] - sigmoid).abs() < 1e-6);
    for answer in [probability, logit] {
        let scores = answer.scores(vec![f32::NAN]);
        assert!(scores.iter().all(|score| score.is_nan()) && answer.class(&scores) == 0);
    }
}

#[test]
fn a_threshold_moves_the_decision_exactly() {
    let class = |answer: Answer, score: f32| answer.class(&answer.scores(vec![score]));
    for threshold in [1e-45, 1e-3, 0.1, 0.3, 0.5, 0.9, 0.999_999_9] {
        // What is stated is compared as a float32 number, as numpy and Keras do.
        let limit = threshold as f32;
        let answer = binary(true, threshold);
        for (p, expected) in
            [(0.0, 0), (limit.next_down(), 0), (limit, 0), (limit.next_up(), 1), (1.0, 1), (f32::NAN, 0)]
        {
            assert_eq!(class(answer, p), expected, "{threshold}: {p}");
        }
        let limit = (threshold / (1.0 - threshold)).ln() as f32;
        let answer = binary(false, threshold);
        let (lower, higher) = (limit.next_down(), limit.next_up());
        for (z, expected) in [(f32::MIN, 0), (lower, 0), (limit, 0), (higher, 1), (f32::MAX, 1), (f32::NAN, 0)] {
            assert_eq!(class(answer, z), expected, "{threshold}: {z}");
        }
        for (z, expected) in [(f32::INFINITY, 1), (f32::NEG_INFINITY, 0)] {
            assert_eq!(class(answer, z), expected, "{threshold}: {z}");
        }
    }
    // The class of the answer comes first, each class with its own probability.
    let answer = binary(true, 0.9);
    let top: Vec<_> = answer.top(&answer.scores(vec![0.75]), 5).iter().map(|r| (r.class, r.probability)).collect();
    assert_eq!(top, [(0, 0.25), (1, 0.75)]);
    assert_eq!(answer.top(&answer.scores(vec![0.75]), 1).len(), 1);
}

#[test]
fn a_threshold_is_a_probability_and_for_one_score_only() {
    for bad in ["0", "1", "-0.1", "1.5", "NaN", "inf", "", "0,5", "1e-60", "0.99999999"] {
        assert!(bad.parse::<Threshold>().is_err(), "{bad}");
    }
    let threshold: Threshold = " 0.9".parse().unwrap();
    assert_eq!((threshold.to_string().as_str(), serde_json::to_string(&threshold).unwrap().as_str()), ("0.9", "0.9"));
    assert!(serde_json::from_str::<Threshold>("1.0").is_err() && serde_json::from_str::<Threshold>("null").is_err());
    assert_eq!(
        binary(true, 0.5).decided_at(Some(threshold)).unwrap().to_string(),
        "one probability: two classes, class 1 where it is above 0.9"
    );
    assert_eq!(
        binary(false, 0.5).decided_at(Some(threshold)).unwrap().to_string(),
        "one logit: two classes, class 1 where it is above 2.1972246 (a probability of 0.9)"
    );
    assert_eq!(binary(false, 0.5).to_string(), "one logit: two classes, class 1 where it is above 0");
    let scores = Answer::Scores { classes: 4, probabilities: true };
    assert_eq!(scores.decided_at(None).unwrap(), scores);
    let error = scores.decided_at(Some(threshold)).unwrap_err().to_string();
    assert!(error.contains("this one has 4") && error.contains("leave it out"), "{error}");
}

#[test]
fn of_features_and_scores_the_scores_are_taken_and_said() {
    let graph = network(|builder, image| {
        let features = row(builder, "features", image, 6);
        let scores = builder.layer("scores", "Softmax", SOFTMAX, &[features]).unwrap();
        let map = builder.layer("map", "Relu", Op::Unary(Unary::Relu), &[image]).unwrap();
        vec![features, map, scores]
    });
    let (pruned, answer, notices) = selected(graph.clone(), None).unwrap();
    assert_eq!(answer, Answer::Scores { classes: 6, probabilities: true });
    assert_eq!(names(&pruned), ["scores"]);
    assert_eq!(pruned.nodes.len(), graph.nodes.len(), "indices stay");
    assert_eq!(pruned.nodes[pruned.find("map").unwrap()].op, Op::Folded);
    let [notice] = &notices[..] else { panic!("{notices:?}") };
    for part in ["\"scores\" is taken", "\"features\" (1 x 6)", "\"map\" (1 x 3 x 2 x 2)", "1 layer not reached"] {
        assert!(notice.contains(part), "{notice}");
    }
    let (chosen, ..) = selected(graph.clone(), Some("0")).unwrap();
    assert_eq!(names(&chosen), ["features"]);
    assert_eq!(chosen.nodes[chosen.find("scores").unwrap()].op, Op::Folded);
    let error = selected(graph.clone(), Some("map")).unwrap_err().to_string();
    assert!(error.contains("--output") && error.contains("a map"), "{error}");
    let error = selected(graph, Some("3")).unwrap_err().to_string();
    assert!(error.contains("0 \"features\", 1 \"map\", 2 \"scores\""), "{error}");
}

#[test]
fn outputs_that_nothing_tells_apart_are_asked_about() {
    let graph = network(|builder, image| vec![row(builder, "main", image, 5), row(builder, "auxiliary", image, 4)]);
    let error = selected(graph.clone(), None).unwrap_err();
    let shapes = [("main", "1 x 5"), ("auxiliary", "1 x 4")];
    let outputs = shapes.map(|(name, shape)| crate::OutputShape { name: name.into(), shape: shape.into() }).to_vec();
    let crate::Error::Question { question, .. } = &error else { panic!("{error:?}") };
    assert_eq!(question, &crate::Question::Output { outputs });
    let error = error.concerning("net.onnx").concerning("other").to_string();
    assert!(error.starts_with("net.onnx: ") && error.contains("--output"), "{error}");
    assert!(error.contains("\"main\" (1 x 5), \"auxiliary\" (1 x 4)"), "{error}");
    let (graph, answer, _) = selected(graph, Some("auxiliary")).unwrap();
    assert_eq!((answer.classes(), names(&graph)), (4, vec!["auxiliary"]));
}

#[test]
fn bounds_of_bounds_do_not_change_what_an_output_means() {
    let graph = network(|builder, image| {
        let zero = crate::graph::HostTensor::new(vec![1], vec![0.0]).unwrap();
        let zero = builder.parameter("zero", zero).unwrap();
        let mended = |builder: &mut GraphBuilder, inner: ValueId, name: &str| {
            let is_nan = Op::Unary(Unary::IsNan);
            let is_nan = builder.layer(&format!("{name}_nan"), "IsNaN", is_nan, &[inner]).unwrap();
            builder.layer(name, "Where", Op::Where, &[is_nan, zero, inner]).unwrap()
        };
        let clipped = |builder: &mut GraphBuilder, inner: ValueId, name: &str| {
            builder.layer(name, "Clip", Op::Unary(Unary::Clip { min: 0.0, max: 1.0 }), &[inner]).unwrap()
        };
        let mut last = row(builder, "row", image, 5);
        last = builder.layer("softmax", "Softmax", SOFTMAX, &[last]).unwrap();
        // Bounds of the softmax, of the tensor without NaN behind it, and of the result.
        for name in ["a", "b"] {
            last = mended(builder, last, name);
            last = if name == "a" { clipped(builder, last, "a_clip") } else { last };
        }
        last = mended(builder, last, "c");
        for name in ["c_clip", "b_clip"] {
            last = clipped(builder, last, name);
        }
        last = mended(builder, last, "d");
        vec![clipped(builder, last, "d_clip")]
    });
    let answer = Answer::of(&graph, graph.outputs[0]).unwrap();
    assert_eq!(answer, Answer::Scores { classes: 5, probabilities: true });
}
