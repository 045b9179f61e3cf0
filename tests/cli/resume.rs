//! `campaign --resume`: whatever ended a campaign, it is finished as if nothing had.

use std::collections::BTreeMap;
use std::process::Stdio;

use super::*;

/// Every file of a directory but the measured times, which differ from run to run.
pub fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).expect("a directory");
    let file = |entry: fs::DirEntry| {
        (entry.file_name().into_string().expect("Unicode"), fs::read(entry.path()).expect("a file"))
    };
    entries.map(|entry| file(entry.expect("an entry"))).filter(|(name, _)| name != "times.json").collect()
}

/// That two directories hold the same files; what differs is named, not shown.
pub fn assert_same(one: &Path, two: &Path) {
    let (one, two) = (files(one), files(two));
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(two[name] == *bytes, "{name} differs");
    }
}

/// A record without its checksum, as older versions wrote it.
pub fn without_check(line: &str) -> String {
    let (record, check) = line.rsplit_once(",\"check\":\"").expect("a checksum");
    assert!(check.len() == 10 && check.ends_with("\"}"), "{check}");
    record.to_owned() + "}"
}

/// A folder of six images of which two are labelled wrongly.
pub fn images_with_mistakes() -> TempDir {
    let root = TempDir::new().expect("a temporary folder");
    for (index, (colour, label)) in [(0, 0), (1, 1), (2, 0), (0, 0), (1, 2), (2, 2)].into_iter().enumerate() {
        write_image(&root.path().join(format!("photo_{index:02}_{label}.png")), colour, 5 * index as u8);
    }
    root
}

/// A campaign over some images, to be run again and again.
struct Study {
    images: TempDir,
    results: TempDir,
    arguments: Vec<String>,
}

impl Study {
    fn new(arguments: &[&str]) -> Self {
        let results = TempDir::new().expect("a temporary folder");
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { images: images_with_mistakes(), results, arguments }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.results.path().join(name)
    }

    fn arguments<'a>(&'a self, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
        let mut all = vec!["campaign", "--model", MODEL, "--data", text(self.images.path()), "--out", text(out)];
        all.extend(self.arguments.iter().map(String::as_str));
        all.extend(more);
        all
    }

    fn run(&self, name: &str, more: &[&str]) -> assert_cmd::assert::Assert {
        faultscope(&self.arguments(&self.path(name), more))
    }

    /// A campaign as it is when nothing happens.
    fn whole(&self) -> PathBuf {
        self.run("whole", &[]).code(DONE);
        self.path("whole")
    }

    /// A copy of `whole` whose records end after `length` bytes, followed by `tail`, without a summary.
    fn broken(&self, name: &str, length: usize, tail: &[u8]) -> PathBuf {
        let (whole, broken) = (self.path("whole"), self.path(name));
        fs::create_dir(&broken).expect("a folder");
        fs::copy(whole.join("config.json"), broken.join("config.json")).expect("a copy");
        let records = fs::read(whole.join("faults.jsonl")).expect("records");
        fs::write(broken.join("faults.jsonl"), [&records[..length], tail].concat()).expect("a file");
        for file in ["images.jsonl", "data.tsv"] {
            fs::copy(whole.join(file), broken.join(file)).expect("a copy");
        }
        broken
    }

    /// That going on in `name` is refused with `sentence`, and changes nothing.
    fn refused(&self, name: &str, more: &[&str], sentence: &str) {
        let before = files(&self.path(name));
        let path = self.path(name);
        let mut arguments = self.arguments(&path, more);
        arguments.push("--resume");
        super::refused(&arguments, INPUT, sentence);
        assert!(before == files(&path), "{sentence}");
    }
}

const FAULT_MODELS: &[&[&str]] = &[
    &["--seed", "11", "--faults", "9"],
    &["--seed", "11", "--protocol", "study", "--misclassified", "12"],
    &["--seed", "5", "--faults", "4", "--target", "weight", "--sampling", "element"],
    &["--seed", "5", "--faults", "3", "--mode", "multiple", "--type", "zero", "--percent", "2"],
    &["--seed", "5", "--faults", "600", "--images", "2"],
];

#[test]
fn the_number_of_jobs_cannot_be_told() {
    for arguments in FAULT_MODELS {
        let study = Study::new(arguments);
        for jobs in ["1", "2", "5"] {
            study.run(jobs, &["--jobs", jobs]).code(DONE);
        }
        assert_same(&study.path("1"), &study.path("2"));
        assert_same(&study.path("1"), &study.path("5"));
    }
}

#[test]
fn the_memory_cannot_be_told() {
    for arguments in FAULT_MODELS {
        let study = Study::new(arguments);
        study.run("much", &["--jobs", "1"]).code(DONE);
        study.run("some", &["--jobs", "1", "--memory", "50500kB"]).code(DONE);
        assert_same(&study.path("much"), &study.path("some"));
    }
}

#[test]
fn wherever_the_records_break_off_they_are_continued() {
    for (index, arguments) in FAULT_MODELS.iter().enumerate() {
        let study = Study::new(arguments);
        let whole = study.whole();
        let records = fs::read(whole.join("faults.jsonl")).expect("records");
        let ends: Vec<usize> = (0..records.len()).filter(|&at| records[at] == b'\n').collect();
        let half = ends[ends.len() / 2];
        // At the start, in a line, before and after its end, near the end of all.
        for length in [0, 1, half - 7, half, half + 1, half + 2, records.len() - 1, records.len()] {
            let name = format!("{index} {length}");
            let broken = study.broken(&name, length, b"");
            study.run(&name, &["--resume"]).code(DONE);
            assert_same(&whole, &broken);
        }
        // Blocks that were on their way to the disk when the power failed; files that were being written.
        let zeros = study.broken("zeros", half + 1, &[0; 5000]);
        fs::write(zeros.join("summary.json.7-0.tmp"), "{").expect("a file");
        study.run("zeros", &["--resume"]).code(DONE);
        assert_same(&whole, &zeros);
    }
}

#[test]
fn what_was_never_begun_begins_and_what_is_finished_stays() {
    let study = Study::new(FAULT_MODELS[1]);
    let whole = study.whole();
    study.run("new", &["--resume"]).code(DONE);
    assert_same(&whole, &study.path("new"));
    study.run("new", &["--resume"]).code(DONE).stderr(contains("done before: "));
    assert_same(&whole, &study.path("new"));
    // Killed before it wrote its configuration.
    let early = study.path("early");
    fs::create_dir(&early).expect("a folder");
    fs::write(early.join("faults.jsonl"), "").expect("a file");
    study.run("early", &["--resume"]).code(DONE);
    assert_same(&whole, &early);
    let file = study.path("file");
    fs::write(&file, "precious").expect("a file");
    super::refused(&study.arguments(&file, &["--resume"]), INPUT, "expected a directory, found a file");
}

#[test]
fn another_campaign_is_refused_and_untouched() {
    let study = Study::new(FAULT_MODELS[0]);
    study.whole();
    study.broken("cut", 1000, b"");
    study.refused("cut", &["--seed", "12"], "campaign.seed is 11 there and 12 here");
    study.refused("cut", &["--faults", "8"], "campaign.faults is 9 there and 8 here");
    study.refused("cut", &["--bit", "3"], "campaign.bit is null there and 3 here");
    study.refused("cut", &["--images", "3"], "campaign.images is null there and 3 here");
    study.refused("cut", &["--preprocess", "tf"], "model.preprocess");
    study.refused("cut", &["--shard", "1/2"], "shard is null there and \"1/2\" here");
    study.refused("cut", &["--grouping", "cifar100"], "the model has 3");
    // The same network in another file.
    let model = study.path("model.bpk");
    faultscope(&["convert", MODEL, text(&model)]).code(DONE);
    study.refused("cut", &["--model", text(&model)], "model.sha256");
    let other = images_with_mistakes();
    fs::rename(other.path().join("photo_00_0.png"), other.path().join("photo_00_1.png")).expect("renamed");
    study.refused("cut", &["--data", text(other.path())], "data.sha256");
    // Where the same files lie does not matter.
    let copy = images_with_mistakes();
    study.run("cut", &["--resume", "--data", text(copy.path())]).code(DONE);
    for file in ["config.json", "faults.jsonl", "summary.json"] {
        let of = |name: &str| fs::read(study.path(name).join(file)).expect("a file");
        assert!(of("whole") == of("cut"), "{file} differs");
    }
}

#[test]
fn a_percentage_of_seventeen_digits_is_the_same_at_resume() {
    let study = Study::new(&["--faults", "3", "--type", "zero", "--percent", "3.0000000000000004"]);
    let whole = study.whole();
    let config = fs::read_to_string(whole.join("config.json")).expect("text");
    assert!(config.contains("3.0000000000000004"), "{config}");
    let broken = study.broken("cut", 1000, b"");
    study.run("cut", &["--resume"]).code(DONE);
    assert_same(&whole, &broken);
    study.refused("cut", &["--percent", "3.0000000000000009"], "campaign.percent is 3.0000000000000004 there");
}

#[test]
fn a_journal_without_checksums_is_continued_as_it_is() {
    let study = Study::new(FAULT_MODELS[0]);
    let whole = study.whole();
    let records = fs::read_to_string(whole.join("faults.jsonl")).expect("records");
    let old: String = records.lines().map(|line| without_check(line) + "\n").collect();
    let broken = study.broken("old", 0, b"");
    fs::write(broken.join("faults.jsonl"), &old[..old.len() / 2]).expect("a file");
    // An old campaign lists no images either.
    for file in ["images.jsonl", "data.tsv"] {
        fs::remove_file(broken.join(file)).expect("removed");
    }
    study.run("old", &["--resume"]).code(DONE);
    assert!(fs::read_to_string(broken.join("faults.jsonl")).expect("records") == old);
    let of = |path: &Path| fs::read(path.join("summary.json")).expect("a summary");
    assert!(of(&whole) == of(&broken));
    // A record with a checksum after those without.
    let mixed = study.broken("mixed", 0, b"");
    let lines: Vec<&str> = old.lines().take(3).chain(records.lines().skip(3)).collect();
    fs::write(mixed.join("faults.jsonl"), lines.join("\n") + "\n").expect("a file");
    study.refused("mixed", &[], "faults.jsonl: line 4: the record is not what was written here");
}

#[test]
fn records_that_the_plan_does_not_have_are_refused_and_untouched() {
    let study = Study::new(FAULT_MODELS[1]);
    let whole = study.whole();
    let records = fs::read_to_string(whole.join("faults.jsonl")).expect("records");
    // As an older version wrote them.
    let records: Vec<String> = records.lines().map(without_check).collect();
    let lines: Vec<&str> = records.iter().map(String::as_str).collect();
    let element = lines[7].replace("\"element\":", "\"element\":1");
    let tampered = |name: &str, line: usize, with: &str, sentence: &str| {
        let broken = study.broken(name, 0, b"");
        let mut lines = lines.clone();
        lines[line] = with;
        fs::write(broken.join("faults.jsonl"), lines.join("\n") + "\n{\"im").expect("a file");
        study.refused(name, &[], sentence);
    };
    tampered("element", 7, &element, "faults.jsonl: line 8: fault 2 of image 1 strikes layer");
    tampered("twice", 2, lines[1], "faults.jsonl: line 3: fault 2 of image 0 strikes layer");
    tampered("noise", 3, "{}", "faults.jsonl: line 4: expected the record of a fault");
    tampered("early", 3, lines[12], "faults.jsonl: line 4: image 0 gets 5 faults, after 3 of them comes image 2");
    let config = study.broken("config", 0, b"");
    fs::write(config.join("config.json"), "{\"faultscope\":").expect("a file");
    study.refused("config", &[], "not the configuration of a campaign");
    let gone = study.broken("gone", 0, b"");
    fs::remove_file(gone.join("faults.jsonl")).expect("removed");
    study.refused("gone", &[], "faults.jsonl");
}

#[test]
fn one_process_at_a_time_writes_a_directory() {
    let study = Study::new(FAULT_MODELS[0]);
    study.whole();
    let broken = study.broken("cut", 1000, b"");
    let held = fs::File::open(broken.join("faults.jsonl")).expect("records");
    held.try_lock().expect("nobody has it");
    study.refused("cut", &[], "another process is writing this campaign");
    drop(held);
    study.run("cut", &["--resume"]).code(DONE);
}

/// A limit on the size of files stands in for a full disk: the system refuses in the middle of a record.
#[cfg(unix)]
#[test]
fn a_full_disk_ends_a_campaign_that_goes_on_when_there_is_room() {
    let study = Study::new(&["--seed", "3", "--faults", "200"]);
    let whole = study.whole();
    let full = study.path("full");
    // XFSZ, which would kill the program, is ignored: then writing fails, with EFBIG for ENOSPC.
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"";
    let limited = Command::new("sh").args(["-c", script, PROGRAM]).args(study.arguments(&full, &[])).assert();
    limited.code(INPUT).stderr(contains("faults.jsonl: ").and(contains("--resume")).and(contains("panicked").not()));
    let length = fs::metadata(full.join("faults.jsonl")).expect("records").len();
    assert!(length > 10_000 && length < fs::metadata(whole.join("faults.jsonl")).expect("records").len());
    study.run("full", &["--resume"]).code(DONE);
    assert_same(&whole, &full);
}

#[cfg(unix)]
#[test]
fn an_interrupted_campaign_says_how_to_go_on() {
    interrupted_by("-INT");
}

/// A terminal that is closed, and a scheduler that ends a job.
#[cfg(target_os = "linux")]
#[test]
fn sighup_and_sigterm_end_a_campaign_as_an_interruption_does() {
    interrupted_by("-HUP");
    interrupted_by("-TERM");
}

/// Ends a campaign by `signal`. Its records are whole, the wave is finished, the exit code says so, and it can go on.
#[cfg(unix)]
fn interrupted_by(signal: &str) {
    let study = Study::new(&["--faults", "30000"]);
    let whole = study.whole();
    let out = study.path("interrupted");
    let mut child = std::process::Command::new(PROGRAM)
        .args(study.arguments(&out, &[]))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    wait_for_a_record(&mut child, &out);
    let killed = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    let output = child.wait_with_output().expect("it ends");
    if output.status.code() == Some(INCOMPLETE) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("with the same command and --resume"), "{said}");
        let records = fs::read_to_string(out.join("faults.jsonl")).expect("records");
        assert!(records.ends_with("\"}\n") && out.join("summary.json").exists());
    } else {
        // It was quicker than the signal.
        assert_eq!(output.status.code(), Some(DONE));
    }
    study.run("interrupted", &["--resume"]).code(DONE);
    assert_same(&whole, &out);
}
