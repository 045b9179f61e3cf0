//! CIFAR's binary files.

#![no_main]

use facts::data::ImageSource;
use facts::data::cifar::{Cifar, CifarSource};
use faultscope_fuzz::{MIB, accepted, init, limited};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "fuzz.bin";
const PIXELS: usize = 32 * 32;

fuzz_target!(init: init(), |bytes: &[u8]| {
    for (set, labels) in [(Cifar::Ten, 1), (Cifar::Hundred, 2)] {
        let record = labels + 3 * PIXELS;
        check(set, labels, bytes);
        // Whole records are seldom made by chance.
        let mut whole = bytes.to_vec();
        whole.resize(bytes.len().next_multiple_of(record), 0);
        check(set, labels, &whole);
    }
});

fn check(set: Cifar, labels: usize, bytes: &[u8]) {
    let record = labels + 3 * PIXELS;
    let read = || accepted(NAME, CifarSource::new(NAME, Box::new(bytes.to_vec()), set));
    let Some(source) = limited(MIB, bytes.len(), read) else { return };
    assert_eq!(source.len() * record, bytes.len());
    assert!(accepted(NAME, source.image(source.len())).is_none());
    let classes = if set == Cifar::Ten { 10 } else { 100 };
    for (index, stored) in bytes.chunks(record).enumerate() {
        assert_eq!(source.label(index), Some(stored[labels - 1].into()));
        assert!(source.label(index) < Some(classes));
        let image = source.image(index).expect("an image below the number of images is readable");
        let planes = &stored[labels..];
        for pixel in [0, 33, PIXELS - 1] {
            let expected = [planes[pixel], planes[PIXELS + pixel], planes[2 * PIXELS + pixel]];
            assert_eq!(image.rgb[3 * pixel..][..3], expected);
        }
    }
}
