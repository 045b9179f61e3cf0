//! Data sets in one file, whatever their format: npz, MNIST's files, CIFAR's pickles, tar and zip of images.

#![no_main]

use std::sync::Arc;

use facts::data::set::{self, Choices, Held};
use facts::limits::{Memory, allow};
use faultscope_fuzz::{MIB, init, limited};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "fuzz.bin";
/// What readers may unpack and decode.
const ALLOWED: usize = 64 * MIB;

fuzz_target!(
    init: {
        init();
        allow(Memory::new(ALLOWED as u64));
    },
    |bytes: &[u8]| {
        limited(2 * ALLOWED, bytes.len(), || {
            let Ok(Held::Set(set)) = set::open(NAME, Arc::new(bytes.to_vec()), Choices::default()) else { return };
            let count = set.source.len();
            for index in [0, count / 2, count.saturating_sub(1)].into_iter().filter(|&index| index < count) {
                if let Ok(image) = set.source.image(index) {
                    assert_eq!(image.rgb.len(), 3 * image.width * image.height);
                }
                let _ = (set.source.name(index), set.source.label(index));
            }
            assert!(set.source.image(count).is_err(), "an image behind the last");
        });
    }
);
