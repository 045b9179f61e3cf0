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

/// The 12 pixels 0, 20 ... 220 of an image of 2 x 2 pixels, as `kind`.
fn ramp(kind: &str) -> Vec<u8> {
    let values = (0..12u8).map(|place| 20 * place);
    match kind {
        "<i8" => values.flat_map(|value| i64::from(value).to_le_bytes()).collect(),
        ">i2" => values.flat_map(|value| i16::from(value).to_be_bytes()).collect(),
        ">f4" => values.flat_map(|value| f32::from(value).to_be_bytes()).collect(),
        "<f8" => values.flat_map(|value| (f64::from(value) / 255.0).to_le_bytes()).collect(),
        other => panic!("{other}"),
    }
}

#[test]
fn numbers_of_every_type_become_bytes() {
    let expected: Vec<u8> = (0..12).map(|place| 20 * place).collect();
    for (kind, notices) in [("<i8", 0), (">i2", 0), (">f4", 0), ("<f8", 1)] {
        let images = images(npy(kind, "False", "(1, 2, 2, 3)", &ramp(kind))).expect(kind);
        assert_eq!(images.get(0).expect("there is one").rgb, expected, "{kind}");
        assert_eq!(images.notices().len(), notices, "{kind}: {:?}", images.notices());
    }
    let share = images(npy("<f8", "False", "(1, 2, 2, 3)", &ramp("<f8"))).expect("reads");
    assert!(share.notices()[0].contains("the float64 pixels from 0 to 0.86"), "{:?}", share.notices());
    assert!(share.notices()[0].ends_with("are taken as shares of 255"), "{:?}", share.notices());
    let bool = images(npy("|b1", "False", "(1, 1, 2)", &[0, 1])).expect("reads");
    assert_eq!(bool.get(0).expect("there is one").rgb, [0, 0, 0, 255, 255, 255]);
    assert!(bool.notices()[0].contains("True as white"), "{:?}", bool.notices());
}

#[test]
fn grey_images_need_no_axis_of_channels() {
    let grey = images(npy("|u1", "False", "(2, 2, 3)", &(0..12).collect::<Vec<u8>>())).expect("reads");
    assert_eq!((grey.len(), grey.size()), (2, (3, 2)));
    let rgb: Vec<u8> = (6..12).flat_map(|value| [value; 3]).collect();
    assert_eq!(grey.get(1).expect("there is one").rgb, rgb);
}

/// numpy.asfortranarray of `arange(24).reshape(2, 2, 2, 3)`, whose bytes are those of `ravel("F")`.
#[test]
fn the_first_index_may_run_fastest() {
    let data = [0, 12, 6, 18, 3, 15, 9, 21, 1, 13, 7, 19, 4, 16, 10, 22, 2, 14, 8, 20, 5, 17, 11, 23];
    let turned = images(npy("|u1", "True", "(2, 2, 2, 3)", &data)).expect("reads");
    assert_eq!(turned.get(0).expect("there is one").rgb, (0..12).collect::<Vec<u8>>());
    assert_eq!(turned.get(1).expect("there is one").rgb, (12..24).collect::<Vec<u8>>());
    // One-hot rows [0, 1], [1, 0], [0, 1].
    let rows = labels("y.npy", &npy("|u1", "True", "(3, 2)", &[0, 1, 0, 1, 0, 1])).expect("reads");
    assert_eq!(rows, [1, 0, 1]);
}

#[test]
fn floats_are_shares_or_bytes_or_refused() {
    let file = |values: &[f32]| {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let bytes = Box::new(npy("<f4", "False", "(2, 1, 1, 3)", &data));
        NpyImages::new("x.npy", bytes, Some(ChannelOrder::ChannelsLast))
    };
    let bytes = [0u8, 1, 77, 128, 254, 255];
    let rgb = |images: &NpyImages| [0, 1].map(|index| images.get(index).expect("there is one").rgb).concat();
    let whole = file(&bytes.map(f32::from)).expect("reads");
    assert_eq!((rgb(&whole), whole.notices().len()), (bytes.to_vec(), 0));
    assert_eq!(rgb(&file(&bytes.map(|byte| f32::from(byte) / 255.0)).expect("reads")), bytes);
    let shares = file(&[0.0, 0.1, 0.5, 1.0, 0.0, 0.0]).expect("reads");
    assert_eq!(rgb(&shares), [0, 26, 128, 255, 0, 0], "0.1 is 25.5 of 255");
    assert!(shares.notices()[0].contains("shares of 255 and rounded to whole bytes, by up to 0.50"));
    let halves = file(&[0.0, 2.5, 100.0, 1.0, 0.0, 0.0]).expect("reads");
    assert_eq!(rgb(&halves), [0, 3, 100, 1, 0, 0]);
    assert!(halves.notices()[0].contains("the float32 pixels are rounded to whole bytes"), "{:?}", halves.notices());
    for (values, named) in [
        ([0.0, 0.0, 0.0, -1.0, 0.0, 1.0], "image 1 has -1;"),
        ([0.0, 256.0, 1.0, 0.0, 0.0, 0.0], "image 0 has 256;"),
        ([0.0, f32::NAN, 1.0, 0.0, 0.0, 0.0], "image 0 has NaN;"),
    ] {
        let error = file(&values).expect_err(named).to_string();
        assert!(error.contains(named) && error.contains("before normalisation, as uint8"), "{error}");
    }
    // Shares that a resampling has left a little above 1, and shares of 2.
    for values in [[0.0, 0.5, 1.0001, 0.2, 0.0, 1.0], [0.0, 0.5, 1.56, 0.2, 0.0, 1.0]] {
        let error = file(&values).expect_err("unclear").to_string();
        assert!(error.contains("clip shares to 0 to 1") && error.contains(&values[2].to_string()[..4]), "{error}");
    }
    assert_eq!(rgb(&file(&[0.0, 2.0, 9.0, 1.0, 0.0, 0.0]).expect("whole numbers")), [0, 2, 9, 1, 0, 0]);
    let binary = images(npy("<i2", "False", "(1, 1, 2)", &[0, 0, 1, 0])).expect_err("unclear").to_string();
    assert!(binary.contains("all pixels are 0 or 1, of type int16"), "{binary}");
}

#[test]
fn labels_may_be_floats_bools_and_one_hot() {
    let floats = |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
    let read = |kind, shape, data: &[u8]| labels("y.npy", &npy(kind, "False", shape, data)).map_err(|e| e.to_string());
    assert_eq!(read("<f4", "(3,)", &floats(&[3.0, 0.0, 12.0])).unwrap(), [3, 0, 12]);
    assert_eq!(read("|b1", "(3,)", &[0, 1, 1]).unwrap(), [0, 1, 1]);
    assert_eq!(read(">i8", "(1,)", &5u64.to_be_bytes()).unwrap(), [5]);
    assert_eq!(read("<f4", "(2, 3)", &floats(&[0.0, 0.0, 1.0, 1.0, 0.0, 0.0])).unwrap(), [2, 0]);
    assert_eq!(read("|b1", "(2, 2)", &[0, 1, 1, 0]).unwrap(), [1, 0]);
    for (kind, shape, data, expected) in [
        ("<f4", "(1,)", floats(&[1.5]), "label 0 is 1.5; it is negative, no whole number"),
        ("<f4", "(1,)", floats(&[f32::NAN]), "label 0 is NaN"),
        ("<f4", "(1, 2)", floats(&[0.5, 0.5]), "row 0 has 0.5; save one axis of class numbers"),
        ("|u1", "(2, 2)", vec![0, 1, 1, 1], "row 1 has several 1"),
        ("|u1", "(2, 2)", vec![0, 0, 0, 1], "row 0 has no 1"),
        ("|u1", "(1, 1, 1)", vec![0], "one axis of class numbers, or as one-hot rows, found uint8 of shape [1, 1, 1]"),
        ("|u1", "(1000000000000000000, 0)", vec![], "found uint8 of shape"),
    ] {
        let error = read(kind, shape, &data).expect_err(expected);
        assert!(error.starts_with("y.npy: ") && error.contains(expected), "{error}");
    }
    let array = Array::npy("y.npy", Box::new(npy("|b1", "False", "(1,)", &[1]))).unwrap();
    assert!(Labels::read(&array).unwrap().notices[0].contains("True as class 1"));
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
        npy("|u1", "False", "(4, 12)", &[0; 48]),
        npy("<c8", "False", "(1, 1, 1, 3)", &[0; 24]),
        npy("<f16", "False", "(1, 1, 1, 3)", &[0; 48]),
        npy("|O", "False", "(1, 2, 2, 3)", &[0; 12]),
        huge,
        nested,
    ] {
        let error = images(bytes).expect_err("hostile").to_string();
        assert!(error.starts_with("x.npy: "), "{error}");
    }
    for bytes in [
        npy("<i8", "False", "(1,)", &[0xff; 8]),
        npy("<f8", "False", "(1,)", &(-1f64).to_le_bytes()),
        npy("<i8", "False", "(2, 2)", &[0; 32]),
    ] {
        assert!(labels("y.npy", &bytes).expect_err("hostile").to_string().starts_with("y.npy: "));
    }
}
