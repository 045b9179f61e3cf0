//! axe-core over every view: no serious and no critical violation, in light and dark, on a phone and on a desktop.

use std::{env, fs};

use serde_json::Value;

use crate::{missing::missing, page::Page};

/// What axe-core is asked for: the levels A and AA of WCAG, and what its authors hold for good practice.
const RUN: &str = "axe.run(document, { resultTypes: ['violations'], runOnly: { type: 'tag', values: \
    ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] } }).then(results => results.violations \
    .filter(violation => ['serious', 'critical'].includes(violation.impact)) \
    .flatMap(violation => violation.nodes.map(node => `${violation.id}: ${node.html.slice(0, 200)}\\n    ${node.failureSummary}`)))";

/// axe-core's program, which `cargo xtask test` fetches and names.
fn axe() -> Option<String> {
    let Some(file) = env::var_os("AXE") else {
        missing("AXE does not hold the path to axe-core; `cargo xtask test --browser` fetches it");
        return None;
    };
    Some(fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}

/// Opens a view, brings it to where it is to be judged, and has it judged.
fn judge(name: &str, hash: &str, prepare: impl Fn(&Page)) {
    let Some(axe) = axe() else { return };
    let Some(page) = Page::open(&format!("axe-{name}"), hash) else { return };
    prepare(&page);
    let mut found = Vec::new();
    for theme in ["light", "dark"] {
        page.set_theme(theme);
        for width in [360, 1280] {
            page.set_viewport(width, 900);
            // Colours fade from theme to theme; what is on its way has no contrast yet.
            page.eval("Promise.all(document.getAnimations().map(animation => animation.finished.catch(() => 0)))");
            let violations = page.eval_beside(&axe, RUN);
            let violations = violations.as_array().map(Vec::as_slice).unwrap_or_default();
            found.extend(violations.iter().filter_map(Value::as_str).map(|text| format!("{theme} {width}: {text}")));
        }
    }
    if !found.is_empty() {
        page.fail(&format!("{name}: axe-core finds {} violations:\n{}", found.len(), found.join("\n")));
    }
    page.close();
}

#[test]
fn the_empty_page() {
    judge("empty", "#device=cpu", |page| page.wait_for("#golden .score"));
}

#[test]
fn a_fault_on_show() {
    judge("fault", "#device=cpu&bit=30&run=1&protect=1&sweep=bits", |page| {
        page.wait_for("#verdict .verdict");
        page.wait_for("#protected-verdict");
        page.wait_until("the sweep to end", "!document.querySelector('#sweep progress')");
    });
}

#[test]
fn a_campaign() {
    judge("campaign", "#view=campaign&device=cpu&faults=2", |page| {
        page.click("#start");
        page.wait_for_text("#campaign-progress", "complete");
    });
}

#[test]
fn the_lesson() {
    judge("lesson", "#lesson=5&device=cpu", |page| {
        page.wait_for("#verdict .verdict");
        page.click("#bits [data-bit='30']");
        page.wait_for(".lesson-seen");
        page.click(".lesson-hint summary");
    });
}

#[test]
fn errors() {
    judge("errors", "#device=cpu&bit=77&element=x&seed=-1&model=%00", |page| {
        page.wait_until("a sentence for each part", "document.querySelectorAll('.notice').length >= 4");
    });
}

#[test]
fn the_presented_lesson() {
    judge("present", "#lesson=5&device=cpu&present=1", |page| {
        page.wait_for("#verdict .verdict");
        page.in_window("[data-ring]");
    });
}
