//! Against the libraries whose ways these are: images that originals.py wrote.

use super::super::*;
use crate::data::Image;

fn read(name: &str, bytes: &[u8]) -> Image {
    Image::decode(name, bytes).expect("a PNG of originals.py")
}

/// The largest difference from what a library makes of the image, and the share of values that differ.
fn difference(from: &Image, sizing: Sizing, expected: &Image) -> (u8, f64) {
    let found = sizing.apply(from, expected.width, expected.height).expect("it fits");
    assert_eq!(found.len(), expected.rgb.len());
    let differences: Vec<u8> = found.iter().zip(&expected.rgb).map(|(found, want)| found.abs_diff(*want)).collect();
    let differing = differences.iter().filter(|&&difference| difference > 0).count();
    (differences.iter().copied().max().unwrap_or(0), differing as f64 / found.len() as f64)
}

const STRETCH: Sizing = Sizing { resize: Resize::Stretch, filter: None, antialias: None, crop: None };

fn filter(filter: Filter) -> Sizing {
    Sizing { filter: Some(filter), ..STRETCH }
}

fn plain(filter: Filter) -> Sizing {
    Sizing { filter: Some(filter), antialias: Some(false), ..STRETCH }
}

macro_rules! pair {
    ($from:literal, $way:literal) => {
        (
            concat!($from, "-", $way),
            read($from, include_bytes!(concat!("../", $from, ".png"))),
            read($way, include_bytes!(concat!("../", $from, "-", $way, ".png"))),
        )
    };
}

#[test]
fn antialiased_filters_are_pillows_bit_for_bit() {
    let cases = [
        (filter(Filter::Bilinear), pair!("wide", "pillow-bilinear")),
        (filter(Filter::Bilinear), pair!("small", "pillow-bilinear")),
        (filter(Filter::Bicubic), pair!("wide", "pillow-bicubic")),
        (filter(Filter::Bicubic), pair!("small", "pillow-bicubic")),
        (filter(Filter::Lanczos), pair!("wide", "pillow-lanczos")),
        (filter(Filter::Lanczos), pair!("small", "pillow-lanczos")),
        (filter(Filter::Nearest), pair!("wide", "pillow-nearest")),
        (filter(Filter::Nearest), pair!("small", "pillow-nearest")),
        (STRETCH, pair!("wide", "pillow-bilinear")),
    ];
    for (sizing, (name, from, expected)) in cases {
        assert_eq!(difference(&from, sizing, &expected), (0, 0.0), "{name}");
    }
}

#[test]
fn filters_without_antialiasing_are_those_of_opencv_and_tensorflow() {
    let cases = [
        (plain(Filter::Bilinear), pair!("wide", "opencv-bilinear")),
        (plain(Filter::Bilinear), pair!("small", "opencv-bilinear")),
        (plain(Filter::Bilinear), pair!("wide", "tensorflow-bilinear")),
        (plain(Filter::Bilinear), pair!("small", "tensorflow-bilinear")),
        (plain(Filter::Lanczos), pair!("wide", "tensorflow-lanczos3")),
        (plain(Filter::Lanczos), pair!("small", "tensorflow-lanczos3")),
        (filter(Filter::Area), pair!("wide", "opencv-area")),
    ];
    for (sizing, (name, from, expected)) in cases {
        let (most, _) = difference(&from, sizing, &expected);
        assert!(most <= 1, "{name}: {most} grey levels");
    }
}

#[test]
fn crops_are_those_of_torchvision_timm_and_tensorflow() {
    let torchvision = crate::data::Preprocess::torchvision().sizing;
    let timm = Sizing { filter: Some(Filter::Bicubic), crop: "0.9".parse().ok(), ..torchvision };
    let crop_pad = Sizing::from(Resize::CropPad);
    let cases = [
        (torchvision, pair!("tall", "torchvision")),
        (torchvision, pair!("wide", "torchvision")),
        (timm, pair!("tall", "timm")),
        (timm, pair!("wide", "timm")),
        (crop_pad, pair!("wide", "tensorflow-crop-pad")),
        (crop_pad, pair!("small", "tensorflow-crop-pad")),
    ];
    for (sizing, (name, from, expected)) in cases {
        assert_eq!(difference(&from, sizing, &expected), (0, 0.0), "{name}");
    }
}
