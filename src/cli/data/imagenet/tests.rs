use std::fs;

use tempfile::TempDir;

use super::*;

/// What tests/fixtures/data/make.py wrote.
const META_MAT: &[u8] = include_bytes!("../../../../tests/fixtures/data/meta.mat");

const WORDS: &str = "n01440764 tench, Tinca tinca\nn02100735 English setter\nn02110185 Siberian husky\n\
                     n02119022 red fox, Vulpes vulpes\nn02119789 kit fox, Vulpes macrotis\n";

/// A folder of four images, with a kit whose files lie in `place`.
fn data(place: &str, truth: &str, words: Option<&str>) -> (TempDir, PathBuf) {
    let root = TempDir::new().unwrap();
    let devkit = root.path().join("kit");
    fs::create_dir_all(devkit.join(place)).unwrap();
    // Not in the order of the names.
    for number in [3, 1, 4, 2] {
        fs::write(root.path().join(format!("ILSVRC2012_val_0000000{number}.JPEG")), "not decoded here").unwrap();
    }
    fs::write(devkit.join(place).join(GROUND_TRUTH), truth).unwrap();
    fs::write(devkit.join(place).join(META), META_MAT).unwrap();
    if let Some(words) = words {
        fs::write(devkit.join(SYNSETS), words).unwrap();
    }
    (root, devkit)
}

fn labels(root: &TempDir, devkit: &Path) -> Result<Vec<Option<usize>>> {
    list(root.path(), devkit).map(|files| files.iter().map(|file| file.label).collect())
}

#[test]
fn an_id_becomes_the_place_of_its_wordnet_id() {
    // Kit fox, tench, red fox, husky.
    for place in ["", "data", "ILSVRC2012_devkit_t12/data"] {
        for words in [Some(WORDS), None] {
            let (root, devkit) = data(place, "1\n4\n5\n3\n", words);
            let found = labels(&root, &devkit).expect("the kit is whole");
            assert_eq!(found, [Some(4), Some(0), Some(3), Some(2)], "{place} {words:?}");
        }
    }
    let (root, devkit) = data("", "1\n4\n5\n3\n", None);
    let first = &list(root.path(), &devkit).expect("the kit is whole")[0];
    assert_eq!(first.path, Path::new("ILSVRC2012_val_00000001.JPEG"));
}

#[test]
fn a_kit_that_does_not_fit_is_refused() {
    let refused = |truth: &str, words: Option<&str>, expected: &str| {
        let (root, devkit) = data("", truth, words);
        let error = labels(&root, &devkit).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused("1\n4\n5\n", None, "ground_truth.txt: it has 3 lines, one an image, but there are 4 images");
    refused("1\n4\n5\n1001\n", None, "ground_truth.txt: line 4: \"1001\" is no ILSVRC2012 id");
    refused("1\nfox\n5\n1\n", None, "ground_truth.txt: line 2: \"fox\" is no ILSVRC2012 id");
    let fewer: String = WORDS.lines().skip(1).collect::<Vec<_>>().join("\n");
    refused(
        "1\n4\n5\n3\n",
        Some(&fewer),
        "synset_words.txt: n01440764, which is ILSVRC2012 id 4 in meta.mat, is missing",
    );

    let (root, devkit) = data("", "1\n4\n5\n3\n", None);
    for damaged in [&META_MAT[..META_MAT.len() / 2], b"MATLAB 7.3 MAT-file", b""] {
        fs::write(devkit.join(META), damaged).unwrap();
        let error = labels(&root, &devkit).expect_err("damaged").to_string();
        assert!(error.contains("meta.mat: this is no MAT-file with the array"), "{error}");
    }
    fs::remove_file(devkit.join(META)).unwrap();
    assert!(labels(&root, &devkit).expect_err("missing").to_string().contains("meta.mat is neither here nor in data/"));
}
