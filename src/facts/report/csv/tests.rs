use std::collections::BTreeMap;

use super::*;
use crate::report::{Block, Extent, Options, Origin, Reader, html, tables};

const CONFIG: &[u8] = include_bytes!("../../../../tests/fixtures/report/protected/config.json");
const RECORDS: &[u8] = include_bytes!("../../../../tests/fixtures/report/protected/faults.jsonl");
const EXPECTED: &str = include_str!("../../../../tests/fixtures/report/expected_protected.csv");

/// The campaign of the fixture, which compares five protections.
fn fixture() -> (Origin, Report) {
    let origin = Origin::from_json("config.json", CONFIG).unwrap();
    let mut reader = Reader::new(&origin, "faults.jsonl", Options::default());
    reader.add(reader.count(Block { lines: RECORDS, before: 0 }).unwrap()).unwrap();
    let report = reader.finish();
    (origin, report)
}

#[test]
fn a_name_is_neither_a_formula_nor_a_sequence_for_the_terminal() {
    let cells = ["=HYPERLINK(\"x\")", "@sum", "-1.5e-7", "+x", "-inf", "a\u{1b}[31m", "a,b", "a\nb", "/conv=1"];
    assert_eq!(
        csv_line(cells),
        "\"'=HYPERLINK(\"\"x\"\")\",'@sum,-1.5e-7,'+x,-inf,a\\u{1b}[31m,\"a,b\",a\\u{a}b,/conv=1\n"
    );
}

/// Rows by what they are of, with their numbers and the conclusion.
fn by_key(text: &str) -> BTreeMap<String, ([Option<f64>; 5], String)> {
    let keys =
        ["table", "protection", "other", "field", "bit", "layer", "measure", "record", "image", "element", "bits"];
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let cell = |row: &::csv::StringRecord, name: &str| {
        row[headers.iter().position(|header| header == name).expect(name)].to_owned()
    };
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        let key = keys.map(|name| cell(&row, name)).join("|") + &cell(&row, "class") + &cell(&row, "predicted");
        let numbers = ["count", "of", "value", "low", "high"].map(|name| cell(&row, name).parse().ok());
        (key, (numbers, cell(&row, "decision")))
    });
    rows.filter(|(key, _)| key.starts_with("protection")).collect()
}

/// `expected_protected.py`, with pandas, scipy and statsmodels.
#[test]
fn numbers_of_protections_are_those_of_an_independent_program() {
    let (_, report) = fixture();
    let (found, expected) = (by_key(&csv([("m", &report)])), by_key(EXPECTED));
    assert!(expected.len() > 700);
    let keys = |rows: &BTreeMap<String, _>| rows.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&found), keys(&expected));
    for (key, (numbers, decision)) in &found {
        let (other_numbers, other_decision) = &expected[key];
        assert_eq!(decision, other_decision, "{key}");
        for (found, expected) in numbers.iter().zip(other_numbers) {
            let same = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-10,
                (found, expected) => found == expected,
            };
            assert!(same, "{key}: {numbers:?}, {other_numbers:?} expected");
        }
    }
}

#[test]
fn tables_show_each_protection_and_the_words_of_the_rule() {
    let (origin, report) = fixture();
    let part = tables(&origin, &report, Extent::Part);
    let titled = |title: &str| part.iter().find(|table| table.title == title).unwrap_or_else(|| panic!("{title}"));
    for title in
        ["Protections: effects on the same faults", "Protections: SDC rate", "Protections: cost, and golden runs"]
    {
        let names: Vec<_> = titled(title).rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(names, ["ranger:channel", "clip-to-zero", "secded", "nan-check", "tmr:auto:20%"], "{title}");
    }
    let words: Vec<_> = titled("Protections: SCM rate").rows.iter().map(|row| row[7].as_str()).collect();
    assert_eq!(words, ["better", "no difference seen", "better", "too few to say", "too few to say"]);
    let secded = &titled("Protections: SDC rate").rows[2];
    assert_eq!(secded[1..7], ["22.5 %", "0.8 %", "-21.8", "-26.1", "-17.8", "<0.0001"].map(str::to_owned));
    assert_eq!(titled("Protections: cost, and golden runs").rows[2][2..5], ["0", "0", "+12.5 %"].map(str::to_owned));
    // Four protections stand beside each other.
    let bits = titled("SDC by bit under protections: ranger:channel to nan-check");
    assert_eq!((bits.columns.len(), bits.rows.len(), bits.rows[0][0].as_str()), (7, 7, "31"));
    assert_eq!(titled("SDC by bit under protections: tmr:auto:20%").columns.len(), 4);
    let faults = titled("Such faults, the first of each pair");
    assert!(faults.rows.iter().all(|row| row.len() == faults.columns.len()));
    let all = tables(&origin, &report, Extent::All);
    assert!(all.iter().any(|table| table.title == faults.title && table.rows.len() > faults.rows.len()));
}

#[test]
fn the_page_has_the_chart_and_the_lists_of_protections() {
    let (origin, report) = fixture();
    let page = html(&[("m", &origin, &report)]);
    for words in ["Coverage of SDCs over added operations", "tmr:auto:20%", "no difference seen", "on the Pareto front"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(page.matches("<circle").count(), 5);
    let both = html(&[("a", &origin, &report), ("b", &origin, &report)]);
    assert!(both.contains("Protections on the same faults: SDC"));
}
