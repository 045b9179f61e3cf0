mod originals;

use super::filter::cubic_weights;
use super::*;

/// An image that reference.py wrote.
macro_rules! picture {
    ($name:literal) => {
        Image::decode($name, include_bytes!(concat!("../", $name, ".png"))).expect("a PNG of reference.py")
    };
}

const STUDY: Sizing = Sizing { resize: Resize::ShorterSide, filter: None, antialias: None, crop: None };
#[test]
fn the_shorter_side_is_resized_as_opencv_does_it() {
    let cases = [
        (picture!("tall"), picture!("tall-28")),
        (picture!("wide"), picture!("wide-32")),
        (picture!("small"), picture!("small-49")),
        (picture!("square"), picture!("square-35")),
    ];
    for (image, expected) in cases {
        let (side, size) = (expected.width, (image.width, image.height));
        let found = STUDY.apply(&image, side, side).expect("it fits");
        let differences = || found.iter().zip(&expected.rgb).map(|(found, expected)| found.abs_diff(*expected));
        assert_eq!(found.len(), expected.rgb.len());
        // Where a value lies half-way between two grey levels, the order of the sums decides.
        let (most, sum) = (differences().max(), differences().map(u64::from).sum::<u64>());
        assert!(
            most <= Some(1) && sum <= found.len() as u64 / 1000,
            "{size:?} to {side}: at most {most:?}, {sum} in all"
        );
    }
}

#[test]
fn the_crop_is_in_the_middle_rounded_down() {
    // 224 asks for a shorter side of 256, so 336 x 256 is kept as it is and cropped from (56, 16).
    let at = |x: usize, y: usize| [(x % 256) as u8, y as u8, (x / 256) as u8];
    let rgb = (0..256).flat_map(|y| (0..336).flat_map(move |x| at(x, y))).collect();
    let image = Image { width: 336, height: 256, rgb };
    let cropped = STUDY.apply(&image, 224, 224).expect("it fits");
    assert_eq!(cropped[..3], at(56, 16));
    assert_eq!(cropped[cropped.len() - 3..], at(56 + 223, 16 + 223));
    // int(1.14286 * 299) is 341: an odd number of rows, one of which is cut from below.
    let image = Image { width: 341, height: 341, rgb: (0..341u32).flat_map(|y| [(y % 251) as u8; 341 * 3]).collect() };
    let cropped = STUDY.apply(&image, 299, 299).expect("it fits");
    assert_eq!((cropped[0], cropped[cropped.len() - 1]), (21, (319 % 251) as u8));
}

#[test]
fn weights_make_one_and_a_pixels_own_place_is_its_value() {
    assert_eq!(cubic_weights(0.0), [0.0, 1.0, 0.0, 0.0]);
    for x in [0.1, 0.25, 0.5, 0.999] {
        assert!((cubic_weights(x).iter().sum::<f32>() - 1.0).abs() < 1e-6, "{x}");
    }
}

#[test]
fn sizes_that_make_no_sense_are_refused() {
    let image = |width, height| Image { width, height, rgb: vec![9; width * height * 3] };
    let refused = |image: &Image, width, height, expected: &str| {
        let error = STUDY.apply(image, width, height).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused(&image(8, 8), 8, 9, "ends in a square");
    refused(&image(8, 8), 0, 0, "cannot be resized to 0 x 0");
    refused(&image(0, 8), 4, 4, "0 x 8 cannot be resized");
    refused(&image(100_000, 1), 224, 224, "too long to be resized to 25600000 x 256");
    refused(&Image { rgb: vec![0; 5], ..image(8, 8) }, 4, 4, "here are 5");
    assert_eq!(*STUDY.apply(&image(1, 1), 3, 3).expect("one pixel is enough"), [9; 27]);
}
