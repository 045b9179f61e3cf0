//! `faultscope budget`: failure rates from campaigns on the network of the project.

use super::*;

const NETWORK: &str = "gtsrb-resnet8";

fn campaign(out: &Path, more: &[&str]) {
    let fixed = ["campaign", "--model", NETWORK, "--data", "gtsrb-resnet8/samples", "--out", text(out), "--seed", "5"];
    faultscope(&[&fixed[..], more].concat()).code(DONE);
}

#[test]
fn measured_shares_become_failure_rates() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let (weights, ranges) = (path("weights"), path("ranges"));
    campaign(&weights, &["--target", "weight", "--faults", "20"]);
    campaign(&ranges, &["--faults", "20", "--protect", "range", "--profile", "12"]);
    let directories = [text(&weights), text(&ranges)];
    let asked = |more: &[&'static str]| {
        let fixed = ["--fit-per-mbit", "20..2000", "--target", "10"];
        [&["budget"], &directories[..], &fixed[..], more].concat()
    };
    let output = faultscope(&asked(&["--json"])).code(DONE).get_output().stdout.clone();
    let budget: Value = serde_json::from_slice(&output).expect("JSON");
    let report = json(&["report", "--json", directories[1]]);
    let [unprotected, protected] = &budget["variants"].as_array().expect("variants")[..] else { panic!("{budget}") };
    let memory = &unprotected["memories"][1];
    let mut expected = 0.0;
    for layer in memory["layers"].as_array().expect("layers") {
        let own = report["layers"].as_array().expect("layers").iter().find(|own| own["layer"] == layer["layer"]);
        let (faults, scm) = own.map_or((0, 0), |own| {
            (own["injections"].as_u64().expect("a count"), own["scm"]["count"].as_u64().expect("a count"))
        });
        assert_eq!((layer["faults"].as_u64(), layer["dangerous"].as_u64()), (Some(faults), Some(scm)), "{layer}");
        if faults > 0 {
            expected += layer["bits"].as_f64().expect("bits") / 1_048_576.0 * scm as f64 / faults as f64;
        }
    }
    let found = memory["fit_per_raw"].as_f64().expect("a rate");
    assert!((found - expected).abs() < 1e-12 && found > 0.0, "{found} {expected}");
    assert!(memory["fit_per_raw_upper"].as_f64().expect("a rate") > found);
    assert_eq!(unprotected["memories"][0]["target"], "weight");
    assert!(protected["memories"][1]["diagnostic_coverage"].as_f64().expect("a share") > 0.5);
    assert_eq!(unprotected["rates"].as_array().map(Vec::len), Some(5));

    let shown = faultscope(&asked(&[])).code(DONE).get_output().stdout.clone();
    let shown = String::from_utf8(shown).expect("UTF-8");
    for words in
        ["Failure rate, target 10", "coverage needed", "It is no certification", "in layers that no fault has struck"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let csv = faultscope(&asked(&["--format", "csv"])).code(DONE).get_output().stdout.clone();
    assert!(String::from_utf8(csv).expect("UTF-8").starts_with("protection,memory,layer,bits,"));
    let page = path("budget.html");
    faultscope(&[&asked(&["--format", "html", "-o"])[..], &[text(&page)]].concat()).code(DONE);
    assert!(fs::read_to_string(&page).expect("a page").contains("<svg class=\"budget\""));

    let residency = path("residency.toml");
    fs::write(&residency, "activations = 0.5\n").expect("a file");
    let half = [&asked(&["--json", "--residency"])[..], &[text(&residency)]].concat();
    let half: Value = serde_json::from_slice(&faultscope(&half).code(DONE).get_output().stdout).expect("JSON");
    let halved = half["variants"][0]["memories"][1]["fit_per_raw"].as_f64().expect("a rate");
    assert!((halved - found / 2.0).abs() < 1e-12);
}

#[test]
fn a_campaign_that_ended_by_its_results_has_bounds_of_a_fixed_number() {
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("until");
    campaign(&out, &["--faults", "2", "--until", "5pp"]);
    let fixed = ["budget", text(&out), "--fit-per-mbit", "20", "--target", "10"];
    let sentence = "ended by its results (--until): its bounds are those of a fixed number of faults";
    let of = |more: &[&str]| {
        let output = faultscope(&[&fixed[..], more].concat()).code(DONE).get_output().clone();
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8"))
    };
    let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(joined(&of(&[])[0]).contains(sentence), "{}", of(&[])[0]);
    assert!(of(&["--format", "html"])[0].contains("ended by its results (--until)"));
    let json: Value = serde_json::from_str(&of(&["--json"])[0]).expect("JSON");
    assert_eq!(json["variants"][0]["memories"][0]["until"], true);
    let [rows, notice] = of(&["--format", "csv"]);
    assert!(rows.starts_with("protection,memory,") && joined(&notice).contains(sentence), "{notice}");
}

#[test]
fn of_two_campaigns_of_a_memory_one_is_left_away() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let (plain, range, secded) = (path("plain"), path("range"), path("nan-check"));
    campaign(&plain, &["--faults", "2"]);
    campaign(&range, &["--faults", "2", "--protect", "range", "--profile", "12"]);
    campaign(&secded, &["--faults", "2", "--protect", "nan-check"]);
    let of = |directories: &[&Path], sentence: &str| {
        let directories: Vec<&str> = directories.iter().map(|path| text(path)).collect();
        refused(&[&["budget", "--fit-per-mbit", "20", "--target", "10"], &directories[..]].concat(), INPUT, sentence);
    };
    let away = format!("leave \"{}\" away: \"{}\" compares protections", text(&plain), text(&range));
    of(&[&plain, &range], &away);
    of(&[&range, &plain], &away);
    of(&[&range, &secded], "one campaign with --protect for each protection compares all of them");
    of(&[&plain, &plain], "plain: the directory is given twice");
}

#[test]
fn what_gives_no_budget_is_refused() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let (bit, zero, good) = (path("bit"), path("zero"), path("good"));
    campaign(&bit, &["--faults", "2", "--bit", "30"]);
    campaign(&zero, &["--faults", "2", "--type", "zero"]);
    campaign(&good, &["--faults", "2"]);
    let of = |directory: &Path, more: &[&str], code, sentence: &str| {
        let fixed = ["--fit-per-mbit", "20..1000", "--target", "10"];
        let fixed = if more.contains(&"--target") { &[][..] } else { &fixed[..] };
        refused(&[&["budget", text(directory)], fixed, more].concat(), code, sentence);
    };
    of(&bit, &[], INPUT, "flips some of the bits only");
    of(&zero, &[], INPUT, "replaces values");
    of(&path("none"), &[], INPUT, "none");
    of(&good, &["--memory", "weights"], INPUT, "no campaign measures");
    of(&good, &["--fit-per-mbit", "5..1", "--target", "1"], INPUT, "raw rates are positive");
    of(&good, &["--fit-per-mbit", "5", "--target", "0"], INPUT, "the target is a positive");
    of(&good, &["--model", MODEL], INPUT, "not the model of the campaign");
    let residency = path("residency.toml");
    for (words, sentence) in
        [("weights = 2", "from 0 to 1"), ("wheights = 1", "unknown field"), ("[layers]\n\"x\" = 0.5", "\"x\"")]
    {
        fs::write(&residency, words).expect("a file");
        of(&good, &["--residency", text(&residency)], INPUT, sentence);
    }
}

#[test]
fn a_campaign_of_a_built_in_network_is_budgeted_from_any_folder() {
    let (folder, elsewhere) =
        (TempDir::new().expect("a temporary folder"), TempDir::new().expect("a temporary folder"));
    let out = folder.path().join("out");
    campaign(&out, &["--target", "weight", "--faults", "4"]);
    let config = out.join("config.json");
    let text_of = fs::read_to_string(&config).expect("a configuration");
    let mut stated: Value = serde_json::from_str(&text_of).expect("JSON");
    // As a campaign in a checkout calls it.
    stated["model"]["path"] = "models/gtsrb-resnet8/gtsrb-resnet8.bpk".into();
    fs::write(&config, stated.to_string()).expect("a file");
    let budget = |more: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.current_dir(elsewhere.path()).env_remove("FAULTSCOPE_MODELS");
        command.args(["budget", text(&out), "--fit-per-mbit", "100", "--target", "10"]).args(more).assert()
    };
    budget(&[]).code(DONE);
    stated["model"]["path"] = "gone/own.onnx".into();
    fs::write(&config, stated.to_string()).expect("a file");
    budget(&[]).code(INPUT).stderr(contains("gone/own.onnx: there is no such file").and(contains("--model names it")));
    budget(&["--model", NETWORK]).code(DONE);
}
