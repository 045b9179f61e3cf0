//! Patterns: the elements that are struck together, before and after the fault strikes.

use facts::fault::{Pattern, Strike};
use protocol::{
    CampaignAnswer, CampaignProfile, CampaignRequest, CampaignUpdate, ImageSet, Picture, Stage, WorstFault,
};

use super::campaign::{profile, update, worst};
use super::*;
use crate::state::CampaignAction;

fn strikes(asked: &[Request]) -> Vec<Strike> {
    let strike = |request: &Request| if let Request::Inject { strike } = request { Some(*strike) } else { None };
    asked.iter().filter_map(strike).collect()
}

fn choose(page: &mut Page, pattern: &str) {
    let pattern: Pattern = pattern.parse().expect("a pattern");
    page.act(Action::choose(move |link| link.pattern = Some(pattern)));
}

#[test]
fn the_pattern_is_drawn_before_it_strikes() {
    let mut page = Page::settled("layer=first&element=5");
    assert!(page.state.outlined().iter().all(Vec::is_empty), "a single element has a mark of its own");
    choose(&mut page, "row");
    assert_eq!(page.state.outlined(), [vec![], vec![4, 5, 6, 7]]);
    assert!(page.settle().is_empty(), "nothing is asked for that");
    page.act(Action::Inject);
    let strike = strikes(&page.settle());
    assert_eq!(
        strike.iter().map(|strike| (strike.site.element, strike.pattern)).collect::<Vec<_>>(),
        [(5, Pattern::Row)]
    );
    assert!(page.hash.contains("pattern=row") && !page.hash.contains("draw="), "{}", page.hash);
    assert_eq!(page.state.outlined(), [vec![4, 5, 6, 7], vec![]], "it has struck");
    page.act(Action::ChooseElement(9));
    assert_eq!(page.state.outlined(), [vec![4, 5, 6, 7], vec![8, 9, 10, 11]], "and would strike here next");
    page.act(Action::ChooseLayer(2));
    assert!(page.state.outlined()[0].is_empty(), "another tensor");
}

#[test]
fn another_pattern_or_draw_strikes_again_and_undo_takes_it_back() {
    let mut page = Page::settled("layer=first&element=5&pattern=bullet-wake&run=1");
    choose(&mut page, "random:3");
    let first = strikes(&page.settle());
    page.act(Action::choose(|link| link.draw = Some(7)));
    let second = strikes(&page.settle());
    assert_eq!((first[0].seed, second[0].seed), (0, 7));
    assert_eq!(page.state.outlined()[0].len(), 3);
    page.act(Action::Undo);
    page.act(Action::Undo);
    assert_eq!(strikes(&page.settle()).last().map(|strike| strike.pattern), Some(Pattern::BulletWake(None)));
    page.act(Action::Share);
    assert!(page.hash.contains("pattern=bullet-wake&draw=0"), "a shared link says which draw it is: {}", page.hash);
}

/// The first station of the walk tells all elements of the pattern, which the map shows; the next ones tell how it spreads.
#[test]
fn the_walk_begins_at_all_elements_of_the_pattern() {
    let mut page = Page::settled("layer=first&element=5&pattern=row&run=1");
    let told = page.state.station_told().expect("it is on the way");
    let start = "first (Conv) is struck: 4 elements in 1 map, each changed alike. 1 of 32 elements changed (3.1 %).";
    assert!(told.starts_with(start), "{told}");
    assert_eq!(page.state.outlined()[0], [4, 5, 6, 7]);
    page.act(Action::Follow(Follow::Forward));
    let told = page.state.station_told().expect("it is on the way");
    assert!(told.starts_with("relu (Conv): as many as came in: 1 of 32 elements changed (3.1 %)."), "{told}");
    assert!(page.state.outlined()[0].is_empty());
    page.act(Action::Follow(Follow::First));
    assert_eq!(page.state.outlined()[0], [4, 5, 6, 7]);

    choose(&mut page, "bullet-wake:2");
    page.settle();
    let told = page.state.station_told().expect("it is on the way");
    assert!(told.starts_with("first (Conv) is struck: 2 elements in 2 maps, each changed alike."), "{told}");
    assert_eq!(page.state.outlined()[0], [5, 21], "one place in both channels");
    choose(&mut page, "single");
    page.settle();
    let told = page.state.station_told().expect("it is on the way");
    assert!(told.starts_with("first (Conv) is struck: 1 of 32 elements changed (3.1 %). It touches 6.2 %"), "{told}");

    let page = Page::settled("target=weight&layer=first&tensor=w&element=4&pattern=channel&run=1");
    let told = page.state.station_told().expect("it is on the way");
    assert!(told.starts_with("first (Conv) is struck in w: 9 elements in 1 map, each changed alike."), "{told}");
}

#[test]
fn sweeps_strike_the_pattern() {
    let mut page = Page::settled("layer=first&element=5&pattern=column&run=1&sweep=map");
    page.act(Action::Sweep(Some(Sweep::Bits)));
    let asked = page.settle();
    let bits = asked.iter().find_map(|request| match request {
        Request::Sweep(SweepRequest::Bits { strike, .. }) => Some(strike.pattern),
        _ => None,
    });
    assert_eq!(bits, Some(Pattern::Column));
}

#[test]
fn a_pattern_that_does_not_fit_says_so_before_it_strikes() {
    let mut page = Page::settled("layer=first");
    choose(&mut page, "block:5x1");
    let looked = page.state.looked().expect("a layer");
    let problem = page.state.spots(&looked).expect_err("the map has four columns");
    assert_eq!(problem, "pattern block:5x1 takes 5 columns and 1 rows, tensor \"first\" has 4 and 4.");
    assert!(page.state.outlined().iter().all(Vec::is_empty));
}

#[test]
fn a_pattern_that_there_is_not_is_left_out_with_a_sentence() {
    for (link, part) in
        [("pattern=rows", "a pattern is expected: single, row"), ("draw=-1", "a whole number from 0 on")]
    {
        let page = Page::settled(link);
        assert!(page.notices()[0].contains(part), "{:?}", page.notices());
        assert_eq!((page.state.link.pattern, page.state.link.draw), (None, None));
    }
}

/// A fault of a campaign comes with its pattern if all elements were changed alike, and with its first element otherwise.
#[test]
fn a_pattern_of_a_campaign_is_followed_with_all_its_elements() {
    for (pattern, alike, found) in [
        ("row", vec![4, 5, 6, 7], true),
        ("bullet-wake", vec![4, 20], true),
        ("random:2", vec![4, 9], true),
        ("row", vec![4, 5, 6], false),
        ("row", vec![], false),
    ] {
        let (mut page, id, _) = Page::begun("");
        let fault = WorstFault { element: 4, alike: alike.clone(), ..worst("first", 3) };
        let pattern: Pattern = pattern.parse().expect("a pattern");
        let profile = CampaignProfile { pattern, ..CampaignProfile::clone(&profile(vec![fault])) };
        page.tell(id, CampaignUpdate { profile: Some(Rc::new(profile)), ..update(id, Stage::Complete, 4) });
        page.campaign(CampaignAction::Follow(0));
        let (asked, CampaignRequest::Picture { images: ImageSet::Files(files), .. }) = page.asked() else { panic!() };
        page.answer(asked, CampaignAnswer::Picture { image: 1, picture: Picture::File(files[1].clone()) });
        let strikes = strikes(&page.settle());
        let chosen = if found { pattern } else { Pattern::Single };
        assert_eq!(strikes.iter().map(|strike| strike.pattern).collect::<Vec<_>>(), [chosen]);
        assert_eq!(page.state.outlined()[0], if found { alike } else { Vec::new() });
        assert_eq!(page.notices().iter().any(|notice| notice.contains("elements at once")), !found, "{pattern}");
    }
}
