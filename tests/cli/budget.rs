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
