//! Labels of the page's images: lists, orders of folders, shifts, and known data sets. Order, hash and rule are those of the
//! command line over the same files.

use std::fs;

use facts::campaign::Provenance;
use facts::data::FolderOrder;
use facts::report::{Archive, pack};
use faultscope::cli::{self, Exit};
use protocol::{CampaignUpdate, ImageSet, Labelling, Labels, Protocol};
use tempfile::TempDir;

use super::campaign::{bench, colours, finish, refused, saved, start_over, text, update};
use super::*;

const ONE: Protocol = Protocol::Fixed { faults: 1 };

/// The pictures of [`colours`] at `paths`, as files of the page: two of red, two of green, two of blue.
fn at(paths: [&str; 6]) -> Vec<(String, Vec<u8>)> {
    paths.into_iter().zip(colours()).map(|(path, (_, bytes))| (path.to_owned(), bytes)).collect()
}

fn images(files: &[(String, Vec<u8>)]) -> ImageSet {
    ImageSet::Files(files.iter().rev().map(|(name, _)| file(name)).collect())
}

fn listed(list: &str) -> Labelling {
    Labelling { labels: Some(Labels::List(file(list))), ..Labelling::default() }
}

/// Runs the campaign over `images` and gives its end and its configuration.
fn run(engine: &mut Service<Bench>, images: ImageSet, labelling: Labelling) -> (CampaignUpdate, Provenance) {
    update(engine, 1, start_over(images, labelling, ONE));
    let last = finish(engine);
    let config = Archive::open("campaign.zip", &saved(engine, Export::Zip)).expect("our own zip").config;
    (last, serde_json::from_slice(&config).expect("a configuration"))
}

/// The configuration that the command line writes over the same files with `arguments`.
fn natively(files: &[(String, Vec<u8>)], arguments: &[&str]) -> Provenance {
    let folder = TempDir::new().expect("a folder");
    let [data, out] = ["data", "out"].map(|name| folder.path().join(name));
    for (name, bytes) in files {
        let path = data.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the test can write");
        fs::write(path, bytes).expect("the test can write");
    }
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/cli/colours.onnx");
    let mut words = vec!["campaign", "--model", model, "--data", text(&data), "--out", text(&out), "--faults", "1"];
    words.extend(["--jobs", "1", "--device", "cpu"]);
    let here = |argument: &&str| if argument.contains('.') { folder.path().join(argument) } else { argument.into() };
    let arguments: Vec<_> = arguments.iter().map(here).collect();
    words.extend(arguments.iter().map(|argument| text(argument)));
    fs::write(folder.path().join("labels.csv"), LIST).expect("the test can write");
    assert_eq!(cli::run(&words), Exit::Done);
    serde_json::from_slice(&fs::read(out.join("config.json")).expect("a configuration")).expect("JSON")
}

/// Labels of [`at`] in another order than that of the names.
const LIST: &str =
    "\u{feff}filename,label\r\nc.ppm,2\r\n./b/2.ppm,1\r\na.ppm,0\r\nb.x.ppm,0\r\nb/1.ppm,1\r\nz.ppm,2\r\n";
const PATHS: [&str; 6] = ["a.ppm", "b.x.ppm", "b/1.ppm", "b/2.ppm", "c.ppm", "z.ppm"];

#[test]
fn a_list_labels_the_images_as_it_does_for_the_command_line() {
    let files = at(PATHS);
    let mut engine = bench([files.clone(), vec![("labels.csv".to_owned(), LIST.into())]].concat());
    let (last, config) = run(&mut engine, images(&files), listed("labels.csv"));
    assert_eq!(last.golden.accuracy.expect("labels").count, 6);
    let theirs = natively(&files, &["--labels", "labels.csv"]);
    assert_eq!((&config.data.sha256, &config.data.labelled), (&theirs.data.sha256, &theirs.data.labelled));
    assert_eq!(config.data.labels.as_deref(), Some("labels.csv"));

    let none = Labelling { labels: Some(Labels::None), ..Labelling::default() };
    let (last, config) = run(&mut engine, images(&files), none);
    assert!(last.golden.accuracy.is_none());
    let theirs = natively(&files, &["--labels", "none"]);
    assert_eq!((&config.data.sha256, &config.data.labelled), (&theirs.data.sha256, &theirs.data.labelled));
    assert_eq!(config.data.labelled.as_deref(), Some("without labels"));
}

#[test]
fn lists_that_do_not_fit_are_refused_in_the_words_of_the_command_line() {
    let files = at(PATHS);
    let list = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let lists = vec![
        list("short.csv", "0\n1\n"),
        list("other.csv", &LIST.replace("z.ppm", "y.ppm")),
        list("word.csv", &LIST.replace("c.ppm,2", "c.ppm,blue")),
        list("high.csv", &LIST.replace("c.ppm,2", "c.ppm,7")),
    ];
    let [red, green, blue] = [0, 2, 4].map(|index: usize| &files[index].1[..]);
    let zip = pack(&[("0/a.ppm", red), ("1/a.ppm", green), ("2/a.ppm", blue)]).expect("a zip");
    let mut engine = bench([files.clone(), lists, vec![("set.zip".to_owned(), zip)]].concat());
    for (name, problem) in [
        ("short.csv", "short.csv: 2 labels for 6 images"),
        ("other.csv", "other.csv: line 7: there is no image y.ppm, or it is listed twice"),
        ("word.csv", "word.csv: line 2: \"blue\" is no class number"),
        ("high.csv", "label 7 is out of range: the model has 3 classes"),
        ("gone.csv", "gone.csv"),
    ] {
        refused(&mut engine, start_over(images(&files), listed(name), ONE), problem);
    }
    let both = Labelling { folder_order: Some(FolderOrder::Name), ..listed("high.csv") };
    let misplaced = "--folder-order goes with a folder or an archive with a folder for each class, and without \
                     --labels, not with this data";
    refused(&mut engine, start_over(images(&files), both, ONE), misplaced);
    let misplaced = "--labels goes with an .npy file, MNIST's images or a folder of images, not with this data";
    refused(&mut engine, start_over(ImageSet::Set(vec![file("set.zip")]), listed("high.csv"), ONE), misplaced);
}

#[test]
fn the_order_of_folders_is_chosen_as_on_the_command_line() {
    // Sorted as strings, 10 comes before 9.
    let files = at(["1/a.ppm", "1/b.ppm", "10/a.ppm", "10/b.ppm", "9/a.ppm", "9/b.ppm"]);
    let zipped: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let zip = pack(&zipped).expect("a zip");
    let mut engine = bench([files.clone(), vec![("set.zip".to_owned(), zip)]].concat());
    let order = |order| Labelling { folder_order: Some(order), ..Labelling::default() };
    let (last, config) = run(&mut engine, images(&files), order(FolderOrder::String));
    assert_eq!(last.golden.accuracy.expect("labels").count, 6);
    let theirs = natively(&files, &["--folder-order", "string"]);
    assert_eq!((&config.data.sha256, &config.data.labelled), (&theirs.data.sha256, &theirs.data.labelled));
    // A picture is the one of the order, too.
    let request = CampaignRequest::Picture { image: 2, images: images(&files), labelling: order(FolderOrder::String) };
    let answer = ask(&mut engine, Request::Campaign(request));
    assert!(format!("{answer:?}").contains("10/a.ppm"), "{answer:?}");

    let (last, config) = run(&mut engine, ImageSet::Set(vec![file("set.zip")]), order(FolderOrder::String));
    assert_eq!(last.golden.accuracy.expect("labels").count, 6);
    assert_eq!(config.data.labelled, theirs.data.labelled);
    for (rule, problem) in [
        (FolderOrder::Number, "sub-folder \"10\" would be class 10, and the model has the classes 0 to 2"),
        (FolderOrder::Name, "the model has no class of any of these names"),
    ] {
        refused(&mut engine, start_over(images(&files), order(rule), ONE), problem);
    }
}

#[test]
fn labels_are_shifted() {
    let files = at(["1/a.ppm", "1/b.ppm", "2/a.ppm", "2/b.ppm", "3/a.ppm", "3/b.ppm"]);
    let mut engine = bench(files.clone());
    let numbers = Labelling { folder_order: None, shift: -1, ..Labelling::default() };
    // Folder 3 is class 3, which the network does not have, before the shift.
    refused(&mut engine, start_over(images(&files), numbers, ONE), "--label-shift -1 takes one off");
    let files = at(PATHS);
    let text = LIST.replace(",0", ",-").replace(",2", ",3").replace(",1", ",2").replace(",-", ",1");
    let mut engine = bench([files.clone(), vec![("labels.csv".to_owned(), text.into_bytes())]].concat());
    let (last, config) = run(&mut engine, images(&files), Labelling { shift: -1, ..listed("labels.csv") });
    assert_eq!((last.golden.accuracy.expect("labels").count, config.data.label_shift), (6, -1));
}

#[test]
fn a_known_data_set_for_another_number_of_classes_is_refused_by_name() {
    let mut records = vec![0; 2 * 3074];
    (records[1], records[3075]) = (1, 2);
    let mut engine = bench(vec![("test.bin".to_owned(), records)]);
    let set = ImageSet::Set(vec![file("test.bin")]);
    let problem = "test.bin: the data set is CIFAR-100 with 100 classes, the model has 3 classes; take a model for these classes, \
                   or data for those of the model";
    refused(&mut engine, start_over(set, Labelling::default(), ONE), problem);
}
