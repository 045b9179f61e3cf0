//! `grouping`: what is wrong with one, and the ones that are built in.

use super::*;

const GOOD: &str = "name = \"colours\"\nclasses = 3\n\n[[group]]\nname = \"warm\"\ncritical = true\nclasses = \"0\"\n\n\
                    [[group]]\nname = \"cold\"\ncritical = false\nclasses = \"1-2\"\n";

#[test]
fn a_good_grouping_is_shown() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("own.toml");
    fs::write(&file, GOOD).expect("a file");
    let shown = faultscope(&["grouping", "check", text(&file)]).code(DONE).get_output().stdout.clone();
    let shown = String::from_utf8(shown).expect("UTF-8");
    assert!(
        shown.contains("own.toml: fine") && shown.contains("3 classes in 2 groups, 1 of them in critical ones"),
        "{shown}"
    );
    assert!(shown.contains("warm   yes             1") && shown.contains("cold   no              2"), "{shown}");
    faultscope(&["grouping", "list"])
        .code(DONE)
        .stdout(contains("imagenet").and(contains("1000")).and(contains("cifar10 ")));
    faultscope(&["grouping", "show", "gtsrb"]).code(DONE).stdout(contains("Do not enter").and(contains("43 classes")));
    faultscope(&["grouping", "show", text(&file)]).code(DONE).stdout(contains("warm"));
}

#[test]
fn everything_that_is_wrong_is_told_with_its_line() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("own.toml");
    let wrong = |from: &str, to: &str, sentence: &str| {
        assert!(GOOD.contains(from));
        fs::write(&file, GOOD.replace(from, to)).expect("a file");
        refused(&["grouping", "check", text(&file)], INPUT, sentence);
    };
    wrong("1-2", "2", "line 2: class 1 is in no group");
    wrong("1-2", "0-2", "line 12: group \"cold\": class 0 is in group \"warm\" already");
    wrong("1-2", "1-3", "line 12: group \"cold\": \"1-3\" does not lie in classes 0 to 2");
    wrong("1-2", "1-2\"\ncolour = \"blue", "line 13: unknown field `colour`");
    wrong("critical = true", "critical = false", "no group is critical");
    wrong("critical = true", "critical = maybe", "line 6: ");
    // Two at once.
    fs::write(&file, GOOD.replace("1-2", "2-9")).expect("a file");
    faultscope(&["grouping", "check", text(&file)]).code(INPUT).stderr(
        contains("line 12: group \"cold\": \"2-9\" does not lie").and(contains("line 2: classes 1 2 are in no group")),
    );
    refused(&["grouping", "check", "missing.toml"], INPUT, "missing.toml");
}
