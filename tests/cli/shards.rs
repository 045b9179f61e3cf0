//! `campaign --shard` and `merge`: parts made apart are, put together, the campaign made in one piece.

use super::resume::{assert_same, files, images_with_mistakes, without_check};
use super::*;

/// A campaign to be made in one piece and in shards.
struct Study {
    images: TempDir,
    results: TempDir,
}

impl Study {
    fn new() -> Self {
        Self { images: images_with_mistakes(), results: TempDir::new().expect("a temporary folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.results.path().join(name)
    }

    fn campaign(&self, name: &str, more: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(["campaign", "--model", MODEL, "--data", text(self.images.path()), "--protocol", "study"]);
        command.args(["--misclassified", "9", "--out", text(&self.path(name))]).args(more);
        command
    }

    /// Makes the shards, whose directories are returned.
    fn shards(&self, of: usize, more: &[&str]) -> Vec<PathBuf> {
        let make = |index: usize| {
            let name = format!("{index} of {of}");
            self.campaign(&name, more).args(["--shard", &format!("{index}/{of}")]).assert().code(DONE);
            self.path(&name)
        };
        (1..=of).map(make).collect()
    }

    fn merge(&self, shards: &[&PathBuf], out: &str) -> assert_cmd::assert::Assert {
        let mut command = Command::new(PROGRAM);
        command.arg("merge").args(shards).arg("--out").arg(self.path(out)).assert()
    }

    /// That merging is refused with all `sentences`, and changes nothing.
    fn refused(&self, shards: &[&PathBuf], sentences: &[&str]) {
        let before: Vec<_> = shards.iter().map(|shard| files(shard)).collect();
        let refusal = self.merge(shards, "refused").code(INPUT).stdout(predicate::str::is_empty());
        let said = String::from_utf8_lossy(&refusal.get_output().stderr).into_owned();
        for sentence in sentences {
            assert!(said.contains(sentence), "{sentence}: {said}");
        }
        assert!(!self.path("refused").exists());
        assert!(before == shards.iter().map(|shard| files(shard)).collect::<Vec<_>>());
    }
}

#[test]
fn merged_shards_are_the_campaign_in_one_piece() {
    let study = Study::new();
    for (case, more) in
        [&[][..], &["--images", "5", "--seed", "8"], &["--type", "random", "--amount", "2"]].iter().enumerate()
    {
        let whole = format!("whole {case}");
        study.campaign(&whole, more).assert().code(DONE);
        for of in [1, 2, 3, 5] {
            let mut shards = study.shards(of, more);
            // In any order.
            shards.rotate_left(of / 2);
            let merged = format!("merged {case} of {of}");
            study.merge(&shards.iter().collect::<Vec<_>>(), &merged).code(DONE).stdout(contains("Wilson"));
            assert_same(&study.path(&whole), &study.path(&merged));
            for shard in shards {
                fs::remove_dir_all(shard).expect("removed");
            }
        }
    }
}

#[test]
fn a_sample_is_cut_into_shards_as_well() {
    let study = Study::new();
    let sample = study.path("sample.json");
    study.campaign("all", &[]).assert().code(DONE);
    let data = read(&study.path("all").join("config.json"))["data"].clone();
    let drawn = serde_json::json!({
        "data": data, "seed": 1, "count": 4, "balanced": false, "of": 6, "indices": [0, 2, 4, 5]
    });
    fs::write(&sample, drawn.to_string()).expect("a file");
    let with_sample = ["--sample", text(&sample)];
    study.campaign("whole", &with_sample).assert().code(DONE);
    let shards = study.shards(3, &with_sample);
    study.merge(&shards.iter().collect::<Vec<_>>(), "merged").code(DONE);
    assert_same(&study.path("whole"), &study.path("merged"));
    // The faults of an image do not depend on the sample.
    let of_sample = |line: &&str| ["0,", "2,", "4,", "5,"].iter().any(|image| line[9..].starts_with(image));
    let all = fs::read_to_string(study.path("all").join("faults.jsonl")).expect("records");
    let sampled = fs::read_to_string(study.path("whole").join("faults.jsonl")).expect("records");
    let [all, sampled] = [&all, &sampled].map(|records| records.lines().filter(of_sample).map(without_check));
    assert_eq!(all.collect::<Vec<_>>(), sampled.collect::<Vec<_>>());
    assert_eq!(json(&["report", text(&study.path("whole")), "--json"])["complete"], true);
    let wrong = sample.with_extension("other");
    fs::write(&wrong, drawn.to_string().replace("\"of\":6", "\"of\":7")).expect("a file");
    study.campaign("wrong", &["--sample", text(&wrong)]).assert().code(INPUT).stderr(contains("draw another"));
}

#[test]
fn shards_that_do_not_make_one_campaign_are_refused_by_name() {
    let study = Study::new();
    let shards = study.shards(3, &[]);
    let [one, two, three] = &shards[..] else { unreachable!("three shards") };
    study.refused(&[one, three], &["of 3 shards 2 is missing", text(one), text(three)]);
    study.refused(&[two], &["of 3 shards 1, 3 are missing", text(two)]);
    study.refused(&[one, two, three, two], &["shard 2/3 is", text(two)]);

    study.campaign("whole", &[]).assert().code(DONE);
    study.refused(&[one, &study.path("whole"), three], &[text(&study.path("whole")), "not a shard"]);
    study.campaign("other", &["--shard", "2/3", "--seed", "9"]).assert().code(DONE);
    let other = study.path("other");
    study.refused(&[one, &other, three], &[text(one), text(&other), "campaign.seed is 0 there and 9 here"]);
    study.campaign("half", &["--shard", "2/2"]).assert().code(DONE);
    study.refused(&[one, two, &study.path("half")], &[text(&study.path("half")), "shard 1/3 there and 2/2 here"]);
    let folder = study.path("folder");
    fs::create_dir(&folder).expect("a folder");
    study.refused(&[one, two, &folder], &[text(&folder), "no campaign"]);

    // Shard 3 calls itself shard 2.
    let copy = |from: &Path, name: &str| {
        let to = study.path(name);
        fs::create_dir(&to).expect("a folder");
        for file in ["config.json", "faults.jsonl", "summary.json"] {
            fs::copy(from.join(file), to.join(file)).expect("a copy");
        }
        to
    };
    let liar = copy(three, "liar");
    let config = fs::read_to_string(liar.join("config.json")).expect("text").replace("\"3/3\"", "\"2/3\"");
    fs::write(liar.join("config.json"), config).expect("a file");
    study.refused(&[one, &liar, three], &[text(&liar), "line 1: image 4 is none of shard 2/3"]);

    let unfinished = copy(two, "unfinished");
    let records = fs::read_to_string(unfinished.join("faults.jsonl")).expect("text");
    for length in [records.len() - 1, records.len() / 2, 0] {
        fs::write(unfinished.join("faults.jsonl"), &records[..length]).expect("a file");
        study.refused(&[one, &unfinished, three], &[text(&unfinished), "shard 2/3 is not finished", "--resume"]);
    }
    let held = fs::File::options().append(true).open(two.join("faults.jsonl")).expect("records");
    held.try_lock().expect("nobody has it");
    study.refused(&[one, two, three], &[text(two), "still being made"]);
    drop(held);

    let whole = files(&study.path("whole"));
    study.merge(&[one, two, three], "whole").code(INPUT).stderr(contains("already holds a campaign"));
    assert!(whole == files(&study.path("whole")));
    study.merge(&[], "nothing").code(USAGE);
}

#[test]
fn the_scheduler_says_which_shard_it_is() {
    let study = Study::new();
    let shards = study.shards(3, &[]);
    let mut slurm = study.campaign("slurm", &["--shard", "auto"]);
    slurm.env("SLURM_ARRAY_TASK_ID", "11").env("SLURM_ARRAY_TASK_MIN", "10").env("SLURM_ARRAY_TASK_COUNT", "3");
    slurm.assert().code(DONE);
    assert_same(&study.path("slurm"), &shards[1]);
    let mut indexed = study.campaign("indexed", &["--shard", "auto/3"]);
    indexed.env("JOB_COMPLETION_INDEX", "2").assert().code(DONE);
    assert_same(&study.path("indexed"), &shards[2]);

    let refused = |shard: &str, code: i32, sentence: &str| {
        let refusal = study.campaign("refused", &["--shard", shard]).assert().code(code);
        refusal.stderr(contains(sentence).and(contains("panicked").not()));
        assert!(!study.path("refused").exists());
    };
    refused("auto", INPUT, "needs SLURM_ARRAY_TASK_ID");
    refused("0/3", USAGE, "counted from 1/3 to 3/3");
    refused("4/3", USAGE, "no part 4 of 3");
    refused("three", USAGE, "I/N is expected");
    refused("1/7", INPUT, "6 images cannot be cut into 7 shards");
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}
