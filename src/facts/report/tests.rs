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
            classes: None,
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

/// A campaign that compares two protections.
pub fn compared(images: usize, faults: usize) -> Provenance {
    let mut provenance = provenance(images, faults);
    let json = r#"{
        "methods": [
            {"method": "ranger", "layers": ["relu"], "overhead": {"operations": 20, "parameters": 2, "bytes": 8}, "learnt": 7},
            {"method": "nan-check", "overhead": {"operations": 10, "parameters": 0, "bytes": 0}}
        ],
        "profile": {"images": 16},
        "inference": {"operations": 1000, "parameters": 100, "bytes": 400}
    }"#;
    provenance.campaign.compared = Some(serde_json::from_str(json).unwrap());
    provenance
}

/// A line of [`line`] with the outcomes under protections.
pub fn protected(image: usize, faulty: usize, protected: &str) -> String {
    line(image, faulty, "1.0").replace("}\n", &format!(",\"protected\":[{protected}]}}\n"))
}

#[test]
fn records_tell_the_outcome_under_each_protection() {
    let text = protected(0, 7, r#"{"class":4},{"class":7}"#)
        + &protected(0, 4, r#"{"class":4},{"class":4,"detected":true}"#)
        + &protected(1, 7, r#"{"class":5,"golden":5},{"class":7,"detected":true,"due":true,"alarm":true}"#)
        + &protected(1, 7, r#"{"class":7,"golden":5},{"class":7,"alarm":true}"#);
    let origin = Origin::Campaign(Box::new(compared(2, 2)));
    let blocks = |cuts: &[usize]| {
        let mut reader = Reader::new(&origin, "faults.jsonl", Options::default());
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let (mut before, ends) = (0, cuts.iter().copied().chain([lines.len()]));
        for end in ends {
            let block = lines[before..end].concat();
            let counted = reader.count(Block { lines: block.as_bytes(), before: before as u64 }).unwrap();
            reader.add(counted).unwrap();
            before = end;
        }
        reader.finish()
    };
    let report = blocks(&[]);
    let [ranger, nan] = &report.summary.protections[..] else { panic!("two protections") };
    assert_eq!((ranger.effects.mended, ranger.effects.missed, ranger.effects.unchanged), (2, 1, 1));
    assert_eq!((nan.effects.missed, nan.effects.detected, nan.effects.needless), (2, 1, 1));
    assert_eq!(
        (ranger.golden.accuracy, ranger.golden.accuracy_without),
        (Some(Rate::new(1, 2)), Some(Rate::new(2, 2)))
    );
    assert_eq!((ranger.golden.changed, nan.golden.false_alarms), (Rate::new(1, 2), Rate::new(1, 2)));
    assert_eq!((ranger.saves[0].faults, ranger.saves[0].listed[0].record), (1, 1));
    for cuts in [&[1][..], &[2], &[3], &[1, 2, 3]] {
        assert_eq!(blocks(cuts), report, "blocks may end anywhere: {cuts:?}");
    }
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
}

#[test]
fn records_without_protections_read_and_write_as_before() {
    let text = line(0, 7, "1.0");
    let record: crate::campaign::Record = serde_json::from_str(&text).unwrap();
    assert!(record.protected.is_empty());
    assert!(!serde_json::to_string(&record).unwrap().contains("protect"));
    let report = read(&provenance(1, 1), &text).unwrap();
    assert!(!serde_json::to_string(&report).unwrap().contains("protect"));
}

#[test]
fn a_record_with_another_number_of_protections_is_refused() {
    let refused = |provenance: &Provenance, text: &str| read(provenance, text).unwrap_err().to_string();
    let error = refused(&compared(1, 1), &protected(0, 7, r#"{"class":4}"#));
    assert_eq!(error, "faults.jsonl: a record of image 0 has the outcome under 1 protections, and config.json names 2");
    assert!(refused(&compared(1, 1), &line(0, 7, "1.0")).contains("under 0 protections"));
    assert!(refused(&provenance(1, 1), &protected(0, 7, r#"{"class":4}"#)).contains("names 0"));
    let differs =
        protected(0, 7, r#"{"class":4},{"class":4}"#) + &protected(0, 7, r#"{"class":4,"golden":3},{"class":4}"#);
    let error = refused(&compared(1, 2), &differs);
    assert!(error.starts_with("faults.jsonl: line 2: label and golden prediction of image 0"), "{error}");
}
