//! The network for traffic signs on its own data.

use super::*;

#[test]
fn a_network_for_traffic_signs_runs_a_campaign() {
    let (Some(model), Some(data)) = (shared("models/gtsrb_cnn.onnx"), shared("data/gtsrb/test_images.npy")) else {
        return;
    };
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("campaign");
    let arguments = ["--images", "20", "--faults", "3", "--grouping", "gtsrb"];
    let mut all = vec!["campaign", "--model", text(&model), "--data", text(&data), "--out", text(&out)];
    all.extend(arguments);
    faultscope(&all).code(DONE);
    let report = json(&["report", text(&out), "--json"]);
    assert_eq!(report["records"], 60);
    assert!(report["golden"]["accuracy"]["rate"].as_f64() >= Some(0.9), "{}", report["golden"]);
    assert!(report["faults"]["scm"]["of"] == 60);
}
