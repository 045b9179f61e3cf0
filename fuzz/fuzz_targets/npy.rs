//! Arrays of numpy: images and class numbers.

#![no_main]

use facts::data::npy::{ChannelOrder, NpyImages, labels};
use faultscope_fuzz::{MIB, accepted, init, limited};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "fuzz.npy";

fuzz_target!(init: init(), |bytes: &[u8]| {
    for layout in [None, Some(ChannelOrder::ChannelsLast), Some(ChannelOrder::ChannelsFirst)] {
        limited(MIB, bytes.len(), || images(bytes, layout));
    }
    let Some(labels) = limited(MIB, bytes.len(), || accepted(NAME, labels(NAME, bytes))) else { return };
    assert!(labels.len() <= bytes.len());
    let again = array("<i8", &format!("({},)", labels.len()), labels.iter().flat_map(|label| label.to_le_bytes()));
    match self::labels(NAME, &again) {
        Ok(read) => assert_eq!(read, labels),
        Err(_) => assert!(labels.iter().any(|&label| i64::try_from(label).is_err())),
    }
});

fn images(bytes: &[u8], layout: Option<ChannelOrder>) {
    let Some(images) = accepted(NAME, NpyImages::new(NAME, Box::new(bytes.to_vec()), layout)) else { return };
    let (width, height) = images.size();
    assert!(images.len() * width * height <= bytes.len(), "more pixels than bytes");
    assert!(accepted(NAME, images.get(images.len())).is_none());
    for index in [0, images.len() / 2, images.len() - 1] {
        let image = images.get(index).expect("an image below the number of images is readable");
        assert_eq!((image.width, image.height, image.rgb.len()), (width, height, 3 * width * height));
    }
    // Bytes of three channels stand in the file as they stand in memory.
    let size = 3 * width * height * images.len();
    if layout == Some(ChannelOrder::ChannelsLast) && bytes.windows(5).take(100).any(|window| window == b"'|u1'") {
        let all: Vec<u8> = (0..images.len()).flat_map(|index| images.get(index).expect("readable").rgb).collect();
        assert!(bytes.ends_with(&all) || size > bytes.len(), "other pixels than in the file");
    }
}

fn array(kind: &str, shape: &str, data: impl Iterator<Item = u8>) -> Vec<u8> {
    let head = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (head.len() as u16).to_le_bytes();
    b"\x93NUMPY\x01\0".iter().copied().chain(length).chain(head.into_bytes()).chain(data).collect()
}
