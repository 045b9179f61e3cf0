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
fn a_protected_campaign_is_the_same_in_jobs_shards_and_parts() {
    let study = Study::new();
    let protect = ["--protect", "range", "--profile", "4"];
    study.is_the_same_in_jobs_and_shards(&protect).stdout(contains("protected by range, learnt from 4 images"));
    study.cut("whole");
    study.campaign("cut", &["--resume"]).code(INPUT).stderr(contains("campaign.protect is"));
    study.campaign("cut", &["--resume", "--protect", "range"]).code(INPUT).stderr(contains("campaign.protect.profile"));
    study.is_the_same_resumed("whole", &protect);
}

#[test]
fn the_configuration_names_the_protection_and_its_ranges() {
    let study = Study::new();
    study.campaign("bare", &[]).code(DONE).stdout(contains("protected").not());
    let bare = study.config("bare");
    assert!(
        bare["campaign"].get("protect").is_none() && bare.get("ranges").is_none(),
        "as before there were protections"
    );

    study.campaign("protected", &["--protect", "range"]).code(DONE);
    let config = study.config("protected");
    assert_eq!(config["campaign"]["protect"], serde_json::json!({ "method": "range", "profile": 6 }), "all six images");
    let ranges = config["ranges"].as_array().expect("ranges");
    assert!(!ranges.is_empty());
    for range in ranges {
        assert_eq!(keys(range), ["high", "low", "tensor"]);
        assert!(range["low"].as_f64().expect("a number") <= range["high"].as_f64().expect("a number"));
    }
    // The same faults strike, and fewer change the class.
    let sdc = |name: &str| json(&["report", text(&study.path(name)), "--json"])["faults"]["sdc"]["count"].as_u64();
    assert!(sdc("protected") <= sdc("bare") && sdc("bare").is_some());
    let places = |name: &str| -> Vec<Value> {
        let records = fs::read_to_string(study.path(name).join("faults.jsonl")).expect("records");
        let place = |line: &str| {
            let record: Value = serde_json::from_str(line).expect("JSON");
            let fault = &record["fault"];
            serde_json::json!([record["image"], fault["layer"], fault["element"], fault["bit"]])
        };
        records.lines().map(place).collect()
    };
    assert_eq!(places("protected"), places("bare"));

    let yaml = study.path("protect.yaml");
    fs::write(&yaml, "protect: range\nprofile: 2\n").expect("a file");
    study.campaign("yaml", &["--config", text(&yaml)]).code(DONE);
    study.campaign("words", &["--protect", "range", "--profile", "2"]).code(DONE);
    assert_same(&study.path("yaml"), &study.path("words"));
}

#[test]
fn a_profile_that_does_not_fit_is_refused_in_a_sentence() {
    let study = Study::new();
    for count in ["0", "7"] {
        let sentence = format!("golden runs of {count} images; expected 1 to 6");
        study.campaign("wrong", &["--protect", "range", "--profile", count]).code(INPUT).stderr(contains(sentence));
    }
    study
        .campaign("wrong", &["--profile", "3"])
        .code(USAGE)
        .stderr(contains("--profile goes with --protect, --pattern-file"));
    study.campaign("wrong", &["--protect", "magic"]).code(USAGE).stderr(contains("range"));
    assert!(!study.path("wrong").exists());
}
