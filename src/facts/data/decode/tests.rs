use super::*;

macro_rules! case {
    ($name:literal) => {
        ($name, &include_bytes!(concat!($name, ".jpg"))[..], &include_bytes!(concat!($name, ".png"))[..])
    };
}

/// Largest and mean difference from what Pillow made.
fn difference(name: &str, bytes: &[u8], png: &[u8]) -> (u8, f64) {
    let found = Image::decode(name, bytes).unwrap_or_else(|error| panic!("{error}"));
    let expected = Image::decode(name, png).expect("a PNG of reference.py");
    assert_eq!((found.width, found.height), (expected.width, expected.height), "{name}");
    let differences = found.rgb.iter().zip(&expected.rgb).map(|(found, expected)| found.abs_diff(*expected));
    let sum: u64 = differences.clone().map(u64::from).sum();
    (differences.max().unwrap_or(0), sum as f64 / found.rgb.len() as f64)
}

#[test]
fn jpegs_of_every_kind_are_those_of_pillow() {
    for (name, bytes, png) in [case!("rgb"), case!("cmyk"), case!("grey"), case!("progressive")] {
        let (most, mean) = difference(name, bytes, png);
        assert!(most <= 4 && mean <= 0.5, "{name}: {most} at most, {mean} on average");
    }
}

#[test]
fn zeros_in_the_place_of_the_end_are_no_loss() {
    for (name, bytes, png) in [case!("rgb"), case!("progressive"), case!("grey")] {
        let end = bytes.len() - 2;
        for zeros in [1, 2, 16, 5000] {
            let ended = [&bytes[..end], &vec![0; zeros]].concat();
            let (most, mean) = difference(name, &ended, png);
            assert!(most <= 4 && mean <= 0.5, "{name}: {most} at most, {mean} on average");
        }
        // A download that broke off in a file of its full length.
        for cut in [end / 2, end * 3 / 4, end - 60] {
            let torn = [&bytes[..cut], &vec![0; bytes.len() - cut]].concat();
            let error = Image::decode(name, &torn).map(drop).expect_err("torn").to_string();
            assert!(error.contains("the JPEG is cut short"), "{name} at {cut}: {error}");
        }
        assert!(Image::decode(name, &bytes[..end]).map(drop).expect_err("no end").to_string().contains("cut short"));
    }
}
