//! `inject`: one fault, written out in full.

use super::*;

fn inject(image: &Path, arguments: &[&str]) -> Value {
    let mut all = vec!["inject", MODEL, text(image), "--json"];
    all.extend(arguments);
    json(&all)
}

#[test]
fn an_activation_flip_is_written_out_in_full() {
    let (_folder, image) = one_image();
    let result = inject(&image, &["--layer", "relu2", "--element", "21", "--bit", "30"]);
    for key in ["golden", "faulty", "outcome", "due", "scm", "fault"] {
        assert!(result.get(key).is_some(), "{key} in {result}");
    }
    assert!(result.get("trace").is_none());
    assert_eq!(keys(&result["golden"]), ["class", "logits"]);
    assert_eq!(result["golden"]["class"], 1);
    assert_eq!(result["scm"], Value::Null, "the model has no grouping");
    let fault = &result["fault"];
    for key in ["target", "layer", "tensor", "element", "bit", "before", "after"] {
        assert!(fault.get(key).is_some(), "{key} in {fault}");
    }
    assert_eq!(fault["target"], "activation");
    assert_eq!(fault["layer"], "relu2");
    assert_eq!(fault["tensor"], "relu2.out");
    assert_eq!(fault["element"], 21);
    assert_eq!(fault["bit"], 30);
    let before = fault["before"].as_f64().expect("a number") as f32;
    let after = fault["after"].as_f64().expect("a number") as f32;
    assert_eq!(before.to_bits() ^ after.to_bits(), 1 << 30);
    let changed = result["golden"]["logits"] != result["faulty"]["logits"];
    assert!(changed, "an exponent bit of a strong activation reaches the scores");
    let same_class = result["golden"]["class"] == result["faulty"]["class"];
    assert_eq!(result["outcome"], if same_class { "masked" } else { "sdc" });
}

#[test]
fn a_layer_is_found_by_index_as_by_name() {
    let (_folder, image) = one_image();
    let by_name = inject(&image, &["--layer", "relu2", "--element", "3", "--bit", "22"]);
    let by_index = inject(&image, &["--layer", "3", "--element", "3", "--bit", "22"]);
    assert_eq!(by_name, by_index);
}

#[test]
fn weights_are_counted_end_to_end_or_by_tensor() {
    let (_folder, image) = one_image();
    let weight = ["--target", "weight", "--layer", "conv1", "--bit", "31"];
    let bias = inject(&image, &[&weight[..], &["--element", "110"]].concat());
    assert_eq!(bias["fault"]["tensor"], "conv1.bias");
    assert_eq!(bias["fault"]["element"], 2);
    let named = inject(&image, &[&weight[..], &["--element", "2", "--tensor", "conv1.bias"]].concat());
    assert_eq!(bias, named);
    let kernel = inject(&image, &[&weight[..], &["--element", "2"]].concat());
    assert_eq!(kernel["fault"]["tensor"], "conv1.weight");
    let negated = -kernel["fault"]["before"].as_f64().expect("a number");
    assert_eq!(kernel["fault"]["after"], negated);
}

#[test]
fn values_may_be_zeroed_or_replaced() {
    let (_folder, image) = one_image();
    let zero = inject(&image, &["--layer", "conv1", "--element", "70", "--type", "zero"]);
    assert_eq!(zero["fault"]["after"], 0.0);
    assert_eq!(zero["fault"]["bit"], Value::Null);
    let random = |seed: &str| {
        let result = inject(&image, &["--layer", "conv1", "--element", "70", "--type", "random", "--seed", seed]);
        result["fault"]["after"].as_f64().expect("a number")
    };
    assert!((0.0..1.0).contains(&random("1")));
    assert_eq!(random("1"), random("1"));
    assert_ne!(random("1"), random("2"));
}

#[test]
fn the_trace_follows_the_corruption_downstream() {
    let (_folder, image) = one_image();
    let result = inject(&image, &["--layer", "conv2", "--element", "20", "--bit", "30", "--trace"]);
    let trace = result["trace"].as_array().expect("a list");
    let layers: Vec<_> = trace.iter().map(|row| row["layer"].as_str().expect("a name")).collect();
    assert_eq!(layers, ["conv2", "relu2", "flatten", "fc"]);
    for key in ["layer", "changed", "max_abs_delta", "non_finite"] {
        assert!(trace[0].get(key).is_some(), "{key} in {}", trace[0]);
    }
    assert_eq!(trace[0]["changed"], 1, "only the struck element differs in the struck layer");
}

#[test]
fn infinity_is_flagged_and_written_as_text() {
    let (_folder, image) = one_image();
    // What green adds to the score of green, about 0.25, becomes 2^126 and more; times a value near 200 that is
    // too much for a float32.
    let arguments = ["--target", "weight", "--layer", "fc", "--tensor", "fc.weight", "--element", "85"];
    let result = inject(&image, &[&arguments[..], &["--bit", "30", "--preprocess", "byte"]].concat());
    assert_eq!(result["faulty"]["logits"][1], "Infinity");
    assert_eq!((&result["due"], &result["outcome"]), (&true.into(), &"masked".into()));
}

#[test]
fn groupings_judge_what_is_safety_critical() {
    let (folder, image) = one_image();
    let grouping = folder.path().join("colours.toml");
    let groups = |critical: &str| {
        format!(
            "name = \"colours\"\nclasses = 3\n[[group]]\nname = \"warm\"\ncritical = true\nclasses = \"0\"\n\
             [[group]]\nname = \"cold\"\ncritical = {critical}\nclasses = \"1-2\"\n"
        )
    };
    let flip = ["--target", "weight", "--layer", "fc", "--tensor", "fc.bias", "--element", "0", "--bit", "30"];
    for (critical, expected) in [("true", true), ("false", false)] {
        fs::write(&grouping, groups(critical)).expect("a file");
        let result = inject(&image, &[&flip[..], &["--grouping", text(&grouping)]].concat());
        assert_eq!((&result["golden"]["class"], &result["faulty"]["class"]), (&1.into(), &0.into()));
        assert_eq!(result["scm"], expected);
    }
}

#[test]
fn the_text_shows_the_bits_and_the_verdict() {
    let (_folder, image) = one_image();
    let arguments = ["inject", MODEL, text(&image), "--layer", "fc", "--element", "0", "--bit", "30", "--trace"];
    faultscope(&arguments)
        .code(DONE)
        .stdout(contains("bit 30").and(contains("exponent")).and(contains("golden")).and(contains("max |delta|")));
}

#[test]
fn what_does_not_exist_is_refused() {
    let (_folder, image) = one_image();
    let refused = |arguments: &[&str], sentence: &str| {
        let mut all = vec!["inject", MODEL, text(&image)];
        all.extend(arguments);
        super::refused(&all, INPUT, sentence);
    };
    refused(&["--layer", "relu2", "--element", "0", "--bit", "32"], "bit 32 is out of range");
    refused(&["--layer", "relu2", "--element", "0", "--bit", "999"], "bit 999 is out of range");
    refused(&["--layer", "relu2", "--element", "64", "--bit", "0"], "element 64 is out of range");
    refused(&["--layer", "relu", "--element", "0", "--bit", "0"], "did you mean \"relu1\", \"relu2\"?");
    refused(&["--layer", "6", "--element", "0", "--bit", "0"], "layer 6 is out of range");
    refused(&["--layer", "relu2", "--element", "0", "--bit", "0", "--target", "weight"], "no parameters");
    let tensor = ["--layer", "fc", "--element", "3", "--bit", "0", "--target", "weight", "--tensor"];
    refused(&[&tensor[..], &["fc.bias"]].concat(), "element 3 is out of range");
    refused(&[&tensor[..], &["fc.gain"]].concat(), "it has \"fc.weight\", \"fc.bias\"");
    refused(&["--layer", "fc", "--element", "0", "--bit", "0", "--grouping", "gtsrb"], "is for 43 classes");
    refused(&["--layer", "fc", "--element", "0", "--bit", "0", "--grouping", "nope"], "groupings are");
}
