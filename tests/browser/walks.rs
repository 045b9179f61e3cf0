//! Three people with the page, from their first look to what they take away: a lecturer, a student, a researcher. The pictures in
//! docs/WALKS.md are those that these tests take.

use crate::campaign::complete;
use crate::page::Page;
use crate::shared::shared;

/// The fault that the lecturer shows.
const FAULT: &str = "#model=gtsrb-resnet8&device=cpu&layer=block1.relu&element=1856&bit=30&run=1";

/// A picture of what is in the window with the element for `selector` at its top.
fn picture(page: &Page, selector: &str, name: &str) {
    page.eval(&format!(
        "document.querySelector('{selector}').scrollIntoView({{ block: 'start', behavior: 'instant' }})"
    ));
    page.screenshot(&format!("walk-{name}"));
}

/// From the first look to a class that has the fault on its phones.
#[test]
fn a_lecturer_shows_a_fault() {
    let Some(page) = Page::open("walk-lecturer", "#device=cpu&layer=block1.relu&element=1856") else { return };
    page.set_viewport(1280, 720);
    page.wait_for("#golden .score");
    page.wait_for("#feature-map canvas");
    page.eval("window.scrollTo(0, 0)");
    page.screenshot("walk-lecturer-1");
    page.eval("document.querySelector('#bits [data-bit=\"30\"]').click()");
    page.wait_for("#verdict .verdict");
    ["#before", "#after", "#bits", "#sentence", ".net-box.struck"].iter().for_each(|part| page.in_window(part));
    page.screenshot("walk-lecturer-2");
    for station in 2..=5 {
        page.eval("document.querySelector('#follow-forward').click()");
        page.wait_for_text("#follow-at", &format!("{station} of"));
    }
    page.screenshot("walk-lecturer-3");
    page.click("#present");
    page.wait_for("[data-present]");
    page.eval("window.scrollTo(0, 0)");
    page.click("#show-code");
    page.in_window("#code svg");
    page.screenshot("walk-lecturer-4");
    page.press("Escape");
    page.wait_until("the code to be gone", "!document.querySelector('#code').checkVisibility()");
    page.eval("document.activeElement.blur()");
    page.press("PageDown");
    page.wait_for_text("#lesson-title", "A soft error");
    page.in_window("#lesson-next");
    page.screenshot("walk-lecturer-5");
    page.close();
}

/// On a phone, from the lecturer's link to the other bits and the dangerous places.
#[test]
fn a_student_opens_the_link() {
    let Some(page) = Page::open("walk-student", FAULT) else { return };
    page.set_viewport(360, 740);
    page.wait_for("#verdict .verdict");
    page.eval("window.scrollTo(0, 0)");
    page.screenshot("walk-student-1");
    page.click("#sweep-bits");
    page.wait_until("32 outcomes", "document.querySelectorAll('.sweep-bit[class*=mark-]').length === 32");
    picture(&page, "#fault", "student-2");
    page.click("#protect");
    page.wait_for_text("#protected-effect", "Mended");
    picture(&page, "#protection", "student-3");
    page.click("#predict");
    page.wait_for("#danger-list .worst-fault, #danger-list li");
    picture(&page, "#danger", "student-4");
    page.fits();
    page.close();
}

/// A network of one's own, a campaign that knows when to end, protections on the same faults, and the worst fault.
#[test]
fn a_researcher_measures_a_network() {
    let Some(model) = shared("models/gtsrb_cnn.onnx") else { return };
    let Some(page) = Page::open("walk-researcher", "#device=cpu") else { return };
    page.set_viewport(1366, 768);
    page.wait_for("#golden .score");
    page.drop_files("footer", &[&model]);
    page.wait_until("the network", "document.querySelector('#model').value.startsWith('file:')");
    page.wait_for("#golden .score");
    page.eval("window.scrollTo(0, 0)");
    page.screenshot("walk-researcher-1");
    page.click("#view-campaign");
    page.wait_for("#start:enabled");
    page.click("#protocol button:nth-child(3)");
    page.click("#campaign-design button:nth-child(2)");
    page.type_into("#margin", "1");
    page.press("Tab");
    complete(&page);
    page.wait_for("#aim");
    page.eval("window.scrollTo(0, 0)");
    page.screenshot("walk-researcher-2");
    page.click("#campaign-design button:nth-child(1)");
    page.click("#protocol button:nth-child(1)");
    page.type_into("#faults", "100");
    page.press("Tab");
    page.click("#campaign-protections summary");
    ["range", "ranger", "secded", "clip-to-zero"].iter().for_each(|name| page.click(&format!("[name={name}]")));
    complete(&page);
    page.wait_for("#protections-chart svg");
    picture(&page, "#protections-chart", "researcher-3");
    page.click(".worst-fault");
    page.wait_for("#verdict .verdict");
    page.eval("window.scrollTo(0, 0)");
    page.screenshot("walk-researcher-4");
    page.close();
}
