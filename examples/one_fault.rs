//! One fault in one image, with and without range clipping.
//!
//! `cargo run --release --example one_fault`

use faultscope::prelude::*;

const MODEL: &str = "models/gtsrb-resnet8/gtsrb-resnet8.bpk";
const IMAGE: &str = "models/gtsrb-resnet8/samples/sign_04_5.png";
const LAYER: &str = "1";
const ELEMENT: usize = 100;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let lab = Lab::cpu(import::load(MODEL, std::fs::read(MODEL)?)?)?;
    let image = Image::decode(IMAGE, &std::fs::read(IMAGE)?)?;
    let input = lab.model().preprocess().apply(&image, lab.model().input_shape())?;
    let golden = block_on(lab.golden(&input))?;
    println!("golden: class {}", lab.model().label(golden.class));

    let site = Site::find(&lab.model().graph, Target::Activation, LAYER, ELEMENT, Corruption::flip(30)?)?;
    let trial = block_on(lab.trial(&golden, &[site], Observe { trace: true, ..Observe::default() }))?;
    let fault = &trial.faults[0];
    println!("layer {}, element {}: {} became {}", fault.layer, fault.element, fault.before, fault.after);
    println!("faulty: class {}, {:?}", lab.model().label(trial.class), trial.verdict.outcome);
    for row in &trial.trace {
        println!("  {:<20} {:>6} of {} elements differ", row.layer, row.changed, row.elements);
    }

    // The ranges of this image's own golden run.
    let image = vec![LabelledImage { name: IMAGE.to_owned(), label: None, image }];
    let protected = lab.protected_by(block_on(learn_ranges(&lab, &image, 1))?);
    let golden = block_on(protected.golden(&input))?;
    let trial = block_on(protected.trial(&golden, &[site], Observe { clipped: true, ..Observe::default() }))?;
    println!("clipped: class {}, {:?}", lab.model().label(trial.class), trial.verdict.outcome);
    for (layer, count) in &trial.clipped {
        println!("  {layer:<20} {count:>6} elements clipped");
    }
    Ok(())
}
