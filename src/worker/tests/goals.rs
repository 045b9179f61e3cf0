//! Campaigns that end when they know enough, and stratified ones.

use std::fs;
use std::path::PathBuf;

use facts::campaign::{DesignKind, Goal, Quantity};
use protocol::{CampaignStart, CampaignUpdate, Protocol, Stage};

use super::campaign::{bench, finish, grouping, laid_out, refused, saved, start, step, text, update};
use super::*;
use faultscope::cli::{self, Exit};

fn goal(margin: &str, of: Quantity) -> Protocol {
    let margin = margin.parse().expect("a margin");
    Protocol::Until(Goal { margin, of, confidence: Default::default(), max_faults: 100_000 })
}

/// A campaign of the page, saved as a directory, and the same of the command line with `options`.
pub(super) fn twice(request: CampaignRequest, options: &[&str]) -> (Service<Bench>, CampaignUpdate, Vec<u8>) {
    let (_folder, [data, ours, theirs], model_file) = laid_out();
    let mut engine = bench(Vec::new());
    update(&mut engine, 1, request);
    let last = finish(&mut engine);
    assert_eq!((last.stage, last.planned), (Stage::Complete, last.faults.injections));
    let zip = saved(&mut engine, Export::Zip);
    zip::ZipArchive::new(std::io::Cursor::new(&zip)).and_then(|mut zip| zip.extract(&ours)).expect("our own zip");
    let words = ["campaign", "--model", text(&model_file), "--data", text(&data), "--out", text(&theirs)];
    let usual = ["--seed", "7", "--jobs", "2", "--device", "cpu", "--on-bad-image", "skip"];
    assert_eq!(cli::run([&words[..], &usual, options].concat()), Exit::Done);
    // The notice of the command line names its option.
    let read = |folder: &PathBuf, file: &str| {
        let text = fs::read_to_string(folder.join(file)).expect(file);
        text.replace("; --profile DATA names other images", "")
    };
    // The list of used images has the times of the files, which the page does not know.
    for file in ["faults.jsonl", "summary.json", "data.tsv"] {
        let [ours, theirs] = [&ours, &theirs].map(|folder| read(folder, file));
        assert!(ours == theirs, "{file} differs:\n{ours}\n{theirs}");
    }
    let [own, their] = [&ours, &theirs]
        .map(|folder| serde_json::from_str::<serde_json::Value>(&read(folder, "config.json")).expect("JSON"));
    for key in ["campaign", "layers", "scales", "rounded", "notices"] {
        assert_eq!(own[key], their[key], "{key} of config.json");
    }
    let mut other = bench(vec![("c.zip".to_owned(), zip.clone())]);
    let imported = update(&mut other, 5, CampaignRequest::Import { files: vec![file("c.zip")] });
    assert_eq!((imported.stage, &imported.faults, &imported.aim), (Stage::Complete, &last.faults, &last.aim));
    assert_eq!((&imported.golden, imported.rounded), (&last.golden, last.rounded));
    (engine, last, zip)
}

/// The campaign ends when it knows enough, and its records and rates are those of the command line, byte by byte.
#[test]
fn a_campaign_with_a_goal_is_that_of_the_command_line() {
    let (_, last, _) = twice(start(goal("3pp", Quantity::Sdc)), &["--until", "3pp", "--max-faults", "100000"]);
    let aim = last.aim.clone().expect("an aim");
    assert!(aim.reached && aim.half_width().is_some_and(|half| half <= 0.03), "{aim:?}");
    assert_eq!((aim.low, aim.high), (last.faults.sdc.low, Some(last.faults.sdc.high)));
    assert!(last.faults.injections.is_multiple_of(6), "{last:?}");
    let history = &last.profile.as_ref().expect("a profile").history;
    assert_eq!(history.last().map(|point| (point.sdc.low, point.sdc.high)), Some((aim.low, aim.high.unwrap())));
}

#[test]
fn a_stratified_campaign_is_that_of_the_command_line() {
    let stratified = |protocol| match start(protocol) {
        CampaignRequest::Start(start) => {
            CampaignRequest::Start(Box::new(CampaignStart { design: DesignKind::Stratified, ..*start }))
        }
        other => panic!("{other:?}"),
    };
    let goal = goal("2pp", Quantity::Sdc);
    for (protocol, options) in [
        (goal, &["--until", "2pp", "--max-faults", "100000"][..]),
        (Protocol::Fixed { faults: 40 }, &["--faults", "40"]),
    ] {
        let options = [options, &["--design", "stratified"]].concat();
        let (mut engine, last, _) = twice(stratified(protocol), &options);
        let profile = last.profile.as_ref().expect("a profile");
        let design = profile.design.as_ref().expect("strata");
        assert_eq!(design.strata.iter().map(|one| one.injections).sum::<u64>(), last.faults.injections);
        assert!(profile.map.is_empty() && profile.confusion.is_none());
        assert_eq!(profile.history.last().map(|point| point.sdc.of), Some(last.faults.injections));
        // Judged anew, the weights stay.
        let judged = update(&mut engine, 9, CampaignRequest::Judge { edited: Some(grouping("red")) });
        assert_eq!((judged.faults.sdc.rate, judged.faults.scm.is_some()), (last.faults.sdc.rate, true));
    }
    let CampaignRequest::Start(start) = stratified(Protocol::Fixed { faults: 4 }) else { panic!("a start") };
    let range = vec!["range".parse().expect("a protection")];
    let protected = CampaignRequest::Start(Box::new(CampaignStart { protections: range, ..*start.clone() }));
    let mut engine = bench(Vec::new());
    refused(&mut engine, protected, "faults of equal weight");
    let exhaustive = CampaignRequest::Start(Box::new(CampaignStart { design: DesignKind::Exhaustive, ..*start }));
    refused(&mut engine, exhaustive, "command line");
}

#[test]
fn a_campaign_with_a_goal_can_end_before_and_is_refused_where_nothing_is_judged() {
    let mut engine = bench(Vec::new());
    update(&mut engine, 3, start(goal("0.01pp", Quantity::Sdc)));
    for _ in 0..9 {
        step(&mut engine);
    }
    let stopped = update(&mut engine, 4, CampaignRequest::Stop);
    assert!(stopped.aim.is_some_and(|aim| !aim.reached) && stopped.faults.injections > 0);
    let zip = saved(&mut engine, Export::Zip);
    let mut other = bench(vec![("c.zip".to_owned(), zip)]);
    let imported = update(&mut other, 5, CampaignRequest::Import { files: vec![file("c.zip")] });
    assert_eq!((imported.stage, imported.faults), (Stage::Stopped, stopped.faults));
    for of in [Quantity::Scm, Quantity::ScmShare, Quantity::Ratio] {
        refused(&mut engine, start(goal("1pp", of)), "needs a grouping");
    }
    update(&mut engine, 8, CampaignRequest::Judge { edited: Some(grouping("red")) });
    refused(&mut engine, start(goal("1pp", Quantity::Ratio)), "no percentage points");
}
