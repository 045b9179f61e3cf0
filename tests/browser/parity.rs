//! The page gives the answers that the native program and outside references give, on either device.

use std::path::Path;

use serde_json::Value;

use crate::{campaign::records, page::Page};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures");

/// PyTorch's logits for the first sample photo: the first row of a float32 array of 20 x 1000.
fn logits_of_pytorch() -> Vec<f32> {
    let file = std::fs::read(format!("{FIXTURES}/files/efficientnet-lite0.logits.npy")).expect("a fixture");
    let rows = &file[file.len() - 20 * 1000 * 4..];
    rows[..1000 * 4].chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
}

/// Class and logit of each class that the golden run is shown to take for likely.
fn logits_shown(page: &Page) -> Vec<(usize, f32)> {
    let titles = "[...document.querySelectorAll('#golden .score-label')].map(label => label.title).join('\\n')";
    let titles = page.eval(titles);
    let titles = titles.as_str().unwrap_or_default();
    let parse = |title: &str| {
        let (class, logit) = title.strip_prefix("class ")?.split_once(", logit ")?;
        Some((class.parse().ok()?, logit.parse().ok()?))
    };
    titles.lines().map(|title| parse(title).unwrap_or_else(|| page.fail(&format!("what is \"{title}\"?")))).collect()
}

/// Whether dist/ holds the larger model, which is fetched.
pub fn has_efficientnet(page: &Page) -> bool {
    page.wait_for("#model option");
    let there = page.count("#model option[value='efficientnet-lite0']") > 0;
    if !there {
        eprintln!("skipped: dist/ does not hold EfficientNet-Lite0; `faultscope fetch efficientnet-lite0` makes it");
    }
    there
}

fn efficientnet_answers_as_pytorch_does(device: &str, badge: &str) {
    let Some(page) = Page::open(&format!("parity-{device}"), "") else { return };
    if !has_efficientnet(&page) {
        return;
    }
    page.go(&format!("?again#model=efficientnet-lite0&device={device}"));
    page.wait_for("#golden .score");
    page.wait_for_text("#device", badge);
    let expected = logits_of_pytorch();
    let largest = expected.iter().fold(0.0f32, |largest, logit| largest.max(logit.abs()));
    let shown = logits_shown(&page);
    assert_eq!(shown.len(), 5);
    for (class, logit) in &shown {
        let distance = (logit - expected[*class]).abs() / largest;
        assert!(distance <= 1e-4, "class {class}: {logit}, PyTorch has {}", expected[*class]);
    }
    let best = expected.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(class, _)| class);
    assert_eq!(shown.first().map(|(class, _)| *class), best);
    page.close();
}

#[test]
fn on_the_cpu_efficientnet_answers_as_pytorch_does() {
    efficientnet_answers_as_pytorch_does("cpu", "CPU");
}

#[test]
fn on_the_gpu_efficientnet_answers_as_pytorch_does() {
    efficientnet_answers_as_pytorch_does("gpu", "WebGPU");
}

/// Ten faults for each of the built-in images: the sites do not depend on what the images show.
fn a_campaign_strikes_where_the_native_one_does(device: &str) {
    let hash = format!("#model=file%3Acolours.onnx&device={device}");
    let Some(page) = Page::open(&format!("sites-{device}"), &hash) else { return };
    page.wait_for_text(".notices", "colours.onnx");
    page.click(".notice .button");
    page.drop_files("#setup", &[&Path::new(FIXTURES).join("cli/colours.onnx")]);
    page.wait_for_text("#model-facts", "3 classes");
    page.click("#view-campaign");
    page.type_into("#faults", "10");
    page.type_into("#seed", "2022");
    page.press("Tab");
    page.click("#start");
    page.wait_for_text("#campaign-progress", "complete");
    let records = records(&page);
    let mut drawn = "image,layer,element,bit\n".to_owned();
    for line in records.lines() {
        let record: Value = serde_json::from_str(line).expect("one line of JSON a fault");
        let fault = &record["fault"];
        let layer = fault["layer"].as_str().unwrap_or_default();
        drawn += &format!("{},{layer},{},{}\n", record["image"], fault["element"], fault["bit"]);
    }
    let native = std::fs::read_to_string(format!("{FIXTURES}/sites.csv")).expect("a fixture");
    let images = page.count(".thumbnail") as usize;
    assert_eq!(drawn.lines().count(), 1 + 10 * images);
    assert!(images >= 12 && native.starts_with(&drawn), "{drawn}");
    page.close();
}

#[test]
fn on_the_cpu_a_campaign_strikes_where_the_native_one_does() {
    a_campaign_strikes_where_the_native_one_does("cpu");
}

#[test]
fn on_the_gpu_a_campaign_strikes_where_the_native_one_does() {
    a_campaign_strikes_where_the_native_one_does("gpu");
}
