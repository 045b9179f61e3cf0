//! How the page starts, and what it does when things are missing: network, GPU, worker. Times are printed, not tested.

use std::fs;

use serde_json::Value;

use crate::{page::Page, parity::has_efficientnet};

/// A link to a fault in the built-in network.
const FAULT: &str = "#layer=stem.conv&element=100&bit=30&run=1";

/// Milliseconds since the page was asked for, at the page's user timing mark `name`.
fn mark(page: &Page, name: &str) -> f64 {
    page.eval(&format!("performance.getEntriesByName('{name}')[0]?.startTime")).as_f64().unwrap_or(f64::INFINITY)
}

/// Prints how long each step of the start takes on this machine.
#[test]
fn the_page_paints_and_then_comes_to_an_outcome_step_by_step() {
    let Some(page) = Page::open("instant", FAULT) else { return };
    page.wait_for("#verdict .verdict");
    page.wait_for_text("#device", "CPU");
    let paint = mark(&page, "first-contentful-paint");
    let steps = ["worker", "model", "golden", "outcome"].map(|name| (name, mark(&page, name)));
    println!("measured: first paint {paint:.0} ms, then {steps:.0?}");
    assert!(paint.is_finite() && steps.iter().all(|(_, time)| time.is_finite()), "{paint} {steps:?}");
    assert!(steps.is_sorted_by_key(|(_, time)| *time), "{steps:?}");
    page.screenshot("instant");
    page.close();
}

/// Flips one bit after the other, which is tried at once, and takes the time until each outcome is on the page.
const CLICKS: &str = "(async () => {
    const times = [];
    const task = () => new Promise(done => setTimeout(done));
    for (const bit of [20, 21, 22, 23, 24, 25, 26, 27, 28, 29]) {
        const begun = performance.now();
        document.querySelector(`#bits [data-bit='${bit}']`).click();
        while (!document.querySelector('#fault-sentence')?.innerText.includes(`Bit ${bit} `)) await task();
        times.push(performance.now() - begun);
        while (document.querySelector('#inject').disabled) await task();
    }
    return times.sort((a, b) => a - b);
})()";

/// Prints the time from a click to the outcome. `cargo xtask bench` measures the engine alone.
#[test]
fn each_click_on_a_bit_has_an_outcome() {
    let Some(page) = Page::open("click", FAULT) else { return };
    page.wait_for("#verdict .verdict");
    let times = page.eval(CLICKS);
    let times: Vec<f64> = times.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    println!("measured: click to outcome, ms: {times:.1?}");
    assert_eq!(times.len(), 10);
    page.close();
}

#[test]
fn both_devices_tell_their_speed() {
    let Some(page) = Page::open("speeds", "") else { return };
    page.wait_for("#golden .score");
    page.wait_until("the CPU's speed", "/CPU .* ms/.test(document.querySelector('#device-choice').innerText)");
    assert!(
        page.eval("document.querySelector('#device-choice .choice').title").to_string().contains("not measured yet")
    );
    page.click("#device-choice .choice:nth-child(1)");
    page.wait_for_text("#device", "WebGPU");
    page.wait_until("the GPU's speed", "/GPU .* m?s/.test(document.querySelector('#device-choice .choice').innerText)");
    println!("measured: {}", page.text("#device-choice").replace('\n', ", "));
    page.screenshot("speeds");
    page.close();
}

#[test]
fn a_larger_network_is_fetched_beside_the_built_in_one_and_kept() {
    let Some(page) = Page::open("download", "#device=cpu") else { return };
    if !has_efficientnet(&page) {
        return;
    }
    page.wait_for("#golden .score");
    // The server is on this machine. At this rate the download takes six minutes, longer than the steps below.
    page.slow_down(50_000.0);
    page.choose("#model", "efficientnet-lite0");
    page.wait_for("#download progress");
    page.wait_until("some bytes", "document.querySelector('#download progress')?.value > 0");
    page.screenshot("download");
    page.click("#inject");
    page.wait_for_text("#model-facts", "43 classes");
    page.wait_for("#verdict .verdict");
    assert_eq!(page.count("#download"), 1, "it is still on its way");
    page.click("#cancel-download");
    page.wait_until("no download", "!document.querySelector('#download')");
    page.wait_for_text("#golden .score", "stop");
    page.slow_down(-1.0);
    page.choose("#model", "efficientnet-lite0");
    page.wait_for_text("#model-facts", "1\u{202f}000 classes");
    page.wait_for_text("#golden .score", "bull mastiff");

    // The next visit has it at once, and asks no server for it.
    page.go("?again#model=efficientnet-lite0&device=cpu");
    page.wait_for_text("#golden .score", "bull mastiff");
    let asked = "performance.getEntriesByType('resource').filter(entry => entry.name.includes('lite0.bpk')).length";
    assert_eq!(page.eval(asked), Value::from(0));
    page.click("#inject");
    page.wait_for("#verdict .verdict");
    memory(&page);
    page.close();
}

/// The most bytes that a tab may need for EfficientNet-Lite0.
const MOST_MEMORY: u64 = 500_000_000;

/// Fails if the tab needs too much memory.
fn memory(page: &Page) {
    let memory = page.memory();
    println!("measured: the tab with EfficientNet-Lite0 after a fault needs {}", memory.shown());
    // Not a limit, because it contains the browser's own memory, and compiled code in all its versions.
    if let Some(megabytes) = page.browser_process().and_then(renderer_memory) {
        println!("measured: its process has {megabytes} MB now");
    }
    assert!(memory.sum() <= MOST_MEMORY, "{}", memory.shown());
}

/// Megabytes of the largest process below `browser` that shows pages, without the memory that it shares with others.
fn renderer_memory(browser: u32) -> Option<u64> {
    let status = |process: u32| fs::read_to_string(format!("/proc/{process}/status")).ok();
    let field = |status: &str, name: &str| -> Option<u64> {
        status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    };
    let processes = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let below = |mut process: u32| {
        while process > 1 && process != browser {
            process = status(process).and_then(|status| field(&status, "PPid:")).unwrap_or(0) as u32;
        }
        process == browser
    };
    let pages = processes.filter(|&process| {
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("--type=renderer") && below(process)
    });
    let anonymous = pages.filter_map(|process| field(&status(process)?, "RssAnon:"));
    anonymous.max().map(|kilobytes| kilobytes / 1000)
}

#[test]
fn without_a_network_the_page_opens_again() {
    let Some(page) = Page::open("offline", FAULT) else { return };
    page.wait_for("#verdict .verdict");
    let told = page.text("#sentence");
    page.wait_until(
        "the browser to keep the page",
        "navigator.serviceWorker.getRegistration().then(found => found?.active)",
    );
    page.stop_server();
    page.go(&format!("?offline{FAULT}"));
    page.wait_for("#verdict .verdict");
    assert_eq!(page.text("#sentence"), told);
    page.click(".thumbnail:nth-child(3)");
    page.wait_for_text("#golden .score", "speed limit 50");
    page.screenshot("offline");
    page.close();
}

#[test]
fn no_request_leaves_the_origin() {
    let Some(page) = Page::open("origin", FAULT) else { return };
    page.wait_for("#verdict .verdict");
    let foreign = "performance.getEntriesByType('resource').map(entry => entry.name)
        .filter(name => new URL(name).origin !== location.origin && !name.startsWith('blob:') && !name.startsWith('data:'))";
    assert_eq!(page.eval(foreign), Value::Array(Vec::new()));
    // The page could not if it wanted to.
    let policy = page.eval("document.querySelector('meta[http-equiv=Content-Security-Policy]').content");
    let policy = policy.as_str().unwrap_or_default();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self' 'wasm-unsafe-eval';"),
        "{policy}"
    );
    let reached = page.eval("fetch('http://127.0.0.1:9/').then(() => true, error => String(error))");
    assert!(reached.is_string(), "{reached}");
    let refused: Vec<_> = page.console().into_iter().map(|line| line.text).collect();
    assert!(refused.iter().any(|text| text.contains("Content Security Policy")), "{refused:?}");
}

/// The test's server sends no policy, as most static servers do not: the worker has it from the page.
#[test]
fn no_request_of_the_worker_leaves_the_origin() {
    let Some(page) = Page::open("worker-origin", FAULT) else { return };
    page.wait_for("#verdict .verdict");
    // A worker that may ask another origin finds this listener.
    let foreign = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    foreign.set_nonblocking(true).expect("a listener that does not wait");
    let address = foreign.local_addr().expect("a bound socket has an address");
    let fetch = format!("fetch('http://{address}/leak', {{ mode: 'no-cors' }})");
    let tell = "result => setTimeout(() => { throw new Error(`the fetch ended: ${result}`); })";
    page.in_worker(&format!("{fetch}.then(() => 'open', () => 'refused').then({tell})"));
    page.wait_unminding(".notices", "the fetch ended: refused");
    assert!(foreign.accept().is_err(), "no connection was made");
    page.forget_console();
    page.close();
}

#[test]
fn a_worker_that_dies_is_replaced_and_nothing_is_lost() {
    let Some(page) = Page::open("worker", FAULT) else { return };
    page.wait_for("#verdict .verdict");
    let told = page.text("#sentence");
    page.kill_worker();
    page.wait_for("#golden .score");
    page.wait_until("the outcome once more", "document.querySelector('#verdict .verdict')");
    assert_eq!(page.text("#sentence"), told);
    page.screenshot("worker-died");
    page.close();
}

#[test]
fn a_worker_that_dies_while_it_loads_is_replaced() {
    let Some(page) = Page::open("worker-loading", "") else { return };
    page.wait_for("#golden .score");
    page.eval("document.querySelector('#device-choice .choice').click()");
    page.kill_worker();
    page.wait_for("#golden .score, #golden .button");
    // A request that may have killed the worker is tried again by a button. It is gone at once where the request was an
    // earlier one and the page has gone on by itself, so it is pressed where it is, not waited for.
    page.eval("document.querySelector('#golden .button')?.click()");
    page.wait_for("#golden .score");
    page.close();
}

#[test]
fn a_worker_that_dies_during_a_campaign_is_replaced_and_the_settings_stay() {
    let Some(page) = Page::open("worker-campaign", "#view=campaign&seed=77&faults=10000") else { return };
    page.wait_for("#start:enabled");
    page.click("#start");
    page.wait_for("#stop");
    page.kill_worker();
    page.wait_for("#start:enabled");
    assert!(page.url().contains("seed=77") && page.url().contains("faults=10000"), "{}", page.url());
    page.screenshot("worker-campaign");
    page.close();
}

/// A worker that computes for ever, and one whose message was lost, look the same: only the user can tell.
#[test]
fn a_worker_that_never_answers_is_replaced_by_a_button() {
    let Some(page) = Page::open("worker-silent", FAULT) else { return };
    page.wait_for("#verdict .verdict");
    page.in_worker("while (true) {}");
    page.eval("document.querySelector('#bits [data-bit=\"20\"]').click()");
    page.wait_for("#worker-silent");
    page.screenshot("worker-silent");
    page.click("#restart-worker");
    page.wait_for_text(".notices", "it did not answer");
    page.wait_for("#golden .score");
    assert_eq!(page.count("#worker-silent"), 0);
    page.click("#inject");
    page.wait_for("#verdict .verdict");
    page.close();
}

/// Lets the first worker that the page's worker starts vanish without a word when it has answered five times.
const VANISH: &str = "(() => {
    const Plain = self.Worker;
    self.Worker = class extends Plain {
        constructor(...all) {
            super(...all);
            let heard = 0;
            this.addEventListener('message', () => { if (++heard === 5) this.terminate(); });
        }
    };
})()";

#[test]
fn a_campaign_goes_on_without_a_worker_that_has_vanished() {
    let Some(page) = Page::open("worker-vanished", "#view=campaign&device=cpu&seed=7&faults=10000") else { return };
    page.wait_for("#start:enabled");
    if page.eval("navigator.hardwareConcurrency").as_u64() < Some(2) {
        return;
    }
    page.in_worker(VANISH);
    crate::campaign::complete(&page);
    let told = page.text("#campaign-progress");
    assert!(told.contains("stopped answering"), "{told}");
    page.screenshot("worker-vanished");
    let records = crate::campaign::records(&page);
    let images =
        page.eval("Number(document.querySelector('#campaign-images option').innerText.replace(/[^0-9]/g, ''))");
    assert_eq!(Some(records.lines().count() as u64), images.as_u64().map(|images| images * 10_000));
    page.close();
}

/// What a person sees while something is missing: a network on its way, no WebGPU, a file that is of no use.
#[test]
fn every_state_of_the_start_fits_every_window() {
    let Some(page) = Page::open_without_webgpu("states", "#device=gpu") else { return };
    page.wait_for("#golden .score");
    page.wait_for_text("#device", "no WebGPU");
    let large = has_efficientnet(&page);
    if large {
        page.slow_down(50_000.0);
        page.choose("#model", "efficientnet-lite0");
        page.wait_for("#download progress");
    }
    page.drop_files("footer", &[&crate::explorer::write("notes.doc", b"neither")]);
    page.wait_for_text(".notices", "notes.doc");
    page.in_every_window(&[360, 1280, 1920], |theme, width| {
        page.fits();
        page.screenshot(&format!("states-{theme}-{width}"));
    });
    page.close();
}
