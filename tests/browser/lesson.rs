//! The lesson beside the running network, and protections under the outcome.

use crate::{missing::missing, page::Page};

/// The network of the lesson with its own images; `None`, with a word, where dist/ lacks them.
fn open(name: &str, hash: &str) -> Option<Page> {
    let page = Page::open(name, hash)?;
    let there = page.eval(
        "fetch('models/index.json').then(file => file.json()).then(list => \
         list.models.some(model => model.id === 'gtsrb-resnet8' && model.samples.length > 0))",
    );
    if there.as_bool() != Some(true) {
        missing(format_args!("{name}: dist/ holds no images for gtsrb-resnet8"));
        return None;
    }
    Some(page)
}

#[test]
fn a_step_is_linked_to_solved_and_left() {
    let Some(page) = open("lesson", "#lesson=5&device=cpu") else { return };
    page.wait_for_text("#lesson-title", "Silent data corruption");
    page.wait_for_text("#verdict", "Masked");
    assert_eq!(page.count(".lesson-task.done"), 0);
    page.click("#bits [data-bit='30']");
    page.wait_for_text("#verdict", "SDC");
    page.wait_for(".lesson-task.done");
    page.wait_for_text(".lesson-seen", "Done");
    page.wait_for(".lesson-dot.done[aria-current='step']");

    // The way on, by keyboard: the next heading has the focus, and the page shows what it speaks of.
    page.eval("document.querySelector('#lesson-title').focus()");
    page.press("ArrowRight");
    page.wait_for_text("#lesson-title", "Safety-critical");
    page.wait_until("the heading to be focused", "document.activeElement.id === 'lesson-title'");
    page.wait_for_text("#sentence", "same group");
    assert!(page.url().contains("lesson=6"), "{}", page.url());
    page.press("ArrowLeft");
    page.wait_for_text("#lesson-title", "Silent");
    page.wait_for(".lesson-dot.done[aria-current='step']");

    page.press("Escape");
    page.wait_until("the lesson to be gone", "document.querySelector('#lesson').hidden");
    page.wait_until("the focus to be back", "document.activeElement.id === 'lesson-toggle'");
    page.wait_for_text("#verdict", "Masked");
    page.click("#lesson-toggle");
    page.wait_for_text("#lesson-title", "A soft error");
    page.close();
}

#[test]
fn clipping_stands_beside_the_fault() {
    let Some(page) = open("protect", "#lesson=10&device=cpu") else { return };
    page.wait_for_text("#verdict", "SDC");
    page.click("#protect");
    page.wait_for_text("#protected-verdict", "Masked");
    page.wait_for_text("#protected-sentence", "as without the fault");
    page.wait_for(".lesson-task.done");
    let link = page.url();
    assert!(link.contains("protect=1"), "{link}");
    let told = page.text("#protected-sentence");
    page.screenshot("protect");
    page.close();

    // Whoever opens the link sees the same.
    let Some((_, hash)) = link.split_once('#') else { panic!("{link}") };
    let Some(page) = open("protect", &format!("#{hash}")) else { return };
    page.wait_for("#protected-sentence");
    assert_eq!(page.text("#protected-sentence"), told);
    page.close();
}

#[test]
fn one_fault_stands_without_and_with_the_protection_that_is_chosen() {
    let hash = "#model=gtsrb-resnet8&device=cpu&layer=block1.relu&element=1856&bit=30&run=1&protect=1";
    let Some(page) = open("protect-one", hash) else { return };
    page.wait_for_text("#protected-effect", "Mended");
    page.wait_for_text("#protected-price", "Learnt from");
    // One bar for each layer in both charts, in the same order.
    let layers = "[...document.querySelectorAll('#protected-layers svg')].map(chart => chart.querySelectorAll('.chart-layer').length)";
    let bars = page.eval(layers);
    assert!(bars[0].as_u64() > Some(5) && bars[0] == bars[1], "{bars}");
    for (name, effect, told) in [
        ("secded", "Mended", "No layer differs"),
        ("duplicate:block1.relu", "Detected", "the inference stops"),
        ("tmr:block1.relu", "Mended", "No layer differs"),
        ("clip-to-zero", "Mended", "clipped in"),
    ] {
        page.choose("#protection-choice", name);
        page.wait_for_text("#protected-sentence", told);
        page.wait_for_text("#protected-effect", effect);
        let key = format!("protection={}", name.replace(':', "%3A"));
        assert!(page.url().contains(&key), "{} lacks {key}", page.url());
    }
    // A protection that does not apply says why, in place of an answer.
    page.choose("#protection-choice", "weight-clip");
    page.wait_for_text("#protection-unfit", "is for faults in weights");
    assert_eq!(page.count("#protected-sentence"), 0);
    page.choose("#protection-choice", "range");
    page.wait_for_text("#protected-effect", "Mended");
    assert!(!page.url().contains("protection="), "{}", page.url());
    page.in_every_window(&[360, 1280], |theme, width| {
        page.fits();
        page.screenshot(&format!("protect-{theme}-{width}"));
    });
    page.close();
}

#[test]
fn a_code_and_repetition_are_taught_with_the_list_of_protections() {
    let Some(page) = open("lesson-protect", "#lesson=11&device=cpu") else { return };
    page.wait_for_text("#lesson-title", "code");
    for (name, done) in [("parity-zero", 1), ("secded", 2)] {
        page.choose("#protection-choice", name);
        page.wait_until(
            "the task to be done",
            &format!("document.querySelectorAll('.lesson-task.done').length === {done}"),
        );
    }
    page.click("#lesson-next");
    page.wait_for_text("#lesson-title", "Computing twice");
    for (name, done) in [("duplicate:block1.relu", 1), ("tmr:block1.relu", 2)] {
        page.choose("#protection-choice", name);
        page.wait_until(
            "the task to be done",
            &format!("document.querySelectorAll('.lesson-task.done').length === {done}"),
        );
    }
    page.screenshot("lesson-twice");
    page.close();
}

#[test]
fn the_lesson_fits_every_window_in_light_and_dark() {
    let Some(page) = open("lesson-widths", "#lesson=4&device=cpu") else { return };
    page.wait_for_text("#verdict", "Masked");
    page.wait_for("#maps canvas, .maps canvas, canvas");
    page.in_every_window(&[360, 1100, 1280, 1920], |theme, width| {
        page.fits();
        let beside = page.eval(
            "document.querySelector('#lesson').getBoundingClientRect().left > \
             document.querySelector('#main').getBoundingClientRect().left + 100",
        );
        assert_eq!(beside.as_bool(), Some(width >= 1100), "{width}");
        page.screenshot(&format!("lesson-{theme}-{width}"));
    });
    page.close();
}

/// Every step, in both windows, in light and dark: the control of its task and the way on are on the screen, the parts that it
/// speaks of stand out, and the keyboard is led to the control.
#[test]
fn each_step_brings_its_part_into_the_window() {
    let Some(page) = open("lesson-walk", "#lesson=1&device=cpu") else { return };
    for (width, height, theme) in [(1280, 720, "light"), (360, 740, "dark")] {
        page.set_viewport(1280, 720);
        page.set_theme(theme);
        page.set_viewport(width, height);
        page.go(&format!("?{width}#lesson=1&device=cpu"));
        page.wait_for(".lesson-dot");
        let steps = page.count(".lesson-dot");
        assert_eq!(steps, 15);
        for step in 1..=steps {
            page.wait_for(&format!(".lesson-dots li:nth-child({step}) [aria-current='step']"));
            page.wait_for("[data-spoken]");
            page.in_window("[data-ring]");
            page.in_window("#lesson-next");
            if width > 1000 {
                page.in_window(".lesson-task");
            }
            page.eval("document.querySelector('#lesson-control').click()");
            page.wait_until("the focus on the control", "document.activeElement.closest('[data-ring]')");
            page.screenshot(&format!("lesson-{width}-{step}"));
            page.eval("document.querySelector('#lesson-title').focus()");
            page.press("ArrowRight");
        }
    }
    page.close();
}

#[test]
fn steps_are_left_out_and_the_last_preset_fulfils_its_task() {
    let Some(page) = open("lesson-some", "#lesson=1,3,13&device=cpu") else { return };
    page.wait_for_text("#lesson-title", "A soft error");
    assert_eq!(page.count(".lesson-dot"), 3);
    assert!(page.text(".lesson-head").contains("step 1 of 3"), "{}", page.text(".lesson-head"));
    page.click("#lesson-next");
    page.wait_for_text("#lesson-title", "Most faults are masked");
    assert!(page.url().contains("lesson=1%2C3*%2C13") || page.url().contains("lesson=1,3*,13"), "{}", page.url());
    page.click("#lesson-next");
    page.wait_for_text("#lesson-title", "Measuring");
    assert_eq!(page.text("#lesson-next"), "Finish");
    page.click("#start");
    page.wait_for(".lesson-task.done");
    page.close();
}

/// PageDown and PageUp are what a clicker sends.
#[test]
fn a_lesson_is_presented_with_a_clicker_and_its_link_as_a_code() {
    let Some(page) = open("present", "#model=gtsrb-resnet8&device=cpu&layer=block1.relu&element=1856&bit=30&run=1")
    else {
        return;
    };
    page.wait_for("#verdict .verdict");
    page.set_viewport(1280, 720);
    let before = page.eval("parseFloat(getComputedStyle(document.querySelector('#sentence')).fontSize)").as_f64();
    page.click("#present");
    page.wait_for("[data-present]");
    let large = page.eval("parseFloat(getComputedStyle(document.querySelector('#sentence')).fontSize)").as_f64();
    assert!(large > before, "{large:?} {before:?}");
    assert_eq!(
        page.eval("document.querySelector('#look').checkVisibility()").as_bool(),
        Some(false),
        "the cards are folded"
    );
    for (width, height) in [(1280, 720), (1920, 1080)] {
        page.set_viewport(width, height);
        page.eval("window.scrollTo(0, 0)");
        ["#setup .photo", "#before", "#after", "#bits", "#sentence", ".net-box.struck", "#inject"]
            .iter()
            .for_each(|part| page.in_window(part));
        page.screenshot(&format!("present-{width}"));
    }
    page.click("#show-code");
    page.in_window("#code svg");
    let link = page.text("#code .code-link");
    assert!(link.contains("element=1856") && !link.contains("present"), "{link}");
    page.screenshot("present-code");
    page.press("Escape");
    page.wait_until("the code to be gone", "!document.querySelector('#code').checkVisibility()");

    page.eval("document.activeElement.blur()");
    page.press("PageDown");
    page.wait_for_text("#lesson-title", "A soft error");
    page.press("PageDown");
    page.wait_for_text("#lesson-title", "Sign, exponent, mantissa");
    page.in_window("#lesson-next");
    page.press("PageUp");
    page.wait_for_text("#lesson-title", "A soft error");
    page.in_window("[data-ring]");
    page.screenshot("present-lesson");
    page.close();
}
