use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::data::ImageSource;
use crate::data::cifar::{Cifar, CifarSource};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data/cifar-100-binary.tar.gz")
}

/// As tests/fixtures/data/make.py sums up an image.
fn checksum(source: &CifarSource, index: usize) -> u64 {
    let rgb = source.image(index).expect("there is one").rgb;
    rgb.iter().zip(1..).map(|(&byte, place)| u64::from(byte) * (place % 251)).sum()
}

#[test]
fn a_member_of_an_archive_is_read_in_any_order() {
    let (member, name) =
        Member::find(&fixture(), &["test.bin", "test_batch.bin"]).expect("it is whole").expect("a file");
    assert_eq!((name, member.size()), ("test.bin", 3 * 3074));
    let source = CifarSource::new("test.bin", Box::new(member), Cifar::Hundred).expect("three records");
    assert_eq!([0, 1, 2].map(|index| source.label(index)), [Some(49), Some(33), Some(72)]);
    // Checksums and the pixel are what numpy makes of the file.
    for (index, expected) in [(0, 48_859_897), (2, 47_315_733), (1, 47_826_782), (0, 48_859_897)] {
        assert_eq!(checksum(&source, index), expected, "image {index}");
    }
    assert_eq!(source.image(1).expect("there is one").rgb[(5 * 32 + 7) * 3..][..3], [250, 14, 246]);
}

#[test]
fn a_damaged_archive_or_one_without_the_member_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cifar.tar.gz");
    let whole = fs::read(fixture()).unwrap();
    let refused = |bytes: &[u8], name: &str, expected: &str| {
        fs::write(&path, bytes).unwrap();
        let error = Member::find(&path, &[name]).map(|_| ()).expect_err(expected).to_string();
        assert!(error.starts_with(&path.display().to_string()) && error.contains(expected), "{error}");
    };
    fs::write(&path, &whole).unwrap();
    assert!(Member::find(&path, &["eval.bin"]).expect("it is whole").is_none());
    refused(&whole[..60], "test.bin", "expected a complete .tar.gz: the file ends too early");
    refused(b"no archive at all", "test.bin", "expected a complete .tar.gz");
    // The member begins before the cut: it is found, and reading it fails.
    fs::write(&path, &whole[..5000]).unwrap();
    let (member, _) = Member::find(&path, &["test.bin"]).expect("its head is there").expect("a file");
    assert!(CifarSource::new("test.bin", Box::new(member), Cifar::Hundred).is_err());
}

#[test]
fn a_file_is_read_at_any_place() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bytes");
    fs::write(&path, (0..=255u8).collect::<Vec<_>>()).unwrap();
    let file = OnDisk::open(&path).expect("it is there");
    let mut two = [0; 2];
    for offset in [100, 3, 254] {
        file.read_exact_at(offset, &mut two).expect("they are there");
        assert_eq!(two, [offset as u8, offset as u8 + 1]);
    }
    assert!(file.read_exact_at(255, &mut two).is_err());
    assert!(OnDisk::open(&folder.path().join("missing")).expect_err("none").to_string().contains("missing"));
}

#[test]
fn going_back_finds_what_is_kept_and_what_is_not() {
    use std::io::Write;

    let folder = TempDir::new().unwrap();
    let path = folder.path().join("large.tar.gz");
    // Larger than what is kept when it is trimmed; every word is its own place.
    let words = 4 * KEPT as u32 / 4;
    let content: Vec<u8> = (0..words).flat_map(u32::to_le_bytes).collect();
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    builder.append_data(&mut header, "large.bin", content.as_slice()).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&builder.into_inner().unwrap()).unwrap();
    fs::write(&path, packed.finish().unwrap()).unwrap();

    let (member, _) = Member::find(&path, &["large.bin"]).expect("a whole archive").expect("a file");
    for word in
        [0, 7, 6, words - 1, words - 200, words - 1 - KEPT as u32 / 4, 3, words / 2, words / 2 - 1000, words - 1]
    {
        let mut bytes = [0; 4];
        member.read_exact_at(u64::from(word) * 4, &mut bytes).expect("it is there");
        assert_eq!(u32::from_le_bytes(bytes), word);
        let kept = member.stream.lock().unwrap().as_ref().map_or(0, |stream| stream.recent.len());
        assert!(kept <= 2 * KEPT + 2 * CHUNK, "{kept} bytes are kept");
    }
}
