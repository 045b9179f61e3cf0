//! `--memory`, and what names from files do to a terminal. The models are made by ../fixtures/cli/hostile.py.

use super::*;

const DOUBLING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/doubling.onnx");
const NAMES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/names.onnx");

#[test]
fn what_cannot_fit_is_refused_before_it_starts_with_what_would() {
    let (folder, image) = one_image();
    let sentence = "one image needs 5.7 GiB of memory, and 2 GiB are allowed; the command line takes --memory 6GiB";
    refused(&["predict", DOUBLING, text(&image)], INPUT, sentence);
    let fault = ["--layer", "double0", "--element", "0", "--bit", "30"];
    let inject = [&["inject", DOUBLING, text(&image)][..], &fault].concat();
    refused(&inject, INPUT, "one image and one fault need 11.3 GiB of memory");
    let out = folder.path().join("out");
    let campaign = ["campaign", "--model", DOUBLING, "--data", text(folder.path()), "--out", text(&out)];
    refused(&campaign, INPUT, "one image and one fault at a time, needs 11.3 GiB");
    assert!(!out.exists(), "it was refused before it started");
    // Looking takes no memory.
    faultscope(&["inspect", DOUBLING]).code(DONE);
}

#[test]
fn every_command_that_opens_a_model_has_the_limit() {
    let (folder, image) = one_image();
    let out = folder.path().join("out.svg");
    let small = ["--memory", "1MiB"];
    let fault = ["--layer", "0", "--element", "0", "--bit", "30"];
    for command in [
        &["inspect", MODEL][..],
        &["predict", MODEL, text(&image)],
        &[&["inject", MODEL, text(&image)][..], &fault].concat(),
        &["graph", MODEL, "-o", text(&out)],
        &["convert", MODEL, text(&out.with_extension("bpk"))],
        &["campaign", "--model", MODEL, "--data", text(folder.path()), "--out", text(&folder.path().join("out"))],
    ] {
        refused(&[command, &small].concat(), INPUT, "colours.onnx: opening the model needs 49 MiB of memory");
    }
    for command in ["prepare", "sample", "report", "merge", "export-log", "import-log"] {
        faultscope(&[command, "--help"]).code(DONE).stdout(contains("--memory <SIZE>"));
    }
}

#[test]
fn jobs_that_do_not_fit_are_refused_if_they_were_asked_for_and_else_fewer() {
    let folder = image_folder();
    let campaign = |out: &str, more: &[&str]| {
        let out = folder.path().join(out);
        let base = ["campaign", "--model", MODEL, "--data", text(folder.path()), "--faults", "1", "--out", text(&out)];
        faultscope(&[&base[..], more].concat())
    };
    campaign(".fewer", &["--memory", "50MiB"]).code(DONE);
    campaign(".asked", &["--memory", "50MiB", "--jobs", "100000"])
        .code(INPUT)
        .stderr(contains("--jobs 100000 (--jobs ").and(contains(" fits) needs ")));
}

#[test]
fn images_that_cannot_be_prepared_within_the_memory_are_refused_before_a_file_is_written() {
    let folder = image_folder();
    let out = folder.path().join("prepared");
    let prepare = ["prepare", text(folder.path()), "--size", "100000", "-o", text(&out)];
    refused(&prepare, INPUT, "preparing images of 100000 x 100000 pixels needs 279.5 GiB of memory");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 3, "the three folders of images");
}

#[test]
fn a_yaml_file_sets_the_memory() {
    let (folder, _) = one_image();
    let file = folder.path().join("campaign.yaml");
    fs::write(&file, "memory: 3MiB\n").expect("a file");
    let out = folder.path().join("out");
    let campaign = ["campaign", "--config", text(&file), "--model", MODEL, "--data", text(folder.path()), "--out"];
    refused(&[&campaign[..], &[text(&out)]].concat(), INPUT, "and 3 MiB are allowed");
}

/// What a terminal acts on, but for the ends of lines.
fn acts(character: char) -> bool {
    character != '\n' && character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// All that a command writes.
fn written(arguments: &[&str], code: i32) -> String {
    let output = faultscope(arguments).code(code).get_output().clone();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8")).concat();
    assert!(!text.contains(acts), "{arguments:?}: {:?}", text.find(acts).map(|at| &text[at..]));
    assert!(
        text.starts_with("<!doctype") || !text.lines().any(|line| line.starts_with("error: forged")),
        "{arguments:?}: {text}"
    );
    text
}

#[test]
fn names_from_files_do_not_act_on_the_terminal() {
    let folder = image_folder();
    let image = folder.path().join("a-red/0.png");
    let out = folder.path().join("results\u{202e}");
    let inspected = written(&["inspect", NAMES], DONE);
    assert!(inspected.contains("conv\\u{1b}]0;title\\u{7}\\u{1b}[2J\\u{1b}[31m"), "{inspected}");
    assert!(inspected.contains("mean\\u{d}\\u{a}error: forged"), "{inspected}");
    let described: Value = serde_json::from_str(&written(&["inspect", NAMES, "--json"], DONE)).expect("JSON");
    assert_eq!(described["layers"][1]["name"], "relu\u{202e}\u{2066}\u{200f}", "JSON is exact");
    written(&["predict", NAMES, text(&image)], DONE);
    written(&["predict", NAMES, "no\u{1b}[2Jimage.png"], INPUT);
    written(&["inject", NAMES, text(&image), "--layer", "no", "--element", "0", "--bit", "30"], INPUT);
    written(&["inject", NAMES, text(&image), "--layer", "0", "--element", "99999", "--bit", "30"], INPUT);
    written(&["inject", NAMES, text(&image), "--layer", "0", "--element", "0", "--bit", "30", "--trace"], DONE);
    let campaign = ["campaign", "--model", NAMES, "--data", text(folder.path()), "--faults", "20", "--out", text(&out)];
    written(&campaign, DONE);
    for format in ["text", "csv", "json", "html"] {
        written(&["report", text(&out), "--all", "--format", format], DONE);
        let file = folder.path().join(format);
        written(&["report", text(&out), "--all", "--format", format, "-o", text(&file)], DONE);
        let report = fs::read_to_string(file).expect("a report");
        assert!(!report.contains(acts), "{format}");
    }
    let csv = written(&["report", text(&out), "--format", "csv"], DONE);
    assert!(csv.contains("\\u{202e}"), "the layers are in the table");
    let graph = folder.path().join("net\u{1b}.svg");
    written(&["graph", NAMES, "-o", text(&graph)], DONE);
    let yaml = folder.path().join("bad.yaml");
    fs::write(&yaml, "\"k\\e[31m\\nerror: forged\": 1\n").expect("a file");
    written(&["campaign", "--config", text(&yaml)], INPUT);
    let grouping = folder.path().join("bad.toml");
    fs::write(
        &grouping,
        "classes = 2\nname = \"x\"\n[[groups]]\nname = \"\\u001b[2J\\nerror: forged\"\nclasses = [0, 0]\n",
    )
    .expect("a file");
    written(&["grouping", "check", text(&grouping)], INPUT);
}
