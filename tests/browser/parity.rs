//! The page gives the answers that the native program and outside references give, on either device.

use std::path::Path;

use serde_json::Value;

use crate::{campaign::records, missing::missing, page::Page};

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
        missing(
            "dist/ does not hold EfficientNet-Lite0; `cargo xtask fetch-models` and a build of the page put it there",
        );
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
    let images = page.count(".thumbnail") as usize;
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

/// The network that comes with the project, and its images.
const NETWORK: &str = "gtsrb-resnet8";

/// Faults drawn by a campaign of the command line, each with its outcome: a line of its journal.
fn drawn_natively(target: &str) -> Option<Vec<(String, Value)>> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let samples = project.join("models").join(NETWORK).join("samples");
    let mut images: Vec<String> = std::fs::read_dir(&samples)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    images.sort();
    if images.is_empty() {
        missing(format_args!("{} holds no images", samples.display()));
        return None;
    }
    let out = project.join("target/browser-tests").join(format!("campaign-{target}"));
    // What an earlier test has left would be gone on with.
    let _ = std::fs::remove_dir_all(&out);
    let faults = 100usize.div_ceil(images.len()).to_string();
    let mut command = std::process::Command::new(env!("CARGO"));
    // The options of `cargo xtask test`, which has compiled the program with them.
    command.current_dir(&project).args([
        "run",
        "--locked",
        "--release",
        "--config",
        "tests/checked.toml",
        "--quiet",
        "--bin",
        "faultscope",
        "--",
        "campaign",
    ]);
    command.args(["--model", NETWORK, "--faults", &faults, "--seed", "2022", "--target", target, "--data"]);
    let output = command.arg(&samples).arg("--out").arg(&out).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let journal = std::fs::read_to_string(out.join("faults.jsonl")).expect("a campaign writes its journal");
    let records = journal.lines().map(|line| serde_json::from_str::<Value>(line).expect("one line of JSON a fault"));
    let records = records.filter(|record| record["fault"].is_object()).map(|record| {
        let image = record["image"].as_u64().and_then(|image| images.get(usize::try_from(image).ok()?));
        (image.expect("an image of the folder").clone(), record)
    });
    Some(records.collect())
}

/// The link to a recorded fault.
fn link(image: &str, fault: &Value) -> String {
    let text = |key: &str| fault[key].as_str().unwrap_or_default();
    let tensor = if text("target") == "weight" { format!("&tensor={}", text("tensor")) } else { String::new() };
    format!(
        "#model={NETWORK}&image={image}&device=cpu&target={}&layer={}{tensor}&element={}&type=bitflip&bit={}&run=1",
        text("target"),
        text("layer"),
        fault["element"],
        fault["bit"]
    )
}

/// What the page shows of the fault that its link names: the badges and the class that is predicted.
fn shown(page: &Page, link: &str, fault: &Value) -> Value {
    let sentence = format!("Bit {} (", fault["bit"]);
    let element = format!("element {} of ", fault["element"]);
    page.eval(&format!("(location.hash = {}, 0)", Value::from(link)));
    page.wait_until(
        link,
        &format!(
            "document.querySelector('#outcome').ariaBusy === 'false' && document.querySelector('#golden').ariaBusy === 'false' && \
             [{sentence:?}, {element:?}].every(part => document.querySelector('#fault-sentence')?.innerText.includes(part))"
        ),
    );
    page.eval(
        "({ badges: [...document.querySelectorAll('#verdict .verdict')].map(badge => badge.firstChild.firstChild.data.toLowerCase()), \
         class: document.querySelector('#answers .answer-faulty.winner')?.parentElement.querySelector('th').title })",
    )
}

#[test]
fn the_page_gives_two_hundred_native_faults_the_same_outcome() {
    let Some(page) = Page::open("replay-native", "#device=cpu") else { return };
    let mut replayed = 0;
    for target in ["activation", "weight"] {
        let Some(records) = drawn_natively(target) else { return };
        for (image, record) in records {
            let link = link(&image, &record["fault"]);
            let shown = shown(&page, &link, &record["fault"]);
            let mut badges = vec![record["outcome"].as_str().unwrap_or_default().to_owned()];
            badges.extend((record["scm"] == true).then(|| "scm".to_owned()));
            badges.extend((record["due"] == true).then(|| "due".to_owned()));
            assert_eq!(shown["badges"], Value::from(badges), "{link}");
            assert_eq!(shown["class"], format!("class {}", record["faulty"]["class"]), "{link}");
            replayed += 1;
        }
    }
    assert!(replayed >= 200, "{replayed}");
    page.close();
}

#[test]
fn a_link_opened_twice_shows_the_same() {
    let everything = |page: &Page| {
        page.wait_for("#verdict .verdict");
        page.wait_for("#protected-sentence");
        page.wait_until("the sweep to end", "!document.querySelector('#sweep progress')");
        // Times differ, answers do not.
        [
            "#golden .scores",
            "#verdict",
            "#sentence",
            "#fault-sentence",
            "#answers",
            "#protected-sentence",
            "#sweep-told",
        ]
        .map(|part| page.text(part))
    };
    let link = "#device=cpu&bit=30&run=1&sweep=bits&protect=1";
    let Some(page) = Page::open("twice", link) else { return };
    let first = everything(&page);
    page.close();
    let Some(page) = Page::open("twice", link) else { return };
    assert_eq!(everything(&page), first);
    page.close();
}
