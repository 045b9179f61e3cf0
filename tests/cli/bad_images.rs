//! Images that are broken, missing or replaced: they stop a campaign or are skipped, and no image takes the place of
//! another.

use super::resume::{assert_same, files};
use super::*;

/// A campaign over a folder of images that are damaged.
struct Study {
    images: TempDir,
    results: TempDir,
}

/// What is wrong with an image.
enum Harm {
    /// Its header says that it is no image.
    Header,
    /// Its pixels break off late.
    Late,
    Missing,
    Empty,
}

impl Study {
    /// Two images of each of three classes, with names that sort as their indices do.
    fn new() -> Self {
        Self { images: image_folder(), results: TempDir::new().expect("a temporary folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.results.path().join(name)
    }

    /// The image with this index.
    fn image(&self, index: usize) -> PathBuf {
        let class = ["a-red", "b-green", "c-blue"][index / 2];
        self.images.path().join(class).join(["0.png", "20.png"][index % 2])
    }

    fn harm(&self, index: usize, harm: &Harm) {
        let path = self.image(index);
        let bytes = fs::read(&path).expect("a file");
        match harm {
            Harm::Header => fs::write(&path, [b"not a picture", &bytes[13..]].concat()),
            Harm::Late => fs::write(&path, late(&bytes)),
            Harm::Missing => fs::remove_file(&path),
            Harm::Empty => fs::write(&path, b""),
        }
        .expect("harmed");
    }

    fn arguments<'a>(&'a self, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
        let data = text(self.images.path());
        let mut all = vec!["campaign", "--model", MODEL, "--data", data, "--faults", "4", "--out", text(out)];
        all.extend(more);
        all
    }

    fn run(&self, out: &str, more: &[&str]) -> assert_cmd::assert::Assert {
        faultscope(&self.arguments(&self.path(out), more))
    }

    /// That a command is refused with `sentences`, and changes nothing in `out`.
    fn refused(&self, out: &str, more: &[&str], sentences: &[&str]) {
        let path = self.path(out);
        let before = path.exists().then(|| files(&path));
        for sentence in sentences {
            refused(&self.arguments(&path, more), INPUT, sentence);
        }
        // A summary may be written.
        let summary = |mut files: std::collections::BTreeMap<String, Vec<u8>>| {
            files.remove("summary.json");
            files
        };
        assert!(before.map(summary) == path.exists().then(|| summary(files(&path))), "{sentences:?}");
    }

    fn records(&self, out: &str) -> Vec<Value> {
        let lines = fs::read_to_string(self.path(out).join("faults.jsonl")).expect("records");
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// A PNG with a good header whose pixels are damaged: the size stays.
fn late(png: &[u8]) -> Vec<u8> {
    let data = png.windows(4).position(|kind| kind == b"IDAT").expect("pixels") + 4;
    let mut png = png.to_vec();
    png[data + 2..data + 12].fill(0xff);
    png
}

const SKIP: [&str; 2] = ["--on-bad-image", "skip"];

#[test]
fn what_the_header_tells_stops_a_campaign_before_its_first_fault() {
    let study = Study::new();
    study.harm(1, &Harm::Header);
    study.harm(4, &Harm::Empty);
    study.refused(
        "out",
        &[],
        &[
            "2 of 6 images cannot be read: a-red/20.png (this is no image; JPEG, PNG, WebP, BMP and PNM are read), \
             c-blue/0.png (the file is empty)",
            "--on-bad-image skip",
        ],
    );
    study.refused("out", &["--resume"], &["2 of 6 images cannot be read"]);
    // Those that the campaign does not use may be bad.
    study.run("one", &["--images", "1"]).code(DONE);
    assert_eq!(read(&study.path("one").join("config.json"))["campaign"]["on_bad_image"], "stop");
}

#[test]
fn a_long_list_names_ten() {
    let study = Study::new();
    for index in 0..30 {
        fs::write(study.images.path().join(format!("a-red/x{index:02}.png")), "no").expect("a file");
    }
    study.refused(
        "out",
        &[],
        &[
            "30 of 36 images cannot be read: a-red/x00.png (",
            "a-red/x09.png (this is no image; JPEG, PNG, WebP, BMP and PNM are read), and 20 more;",
        ],
    );
    (0..6).for_each(|index| study.harm(index, &Harm::Header));
    study.refused("out", &SKIP, &["36 of 36 images cannot be read", "choose other data"]);
}

#[test]
fn skipped_images_are_recorded_in_their_turn_and_counted_in_every_result() {
    let study = Study::new();
    study.run("whole", &[]).code(DONE);
    study.harm(1, &Harm::Header);
    study.harm(4, &Harm::Late);
    study.run("out", &SKIP).code(DONE).stderr(contains("1 of 6 images cannot be read: a-red/20.png"));
    let out = study.path("out");
    let without_check = |mut record: Value| {
        record.as_object_mut().expect("an object").remove("check");
        record
    };
    let others = |out: &str| -> Vec<Value> {
        let good = |record: &Value| !["1", "4"].contains(&record["image"].to_string().as_str());
        study.records(out).into_iter().filter(good).map(without_check).collect()
    };
    assert_eq!(others("out"), others("whole"), "the indices, faults and outcomes of the others stay");
    let records = study.records("out");
    assert_eq!(records.len(), 4 * 4 + 2);
    assert_eq!(keys(&records[4]), ["check", "image", "skipped"]);
    assert_eq!((&records[4]["image"], &records[4]["skipped"]["name"]), (&Value::from(1), &Value::from("a-red/20.png")));
    assert_eq!(records[13]["skipped"]["problem"], "the PNG is damaged");

    for (number, key) in [(2, "skipped"), (4, "images"), (16, "injections")] {
        let summary = read(&out.join("summary.json"));
        let of = |summary: &Value| match key {
            "skipped" => summary["skipped"].clone(),
            "images" => summary["golden"]["images"].clone(),
            _ => summary["faults"]["injections"].clone(),
        };
        assert_eq!(of(&summary), number);
        assert_eq!(of(&json(&["report", text(&out), "--json"])), number);
    }
    let report = json(&["report", text(&out), "--json"]);
    assert_eq!((&report["complete"], &report["planned"]), (&Value::from(true), &Value::from(16)));
    assert_eq!(report["skipped_images"][1]["name"], "c-blue/0.png");
    let text_of = super::report::stdout(&["report", text(&out)]);
    assert!(text_of.contains("4 images (2 skipped)"), "{text_of}");
    assert!(text_of.contains("2 of 6 images were skipped: a-red/20.png (this is no image"), "{text_of}");
    let page = super::report::stdout(&["report", text(&out), "--format", "html"]);
    assert!(page.contains("2 of 6 images were skipped: a-red/20.png"));
    let csv = super::report::stdout(&["report", text(&out), "--format", "csv"]);
    assert!(csv.lines().any(|line| line.contains(",golden,") && line.contains(",skipped,2,6,")), "{csv}");
    let both = super::report::stdout(&["report", text(&out), text(&study.path("whole"))]);
    assert!(both.contains("2 of 6 images were skipped"), "{both}");
}

#[test]
fn an_image_that_breaks_late_stops_the_campaign_with_its_ways_out() {
    for harm in [None, Some(Harm::Missing), Some(Harm::Empty)] {
        let study = Study::new();
        study.run("skipped", &[]).code(DONE);
        fs::remove_dir_all(study.path("skipped")).expect("removed");
        study.harm(4, &Harm::Late);
        let stopped = study.run("out", &["--jobs", "1"]).code(INPUT);
        let said = String::from_utf8_lossy(&stopped.get_output().stderr).into_owned();
        let ways = "the PNG is damaged; the campaign ends at this image, and its records are kept; repair the image, or use \
                    the same command with --resume --on-bad-image skip";
        assert!(said.contains(ways) && said.contains("c-blue"), "{said}");
        assert_eq!(study.records("out").len(), 16);
        // What is to be skipped may be there, empty or removed.
        let before = read(&study.path("out").join("config.json"));
        let sentence = match &harm {
            None => "the PNG is damaged",
            Some(Harm::Missing) => {
                "1 image changed: c-blue/0.png (missing); restore what was there, or go on with --resume \
                                    --on-bad-image skip"
            }
            _ => "1 image changed: c-blue/0.png (of another size)",
        };
        harm.iter().for_each(|harm| study.harm(4, harm));
        study.refused("out", &["--resume"], &[sentence]);
        study.run("out", &["--resume", "--on-bad-image", "skip"]).code(DONE).stderr(contains("done before: 16 faults"));
        let records = study.records("out");
        assert_eq!(records.len(), 21);
        assert_eq!(records[16]["skipped"]["name"], "c-blue/0.png");
        assert_eq!((&records[17]["image"], &records[17]["label"]), (&Value::from(5), &Value::from(2)));
        // The identity of the data is that of the beginning.
        let after = read(&study.path("out").join("config.json"));
        assert_eq!(before["data"], after["data"]);
        assert_eq!(after["campaign"]["on_bad_image"], "skip");
        // It goes on as it has begun, whatever the command line says of bad images, except that it stops at them.
        study.run("out", &["--resume"]).code(DONE).stderr(contains("done before: 20 faults, and 1 skipped image"));
        study.refused(
            "out",
            &["--resume", "--on-bad-image", "stop"],
            &["cannot be continued with --on-bad-image stop"],
        );
    }
}

#[test]
fn a_mended_image_is_used_when_its_turn_comes() {
    let study = Study::new();
    let good = fs::read(study.image(4)).expect("a file");
    study.run("whole", &[]).code(DONE);
    study.harm(4, &Harm::Late);
    study.run("out", &[]).code(INPUT);
    // Of the size that it had: nothing else is to be said.
    fs::write(study.image(4), &good).expect("mended");
    study.run("out", &["--resume"]).code(DONE);
    let of = |out: &str, file: &str| fs::read(study.path(out).join(file)).expect("a file");
    assert!(of("whole", "faults.jsonl") == of("out", "faults.jsonl"));
    assert!(of("whole", "summary.json") == of("out", "summary.json"));
    // Of another size: only where that is asked for.
    study.harm(4, &Harm::Late);
    study.run("other", &[]).code(INPUT);
    write_image(&study.image(4).with_extension("bmp"), 2, 7);
    fs::rename(study.image(4).with_extension("bmp"), study.image(4)).expect("mended");
    study.refused("other", &["--resume"], &["c-blue/0.png (of another size)"]);
    study.run("other", &["--resume", "--on-bad-image", "skip"]).code(DONE);
    assert_eq!(study.records("other").len(), 24);
}

#[test]
fn no_image_takes_the_place_of_another() {
    let study = Study::new();
    study.run("whole", &[]).code(DONE);
    let begun = |name: &str, lines: usize| {
        let path = study.path(name);
        fs::create_dir(&path).expect("a folder");
        for file in ["config.json", "data.tsv", "images.jsonl"] {
            fs::copy(study.path("whole").join(file), path.join(file)).expect("a copy");
        }
        let records = fs::read_to_string(study.path("whole").join("faults.jsonl")).expect("records");
        fs::write(
            path.join("faults.jsonl"),
            records.lines().take(lines).map(|line| format!("{line}\n")).collect::<String>(),
        )
        .expect("a file");
    };
    begun("cut", 10);
    let resume = ["--resume", "--on-bad-image", "skip"];
    // Another picture under the name of one that was used, as long as it was.
    let old = fs::read(study.image(1)).expect("a file");
    let mut new = old.clone();
    new.extend([0]);
    fs::write(study.image(1), &new[..old.len()]).expect("a file");
    study.run("copied", &["--images", "1"]).code(DONE);
    let swapped = late(&old);
    fs::write(study.image(1), swapped).expect("a file");
    study.refused("cut", &["--resume"], &["20.png: the image is not the one that the campaign has used: SHA-256 "]);
    study.refused("cut", &resume, &["20.png: the image is not the one that the campaign has used"]);
    // One that was used is gone.
    fs::remove_file(study.image(1)).expect("removed");
    study.refused(
        "cut",
        &resume,
        &["20.png: the image is missing or has another size, and the campaign has records of it"],
    );
    fs::write(study.image(1), &old).expect("restored");
    // One more.
    write_image(&study.images.path().join("b-green/10.png"), 1, 3);
    study.refused("cut", &resume, &["data.sha256 differs, b-green/10.png is here and not there"]);
    fs::remove_file(study.images.path().join("b-green/10.png")).expect("removed");
    // Another label.
    let labels = study.path("labels.txt");
    fs::write(&labels, "0\n0\n1\n2\n2\n2\n").expect("a file");
    study.refused(
        "cut",
        &["--resume", "--labels", text(&labels)],
        &["data.sha256 differs, b-green/20.png has label 1 there and 2 here"],
    );
    // The list is what the configuration says that it is.
    let list = fs::read_to_string(study.path("cut").join("data.tsv")).expect("a list");
    fs::write(study.path("cut").join("data.tsv"), list.replace("c-blue/0.png", "c-blue/1.png")).expect("a file");
    study.refused("cut", &resume, &["data.tsv: the list of images is not the one that config.json has the hash of"]);
    fs::write(study.path("cut").join("data.tsv"), list).expect("a file");
    let used = fs::read_to_string(study.path("cut").join("images.jsonl")).expect("a list");
    fs::write(study.path("cut").join("images.jsonl"), used.replacen("{\"image\":1", "{\"imag\":1", 1)).expect("a file");
    study.refused("cut", &resume, &["images.jsonl: line 2: expected an image that was used"]);
    fs::write(study.path("cut").join("images.jsonl"), used).expect("a file");
    study.run("cut", &["--resume"]).code(DONE);
    let of = |out: &str| fs::read(study.path(out).join("faults.jsonl")).expect("a file");
    assert!(of("whole") == of("cut"));
}

#[test]
fn shards_with_skipped_images_make_the_campaign_in_one_piece() {
    let study = Study::new();
    study.harm(0, &Harm::Header);
    study.harm(3, &Harm::Late);
    study.run("whole", &SKIP).code(DONE);
    study.run("1", &[&SKIP[..], &["--shard", "1/2"]].concat()).code(DONE);
    study.run("2", &["--shard", "2/2"]).code(INPUT).stderr(contains("b-green"));
    study.run("2", &[&SKIP[..], &["--shard", "2/2", "--resume"]].concat()).code(DONE);
    let merged = study.path("merged");
    faultscope(&["merge", text(&study.path("1")), text(&study.path("2")), "--out", text(&merged)]).code(DONE);
    assert_same(&study.path("whole"), &merged);
    // A shard that never met a bad image belongs to the others all the same.
    study.run("third", &["--shard", "3/3"]).code(DONE);
    for shard in ["1/3", "2/3"] {
        study.run(&shard.replace('/', " of "), &[&SKIP[..], &["--shard", shard]].concat()).code(DONE);
    }
    let merged = study.path("merged again");
    let parts = [study.path("1 of 3"), study.path("2 of 3"), study.path("third")];
    faultscope(&["merge", text(&parts[0]), text(&parts[1]), text(&parts[2]), "--out", text(&merged)]).code(DONE);
    assert_same(&study.path("whole"), &merged);
    // Shards that used different pictures under one index.
    let used = study.path("2").join("images.jsonl");
    let lines = fs::read_to_string(&used).expect("a list");
    let foreign = fs::read_to_string(study.path("1").join("images.jsonl")).expect("a list");
    let foreign = foreign.lines().next().expect("a line").replacen("\"sha256\":\"", "\"sha256\":\"0", 1);
    fs::write(&used, lines + &foreign + "\n").expect("a file");
    let out = study.path("refused");
    refused(
        &["merge", text(&study.path("1")), text(&study.path("2")), "--out", text(&out)],
        INPUT,
        "the shards were made from different data",
    );
}

#[test]
fn a_folder_that_goes_away_is_no_set_of_bad_images() {
    let study = Study::new();
    let out = study.path("out");
    study.run("out", &SKIP).code(DONE);
    let records = fs::read_to_string(out.join("faults.jsonl")).expect("records");
    fs::write(out.join("faults.jsonl"), records.lines().take(4).map(|line| format!("{line}\n")).collect::<String>())
        .expect("a file");
    let moved = study.path("moved");
    fs::rename(study.images.path(), &moved).expect("moved");
    study.refused("out", &["--resume"], &[text(study.images.path())]);
    fs::rename(&moved, study.images.path()).expect("moved back");
    study.run("out", &["--resume"]).code(DONE);
}

#[test]
fn images_in_an_archive_are_checked_and_skipped_too() {
    let study = Study::new();
    study.harm(1, &Harm::Header);
    study.harm(4, &Harm::Late);
    let archive = study.path("images.tar");
    let mut tar = tar_of(&archive);
    for index in 0..6 {
        let path = study.image(index);
        let name = path.strip_prefix(study.images.path()).expect("below");
        tar.append_path_with_name(&path, name).expect("added");
    }
    tar.finish().expect("a tar");
    let out = study.path("out");
    let command = ["campaign", "--model", MODEL, "--data", text(&archive), "--faults", "4", "--out", text(&out)];
    refused(&command, INPUT, "1 of 6 images cannot be read: a-red/20.png (this is no image");
    faultscope(&[&command[..], &SKIP].concat()).code(DONE).stdout(contains("4 images (2 skipped)"));
    assert_eq!(study.records("out")[13]["skipped"]["name"], "c-blue/0.png");
}

fn tar_of(path: &Path) -> tar::Builder<fs::File> {
    tar::Builder::new(fs::File::create(path).expect("a file"))
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}
