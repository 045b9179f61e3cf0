//! Many faults, as a person runs them: started, held, ended; judged anew; taken away and brought back.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use crate::crew::cores;
use crate::explorer::open_signs;
use crate::page::Page;

/// What a link says that waits for the sign network and the image of a sign.
const SIGNS: &str = "#model=file%3Agtsrb_cnn.onnx&image=file%3Asign.bmp&device=cpu";

/// The campaign's part of a page with the built-in network.
fn built_in(name: &str, more: &str) -> Option<Page> {
    let page = Page::open(name, &format!("#view=campaign&device=cpu{more}"))?;
    page.wait_for("#start:enabled");
    Some(page)
}

/// The same with a network of the user's own that has no grouping, and with one image.
fn signs(name: &str, more: &str) -> Option<Page> {
    let page = open_signs(name, "gtsrb_cnn.onnx", &format!("{SIGNS}{more}"))?;
    page.click("#view-campaign");
    page.wait_for("#start:enabled");
    Some(page)
}

/// Runs a campaign to its end.
pub fn complete(page: &Page) {
    // A short campaign is over before anyone has looked; a new one begins with an empty panel, and so without the mark.
    page.eval("(document.querySelector('#campaign-progress')?.setAttribute('data-old', ''), true)");
    page.click("#start");
    page.wait_until(
        "the end of a new campaign",
        "document.querySelector('#campaign-progress:not([data-old])')?.innerText.includes('complete')",
    );
}

/// What the browser would save when `button` is clicked, in base64.
fn saved(page: &Page, button: &str) -> Vec<u8> {
    page.eval(
        "(window.taken = null, HTMLAnchorElement.prototype.click = function () {
            fetch(this.href).then(file => file.arrayBuffer()).then(bytes => {
                window.taken = btoa(Array.from(new Uint8Array(bytes), byte => String.fromCharCode(byte)).join(''));
            });
        }, true)",
    );
    page.click(button);
    page.wait_until("the file", "window.taken !== null");
    let text = page.eval("window.taken");
    decode(text.as_str().unwrap_or_default())
}

/// The records of the campaign on the page, as `faults.jsonl` has them.
pub fn records(page: &Page) -> String {
    String::from_utf8(saved(page, "#save-records")).expect("records are text")
}

fn decode(base64: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for letter in base64.bytes().filter(|letter| *letter != b'=') {
        let place = LETTERS.iter().position(|known| *known == letter).expect("base64");
        bits = bits << 6 | place as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}

fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/browser-tests");
    let file = folder.join(name);
    fs::create_dir_all(&folder).and_then(|()| fs::write(&file, bytes)).expect("the test can write below target");
    file
}

#[test]
fn every_fault_is_counted_and_the_same_seed_draws_the_same() {
    let Some(page) = built_in("campaign", "&faults=50&images=1&seed=3") else { return };
    complete(&page);
    assert!(page.text("#campaign-progress").starts_with("50 of 50 faults"), "{}", page.text("#campaign-progress"));
    assert!(page.text("#rate-masked").contains("95 % interval"));
    let first = records(&page);
    assert_eq!(first.lines().count(), 50);
    complete(&page);
    assert_eq!(records(&page), first);
    page.close();
}

#[test]
fn protections_are_compared_on_the_same_faults() {
    let Some(page) = built_in("campaign-protections", "&faults=20&seed=3") else { return };
    page.click("#campaign-protections summary");
    page.wait_for("#campaign-protections li");
    let reason = "document.querySelector('[name=weight-clip]:disabled')?.closest('label').title";
    assert_eq!(page.eval(reason), "For faults in weights only");
    page.click("[name=range]");
    page.click("[name=secded]");
    page.wait_for_text("#campaign-protections summary", "range, secded");
    page.screenshot("campaign-protections-settings");
    complete(&page);
    assert!(page.url().contains("protections=range"), "{}", page.url());
    page.wait_for("#protections-chart svg");
    assert_eq!(page.count("#protections-table tbody tr"), 2);
    page.screenshot("campaign-protections");
    assert!(records(&page).lines().all(|line| line.contains("\"protected\":[")));
    page.set_viewport(360, 740);
    page.fits();
    page.close();
}

#[test]
fn the_outcome_of_charts_and_tables_is_chosen() {
    let Some(page) = built_in("campaign-outcome", "&faults=60&seed=3") else { return };
    complete(&page);
    let chart = |page: &Page| page.eval("document.querySelector('#layer-chart').innerHTML");
    let sdc = chart(&page);
    assert_eq!(page.text("#bit-chart-panel h3"), "SDC rate by bit");
    page.click("#campaign-outcome button:nth-child(3)");
    page.wait_for_text("#bit-chart-panel h3", "SDC-10 % rate by bit");
    page.wait_for_text("#layer-chart-panel h3", "SDC-10 % rate by layer");
    page.wait_for_text("#map-chart-panel h3", "SDC-10 % rate by layer and bit");
    assert_ne!(chart(&page), sdc);
    assert!(page.url().contains("outcome=sdc10pct"), "{}", page.url());
    // The table has the numbers of the records.
    page.click("#layer-chart-panel details summary");
    page.wait_for("#layer-chart-panel tbody tr");
    let sum = "[...document.querySelectorAll('#layer-chart-panel tbody td:nth-child(3)')]
        .map(cell => Number(cell.innerText.replaceAll(/\\D/g, ''))).reduce((sum, count) => sum + count, 0)";
    let differs = |record: &Value| {
        let pair = &record["scores"]["confidence"];
        match (pair[0].as_f64(), pair[1].as_f64()) {
            (Some(before), Some(after)) => (after - before).abs() > 0.1 * before,
            _ => record["scores"] != "golden",
        }
    };
    let text = records(&page);
    let counted = text.lines().filter(|line| differs(&serde_json::from_str(line).expect("JSON"))).count();
    assert!(counted > 5, "{counted}");
    assert_eq!(page.eval(sum), counted);
    page.screenshot("campaign-outcome");
    page.set_viewport(360, 740);
    page.fits();
    page.close();
}

#[test]
fn the_network_is_saved_with_a_protection() {
    let Some(page) = signs("campaign-protect", "&profile=1") else { return };
    page.wait_for("#save-ranger:enabled");
    let has = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let protected = saved(&page, "#save-ranger");
    assert!(has(&protected, "faultscope.protection") && has(&protected, "ranger learnt from 1 image of images"));
    assert!(has(&protected, "IsNaN"), "standard operators bound the layers");
    page.wait_until("the end", "!document.querySelector('#bounding')");
    page.close();
    let Some(page) = built_in("campaign-protect-own", "") else { return };
    page.click("#save-ranger");
    page.wait_for_text("body", "this is no ONNX file");
    page.close();
}

#[test]
fn bits_and_layers_are_chosen() {
    let Some(page) = built_in("campaign-layers", "&faults=20") else { return };
    page.click("#campaign-layers summary");
    page.wait_for(".layer-choice-list li");
    page.screenshot("campaign-layers");
    page.click(".layer-choice-kinds button:nth-child(2)");
    page.wait_for("#start:disabled");
    page.wait_for_text("#campaign-layers summary", "choose at least one");
    page.click(".layer-choice-list li:nth-child(3) input");
    let layer = page.text(".layer-choice-list li:nth-child(3) .layer-choice-name");
    page.wait_for_text("#campaign-layers summary", &layer);
    page.choose("#campaign-bit", "23-30");
    complete(&page);
    assert!(page.url().contains("campaign-bit=23-30") && page.url().contains("campaign-layers="), "{}", page.url());
    assert!(page.text("#campaign-heading").contains(&layer), "{}", page.text("#campaign-heading"));
    let faults: Vec<Value> = records(&page).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(faults.len(), 320);
    for record in faults {
        assert_eq!(record["fault"]["layer"], layer.as_str());
        assert!((23..31).contains(&record["fault"]["bit"].as_u64().expect("a bit")), "{record}");
    }
    page.close();
}

#[test]
fn a_campaign_is_started_held_resumed_and_stopped() {
    let Some(page) = built_in("campaign-run", "&faults=10000") else { return };
    assert!(page.text("#estimate").contains("faults"), "{}", page.text("#estimate"));
    // One worker, so that the campaign does not end before it is stopped, however fast the machine is.
    cores(&page, 1);
    page.click("#start");
    page.wait_for("#rate-masked");
    page.click("#pause");
    page.wait_for_text("#campaign-progress", "paused");
    let held = page.text("#campaign-progress");
    page.eval("new Promise(done => setTimeout(done, 600))");
    assert_eq!(page.text("#campaign-progress"), held, "it rests");
    page.click("#resume");
    page.wait_until(
        "more faults",
        &format!(
            "document.querySelector('#campaign-progress').innerText !== {held:?} && document.querySelector('#pause')"
        ),
    );
    page.click("#stop");
    page.wait_for_text("#campaign-progress", "stopped");
    page.wait_for("#start:enabled");
    page.wait_for("#map-chart rect");
    page.close();
}

#[test]
fn the_campaign_is_judged_anew_without_being_run_again() {
    let Some(page) = signs("campaign-grouping", "&faults=400") else { return };
    // The network has no grouping: all classes are in one group, in which no mistake is critical.
    complete(&page);
    let first = records(&page);
    page.wait_for("#grouping .group");
    if page.count("#grouping .group") == 1 {
        page.click("#add-group");
    }
    page.wait_until("another group", "document.querySelectorAll('#grouping .group').length > 1");
    page.wait_for("#rate-scm");
    let scm = || {
        page.eval("Number(document.querySelector('#rate-scm .rate-count').innerText.replace(/ of.*/, '').replace(/[^0-9]/g, ''))")
    };
    // The class that the image shows goes into a critical group of its own, chosen by keyboard.
    let line: Value = serde_json::from_str(first.lines().next().expect("a record")).expect("JSON");
    let class = line["golden"]["class"].as_u64().expect("a class");
    page.choose("#move-class", &class.to_string());
    page.wait_for(&format!("[data-class='{class}'][aria-pressed='true']"));
    page.choose("#move-group", "1");
    page.wait_for(&format!("[data-group='1'] [data-class='{class}']"));
    page.click("[data-group='1'] .group-mark input");
    page.wait_for("[data-group='1'].group-critical");
    page.wait_until("SCM", "Number(document.querySelector('#rate-scm .rate-count').innerText.replace(/ of.*/, '').replace(/[^0-9]/g, '')) > 0");
    let judged = scm().as_u64().unwrap_or_default();
    let changed = first
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|record| record["golden"]["class"] == class && record["faulty"]["class"] != class)
        .count() as u64;
    assert_eq!(judged, changed, "every SDC that loses the critical class");
    let strip = |records: &str| -> Vec<Value> {
        let without = |line: &str| {
            let mut record: Value = serde_json::from_str(line).expect("JSON");
            // The checksum is one of the whole line.
            record["scm"].take();
            record["check"].take();
            record
        };
        records.lines().map(without).collect()
    };
    assert_eq!(strip(&records(&page)), strip(&first), "nothing was run again");
    page.wait_for("#confusion");
    page.screenshot("campaign-grouping");
    page.click("#reset-grouping");
    page.wait_until("one group", "document.querySelectorAll('#grouping .group').length === 1");
    page.close();
}

#[test]
fn edited_groups_are_undone_done_again_and_linked_to() {
    let Some(page) = built_in("campaign-groups", "&faults=60&seed=3") else { return };
    complete(&page);
    page.wait_for("[data-group='0'].group-critical");
    let scm = || page.text("#rate-scm .rate-count");
    let own = scm();
    // Faults of this seed take stop signs for others, so that it matters whether they are critical.
    page.click("[data-group='0'] .group-mark input");
    page.wait_for("[data-group='0']:not(.group-critical)");
    page.wait_until("another count", &format!("document.querySelector('#rate-scm .rate-count').innerText !== {own:?}"));
    let edited = scm();
    page.click("#undo");
    page.wait_for("[data-group='0'].group-critical");
    page.wait_for_text("#rate-scm .rate-count", &own);
    page.click("#redo");
    page.wait_for_text("#rate-scm .rate-count", &edited);

    let url = page.url();
    let (_, hash) = url.split_once('#').expect("the choices are behind the #");
    page.go(&format!("?again#{hash}"));
    page.wait_for("[data-group='0']:not(.group-critical)");
    page.wait_for("#start:enabled");
    complete(&page);
    assert_eq!(scm(), edited);
    page.close();
}

#[test]
fn a_campaign_is_taken_away_and_brought_back_and_its_worst_fault_is_followed() {
    let Some(page) = built_in("campaign-files", "&faults=40") else { return };
    complete(&page);
    let first = records(&page);
    let zip = saved(&page, "#save-zip");
    assert!(zip.starts_with(b"PK"), "{:?}", &zip[..4]);
    let csv = String::from_utf8(saved(&page, "#save-csv")).expect("text");
    assert!(csv.starts_with("campaign,table"), "{}", &csv[..40]);
    let json: Value = serde_json::from_slice(&saved(&page, "#save-json")).expect("JSON");
    assert_eq!(json["records"], first.lines().count());
    let svg = String::from_utf8(saved(&page, "#map-chart-panel .save-chart .button:first-child")).expect("text");
    assert!(svg.starts_with("<svg") && svg.contains("fill:") && !svg.contains("var("), "{}", &svg[..200]);
    assert!(saved(&page, "#bit-chart-panel .save-chart .button:last-child").starts_with(b"\x89PNG"));

    // A hostile file gives a sentence, and nothing is lost.
    page.choose_file("#campaign-files input[type=file]", &write("noise.zip", &[0xa5; 512]));
    page.wait_for_text(".notices", "noise.zip");
    assert_eq!(records(&page), first);
    page.choose_file("#campaign-files input[type=file]", &write("campaign.zip", &zip));
    page.wait_for_text("#campaign-heading", "Read from campaign.zip");
    assert_eq!(records(&page), first);

    page.click(".worst-fault");
    page.wait_for("#verdict .verdict");
    assert!(page.url().contains("run=1") && !page.url().contains("view=campaign"), "{}", page.url());
    let worst: Value = first
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .find(|record| page.url().contains(&format!("element={}", record["fault"]["element"])))
        .expect("the fault is one of the campaign's");
    assert_eq!(worst["outcome"], "sdc", "{worst}");
    assert!(page.text("#verdict").contains("SDC") || page.text("#verdict").contains("SCM"));
    page.screenshot("campaign-followed");
    page.close();
}

/// 1,000 faults of the built-in network. Prints how long they take, and how evenly the page draws meanwhile.
#[test]
fn the_page_draws_while_a_thousand_faults_are_injected() {
    let Some(page) = built_in("campaign-speed", "") else { return };
    let images =
        page.eval("Number(document.querySelector('#campaign-images option').innerText.replace(/[^0-9]/g, ''))");
    let faults = 1000_u64.div_ceil(images.as_u64().unwrap_or(1).max(1));
    page.type_into("#faults", &faults.to_string());
    page.press("Tab");
    page.eval(
        "(window.frames = [], requestAnimationFrame(function count(now) {
            window.frames.push([now, document.querySelector('#campaign-progress')?.innerText ?? '']);
            requestAnimationFrame(count);
        }), true)",
    );
    let begun = Instant::now();
    page.click("#start");
    page.wait_for_text("#campaign-progress", "complete");
    let took = begun.elapsed().as_secs_f64();
    let drawn = page.eval(
        "(frames => {
            const gaps = frames.slice(1).map(([now], index) => now - frames[index][0]).sort((a, b) => a - b);
            const states = new Set(frames.map(([, text]) => text.split(' of ')[0]));
            return { frames: frames.length, states: states.size, median: gaps[Math.floor(gaps.length / 2)], worst: gaps.at(-1) };
        })(window.frames)",
    );
    println!("measured: 1,000 faults in {took:.1} s; frames, different states of progress, gaps in ms: {drawn}");
    let count = |name: &str| drawn[name].as_u64().unwrap_or_default();
    // A page that is blocked draws the beginning and the end.
    assert!(count("states") >= 3 && count("frames") >= 10, "{drawn}");
    page.close();
}

#[test]
fn the_campaign_fits_every_window_in_light_and_dark() {
    let Some(page) = built_in("campaign-widths", "&faults=300") else { return };
    complete(&page);
    page.wait_for("#map-chart rect");
    page.in_every_window(&[360, 1280, 1920], |theme, width| {
        page.fits();
        page.screenshot(&format!("campaign-{theme}-{width}"));
    });
    page.close();
}
