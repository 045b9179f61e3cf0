//! Number formats that the network is rounded to.

use protocol::CampaignRequest;

use super::*;

/// The formats of each load that was asked for, and how many images each came with.
fn loads(asked: &[Request]) -> Vec<(String, usize)> {
    let load = |request: &Request| match request {
        Request::Load { changes, .. } => {
            let NumberFormats { outputs, weights, .. } = changes.numbers;
            Some((format!("{outputs} {weights}"), changes.calibrate.len()))
        }
        _ => None,
    };
    asked.iter().filter_map(load).collect()
}

fn choose(page: &mut Page, outputs: &str, weights: &str) {
    let [outputs, weights] = [outputs, weights].map(|text| text.parse().ok());
    page.act(Action::choose(move |link| (link.card.format, link.card.weight_format) = (outputs, weights)));
}

#[test]
fn another_format_loads_the_network_anew_and_injects_again() {
    let mut page = Page::settled("layer=first&element=3&run=1");
    assert_eq!(page.state.site().map(|site| site.corruption), Corruption::flip(30).ok());
    choose(&mut page, "bf16", "bf16");
    assert!(page.hash.contains("format=bf16&weight-format=bf16"), "{}", page.hash);
    let asked = page.settle();
    assert_eq!(loads(&asked), [("bf16 bf16".to_owned(), 0)]);
    assert!(
        asked.iter().any(|request| matches!(request, Request::Golden { .. })),
        "the golden run is the rounded network's"
    );
    let corruptions: Vec<_> = asked
        .iter()
        .filter_map(
            |request| if let Request::Inject { strike } = request { Some(strike.site.corruption) } else { None },
        )
        .collect();
    assert_eq!(corruptions, [Corruption::flip(14).unwrap()], "the highest bit of the exponent that the format has");
    assert_eq!((page.state.format(), page.state.bits().single()), (Format::Bf16, Some(14)));
    page.act(Action::Sweep(Some(Sweep::Bits)));
    let sweep = page.settle().into_iter().find_map(|request| match request {
        Request::Sweep(sweep) => Some(sweep),
        _ => None,
    });
    assert_eq!(sweep.map(|sweep| sweep.trials()), Some(16));
    page.act(Action::Undo);
    page.act(Action::Undo);
    assert_eq!(loads(&page.settle()), [("f32 f32".to_owned(), 0)], "undo takes the format back");
    page.act(Action::ChooseModel("other".into()));
    assert!(!page.hash.contains("format"), "another network is read as its file has it: {}", page.hash);
}

#[test]
fn integers_learn_their_scales_from_the_images_on_the_page() {
    let mut page = Page::open("format=int8&weight-format=f16");
    assert_eq!(loads(&page.settle()), [("int8 f16".to_owned(), 2)]);
    let numbers = page.state.numbers().expect("it is rounded");
    assert_eq!(numbers.calibration.map(|calibration| calibration.images), Some(2));
    assert!(crate::words::rounded(&numbers).contains("scales learnt from 2 images (min-max), mixed. These are"));
    choose(&mut page, "fixed:7.8", "fixed:7.8");
    assert_eq!(loads(&page.settle()), [("fixed:7.8 fixed:7.8".to_owned(), 0)]);
}

#[test]
fn a_format_that_does_not_fit_the_network_is_taken_back() {
    let mut page = Page::settled("");
    choose(&mut page, "e4m3", "f32");
    let load = page.open.iter().find(|request| matches!(request.body, Request::Load { .. })).expect("a load").id;
    page.open.clear();
    page.hear(load, Response::Failed { message: "it stores integers itself.".into() });
    assert_eq!(page.notices(), ["it stores integers itself."]);
    assert_eq!(page.state.link.card.format, None);
}

#[test]
fn a_format_that_no_network_has_is_left_out_with_a_sentence() {
    for (link, part) in [
        ("format=float", "a number format is expected: f32, f16"),
        ("format=int32", "int32 holds sums"),
        ("weight-format=fixed:20.20", "has 41 bits with the sign"),
    ] {
        let page = Page::settled(link);
        assert!(page.notices()[0].contains(part), "{:?}", page.notices());
        assert_eq!(page.state.numbers(), None);
    }
}

#[test]
fn a_campaign_has_formats_and_a_pattern_of_its_own() {
    let mut page = Page::settled(
        "view=campaign&format=f16&campaign-format=int8&campaign-weight-format=bf16&campaign-pattern=block:2x2",
    );
    assert_eq!((page.state.campaign_format(), page.state.format()), (Format::I8, Format::F16));
    page.act(Action::Campaign(CampaignAction::Start));
    let start = page.open.iter().find_map(|request| match &request.body {
        Request::Campaign(CampaignRequest::Start(start)) => Some(start.clone()),
        _ => None,
    });
    let start = start.expect("it has begun");
    assert_eq!((start.format, start.weight_format), (Format::I8, Format::Bf16));
    assert_eq!(start.fault_model.pattern.to_string(), "block:2x2");
    assert!(page.state.link.to_hash().contains("campaign-pattern=block%3A2x2"), "{}", page.state.link.to_hash());
    let page = Page::settled("campaign-format=f8&campaign-pattern=rows");
    assert!(page.notices().len() == 2 && page.notices()[1].contains("a pattern is expected"), "{:?}", page.notices());
}
