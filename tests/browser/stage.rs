//! The stage: cause and effect in one window, without scrolling.

use crate::page::Page;

/// A fault of the built-in network that changes the answer.
const FAULT: &str = "#model=gtsrb-resnet8&device=cpu&layer=block1.relu&element=1856&bit=30&run=1";

/// What shares the screen: image, answers, bits with the value before and after, outcome, place in the network, button.
const PARTS: [&str; 10] = [
    "#setup .photo",
    "#before",
    "#after",
    "#bits",
    "#fault-place",
    "#verdict",
    "#sentence",
    ".net-box.struck",
    "#glance",
    "#inject",
];

fn open(name: &str) -> Option<Page> {
    let page = Page::open(name, FAULT)?;
    page.wait_for("#verdict .verdict");
    page.wait_for("#feature-map canvas");
    Some(page)
}

#[test]
fn cause_and_effect_share_a_window_and_a_bit_changes_all_of_it() {
    let Some(page) = open("stage") else { return };
    for (width, height) in [(1280, 720), (1366, 768), (1920, 1080)] {
        page.set_viewport(width, height);
        page.eval("window.scrollTo(0, 0)");
        for theme in ["light", "dark"] {
            page.set_theme(theme);
            PARTS.iter().for_each(|part| page.in_window(part));
            page.screenshot(&format!("stage-{theme}-{width}"));
        }
    }
    page.set_viewport(1280, 720);
    // The longest sentence: NaN in the output, and the first of them counts as the answer.
    page.go(&format!("?nan{}", FAULT.replace("block1.relu&element=1856&bit=30", "stem.relu&element=697&bit=30")));
    page.wait_for_text("#verdict", "DUE");
    PARTS.iter().for_each(|part| page.in_window(part));
    page.go(&format!("?again{FAULT}"));
    page.wait_for_text("#fault-sentence", "Bit 30 ");
    let shown =
        |page: &Page| ["#before", "#after", "#fault-place", "#verdict", "#sentence"].map(|part| page.text(part));
    let [before, after, place, verdict, sentence] = shown(&page);
    // A click of the harness would scroll the bit to the middle.
    page.eval("document.querySelector('#bits [data-bit=\"3\"]').click()");
    page.wait_for_text("#fault-sentence", "Bit 3 ");
    let now = shown(&page);
    assert_eq!(now[0], before);
    for (now, earlier) in now[1..].iter().zip([after, place, verdict, sentence]) {
        assert_ne!(*now, earlier);
    }
    PARTS.iter().for_each(|part| page.in_window(part));
    assert_eq!(page.eval("scrollY").as_f64(), Some(0.0), "nothing has scrolled");
    page.close();
}

/// Step by step, with the map of each layer beside its box.
#[test]
fn a_fault_is_followed_through_the_diagram_with_the_map_in_view() {
    let Some(page) = open("stage-follow") else { return };
    page.set_viewport(1280, 720);
    page.eval("window.scrollTo(0, 0)");
    let ways = page.text("#follow-at").split(" of ").nth(1).and_then(|count| count.parse().ok()).unwrap_or(0);
    assert!(ways > 10, "{ways}");
    for station in 2..=ways {
        page.eval("document.querySelector('#follow-forward').click()");
        page.wait_for_text("#follow-at", &format!("{station} of"));
        [".net-box.looked", "#follow-told", "#glance"].iter().for_each(|part| page.in_window(part));
    }
    assert_eq!(page.eval("scrollY").as_f64(), Some(0.0), "nothing has scrolled");
    page.close();
}

/// The corruption comes to each box along the lines from the boxes before it; a page that shall not move shows the lines alone.
#[test]
fn a_followed_fault_moves_along_the_lines_of_the_diagram() {
    let Some(page) = open("stage-flow") else { return };
    page.set_viewport(1280, 720);
    page.eval("window.scrollTo(0, 0)");
    assert_eq!(page.count(".net-flow"), 0, "it begins at the struck layer");
    let ways = page.text("#follow-at").split(" of ").nth(1).and_then(|count| count.parse().ok()).unwrap_or(0);
    let mut arrived = 0;
    for station in 2..=ways {
        page.eval("document.querySelector('#follow-forward').click()");
        page.wait_for_text("#follow-at", &format!("{station} of"));
        if page.count(".net-flow.arriving") > 0 {
            arrived += 1;
            let moves = "document.querySelector('.net-pulse').getAnimations().some(animation => animation.playState === 'running')";
            page.wait_until("a moving mark", moves);
            page.in_window(".net-box.looked");
            page.screenshot(&format!("stage-flow-{station}"));
        }
    }
    assert!(arrived > 5, "{arrived} of {ways} stations are reached along a line");
    assert!(page.count(".net-flow:not(.arriving)") >= 4, "the trail leads from the struck box to the last one");
    page.screenshot("stage-flow-end");
    page.prefers_less_motion();
    page.wait_until("no mark", "getComputedStyle(document.querySelector('.net-pulse')).display === 'none'");
    page.wait_until("the lines", "document.querySelector('.net-flow.arriving .net-trail').getTotalLength() > 0");
    page.screenshot("stage-flow-still");
    page.close();
}

/// The card of a network is open where its file says nothing of the preprocessing.
#[test]
fn the_stage_stays_in_the_window_when_the_card_is_open() {
    let Some(page) = open("stage-card") else { return };
    for (width, height) in [(1280, 720), (1366, 768), (1920, 1080)] {
        page.set_viewport(width, height);
        page.eval("(document.querySelector('#card').open = true, window.scrollTo(0, 0), true)");
        PARTS.iter().for_each(|part| page.in_window(part));
        let beyond = page.eval("document.querySelector('#stage').getBoundingClientRect().bottom - innerHeight");
        assert!(beyond.as_f64().is_some_and(|beyond| beyond <= 0.0), "{beyond} pixels below the window of {width}");
        page.screenshot(&format!("stage-card-{width}"));
    }
    page.close();
}

/// At 200 % zoom a window of 1280 x 720 has 640 x 360 CSS pixels.
#[test]
fn the_head_takes_a_fifth_of_a_window_at_most_and_its_text_is_large_enough() {
    let Some(page) = open("stage-text") else { return };
    for (width, height) in [(640, 360), (360, 740), (1280, 720)] {
        page.set_viewport(width, height);
        page.fits();
        let head = page.eval("document.querySelector('.site-head').offsetHeight").as_f64().unwrap_or(f64::MAX);
        assert!(head <= 0.2 * f64::from(height), "{head} pixels of {height}");
        let small = page.eval(
            "[...document.querySelectorAll('#main *')].filter(element => element.checkVisibility() && \
             [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
             .map(element => [parseFloat(getComputedStyle(element).fontSize), element.closest('.bit') ? 13 : 12, element.outerHTML])
             .filter(([size, least]) => size < least).map(([size, , html]) => `${size}: ${html.slice(0, 100)}`)",
        );
        assert_eq!(small.as_array().map(Vec::len), Some(0), "{small}");
    }
    page.close();
}

#[test]
fn on_a_phone_image_answer_and_button_stay_in_reach() {
    let Some(page) = open("stage-phone") else { return };
    page.set_viewport(360, 740);
    for place in ["0", "document.body.scrollHeight / 2", "document.body.scrollHeight"] {
        page.eval(&format!("window.scrollTo(0, {place})"));
        ["#quick img", "#quick .quick-answer", "#quick .verdict", "#quick-inject"]
            .iter()
            .for_each(|part| page.in_window(part));
    }
    page.screenshot("stage-phone");
    // The tools of the head are behind a button.
    page.eval("window.scrollTo(0, 0)");
    assert_eq!(page.eval("document.querySelector('#theme').checkVisibility()").as_bool(), Some(false));
    page.click("#menu");
    page.in_window("#theme");
    page.screenshot("stage-menu");
    page.press("Escape");
    page.wait_until("the menu to be closed", "!document.querySelector('#theme').checkVisibility()");
    page.close();
}

/// The bits and the images are one stop of the Tab key each.
#[test]
fn a_strip_is_one_stop_and_the_arrows_move_in_it() {
    let Some(page) = open("stage-keys") else { return };
    for strip in ["#bits", "#images", "#kind", "#colour"] {
        let stops = page.count(&format!("{strip} button[tabindex='0']"));
        assert_eq!(stops, 1, "{strip}");
        assert_eq!(page.count(&format!("{strip} button:not([tabindex])")), 0, "{strip}");
    }
    page.eval("document.querySelector('#images button[tabindex=\"0\"]').focus()");
    page.press("ArrowRight");
    page.wait_until("the next image", "document.activeElement === document.querySelectorAll('#images button')[1]");
    page.press("Enter");
    page.wait_until("it to be chosen", "document.querySelectorAll('#images button')[1].ariaPressed === 'true'");
    page.press("End");
    page.wait_until(
        "the last image",
        "document.activeElement === [...document.querySelectorAll('#images button')].at(-1)",
    );
    page.press("Tab");
    page.wait_until("the strip to be left", "!document.activeElement.closest('#images')");
    page.close();
}

/// For a frame of another page.
#[test]
fn an_embedded_page_is_the_stage_alone() {
    let Some(page) = Page::open("embed", &format!("{FAULT}&embed=1")) else { return };
    page.set_viewport(1280, 720);
    page.wait_for("#verdict .verdict");
    PARTS.iter().for_each(|part| page.in_window(part));
    for gone in [".site-head", "#look", "#lesson", "footer"] {
        assert_eq!(page.count(gone), 0, "{gone}");
    }
    let outside = page.eval("document.querySelector('#outside').href");
    let outside = outside.as_str().unwrap_or_default();
    assert!(outside.contains("element=1856") && !outside.contains("embed"), "{outside}");
    page.screenshot("embed");
    page.close();
}
