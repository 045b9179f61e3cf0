use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::data::Image;

fn open_bytes(name: &str, bytes: Vec<u8>) -> Result<Held> {
    open(name, Arc::new(bytes), Choices::default())
}

fn set(name: &str, bytes: Vec<u8>) -> Set {
    match open_bytes(name, bytes).expect(name) {
        Held::Set(set) => set,
        Held::Array(..) => panic!("{name} is an array"),
    }
}

fn refused(name: &str, bytes: Vec<u8>) -> String {
    let Err(error) = open_bytes(name, bytes) else { panic!("{name} is read") };
    let error = error.to_string();
    assert!(error.starts_with(name), "{error}");
    error
}

fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\0", &(head.len() as u16).to_le_bytes()[..], head.as_bytes(), data].concat()
}

fn zip(files: &[(&str, Vec<u8>)], method: zip::CompressionMethod) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, SimpleFileOptions::default().compression_method(method)).expect("a name");
        archive.write_all(bytes).expect("memory");
    }
    archive.finish().expect("a zip").into_inner()
}

fn png(grey: u8) -> Vec<u8> {
    Image { width: 1, height: 1, rgb: vec![grey; 3] }.to_png().expect("a PNG")
}

#[test]
fn the_test_set_of_an_npz_is_used() {
    let files = [
        ("x_train.npy", npy("|u1", "(3, 1, 2)", &[0; 6])),
        ("y_train.npy", npy("|u1", "(3,)", &[0; 3])),
        ("x_test.npy", npy("|u1", "(2, 1, 2)", &[1, 2, 3, 4])),
        ("y_test.npy", npy("<i8", "(2, 1)", &[7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0])),
    ];
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        let set = set("set.npz", zip(&files, method));
        assert_eq!((set.format, set.source.len(), set.source.label(1)), (DataFormat::Npz, 2, Some(5)));
        assert_eq!(set.source.image(1).expect("there is one").rgb, [3, 3, 3, 4, 4, 4]);
        let notice = "set.npz: the images are \"x_test\", the labels \"y_test\"; not used: x_train, y_train";
        assert_eq!(set.notices, [notice]);
    }
    let stored = |files: &[_]| zip(files, zip::CompressionMethod::Stored);
    let pair = [("b.npy", npy("|u1", "(2,)", &[1, 0])), ("a.npy", npy("|u1", "(2, 1, 1)", &[8, 9]))];
    assert_eq!(set("set.npz", stored(&pair)).source.label(0), Some(1));
    for files in [&files[..3], &[files[0].clone(), files[2].clone(), files[1].clone()], &pair[..1]] {
        let error = refused("set.npz", stored(files));
        assert!(error.contains("one array of images") && error.contains("numpy.savez"), "{error}");
    }
    let uneven = [("a.npy", npy("|u1", "(2, 1, 1)", &[8, 9])), ("b.npy", npy("|u1", "(1,)", &[1]))];
    assert!(refused("set.npz", stored(&uneven)).contains("\"a\" of shape [2, 1, 1], \"b\" of shape [1]"));
}

#[test]
fn mnist_is_read_with_its_labels() {
    let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2], &[10, 20, 30, 40][..]].concat();
    let labels = [&[0, 0, 8, 1, 0, 0, 0, 2][..], &[9, 4]].concat();
    let array = |name, bytes| match open_bytes(name, bytes).expect(name) {
        Held::Array(array, format) => (array, format),
        Held::Set(_) => panic!("{name} is a set"),
    };
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&images).expect("memory");
    for file in [images.clone(), packed.finish().expect("memory")] {
        let set = pair(array("images", file), array("labels", labels.clone()).0, Choices::default()).expect("a pair");
        assert_eq!((set.format, set.source.label(0)), (DataFormat::Idx, Some(9)));
        assert_eq!(set.source.image(1).expect("there is one").rgb, [30, 30, 30, 40, 40, 40]);
    }
    let error = Array::idx("images", Box::new(images[..18].to_vec())).expect_err("cut").to_string();
    assert!(error.contains("uint8 of shape [2, 1, 2] does not fit the 2 bytes that follow the head"), "{error}");
}

#[test]
fn cifars_python_version_is_read_and_nothing_is_called() {
    let packed = include_bytes!("../../../../tests/fixtures/data/cifar-10-python.tar.gz");
    let set = set("cifar.tar.gz", packed.to_vec());
    assert_eq!((set.format, set.source.len()), (DataFormat::Cifar10, 3));
    assert_eq!([0, 1, 2].map(|index| set.source.label(index)), [Some(3), Some(8), Some(9)]);
    // As pickles.py computes them.
    let rgb = set.source.image(2).expect("there is one").rgb;
    let expected: Vec<u8> =
        (0..1024).flat_map(|place| (0..3).map(move |channel| ((14 + 3 * place + channel) % 256) as u8)).collect();
    assert_eq!(rgb, expected);

    // What pickle.dumps makes of an object that runs a command.
    let hostile = b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.".to_vec();
    assert!(refused("test_batch", hostile).contains("it calls posix.system, and no function is called for a file"));
    let getattr = b"\x80\x02(c__builtin__\ngetattr\n.".to_vec();
    assert!(refused("test_batch", getattr).contains("it calls __builtin__.getattr"));
    let whole = unpack::gzip("x", Arc::new(packed.to_vec())).expect("whole");
    let start = whole.windows(4).position(|bytes| bytes == b"\x80\x02}q").expect("a pickle");
    for cut in [10, 200, 5000] {
        assert!(refused("test_batch", whole[start..start + cut].to_vec()).contains("it is cut short"));
    }
}

#[test]
fn archives_of_images_are_read_in_the_order_of_classes_and_names() {
    let files = [("set/1/b.png", png(3)), ("set/0/a.png", png(1)), ("set/1/a.PNG", png(2)), ("set/README", vec![1])];
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in &files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes.as_slice()).expect("memory");
    }
    let tar = builder.into_inner().expect("memory");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&tar).expect("memory");
    let zipped = zip(&files, zip::CompressionMethod::Deflated);
    for (name, bytes) in [("a.tar", tar), ("a.tar.gz", packed.finish().expect("memory")), ("a.zip", zipped)] {
        let set = set(name, bytes);
        let source = &set.source;
        let found: Vec<_> = (0..source.len()).map(|at| (source.name(at), source.label(at))).collect();
        let expected = [("0/a.png", 0), ("1/a.PNG", 1), ("1/b.png", 1)];
        assert_eq!(found, expected.map(|(path, label)| (format!("{name}:{path}"), Some(label))));
        assert_eq!([0, 1, 2].map(|at| source.image(at).expect("an image").rgb[0]), [1, 2, 3]);
        assert_eq!(set.notices, [format!("{name}: 1 files are no images and are left out")]);
    }
    let stored = |files: &[_]| zip(files, zip::CompressionMethod::Stored);
    assert!(refused("a.zip", stored(&[("a.txt", vec![])])).contains("the archive holds no images, and 1 other files"));
    let mixed = [("a.png", png(1)), ("x/a.png", png(1))];
    assert!(refused("a.zip", stored(&mixed)).contains("both in folders and beside them"));
    assert!(refused("a.bin", vec![7; 9]).contains("a data set is expected"));
}
