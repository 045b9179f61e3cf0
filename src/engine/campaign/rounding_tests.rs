//! Scales and accuracies that are learnt step by step, with expected values from golden runs that are made here one by one.

use facts::campaign::{
    Calibration, CampaignConfig, CoveredRange, Faults, Images, NumberFormats, OnBadImage, RoundedAccuracy, TensorScale,
};
use facts::data::{Image, ImageSource};
use facts::format::Scale;
use facts::graph::{GraphBuilder, HostTensor, Op, Unary};
use facts::model::{Card, Model};
use facts::{Error, Result};

use super::*;

/// A network with three scores, each the mean of one colour.
fn model() -> Model {
    let mut builder = GraphBuilder::new("means");
    let input = builder.input("image", [1, 3, 2, 2]).unwrap();
    let relu = builder.layer("relu", "Relu", Op::Unary(Unary::Relu), &[input]).unwrap();
    let flat = builder.layer("flat", "Flatten", Op::Reshape { shape: vec![1, 12] }, &[relu]).unwrap();
    let weight: Vec<f32> = (0..12 * 3).map(|i| if i / 3 / 4 == i % 3 { 0.25 } else { 0.01 }).collect();
    let weight = builder.parameter("fc.weight", HostTensor::new([12, 3], weight).unwrap()).unwrap();
    let scores = builder.layer("fc", "MatMul", Op::MatMul, &[flat, weight]).unwrap();
    Model::new(builder.finish(&[scores]).unwrap(), Card::default()).unwrap()
}

/// Images with labels, some of which cannot be read.
struct Gappy(Vec<Option<(Image, usize)>>);

impl ImageSource for Gappy {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn name(&self, index: usize) -> String {
        format!("image {index}")
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.0[index].as_ref().map_or(Some(0), |(_, label)| Some(*label))
    }

    fn image(&self, index: usize) -> Result<Image> {
        let image = self.0[index].as_ref().map(|(image, _)| image.clone());
        image.ok_or_else(|| Error::input(self.name(index), "it is cut short"))
    }
}

/// Seven images, the third of which cannot be read; the colours of some are close to each other.
fn images() -> Gappy {
    let image = |index: usize| {
        let pixel = |at: usize| {
            let mut rgb = [110 + (5 * index + at) as u8; 3];
            rgb[index % 3] += if index < 3 { 60 } else { 3 };
            rgb
        };
        let rgb = (0..4).flat_map(pixel).collect();
        (index != 2).then_some((Image { width: 2, height: 2, rgb }, index % 3))
    };
    Gappy((0..7).map(image).collect())
}

fn numbers(format: &str, images: usize, range: CoveredRange) -> NumberFormats {
    let format = format.parse().unwrap();
    NumberFormats {
        outputs: format,
        weights: format,
        calibration: Some(Calibration { range, ..Calibration::usual(images) }),
    }
}

/// The elements of each layer's output in the golden runs of the first `count` images that can be read.
fn elements(model: &Model, images: &Gappy, count: usize) -> Vec<(String, Vec<f32>)> {
    let lab = Lab::cpu(model.clone()).unwrap();
    let outputs = model.graph.nodes.iter().map(|node| node.outputs[0]);
    let mut all: Vec<_> = outputs.map(|id| (id, model.graph.values[id].name.clone(), Vec::new())).collect();
    for (image, _) in images.0[..count].iter().flatten() {
        let input = model.preprocess().apply(image, model.input_shape()).unwrap();
        let golden = pollster::block_on(lab.golden(&input)).unwrap();
        for (id, _, elements) in &mut all {
            elements.extend(pollster::block_on(golden.activations.get(*id).unwrap().read()).unwrap());
        }
    }
    all.into_iter().map(|(_, name, elements)| (name, elements)).collect()
}

/// The ends of `elements` without the parts of the range, of 4096, that the outermost `(100 - share) / 2` % fill alone.
fn covered(elements: &[f32], share: f64) -> [f32; 2] {
    const PARTS: usize = 4096;
    let (low, high) = ends(elements);
    let width = (f64::from(high) - f64::from(low)) / PARTS as f64;
    let part = |element: f32| (((f64::from(element) - f64::from(low)) / width) as usize).min(PARTS - 1);
    let cut = ((100.0 - share) / 200.0 * elements.len() as f64).floor() as usize;
    let few = |is_out: &dyn Fn(usize) -> bool| elements.iter().filter(|&&element| is_out(part(element))).count() <= cut;
    let below = (0..=PARTS).rev().find(|&parts| few(&|part| part < parts)).unwrap();
    let above = (0..=PARTS).rev().find(|&parts| few(&|part| part >= PARTS - parts)).unwrap();
    let [below, above] = [below, above].map(|parts| parts as f64 * width);
    [(f64::from(low) + below) as f32, (f64::from(high) - above) as f32]
}

fn ends(elements: &[f32]) -> (f32, f32) {
    elements.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &one| (low.min(one), high.max(one)))
}

#[test]
fn scales_that_are_learnt_step_by_step_cover_the_elements_of_the_golden_runs() {
    let (model, images) = (model(), images());
    let lab = Lab::cpu(model.clone()).unwrap();
    for (range, steps) in [(CoveredRange::MinMax, 5), (CoveredRange::Percentile(80.0), 10)] {
        let numbers = numbers("int8", 5, range);
        let mut rounding = Rounding::new(&model, numbers, &images).unwrap();
        for done in 0..steps {
            assert_eq!(rounding.progress(), [done, steps]);
            assert!(pollster::block_on(rounding.step(&lab, &images, OnBadImage::Skip)).unwrap());
        }
        assert!(!pollster::block_on(rounding.step(&lab, &images, OnBadImage::Skip)).unwrap());
        assert_eq!(rounding.progress(), [steps, steps]);
        let learnt = rounding.finish(&model).unwrap();
        let expected = elements(&model, &images, 5).into_iter().map(|(tensor, elements)| {
            let [low, high] = match range {
                CoveredRange::MinMax => ends(&elements).into(),
                CoveredRange::Percentile(share) => covered(&elements, share),
            };
            TensorScale { tensor, scale: numbers.output_scale(low, high) }
        });
        assert_eq!(learnt.scales, expected.collect::<Vec<_>>(), "{range}");
        let at_once = pollster::block_on(rounded(&model, &numbers, &images, OnBadImage::Skip)).unwrap();
        assert_eq!((at_once.scales, at_once.model.graph), (learnt.scales, learnt.model.graph));
    }
}

#[test]
fn before_scales_are_learnt_the_network_has_their_formats() {
    let (model, images) = (model(), images());
    let rounding = Rounding::new(&model, numbers("int8", 5, CoveredRange::MinMax), &images).unwrap();
    let unlearnt = rounding.unlearnt(&model).unwrap();
    assert!(unlearnt.scales.len() == 3 && unlearnt.scales.iter().all(|scale| scale.scale == Scale::default()));
    let learnt =
        pollster::block_on(rounded(&model, &numbers("int8", 5, CoveredRange::MinMax), &images, OnBadImage::Skip));
    let formats = |model: &Model| model.graph.values.iter().map(|value| value.format).collect::<Vec<_>>();
    assert_eq!(formats(&unlearnt.model), formats(&learnt.unwrap().model));
    let float = NumberFormats::usual("bf16".parse().unwrap(), "bf16".parse().unwrap(), 7);
    let mut rounding = Rounding::new(&model, float, &images).unwrap();
    let lab = Lab::cpu(model.clone()).unwrap();
    assert!(!pollster::block_on(rounding.step(&lab, &images, OnBadImage::Stop)).unwrap(), "nothing has to be learnt");
    assert_eq!((rounding.progress(), rounding.finish(&model).unwrap().scales), ([0, 0], Vec::new()));
}

#[test]
fn images_that_cannot_be_read_end_a_rounding_or_are_passed_over() {
    let (model, images) = (model(), images());
    let refused = |numbers, images: &Gappy, bad| {
        pollster::block_on(rounded(&model, &numbers, images, bad)).unwrap_err().to_string()
    };
    let usual = |images| numbers("int8", images, CoveredRange::MinMax);
    assert_eq!(refused(usual(5), &images, OnBadImage::Stop), "image 2: it is cut short");
    let none = Gappy(vec![None, None]);
    let problem = "none of the first 2 images can be read, from which scales are learnt";
    assert_eq!(refused(usual(2), &none, OnBadImage::Skip), problem);
    assert!(refused(usual(8), &images, OnBadImage::Skip).contains("golden runs of 8 images; expected 1 to 7"));
}

/// The images that `lab` classifies correctly.
fn hits(lab: &Lab, images: &Gappy) -> u64 {
    let right = |(image, label): &&(Image, usize)| {
        let input = lab.model().preprocess().apply(image, lab.model().input_shape()).unwrap();
        pollster::block_on(lab.golden(&input)).unwrap().class == *label
    };
    images.0.iter().flatten().filter(right).count() as u64
}

#[test]
fn the_accuracy_beside_is_counted_wave_by_wave() {
    let (model, images) = (model(), images());
    let plain = Lab::cpu(model.clone()).unwrap();
    let coarse = NumberFormats::usual("fixed:3.2".parse().unwrap(), "fixed:3.2".parse().unwrap(), 7);
    let model = pollster::block_on(rounded(&model, &coarse, &images, OnBadImage::Skip)).unwrap().model;
    let lab = Lab::cpu(model).unwrap();
    let config = CampaignConfig {
        model: "means".to_owned(),
        seed: 1,
        images: None,
        faults: Faults::Each(1),
        fault_model: Default::default(),
        grouping: None,
        protect: None,
        compared: None,
        on_bad_image: OnBadImage::Skip,
        design: None,
        exhaustive: false,
        until: None,
        numbers: coarse,
    };
    let plan = plan(&lab, config, &images, Images::All(7)).unwrap();
    let expected = RoundedAccuracy { images: 6, float32: hits(&plain, &images), rounded: hits(&lab, &images) };
    assert_ne!(expected.float32, expected.rounded, "the format is too coarse for these images");
    for (runs, steps) in [(2, 8), (4, 4), (64, 2)] {
        let budget = Budget { runs, ..Budget::default() };
        let mut beside = AccuracyBeside::new(&plain, &images, &plan);
        let step = |beside: &mut AccuracyBeside| {
            pollster::block_on(beside.step(&plain, &lab, &images, &plan, budget)).unwrap()
        };
        for done in 0..steps {
            let each = done % (steps / 2) * runs;
            assert_eq!(beside.progress(), [if done < steps / 2 { each } else { 7 + each }, 14]);
            assert!(step(&mut beside));
        }
        assert!(!step(&mut beside));
        assert_eq!((beside.progress(), beside.finish()), ([14, 14], Some(expected)), "waves of {runs}");
        let at_once = pollster::block_on(accuracy_beside(&plain, &lab, &images, &plan, budget)).unwrap();
        assert_eq!(at_once, Some(expected));
    }
}
