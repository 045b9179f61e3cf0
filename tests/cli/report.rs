//! `report`: its formats, and its numbers against an independent computation (../fixtures/report/expected.py).

use std::collections::BTreeMap;

use super::*;

pub const CAMPAIGN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/report/campaign");
pub const PROTECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/report/protected");
const EXPECTED: &str = include_str!("../fixtures/report/expected.csv");

/// Rows of a tidy CSV by what they are of: count, of, value, low, high.
type Rates = BTreeMap<String, [Option<f64>; 5]>;

pub fn rates(csv: &str) -> Rates {
    let keys = ["table", "start", "field", "bit", "layer", "class", "predicted", "measure"];
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let headers = reader.headers().expect("a header").clone();
    let cell = |row: &csv::StringRecord, name: &str| {
        let index = headers.iter().position(|header| header == name).expect(name);
        row[index].to_owned()
    };
    reader
        .records()
        .map(|row| {
            let row = row.expect("a row");
            let key = keys.map(|name| cell(&row, name)).join("|");
            (key, ["count", "of", "value", "low", "high"].map(|name| cell(&row, name).parse().ok()))
        })
        .collect()
}

pub fn stdout(arguments: &[&str]) -> String {
    let output = faultscope(arguments).code(DONE).stderr(predicate::str::is_empty()).get_output().stdout.clone();
    String::from_utf8(output).expect("UTF-8")
}

#[test]
fn numbers_are_those_of_pandas_and_statsmodels() {
    let found = rates(&stdout(&["report", CAMPAIGN, "--format", "csv"]));
    let expected = rates(EXPECTED);
    assert!(expected.len() > 400);
    let missing: Vec<_> = expected.keys().filter(|key| !found.contains_key(*key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for (key, found) in &found {
        let struck = found[1].is_none_or(|of| of > 0.0);
        let Some(expected) = expected.get(key) else {
            assert!(!struck, "{key}: {found:?} is not expected");
            continue;
        };
        for (found, expected) in found.iter().zip(expected) {
            let (found, expected) = (found.unwrap_or(f64::NAN), expected.unwrap_or(f64::NAN));
            let same = (found - expected).abs() < 1e-7 || found.is_nan() && expected.is_nan();
            assert!(same, "{key}: {found} for {expected}");
        }
    }
}

#[test]
fn text_fits_eighty_columns_and_says_where_numbers_are_too_few() {
    let text = stdout(&["report", CAMPAIGN]);
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{} columns: {line}", line.chars().count());
    }
    for words in ["initially", "benign", "non-SCM", "too few to say", "By bit", "By layer", "Golden errors by class"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn several_campaigns_stand_side_by_side() {
    let folder = TempDir::new().expect("a temporary folder");
    let other = folder.path().join("again");
    fs::create_dir(&other).expect("a folder");
    for file in ["config.json", "faults.jsonl"] {
        fs::copy(Path::new(CAMPAIGN).join(file), other.join(file)).expect("a copy");
    }
    let text = stdout(&["report", CAMPAIGN, text(&other)]);
    for words in ["made-up (campaign)", "made-up (again)", "Golden errors", "initially correct", "initially non-SCM"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let one = json(&["report", CAMPAIGN, "--json"]);
    let both = json(&["report", CAMPAIGN, super::text(&other), "--format", "json"]);
    let campaigns = both["campaigns"].as_array().expect("a list");
    assert_eq!(campaigns.len(), 2);
    for (campaign, name) in campaigns.iter().zip(["made-up (campaign)", "made-up (again)"]) {
        assert_eq!(campaign["name"], name);
        for (key, value) in one.as_object().expect("an object") {
            assert_eq!(&campaign[key], value, "{key}");
        }
    }
}

#[test]
fn rows_are_told_apart_by_their_folders_or_else_by_their_paths() {
    let folder = TempDir::new().expect("a temporary folder");
    let other = folder.path().join("campaign");
    fs::create_dir(&other).expect("a folder");
    for file in ["config.json", "faults.jsonl"] {
        fs::copy(Path::new(CAMPAIGN).join(file), other.join(file)).expect("a copy");
    }
    let both = json(&["report", CAMPAIGN, text(&other), "--json"]);
    assert_eq!(both["campaigns"][0]["name"], format!("made-up ({CAMPAIGN})"));
    assert_eq!(both["campaigns"][1]["name"], format!("made-up ({})", text(&other)));
}

#[test]
fn another_grouping_judges_every_record_again() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("grouping.toml");
    let grouping = |name: &str, lower: bool, upper: bool, classes: usize| {
        let last = classes - 1;
        let text = format!(
            "name = \"{name}\"\nclasses = {classes}\n[[group]]\nname = \"lower\"\ncritical = {lower}\nclasses = \"0-2\"\n\
             [[group]]\nname = \"upper\"\ncritical = {upper}\nclasses = \"3-{last}\"\n"
        );
        fs::write(&path, text).expect("a file");
    };
    let scm = || {
        let report = json(&["report", CAMPAIGN, "--json", "--grouping", text(&path)]);
        assert_eq!(report["config"]["grouping"], "halves", "what was asked for stays");
        (report["grouping"].clone(), report["faults"]["scm"]["count"].as_u64(), report["golden"]["scm"].clone())
    };
    let records = fs::read_to_string(Path::new(CAMPAIGN).join("faults.jsonl")).expect("records");
    let records: Vec<Value> = records.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let crossing = |from_upper: bool| {
        let crosses = |record: &&Value| {
            let [golden, faulty] = ["golden", "faulty"].map(|run| record[run]["class"].as_u64() < Some(3));
            golden != faulty && (golden || from_upper)
        };
        records.iter().filter(crosses).count() as u64
    };
    grouping("one way", true, false, 6);
    let (name, faults, golden) = scm();
    assert_eq!((name.as_str(), faults), (Some("one way"), Some(crossing(false))));
    grouping("both ways", true, true, 6);
    let (name, faults, both) = scm();
    assert_eq!((name.as_str(), faults), (Some("both ways"), Some(crossing(true))));
    assert!(crossing(false) < crossing(true) && golden["count"].as_u64() <= both["count"].as_u64());
    grouping("small", true, true, 4);
    super::refused(&["report", CAMPAIGN, "--grouping", text(&path)], INPUT, "the grouping \"small\" is for 4 classes");
}

/// The network of the project has 43 classes.
#[test]
fn a_grouping_for_another_number_of_classes_is_refused() {
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("signs");
    let command = ["campaign", "--model", "gtsrb-resnet8", "--data", "gtsrb-resnet8/samples", "--faults", "1"];
    faultscope(&[&command[..], &["--out", text(&out)]].concat()).code(DONE);
    let file = out.join("config.json");
    let config: Value = serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
    assert_eq!(config["model"]["classes"], 43);
    let sentence = "signs: the grouping \"cifar100\" is for 100 classes, the model has 43";
    let refusal = |more: &[&str]| {
        let asked = [&["report", text(&out), "--grouping", "cifar100"][..], more].concat();
        super::refused(&asked, INPUT, sentence);
    };
    for more in [&[][..], &["--json"], &[CAMPAIGN]] {
        refusal(more);
    }
    #[cfg(feature = "parquet")]
    refusal(&["--format", "parquet", "-o", text(&folder.path().join("x.parquet"))]);
    // Directories of older versions do not state the number: the grouping or the class names tell it, or nothing does.
    let write = |keys: &[&str]| {
        let mut older = config.clone();
        older["model"].as_object_mut().expect("an object").remove("classes");
        for key in keys {
            older.as_object_mut().expect("an object").remove(*key);
        }
        fs::write(&file, serde_json::to_vec(&older).expect("JSON")).expect("a file");
    };
    for keys in [&[][..], &["labels"], &["grouping"]] {
        write(keys);
        refusal(&[]);
    }
    write(&["grouping", "labels"]);
    faultscope(&["report", text(&out), "--grouping", "cifar100"]).code(DONE);
    // A grouping in config.json that contradicts the model.
    let mut damaged = config.clone();
    damaged["model"]["classes"] = 44.into();
    fs::write(&file, serde_json::to_vec(&damaged).expect("JSON")).expect("a file");
    let problem = "is for 43 classes, the model has 44";
    super::refused(&["report", text(&out)], INPUT, problem);
    super::refused(&["budget", text(&out), "--fit-per-mbit", "20", "--target", "10"], INPUT, problem);
}

#[test]
fn a_directory_that_is_given_twice_is_refused() {
    let sentence = "campaign: the directory is given twice; leave one away";
    super::refused(&["report", CAMPAIGN, CAMPAIGN], INPUT, sentence);
    let same = format!("{CAMPAIGN}/../campaign");
    super::refused(&["report", CAMPAIGN, PROTECTED, &same, "--format", "csv"], INPUT, sentence);
}

#[test]
fn the_study_draws_so_many_faults_of_each_set() {
    let draw = |count: &str, seed: &str| {
        let report = json(&["report", CAMPAIGN, "--json", "--study-sample", count, "--seed", seed]);
        let injections: Vec<_> = report["study_sample"]["starts"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|set| set["injections"].clone())
            .collect();
        (report, injections)
    };
    let (one, injections) = draw("50", "1");
    assert_eq!(injections, [50, 50, 50, 50]);
    assert_eq!(one, draw("50", "1").0);
    assert_ne!(one["study_sample"], draw("50", "2").0["study_sample"]);
    assert_eq!(one["starts"], json(&["report", CAMPAIGN, "--json"])["starts"]);
    // Where a set has fewer, all of them are drawn.
    let (all, injections) = draw("3000", "1");
    assert_eq!(all["study_sample"]["starts"], all["starts"]);
    assert_eq!(injections, [105, 60, 90, 150]);
    let text = stdout(&["report", CAMPAIGN, "--study-sample", "100", "--seed", "1"]);
    assert!(text.contains("initially SCM: there are only 60 faults, all of them are used"), "{text}");
    super::refused(&["report", CAMPAIGN, "--seed", "1"], USAGE, "--study-sample");
}

#[test]
fn a_page_stands_alone_and_lets_no_name_out_of_its_place() {
    for directories in [&[CAMPAIGN][..], &[CAMPAIGN, PROTECTED]] {
        let mut arguments = vec!["report", "--format", "html"];
        arguments.extend(directories);
        let page = stdout(&arguments);
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
        for foreign in ["<script", "http:", "https:", "src=", "<link", "@import", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        assert!(page.contains("relu &quot;quoted&quot;, &lt;b&gt;&amp;") && !page.contains("<b>&"));
        for part in ["By bit", "By layer", "By layer and bit", "Golden errors by class", "Provenance", "light-dark("] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    }
}

#[test]
fn a_file_is_replaced_only_where_that_is_asked_for() {
    let folder = TempDir::new().expect("a temporary folder");
    for format in ["text", "csv", "json", "parquet", "html"] {
        if format == "parquet" && cfg!(not(feature = "parquet")) {
            continue;
        }
        let path = folder.path().join(format);
        fs::write(&path, "precious").expect("a file");
        let write = ["report", CAMPAIGN, "--format", format, "-o", text(&path)];
        super::refused(&write, INPUT, "--force replaces it");
        assert_eq!(fs::read(&path).expect("a file"), b"precious");
        faultscope(&[&write[..], &["--force"]].concat()).code(DONE).stdout(predicate::str::is_empty());
        assert!(fs::metadata(&path).expect("a file").len() > 1000);
    }
    let path = folder.path().join("text");
    assert!(!fs::read_to_string(&path).expect("text").contains('\u{1b}'));
    let missing = folder.path().join("missing").join("page.html");
    super::refused(&["report", CAMPAIGN, "--format", "html", "-o", text(&missing)], INPUT, "missing");
}

#[test]
fn records_out_of_order_are_refused_by_line() {
    let folder = TempDir::new().expect("a temporary folder");
    fs::copy(Path::new(CAMPAIGN).join("config.json"), folder.path().join("config.json")).expect("a copy");
    let records = fs::read_to_string(Path::new(CAMPAIGN).join("faults.jsonl")).expect("records");
    let mut lines: Vec<_> = records.lines().collect();
    lines.swap(0, 200);
    fs::write(folder.path().join("faults.jsonl"), lines.join("\n")).expect("records");
    super::refused(&["report", text(folder.path())], INPUT, "faults.jsonl: line 2: ");
}

#[test]
fn what_holds_no_campaign_is_left_out_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let stray = folder.path().join("notes.txt");
    std::fs::write(&stray, "notes").expect("a file");
    let stray = stray.to_str().expect("UTF-8");
    let alone = stdout(&["report", CAMPAIGN]);
    let told = predicate::str::contains("notes.txt holds no campaign and is left out");
    let both = faultscope(&["report", CAMPAIGN, stray]).code(DONE).stderr(told).get_output().stdout.clone();
    assert_eq!(String::from_utf8(both).expect("UTF-8"), alone);
    faultscope(&["report", stray]).code(INPUT).stderr(predicate::str::contains("notes.txt"));
    let into = folder.path().to_str().expect("UTF-8");
    let told = predicate::str::contains("this is a folder");
    faultscope(&["report", CAMPAIGN, "--format", "csv", "-o", into]).code(INPUT).stderr(told);
}

#[test]
fn node_data_have_the_rates_of_the_layers() {
    let data: serde_json::Value =
        serde_json::from_str(&stdout(&["report", CAMPAIGN, "--format", "model-explorer"])).expect("JSON");
    let rates = rates(&stdout(&["report", CAMPAIGN, "--format", "csv"]));
    let results = data["results"].as_object().expect("results");
    assert!(!results.is_empty());
    for (layer, result) in results {
        let row = format!("layer||||{layer}|||sdc");
        let rate =
            rates.get(&row).unwrap_or_else(|| panic!("{row} of {:?}", rates.keys().take(40).collect::<Vec<_>>()))[2];
        let value = result["value"].as_f64().expect("a number");
        assert!((value / 100.0 - rate.expect("a rate")).abs() < 1e-6, "{layer}: {value}");
    }
    let stops = data["gradient"].as_array().expect("a gradient");
    assert_eq!((&stops[0]["stop"], &stops[stops.len() - 1]["stop"]), (&0.0.into(), &1.0.into()));
    faultscope(&["report", CAMPAIGN, PROTECTED, "--format", "model-explorer"])
        .code(USAGE)
        .stderr(predicate::str::contains("one campaign"));
}

/// The numbers are compared in the crate of facts (`expected_protected.py`).
#[test]
fn protections_are_in_every_format() {
    let shown = stdout(&["report", PROTECTED]);
    for words in [
        "each fault also under 5 protections",
        "Protections: effects on the same faults",
        "Protections: SCM rate",
        "no difference seen",
        "too few to say",
        "Faults that one protection saves and another loses",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let report = json(&["report", PROTECTED, "--json"]);
    let protections = report["protections"].as_array().expect("a list");
    assert_eq!(protections.len(), 5);
    assert_eq!(
        (protections[2]["method"].as_str(), protections[2]["effects"]["missed"].as_u64()),
        (Some("secded"), Some(3))
    );
    assert_eq!(protections[2]["sdc"]["decision"], "better");
    let csv = stdout(&["report", PROTECTED, "--format", "csv"]);
    assert!(csv.lines().filter(|line| line.contains(",protection_saves,")).count() > 100, "{csv}");
    let page = stdout(&["report", PROTECTED, CAMPAIGN, "--format", "html"]);
    assert!(page.contains("Coverage of SDCs over added operations") && page.contains("on the same faults: SDC"));
}
