//! Hours of use, in short: faults, views and campaigns, again and again, in memory that stays as it is.

use std::time::Instant;

use crate::{memory::Memory, missing::missing, page::Page};

/// One round of what a person does in a minute.
fn round(page: &Page, number: usize) {
    page.click("#view-explore");
    page.wait_for("#bits [data-bit='30']");
    for bit in [30, 3, 24] {
        page.click(&format!("#bits [data-bit='{bit}']"));
        page.wait_for_text("#fault-sentence", &format!("Bit {bit} "));
    }
    let images = page.count(".thumbnail").max(1);
    page.click(&format!(".thumbnail:nth-of-type({})", number as u64 % images + 1));
    page.wait_for("#golden .score");
    page.click("#sweep-bits");
    page.wait_until("the sweep", "document.querySelector('#sweep-told') && !document.querySelector('#sweep progress')");
    page.click("#sweep-bits");
    page.click("#view-campaign");
    page.click("#start");
    page.wait_until("the campaign to run", "document.querySelector('#stop:enabled')");
    page.click("#stop");
    page.wait_for("#start:enabled");
}

/// Plays so many rounds. The memory after `warm` rounds and after the last round must be the same, give or take a little.
fn soak(name: &str, warm: usize, rounds: usize) {
    let Some(page) = Page::open(name, "#device=cpu&faults=10000") else { return };
    if page.eval("fetch('models/index.json').then(answer => answer.ok)").as_bool() != Some(true) {
        return missing("dist/ holds no model");
    }
    page.wait_for("#golden .score");
    let begun = Instant::now();
    (0..warm).for_each(|number| round(&page, number));
    let early = page.memory();
    (warm..rounds).for_each(|number| round(&page, number));
    let late = page.memory();
    println!("{name}: {rounds} rounds in {:.0} s", begun.elapsed().as_secs_f64());
    println!("  after {warm} rounds: {}\n  in the end: {}", early.shown(), late.shown());
    let grown = |of: fn(&Memory) -> u64| of(&late).saturating_sub(of(&early));
    let objects = grown(|memory| memory.page.objects + memory.workers.objects);
    assert!(objects < 8_000_000, "the objects grow by {objects} bytes");
    let programs = grown(|memory| memory.page.program + memory.workers.program);
    assert!(programs < 32_000_000, "the programs' memory grows by {programs} bytes");
    page.close();
}

#[test]
fn memory_stays_flat_over_a_dozen_rounds() {
    soak("soak", 4, 12);
}

#[test]
#[ignore = "takes ten minutes"]
fn memory_stays_flat_over_two_hundred_rounds() {
    soak("soak-long", 20, 200);
}
