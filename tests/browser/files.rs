//! What a person brings along: networks, folders of images, class names, groups; and files that are none of these.

use std::{fs, path::PathBuf};

use crate::{
    explorer::{sign, write},
    page::Page,
    shared::shared,
};

/// A page with the sign network of the folder `shared`, dropped beside an image.
fn signs(name: &str, file: &str) -> Option<Page> {
    let model = shared(&format!("models/{file}"))?;
    let page = Page::open(name, "#device=cpu")?;
    page.wait_for("#golden .score");
    page.drop_files("footer", &[&model, &sign("sign.bmp", 220)]);
    page.wait_until("the network", "document.querySelector('#model').value.startsWith('file:')");
    page.wait_for("#golden .score");
    Some(page)
}

/// 43 class names.
fn names() -> String {
    (0..43).map(|class| format!("my sign {class}\n")).collect()
}

#[test]
fn networks_are_dropped_anywhere_and_their_preprocessing_can_be_changed() {
    for file in ["gtsrb_cnn.onnx", "gtsrb_cnn.h5"] {
        let Some(page) = signs("preprocess", file) else { return };
        page.wait_for_text("#card summary", "proposed");
        let before = page.text("#golden .scores");
        page.choose("#preprocess", "caffe");
        page.wait_for_text("#card summary", "changed by you");
        page.wait_for("#golden .score");
        assert_ne!(page.text("#golden .scores"), before, "{file}");
        assert!(page.url().contains("preprocess=caffe"), "{}", page.url());
        page.screenshot(&format!("preprocess-{}", file.replace('.', "-")));
        // In numbers; what cannot be read is told, and the field keeps its value.
        page.click(".card-numbers > summary");
        page.type_into("#mean", "0.5");
        page.press("Tab");
        page.wait_for_text("#preprocessing", "x / 255 - 0.5");
        assert!(page.url().contains("mean=0.5") && !page.url().contains("preprocess="), "{}", page.url());
        page.type_into("#pixel-scale", "255");
        page.press("Tab");
        page.wait_for_text(".notices", "a factor above 0 and at most 1 is expected");
        assert_eq!(page.eval("document.querySelector('#pixel-scale').value"), "1/255");
        page.click("#preprocess-reset");
        page.wait_for_text("#card summary", "proposed");
        page.wait_for("#golden .score");
        assert_eq!(page.text("#golden .scores"), before, "{file}");
        page.close();
    }
}

#[test]
fn class_names_and_groups_are_taken_and_what_does_not_fit_is_not() {
    let Some(page) = Page::open("names", "") else { return };
    page.wait_for_text("#golden .score", "stop");
    page.drop_files("footer", &[&write("names.txt", names().as_bytes())]);
    page.wait_for_text("#golden .score", "my sign 14");
    let groups = "name = 'two'\nclasses = 43\n[[group]]\nname = 'Halt'\ncritical = true\nclasses = '14'\n\
                  [[group]]\nname = 'Rest'\ncritical = false\nclasses = '0-13 15-42'\n";
    page.drop_files("footer", &[&write("groups.toml", groups.as_bytes())]);
    page.wait_for_text("#card", "groups.toml");
    page.wait_for_text("#golden .score", "my sign 14");

    for (file, text, told) in [
        ("short.txt", "one\ntwo\n", "43 of them for this model; found 2"),
        (
            "other.toml",
            "name = 'x'\nclasses = 3\n[[group]]\nname = 'a'\ncritical = true\nclasses = '0-2'\n",
            "3 classes",
        ),
        ("broken.toml", "name = ", "broken.toml"),
    ] {
        page.drop_files("footer", &[&write(file, text.as_bytes())]);
        page.wait_for_text(".notices", told);
        page.wait_for_text("#golden .score", "my sign 14");
        page.wait_for_text("#card", "groups.toml");
    }
    page.screenshot("names");
    page.close();
}

#[test]
fn a_folder_of_images_is_gone_through() {
    let Some(page) = Page::open("folder", "") else { return };
    page.wait_for("#golden .score");
    let inner = write("folder/deeper/b_0_14.bmp", &fs::read(sign("sign.bmp", 220)).expect("it was written"));
    write("folder/a_0_14.bmp", &fs::read(&inner).expect("it was written"));
    let folder: PathBuf = inner.ancestors().nth(2).expect("two folders up").to_owned();
    let before = page.count(".thumbnail");
    page.drop_files("footer", &[&folder]);
    page.wait_until("the images", &format!("document.querySelectorAll('.thumbnail').length === {}", before + 2));
    page.wait_for("#golden .score");
    page.close();
}

#[test]
fn a_folder_for_each_class_labels_the_images() {
    let Some(page) = Page::open("classes", "#device=cpu") else { return };
    page.wait_for("#golden .score");
    let image = fs::read(sign("sign.bmp", 220)).expect("it was written");
    let inner = write("classes/2/a.bmp", &image);
    write("classes/14/a.bmp", &image);
    let folder: PathBuf = inner.ancestors().nth(2).expect("two folders up").to_owned();
    let before = page.count(".thumbnail");
    page.drop_files("footer", &[&folder]);
    page.wait_until("both images", &format!("document.querySelectorAll('.thumbnail').length === {}", before + 2));
    page.click("#view-campaign");
    page.wait_for("#start:enabled");
    // The study's protocol needs the label of every image.
    page.click("#protocol .choice:nth-child(2)");
    page.click("#start");
    page.wait_for_text("#campaign-progress", "complete");
    assert_eq!(page.count(".notices .notice"), 0, "{}", page.text("main"));
    page.close();
}

#[test]
fn an_operator_that_is_not_known_is_named_with_its_layer() {
    let Some(model) = shared("models/gtsrb_cnn.onnx") else { return };
    let Some(page) = Page::open("operator", "") else { return };
    page.wait_for("#golden .score");
    // The operator of a layer, renamed in place: field 4 of a node, four letters.
    let mut bytes = fs::read(model).expect("it can be read");
    let at = bytes.windows(6).position(|part| part == b"\x22\x04Relu").expect("it has one");
    bytes[at + 2..at + 6].copy_from_slice(b"Rely");
    page.drop_files("footer", &[&write("unknown.onnx", &bytes)]);
    page.wait_for_text(".notices", "Rely");
    println!("told: {}", page.text(".notices"));
    page.wait_for_text("#golden .score", "stop");
    page.screenshot("unknown-operator");
    page.close();
}
