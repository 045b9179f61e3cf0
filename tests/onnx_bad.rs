//! Small files that are wrong in one place, from `fixtures/onnx/bad.py`: each gets a sentence that names the node, what was
//! found and what was expected, and none takes memory that the file is not worth.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use faultscope::import;

/// By file, the node that is named and a part of the sentence about it.
const SAID: &str = include_str!("fixtures/onnx/bad.txt");

#[test]
fn every_fault_is_said_with_its_node() {
    let said: BTreeMap<&str, (&str, &str)> = SAID
        .lines()
        .map(|line| {
            let mut parts = line.splitn(3, " | ");
            let mut part = || parts.next().expect("file, node and sentence");
            (part(), (part(), part()))
        })
        .collect();
    let mut archive = zip::ZipArchive::new(Cursor::new(&include_bytes!("fixtures/onnx/bad.zip")[..])).expect("a zip");
    let mut wrong = Vec::new();
    assert_eq!(archive.len(), said.len(), "files and sentences");
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).expect("a file");
        let name = file.name().expect("its name").into_owned();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("its bytes");
        let (node, sentence) = said[name.trim_end_matches(".onnx")];
        match import::load(&name, bytes) {
            Ok(_) => wrong.push(format!("{name} is imported")),
            Err(error) => {
                let error = error.to_string();
                if !error.contains(&format!("\"{node}\"")) || !error.contains(sentence) {
                    wrong.push(format!("{name}: {error}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} files:\n{}", wrong.len(), wrong.join("\n"));
}
