//! The networks for traffic signs on their own data.

use faultscope::campaign::Lab;
use faultscope::cli::convert::load;
use faultscope::data::npy::{self, NpyImages};
use faultscope::zoo::{Manifest, Origin};
use rayon::prelude::*;

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

#[test]
fn the_networks_that_come_along_are_those_that_their_manifests_describe() {
    is_as_described("gtsrb-resnet8", 97);
    is_as_described("gtsrb-vit", 96);
}

/// `least`: percent of the test images that the network must name.
fn is_as_described(id: &str, least: usize) {
    let manifest = Manifest::builtin(id).expect("a manifest");
    let Origin::Trained(trained) = manifest.origin else { panic!("{:?} is not of our training", manifest.origin) };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(&manifest.id).join(&manifest.file);
    let bytes = fs::read(&file).expect("the model file");
    assert_eq!(faultscope::cli::write::sha256(&bytes), trained.sha256);
    assert!(bytes.len() < 1_500_000, "it is to come along with the page: {} bytes", bytes.len());
    let model = load(&file).expect("a model");
    assert_eq!(model.preprocess().normalise, manifest.preprocess.into());
    let parameters: usize = model.graph.parameters.values().map(|tensor| tensor.data.len()).sum();
    assert!(parameters <= 1_000_000, "{parameters}");
    assert!(trained.test.correct * 100 >= trained.test.images * least, "{:?}", trained.test);

    let (Some(images), Some(labels)) = (shared("data/gtsrb/test_images.npy"), shared("data/gtsrb/test_labels.npy"))
    else {
        return;
    };
    let images = NpyImages::new("images", Box::new(fs::read(images).expect("a file")), None).expect("images");
    let labels = npy::labels("labels", &fs::read(labels).expect("a file")).expect("labels");
    assert_eq!(labels.len(), trained.test.images);
    let lab = Lab::cpu(model).expect("a model that runs");
    let right = |index: &usize| {
        let image = images.get(*index).expect("an image");
        let input = lab.model().preprocess().apply(&image, lab.model().input_shape()).expect("an input");
        pollster::block_on(lab.golden(&input)).expect("a golden run").class == labels[*index]
    };
    let correct = (0..labels.len()).into_par_iter().filter(right).count();
    // Another processor rounds otherwise, and a few images lie that near to a border.
    assert!(
        correct.abs_diff(trained.test.correct) <= 3,
        "{correct} are right, the manifest says {}",
        trained.test.correct
    );
}
