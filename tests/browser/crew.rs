//! Work that several workers of the tab share. Times are printed, not tested.

use crate::{campaign::complete, explorer::open_own, page::Page};

/// Lets the page's worker believe that the machine has so many cores.
pub fn cores(page: &Page, cores: usize) {
    page.in_worker(&format!(
        "Object.defineProperty(navigator, 'hardwareConcurrency', {{ value: {cores}, configurable: true }})"
    ));
}

/// ResNet-20 for CIFAR-100, whose sweeps take long enough to be shared.
fn resnet(name: &str, more: &str) -> Option<Page> {
    let hash = format!("#model=file%3Acifar100_resnet20.onnx&image=file%3Asign.bmp&device=cpu{more}");
    open_own(name, "cifar100_resnet20.onnx", 100, &hash)
}

/// Milliseconds from a click on `button` until `over` is true, as the page measures them.
fn time(page: &Page, button: &str, over: &str) -> f64 {
    let script = format!(
        "(async () => {{
            const begun = performance.now();
            document.querySelector('{button}').click();
            while (!({over})) await new Promise(done => setTimeout(done, 20));
            return performance.now() - begun;
        }})()"
    );
    page.eval(&script).as_f64().unwrap_or(f64::NAN)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

const SWEPT: &str = "document.querySelector('#sweep-told') && !document.querySelector('#sweep progress')";
const PREDICTED: &str = "document.querySelector('#danger-told')";

/// The outcomes of a sweep, as the picture and the sentence tell them.
fn swept(page: &Page) -> String {
    page.text("#sweep-told") + &page.eval("document.querySelector('#sweep-picture').innerHTML").to_string()
}

#[test]
fn a_long_sweep_is_shared_and_tells_what_one_worker_tells() {
    let Some(page) = resnet("crew-sweep", "&run=1&bit=30") else { return };
    page.wait_for("#verdict .verdict");
    let mut told = Vec::new();
    for workers in [1, 2, 3] {
        cores(&page, workers);
        let took = time(&page, "#sweep-map", SWEPT);
        println!(
            "measured: a map of ResNet-20 swept by {workers} workers of {:?} cores in {took:.0} ms",
            std::thread::available_parallelism()
        );
        told.push(swept(&page));
        page.screenshot("crew-sweep");
        page.click("#sweep-map");
        page.wait_until("no sweep", "!document.querySelector('#sweep-told')");
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    assert!(told[0].contains("faults:"), "{}", told[0]);
    page.close();
}

#[test]
fn a_prediction_tells_how_far_it_is_and_can_be_stopped() {
    let Some(page) = resnet("crew-danger", "&run=1&bit=30") else { return };
    page.wait_for("#verdict .verdict");
    // The page itself stops at the first injection: a fast machine is done before a second command arrives.
    page.eval(
        "(window.stopped = 0, new MutationObserver((_, watch) => {
            const stop = document.querySelector('#danger-stop');
            const told = document.querySelector('#danger-waits')?.innerText;
            if (!stop || !told?.startsWith('Injecting into the worst element')) return;
            watch.disconnect();
            stop.click();
            window.stopped += 1;
        }).observe(document.body, { subtree: true, childList: true, characterData: true }), true)",
    );
    page.eval("document.querySelector('#predict').click()");
    page.wait_until("a stop at an injection", "window.stopped === 1");
    page.wait_until("the end", "!document.querySelector('#danger-waits') && !document.querySelector('#danger-stop')");
    page.wait_until("no list", "!document.querySelector('#danger-told')");
    let mut told = Vec::new();
    for workers in [1, 2] {
        cores(&page, workers);
        let took = time(&page, "#predict", PREDICTED);
        println!("measured: the danger of ResNet-20 predicted and injected by {workers} workers in {took:.0} ms");
        told.push(page.text("#danger-told") + &page.text("#danger-list"));
        page.screenshot("crew-danger");
        page.click("#predict");
        page.wait_until("no prediction", "!document.querySelector('#danger-told')");
    }
    assert_eq!(told[0], told[1]);
    page.close();
}

/// Campaigns in turn with one worker and with two, of the built-in network.
#[test]
#[ignore = "takes minutes, and means something on a machine that has nothing else to do"]
fn two_workers_over_one() {
    let Some(page) = Page::open("crew-campaign", "#view=campaign&device=cpu&seed=7&faults=10000") else { return };
    page.wait_for("#start:enabled");
    complete(&page);
    // The words of the campaign before stay until the first of this one.
    let over = "(window.begun ||= !!document.querySelector('#stop'))
        && document.querySelector('#campaign-progress')?.innerText.includes('complete')";
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        for (workers, times) in [1, 2].into_iter().zip(&mut times) {
            cores(&page, workers);
            page.eval("window.begun = false");
            times.push(time(&page, "#start", over));
        }
    }
    println!("measured: campaigns of 160,000 faults, ms: {times:.0?}");
    let ratios = times[0].iter().zip(&times[1]).map(|(one, two)| one / two).collect();
    println!("measured: two workers over one, median of the rounds: {:.2}", median(ratios));
    page.close();
}
