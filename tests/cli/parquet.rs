//! `report --format parquet`: every fault as a row.

use std::collections::BTreeMap;

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;

use super::report::{CAMPAIGN, PROTECTED};
use super::*;

#[test]
fn parquet_has_a_row_for_each_fault() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("faults.parquet");
    let sampled = ["report", CAMPAIGN, "--format", "parquet", "-o", text(&path), "--study-sample", "9"];
    refused(&sampled, USAGE, "--study-sample is for the tables");
    faultscope(&["report", CAMPAIGN, "--format", "parquet", "-o", text(&path)]).code(DONE);
    let piped = faultscope(&["report", CAMPAIGN, "--format", "parquet"]).code(DONE).get_output().stdout.clone();
    assert!(piped == fs::read(&path).expect("a file"), "a pipe takes the same bytes");
    let reader = SerializedFileReader::new(fs::File::open(&path).expect("a file")).expect("Parquet");
    let records = fs::read_to_string(Path::new(CAMPAIGN).join("faults.jsonl")).expect("records");
    let config: Value =
        serde_json::from_slice(&fs::read(Path::new(CAMPAIGN).join("config.json")).expect("a file")).expect("JSON");
    let mut count = 0;
    for (row, line) in reader.get_row_iter(None).expect("rows").zip(records.lines()) {
        let row: BTreeMap<String, Field> =
            row.expect("a row").get_column_iter().map(|(name, field)| (name.clone(), field.clone())).collect();
        let record: Value = serde_json::from_str(line).expect("JSON");
        let int = |name: &str| match &row[name] {
            Field::Long(value) => *value,
            Field::Int(value) => i64::from(*value),
            Field::UByte(value) => i64::from(*value),
            other => panic!("{name}: {other:?}"),
        };
        let float = |name: &str| match &row[name] {
            Field::Float(value) => *value,
            other => panic!("{name}: {other:?}"),
        };
        let word = |name: &str| match &row[name] {
            Field::Str(value) => value.clone(),
            other => panic!("{name}: {other:?}"),
        };
        let fault = &record["fault"];
        assert_eq!(record["image"], int("image"));
        assert_eq!(record["label"], int("label"));
        assert_eq!(record["golden"]["class"], int("golden"));
        assert_eq!(record["faulty"]["class"], int("faulty"));
        assert_eq!(record["outcome"], word("outcome"));
        assert_eq!(row["due"], Field::Bool(record["due"] == true));
        assert_eq!(row["scm"], Field::Bool(record["scm"] == true));
        assert_eq!(word("start") == "correct", record["label"] == record["golden"]["class"]);
        assert_eq!(row["golden_scm"], Field::Bool(word("start") == "scm"));
        assert_eq!(word("campaign"), "made-up");
        assert_eq!(int("faults"), 1);
        assert_eq!(fault["target"], word("target"));
        assert_eq!(fault["layer"], word("layer"));
        assert_eq!(config["layers"][int("layer_index") as usize], word("layer"));
        assert_eq!(fault["tensor"], word("tensor"));
        assert_eq!(fault["element"], int("element"));
        assert_eq!(fault["bit"], int("bit"));
        assert_eq!(fault["before"].as_f64().map(|value| value as f32), Some(float("before")));
        match &fault["after"] {
            Value::String(name) => assert_eq!(float("after").to_string().replace("inf", "Infinity"), *name),
            value => assert_eq!(value.as_f64().map(|value| value as f32), Some(float("after"))),
        }
        assert_eq!(row["type"], Field::Null, "records of version 0.1.0 have no type");
        count += 1;
    }
    assert_eq!(count, records.lines().count());
}

#[test]
fn parquet_says_what_the_fault_did_to_the_value() {
    let data = image_folder();
    let out = data.path().with_extension("campaign");
    let path = data.path().with_extension("parquet");
    for (kind, expected) in [("bitflip", "bitflip"), ("zero", "set")] {
        let arguments =
            ["campaign", "--model", MODEL, "--data", text(data.path()), "--out", text(&out), "--type", kind];
        faultscope(&arguments).code(DONE);
        faultscope(&["report", text(&out), "--format", "parquet", "-o", text(&path)]).code(DONE);
        let reader = SerializedFileReader::new(fs::File::open(&path).expect("a file")).expect("Parquet");
        for row in reader.get_row_iter(None).expect("rows") {
            let row = row.expect("a row");
            let (_, value) = row.get_column_iter().find(|(name, _)| *name == "type").expect("a column");
            assert_eq!(value, &Field::Str(expected.to_owned()));
        }
        fs::remove_dir_all(&out).expect("a folder");
        fs::remove_file(&path).expect("a file");
    }
}

#[test]
fn parquet_has_an_entry_for_each_protection_of_a_fault() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("faults.parquet");
    // Of two campaigns, one compares no protections: its rows have no entries.
    faultscope(&["report", PROTECTED, CAMPAIGN, "--format", "parquet", "-o", text(&path)]).code(DONE);
    let reader = SerializedFileReader::new(fs::File::open(&path).expect("a file")).expect("Parquet");
    let lines = |campaign: &str| fs::read_to_string(Path::new(campaign).join("faults.jsonl")).expect("records");
    let (with, without) = (lines(PROTECTED), lines(CAMPAIGN));
    let methods = ["ranger:channel", "clip-to-zero", "secded", "nan-check", "tmr:auto:20%"];
    let mut count = 0;
    for (row, line) in reader.get_row_iter(None).expect("rows").zip(with.lines().chain(without.lines())) {
        let row = row.expect("a row");
        let (_, protected) = row.get_column_iter().find(|(name, _)| *name == "protected").expect("the column");
        let Field::ListInternal(list) = protected else { panic!("{protected:?}") };
        let record: Value = serde_json::from_str(line).expect("JSON");
        let none = Vec::new();
        let runs = record["protected"].as_array().unwrap_or(&none);
        assert_eq!(list.elements().len(), runs.len());
        for ((entry, run), method) in list.elements().iter().zip(runs).zip(methods) {
            let Field::Group(entry) = entry else { panic!("{entry:?}") };
            let entry: BTreeMap<&str, &Field> =
                entry.get_column_iter().map(|(name, field)| (name.as_str(), field)).collect();
            let golden = run.get("golden").unwrap_or(&record["golden"]["class"]).as_i64().expect("a class");
            let class = run["class"].as_i64().expect("a class");
            let detected = run.get("detected").is_some();
            let sdc = !detected && class != golden;
            assert_eq!(entry["protection"], &Field::Str(method.to_owned()));
            assert_eq!(entry["faulty"], &Field::Int(class as i32));
            assert_eq!(entry["golden"], &Field::Int(golden as i32));
            assert_eq!(entry["detected"], &Field::Bool(detected));
            assert_eq!(entry["due"], &Field::Bool(run.get("due").is_some()));
            assert_eq!(entry["false_alarm"], &Field::Bool(run.get("alarm").is_some()));
            assert_eq!(entry["sdc"], &Field::Bool(sdc));
            // Classes 0 to 2 are the critical group.
            assert_eq!(entry["scm"], &Field::Bool(sdc && golden < 3 && class >= 3));
            count += 1;
        }
    }
    assert_eq!(count, 5 * with.lines().count());
    faultscope(&["report", CAMPAIGN, "--format", "parquet", "-o", text(&path), "--force"]).code(DONE);
    let reader = SerializedFileReader::new(fs::File::open(&path).expect("a file")).expect("Parquet");
    let schema = reader.metadata().file_metadata().schema();
    assert!(
        schema.get_fields().iter().all(|field| field.name() != "protected"),
        "a file without protections is as before"
    );
}
