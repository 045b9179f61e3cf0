//! `campaign --protect`: campaigns on a protected network.

use super::resume::{assert_same, images_with_mistakes};
use super::*;

/// Campaigns on a folder of images, of which the network misclassifies some.
pub(super) struct Study {
    pub(super) images: TempDir,
    results: TempDir,
}

impl Study {
    pub(super) fn new() -> Self {
        Self { images: images_with_mistakes(), results: TempDir::new().expect("a temporary folder") }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.results.path().join(name)
    }

    pub(super) fn campaign(&self, name: &str, more: &[&str]) -> assert_cmd::assert::Assert {
        let mut command = Command::new(PROGRAM);
        command.args(["campaign", "--model", MODEL, "--data", text(self.images.path()), "--faults", "9"]);
        command.args(["--out", text(&self.path(name))]).args(more).assert()
    }

    /// Makes the campaign in one piece, in jobs and in shards, and compares the results. Returns what the one piece wrote.
    pub(super) fn is_the_same_in_jobs_and_shards(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        let run = |name, more: &[&str]| self.campaign(name, &[arguments, more].concat()).code(DONE);
        let whole = run("whole", &["--jobs", "1"]);
        run("jobs", &["--jobs", "3"]);
        assert_same(&self.path("whole"), &self.path("jobs"));
        run("one", &["--shard", "1/2"]);
        run("two", &["--shard", "2/2"]);
        let [one, two, merged] = ["one", "two", "merged"].map(|name| self.path(name));
        faultscope(&["merge", text(&one), text(&two), "--out", text(&merged)]).code(DONE);
        assert_same(&self.path("whole"), &merged);
        whole
    }

    /// Copies half of the records of a campaign, as after a crash, to one that is called `cut`.
    pub(super) fn cut(&self, whole: &str) {
        let (whole, cut) = (self.path(whole), self.path("cut"));
        fs::create_dir(&cut).expect("a folder");
        fs::copy(whole.join("config.json"), cut.join("config.json")).expect("a copy");
        let records = fs::read(whole.join("faults.jsonl")).expect("records");
        fs::write(cut.join("faults.jsonl"), &records[..records.len() / 2]).expect("a file");
    }

    /// Resumes the campaign `cut`, and compares it with the one that it was cut from.
    pub(super) fn is_the_same_resumed(&self, whole: &str, arguments: &[&str]) {
        self.campaign("cut", &[arguments, &["--resume"]].concat()).code(DONE);
        assert_same(&self.path(whole), &self.path("cut"));
    }

    pub(super) fn config(&self, name: &str) -> Value {
        let bytes = fs::read(self.path(name).join("config.json")).expect("config.json");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    pub(super) fn records(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(name).join("faults.jsonl")).expect("records");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

#[test]
fn a_comparison_is_the_same_in_jobs_shards_and_parts() {
    let study = Study::new();
    let protect = ["--protect", "range", "--protect", "secded", "--protect", "top-2-margin", "--profile", "4"];
    study
        .is_the_same_in_jobs_and_shards(&protect)
        .stdout(contains("each fault also under range, secded, top-2-margin"));
    study.cut("whole");
    study.campaign("cut", &["--resume"]).code(INPUT).stderr(contains("campaign.protections"));
    let other = ["--resume", "--protect", "range", "--protect", "secded", "--protect", "top-2-margin"];
    study.campaign("cut", &other).code(INPUT).stderr(contains("campaign.protections"));
    study.is_the_same_resumed("whole", &protect);
}

/// The records without what protections add.
fn unprotected(study: &Study, name: &str) -> Vec<Value> {
    let mut records = study.records(name);
    for record in &mut records {
        let record = record.as_object_mut().expect("an object");
        record.remove("protected");
        record.remove("check");
    }
    records
}

#[test]
fn every_fault_is_tried_without_and_under_each_protection() {
    let study = Study::new();
    study.campaign("bare", &[]).code(DONE).stdout(contains("Protections").not());
    assert!(study.config("bare")["campaign"].get("protections").is_none(), "as before there were protections");
    let all = "range ranger ranger:channel clip-to-zero range:neuron range:percentile=99 range:scale=2 parity-zero secded \
               duplicate:kind:Conv tmr:auto:50% nan-check logit-range top-2-margin:0.5";
    let protect: Vec<&str> = all.split_whitespace().flat_map(|name| ["--protect", name]).collect();
    let seen = study.campaign("compared", &protect).code(DONE);
    seen.stderr(contains("6 of the 6 images that protections are learnt from are tested, too"));
    assert_eq!(unprotected(&study, "compared"), unprotected(&study, "bare"), "protections change no unprotected trial");
    let config = &study.config("compared")["campaign"]["protections"];
    let names: Vec<&str> =
        config["methods"].as_array().expect("a list").iter().filter_map(|own| own["method"].as_str()).collect();
    assert_eq!(names, all.split_whitespace().collect::<Vec<_>>());
    assert_eq!(config["profile"]["images"], 6);
    for record in study.records("compared") {
        let protected = record["protected"].as_array().expect("a list");
        assert_eq!(protected.len(), names.len());
        let of = |name: &str| &protected[names.iter().position(|own| *own == name).expect("a protection")];
        assert_eq!(of("secded")["class"], record["golden"]["class"], "one flipped bit of an activation is corrected");
        let is_sdc = record["outcome"] == "sdc";
        assert_eq!(of("nan-check")["class"], record["faulty"]["class"], "a detector changes no answer");
        if record["fault"]["layer"].as_str().is_some_and(|layer| layer.contains("conv")) {
            assert_eq!(of("duplicate:kind:Conv")["detected"], true, "{record}");
        } else {
            assert_eq!(of("duplicate:kind:Conv").get("detected"), None, "{record} {is_sdc}");
        }
    }
    let report = json(&["report", text(&study.path("compared")), "--json"]);
    let own = report["protections"].as_array().expect("protections");
    assert_eq!(own.len(), names.len());
    let shown = faultscope(&["report", text(&study.path("compared"))]).code(DONE);
    shown.stdout(contains("Protections: effects on the same faults").and(contains("McNemar's exact test")));

    let yaml = study.path("protect.yaml");
    fs::write(&yaml, "protect: [range, secded]\nprofile: 2\n").expect("a file");
    study.campaign("yaml", &["--config", text(&yaml)]).code(DONE);
    study.campaign("words", &["--protect", "range", "--protect", "secded", "--profile", "2"]).code(DONE);
    assert_same(&study.path("yaml"), &study.path("words"));
}

#[test]
fn codes_in_the_bits_of_weights_have_a_network_of_their_own() {
    let study = Study::new();
    let protect = ["--protect", "lsb-parity", "--protect", "weight-clip", "--protect", "secded", "--target", "weight"];
    study.campaign("weights", &protect).code(DONE);
    for record in study.records("weights") {
        let protected = record["protected"].as_array().expect("a list");
        assert_eq!(protected[2]["class"], record["golden"]["class"], "one flipped bit of a weight is corrected");
    }
    let int8 = ["--weight-format", "int8", "--target", "weight", "--protect", "in-place-ecc", "--bits-per-word", "2"];
    study.campaign("int8", &int8).code(DONE);
    let detected = study.records("int8").iter().filter(|record| record["protected"][0]["detected"] == true).count();
    assert!(detected > 0, "two flipped bits of an int8 weight are detected");
}

#[test]
fn layers_are_checked_by_checksums_and_a_range_of_tolerances_is_one_option() {
    let study = Study::new();
    let protect = ["--protect", "abft", "--protect", "abft:detect,tolerance=1e-6..1e-4", "--layers", "kind:Conv"];
    let strike = [&protect[..], &["--bit", "30"]].concat();
    study.is_the_same_in_jobs_and_shards(&strike).stdout(contains("each fault also under 4 protections"));
    let times: Value =
        serde_json::from_slice(&fs::read(study.path("whole").join("times.json")).expect("times")).expect("JSON");
    let under = times["under"].as_array().expect("a list");
    let names: Vec<&str> = under.iter().filter_map(|one| one["protection"].as_str()).collect();
    assert_eq!(
        names,
        ["abft", "abft:detect,tolerance=1e-6", "abft:detect,tolerance=1e-5", "abft:detect,tolerance=1e-4"]
    );
    assert!(under.iter().all(|one| one["times"].as_f64().is_some_and(|times| times > 0.0)), "{times}");
    let told = json(&["report", text(&study.path("whole")), "--json"]);
    assert_eq!(told["protections"][0]["time"], under[0]["times"]);
    assert!(!study.path("merged").join("times.json").exists(), "nothing was measured");
    fs::write(study.path("one").join("times.json"), "{}").expect("a file");
    faultscope(&["report", text(&study.path("one"))]).code(INPUT).stderr(contains("remove the file"));
    study.cut("whole");
    study.is_the_same_resumed("whole", &strike);
    let config = &study.config("whole")["campaign"]["protections"];
    let methods = config["methods"].as_array().expect("a list");
    assert_eq!(methods.len(), 4);
    for method in methods {
        assert!(method["layers"].as_array().is_some_and(|layers| !layers.is_empty()), "{method}");
        assert!(method["overhead"]["operations"].as_u64() > Some(0), "{method}");
    }
    // The highest bit of the exponent changes an element by 2 or more.
    for record in study.records("whole") {
        let protected = record["protected"].as_array().expect("a list");
        assert_eq!(protected[0]["class"], record["golden"]["class"], "computed again: {record}");
        assert_eq!(protected[0].get("detected"), None, "{record}");
        assert!(protected[1..].iter().all(|own| own["detected"] == true), "{record}");
    }
    study.campaign("low", &[&protect[..], &["--bit", "0"]].concat()).code(DONE);
    for record in study.records("low") {
        assert_eq!(record["protected"][0].get("detected"), None, "a flip of the lowest bit is a rounding error");
        assert_eq!(record["protected"][3].get("detected"), None, "{record}");
    }
    let weights = ["--protect", "abft", "--protect", "abft:learnt=2", "--target", "weight", "--bit", "30"];
    study.campaign("weights", &[&weights[..], &["--layers", "kind:Conv"]].concat()).code(DONE);
    let config = &study.config("weights")["campaign"]["protections"]["methods"];
    assert!(config[0].get("learnt").is_none() && config[1]["learnt"].is_u64(), "{config}");
    let records = study.records("weights");
    assert!(records.iter().any(|record| record["protected"][0]["detected"] == true), "a weight differs again");
}

#[test]
fn a_profile_of_other_data_is_learnt_from_and_named() {
    let study = Study::new();
    let other = study.path("other");
    fs::create_dir(&other).expect("a folder");
    // The same pictures under other names: what is learnt is the same.
    for image in fs::read_dir(study.images.path()).expect("a folder") {
        let image = image.expect("an entry").path();
        let name = image.file_name().and_then(|name| name.to_str()).expect("a name").replace("photo", "other");
        fs::copy(&image, other.join(name)).expect("a copy");
    }
    let learn = ["--protect", "range", "--protect", "ranger:channel"];
    let seen = study.campaign("apart", &[&learn[..], &["--profile", text(&other)]].concat()).code(DONE);
    seen.stderr(contains("tested, too").not());
    study.campaign("own", &learn).code(DONE);
    let protected = |name: &str| -> Vec<Value> {
        study.records(name).into_iter().map(|mut record| record["protected"].take()).collect()
    };
    assert_eq!(protected("apart"), protected("own"));
    assert_eq!(study.config("apart")["campaign"]["protections"]["profile"]["data"], text(&other));
    let few = [&learn[..], &["--profile", text(&other), "--profile-images", "1"]].concat();
    study.campaign("few", &few).code(DONE);
    assert_eq!(study.config("few")["campaign"]["protections"]["profile"]["images"], 1);
    let same = [&learn[..], &["--profile", text(study.images.path())]].concat();
    study.campaign("same", &same).code(DONE).stderr(contains("6 of the 6 images").and(contains("by their names")));
}

/// Bounds are learnt from images, and labels have no part in it.
#[test]
fn an_array_to_learn_from_needs_no_labels() {
    let study = Study::new();
    let path = study.images.path().with_extension("npy");
    let pixels: Vec<u8> = (0..4 * 8 * 8).flat_map(|at| [(at % 251) as u8, 90, 200 - (at % 100) as u8]).collect();
    write_npy(&path, "|u1", "(4, 8, 8, 3)", &pixels);
    let arguments = ["--protect", "ranger", "--profile", text(&path), "--profile-images", "3"];
    study.campaign("of an array", &arguments).code(DONE);
    let profile = &study.config("of an array")["campaign"]["protections"]["profile"];
    assert_eq!((&profile["images"], &profile["data"]), (&Value::from(3), &Value::from(text(&path))));
    fs::remove_file(&path).expect("a file");
}

#[test]
fn what_cannot_be_compared_is_refused_in_a_sentence() {
    let study = Study::new();
    let refused = |more: &[&str], code: i32, words: &str| {
        study.campaign("wrong", more).code(code).stderr(contains(words));
        assert!(!study.path("wrong").exists(), "{more:?}");
    };
    for count in ["0", "7"] {
        let sentence = format!("learnt from {count} images; expected 1 to 6");
        refused(&["--protect", "range", "--profile", count], INPUT, &sentence);
    }
    refused(&["--profile", "3"], USAGE, "--profile goes with --protect, --pattern-file");
    refused(&["--protect", "magic"], USAGE, "known: range, ranger");
    refused(&["--protect", "range:rows"], USAGE, "tensor, channel, neuron");
    refused(&["--protect", "range", "--protect", "range"], USAGE, "the protection range is given twice");
    let sentence = "the protection ranger is given twice: a value of the range in --protect ranger:scale=1..2/3 is the same as \
                    --protect ranger; leave one away";
    refused(&["--protect", "ranger", "--protect", "ranger:scale=1..2/3"], USAGE, sentence);
    refused(&["--protect", "ranger:scale=1..2/3", "--protect", "ranger"], USAGE, sentence);
    refused(&["--protect", "tmr:\"conv1"], USAGE, "a quote is not closed");
    refused(&["--protect", "range", "--profile", "nowhere"], INPUT, "nowhere");
    refused(&["--protect", "range", "--profile", "3", "--profile-images", "2"], USAGE, "--profile-images goes with");
    refused(&["--protect", "lsb-parity"], INPUT, "--target weight");
    refused(&["--protect", "tmr:kind:Conv2d", "--target", "weight"], INPUT, "--target activation");
    refused(&["--protect", "duplicate:nothing"], INPUT, "duplicate:nothing");
    refused(&["--protect", "duplicate:auto:0.0001%"], INPUT, "no vulnerable layer costs as little as 0.0001 %");
    refused(&["--protect", "in-place-ecc", "--target", "weight"], INPUT, "--weight-format int8");
    refused(&["--protect", "secded", "--type", "random"], INPUT, "--type bitflip");
    refused(&["--protect", "ranger:channel,percentile=99"], INPUT, "percentiles of whole tensors");
    let array = ["--accelerator", "systolic:8x8,ws", "--type", "stuck1", "--protect", "secded"];
    refused(&array, INPUT, "a register inside a processing element");
    refused(&["--protect", "abft", "--format", "f16"], INPUT, "a checksum is compared in float32");
    refused(&["--protect", "abft", "--target", "input"], INPUT, "for faults in weights and activations");
    let array = ["--accelerator", "systolic:8x8,ws", "--type", "stuck1", "--protect", "abft"];
    refused(&array, INPUT, "on the same processing elements");
    refused(&["--protect", "range:scale=1..2"], USAGE, "expected FIRST..LAST/N");
    let many = ["--protect", "range:scale=1..2/17", "--protect", "ranger:scale=1..2/17"];
    refused(&many, USAGE, "1 to 32 protections");
    refused(&["--protect", "range", "--design", "stratified"], USAGE, "faults of the same weight");
}
