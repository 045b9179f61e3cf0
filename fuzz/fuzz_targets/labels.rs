//! Texts of class names, and lists of labels for images.

#![no_main]

use facts::data::{Classes, labels_of_list};
use faultscope_fuzz::{MIB, accepted, init, limited};
use libfuzzer_sys::fuzz_target;
use worker::doors::class_names;

const NAME: &str = "fuzz.txt";
const IMAGES: [&str; 3] = ["a.png", "b c.png", "d/e.jpg"];

fuzz_target!(init: init(), |bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let lines = text.trim_start_matches('\u{feff}').trim_end().lines().count();
    for classes in [1, 10, lines] {
        let read = || accepted(NAME, class_names(NAME, text, classes));
        let Some(names) = limited(MIB, bytes.len(), read) else { continue };
        assert_eq!(names.len(), classes);
        assert!(names.iter().all(|name| !name.is_empty() && name.trim() == name));
        assert_eq!(class_names(NAME, &names.join("\r\n"), classes).expect("what was written is read"), names);
    }
    let read = || accepted(NAME, labels_of_list(NAME, text, &IMAGES, &Classes::default()));
    if let Some(labels) = limited(MIB, bytes.len(), read) {
        assert_eq!(labels.len(), IMAGES.len());
    }
});
