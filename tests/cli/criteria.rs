//! Outcomes beyond the predicted class: counted again from faults.jsonl, and compared with every report.

use std::collections::BTreeMap;

use super::report::stdout;
use super::*;

/// The network of the project with its sample images, 43 classes.
const MODEL: &str = "gtsrb-resnet8";

fn arguments<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["campaign", "--model", MODEL, "--data", "gtsrb-resnet8/samples", "--out", out, "--seed", "5"];
    [&fixed[..], more].concat()
}

/// A number as records have it; float32 values are written with as many digits as distinguish them.
fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        Some(other) => panic!("{other}"),
        None => f64::from(value.as_f64().expect("a number") as f32),
    }
}

/// One fault as a record has it.
struct Fault {
    image: u64,
    layer: String,
    bit: u64,
    was_right: bool,
    /// SDC-5, SDC-10 %, SDC-20 %, and whether the prediction is the label.
    outcomes: [bool; 4],
    margin: Option<f64>,
    drawn: Value,
}

const MEASURES: [&str; 4] = ["sdc5", "sdc10pct", "sdc20pct", "faulty_accuracy"];

fn outcomes(rank: u64, confidence: [f64; 2], margin: [f64; 2], right: bool) -> ([bool; 4], Option<f64>) {
    let [before, after] = confidence;
    let differs = |share: f64| after.is_nan() || (after - before).abs() > share * before;
    let change = margin[1] - margin[0];
    ([rank > 5, differs(0.1), differs(0.2), right], (change.abs() < 1e12).then_some(change))
}

fn faults(directory: &Path) -> Vec<Fault> {
    let text = fs::read_to_string(directory.join("faults.jsonl")).expect("records");
    let fault = |line: &str| {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let (label, scores) = (&record["label"], &record["scores"]);
        let right = record["faulty"]["class"] == *label;
        let (outcomes, margin) = match scores.as_str() {
            Some("golden") => outcomes(1, [1.0; 2], [0.0; 2], right),
            _ => {
                let pair = |key: &str| [number(&scores[key][0]), number(&scores[key][1])];
                outcomes(scores["rank"].as_u64().expect("a rank"), pair("confidence"), pair("margin"), right)
            }
        };
        Fault {
            image: record["image"].as_u64().expect("an index"),
            layer: record["fault"]["layer"].as_str().expect("a name").to_owned(),
            bit: record["fault"]["bit"].as_u64().expect("a bit"),
            was_right: record["golden"]["class"] == *label,
            outcomes,
            margin,
            drawn: record["drawn"].clone(),
        }
    };
    text.lines().map(fault).collect()
}

fn wilson(count: usize, of: usize) -> [f64; 2] {
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (of as f64, count as f64 / of as f64);
    let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

fn close(found: &Value, expected: f64) -> bool {
    found.as_f64().is_some_and(|found| (found - expected).abs() < 1e-9)
}

/// Compares a part of summary.json, and its rows of the CSV, with the `faults` in it.
fn check(name: &str, part: &Value, rows: &BTreeMap<String, [Option<f64>; 5]>, key: &str, faults: &[&Fault]) {
    let criteria = &part["criteria"];
    let json = ["sdc5", "sdc10pct", "sdc20pct", "accuracy"];
    for (index, (key_of_json, measure)) in json.into_iter().zip(MEASURES).enumerate() {
        let count = faults.iter().filter(|fault| fault.outcomes[index]).count();
        let (of, [low, high]) = (faults.len(), wilson(count, faults.len()));
        let rate = &criteria[key_of_json];
        assert!(rate["count"] == count && rate["of"] == of, "{name} {measure}: {rate}, expected {count} of {of}");
        assert!(close(&rate["low"], low) && close(&rate["high"], high), "{name} {measure}: {rate}, {low} to {high}");
        let row = rows[&format!("{key}|{measure}")];
        let expected = [count as f64, of as f64, count as f64 / of as f64, low, high];
        let same = row
            .iter()
            .zip(expected)
            .all(|(found, expected)| found.is_some_and(|found| (found - expected).abs() < 1e-9));
        assert!(same, "{name} {measure}: {row:?}, expected {expected:?}");
    }
    let margins: Vec<f64> = faults.iter().filter_map(|fault| fault.margin).collect();
    let mean = margins.iter().sum::<f64>() / margins.len() as f64;
    let margin = &criteria["margin"];
    assert!(margin["trials"] == margins.len(), "{name}: {margin}");
    // The program adds whole multiples of 2^-40.
    let near = |found: f64| (found - mean).abs() < 1e-9 * (1.0 + mean.abs());
    assert!(margin["mean"].as_f64().is_some_and(near), "{name}: {margin}, expected {mean}");
    let row = rows[&format!("{key}|margin_change")];
    assert!(row[1] == Some(margins.len() as f64) && row[2].is_some_and(near), "{name}: {row:?}, expected {mean}");
}

/// The rows of a CSV by table, field, bit, layer and measure: count, of, value, low, high.
fn rows(text: &str) -> BTreeMap<String, [Option<f64>; 5]> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().expect("a header").clone();
    let cell = |row: &csv::StringRecord, name: &str| {
        row[headers.iter().position(|header| header == name).expect(name)].to_owned()
    };
    let row = |row: csv::StringRecord| {
        let key = ["table", "field", "bit", "layer", "measure"].map(|name| cell(&row, name));
        (key.join("|"), ["count", "of", "value", "low", "high"].map(|name| cell(&row, name).parse().ok()))
    };
    reader.records().map(|found| row(found.expect("a row"))).collect()
}

fn field(bit: u64) -> &'static str {
    match bit {
        31 => "sign",
        23..=30 => "exponent",
        _ => "mantissa",
    }
}

fn summary(out: &Path) -> Value {
    serde_json::from_slice(&fs::read(out.join("summary.json")).expect("a summary")).expect("JSON")
}

fn list<'a>(summary: &'a Value, key: &str) -> &'a [Value] {
    summary[key].as_array().expect("a list")
}

#[test]
fn outcomes_beyond_the_predicted_class_are_those_of_the_records() {
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("out");
    faultscope(&arguments(text(&out), &["--faults", "120"])).code(DONE);
    let faults = faults(&out);
    let all: Vec<&Fault> = faults.iter().collect();
    for index in 0..3 {
        let some = faults.iter().filter(|fault| fault.outcomes[index]).count();
        assert!(some > 5 && some < faults.len() / 2, "outcome {index}: {some} of {}", faults.len());
    }
    let rows = rows(&stdout(&["report", text(&out), "--format", "csv"]));
    let summary = summary(&out);
    check("all", &summary["faults"], &rows, "faults|||", &all);
    let of = |keep: &dyn Fn(&Fault) -> bool| all.iter().copied().filter(|fault| keep(fault)).collect::<Vec<_>>();
    for row in list(&summary, "layers") {
        let name = row["layer"].as_str().expect("a name");
        check(name, row, &rows, &format!("layer|||{name}"), &of(&|fault| fault.layer == name));
    }
    for row in list(&summary, "bits") {
        let bit = row["bit"].as_u64().expect("a bit");
        check(&format!("bit {bit}"), row, &rows, &format!("bit||{bit}|"), &of(&|fault| fault.bit == bit));
    }
    for row in list(&summary, "fields") {
        let name = row["field"].as_str().expect("a name");
        check(name, row, &rows, &format!("field|{name}||"), &of(&|fault| field(fault.bit) == name));
    }
    assert!(list(&summary, "layers").len() > 5 && list(&summary, "bits").len() == 32);

    // The tables show the shares.
    let report = stdout(&["report", text(&out), "--all"]);
    for title in ["By field", "By bit", "By layer"] {
        let (_, after) = report.split_once(&format!("\n{title}\n")).expect(title);
        let header = after.lines().next().expect("a header");
        let columns = ["SDC-5", "SDC-10 %", "SDC-20 %", "correct", "margin"];
        assert!(columns.iter().all(|column| header.contains(column)), "{title}: {header}");
    }
    let row = &list(&summary, "layers")[0];
    let share = row["criteria"]["sdc10pct"]["rate"].as_f64().expect("a rate");
    let (_, by_layer) = report.split_once("\nBy layer\n").expect("a table");
    let line = by_layer.lines().find(|line| line.starts_with(row["layer"].as_str().expect("a name"))).expect("a row");
    assert!(line.contains(&format!("{:.1} %", 100.0 * share)), "{line}: {share}");
    let page = stdout(&["report", text(&out), "--format", "html"]);
    assert_eq!(page.matches("scope=\"col\">SDC-10 %</th>").count(), 3, "by field, bit and layer");
    parquet(&out, &faults);
}

/// Counts the same from the columns of the Parquet file.
#[cfg(feature = "parquet")]
fn parquet(out: &Path, faults: &[Fault]) {
    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::Field;

    let path = out.with_extension("parquet");
    faultscope(&["report", text(out), "--format", "parquet", "-o", text(&path)]).code(DONE);
    let reader = SerializedFileReader::new(fs::File::open(&path).expect("a file")).expect("Parquet");
    let mut count = 0;
    for (row, fault) in reader.get_row_iter(None).expect("rows").zip(faults) {
        let row: BTreeMap<String, Field> =
            row.expect("a row").get_column_iter().map(|(name, field)| (name.clone(), field.clone())).collect();
        let float = |name: &str| match &row[name] {
            Field::Float(value) => f64::from(*value),
            other => panic!("{name}: {other:?}"),
        };
        let right = row["faulty"] == row["label"];
        let found = match row["scores_changed"] {
            Field::Bool(false) => {
                assert_eq!(row["rank"], Field::Null);
                outcomes(1, [1.0; 2], [0.0; 2], right)
            }
            _ => {
                let Field::UInt(rank) = row["rank"] else { panic!("{:?}", row["rank"]) };
                let confidence = [float("golden_confidence"), float("faulty_confidence")];
                outcomes(u64::from(rank), confidence, [float("golden_margin"), float("faulty_margin")], right)
            }
        };
        assert_eq!(found, (fault.outcomes, fault.margin));
        count += 1;
    }
    assert_eq!(count, faults.len());
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: &Path, _: &[Fault]) {}

/// Returns what a fault adds to the estimate of an outcome: 1 or 0; for the accuracy, what it changes.
fn value(fault: &Fault, index: usize) -> f64 {
    let now = f64::from(u8::from(fault.outcomes[index]));
    if index == 3 { now - f64::from(u8::from(fault.was_right)) } else { now }
}

#[test]
fn a_stratified_campaign_estimates_them_with_weights() {
    const CANDIDATES: f64 = 300.0;
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("out");
    faultscope(&arguments(text(&out), &["--faults", "60", "--design", "stratified", "--candidates", "300"])).code(DONE);
    let (faults, summary) = (faults(&out), summary(&out));
    let weight = |fault: &Fault| fault.drawn["weight"].as_f64().expect("a weight");
    let images: BTreeMap<u64, bool> = faults.iter().map(|fault| (fault.image, fault.was_right)).collect();
    let right = images.values().filter(|right| **right).count() as f64 / images.len() as f64;
    let json = ["sdc5", "sdc10pct", "sdc20pct", "accuracy"];

    // All faults: the difference estimator of docs/STATISTICS.md, with predictions from the images of the other parity.
    for (index, key) in json.into_iter().enumerate() {
        let mut strata: BTreeMap<(u64, u64), [f64; 3]> = BTreeMap::new();
        for fault in &faults {
            for pair in fault.drawn["candidates"].as_array().into_iter().flatten() {
                let stratum = pair[0].as_u64().expect("a stratum");
                strata.entry((fault.image, stratum)).or_default()[0] += pair[1].as_f64().expect("a number");
            }
            let cell = strata.entry((fault.image, fault.drawn["stratum"].as_u64().expect("a stratum"))).or_default();
            cell[1] += weight(fault);
            cell[2] += weight(fault) * value(fault, index);
        }
        let mut sum = 0.0;
        for (&(image, stratum), [candidates, weights, hits]) in &strata {
            let others = strata.iter().filter(|((other, own), _)| *own == stratum && other % 2 != image % 2);
            let (hits_there, there) = others.fold((0.0, 0.0), |(hits, sum), (_, cell)| (hits + cell[2], sum + cell[1]));
            let predicted = if there > 0.0 && stratum != 0 { hits_there / there } else { 0.0 };
            sum += hits + predicted * (candidates - weights);
        }
        let base = if index == 3 { right } else { 0.0 };
        let expected = base + sum / CANDIDATES / images.len() as f64;
        let rate = &summary["faults"]["criteria"][key];
        let [low, found, high] = ["low", "rate", "high"].map(|key| rate[key].as_f64().expect("a number"));
        assert!((found - expected.clamp(0.0, 1.0)).abs() < 1e-9, "{key}: {rate}, expected {expected}");
        assert!(low <= found && found <= high && rate["effective"].as_f64().is_some(), "{key}: {rate}");
    }

    // A layer: Horvitz and Thompson's estimator. Layers are equally likely.
    let layers = list(&summary, "layers");
    let size = CANDIDATES * images.len() as f64 / layers.len() as f64;
    for row in layers {
        let own: Vec<&Fault> = faults.iter().filter(|fault| row["layer"] == fault.layer.as_str()).collect();
        for (index, key) in json.into_iter().enumerate().filter(|_| !own.is_empty()) {
            let sum: f64 = own.iter().map(|fault| weight(fault) * value(fault, index)).sum();
            let expected = (if index == 3 { right } else { 0.0 } + sum / size).clamp(0.0, 1.0);
            assert!(close(&row["criteria"][key]["rate"], expected), "{row}: {key}, expected {expected}");
        }
    }
    let report = stdout(&["report", text(&out)]);
    assert!(report.contains("SDC-10 %") && report.contains("estimated with their weights"), "{report}");
}
