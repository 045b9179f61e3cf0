//! The fault on show under a protection.

use protocol::{ProtectRequest, Request, Response};

use super::*;
use crate::state::asked::Progress;

fn asked(requests: &[Request]) -> Vec<&ProtectRequest> {
    requests
        .iter()
        .filter_map(|asked| if let Request::Protect(request) = asked { Some(request) } else { None })
        .collect()
}

#[test]
fn a_protected_run_stands_beside_the_fault_and_follows_it() {
    let mut page = Page::settled("#protect=1&layer=first&element=3");
    assert!(page.state.protection_now().is_none(), "there is no fault yet");
    page.act(Action::Inject);
    let requests = page.settle();
    let request = asked(&requests);
    assert_eq!((request.len(), request[0].method.to_string().as_str()), (1, "range"), "as links have always meant it");
    assert_eq!(page.state.protection_now().map(|protection| protection.images), Some(2));
    page.act(Action::ChooseLayer(2));
    assert_eq!(asked(&page.settle()).len(), 0, "looking elsewhere changes no run");
    page.act(Action::Strike(4));
    assert!(page.state.protection_now().is_none());
    assert_eq!(asked(&page.settle()).len(), 1);
    page.act(Action::choose(|link| link.protect = false));
    assert!(page.state.protection_now().is_none() && page.open.is_empty());
    assert!(!page.hash.contains("protect"), "{}", page.hash);
}

#[test]
fn a_protected_run_is_given_up_with_its_fault_and_asked_for_again() {
    let mut page = Page::settled("#protect=1&layer=first&element=3");
    page.act(Action::Inject);
    let inject = page.open.remove(0);
    page.hear(inject.id, Response::Injected(injection()));
    let waiting = page.open.iter().find(|r| matches!(r.body, Request::Protect(_))).expect("a protected run").clone();
    let Request::Protect(request) = &waiting.body else { panic!("{waiting:?}") };
    page.hear(waiting.id, Response::Protecting { done: 1, total: 2 });
    assert_eq!(page.state.asked.protect.progress(), Some(Progress { done: 1, all: Some(2), left: None }));
    page.open.clear();
    // The worker forgets it with the image, and the page does not wait for ever.
    page.act(Action::ChooseImage("b.jpg".into()));
    page.act(Action::ChooseImage("a.jpg".into()));
    page.hear(waiting.id, Response::Protected(protection(request)));
    assert!(page.state.protection_now().is_none(), "a late answer is not taken");
    page.settle();
    assert!(page.state.protection_now().is_some());
}

#[test]
fn another_protection_is_another_run_and_stands_in_the_link() {
    let mut page = Page::settled("#protect=1&protection=secded&layer=first&element=3&run=1");
    assert_eq!(page.state.protection_now().map(|run| (run.method.to_string(), run.images)), Some(("secded".into(), 0)));
    page.act(Action::choose(|link| link.protection = "weight-clip".parse().ok()));
    let requests = page.settle();
    assert_eq!(asked(&requests).len(), 1);
    assert!(page.hash.contains("protection=weight-clip"), "{}", page.hash);
    assert_eq!(page.state.protection_now(), None);
    assert_eq!(page.state.protection_unfit(), Some("It is for faults in weights."));
    assert!(page.notices().is_empty() && !page.state.stuck(), "a protection that does not apply is no failure");
    page.act(Action::choose(|link| link.protection = None));
    page.settle();
    assert_eq!(page.state.protection_now().map(|run| run.method.to_string()).as_deref(), Some("range"));
}

#[test]
fn a_protection_of_layers_is_offered_for_the_struck_layer_and_stays_where_it_is() {
    let chosen = |page: &Page| {
        let mut all = page.state.protections_of_one_fault();
        all.retain(|choice| choice.chosen);
        all.into_iter().map(|choice| choice.method.to_string()).collect::<Vec<_>>()
    };
    let names = |page: &Page| {
        page.state.protections_of_one_fault().into_iter().map(|choice| choice.method.to_string()).collect::<Vec<_>>()
    };
    let mut page = Page::settled("#protect=1&layer=first&element=3&run=1");
    assert_eq!(chosen(&page), ["range"]);
    assert!(names(&page).contains(&"tmr:first".to_owned()), "{:?}", names(&page));
    page.act(Action::choose(|link| link.protection = "tmr:first".parse().ok()));
    page.settle();
    page.act(Action::ChooseLayer(2));
    page.act(Action::Strike(3));
    page.settle();
    assert_eq!(chosen(&page), ["tmr:first"]);
    assert!(names(&page).contains(&"tmr:relu".to_owned()), "{:?}", names(&page));
    assert_eq!(page.state.protection_now().map(|run| run.method.to_string()).as_deref(), Some("tmr:first"));
}
