//! What the page starts with, and what it fetches beside.

use super::*;
use crate::state::DownloadAction;

/// A site with a small network and a large one.
fn site() -> Catalogue {
    let mut catalogue = catalogue();
    catalogue.models[0].bytes = Some(1_000_000);
    catalogue.models[1].bytes = Some(20_000_000);
    catalogue.models[1].sha256 = Some("ab".into());
    catalogue
}

fn open(hash: &str) -> Page {
    let mut page = Page::default();
    page.act(Action::Navigated(hash.to_owned()));
    page.act(Action::Catalogue(Ok(site())));
    page.hear(0, Response::Ready);
    page
}

fn arrive(page: &mut Page) {
    let file = FileRef { name: "model.bpk".into(), url: "blob:large".into() };
    page.act(Action::Download(DownloadAction::Arrived { id: "other".into(), file }));
}

#[test]
fn a_small_network_starts_on_the_cpu_and_a_link_decides_otherwise() {
    let asked = open("").settle();
    assert!(matches!(&asked[0], Request::Load { device: DeviceChoice::Cpu, .. }), "{asked:?}");
    let asked = open("#device=gpu").settle();
    assert!(matches!(&asked[0], Request::Load { device: DeviceChoice::Gpu, .. }), "{asked:?}");
}

#[test]
fn a_large_network_is_fetched_while_the_small_one_stays_in_use() {
    let mut page = open("");
    page.settle();
    page.act(Action::ChooseModel("other".into()));
    assert_eq!(page.downloads, ["other"]);
    page.act(Action::Download(DownloadAction::Progress { received: 5, total: Some(7) }));
    let download = page.state.download().expect("under way");
    assert_eq!((download.received, download.total), (5, Some(20_000_000)), "the list knows the size");
    page.act(Action::Inject);
    assert_eq!(sites(&page.settle()).len(), 1, "faults are injected meanwhile");
    page.act(Action::ChooseModel("other".into()));
    assert_eq!(page.downloads, ["other"], "it is not fetched twice");

    arrive(&mut page);
    let asked = page.settle();
    assert!(matches!(&asked[0], Request::Load { model, .. } if model.url == "blob:large"), "{asked:?}");
    assert_eq!(page.state.link.model.as_deref(), Some("other"));
    page.act(Action::ChooseModel("net".into()));
    page.settle();
    page.act(Action::ChooseModel("other".into()));
    assert_eq!(page.downloads, ["other"], "once is enough");
    assert_eq!(page.state.model().map(|model| model.name.as_str()), None, "it is being loaded");
}

#[test]
fn who_has_chosen_another_network_meanwhile_keeps_that() {
    let mut page = open("");
    page.settle();
    page.act(Action::ChooseModel("other".into()));
    page.act(Action::Brought(Box::new(Brought::sort([FileRef { name: "mine.onnx".into(), url: "blob:1".into() }]))));
    page.settle();
    arrive(&mut page);
    assert_eq!(page.state.link.model.as_deref(), Some("file:mine.onnx"));
}

#[test]
fn a_download_can_be_cancelled() {
    let mut page = open("");
    page.settle();
    page.act(Action::ChooseModel("other".into()));
    page.act(Action::Download(DownloadAction::Cancel));
    assert_eq!(page.downloads, ["other", ""]);
    assert!(page.state.download().is_none());
    // Its last word comes too late.
    arrive(&mut page);
    assert_eq!(page.state.link.model, None);

    // Who has opened a link to it goes on with the small one.
    let mut page = open("#model=other&layer=deep&element=3&run=1");
    assert!(page.settle().is_empty());
    assert_eq!(page.downloads, ["other"]);
    page.act(Action::Download(DownloadAction::Cancel));
    let asked = page.settle();
    assert!(matches!(&asked[0], Request::Load { model, .. } if model.url == "models/net/model.bpk"), "{asked:?}");
    assert!(sites(&asked).is_empty(), "the fault was one of the other network");
}

#[test]
fn a_download_that_fails_says_so_and_can_be_tried_again() {
    let mut page = open("#model=other&layer=first&element=3&bit=2&run=1");
    page.settle();
    let problem = "the server answered 500".to_owned();
    page.act(Action::Download(DownloadAction::Failed { id: "other".into(), problem }));
    assert_eq!(page.notices(), ["OTHER could not be fetched: the server answered 500."]);
    assert!(page.state.stuck());
    assert_eq!(page.downloads, ["other"], "it is not tried for ever");
    page.act(Action::Retry);
    assert_eq!(page.downloads, ["other", "other"]);
    arrive(&mut page);
    assert_eq!(sites(&page.settle()).len(), 1, "the link has waited with what it says");
}

#[test]
fn speeds_are_those_of_the_device_that_ran() {
    let mut page = open("");
    assert_eq!(page.state.speed(DeviceChoice::Cpu), None);
    page.settle();
    assert_eq!(page.state.speed(DeviceChoice::Cpu), Some(1.0));
    assert_eq!(page.state.speed(DeviceChoice::Gpu), None, "not measured yet");
    page.act(Action::ChooseDevice(DeviceChoice::Gpu));
    page.settle();
    assert_eq!(page.state.speed(DeviceChoice::Gpu), Some(1.0));
}

#[test]
fn a_model_without_images_is_tried_on_those_of_the_default_model() {
    let asked = Page::open("#model=other&image=b.jpg").settle();
    assert!(matches!(&asked[0], Request::Load { model, .. } if model.url == "models/other/model.bpk"), "{asked:?}");
    assert!(matches!(&asked[1], Request::Golden { image } if image.url == "models/net/samples/b.jpg"), "{asked:?}");
}
