//! `export-log` and `import-log`: the log of the study's own scripts.

use super::report::{CAMPAIGN, rates, stdout};
use super::*;

const GROUPING: &str = "name = \"halves\"\nclasses = 6\n[[group]]\nname = \"upper\"\ncritical = false\nclasses = \"4-5\"\n\
    [[group]]\nname = \"lower\"\ncritical = true\nclasses = \"0-2\"\n\
    [[group]]\nname = \"middle\"\ncritical = true\nclasses = \"3\"\n";

fn exported(folder: &Path, arguments: &[&str]) -> String {
    let path = folder.join("exported.log");
    let command = [&["export-log", CAMPAIGN, "-o", text(&path), "--force"], arguments].concat();
    faultscope(&command).code(DONE).stdout(contains("26 images and 255 faults"));
    fs::read_to_string(path).expect("a log")
}

/// The tables that a log can tell, as CSV rows.
fn tables(directory: &str, arguments: &[&str]) -> Vec<(String, [Option<f64>; 5])> {
    let csv = stdout(&[&["report", directory, "--format", "csv"], arguments].concat());
    let told = |key: &String| {
        let table = key.split('|').next();
        matches!(table, Some("golden" | "faults" | "start" | "study_sample" | "class")) && !key.ends_with("|due")
    };
    rates(&csv).into_iter().filter(|(key, _)| told(key)).collect()
}

#[test]
fn tables_from_an_imported_log_are_those_of_the_campaign() {
    let folder = TempDir::new().expect("a temporary folder");
    let log = exported(folder.path(), &[]);
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines[0], "Model name: made-up");
    assert_eq!(lines.len(), 1 + 26 + 255);
    assert!(lines[1..27].iter().all(|line| line.split(" : ").count() == 3), "{log}");
    assert!(lines[27..].iter().all(|line| line.split(" : ").count() == 4), "{log}");

    let grouping = folder.path().join("halves.toml");
    fs::write(&grouping, GROUPING).expect("a file");
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let import = |files: &[&str], out: &Path| {
        let command = [&["import-log", "--out", text(out), "--grouping", text(&grouping)], files].concat();
        faultscope(&command).code(DONE).stdout(contains("made-up: 26 images and 255 faults"));
    };
    import(&[text(&folder.path().join("exported.log"))], &whole);

    // The same in two parts, given in the wrong order.
    let [first, second] = [0..11usize, 11..26].map(|images| {
        let path = folder.path().join(format!("part-{}.log", images.start));
        let mut part = format!("Model name: made-up\nLow: {} , High: {}\n", images.start, images.end);
        for line in &lines[1..] {
            let image: usize = line.split(" : ").next().and_then(|image| image.parse().ok()).expect("an image");
            if images.contains(&image) {
                part += &format!("{line}\n");
            }
        }
        fs::write(&path, part).expect("a file");
        path
    });
    import(&[text(&second), text(&first)], &parts);

    for arguments in [&[][..], &["--study-sample", "70", "--seed", "4"]] {
        let campaign = tables(CAMPAIGN, arguments);
        assert!(campaign.len() > 20);
        assert_eq!(tables(text(&whole), arguments), campaign);
        assert_eq!(tables(text(&parts), arguments), campaign);
    }
    // And back again.
    let again = folder.path().join("again.log");
    faultscope(&["export-log", text(&parts), "-o", text(&again)]).code(DONE);
    assert_eq!(fs::read_to_string(&again).expect("a log"), log);
    let text = stdout(&["report", super::text(&whole)]);
    assert!(text.contains("imported log") && !text.contains("DUE, masked or not"), "{text}");
}

#[test]
fn a_merged_log_states_how_many_images_it_has() {
    let folder = TempDir::new().expect("a temporary folder");
    let log = exported(folder.path(), &["--total"]);
    assert_eq!(log.lines().nth(1), Some("Total data count 26"));
    let out = folder.path().join("out");
    faultscope(&["import-log", text(&folder.path().join("exported.log")), "--out", text(&out)]).code(DONE);
    let report = json(&["report", text(&out), "--json"]);
    assert_eq!((&report["golden"]["images"], &report["complete"]), (&26.into(), &true.into()));
    let starts = report["starts"].as_array().expect("a list");
    assert_eq!(starts.len(), 2, "without a grouping: initially correct and initially wrong, as for GTSRB");
    assert!(report["config"].is_null());
}

#[test]
fn one_of_our_groupings_brings_the_names_of_its_classes() {
    let folder = TempDir::new().expect("a temporary folder");
    let (file, out) = (folder.path().join("m.log"), folder.path().join("out"));
    fs::write(&file, "Model name: m\n0 : 2 : 98\n0 : 2 : 98 : 3\n").expect("a file");
    faultscope(&["import-log", text(&file), "--out", text(&out), "--grouping", "cifar100"]).code(DONE);
    faultscope(&["report", text(&out)]).code(DONE).stdout(contains("baby").and(contains("woman 1")));
}

#[test]
fn what_is_no_log_is_refused_by_line_and_nothing_is_written() {
    let folder = TempDir::new().expect("a temporary folder");
    let (file, out) = (folder.path().join("bad.log"), folder.path().join("out"));
    for (log, problem) in [
        ("Model name: m\n0 : 1 : 1\n0 : 1 : one : 1\n", "bad.log: line 3: \"IMAGE : LABEL : GOLDEN\""),
        ("Model name: m\n0 : 1 : 1\n1 : 1 : 1 : 1\n", "bad.log: line 3: image 1 has no golden run"),
        ("Model name: m\nTotal data count 3\n0 : 1 : 1\n", "bad.log: \"Total data count 3\" is stated"),
        ("", "bad.log: no log of the study"),
    ] {
        fs::write(&file, log).expect("a file");
        super::refused(&["import-log", text(&file), "--out", text(&out)], INPUT, problem);
        assert!(!out.exists());
    }
    fs::write(&file, "Model name: m\n0 : 1 : 1\n0 : 1 : 1 : 7\n").expect("a file");
    super::refused(&["import-log", text(&file), text(&file), "--out", text(&out)], INPUT, "has a golden run already");
    let import = ["import-log", text(&file), "--out", text(&out)];
    faultscope(&import).code(DONE);
    super::refused(&import, INPUT, "already holds a campaign");
    let grouping = folder.path().join("small.toml");
    fs::write(
        &grouping,
        "name = \"small\"\nclasses = 2\n[[group]]\nname = \"a\"\ncritical = true\nclasses = \"0-1\"\n",
    )
    .expect("a file");
    super::refused(&["report", text(&out), "--grouping", text(&grouping)], INPUT, "class 7 occurs");
}
