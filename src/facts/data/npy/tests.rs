use proptest::prelude::*;

use super::*;

/// An `.npy` file of version 1.0.
fn npy(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(data);
    bytes
}

fn images(bytes: Vec<u8>) -> Result<NpyImages> {
    NpyImages::new("x.npy", Box::new(bytes), None)
}

proptest! {
    #[test]
    fn damaged_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = npy("|u1", "False", "(1, 2, 2, 3)", &[0; 12]);
        for (at, byte) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        let _ = labels("x", &bytes);
        let _ = images(bytes);
    }
}

#[test]
fn images_are_cut_out_of_an_npy_file() {
    let data: Vec<u8> = (0..36).collect();
    let colour = images(npy("|u1", "False", "(2, 2, 3, 3)", &data)).expect("reads");
    assert_eq!(colour.len(), 2);
    assert_eq!(colour.get(1).expect("there is one"), Image { width: 3, height: 2, rgb: data[18..].to_vec() });
    assert!(colour.get(2).expect_err("the last is 1").to_string().contains("no image 2, only 2"));
    let grey = images(npy("|u1", "False", "(3, 2, 2, 1)", &data[..12])).expect("reads");
    assert_eq!(grey.get(2).expect("there is one").rgb, [8, 8, 8, 9, 9, 9, 10, 10, 10, 11, 11, 11]);
}

#[test]
fn the_shape_tells_where_the_channels_are() {
    let data: Vec<u8> = (0..24).collect();
    let first = images(npy("|u1", "False", "(2, 3, 2, 2)", &data)).expect("reads");
    let expected = [12, 16, 20, 13, 17, 21, 14, 18, 22, 15, 19, 23];
    assert_eq!(first.get(1).expect("there is one"), Image { width: 2, height: 2, rgb: expected.to_vec() });
    let both = || Box::new(npy("|u1", "False", "(2, 3, 1, 3)", &data[..18]));
    let error = NpyImages::new("x.npy", both(), None).expect_err("both fit").to_string();
    assert!(error.contains("npy-nhwc or npy-nchw"), "{error}");
    let read = |layout| NpyImages::new("x.npy", both(), Some(layout)).expect("stated").get(0).expect("there is one");
    assert_eq!(read(ChannelOrder::ChannelsLast), Image { width: 1, height: 3, rgb: (0..9).collect() });
    let planes = Image { width: 3, height: 1, rgb: vec![0, 3, 6, 1, 4, 7, 2, 5, 8] };
    assert_eq!(read(ChannelOrder::ChannelsFirst), planes);
    let wrong = NpyImages::new(
        "x.npy",
        Box::new(npy("|u1", "False", "(2, 2, 2, 3)", &data)),
        Some(ChannelOrder::ChannelsFirst),
    );
    assert!(wrong.is_err(), "no channels there");
}

#[test]
fn floats_are_bytes_in_disguise_or_refused() {
    let file = |values: &[f32]| {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        images(npy("<f4", "False", "(1, 2, 1, 3)", &data))
    };
    let bytes = [0u8, 1, 77, 128, 254, 255];
    let rgb = |images: Result<NpyImages>| images.expect("reads").get(0).expect("there is one").rgb;
    assert_eq!(rgb(file(&bytes.map(f32::from))), bytes);
    assert_eq!(rgb(file(&bytes.map(|byte| f32::from(byte) / 255.0))), bytes);
    for (values, named) in [
        ([0.0, 0.1, 0.5, 1.0, 0.0, 0.0], "0.1"),
        ([-1.0, 0.0, 1.0, 0.0, 0.0, 0.0], "-1"),
        ([0.0, 256.0, 1.0, 0.0, 0.0, 0.0], "256"),
        ([0.0, 2.5, 1.0, 0.0, 0.0, 0.0], "2.5"),
        ([0.0, f32::NAN, 1.0, 0.0, 0.0, 0.0], "NaN"),
    ] {
        let error = file(&values).expect_err(named).to_string();
        assert!(error.contains(&format!("image 0 has {named}; save them as uint8")), "{error}");
    }
}

#[test]
fn labels_of_every_integer_type_are_read() {
    for (descr, data) in [
        ("|u1", vec![3, 200]),
        ("<u2", vec![3, 0, 200, 0]),
        ("<i4", vec![3, 0, 0, 0, 200, 0, 0, 0]),
        ("<i8", vec![3, 0, 0, 0, 0, 0, 0, 0, 200, 0, 0, 0, 0, 0, 0, 0]),
    ] {
        assert_eq!(labels("y.npy", &npy(descr, "False", "(2,)", &data)).expect(descr), [3, 200]);
    }
    assert_eq!(labels("y.npy", &npy("|i1", "False", "(2, 1)", &[3, 4])).expect("a column"), [3, 4]);
}

#[test]
fn damaged_and_hostile_npy_files_are_refused_by_name() {
    let good = npy("|u1", "False", "(1, 2, 2, 3)", &[0; 12]);
    for cut in 0..good.len() {
        assert!(images(good[..cut].to_vec()).is_err(), "cut at {cut}");
    }
    let mut huge = b"\x93NUMPY\x02\0\xff\xff\xff\xff".to_vec();
    huge.extend([b'('; 100]);
    let mut nested = b"\x93NUMPY\x01\0\xff\x03".to_vec();
    nested.extend([b'('; 1023]);
    for bytes in [
        npy("|u1", "False", "(1, 2, 2, 3)", &[0; 13]),
        npy("|u1", "False", "(4294967296, 4294967296, 1, 1)", &[]),
        npy("|u1", "False", "(0, 2, 2, 3)", &[]),
        npy("|u1", "False", "(1, 2, 2, 4)", &[0; 16]),
        npy("|u1", "True", "(1, 2, 2, 3)", &[0; 12]),
        npy("<f8", "False", "(1, 1, 1, 3)", &[0; 24]),
        npy("|O", "False", "(1, 2, 2, 3)", &[0; 12]),
        huge,
        nested,
    ] {
        let error = images(bytes).expect_err("hostile").to_string();
        assert!(error.starts_with("x.npy: "), "{error}");
    }
    for bytes in [
        npy("<i8", "False", "(1,)", &[0xff; 8]),
        npy(">i8", "False", "(1,)", &[0; 8]),
        npy("<f8", "False", "(1,)", &[0; 8]),
        npy("<i8", "False", "(2, 2)", &[0; 32]),
    ] {
        assert!(labels("y.npy", &bytes).expect_err("hostile").to_string().starts_with("y.npy: "));
    }
}
