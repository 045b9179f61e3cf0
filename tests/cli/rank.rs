//! `faultscope rank`: the most dangerous flips, as an injection of each finds them.

use super::*;

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["rank", "gtsrb-resnet8", "gtsrb-resnet8/samples", "--top", "5"][..], more].concat()
}

fn ranking(more: &[&str]) -> Value {
    let out = faultscope(&arguments(&[more, &["--json"]].concat())).code(DONE).get_output().stdout.clone();
    serde_json::from_slice(&out).expect("JSON")
}

#[test]
fn the_flips_of_a_layer_are_ranked_and_confirmed() {
    // All flips of a small layer: what an exhaustive campaign finds is the truth.
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("all");
    let layer = ["--layers", "stem.norm", "--bit", "20-31"];
    let found = ranking(&[&layer[..], &["--images", "8"]].concat());
    let again = ranking(&[&layer[..], &["--images", "8"]].concat());
    assert_eq!(found, again);
    assert_eq!(found["faults"], 96 * 12);
    let top = found["top"].as_array().expect("a list");
    assert_eq!(top.len(), 5);
    let number = |value: &Value| value.as_u64().expect("a number");
    assert!(top.windows(2).all(|pair| number(&pair[0]["sdc"]) >= number(&pair[1]["sdc"])), "{top:?}");
    assert!(top.iter().all(|row| number(&row["injected"]) == 8), "{top:?}");
    assert_eq!(number(&top[0]["sdc"]), 8, "the worst flip changes every answer: {top:?}");
    let share = |key: &str| found[key]["rate"].as_f64().expect("a number");
    assert!(share("precision") > 2.0 * share("base"), "{found}");

    // The same faults, made by `campaign` over the same images: eight of the data, at equal distances, are all where there are
    // eight.
    let exhaustive = ["campaign", "--model", "gtsrb-resnet8", "--data", "gtsrb-resnet8/samples", "--out", text(&out)];
    faultscope(&[&exhaustive[..], &layer, &["--target", "weight", "--design", "exhaustive"]].concat()).code(DONE);
    let lines = fs::read_to_string(out.join("faults.jsonl")).expect("records");
    let records: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let images = records.iter().map(|record| number(&record["image"])).max().expect("records") + 1;
    let taken: Vec<u64> = (0..8).map(|nth| nth * images / 8).collect();
    for row in top {
        let same = |record: &&Value| {
            let fault = &record["fault"];
            taken.contains(&number(&record["image"]))
                && (&fault["tensor"], &fault["element"], &fault["bit"])
                    == (&row["tensor"], &row["element"], &row["bit"])
        };
        let sdc = records.iter().filter(same).filter(|record| record["outcome"] == "sdc").count();
        assert_eq!(number(&row["sdc"]), sdc as u64, "{row}");
    }
    let elements = found["elements"].as_array().expect("a list");
    assert!(elements.iter().all(|row| number(&row["injected"]) == 8 * 12), "{elements:?}");
}

#[test]
fn a_ranking_has_three_forms_and_two_targets() {
    let text = faultscope(&arguments(&["--images", "4", "--target", "neurons", "--layers", "pool"]))
        .code(DONE)
        .get_output()
        .stdout
        .clone();
    let text = String::from_utf8(text).expect("UTF-8");
    assert!(text.contains("3,072 activation flips scored in each of 4 images"), "{text}");
    assert!(text.contains("how often a prediction is right"), "{text}");
    let csv = faultscope(&arguments(&["--layers", "classifier", "--bit", "30", "--csv"])).code(DONE);
    let csv = String::from_utf8(csv.get_output().stdout.clone()).expect("UTF-8");
    assert!(csv.starts_with("list,rank,layer,tensor,element,bit,predicted,score,injected,sdc,scm,due\n"), "{csv}");
    assert_eq!(csv.lines().count(), 11, "{csv}");
    refused(&arguments(&["--images", "99"]), INPUT, "99 images are asked for, the data has 16; choose fewer --images");
    refused(&arguments(&["--layers", "no-such-layer"]), INPUT, "no-such-layer");
    refused(&arguments(&["--target", "both"]), USAGE, "both");
}
