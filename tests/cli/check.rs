//! `check`: the preprocessing that a model was trained with is found by its accuracy.

use super::*;

/// Images of one colour in a folder each, which the network of the fixture tells apart under x / 255.
fn colours(folder: &Path, side: u32) {
    for (class, colour) in [[230, 20, 20], [20, 230, 20], [20, 20, 230]].into_iter().enumerate() {
        let folder = folder.join(class.to_string());
        fs::create_dir_all(&folder).expect("a folder");
        for nth in 0..4u8 {
            RgbImage::from_pixel(side, side, Rgb(colour.map(|value: u8| value.saturating_sub(nth))))
                .save(folder.join(format!("{nth}.png")))
                .expect("an image");
        }
    }
}

#[test]
fn the_accuracy_of_each_known_way_is_shown() {
    let folder = TempDir::new().expect("a temporary folder");
    colours(folder.path(), 8);
    let data = text(folder.path());
    let found = json(&["check", MODEL, data, "--json"]);
    let tried = found["tried"].as_array().expect("a list");
    assert_eq!(found["images"], 12);
    let of = |arguments: &str| tried.iter().find(|tried| tried["arguments"] == arguments).expect(arguments);
    assert_eq!((&of("")["in_use"], &of("")["preprocess"]["normalise"]), (&true.into(), &"unit".into()));
    // Exchanged, red is blue and blue is red: only green is left.
    assert_eq!(of("")["accuracy"], 1.0, "{found}");
    assert_eq!(of("--preprocess unit --color bgr")["correct"], 4, "{found}");
    // Both ways of `unit` in numbers are the same, and no way stands there twice.
    let mut seen = std::collections::HashSet::new();
    assert!(tried.iter().all(|tried| seen.insert(tried["preprocess"].to_string())), "{found}");
    // Images of the input's size are not resized, so no way to the size is tried.
    assert!(tried.iter().all(|tried| !tried["arguments"].as_str().is_some_and(|said| said.contains("--resize"))));
    // The last line has an end.
    faultscope(&["check", MODEL, data, "--color", "bgr"])
        .code(DONE)
        .stdout(predicate::str::ends_with("is better than the one in use\n"));
}

#[test]
fn ways_to_the_size_are_tried_where_images_have_another() {
    let folder = TempDir::new().expect("a temporary folder");
    colours(folder.path(), 20);
    let found = json(&["check", MODEL, text(folder.path()), "--images", "5", "--json"]);
    let arguments: Vec<_> =
        found["tried"].as_array().expect("a list").iter().map(|tried| &tried["arguments"]).collect();
    for wanted in ["--resize shorter-side", "--resize shorter-side --filter bilinear --antialias --crop 256/224"] {
        assert!(arguments.contains(&&Value::from(wanted)), "{arguments:?}");
    }
    assert_eq!(found["images"], 5);
    refused(
        &["check", MODEL, text(folder.path()), "--images", "13"],
        INPUT,
        "13 images are asked for, the data has 12",
    );
}

#[test]
fn images_without_labels_are_refused() {
    let folder = TempDir::new().expect("a temporary folder");
    RgbImage::new(8, 8).save(folder.path().join("night.png")).expect("an image");
    faultscope(&["check", MODEL, text(folder.path())]).code(INPUT).stderr(contains("have no labels"));
}

#[test]
fn preprocessing_in_numbers_stands_in_every_result() {
    let folder = TempDir::new().expect("a temporary folder");
    let (data, out) = (folder.path().join("data"), folder.path().join("out"));
    colours(&data, 8);
    let own = ["--mean", "0.5,0.25,0.125", "--std", "0.5", "--color", "bgr", "--filter", "lanczos"];
    let run = ["campaign", "--model", MODEL, "--data", text(&data), "--faults", "2", "--out", text(&out)];
    let sentence = "BGR, (x / 255 - [0.5,0.25,0.125]) / 0.5; whole image stretched, lanczos with antialiasing";
    faultscope(&[&run[..], &own].concat()).code(DONE).stdout(contains(sentence));
    let read = |file: &str| -> Value { serde_json::from_slice(&fs::read(out.join(file)).expect(file)).expect("JSON") };
    let expected = serde_json::json!({
        "normalise": { "color": "bgr", "scale": 1.0 / 255.0, "mean": [0.5, 0.25, 0.125], "std": [0.5] },
        "resize": "stretch", "filter": "lanczos"
    });
    assert_eq!(read("config.json")["model"]["preprocess"], expected);
    assert_eq!(read("summary.json")["preprocess"], expected);
    assert_eq!(json(&["report", text(&out), "--format", "json"])["preprocess"], expected);
    for format in ["text", "html"] {
        faultscope(&["report", text(&out), "--format", format]).code(DONE).stdout(contains(sentence));
    }
    faultscope(&[&run[..], &["--resume", "--mean", "0.5"]].concat()).code(INPUT).stderr(contains("model.preprocess"));
    let shown = json(&["inspect", MODEL, "--json"]);
    assert_eq!(shown["preprocess"], serde_json::json!({ "normalise": "unit", "resize": "stretch" }));
    assert!(shown["notices"].to_string().contains("does not say how an image becomes the input"), "{shown}");
    faultscope(&["predict", MODEL, "x.png", "--mean", "123"]).code(INPUT).stderr(contains("--scale 1,"));
    faultscope(&["predict", MODEL, "x.png", "--preprocess", "tf", "--std", "1"])
        .code(INPUT)
        .stderr(contains("leave it out"));
}
