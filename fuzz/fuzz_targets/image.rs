//! Images: JPEG, PNG, WebP, BMP and PNM.

#![no_main]

use facts::data::Image;
use faultscope_fuzz::{MIB, accepted, init, limited};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "fuzz.image";
/// The limit of the reader.
const MAX_PIXELS: usize = 64_000_000;

fuzz_target!(init: init(), |bytes: &[u8]| {
    // The largest image that is read has 8 bytes a pixel before it is converted, and 3 after.
    let read = || accepted(NAME, Image::decode(NAME, bytes));
    let Some(image) = limited(MAX_PIXELS * 12 + 64 * MIB, bytes.len(), read) else { return };
    let pixels = image.width * image.height;
    assert!((1..=MAX_PIXELS).contains(&pixels));
    assert_eq!(image.rgb.len(), 3 * pixels);
    // A PNG loses nothing. Large images take too long.
    if pixels < 1 << 16 {
        let png = image.to_png().expect("an image that was read can be written");
        assert_eq!(Image::decode(NAME, &png).expect("the PNG is whole"), image);
        let corner = image.crop([0, 0, 1, 1]).expect("there is one pixel");
        assert_eq!(corner.rgb, image.rgb[..3]);
    }
});
