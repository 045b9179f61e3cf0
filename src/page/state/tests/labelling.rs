//! Labels of the user's own images.

use facts::data::FolderOrder;
use protocol::{CampaignRequest, CampaignStart, ImageSet, Labelling, Labels};

use super::*;
use crate::state::{CampaignAction, Found};

fn file(name: &str) -> FileRef {
    FileRef { name: name.into(), url: format!("blob:{name}") }
}

fn bring(page: &mut Page, names: &[&str]) {
    page.act(Action::Brought(Box::new(Brought::sort(names.iter().map(|name| file(name))))));
}

/// What a campaign that is started now is asked for; `None` where it cannot start.
fn started(page: &mut Page) -> Option<CampaignStart> {
    page.settle();
    page.act(Action::Campaign(CampaignAction::Start));
    match page.open.pop()?.body {
        Request::Campaign(CampaignRequest::Start(start)) => Some(*start),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_list_labels_the_users_own_images_and_no_samples() {
    let mut page = Page::settled("");
    bring(&mut page, &["a.png", "b.png", "labels.csv"]);
    assert!(page.hash.contains("campaign-labels=file%3Alabels.csv"), "{}", page.hash);
    let start = started(&mut page).expect("all is there");
    assert_eq!(start.images, ImageSet::Files(vec![file("a.png"), file("b.png")]));
    let list = Labelling { labels: Some(Labels::List(file("labels.csv"))), ..Labelling::default() };
    assert_eq!(start.labelling, list);
    assert_eq!((page.state.estimate().images, page.state.estimate().unlabelled), (Some(2), 0));

    let mut page = Page::settled("#campaign-labels=none");
    bring(&mut page, &["a_0_1.png"]);
    let samples = page.state.images().len();
    let start = started(&mut page).expect("all is there");
    assert!(matches!(start.images, ImageSet::Files(files) if files.len() == samples));
    assert_eq!(start.labelling, Labelling { labels: Some(Labels::None), ..Labelling::default() });
    assert_eq!(page.state.estimate().unlabelled, samples as u64);
}

#[test]
fn a_text_file_is_a_list_where_its_content_says_so() {
    let text = |is_list| Brought::sort([Found { file: file("x.txt"), is_list, numbers: None }]);
    assert_eq!((text(true).image_labels, text(true).labels), (Some(file("x.txt")), None));
    assert_eq!((text(false).image_labels, text(false).labels), (None, Some(file("x.txt"))));
    assert_eq!(Brought::sort([Found { file: file("x.toml"), is_list: true, numbers: None }]).image_labels, None);
}

#[test]
fn a_link_to_a_list_asks_for_it_and_waits() {
    let mut page = Page::open("#campaign-labels=file:labels.csv");
    assert_eq!(
        page.notices(),
        ["This link was made with a file of its author's: labels.csv. Drop that file anywhere on the page to go on."]
    );
    bring(&mut page, &["a.png"]);
    assert!(started(&mut page).is_none(), "the list is not there");
    bring(&mut page, &["labels.csv"]);
    assert!(started(&mut page).is_some());
}

#[test]
fn order_of_folders_and_shift_are_asked_for_and_stand_in_the_link() {
    let hash = "#folder-order=string&label-shift=-1";
    let mut page = Page::settled(hash);
    let start = started(&mut page).expect("all is there");
    let expected = Labelling { labels: None, folder_order: Some(FolderOrder::String), shift: -1 };
    assert_eq!(start.labelling, expected);
    assert!(page.hash.contains("folder-order=string&label-shift=-1"), "{}", page.hash);
    // A list labels each image itself.
    bring(&mut page, &["labels.csv"]);
    assert!(!page.hash.contains("folder-order"), "{}", page.hash);

    // Another network may number its classes otherwise; the images stay what they are.
    let mut page = Page::settled(hash);
    page.act(Action::ChooseModel("other".into()));
    assert!(page.hash.contains("folder-order=string") && !page.hash.contains("label-shift"), "{}", page.hash);
}
