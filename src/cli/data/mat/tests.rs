use proptest::prelude::*;

use super::*;

/// What tests/fixtures/data/make.py wrote.
const COMPRESSED_FILE: &[u8] = include_bytes!("../../../../tests/fixtures/data/meta.mat");
const PLAIN_FILE: &[u8] = include_bytes!("../../../../tests/fixtures/data/meta-plain.mat");

#[test]
fn a_file_of_scipy_is_read_plain_and_compressed() {
    for file in [COMPRESSED_FILE, PLAIN_FILE] {
        let structures = Structures::read(file, "synsets").expect("a whole file");
        let pairs = structures.pairs("ILSVRC2012_ID", "WNID").expect("both fields");
        assert_eq!(pairs.len(), 7);
        assert_eq!((pairs[0], pairs[6]), ((1.0, "n02119789"), (1002.0, "n02083346")));
        let words = structures.pairs("num_train_images", "words").expect("both fields");
        assert_eq!(words[4], (1300.0, "red fox, Vulpes vulpes"));
        assert!(structures.pairs("WNID", "ILSVRC2012_ID").is_none(), "neither is of that kind");
        assert!(structures.pairs("ILSVRC2012_ID", "colour").is_none());
        assert!(Structures::read(file, "about").is_none(), "not an array of structures");
        assert!(Structures::read(file, "synset").is_none());
    }
}

fn element(kind: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = match data.len() {
        // Up to four bytes are packed into the tag, as MATLAB does it.
        size @ 1..=4 => [kind | (size as u32) << 16].map(u32::to_le_bytes).concat(),
        size => [kind, size as u32].map(u32::to_le_bytes).concat(),
    };
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

fn matrix(class: u32, axes: [u32; 2], name: &str, elements: &[Vec<u8>]) -> Vec<u8> {
    let head = [
        element(UINT32, &[class, 0].map(u32::to_le_bytes).concat()),
        element(INT32, &axes.map(u32::to_le_bytes).concat()),
        element(INT8, name.as_bytes()),
    ];
    element(MATRIX, &[head.concat(), elements.concat()].concat())
}

/// MATLAB stores a double in as few bytes as it needs, and characters as UTF-16.
#[test]
fn a_file_of_matlab_is_read() {
    const DOUBLES: u32 = 6;
    let utf16: Vec<u8> = "n0144é".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let fields = [
        matrix(DOUBLES, [1, 1], "", &[element(UINT16, &1300u16.to_le_bytes())]),
        matrix(CHARACTERS, [1, 6], "", &[element(UINT16, &utf16)]),
        matrix(DOUBLES, [0, 0], "", &[element(DOUBLE, &[])]),
    ];
    let names = element(INT8, b"id\0\0\0\0\0\0word\0\0\0\0none\0\0\0\0");
    let structures = matrix(STRUCTURE, [1, 1], "s", &[element(INT32, &8u32.to_le_bytes()), names, fields.concat()]);
    let mut file = b"MATLAB 5.0 MAT-file, Platform: GLNXA64".to_vec();
    file.resize(126, b' ');
    file.extend(b"IM");
    file.extend(&structures);
    let read = Structures::read(&file, "s").expect("a whole file");
    assert_eq!(read.pairs("id", "word"), Some(vec![(1300.0, "n0144é")]));
}

proptest! {
    #[test]
    fn damaged_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        for file in [COMPRESSED_FILE, PLAIN_FILE] {
            let mut file = file.to_vec();
            for (at, byte) in &changes {
                let at = at.index(file.len());
                file[at] = *byte;
            }
            let pairs = |file: &[u8]| Structures::read(file, "synsets").and_then(|read| Some(read.pairs("ILSVRC2012_ID", "WNID")?.len()));
            let _ = pairs(&file);
            file.truncate(cut.index(file.len()));
            prop_assert_eq!(pairs(&file), None);
        }
    }
}
