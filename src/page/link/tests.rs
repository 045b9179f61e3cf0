use std::rc::Rc;

use facts::campaign::{Confidence, Criterion, DesignKind, Quantity};
use facts::data::{Color, Filter, FolderOrder, Normalise, Resize};
use facts::fault::{Sampling, Target};
use facts::labels::Grouping;

use super::*;

fn full() -> Link {
    Link {
        model: Some("efficientnet-lite0".into()),
        image: Some("file:my cat & dog #1.png".into()),
        card: CardChoice {
            output: Some("probabilities:0".into()),
            threshold: "0.9".parse().ok(),
            input_size: "192x256".parse().ok(),
            normalise: Some(Normalise::Caffe),
            color: Some(Color::Bgr),
            scale: "1/127.5".parse().ok(),
            mean: "0.5,0.25,0.125".parse().ok(),
            std: "0.5".parse().ok(),
            resize: Some(Resize::ShorterSide),
            filter: Some(Filter::Lanczos),
            antialias: Some(false),
            crop: "256/224".parse().ok(),
            labels: Some("file:names.txt".into()),
            grouping: Some("file:groups.toml".into()),
            format: Some(Format::Bf16),
            weight_format: Some(Format::Fixed { whole: 7, fraction: 8 }),
        },
        device: Some(DeviceChoice::Cpu),
        view: View::Campaign,
        fault: Place {
            target: Some(Target::Weight),
            layer: Some("/conv1/Conv".into()),
            tensor: Some("conv1.weight".into()),
            element: Some(12345),
        },
        look: Some(Place { element: Some(3), ..Place::output("/relu/Relu") }),
        sweep: Some(Sweep::Map),
        scale: Scale::Network,
        which: Some(Which::Faulty),
        colouring: Colouring::Corruption,
        kind: Some(FaultKind::Random),
        bits: Bits::one(31).ok(),
        value: Some(0.1),
        pattern: Some(Pattern::BulletWake(Some(4))),
        draw: Some(u64::MAX),
        run: true,
        campaign: CampaignLink {
            protocol: Some(Counting::Until),
            faults: Some(7),
            correct: Some(5),
            misclassified: Some(30),
            margin: "0.5pp".parse().ok(),
            of: Some(Quantity::ScmShare),
            design: Some(DesignKind::Stratified),
            confidence: Some(Confidence::NinetyNine),
            data: Some("file:test.bin".into()),
            labels: Some("file:labels.csv".into()),
            folder_order: Some(FolderOrder::String),
            label_shift: Some(-1),
            images: Some(100),
            seed: Some(u64::MAX),
            target: Some(Target::Weight),
            kind: Some(FaultKind::default()),
            bits: Some("0,23-30".parse().expect("bits")),
            format: Some(Format::I8),
            weight_format: Some(Format::E4m3),
            pattern: Some(Pattern::Block { width: 3, height: 2 }),
            layers: Some(vec!["/conv1/Conv".into(), "7".into()]),
            sampling: Some(Sampling::Element),
            protections: Some(vec!["secded".parse().expect("a protection"), "range".parse().expect("a protection")]),
            profile: Some(20),
            outcome: Some(Criterion::Sdc10),
            groups: Some(Rc::new(Grouping::builtin("cifar10").expect("it ships"))),
        },
        protect: true,
        protection: "tmr:conv1,\"a,b\"".parse().ok(),
        danger: true,
        lesson: "1,3*,7".parse().ok(),
        present: true,
        embed: true,
    }
}

#[test]
fn a_link_survives_the_round_trip() {
    for link in [Link::default(), full()] {
        let (back, problems) = Link::parse(&format!("#{}", link.to_hash()));
        assert_eq!(back, link);
        assert!(problems.is_empty(), "{problems:?}");
    }
}

#[test]
fn what_does_not_hold_is_left_out_with_a_sentence() {
    let long = "x".repeat(5000);
    for bad in [
        "bit=32",
        "bit=-1",
        "element=1e9",
        "seed=-4",
        "device=tpu",
        "preprocess=best",
        "resize=",
        "input-size=0",
        "output=",
        "threshold=0",
        "threshold=1",
        "threshold=x",
        "color=red",
        "pixel-scale=255",
        "pixel-scale=1/0",
        "mean=a",
        "mean=1,2,3,4,5",
        "std=",
        "filter=sharp",
        "antialias=yes",
        "crop=224",
        "crop=9/1",
        "target=bias",
        "type=stuck",
        "value=NaN",
        "value=1",
        "run=yes",
        "protect=2",
        "protection=",
        "protection=duplicate",
        "protection=secded:2",
        &format!("protection=tmr:{long}"),
        "lesson=0",
        "lesson=99",
        "lesson=1,99",
        "lesson=1,1",
        "present=yes",
        "embed=2",
        "faults=0",
        "faults=99999999999",
        "protocol=all",
        "correct=0",
        "misclassified=x",
        "margin=0",
        "margin=NaN",
        "confidence=100",
        "images=0",
        "protections=",
        "protections=range,duplicate",
        "design=exhaustive",
        "protections=range,range",
        "protections=range:channel",
        "profile=0",
        "outcome=due",
        "campaign-labels=labels.csv",
        "campaign-labels=file:",
        "folder-order=size",
        "label-shift=1.5",
        "sampling=bit",
        "campaign-target=bias",
        "campaign-type=stuck",
        "campaign-bit=32",
        "groups={}",
        "groups=%7B%22name%22%3A%22g%22%2C%22classes%22%3A2%2C%22group%22%3A%5B%5D%7D",
        "campaign-bit=30-23",
        "campaign-layers=a,,b",
        "data=",
        "layer=",
        "look-element=x",
        "look=",
        "view=settings",
        "sweep=all",
        "scale=log",
        "colour=blue",
        "layer=%00",
        &format!("model={long}"),
    ] {
        let (link, problems) = Link::parse(&format!("{bad}&image=a.jpg"));
        assert_eq!(link, Link { image: Some("a.jpg".into()), ..Link::default() }, "{bad}");
        assert_eq!(problems.len(), 1, "{bad}: {problems:?}");
        assert!(problems[0].len() < 250, "{bad}: {problems:?}");
    }
}

#[test]
fn what_is_unknown_is_passed_over() {
    let (link, problems) = Link::parse("#utm_source=x&bit=3&&=");
    assert_eq!(link, Link { bits: Bits::one(3).ok(), ..Link::default() });
    assert!(problems.is_empty());
}
