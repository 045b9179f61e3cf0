//! What a person does with the explorer.
//!
//! The page runs its built-in network, and the small sign network beside the project (`../shared`, or where
//! FAULTSCOPE_SHARED says) where that is there; what is missing is said and skipped.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{page::Page, shared::shared};

/// What the first of the built-in images shows.
const FIRST_SAMPLE: &str = "stop";

/// A file of the test's own.
pub fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/browser-tests");
    let file = folder.join(name);
    fs::create_dir_all(file.parent().expect("it is in a folder"))
        .and_then(|()| fs::write(&file, bytes))
        .expect("the test can write below target");
    file
}

/// A 32 x 32 bitmap: a red ring on white, as a sign is.
pub fn sign(name: &str, red: u8) -> PathBuf {
    const SIDE: i32 = 32;
    let mut bytes = b"BM".to_vec();
    for number in [54 + 3 * SIDE * SIDE, 0, 54, 40, SIDE, SIDE] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend([1, 0, 24, 0]);
    bytes.resize(54, 0);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let distance = (row - SIDE / 2).pow(2) + (column - SIDE / 2).pow(2);
            bytes.extend(if (100..200).contains(&distance) { [20, 20, red] } else { [240; 3] });
        }
    }
    write(name, &bytes)
}

/// What a link says that waits for the sign network and the image of a sign.
const SIGNS: &str = "#model=file%3Agtsrb_cnn.onnx&image=file%3Asign.bmp&device=";

/// A page with the sign network and an image of a sign on it.
fn signs(name: &str, hash: &str) -> Option<Page> {
    open_signs(name, "gtsrb_cnn.onnx", hash)
}

/// The same with the sign network in another file, which `hash` names.
pub fn open_signs(name: &str, file: &str, hash: &str) -> Option<Page> {
    open_own(name, file, 43, hash)
}

/// A page with a network of the project's, of so many classes, and an image of a sign on it; `hash` names both.
pub fn open_own(name: &str, file: &str, classes: usize, hash: &str) -> Option<Page> {
    let model = shared(&format!("models/{file}"))?;
    let page = Page::open(name, hash)?;
    page.wait_for_text(".notices", &format!("{file} and sign.bmp"));
    page.click(".notice .button");
    page.drop_files("#setup", &[&model, &sign("sign.bmp", 220)]);
    page.wait_for("#golden .score");
    page.wait_for_text("#model-facts", &format!("{classes} classes"));
    page.wait_for("#feature-map canvas");
    Some(page)
}

fn inject(page: &Page) -> String {
    page.click("#inject");
    page.wait_for("#verdict .verdict");
    page.wait_until("the fault to be through", "!document.querySelector('#inject').disabled");
    page.text("#fault-sentence") + &page.text("#sentence")
}

#[test]
fn the_built_in_network_answers_and_a_fault_is_followed() {
    let Some(page) = Page::open("explorer", "") else { return };
    page.wait_for_text("#golden .score", FIRST_SAMPLE);
    page.wait_for("#feature-map canvas");
    page.wait_for_text("#device", "CPU");
    page.screenshot("golden");

    page.click("#network-as .choice:nth-child(2)");
    page.type_into("#layer-filter", "block1");
    page.wait_until("a shorter list", "document.querySelectorAll('.layer').length < 20");
    page.click(".layer:not([aria-disabled=true])");
    page.click("#bits [data-bit='30']");
    page.hover("#bits [data-bit='31']");
    page.wait_for_text("#bit-preview", "Bit 31, sign");
    let told = inject(&page);
    assert!(told.contains("Bit 30 (exponent)"), "{told}");
    assert!(page.count("#corruption .chart-bar") > 1);
    page.screenshot("inject");
    page.close();
}

#[test]
fn a_link_replays_its_fault_and_back_goes_back() {
    let Some(page) = signs("replay", &format!("{SIGNS}cpu")) else { return };
    page.click("#bits [data-bit='29']");
    let first = inject(&page);
    let link = page.url();
    page.click("#bits [data-bit='22']");
    let second = inject(&page);
    assert_ne!(first, second);
    page.eval("history.back()");
    page.wait_for_text("#fault-sentence", "Bit 29");
    assert_eq!(page.text("#fault-sentence") + &page.text("#sentence"), first);
    page.close();

    // The files are the user's own, so whoever opens the link brings them.
    let hash = link.split_once('#').map(|(_, hash)| format!("#{hash}")).expect("the link holds the fault");
    let Some(page) = signs("replay", &hash) else { return };
    page.wait_for_text("#fault-sentence", "Bit 29");
    assert_eq!(page.text("#fault-sentence") + &page.text("#sentence"), first);
    page.screenshot("replay");
    page.close();
}

#[test]
fn a_weight_can_be_struck() {
    let Some(page) = signs("weight", &format!("{SIGNS}cpu")) else { return };
    page.click("#target .choice:nth-child(2)");
    page.wait_for_text("#layer-name", "Conv");
    page.click("#bits [data-bit='30']");
    let told = inject(&page);
    assert!(told.contains("(layer "), "{told}");
    page.click("#which .choice:nth-child(3)");
    page.wait_until("the difference", "document.querySelector('#which .choice:nth-child(3)').ariaPressed === 'true'");
    page.screenshot("weight");
    page.close();
}

#[test]
fn keras_models_are_opened_and_shown_as_keras_lays_them_out() {
    for file in ["gtsrb_cnn.h5", "gtsrb_cnn.keras"] {
        let hash = format!("{}cpu", SIGNS.replace("gtsrb_cnn.onnx", file));
        let Some(page) = open_signs("keras", file, &hash) else { return };
        page.click("#network-as .choice:nth-child(2)");
        page.type_into("#layer-filter", "pool1");
        page.click(".layer:not([aria-disabled=true])");
        page.wait_for_text("#site", "16 × 16 × 32");
        let told = inject(&page);
        assert!(told.contains("of layer pool1"), "{told}");
        page.screenshot(&file.replace('.', "-"));
        page.close();
    }
}

#[test]
fn the_gpu_and_the_cpu_give_the_same_answer() {
    let Some(page) = signs("gpu", &format!("{SIGNS}gpu")) else { return };
    page.wait_for_text("#device", "WebGPU");
    let gpu = page.text("#golden .scores");
    page.click("#device-choice .choice:nth-child(2)");
    page.wait_for_text("#device", "CPU");
    page.wait_for("#golden .score");
    assert_eq!(page.text("#golden .scores"), gpu);
    page.close();
}

#[test]
fn without_webgpu_the_page_computes_on_the_cpu_and_says_so() {
    let Some(model) = shared("models/gtsrb_cnn.onnx") else { return };
    let Some(page) = Page::open_without_webgpu("fallback", "") else { return };
    page.wait_for("#site");
    page.drop_files("#setup", &[&model, &sign("sign.bmp", 220)]);
    page.wait_for_text("#device", "no WebGPU");
    page.wait_for("#golden .score");
    page.screenshot("fallback");
    page.close();
}

#[test]
fn a_hostile_file_gives_a_sentence_and_nothing_is_lost() {
    let Some(page) = signs("hostile", &format!("{SIGNS}cpu")) else { return };
    let answer = page.text("#golden .scores");
    let whole = fs::read(shared("models/gtsrb_cnn.onnx").expect("it was there a moment ago")).expect("it can be read");
    for file in [
        write("cut.onnx", &whole[..whole.len() / 2]),
        write("noise.bpk", &[0xa5; 4096]),
        write("empty.safetensors", b""),
        write("huge.safetensors", &[0xff; 64]),
        write("broken.png", b"\x89PNG\r\n\x1a\nand no more"),
        write("notes.txt", b"neither"),
    ] {
        let name = file.file_name().and_then(|name| name.to_str()).expect("the names are plain").to_owned();
        page.drop_files("#setup", &[&file]);
        page.wait_for_text(".notices", &name);
        page.wait_for("#golden .score");
        assert_eq!(page.text("#golden .scores"), answer, "{name}");
    }
    page.screenshot("hostile");
    while page.count(".notice") > 0 {
        page.click(".notice .button");
    }
    inject(&page);
    page.close();
}

#[test]
fn a_link_that_does_not_hold_gives_a_sentence() {
    let Some(page) = Page::open("bad-link", "#device=cpu&bit=77&element=x&seed=-1&model=%00") else { return };
    page.wait_for_text(".notices", "bits 0 to 31");
    page.wait_until("a sentence for each part", "document.querySelectorAll('.notice').length >= 4");
    page.close();
}

#[test]
fn the_page_fits_every_window_in_light_and_dark() {
    let Some(page) = signs("widths", &format!("{SIGNS}cpu")) else { return };
    page.click("#bits [data-bit='30']");
    inject(&page);
    page.in_every_window(&[360, 1280, 1920], |theme, width| {
        page.fits();
        page.screenshot(&format!("{theme}-{width}"));
    });
    page.close();
}
