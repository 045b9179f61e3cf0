use facts::campaign::{Criterion, FaultSummary, GoldenSummary, NumberFormats, Quantity, SEED};
use facts::fault::FaultKind;
use facts::fault::Format;
use facts::labels::{Group, Grouping};
use facts::outcome::Rate;
use protocol::{
    CampaignAnswer, CampaignProfile, CampaignRequest, CampaignStart, CampaignUpdate, Export, ImageSet, Naming, Picture,
    Protocol, Severity, Stage, WorstFault,
};

use super::*;
use crate::link::{CampaignLink, Counting};
use crate::state::{CampaignAction, GroupingAction};

pub(super) fn update(campaign: RequestId, stage: Stage, done: u64) -> CampaignUpdate {
    let none = Rate::new(0, done);
    CampaignUpdate {
        campaign,
        stage,
        planned: 20,
        milliseconds: 10.0 * done as f64,
        workers: 1,
        lost: 0,
        learning: None,
        faults: FaultSummary {
            injections: done,
            masked: none,
            sdc: none,
            due: none,
            scm: None,
            scm_of_sdc: None,
            criteria: None,
        },
        golden: GoldenSummary { images: 2, accuracy: None, scm: None, non_scm: None, alarm: None },
        rounded: None,
        skipped: None,
        aim: None,
        scm_ratio: None,
        naming: None,
        profile: None,
    }
}

pub(super) fn worst(layer: &str, others: usize) -> WorstFault {
    WorstFault {
        severity: Severity::Sdc,
        due: false,
        image: 1,
        golden: 1,
        faulty: 2,
        confidence: None,
        target: Target::Activation,
        layer: layer.into(),
        tensor: layer.into(),
        element: 7,
        corruption: Corruption::flip(29).expect("a bit"),
        before: 1.0,
        after: 2.0,
        others,
        alike: Vec::new(),
    }
}

pub(super) fn profile(worst: Vec<WorstFault>) -> Rc<CampaignProfile> {
    Rc::new(CampaignProfile {
        format: Format::F32,
        numbers: NumberFormats::default(),
        pattern: Default::default(),
        heading: [String::new(), String::new()],
        imported: None,
        preprocess: String::new(),
        notices: Vec::new(),
        grouping: None,
        criteria: vec![Criterion::Sdc, Criterion::Sdc10],
        bits: Vec::new(),
        layers: Vec::new(),
        map: Vec::new().into(),
        starts: Vec::new(),
        design: None,
        history: Vec::new(),
        confusion: None,
        worst,
        protections: Vec::new(),
    })
}

impl Page {
    pub(super) fn campaign(&mut self, action: CampaignAction) {
        self.act(Action::Campaign(action));
    }

    /// The one request that was made since, which must be about campaigns.
    pub(super) fn asked(&mut self) -> (RequestId, CampaignRequest) {
        assert_eq!(self.open.len(), 1, "{:?}", self.open);
        let Envelope { id, body, .. } = self.open.remove(0);
        match body {
            Request::Campaign(request) => (id, request),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn answer(&mut self, id: RequestId, answer: CampaignAnswer) {
        self.hear(id, Response::Campaign(answer));
    }

    pub(super) fn tell(&mut self, id: RequestId, update: CampaignUpdate) {
        self.answer(id, CampaignAnswer::Update(Box::new(update)));
    }

    pub(super) fn begun(hash: &str) -> (Self, RequestId, CampaignStart) {
        let mut page = Self::settled(hash);
        page.campaign(CampaignAction::Start);
        match page.asked() {
            (id, CampaignRequest::Start(start)) => (page, id, *start),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_campaign_runs_is_held_goes_on_and_ends() {
    let (mut page, id, start) = Page::begun("");
    assert_eq!(
        (start.protocol, start.seed),
        (Protocol::Fixed { faults: 1000 }, SEED),
        "two images, and a golden run takes 1 ms"
    );
    assert!(matches!(&start.images, ImageSet::Files(files) if files.len() == 2));
    assert!(page.hash.contains(&format!("seed={SEED}")) && page.hash.contains("faults=1000"), "{}", page.hash);
    assert!(page.state.campaign.running() && page.state.campaign_waits());
    page.tell(id, update(id, Stage::Running, 4));
    assert!(!page.state.campaign_waits());
    assert_eq!(page.state.campaign.time_left(), Some(160.0));
    for (action, stage) in [
        (CampaignAction::Pause, Stage::Paused),
        (CampaignAction::Resume, Stage::Running),
        (CampaignAction::Stop, Stage::Stopped),
    ] {
        page.campaign(action);
        assert!(page.state.campaign_waits());
        let (asked, _) = page.asked();
        page.tell(asked, update(id, stage, 5));
        assert_eq!(page.state.campaign.stage(), Some(stage));
        assert!(!page.state.campaign_waits());
    }
    assert!(!page.state.campaign.running() && page.state.can_start());
    page.tell(99, update(77, Stage::Running, 1));
    assert_eq!(page.state.campaign.stage(), Some(Stage::Stopped), "nobody waits for another campaign");
}

#[test]
fn a_campaign_that_cannot_begin_leaves_nothing_behind() {
    let (mut page, id, _) = Page::begun("");
    page.hear(id, Response::Failed { message: "The image a.jpg has no label.".into() });
    assert!(!page.state.campaign.running() && page.state.campaign.stage().is_none());
    assert_eq!(page.notices(), ["The image a.jpg has no label."]);
    assert!(page.state.can_start());
}

#[test]
fn what_was_told_survives_another_model_and_a_worker_that_dies() {
    let (mut page, id, _) = Page::begun("");
    page.tell(id, update(id, Stage::Running, 4));
    page.act(Action::ChooseModel("other".into()));
    assert_eq!(page.state.campaign.stage(), Some(Stage::Stopped));
    page.act(Action::WorkerDied("out of memory".into()));
    assert!(!page.state.campaign.running() && !page.state.campaign.at_hand());
    assert_eq!(page.state.campaign.update.as_ref().map(|update| update.faults.injections), Some(4));
    assert!(
        page.notices().iter().any(|told| told.contains("of its 4 faults stay on the page")),
        "{:?}",
        page.notices()
    );
}

#[test]
fn every_setting_is_the_links() {
    let hash = "#protocol=study&misclassified=7&campaign-target=weight&campaign-type=bitflip&campaign-bit=30&sampling=element\
                &seed=9&images=1";
    let (page, _, start) = Page::begun(hash);
    assert_eq!(start.protocol, Protocol::Study { correct: 5, misclassified: 7 });
    assert_eq!((start.seed, start.limit, start.fault_model.target), (9, Some(1), Target::Weight));
    assert_eq!(start, Page::begun(&page.state.link.to_hash()).2, "the same link, the same campaign");
    let (_, _, start) = Page::begun("#protocol=until&margin=1.5&confidence=99");
    let Protocol::Until(goal) = start.protocol else { panic!("{start:?}") };
    assert_eq!((goal.margin, goal.of), ("1.5pp".parse().expect("a margin"), Quantity::Sdc));
    let (_, _, start) = Page::begun("#protocol=until&margin=10%25&of=scm-share");
    let Protocol::Until(goal) = start.protocol else { panic!("{start:?}") };
    assert_eq!((goal.margin, goal.of), ("10%".parse().expect("a margin"), Quantity::ScmShare));
}

#[test]
fn the_outcome_of_charts_is_the_links_and_one_that_is_not_known_is_not_shown() {
    let (mut page, id, _) = Page::begun("#outcome=sdc5");
    assert_eq!(page.state.shown_outcome(), Criterion::Sdc5, "nothing says yet that it is not known");
    page.tell(id, CampaignUpdate { profile: Some(profile(Vec::new())), ..update(id, Stage::Complete, 4) });
    assert_eq!(page.state.shown_outcome(), Criterion::Sdc);
    assert!(page.hash.contains("outcome=sdc5"), "it stays chosen: {}", page.hash);
    page.act(Action::choose(|link| link.campaign.outcome = Some(Criterion::Sdc10)));
    assert_eq!(page.state.shown_outcome(), Criterion::Sdc10);
    assert!(page.hash.contains("outcome=sdc10pct") && page.open.is_empty(), "the page has the numbers: {}", page.hash);
}

#[test]
fn what_a_campaign_takes_is_known_beforehand() {
    let mut page = Page::settled("#faults=30");
    let estimate = page.state.estimate();
    assert_eq!((estimate.images, estimate.faults, estimate.unlabelled), (Some(2), Some([60, 60]), 2));
    assert_eq!((estimate.milliseconds, estimate.measured), (Some(15.0), false), "a golden run takes 1 ms");
    let choose = |page: &mut Page, change: fn(&mut crate::link::CampaignLink)| {
        let mut link = page.state.link.campaign.clone();
        change(&mut link);
        page.campaign(CampaignAction::Choose(Box::new(link)));
        page.state.estimate().faults.expect("two images")
    };
    assert_eq!(choose(&mut page, |link| link.protocol = Some(Counting::Study)), [10, 60]);
    let [least, most] = choose(&mut page, |link| {
        (link.protocol, link.margin) = (Some(Counting::Until), "5pp".parse().ok());
    });
    assert!(least < 120 && most == 884 && least % 2 == 0, "{least} to {most}");
    // The pace of a campaign is better than that of a golden run.
    page.campaign(CampaignAction::Start);
    let (id, _) = page.asked();
    page.tell(id, update(id, Stage::Complete, 4));
    let estimate = page.state.estimate();
    assert!(estimate.measured && estimate.milliseconds == Some(8840.0), "{estimate:?}");
    page.campaign(CampaignAction::Choose(Box::new(crate::link::CampaignLink {
        margin: "10%".parse().ok(),
        ..page.state.link.campaign.clone()
    })));
    assert_eq!(page.state.estimate().faults, None, "the rate decides");
}

#[test]
fn one_of_the_worst_faults_is_followed() {
    let (mut page, id, _) = Page::begun("");
    let faults = vec![worst("first", 2), worst("gone", 0)];
    page.tell(id, CampaignUpdate { profile: Some(profile(faults)), ..update(id, Stage::Complete, 4) });
    page.campaign(CampaignAction::Follow(1));
    assert!(page.open.is_empty() && page.notices()[0].contains("\"gone\""), "{:?}", page.notices());
    page.campaign(CampaignAction::Follow(9));
    assert!(page.open.is_empty(), "there is no such fault");

    page.campaign(CampaignAction::Follow(0));
    let (asked, CampaignRequest::Picture { image: 1, images: ImageSet::Files(files), .. }) = page.asked() else {
        panic!()
    };
    let picture = Picture::File(files[1].clone());
    page.answer(asked, CampaignAnswer::Picture { image: 1, picture });
    let site =
        Site { target: Target::Activation, layer: 1, tensor: 5, element: 7, corruption: Corruption::flip(29).unwrap() };
    assert_eq!(sites(&page.settle()), [site]);
    assert_eq!(page.state.image().map(|(id, _)| id).as_deref(), Some("b.jpg"));
    assert!(page.notices().iter().any(|notice| notice.contains("3 elements")), "{:?}", page.notices());

    page.campaign(CampaignAction::LookAt("relu".into()));
    page.settle();
    assert_eq!(page.state.layer().map(|layer| layer.index), Some(2));

    // An image of a data set becomes a file of the page first.
    page.campaign(CampaignAction::Follow(0));
    let (asked, _) = page.asked();
    let picture = Picture::Made { name: "test.bin[1].png".into(), png: vec![1, 2].into() };
    page.answer(asked, CampaignAnswer::Picture { image: 1, picture });
    assert_eq!(page.pictures, ["test.bin[1].png"]);
    let file = FileRef { name: "test.bin[1].png".into(), url: "blob:1".into() };
    page.campaign(CampaignAction::Pictured(file));
    assert_eq!(page.state.image().map(|(id, _)| id).as_deref(), Some("file:test.bin[1].png"));
}

#[test]
fn a_campaign_from_elsewhere_takes_the_place_of_ours() {
    let (mut page, first, _) = Page::begun("");
    page.tell(first, update(first, Stage::Complete, 4));
    let files = vec![FileRef { name: "c.zip".into(), url: "blob:1".into() }];
    page.act(Action::Brought(Box::new(Brought::sort(files.clone()))));
    let (failing, CampaignRequest::Import { .. }) = page.asked() else { panic!() };
    page.hear(failing, Response::Failed { message: "c.zip: not a readable zip.".into() });
    assert_eq!(page.notices(), ["c.zip: not a readable zip."]);
    assert_eq!(page.state.campaign.update.as_ref().map(|update| update.campaign), Some(first), "ours stays");

    page.act(Action::Brought(Box::new(Brought::sort(files))));
    let (id, _) = page.asked();
    let naming = Naming { classes: 3, labels: Vec::new(), grouping: None };
    page.tell(id, CampaignUpdate { naming: Some(naming), ..update(id, Stage::Stopped, 9) });
    assert_eq!(page.state.campaign.update.as_ref().map(|update| update.faults.injections), Some(9));
    assert_eq!(page.state.draft().map(|draft| draft.classes()), Some(3));
    page.campaign(CampaignAction::Export(Export::Csv));
    let (asked, _) = page.asked();
    let (name, mime) = ("a.csv".to_owned(), "text/csv".to_owned());
    let file = CampaignAnswer::File { name, mime, bytes: vec![7].into(), note: None };
    page.answer(asked, file);
    assert_eq!(page.saved, [("a.csv".to_owned(), vec![7])]);
}

#[test]
fn a_zip_of_images_becomes_the_data_set() {
    let mut page = Page::settled("");
    let zip = FileRef { name: "signs.zip".into(), url: "blob:1".into() };
    page.act(Action::Brought(Box::new(Brought::sort(vec![zip.clone()]))));
    let (id, CampaignRequest::Import { .. }) = page.asked() else { panic!() };
    page.answer(id, CampaignAnswer::Images(zip.clone()));
    assert!(page.hash.contains("data=file%3Asigns.zip"), "{}", page.hash);
    page.campaign(CampaignAction::Start);
    let (_, CampaignRequest::Start(start)) = page.asked() else { panic!() };
    assert_eq!(start.images, ImageSet::Set(vec![zip]));
}

#[test]
fn a_data_set_is_chosen_when_it_is_brought() {
    let mut page = Page::settled("");
    let files = vec![FileRef { name: "test.bin".into(), url: "blob:1".into() }];
    page.act(Action::Brought(Box::new(Brought::sort(files.clone()))));
    assert!(page.hash.contains("data=file%3Atest.bin"), "{}", page.hash);
    page.campaign(CampaignAction::Start);
    let (_, CampaignRequest::Start(start)) = page.asked() else { panic!() };
    assert_eq!(start.images, ImageSet::Set(files));
    assert!(!Page::settled("#data=file%3Agone.bin").state.can_start(), "it has to be brought first");

    // Arrays come in pairs, at once or one after the other.
    let mut page = Page::settled("");
    for name in ["images.npy", "labels.npy"] {
        page.act(Action::Brought(Box::new(Brought::sort(vec![FileRef { name: name.into(), url: name.into() }]))));
    }
    assert_eq!(page.state.chosen_set().map(Vec::len), Some(2));
    // So do MNIST's files, of which the test set is used.
    let mut page = Page::settled("");
    let files = ["train-images", "train-labels", "t10k-images", "t10k-labels"]
        .map(|name| format!("mnist/{name}-idx3-ubyte"))
        .map(|name| FileRef { url: name.clone(), name });
    page.act(Action::Brought(Box::new(Brought::sort(files))));
    let names = page.state.chosen_set().map(|set| set.iter().map(|file| file.name.clone()).collect::<Vec<_>>());
    assert_eq!(names, Some(vec!["t10k-images-idx3-ubyte".to_owned(), "t10k-labels-idx3-ubyte".to_owned()]));
    page.act(Action::Brought(Box::new(Brought::sort(vec![FileRef {
        name: "notes.doc".into(),
        url: "blob:2".into(),
    }]))));
    assert!(page.open.is_empty() && page.notices()[0].contains("notes.doc"), "{:?}", page.notices());
}

fn grouping() -> Grouping {
    let group = |name: &str, critical, classes: &str| Group { name: name.into(), critical, classes: classes.into() };
    Grouping::from_groups("g", 10, vec![group("low", true, "0-4"), group("high", false, "5-9")])
        .expect("it is complete")
}

/// A page that knows the classes.
fn named(own: Option<Grouping>) -> Page {
    let mut page = Page::settled("");
    page.campaign(CampaignAction::LookAtClasses);
    let (id, CampaignRequest::Classes) = page.asked() else { panic!() };
    page.answer(id, CampaignAnswer::Classes(Naming { classes: 10, labels: Vec::new(), grouping: own }));
    page
}

fn judged(page: &mut Page) -> Option<Grouping> {
    match page.asked() {
        (id, CampaignRequest::Judge { edited }) => {
            page.answer(id, CampaignAnswer::Judged);
            edited
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_grouping_is_edited_and_everything_is_judged_again() {
    let mut page = named(Some(grouping()));
    let change = |page: &mut Page, action: GroupingAction| {
        page.campaign(CampaignAction::Group(action));
        judged(page).expect("a grouping")
    };
    let moved = change(&mut page, GroupingAction::Move { class: 2, group: 1 });
    assert_eq!(moved.group_of(2).map(|group| group.name.as_str()), Some("high"));
    assert_eq!((moved.name(), moved.groups()[0].classes.as_str()), ("g-edited", "0-1 3-4"));
    assert!(change(&mut page, GroupingAction::Mark { group: 1, critical: true }).is_scm(5, 0));
    let added = change(&mut page, GroupingAction::Add);
    assert_eq!(added.groups()[2].name, "Group 3");
    change(&mut page, GroupingAction::Rename { group: 2, name: " odd ".into() });
    change(&mut page, GroupingAction::Move { class: 9, group: 2 });
    let removed = change(&mut page, GroupingAction::Remove(1));
    assert_eq!((removed.groups().len(), removed.group_of(9).map(|group| group.name.as_str())), (2, Some("odd")));
    assert_eq!(removed.group_of(7).map(|group| group.name.as_str()), Some("low"), "they went to the group before");
    page.campaign(CampaignAction::Group(GroupingAction::Reset));
    assert_eq!(judged(&mut page), None, "by its own");
    let own = page.state.draft().and_then(|draft| draft.grouping().ok());
    assert_eq!(own, Some(grouping()));
}

#[test]
fn an_edited_grouping_is_the_links_and_can_be_undone() {
    let mut page = named(Some(grouping()));
    page.campaign(CampaignAction::Group(GroupingAction::Mark { group: 1, critical: true }));
    let edited = judged(&mut page);
    assert!(edited.is_some());
    let hash = page.hash.clone();
    page.act(Action::Undo);
    assert_eq!((judged(&mut page), page.hash.contains("groups=")), (None, false));
    page.act(Action::Redo);
    assert_eq!(judged(&mut page), edited);

    let asked = Page::open(&hash).settle();
    let judging = |request: &Request| match request {
        Request::Campaign(CampaignRequest::Judge { edited }) => Some(edited.clone()),
        _ => None,
    };
    assert_eq!(asked.iter().find_map(judging), Some(edited), "{asked:?}");

    let page = Page::settled(&hash.replace("classes%22%3A10", "classes%22%3A9").replace("5-9", "5-8"));
    assert!(page.notices()[0].contains("for 9 classes, the network has 10"), "{:?}", page.notices());
    assert!(!page.hash.contains("groups="));
}

#[test]
fn what_no_grouping_can_be_is_refused_in_a_sentence() {
    let mut page = named(Some(grouping()));
    for action in [
        GroupingAction::Rename { group: 0, name: "high".into() },
        GroupingAction::Rename { group: 0, name: "  ".into() },
        GroupingAction::Load { name: "g.toml".into(), text: "classes = 3".into() },
        GroupingAction::Load { name: "g.toml".into(), text: Grouping::builtin("gtsrb").expect("it ships").to_toml() },
    ] {
        let before = page.notices().len();
        page.campaign(CampaignAction::Group(action.clone()));
        assert!(page.open.is_empty() && page.notices().len() == before + 1, "{action:?}");
    }
    let mut alone = named(None);
    alone.campaign(CampaignAction::Group(GroupingAction::Remove(0)));
    assert!(alone.notices()[0].contains("last group"));
    for action in [GroupingAction::Move { class: 99, group: 0 }, GroupingAction::Remove(99)] {
        page.campaign(CampaignAction::Group(action));
        page.open.clear();
        assert_eq!(page.state.draft().map(|draft| draft.groups.len()), Some(2), "there is no such thing");
    }
}

#[test]
fn an_edited_grouping_is_saved_loaded_and_told_to_a_new_worker() {
    let mut page = named(Some(grouping()));
    page.campaign(CampaignAction::Group(GroupingAction::Mark { group: 1, critical: true }));
    judged(&mut page);
    page.campaign(CampaignAction::Group(GroupingAction::Save));
    let (name, bytes) = page.saved.remove(0);
    let text = String::from_utf8(bytes).expect("TOML is text");
    let mut other = named(None);
    other.campaign(CampaignAction::Group(GroupingAction::Load { name, text }));
    assert!(judged(&mut other).expect("a grouping").groups()[1].critical);

    page.act(Action::WorkerDied("out of memory".into()));
    page.open.clear();
    page.hear(0, Response::Ready);
    let asked = page.settle();
    assert!(
        asked.iter().any(|request| matches!(request, Request::Campaign(CampaignRequest::Judge { edited: Some(_) }))),
        "{asked:?}"
    );
}

#[test]
fn the_single_fault_is_judged_by_the_edited_grouping() {
    let mut page = named(Some(grouping()));
    page.act(Action::Inject);
    assert_eq!(sites(&page.settle()).len(), 1);
    page.campaign(CampaignAction::Group(GroupingAction::Mark { group: 1, critical: true }));
    let asked = page.settle();
    assert!(matches!(asked[0], Request::Campaign(CampaignRequest::Judge { .. })), "{asked:?}");
    assert_eq!(sites(&asked).len(), 1, "it is injected again");
}

#[test]
fn the_layers_to_strike_are_chosen_by_name_and_are_the_models() {
    let mut page = Page::settled("#view=campaign");
    let layers = |page: &Page| -> Vec<(String, bool)> {
        let layers = page.state.campaign_layers();
        layers.into_iter().map(|(layer, struck)| (layer.name.clone(), struck)).collect()
    };
    let strike = |page: &mut Page, layers: &[usize], strike| {
        page.act(Action::Campaign(CampaignAction::Strike(layers.to_vec(), strike)));
    };
    assert_eq!(layers(&page), [("first".to_owned(), true), ("relu".to_owned(), true)], "a folded layer has nothing");
    strike(&mut page, &[1, 2], false);
    assert!(!page.state.can_start(), "none is left");
    strike(&mut page, &[2], true);
    assert_eq!(page.state.link.campaign.layers, Some(vec!["relu".to_owned()]));
    assert!(page.state.can_start());
    // A ReLU has no weights to strike.
    let weights = CampaignLink { target: Some(Target::Weight), ..page.state.link.campaign.clone() };
    page.act(Action::Campaign(CampaignAction::Choose(Box::new(weights))));
    assert_eq!(layers(&page), [("first".to_owned(), true)]);
    assert_eq!(page.notices(), ["The campaign cannot strike the layer “relu”; it goes on without."]);
    assert_eq!(page.state.link.campaign.layers, None);

    let page = Page::settled("#view=campaign&campaign-layers=2,first,gone");
    assert_eq!(page.state.link.campaign.layers, None, "both that there are is what is struck anyway");
    assert_eq!(page.notices(), ["The campaign cannot strike the layer “gone”; it goes on without."]);
    let (_, _, start) = Page::begun("#campaign-layers=2&campaign-bit=exponent");
    assert_eq!(start.fault_model.layers, Some(vec!["relu".to_owned()]));
    let FaultKind::BitFlip { bits } = start.fault_model.kind else { panic!("{start:?}") };
    assert_eq!(bits.to_string(), "23-30");
}

#[test]
fn a_campaign_compares_the_protections_that_go_with_its_faults() {
    let names = |page: &Page| page.state.protections().iter().map(ToString::to_string).collect::<Vec<_>>();
    let (page, _, start) = Page::begun("#protections=top-2-margin,weight-clip,range&profile=2");
    assert_eq!(start.protections, page.state.protections());
    assert_eq!((names(&page), start.profile), (vec!["range".to_owned(), "top-2-margin".to_owned()], Some(2)));
    assert!(page.hash.contains("weight-clip"), "it is for another target, and stays chosen: {}", page.hash);
    let (page, _, start) = Page::begun("#protections=weight-clip,secded&campaign-target=weight&campaign-type=zero");
    assert_eq!((names(&page), start.profile), (vec!["secded".to_owned(), "weight-clip".to_owned()], None));

    let page = Page::settled("#protections=secded,parity-zero&campaign-type=zero");
    assert_eq!(names(&page), Vec::<String>::new());
    let offered = page.state.offered_protections();
    let unfit = offered.iter().filter(|one| one.unfit.is_some()).map(|one| one.row.name);
    assert_eq!(unfit.collect::<Vec<_>>(), ["parity-zero", "secded", "weight-clip"]);
    assert_eq!(offered.len(), 9);
}

#[test]
fn the_network_is_saved_with_a_protection() {
    let mut page = Page::settled("#profile=7");
    let names: Vec<_> = page.state.written_protections().iter().map(|one| one.row.name).collect();
    assert_eq!(names, ["range", "ranger", "clip-to-zero"]);
    let ranger = || page_method("ranger");
    page.campaign(CampaignAction::Protect(ranger()));
    let (id, CampaignRequest::Protect(request)) = page.asked() else { panic!() };
    assert_eq!(
        (&request.method, request.profile, &request.images),
        (&ranger(), Some(7), &page.state.campaign_images())
    );
    assert!(!page.state.can_protect(), "one at a time");
    assert_eq!(page.state.bounding(), Some([0, 0]));
    page.answer(id, CampaignAnswer::Bounding { learnt: [3, 7] });
    assert_eq!(page.state.bounding(), Some([3, 7]));
    page.campaign(CampaignAction::Protect(ranger()));
    assert!(page.open.is_empty());
    let (name, mime, note) = ("a-ranger.onnx".to_owned(), String::new(), Some("Put it there.".to_owned()));
    page.answer(id, CampaignAnswer::File { name: name.clone(), mime, bytes: vec![9].into(), note });
    assert_eq!(page.saved, [(name, vec![9])]);
    assert_eq!(page.notices(), ["Put it there."]);
    assert!(page.state.can_protect() && page.state.bounding().is_none());

    page.campaign(CampaignAction::Protect(ranger()));
    let (id, _) = page.asked();
    page.hear(id, Response::Failed { message: "The network is not written: a.keras: this is no ONNX file.".into() });
    assert!(page.state.can_protect() && page.notices().iter().any(|notice| notice.contains("no ONNX file")));
}

fn page_method(name: &str) -> facts::campaign::compared::Method {
    name.parse().expect("a protection")
}

#[test]
fn protections_take_time() {
    let time = |hash: &str| Page::settled(hash).state.estimate().milliseconds.expect("an estimate");
    let [none, two] = ["#faults=8", "#faults=8&protections=range,secded"].map(time);
    assert!((two - 3.0 * none).abs() < 1e-9, "{none} {two}");
    let (mut page, id, _) = Page::begun("#protections=range");
    page.tell(id, update(id, Stage::Complete, 10));
    assert!(page.state.estimate().measured);
    page.act(Action::choose(|link| link.campaign.protections = None));
    assert!(!page.state.estimate().measured, "the pace is that of a campaign with a protection");
}

#[test]
fn a_fault_is_followed_in_the_format_that_it_struck() {
    let (mut page, id, _) = Page::begun("pattern=row");
    let bf16 = NumberFormats::usual(Format::Bf16, Format::F32, 2);
    let told = || {
        let fault = WorstFault { corruption: Corruption::flip(14).expect("a bit"), ..worst("first", 0) };
        let profile = CampaignProfile { numbers: bf16, ..CampaignProfile::clone(&profile(vec![fault])) };
        Some(Rc::new(profile))
    };
    page.tell(id, CampaignUpdate { profile: told(), ..update(id, Stage::Running, 4) });
    page.campaign(CampaignAction::Follow(0));
    assert!(page.open.is_empty(), "another format would end the campaign");
    assert!(page.notices()[0].contains("struck the network in bfloat16, weights float32"), "{:?}", page.notices());

    page.tell(id, CampaignUpdate { profile: told(), ..update(id, Stage::Complete, 4) });
    page.campaign(CampaignAction::Follow(0));
    let (asked, CampaignRequest::Picture { images: ImageSet::Files(files), .. }) = page.asked() else { panic!() };
    page.answer(asked, CampaignAnswer::Picture { image: 1, picture: Picture::File(files[1].clone()) });
    let sites = sites(&page.settle());
    assert_eq!(sites.iter().map(|site| site.corruption).collect::<Vec<_>>(), [Corruption::flip(14).unwrap()]);
    assert_eq!((page.state.format(), page.state.link.pattern), (Format::Bf16, None));
}
