use super::*;
use crate::Result;
use crate::campaign::{CampaignConfig, Faults, ModelSource, Provenance};
use crate::data::{DataFormat, DataSource, Preprocess};
use crate::fault::FaultModel;
use crate::outcome::Rate;

pub fn provenance(images: usize, faults: usize) -> Provenance {
    Provenance {
        faultscope: "0.0.0".to_owned(),
        campaign: CampaignConfig {
            model: "m".to_owned(),
            seed: 0,
            images: Some(images),
            faults: Faults::Each(faults),
            fault_model: FaultModel::default(),
            grouping: None,
            protect: None,
            compared: None,
            on_bad_image: Default::default(),
            design: None,
            exhaustive: false,
            until: None,
            numbers: Default::default(),
        },
        model: ModelSource {
            path: "m.onnx".to_owned(),
            architecture: None,
            output: None,
            input_size: None,
            threshold: None,
            answer: None,
            sha256: String::new(),
            external: Default::default(),
            preprocess: Preprocess::default(),
        },
        data: DataSource::new("images", DataFormat::Folder, 100, String::new()),
        sample: None,
        shard: None,
        device: "cpu".to_owned(),
        grouping: None,
        labels: Vec::new(),
        layers: vec!["conv".to_owned(), "relu".to_owned()],
        ranges: Vec::new(),
        golden_ranges: Vec::new(),
        scales: Vec::new(),
        rounded: None,
        notices: Vec::new(),
    }
}

pub fn line(image: usize, faulty: usize, after: &str) -> String {
    let outcome = if faulty == 4 { "masked" } else { "sdc" };
    format!(
        r#"{{"image":{image},"label":4,"golden":{{"class":4}},"faulty":{{"class":{faulty}}},"outcome":"{outcome}","due":false,"scm":null,"fault":{{"target":"activation","layer":"relu","tensor":"t","element":5,"bit":30,"before":0.5,"after":{after}}}}}
"#
    )
}

pub fn read(provenance: &Provenance, text: &str) -> Result<Report> {
    let mut reader = Reader::new(&Origin::Campaign(Box::new(provenance.clone())), "faults.jsonl", Options::default());
    reader.add(reader.count(Block { lines: text.as_bytes(), before: 0 })?)?;
    Ok(reader.finish())
}

#[test]
fn a_configuration_that_asks_for_nothing_is_an_error() {
    let refused = |provenance: &Provenance| {
        let json = serde_json::to_vec(provenance).unwrap();
        Origin::from_json("config.json", &json).unwrap_err().to_string()
    };
    let error = refused(&provenance(1, 0));
    assert!(error.starts_with("config.json: not the configuration of a campaign: "), "{error}");
    assert!(error.contains("at least one fault"), "{error}");
    assert!(refused(&provenance(0, 1)).contains("at least one image"));
    let layers = vec![String::new(); 65_537];
    let error = refused(&Provenance { layers, ..provenance(1, 1) });
    assert!(error.contains("expected at most 65536 layers, found 65537"), "{error}");
}

#[test]
fn counts_near_the_largest_number_do_not_overflow() {
    let faults = Faults::ByGolden { correct: 1, misclassified: usize::MAX };
    let mut provenance = provenance(2, 1);
    provenance.campaign.faults = faults;
    let misclassified = line(1, 7, "1.0").replace(r#""golden":{"class":4}"#, r#""golden":{"class":5}"#);
    let report = read(&provenance, &(line(0, 4, "1.0") + &misclassified)).unwrap();
    assert_eq!((report.records, report.planned), (2, u64::MAX));
    let log = LogHead { images: usize::MAX, ..LogHead::default() };
    let origin = LogOrigin { faultscope: String::new(), log, files: Vec::new(), grouping: None, labels: Vec::new() };
    let report = Reader::new(&Origin::Log(origin), "study.log", Options::default()).finish();
    assert_eq!((report.records, report.planned), (0, 0));
}

#[test]
fn records_become_rates() {
    let text = line(0, 4, "1.0") + &line(0, 7, "\"NaN\"") + &line(1, 4, "-2e38") + &line(1, 4, "\"-Infinity\"");
    let report = read(&provenance(2, 2), &text).unwrap();
    assert_eq!((report.records, report.planned, report.truncated, report.summary.complete), (4, 4, false, true));
    assert_eq!(report.summary.golden.accuracy, Some(Rate::new(2, 2)));
    assert_eq!(report.summary.faults.sdc, Rate::new(1, 4));
    let layers: Vec<_> = report.summary.layers.iter().map(|row| (row.layer.as_str(), row.faults.injections)).collect();
    assert_eq!(layers, [("conv", 0), ("relu", 4)]);
}

#[test]
fn a_last_line_that_breaks_off_is_not_counted() {
    let text = line(0, 4, "1.0") + &line(0, 7, "1.0");
    let report = read(&provenance(2, 2), &text[..text.len() - 10]).unwrap();
    assert_eq!((report.records, report.truncated, report.summary.complete), (1, true, false));
    let report = read(&provenance(2, 2), text.trim_end()).unwrap();
    assert_eq!((report.records, report.truncated), (2, false), "only the line's end is missing");
}

#[test]
fn damage_elsewhere_is_an_error_that_names_the_line() {
    let text = line(0, 4, "1.0") + "{\"image\":\n" + &line(0, 4, "1.0");
    let error = read(&provenance(2, 2), &text).unwrap_err().to_string();
    assert!(error.starts_with("faults.jsonl: line 2: "), "{error}");
    let error = read(&provenance(1, 1), &line(0, 4, "1.0").repeat(2)).unwrap_err().to_string();
    assert!(error.contains("line 2: image 0 gets 1 faults, here is one more"), "{error}");
}
