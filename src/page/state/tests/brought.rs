//! Files that the user brings.

use facts::OutputShape;
use facts::data::{Normalise, Resize};
use facts::report::LayerNumbers;

use super::*;
use crate::link::Colouring;

fn file(name: &str) -> FileRef {
    FileRef { name: name.into(), url: format!("blob:{name}") }
}

fn bring(page: &mut Page, names: &[&str]) {
    page.act(Action::Brought(Box::new(Brought::sort(names.iter().map(|name| file(name))))));
}

#[test]
fn files_are_told_apart_by_their_names() {
    let names = [
        "net.keras",
        "net.H5",
        "b.png",
        "a.jpeg",
        "names.txt",
        "labels.csv",
        "groups.toml",
        "images.npy",
        "data_batch_1.bin",
        "set.npz",
        "t10k-images-idx3-ubyte",
        "cifar-10-batches-py/test_batch",
        "images.tar",
        "config.json",
        "faults.jsonl",
        "run.zip",
        "song.mp3",
        "README",
    ];
    let brought = Brought::sort(names.map(file));
    let of = |files: &[FileRef]| files.iter().map(|file| file.name.clone()).collect::<Vec<_>>().join(" ");
    assert_eq!(of(&brought.models), "net.keras net.H5");
    assert_eq!(of(&brought.images), "a.jpeg b.png", "in the order of their names");
    assert_eq!(brought.labels, Some(file("names.txt")));
    assert_eq!(brought.image_labels, Some(file("labels.csv")));
    assert_eq!(brought.grouping, Some(file("groups.toml")));
    assert_eq!(of(&brought.data), "images.npy data_batch_1.bin set.npz t10k-images-idx3-ubyte test_batch images.tar");
    assert_eq!(of(&brought.campaign), "config.json faults.jsonl run.zip");
    assert_eq!(brought.strange, ["song.mp3", "README"]);
}

#[test]
fn files_beside_an_onnx_model_may_hold_its_weights() {
    let names = |files: &[FileRef]| files.iter().map(|file| file.name.clone()).collect::<Vec<_>>().join(" ");
    let brought = Brought::sort(["net.onnx", "net.onnx.data", "weights.bin", "test_batch.bin", "a.png"].map(file));
    assert_eq!(names(&brought.weights), "weights.bin net.onnx.data");
    assert_eq!((names(&brought.data).as_str(), brought.strange.len()), ("test_batch.bin", 0));
    assert_eq!(Brought::sort(["net.onnx.data"].map(file)).strange, ["net.onnx.data"], "there is no model");

    let mut page = Page::settled("");
    bring(&mut page, &["net.onnx", "net.onnx.data"]);
    let asked = page.settle();
    let Request::Load { model, changes, .. } = &asked[0] else { panic!("{asked:?}") };
    assert_eq!((model, &changes.beside[..]), (&file("net.onnx"), &[file("net.onnx.data")][..]));
    // Another network has other weights.
    bring(&mut page, &["other.onnx"]);
    let asked = page.settle();
    assert!(matches!(&asked[0], Request::Load { changes, .. } if changes.beside.is_empty()), "{asked:?}");
    page.act(Action::ChooseModel("file:net.onnx".into()));
    let asked = page.settle();
    assert!(matches!(&asked[0], Request::Load { changes, .. } if changes.beside.len() == 1), "{asked:?}");
}

#[test]
fn an_image_keeps_the_folder_that_may_be_its_class() {
    let images = |paths: &[&str]| -> Vec<String> {
        Brought::sort(paths.iter().map(|path| file(path))).images.into_iter().map(|file| file.name).collect()
    };
    assert_eq!(images(&["a.png", "/signs/b.png", "/signs/c.png"]), ["a.png", "signs/b.png", "signs/c.png"]);
    assert_eq!(images(&["/signs/b.png", "/signs/c.png"]), ["b.png", "c.png"], "one folder of images");
    assert_eq!(images(&["/signs/14/a.png", "/signs/2/a.png"]), ["14/a.png", "2/a.png"], "both are called a.png");
    assert_eq!(images(&["signs/test/14/a.png"]), ["14/a.png"]);
    assert_eq!(images(&["/14/a.png", "/2/a.png"]), ["14/a.png", "2/a.png"], "two folders dropped at once");
    let other = Brought::sort([file("/run/config.json"), file("/nets/deep/net.onnx")]);
    assert_eq!((other.campaign[0].name.as_str(), other.models[0].name.as_str()), ("config.json", "net.onnx"));
}

#[test]
fn what_is_of_no_use_is_told_in_a_short_sentence() {
    let mut page = Page::settled("");
    let names: Vec<String> = (0..3000).map(|i| format!("{i}.mp3")).collect();
    page.act(Action::Brought(Box::new(Brought::sort(names.iter().map(|name| file(name))))));
    let [notice] = page.notices()[..] else { panic!("{:?}", page.notices()) };
    assert!(notice.contains("0.mp3") && notice.contains("and 2995 more") && notice.len() < 500, "{notice}");
}

#[test]
fn preprocessing_that_is_chosen_makes_another_golden_run_and_stands_in_the_link() {
    let mut page = Page::settled("");
    page.act(Action::choose(|link| {
        (link.card.normalise, link.card.resize) = (Some(Normalise::Caffe), Some(Resize::ShorterSide));
    }));
    let asked = page.settle();
    let [Request::Load { changes, .. }, Request::Golden { .. }, ..] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(
        (changes.preprocess.preset, changes.preprocess.resize),
        (Some(Normalise::Caffe), Some(Resize::ShorterSide))
    );
    assert!(page.hash.contains("preprocess=caffe&resize=shorter-side"), "{}", page.hash);
    let again = Page::open(&page.hash).settle();
    assert_eq!(again[0], asked[0]);
}

#[test]
fn preprocessing_that_does_not_fit_is_taken_back_and_nothing_else() {
    let mut page = Page::settled("#image=b.jpg");
    page.act(Action::choose(|link| (link.card.normalise, link.card.resize) = (Some(Normalise::Torch), None)));
    let Envelope { id, body, .. } = page.open.remove(0);
    assert!(matches!(body, Request::Load { .. }));
    let device = DeviceInfo { choice: DeviceChoice::Gpu, name: String::new(), note: None };
    page.hear(id, Response::Loaded { model: Box::new(model()), device });
    let id = page.open.remove(0).id;
    page.hear(id, Response::Failed { message: "three channels are wanted.".into() });
    page.settle();
    assert_eq!(page.notices(), ["three channels are wanted."]);
    assert_eq!(page.state.link.card.normalise, None);
    assert_eq!(page.state.link.image.as_deref(), Some("b.jpg"));
    assert!(page.state.golden_now().is_some());
}

#[test]
fn class_names_and_groups_replace_the_models_own() {
    let mut page = Page::settled("");
    bring(&mut page, &["names.txt", "groups.toml"]);
    let asked = page.settle();
    let Request::Load { changes, .. } = &asked[0] else { panic!("{asked:?}") };
    assert_eq!((&changes.labels, &changes.grouping), (&Some(file("names.txt")), &Some(file("groups.toml"))));
    assert!(page.hash.contains("labels=file%3Anames.txt"), "{}", page.hash);
    page.act(Action::choose(|link| link.card.grouping = None));
    let asked = page.settle();
    assert!(matches!(&asked[0], Request::Load { changes, .. } if changes.grouping.is_none()), "{asked:?}");

    // The next one does not fit: what was there stays.
    bring(&mut page, &["other.toml"]);
    let id = page.open.remove(0).id;
    page.hear(id, Response::Failed { message: "other.toml: it is for 3 classes.".into() });
    page.settle();
    assert_eq!(page.state.link.card.grouping, None);
    assert_eq!(page.state.link.card.labels.as_deref(), Some("file:names.txt"));
    assert!(page.state.golden_now().is_some());

    // Another network has other classes.
    page.act(Action::ChooseModel("other".into()));
    let asked = page.settle();
    assert!(matches!(&asked[0], Request::Load { changes, .. } if changes.labels.is_none()), "{asked:?}");
}

#[test]
fn a_link_to_own_groups_asks_for_them() {
    let page = Page::open("#grouping=file:groups.toml");
    assert!(page.notices()[0].contains("groups.toml"), "{:?}", page.notices());
}

fn two_outputs() -> Question {
    let output = |name: &str| OutputShape { name: name.into(), shape: "1 x 5".into() };
    Question::Output { outputs: vec![output("main"), output("auxiliary")] }
}

/// Brings a model that leaves `question` open.
fn asks(page: &mut Page, question: Question) {
    bring(page, &["net.onnx"]);
    let id = page.open.remove(0).id;
    page.hear(id, Response::Asked { message: "net.onnx: which one?".into(), question });
}

#[test]
fn a_model_that_leaves_something_open_waits_for_what_the_user_says() {
    let mut page = Page::settled("");
    asks(&mut page, two_outputs());
    assert_eq!(page.notices(), ["net.onnx: which one?"]);
    assert_eq!(page.state.question(), Some(&two_outputs()));
    assert_eq!(page.state.model_id().as_deref(), Some("file:net.onnx"), "it is not put away");
    // The answer of another network is not shown for this one's.
    assert!(page.state.model().is_none() && page.state.golden_now().is_none());
    assert!(page.settle().iter().all(|request| !matches!(request, Request::Load { .. })), "it is not asked for again");

    page.act(Action::choose(|link| link.card.output = Some("auxiliary".into())));
    assert!(page.state.question().is_none());
    let asked = page.settle();
    let Request::Load { model, changes, .. } = &asked[0] else { panic!("{asked:?}") };
    assert_eq!((model, changes.output.as_deref()), (&file("net.onnx"), Some("auxiliary")));
    assert!(page.state.golden_now().is_some() && page.state.question().is_none());
    assert!(page.hash.contains("output=auxiliary"), "{}", page.hash);

    // Another network has other outputs.
    page.act(Action::ChooseModel("other".into()));
    let asked = page.settle();
    assert!(matches!(&asked[0], Request::Load { changes, .. } if changes.output.is_none()), "{asked:?}");
}

#[test]
fn an_answer_that_does_not_fit_is_asked_for_again() {
    let mut page = Page::settled("");
    asks(&mut page, Question::InputSize);
    page.act(Action::choose(|link| link.card.input_size = "8x8".parse().ok()));
    let Envelope { id, body, .. } = page.open.remove(0);
    assert!(matches!(body, Request::Load { changes, .. } if changes.input_size.is_some()));
    page.hear(id, Response::Failed { message: "net.onnx: 8x8 is too small.".into() });
    let Envelope { id, body, .. } = page.open.remove(0);
    assert!(matches!(body, Request::Load { changes, .. } if changes.input_size.is_none()));
    page.hear(id, Response::Asked { message: "net.onnx: which one?".into(), question: Question::InputSize });
    assert_eq!(page.state.question(), Some(&Question::InputSize));
    assert_eq!(page.notices(), ["net.onnx: which one?", "net.onnx: 8x8 is too small."]);
    page.act(Action::choose(|link| link.card.input_size = "64x64".parse().ok()));
    page.settle();
    assert!(page.state.golden_now().is_some());

    // A network that works keeps what it was told.
    page.act(Action::choose(|link| link.card.input_size = None));
    let id = page.open.remove(0).id;
    page.hear(id, Response::Asked { message: "net.onnx: which one?".into(), question: Question::InputSize });
    page.settle();
    assert_eq!(page.state.link.card.input_size, "64x64".parse().ok());
    assert!(page.state.golden_now().is_some());
}

#[test]
fn a_link_says_output_and_threshold() {
    let asked = Page::open("#output=0&threshold=0.9&input-size=8").settle();
    let Request::Load { changes, .. } = &asked[0] else { panic!("{asked:?}") };
    assert_eq!((changes.output.as_deref(), changes.threshold), (Some("0"), "0.9".parse().ok()));
    assert_eq!(changes.input_size, "8x8".parse().ok());
}

#[test]
fn numbers_of_layers_colour_the_diagram() {
    let mut page = Page::open("");
    page.settle();
    let first = page.state.model().expect("a model").layers[0].name.clone();
    let numbers = |names: &[&str]| {
        let numbers = names.iter().map(|&name| (name.to_owned(), 1.0)).collect();
        let numbers = Some(Ok(LayerNumbers { name: "latency".into(), numbers }));
        Action::Brought(Box::new(Brought { numbers, ..Brought::default() }))
    };
    page.act(numbers(&["nobody"]));
    assert!(page.notices().iter().any(|notice| notice.contains("nobody")), "{:?}", page.notices());
    assert_eq!(page.state.numbers, None);
    page.act(numbers(&[&first, "nobody"]));
    assert_eq!(page.state.link.colouring, Colouring::Numbers);
    assert!(page.notices().iter().any(|notice| notice.contains("1 of the 2 names")), "{:?}", page.notices());
}
