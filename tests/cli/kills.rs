//! Kills at random instants: a campaign, a merge and a report are finished as if nothing had happened.
//!
//! The test suite kills each a few times. `FAULTSCOPE_KILLS=1000 cargo test --release --test cli kills -- --nocapture` kills
//! each so often and prints the figures of docs/RELIABILITY.md; `FAULTSCOPE_KILLS_SEED` gives other instants.

use std::process::{ExitStatus, Stdio};
use std::time::Instant;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::resume::{assert_same, images_with_mistakes};
use super::*;

/// Kills of each command in the test suite.
const SHORT: u64 = 25;

/// The longest time before the first kill of a campaign: somewhat longer than the program takes to begin.
const FIRST_WINDOW: Duration = Duration::from_millis(100);

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// A command that is killed again and again.
struct Victim {
    arguments: Vec<String>,
    random: ChaCha8Rng,
    /// The longest time before a kill.
    window: Duration,
    kills: u64,
}

impl Victim {
    fn new(arguments: &[&str], window: Duration) -> Self {
        let random = ChaCha8Rng::seed_from_u64(number("FAULTSCOPE_KILLS_SEED").unwrap_or(1));
        Self { arguments: arguments.iter().map(|&word| word.to_owned()).collect(), random, window, kills: 0 }
    }

    /// Starts the command and kills it at some instant of the window; returns how it ended if it was quicker.
    fn kill(&mut self) -> Option<ExitStatus> {
        let mut command = std::process::Command::new(PROGRAM);
        command.args(&self.arguments).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        std::thread::sleep(self.window.mul_f64(self.random.random()));
        if child.try_wait().expect("a child").is_none() {
            child.kill().expect("it runs");
        }
        let output = child.wait_with_output().expect("it ends");
        if output.status.code().is_none() {
            self.kills += 1;
            return None;
        }
        assert_eq!(output.status.code(), Some(DONE), "{}", String::from_utf8_lossy(&output.stderr));
        Some(output.status)
    }
}

/// The time that a command takes.
fn time_of(arguments: &[&str]) -> Duration {
    let begin = Instant::now();
    faultscope(arguments).code(DONE);
    begin.elapsed()
}

fn text_of(duration: Duration) -> String {
    format!("{:.0} s", duration.as_secs_f64())
}

#[test]
fn killed_at_random_instants_all_is_finished_as_if_nothing_had_happened() {
    let often = number("FAULTSCOPE_KILLS");
    let kills = often.unwrap_or(SHORT);
    let (images, results) = (images_with_mistakes(), TempDir::new().expect("a temporary folder"));
    let path = |name: &str| results.path().join(name);
    let of_images =
        ["campaign", "--model", MODEL, "--data", text(images.path()), "--faults", "3000", "--jobs", "2", "--out"];
    // Slow faults, so that a thousand kills find new records.
    let of_samples = ["campaign", "--model", "gtsrb-resnet8", "--data", "gtsrb-resnet8/samples", "--target", "weight"];
    let of_samples = [&of_samples[..], &["--faults", "6000", "--jobs", "2", "--out"]].concat();
    let campaign = if often.is_some() { &of_samples[..] } else { &of_images[..] };
    let [whole, straight, killed] = ["whole", "straight", "killed"].map(path);
    let time = time_of(&[campaign, &[text(&straight)]].concat());
    a_campaign(&[campaign, &[text(&killed), "--resume"]].concat(), &straight, &killed, kills, time);

    faultscope(&[&of_images[..], &[text(&whole)]].concat()).code(DONE);
    let shards = ["1/2", "2/2"].map(|shard| {
        let shard_path = path(&shard.replace('/', " of "));
        faultscope(&[&of_images[..], &[text(&shard_path), "--shard", shard]].concat()).code(DONE);
        shard_path
    });
    a_merge(&[&shards[0], &shards[1]], &whole, &path("merged"), kills);
    for format in ["text", "html"] {
        a_report(&whole, format, &path(format), kills);
    }
}

fn a_campaign(arguments: &[&str], whole: &Path, killed: &Path, kills: u64, time: Duration) {
    let begin = Instant::now();
    let all = fs::metadata(whole.join("faults.jsonl")).expect("records").len();
    let mut victim = Victim::new(arguments, FIRST_WINDOW);
    let (mut length, mut further, mut torn, mut done) = (0, 0, 0, 0);
    // On a busy machine the first kills come before the first record; the window grows until some come later.
    while victim.kills < kills || (further < 3 && done == 0) {
        done += u64::from(victim.kill().is_some());
        let records = fs::read(killed.join("faults.jsonl")).unwrap_or_default();
        let now = records.len() as u64;
        // All but a record that broke off.
        assert!(now + 1000 > length, "work that was on the disk is lost: {length} bytes, then {now}");
        further += u64::from(now > length);
        torn += u64::from(!records.is_empty() && !records.ends_with(b"\n"));
        length = now;
        // So that the end comes with the last kill: a campaign that is ahead is killed earlier.
        let ahead = length as f64 / all as f64 > victim.kills as f64 / kills as f64;
        let factor = if ahead { 0.95 } else { 1.05 };
        victim.window = victim.window.mul_f64(factor).clamp(FIRST_WINDOW / 4, time * 4);
    }
    faultscope(arguments).code(DONE);
    assert_same(whole, killed);
    println!(
        "campaign: {} kills in {}, {further} after new records were written, {torn} in the middle of a record, {done} runs came \
         to the end before the kill; the {all} bytes of records, the summary and all other files are those of an undisturbed run",
        victim.kills,
        text_of(begin.elapsed())
    );
}

fn a_merge(shards: &[&PathBuf], whole: &Path, out: &Path, kills: u64) {
    let mut arguments = vec!["merge"];
    arguments.extend(shards.iter().map(|shard| text(shard)));
    arguments.extend(["--out", text(out)]);
    let time = time_of(&arguments);
    fs::remove_dir_all(out).expect("removed");
    let (begin, mut victim) = (Instant::now(), Victim::new(&arguments, time.mul_f64(1.1)));
    let (mut left, mut done) = (0, 0);
    while victim.kills < kills {
        let ended = victim.kill().is_some();
        if ended || out.join("config.json").exists() {
            // With its configuration the directory is complete. The next run tidies up, and leaves it alone.
            if !ended {
                faultscope(&arguments).code(INPUT).stderr(contains("already holds a campaign"));
            }
            assert_same(whole, out);
            fs::remove_dir_all(out).expect("removed");
            done += 1;
        } else {
            left += u64::from(out.exists());
        }
    }
    faultscope(&arguments).code(DONE);
    assert_same(whole, out);
    println!(
        "merge: {} kills in {}, {left} left an unfinished directory, which the next run removed, {done} had all written",
        victim.kills,
        text_of(begin.elapsed())
    );
}

fn a_report(whole: &Path, format: &str, out: &Path, kills: u64) {
    let arguments = ["report", text(whole), "--format", format, "-o", text(out)];
    let time = time_of(&arguments);
    let expected = fs::read(out).expect("a report");
    fs::remove_file(out).expect("removed");
    let (begin, mut victim) = (Instant::now(), Victim::new(&arguments, time.mul_f64(1.1)));
    let mut done = 0;
    while victim.kills < kills {
        victim.kill();
        if out.exists() {
            assert!(fs::read(out).expect("a report") == expected, "a report is not whole");
            fs::remove_file(out).expect("removed");
            done += 1;
        }
    }
    faultscope(&arguments).code(DONE);
    assert!(fs::read(out).expect("a report") == expected);
    let beside = fs::read_dir(out.parent().expect("a folder")).expect("a folder");
    let left = beside
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().extension().is_some_and(|end| end == "tmp")));
    assert_eq!(left.count(), 0, "incomplete files stay");
    println!(
        "report -o, {format}: {} kills in {}, {done} had all written, the others nothing",
        victim.kills,
        text_of(begin.elapsed())
    );
}
