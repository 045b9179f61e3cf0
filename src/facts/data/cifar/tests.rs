use super::*;

/// Records of `labels` bytes, then pixels that count up from the index of the image.
fn file(labels: &[&[u8]]) -> Vec<u8> {
    let pixels = |index: usize| (0..PIXELS).map(move |at| (index + at) as u8);
    labels.iter().enumerate().flat_map(|(index, labels)| labels.iter().copied().chain(pixels(index))).collect()
}

fn open(set: Cifar, bytes: Vec<u8>) -> Result<CifarSource> {
    CifarSource::new("set.bin", Box::new(bytes), set)
}

#[test]
fn records_become_images_with_their_fine_labels() {
    for (set, labels) in [(Cifar::Ten, [&[7u8][..], &[9]]), (Cifar::Hundred, [&[19, 7], &[0, 99]])] {
        let source = open(set, file(&labels)).expect("a whole file");
        assert_eq!(source.len(), 2);
        assert_eq!(source.label(0), Some(7));
        assert_eq!(source.label(1), labels[1].last().map(|&label| label.into()));
        assert_eq!((source.label(2), source.name(1).as_str()), (None, "set.bin[1]"));
        let image = source.image(1).expect("there is one");
        assert_eq!((image.width, image.height), (32, 32));
        // Pixel 33 of red, green and blue: their planes are 1024 bytes apart, which is no change modulo 256.
        assert_eq!(image.rgb[33 * 3..][..3], [34, 34, 34]);
        assert!(source.image(2).is_err());
    }
}

#[test]
fn the_name_decides_and_else_the_size() {
    for (name, size, expected) in [
        ("test.bin", 5, Some(Cifar::Hundred)),
        ("data_batch_3.bin", 5, Some(Cifar::Ten)),
        ("test_batch.bin", 3074, Some(Cifar::Ten)),
        ("mine.bin", 3073 * 10, Some(Cifar::Ten)),
        ("mine.bin", 3074 * 10, Some(Cifar::Hundred)),
        ("mine.bin", 3073 * 3074, None),
        ("mine.bin", 3075, None),
        ("mine.bin", 0, None),
    ] {
        assert_eq!(Cifar::of_file(name, size), expected, "{name} {size}");
    }
}

#[test]
fn damaged_files_are_refused() {
    let refused = |set, bytes, expected: &str| {
        let error = open(set, bytes).expect_err(expected).to_string();
        assert!(error.starts_with("set.bin: ") && error.contains(expected), "{error}");
    };
    let whole = file(&[&[1, 2], &[3, 4]]);
    refused(Cifar::Hundred, whole[..whole.len() - 1].to_vec(), "1 images and 3073 bytes of another");
    refused(Cifar::Hundred, Vec::new(), "0 images");
    refused(Cifar::Hundred, file(&[&[1, 2], &[3, 100]]), "image 1 has the label 100");
    refused(Cifar::Hundred, file(&[&[20, 2]]), "image 0 has the label 20");
    refused(Cifar::Ten, file(&[&[10]]), "image 0 has the label 10, but CIFAR-10 has classes 0 to 9");
}
