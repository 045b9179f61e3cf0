//! Networks whose file leaves something to the person: which output is the answer, how large the input is. The link keeps it.

use std::path::{Path, PathBuf};

use crate::{explorer::sign, page::Page};

/// A network of the tests.
fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(file)
}

/// Opens the link of `page` anew, and brings the files that it asks for.
fn opened_again(page: Page, name: &str, file: &str) -> Option<Page> {
    let link = page.url();
    let (_, hash) = link.split_once('#').expect("a link has its choices behind the #");
    let hash = format!("#{hash}");
    page.close();
    let page = Page::open(name, &hash)?;
    let (_, base) = file.split_once('/').expect("a fixture lies in a folder");
    page.wait_for_text(".notices", base);
    page.click(".notice .button");
    page.drop_files("#setup", &[&fixture(file), &sign("sign.bmp", 220)]);
    page.wait_for("#golden .score");
    Some(page)
}

#[test]
fn an_output_is_chosen_and_stays_in_the_link() {
    let Some(page) = Page::open("output", "#device=cpu") else { return };
    page.wait_for("#golden .score");
    page.drop_files("footer", &[&fixture("outputs/several.onnx"), &sign("sign.bmp", 220)]);
    // Two outputs look like scores, and nothing tells them apart.
    page.wait_for("#question #output");
    assert_eq!(page.eval("document.querySelector('#output').value"), "");
    assert_eq!(page.count("#golden .score"), 0, "nothing runs before the choice");
    page.screenshot("output-question");
    page.choose("#output", "main");
    page.wait_for("#golden .score");
    page.wait_for_text("#answer-meaning", "Output “main”: scores of 5 classes");
    assert!(page.url().contains("output=main"), "{}", page.url());
    let main = page.text("#golden .scores");
    // The choice among the outputs stays on the page.
    page.choose("#output", "auxiliary");
    page.wait_for_text("#answer-meaning", "Output “auxiliary”");
    page.wait_for("#golden .score");
    assert!(page.url().contains("output=auxiliary"), "{}", page.url());
    let auxiliary = page.text("#golden .scores");
    assert_ne!(auxiliary, main);

    let Some(page) = opened_again(page, "output-link", "outputs/several.onnx") else { return };
    page.wait_for_text("#answer-meaning", "Output “auxiliary”");
    assert_eq!(page.text("#golden .scores"), auxiliary);
    page.close();
}

#[test]
fn an_input_size_is_typed_and_stays_in_the_link() {
    let Some(page) = Page::open("input-size", "#device=cpu") else { return };
    page.wait_for("#golden .score");
    page.drop_files("footer", &[&fixture("inputs/open.onnx"), &sign("sign.bmp", 220)]);
    page.wait_for("#question #input-size");
    page.type_into("#input-size", "10x");
    page.press("Tab");
    page.wait_for_text(".notices", "224x224");
    assert_eq!(page.count("#golden .score"), 0, "nothing runs without a size");
    page.type_into("#input-size", "10x12");
    page.press("Tab");
    page.wait_for("#golden .score");
    page.wait_for_text("#model-facts", "10 × 12");
    assert!(page.url().contains("input-size=10x12"), "{}", page.url());
    page.screenshot("input-size");
    let scores = page.text("#golden .scores");

    let Some(page) = opened_again(page, "input-size-link", "inputs/open.onnx") else { return };
    page.wait_for_text("#model-facts", "10 × 12");
    assert_eq!(page.text("#golden .scores"), scores);
    page.close();
}
