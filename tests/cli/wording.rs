//! Messages are for people: nothing of Rust, of libraries, or of the operating system's numbers is in them.

use super::*;

fn campaign<'a>(data: &'a str, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["campaign", "--model", MODEL, "--data", data, "--out", out][..], more].concat()
}

#[test]
fn wrong_numbers_are_refused_with_the_number_that_is_expected() {
    let refused_as = |more: &[&str], sentence: &str| refused(&campaign(".", "x", more), USAGE, sentence);
    refused_as(&["--jobs", "0"], "'0' for '--jobs <N>': a whole number from 1 on is expected");
    refused_as(&["--seed", "99999999999999999999"], "the number is larger than any that is taken here");
    refused_as(&["--seed", "x"], "'x' for '--seed <S>': a whole number is expected");
    refused_as(&["--percent", "x"], "a number is expected");
    let folder = TempDir::new().expect("a temporary folder");
    let yaml = folder.path().join("c.yaml");
    for (file, sentence) in [
        ("faults: 3\nseed: x\n", "line 2: invalid value 'x' for '--seed <S>': a whole number is expected"),
        ("faults: 3\nseed: 1\nfaults: 4\n", "line 3: the key \"faults\" is given twice; leave one away"),
    ] {
        fs::write(&yaml, file).expect("a file");
        refused(&["campaign", "--config", text(&yaml)], INPUT, sentence);
    }
    let images = image_folder();
    let (data, out) = (text(images.path()), folder.path().join("out"));
    for (option, number) in [("--burst", "33"), ("--bits-per-word", "0")] {
        let sentence = format!("{option}: 1 to 32 bits of a word are inverted, found {number}");
        refused(&campaign(data, text(&out), &[option, number]), INPUT, &sentence);
    }
}

#[test]
fn paths_that_lead_nowhere_are_refused_in_words() {
    let (images, folder) = (image_folder(), TempDir::new().expect("a temporary folder"));
    let (data, out) = (text(images.path()), folder.path().join("out"));
    let missing = "there is no such file or folder; check the path";
    refused(&["campaign", "--config", "nofile.yaml"], INPUT, missing);
    refused(&campaign(data, text(&out), &["--sample", "nofile.json"]), INPUT, missing);
    faultscope(&campaign(data, text(&out), &["--faults", "2"])).code(DONE);
    let records = out.join("faults.jsonl");
    let sentence = format!("this is a file; give the directory of the campaign: {}", text(&out));
    refused(&["report", text(&records)], INPUT, &sentence);
    if cfg!(target_os = "linux") {
        faultscope(&campaign(data, "/proc/foo", &["--faults", "1"]))
            .code(INPUT)
            .stderr(contains("/proc/foo: ").and(contains("os error").not()));
    }
    let cut = folder.path().join("cut.keras");
    fs::write(&cut, b"PK\x03\x04 and no end").expect("a file");
    refused(&["inspect", text(&cut)], INPUT, "this ZIP archive is cut short or damaged");
}

#[cfg(all(feature = "parquet", unix))]
#[test]
fn a_reader_that_closes_the_pipe_is_no_error_of_parquet() {
    let (images, folder) = (image_folder(), TempDir::new().expect("a temporary folder"));
    let out = folder.path().join("out");
    faultscope(&campaign(text(images.path()), text(&out), &["--faults", "9"])).code(DONE);
    let mut command = std::process::Command::new(PROGRAM);
    command.args(["report", "--format", "parquet", text(&out)]).stderr(std::process::Stdio::piped());
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = command.stdout(writer).output().expect("the program");
    assert_eq!(output.status.code(), Some(DONE), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_bad_error_model_is_refused_with_its_line_and_what_is_expected() {
    let folder = TempDir::new().expect("a temporary folder");
    let model = folder.path().join("model.json");
    for (file, sentence) in [
        ("\n\"single\": 3", "line 2: pattern \"single\": invalid type: integer `3`, expected an object with frequency"),
        ("\"foo\": ", "line 1: pattern \"foo\": there is no such pattern; the patterns that are understood are single"),
    ] {
        let file =
            if file.ends_with(' ') { format!("{}{}{}", "{", file, "{}}") } else { format!("{}{}{}", "{", file, "}") };
        fs::write(&model, file).expect("a file");
        refused(&campaign(".", "x", &["--pattern-file", text(&model)]), INPUT, sentence);
    }
}

#[test]
fn a_sweep_that_is_resumed_with_other_faults_names_the_argument() {
    let (images, folder) = (image_folder(), TempDir::new().expect("a temporary folder"));
    let out = folder.path().join("out");
    let of = |faults: &'static str| ["--ber", "1e-5..1e-3", "--faults", faults];
    faultscope(&campaign(text(images.path()), text(&out), &of("2"))).code(DONE);
    let mut other = campaign(text(images.path()), text(&out), &of("3"));
    other.push("--resume");
    refused(&other, INPUT, "--faults is 2 there and 3 here (faults for each of 3 bit error rates)");
}

#[test]
fn faults_in_the_image_are_said_to_be_in_its_bytes() {
    let (images, folder) = (image_folder(), TempDir::new().expect("a temporary folder"));
    for (name, more, sentence) in [
        ("one", &["--faults", "9"][..], "every byte of the image equally likely"),
        ("ber", &["--ber", "0.5", "--faults", "2"], "every bit of the image's bytes may flip"),
    ] {
        let out = folder.path().join(name);
        let target = [&["--target", "input"][..], more].concat();
        faultscope(&campaign(text(images.path()), text(&out), &target)).code(DONE);
        let report = faultscope(&["report", text(&out)]).code(DONE).get_output().stdout.clone();
        let report = String::from_utf8(report).expect("UTF-8");
        assert!(report.lines().nth(1).expect("two lines").starts_with(sentence), "{report}");
        assert!(!report.contains("By layer") && !report.contains("5e-1"), "{report}");
    }
}

#[test]
fn a_ranking_without_predicted_faults_says_so() {
    let images = image_folder();
    let output = faultscope(&["rank", MODEL, text(images.path()), "--bit", "0"]).code(DONE).get_output().stdout.clone();
    let output = String::from_utf8(output).expect("UTF-8");
    assert!(
        output.contains("from the predicted ones, none, as there is no such fault, changed the answer"),
        "{output}"
    );
    assert!(output.contains("sorted by SDC"), "{output}");
}

#[test]
fn an_aim_that_few_faults_cannot_reach_says_why_its_interval_is_wide() {
    let (images, folder) = (image_folder(), TempDir::new().expect("a temporary folder"));
    let out = folder.path().join("out");
    let aim = ["--until", "0.2pp", "--max-faults", "60"];
    faultscope(&campaign(text(images.path()), text(&out), &aim))
        .code(DONE)
        .stderr(contains("its bets are made for the width that was asked for").and(contains("49.").not()));
}
