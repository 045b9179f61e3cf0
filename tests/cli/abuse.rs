//! Directories of campaigns that bad luck or an enemy changed: nothing is lost, and nothing foreign is touched.

use super::resume::{assert_same, files, images_with_mistakes};
use super::*;

/// A finished campaign, to be damaged.
struct Finished {
    images: TempDir,
    results: TempDir,
}

impl Finished {
    fn new() -> Self {
        let finished = Self { images: images_with_mistakes(), results: TempDir::new().expect("a temporary folder") };
        faultscope(&finished.arguments(&finished.path("whole"), &[])).code(DONE);
        finished
    }

    fn path(&self, name: &str) -> PathBuf {
        self.results.path().join(name)
    }

    fn arguments<'a>(&'a self, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
        let data = text(self.images.path());
        let mut all = vec!["campaign", "--model", MODEL, "--data", data, "--faults", "9", "--out", text(out)];
        all.extend(more);
        all
    }

    /// A copy of the campaign with the records that `change` makes of its own.
    fn changed(&self, name: &str, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).expect("a folder");
        fs::copy(self.path("whole").join("config.json"), path.join("config.json")).expect("a copy");
        let records = fs::read(self.path("whole").join("faults.jsonl")).expect("records");
        let mut lines: Vec<Vec<u8>> = records.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
        change(&mut lines);
        fs::write(path.join("faults.jsonl"), lines.concat()).expect("a file");
        path
    }

    /// That going on in `path` is refused with `sentence`, and changes nothing.
    fn refused(&self, path: &Path, sentence: &str) {
        let before = files(path);
        super::refused(&self.arguments(path, &["--resume"]), INPUT, sentence);
        assert!(before == files(path), "{sentence}");
    }
}

#[test]
fn damage_with_whole_records_behind_it_is_never_cut() {
    let finished = Finished::new();
    let nul = finished.changed("nul", |lines| lines[4][3] = 0);
    finished.refused(&nul, "faults.jsonl: line 5: expected the record of a fault");
    finished.refused(&nul, "nothing of it is cut");
    let short = finished.changed("short", |lines| {
        lines[6].truncate(40);
        lines[6].push(b'\n');
    });
    finished.refused(&short, "faults.jsonl: line 7: expected the record of a fault");
    // Zeros in place of records, and a record after them.
    let zeros = finished.changed("zeros", |lines| lines[8] = vec![0; 300_000]);
    finished.refused(&zeros, "faults.jsonl: line 9: expected the record of a fault, of at most 64 kB");
}

#[test]
fn what_broke_off_at_the_end_is_made_again() {
    let finished = Finished::new();
    let whole = finished.path("whole");
    let incomplete = |lines: &mut Vec<Vec<u8>>| {
        lines.truncate(20);
        lines[19].truncate(40);
        lines[19].push(b'\n');
    };
    let cut = finished.changed("cut", incomplete);
    faultscope(&finished.arguments(&cut, &["--resume"])).code(DONE).stderr(contains("done before: 19 faults"));
    assert_same(&whole, &cut);
    // More zeros than the longest record has bytes.
    let zeros = finished.changed("zeros", |lines| {
        lines.truncate(20);
        lines.push(vec![0; 300_000]);
    });
    faultscope(&finished.arguments(&zeros, &["--resume"])).code(DONE).stderr(contains("done before: 20 faults"));
    assert_same(&whole, &zeros);
}

#[test]
fn a_line_without_end_is_refused_by_number() {
    let finished = Finished::new();
    for (name, end) in [("ended", "\"}\n"), ("open", "")] {
        let long = finished.changed(name, |lines| {
            let line = [b"{\"image\":\"".as_slice(), &vec![b'x'; 9 << 20], end.as_bytes()].concat();
            lines.splice(3.., [line]);
        });
        finished.refused(&long, "faults.jsonl: line 4: expected the record of a fault, of at most 64 kB");
        super::refused(&["report", text(&long)], INPUT, "faults.jsonl: line ");
        super::refused(&["report", text(&long)], INPUT, "expected the record of a fault, of at most 64 kB");
    }
}

#[test]
fn a_configuration_without_work_is_refused_by_every_command() {
    let finished = Finished::new();
    let none = finished.changed("none", |_| {});
    let config = fs::read_to_string(none.join("config.json")).expect("a file");
    let zero = config.replace("\"faults\": 9", "\"faults\": 0");
    fs::write(none.join("config.json"), zero).expect("a file");
    finished.refused(&none, "config.json: not the configuration of a campaign: a campaign injects at least one fault");
    super::refused(&["report", text(&none)], INPUT, "at least one fault");
    super::refused(&["merge", text(&none), "--out", text(&finished.path("merged"))], INPUT, "at least one fault");
    let more = config.replace("\"seed\": 0,\n    \"images\": null", "\"seed\": 0,\n    \"images\": 7");
    assert_ne!(more, config);
    fs::write(none.join("config.json"), more).expect("a file");
    let sentence = "config.json: not the configuration of a campaign: campaign.images is 7, and data.images is 6";
    finished.refused(&none, sentence);
    super::refused(&["report", text(&none)], INPUT, sentence);
    super::refused(&["merge", text(&none), "--out", text(&finished.path("merged"))], INPUT, sentence);
}

/// A bit that turns on the disk, in a record that can still be read.
#[test]
fn rot_in_a_record_is_refused_with_its_line_by_every_command() {
    let finished = Finished::new();
    let turn = |line: &mut Vec<u8>, from: &str, to: &str| {
        let changed = String::from_utf8(line.clone()).expect("text").replacen(from, to, 1);
        assert_ne!(changed.as_bytes(), line.as_slice());
        *line = changed.into_bytes();
    };
    let sentence = |line: u64| format!("faults.jsonl: line {line}: the record is not what was written here");
    let refused = |path: &Path, line: u64| {
        finished.refused(path, &sentence(line));
        for more in [&[][..], &["--format", "csv"]] {
            super::refused(&[&["report", text(path)], more].concat(), INPUT, &sentence(line));
        }
    };
    refused(&finished.changed("due", |lines| turn(&mut lines[3], "\"due\":false", "\"due\":true")), 4);
    refused(&finished.changed("before", |lines| turn(&mut lines[53], "\"before\":", "\"before\":1")), 54);
    refused(&finished.changed("check", |lines| turn(&mut lines[9], "\"check\":\"", "\"chedk\":\"")), 10);
    refused(&finished.changed("gone", |lines| drop(lines.remove(7))), 8);
    refused(&finished.changed("moved", |lines| lines.swap(20, 21)), 21);
    // A parallel reader of blocks and a reader of single lines see it alike.
    #[cfg(feature = "parquet")]
    {
        let rotten = finished.changed("parquet", |lines| turn(&mut lines[3], "\"due\":false", "\"due\":true"));
        let out = finished.path("rotten.parquet");
        super::refused(&["report", text(&rotten), "--format", "parquet", "-o", text(&out)], INPUT, &sentence(4));
    }
    let shards = ["1/2", "2/2"].map(|shard| {
        let path = finished.path(&format!("shard {}", shard.replace('/', " of ")));
        faultscope(&finished.arguments(&path, &["--shard", shard])).code(DONE);
        path
    });
    let records = fs::read_to_string(shards[1].join("faults.jsonl")).expect("records");
    fs::write(shards[1].join("faults.jsonl"), records.replacen("\"due\":false", "\"due\":true", 1)).expect("a file");
    let merged = finished.path("merged");
    let merge = ["merge", text(&shards[0]), text(&shards[1]), "--out", text(&merged)];
    super::refused(&merge, INPUT, &sentence(1));
}

#[cfg(unix)]
#[test]
fn no_link_in_the_directory_is_followed() {
    use std::os::unix::fs::symlink;
    let finished = Finished::new();
    let elsewhere = finished.path("elsewhere");
    for file in ["faults.jsonl", "config.json", "summary.json"] {
        let new = finished.path(&format!("new {file}"));
        fs::create_dir(&new).expect("a folder");
        symlink(&elsewhere, new.join(file)).expect("a link");
        for more in [&[][..], &["--resume"]] {
            super::refused(&finished.arguments(&new, more), INPUT, "found a symbolic link, which is not followed");
        }
        assert!(!elsewhere.exists());
    }
    let victim = finished.path("victim");
    for file in ["faults.jsonl", "summary.json"] {
        fs::write(&victim, "precious").expect("a file");
        let begun = finished.changed(&format!("begun {file}"), |lines| lines.truncate(5));
        let _ = fs::remove_file(begun.join(file));
        symlink(&victim, begun.join(file)).expect("a link");
        super::refused(
            &finished.arguments(&begun, &["--resume"]),
            INPUT,
            "found a symbolic link, which is not followed",
        );
        assert_eq!(fs::read_to_string(&victim).expect("a file"), "precious");
    }
}

#[cfg(unix)]
#[test]
fn a_campaign_in_the_place_of_another_is_left_alone() {
    let finished = Finished::new();
    let out = finished.path("replaced");
    let mut arguments = finished.arguments(&out, &["--jobs", "1"]);
    let at = arguments.iter().position(|word| *word == "9").expect("the number of faults");
    arguments[at] = "200000";
    let mut child = std::process::Command::new(PROGRAM)
        .args(&arguments)
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    wait_for_a_record(&mut child, &out);
    fs::remove_dir_all(&out).expect("removed");
    faultscope(&finished.arguments(&out, &[])).code(DONE);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(INPUT), "{said}");
    assert!(said.contains("the file was removed or replaced while this campaign ran"), "{said}");
    assert_same(&finished.path("whole"), &out);
}

#[test]
fn a_merge_that_was_killed_can_be_run_again() {
    let finished = Finished::new();
    let shards = ["1/2", "2/2"].map(|shard| {
        let path = finished.path(&shard.replace('/', " of "));
        faultscope(&finished.arguments(&path, &["--shard", shard])).code(DONE);
        path
    });
    let merged = finished.path("merged");
    fs::create_dir(&merged).expect("a folder");
    for left in ["unfinished.lock", "faults.jsonl", "summary.json", "summary.json.17-0.tmp", "faults.jsonl.17-0.tmp"] {
        fs::write(merged.join(left), "left behind").expect("a file");
    }
    let merge = ["merge", text(&shards[0]), text(&shards[1]), "--out", text(&merged)];
    faultscope(&merge).code(DONE);
    assert_same(&finished.path("whole"), &merged);
    // A finished campaign is never taken for a remainder.
    fs::write(merged.join("unfinished.lock"), "").expect("a file");
    super::refused(&merge, INPUT, "the directory already holds a campaign");
    assert_same(&finished.path("whole"), &merged);
}
