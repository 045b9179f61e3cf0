//! The lesson beside the running network, and range clipping under the outcome.

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
