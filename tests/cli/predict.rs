//! `predict`: JSON and what is no image.

use super::*;

#[test]
fn json_has_the_promised_keys() {
    let (_folder, image) = one_image();
    let predictions = json(&["predict", MODEL, text(&image), text(&image), "--top", "2", "--json"]);
    assert_eq!(keys(&predictions), ["predictions"]);
    let list = predictions["predictions"].as_array().expect("a list");
    assert_eq!(list.len(), 2);
    assert_eq!(list[0], list[1]);
    assert_eq!(list[0]["image"], text(&image));
    let top = list[0]["top"].as_array().expect("a list");
    assert_eq!(top.len(), 2);
    assert_eq!(top[0]["class"], 1);
    assert_eq!(top[0]["label"], "1", "a model without labels names its classes by number");
    let logits: Vec<f64> =
        list[0]["logits"].as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number")).collect();
    assert_eq!(logits.len(), 3);
    let softmax = logits[1].exp() / logits.iter().map(|value| value.exp()).sum::<f64>();
    assert!((top[0]["probability"].as_f64().expect("a number") - softmax).abs() < 1e-6);
}

#[test]
fn preprocessing_changes_the_scores() {
    let (_folder, image) = one_image();
    let scores = |preprocess: &str| {
        let predictions = json(&["predict", MODEL, text(&image), "--preprocess", preprocess, "--json"]);
        predictions["predictions"][0]["logits"][1].as_f64().expect("a number")
    };
    assert!((scores("byte") / scores("unit") - 255.0).abs() < 0.01);
}

#[test]
fn what_is_no_image_is_refused_by_name() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("letter.png");
    fs::write(&path, "Dear Sir or Madam").expect("a file");
    refused(&["predict", MODEL, text(&path)], INPUT, "letter.png");
    refused(&["predict", MODEL, "missing.png"], INPUT, "missing.png");
}

#[test]
fn good_images_are_classified_beside_bad_ones() {
    let (folder, image) = one_image();
    let bad = folder.path().join("bad.png");
    fs::write(&bad, "no image").expect("a file");
    let some = faultscope(&["predict", MODEL, "--json", text(&bad), text(&image), "missing.png"]);
    let some = some.code(INPUT).stderr(contains("bad.png").and(contains("missing.png")));
    let good = faultscope(&["predict", MODEL, "--json", text(&image)]).code(DONE);
    assert_eq!(some.get_output().stdout, good.get_output().stdout);
}
