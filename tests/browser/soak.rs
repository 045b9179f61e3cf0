//! Hours of use, in short: faults, views and campaigns, again and again, in memory that stays as it is.

use std::time::{Duration, Instant};

use crate::page::Page;

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

/// Rounds for this long; the memory after a tenth of it and in the end must be the same, give or take a little.
fn soak(name: &str, time: Duration) {
    let Some(page) = Page::open(name, "#device=cpu&faults=1000") else { return };
    if page.eval("fetch('models/index.json').then(answer => answer.ok)").as_bool() != Some(true) {
        eprintln!("skipped: dist/ holds no model");
        return;
    }
    page.wait_for("#golden .score");
    let (begun, mut rounds, mut warm) = (Instant::now(), 0, None);
    while begun.elapsed() < time || rounds < 4 {
        round(&page, rounds);
        rounds += 1;
        if warm.is_none() && rounds >= 2 && begun.elapsed() > time / 10 {
            warm = Some((page.memory(), begun.elapsed()));
        }
    }
    let ([heap_warm, worker_warm], at) = warm.expect("a round ends in time");
    let [heap_end, worker_end] = page.memory();
    let mb = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "{name}: {rounds} rounds in {:.0} s; page {:.1} MB after {:.0} s, {:.1} MB in the end; worker {:.1} MB, {:.1} MB",
        begun.elapsed().as_secs_f64(),
        mb(heap_warm),
        at.as_secs_f64(),
        mb(heap_end),
        mb(worker_warm),
        mb(worker_end)
    );
    assert!(heap_end < heap_warm + 8_000_000, "the page's objects grow from {heap_warm} to {heap_end} bytes");
    assert!(
        worker_end < worker_warm + 32_000_000,
        "the worker's memory grows from {worker_warm} to {worker_end} bytes"
    );
    page.close();
}

#[test]
fn memory_stays_flat_for_half_a_minute() {
    soak("soak", Duration::from_secs(30));
}

#[test]
#[ignore = "takes ten minutes"]
fn memory_stays_flat_for_ten_minutes() {
    soak("soak-long", Duration::from_secs(600));
}
