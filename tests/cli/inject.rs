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
fn a_pattern_strikes_its_elements_together() {
    let (_folder, image) = one_image();
    let place = ["--layer", "relu2", "--element", "21", "--bit", "30"];
    let alone = inject(&image, &place);
    let row = inject(&image, &[&place[..], &["--pattern", "row"]].concat());
    assert_eq!(row["fault"], alone["fault"], "the element that is named has the same fault");
    let faults = row["faults"].as_array().expect("a list");
    let [first, last] = [faults.first(), faults.last()].map(|fault| fault.expect("a fault")["element"].clone());
    assert_eq!(row["elements"], serde_json::json!([[first, last]]));
    for fault in faults {
        let bits = ["before", "after"].map(|key| (fault[key].as_f64().expect("a number") as f32).to_bits());
        assert_eq!(bits[0] ^ bits[1], 1 << 30, "{fault}");
    }
    assert!(alone.get("faults").is_none() && alone.get("elements").is_none(), "{alone}");

    // The draw decides what a pattern leaves open.
    let wake = |draw: u32| {
        let draw = draw.to_string();
        inject(&image, &[&place[..], &["--pattern", "bullet-wake:2", "--draw", &draw]].concat())
    };
    assert_eq!(wake(1), wake(1));
    let first = wake(0);
    assert!(
        (1..20).any(|draw| wake(draw)["elements"] != first["elements"]),
        "twenty draws of one channel are not all the same"
    );

    // Bytes of the image, too: a row of one colour.
    let bytes = inject(&image, &["--target", "input", "--element", "4", "--bit", "7", "--pattern", "row"]);
    let struck: Vec<u64> = bytes["faults"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|fault| fault["element"].as_u64().expect("an index"))
        .collect();
    assert!(struck.len() > 1 && struck.contains(&4) && struck.iter().all(|byte| byte % 3 == 1), "{struck:?}");

    let mut refused = vec!["inject", MODEL, text(&image)];
    refused.extend(place);
    super::refused(
        &[&refused[..], &["--pattern", "block:99x1"]].concat(),
        INPUT,
        "pattern block:99x1 takes 99 columns",
    );
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

/// Every changed value of the struck layer and behind it is NaN: there is no difference to show.
#[test]
fn a_layer_of_nan_has_no_largest_difference() {
    let (_folder, image) = one_image();
    let arguments =
        ["inject", MODEL, text(&image), "--layer", "conv2", "--element", "20", "--type", "set:NaN", "--trace"];
    let shown = faultscope(&arguments).code(DONE).get_output().stdout.clone();
    let shown = String::from_utf8(shown).expect("UTF-8");
    let row = shown.lines().find(|line| line.starts_with("conv2 ")).expect("the struck layer");
    assert!(row.trim_end().ends_with('1') && !shown.contains("0.000e0"), "{shown}");
}

#[test]
fn kinds_of_faults_are_named_with_their_numbers() {
    let (_folder, image) = one_image();
    let place = ["inject", MODEL, text(&image), "--layer", "relu2", "--element", "0"];
    let refused = |more: &[&str], sentence: &str| super::refused(&[&place[..], more].concat(), USAGE, sentence);
    let forms = "bitflip, zero, random, bitflips, burst, stuck0, stuck1, set:V, scale:F or noise:S is expected";
    refused(&["--type", "percent"], forms);
    refused(
        &["--type", "set:3", "--bit", "9"],
        "--bit goes with --type bitflip, bitflips, burst, stuck0 and stuck1 only",
    );
    refused(&["--type", "stuck1"], "--type stuck1 needs --bit BITS");
    refused(&["--type", "set:1e50"], "1e50 is beyond the numbers of float32");
    refused(&["--type", "scale:-4e38"], "scale:inf is infinity");
    let set = |value: &str| inject(&image, &["--layer", "relu2", "--element", "0", "--type", value]);
    assert_eq!(set("set:-inf")["fault"]["after"], "-Infinity");
    let problem = "nosuch: no campaign: there is no config.json in it";
    super::refused(&[&place[..], &["--bit", "0", "--formats-of", "nosuch"]].concat(), INPUT, problem);
}

#[test]
fn a_stuck_bit_is_not_called_flipped() {
    let (_folder, image) = one_image();
    let place = ["inject", MODEL, text(&image), "--layer", "relu2", "--element", "0", "--bit", "30", "--type"];
    let shown = |kind: &str| {
        let output = faultscope(&[&place[..], &[kind]].concat()).code(DONE).get_output().stdout.clone();
        let text = String::from_utf8(output).expect("UTF-8");
        text.lines().find(|line| line.starts_with("fault")).expect("a line").to_owned()
    };
    // Bit 30 of a number below 2 is 0 already.
    assert_eq!(shown("stuck0"), "fault    bit 30 stuck at 0 (exponent); the value is the same");
    assert_eq!(shown("stuck1"), "fault    bit 30 stuck at 1 (exponent)");
    assert_eq!(shown("bitflip"), "fault    bit 30 flipped (exponent)");
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
