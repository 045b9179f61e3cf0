//! Data of every form, and what is made of it: `sample`, `prepare`, and campaigns over each kind.

use super::*;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/data");

/// SHA-256 of what `numpy.save` makes of CIFAR-100's test set, `fromfile("test.bin", "u1").reshape(-1, 3074)`: of its
/// pixels as N x 32 x 32 x 3, and of its fine labels as int64.
const CIFAR100_IMAGES: &str = "48bb98c3de7539d5608eec3d8938e127f017688b2078179417b607427ab59b14";
const CIFAR100_LABELS: &str = "b01ced492bed02370ececaaf7e598901b3547be94ca6afa53b876d30f74c62b5";

/// The tiny network with more classes, none of which wins: for data sets of so many.
const TEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/colours-10.onnx");
const SIGNS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/colours-43.onnx");
const THOUSAND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/colours-1000.onnx");

/// Runs a campaign over `data` and gives its directory; the tiny network has three classes and an input of 8 x 8.
fn campaign(data: &Path, arguments: &[&str]) -> TempDir {
    campaign_of(MODEL, data, arguments)
}

fn campaign_of(model: &str, data: &Path, arguments: &[&str]) -> TempDir {
    let out = TempDir::new().expect("a temporary folder");
    let mut all = vec!["campaign", "--model", model, "--data", text(data), "--out", text(out.path()), "--faults", "2"];
    all.extend(arguments);
    faultscope(&all).code(DONE);
    out
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

/// The label of every image, and how many the network gets right.
fn labels_and_correct(out: &Path) -> (Vec<u64>, u64) {
    let records = fs::read_to_string(out.join("faults.jsonl")).expect("records");
    let records = records.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let labels = records.step_by(2).map(|record| record["label"].as_u64().expect("a label")).collect();
    let summary = read(&out.join("summary.json"));
    (labels, summary["golden"]["accuracy"]["count"].as_u64().expect("a count"))
}

fn format_of(out: &Path) -> Value {
    read(&out.join("config.json"))["data"]["format"].clone()
}

#[test]
fn cifar_files_are_data() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("test_batch.bin");
    let record = |label: u8| {
        // Planes of red, green and blue, of which the label's is bright.
        let planes = (0..3).flat_map(move |plane| [if plane == label { 200 } else { 30 }; 1024]);
        [label].into_iter().chain(planes)
    };
    let records: Vec<u8> = [2, 0, 1].into_iter().flat_map(record).collect();
    fs::write(&path, &records).expect("a file");
    for data in [path.as_path(), folder.path()] {
        let out = campaign_of(TEN, data, &[]);
        assert_eq!(labels_and_correct(out.path()), (vec![2, 0, 1], 3));
        assert_eq!(format_of(out.path()), "cifar10");
    }
    let odd = folder.path().join("odd.bin");
    fs::write(&odd, &records[..3073 * 2 + 5]).expect("a file");
    let out = folder.path().join("out");
    let arguments = |data| ["campaign", "--model", MODEL, "--data", data, "--out", text(&out)];
    refused(&arguments(text(&odd)), INPUT, "--data-format cifar10 or cifar100 says which");
    fs::write(&path, &records[..3073 * 2 + 5]).expect("a file");
    refused(&arguments(text(&path)), INPUT, "2 images and 5 bytes of another, so it is cut short");
    // Classes of CIFAR-100, of which the network has three.
    let archive = format!("{FIXTURES}/cifar-100-binary.tar.gz");
    refused(
        &arguments(&archive),
        INPUT,
        "the data set is CIFAR-100 with 100 classes, the model has 3 classes; take a model",
    );
    assert!(!out.exists(), "nothing is written where nothing is done");
}

#[test]
fn arrays_may_have_their_channels_first() {
    let folder = TempDir::new().expect("a temporary folder");
    let images = folder.path().join("test_images.npy");
    let pixels: Vec<u8> =
        [1, 2].iter().flat_map(|&bright| (0..3 * 64).map(move |at| 30 + 170 * u8::from(at / 64 == bright))).collect();
    write_npy(&images, "|u1", "(2, 3, 8, 8)", &pixels);
    write_npy(&folder.path().join("test_labels.npy"), "|u1", "(2,)", &[1, 2]);
    let out = campaign(&images, &[]);
    assert_eq!(labels_and_correct(out.path()), (vec![1, 2], 2));
}

#[test]
fn gtsrb_is_read_by_its_table_and_cropped_to_the_sign() {
    let folder = TempDir::new().expect("a temporary folder");
    // The sign is green, and what is around it would make the network say blue.
    let picture = RgbImage::from_fn(30, 20, |x, y| {
        if (10..18).contains(&x) && (5..13).contains(&y) { Rgb([20, 220, 20]) } else { Rgb([10, 10, 250]) }
    });
    fs::create_dir(folder.path().join("Test")).expect("a folder");
    picture.save(folder.path().join("Test/00000.png")).expect("an image");
    picture.save(folder.path().join("Test/00001.ppm")).expect("an image");
    let table = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path\n\
                 30,20,10,5,18,13,1,Test/00000.png\n30,20,10,5,18,13,1,Test/00001.ppm\n";
    fs::write(folder.path().join("Test.csv"), table).expect("a file");
    let (whole, cropped) = (campaign_of(SIGNS, folder.path(), &[]), campaign_of(SIGNS, folder.path(), &["--roi"]));
    assert_eq!(labels_and_correct(whole.path()), (vec![1, 1], 0));
    assert_eq!(labels_and_correct(cropped.path()), (vec![1, 1], 2));
    assert_eq!(format_of(cropped.path()), "gtsrb");
    let hash = |out: &TempDir| read(&out.path().join("config.json"))["data"]["sha256"].clone();
    assert_ne!(hash(&whole), hash(&cropped), "other pixels are other data");

    let out = folder.path().join("out");
    let table = folder.path().join("Test.csv");
    fs::write(&table, "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path\n30,20,10,5,31,13,1,Test/00000.png\n")
        .expect("a file");
    let arguments = ["campaign", "--model", SIGNS, "--data", text(&table), "--out", text(&out), "--roi"];
    refused(
        &arguments,
        INPUT,
        "00000.png: the crop from column 10 to 31 and row 5 to 13 does not lie in the 30 x 20 pixels",
    );
    fs::write(&table, "Filename;ClassId\nTest/00000.png;1\nTest/00001.png;50\n").expect("a file");
    refused(&arguments[..7], INPUT, "Test.csv: line 3: ClassId 50 is no class of GTSRB");
}

#[test]
fn imagenet_is_labelled_by_its_kit() {
    let folder = TempDir::new().expect("a temporary folder");
    let kit = folder.path().join(".kit");
    fs::create_dir(&kit).expect("a folder");
    fs::copy(format!("{FIXTURES}/meta.mat"), kit.join("meta.mat")).expect("a fixture");
    // The WordNet ids of 4, 2 and 3 are the first, second and third.
    for (number, colour) in [(1, 2), (2, 0), (3, 1)] {
        write_image(&folder.path().join(format!("ILSVRC2012_val_0000000{number}.png")), colour, 0);
    }
    let truth = kit.join("ILSVRC2012_validation_ground_truth.txt");
    fs::write(&truth, "3\n4\n2\n").expect("a file");
    let out = campaign_of(THOUSAND, folder.path(), &["--devkit", text(&kit)]);
    assert_eq!(labels_and_correct(out.path()), (vec![2, 0, 1], 3));
    assert_eq!(format_of(out.path()), "imagenet");

    let list = folder.path().join(".labels.txt");
    fs::write(&list, "2\n0\n1\n").expect("a file");
    let out = campaign(folder.path(), &["--labels", text(&list)]);
    assert_eq!(labels_and_correct(out.path()), (vec![2, 0, 1], 3));

    let out = folder.path().join("out");
    let arguments =
        ["campaign", "--model", MODEL, "--data", text(folder.path()), "--out", text(&out), "--devkit", text(&kit)];
    fs::write(&truth, "3\n4\n").expect("a file");
    refused(&arguments, INPUT, "it has 2 lines, one an image, but there are 3 images");
    fs::write(&truth, "3\n4\n2\n").expect("a file");
    let meta = fs::read(kit.join("meta.mat")).expect("a file");
    fs::write(kit.join("meta.mat"), &meta[..300]).expect("a file");
    refused(&arguments, INPUT, "meta.mat: this is no MAT-file with the array");
    assert!(!out.exists(), "nothing is written where nothing is done");
}

/// Before anything is run, whatever form the data set has.
#[test]
fn a_known_data_set_for_another_number_of_classes_is_refused_by_name() {
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("out");
    let told = |model: &str, data: &Path, more: &[&str], set: &str| {
        let mut all = vec!["campaign", "--model", model, "--data", text(data), "--out", text(&out)];
        all.extend(more);
        refused(&all, INPUT, &format!("{}: the data set is {set}; ", data.display()));
        assert!(!out.exists(), "nothing is written where nothing is done");
    };
    let cifar = Path::new(FIXTURES).join("cifar-100-binary.tar.gz");
    told(MODEL, &cifar, &[], "CIFAR-100 with 100 classes, the model has 3 classes");
    told(MODEL, &cifar, &["--label-shift", "-47"], "CIFAR-100 with 100 classes, the model has 3 classes");
    told(THOUSAND, &cifar, &[], "CIFAR-100 with 100 classes, the model has 1000 classes");
    let python = Path::new(FIXTURES).join("cifar-10-python.tar.gz");
    told(SIGNS, &python, &[], "CIFAR-10 with 10 classes, the model has 43 classes");
    // Prepared, it is what it was.
    let prepared = folder.path().join("prepared");
    faultscope(&["prepare", text(&cifar), "--size", "8", "-o", text(&prepared)]).code(DONE);
    told(TEN, &prepared, &[], "CIFAR-100 with 100 classes, the model has 10 classes");
    // MNIST's files are known by their names.
    let digits = folder.path().join("t10k-images-idx3-ubyte");
    fs::write(&digits, [&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2][..], &[0, 60, 120, 255]].concat())
        .expect("a file");
    let labels = folder.path().join("t10k-labels-idx1-ubyte");
    fs::write(&labels, [0, 0, 8, 1, 0, 0, 0, 1, 2]).expect("a file");
    told(MODEL, &digits, &[], "MNIST (or Fashion-MNIST) with 10 classes, the model has 3 classes");
    assert_eq!(labels_and_correct(campaign_of(TEN, &digits, &[]).path()).0, [2]);
    for name in ["images-idx3-ubyte", "labels-idx1-ubyte"] {
        fs::rename(folder.path().join(format!("t10k-{name}")), folder.path().join(format!("own-{name}")))
            .expect("a file");
    }
    assert_eq!(labels_and_correct(campaign(&folder.path().join("own-images-idx3-ubyte"), &[]).path()).0, [2]);
}

#[test]
fn arguments_that_would_have_no_effect_are_refused() {
    let images = image_folder();
    let with = |arguments: &[&'static str], sentence: &str| {
        let mut all = vec!["campaign", "--model", MODEL, "--data", text(images.path()), "--out", "never"];
        all.extend(arguments);
        refused(&all, INPUT, sentence);
    };
    with(&["--roi"], "--roi goes with a table of GTSRB");
    with(&["--devkit", ".", "--data-format", "folder"], "--devkit goes with ImageNet's validation images");
    with(&["--labels", "x", "--data-format", "gtsrb"], "--labels goes with");
    with(&["--data-format", "imagenet"], "name it with --devkit");
    with(&["--data-format", "gtsrb"], "neither Test.csv nor GT-final_test.csv");
    with(&["--data-format", "prepared"], "prepared.json");
    // Images without sub-folders.
    let signs = ["campaign", "--model", "gtsrb-resnet8", "--data", "gtsrb-resnet8/samples", "--out", "never"];
    let told = |more: &[&str], sentence: &str| refused(&[&signs[..], more].concat(), INPUT, sentence);
    told(&["--classes", "nosuch.txt"], "nosuch.txt");
    let list = images.path().join("classes.txt");
    fs::write(&list, "a\nb\n").expect("a file");
    told(&["--classes", text(&list)], "--classes goes with sub-folders");
    told(&["--folder-order", "string"], "--folder-order goes with a folder with a sub-folder for each class");
}

/// The network has no class names of its own.
#[test]
fn a_list_of_class_names_is_read_with_their_order() {
    let (images, lists) = (image_folder(), TempDir::new().expect("a temporary folder"));
    let list = |name: &str, content: &str| {
        let path = lists.path().join(name);
        fs::write(&path, content).expect("a file");
        path
    };
    let labels = list("labels.txt", "red\nred\ngreen\ngreen\nblue\nblue\n");
    let order = list("order.txt", "red\ngreen\nblue\n");
    let named = ["--labels", text(&labels), "--classes", text(&order)];
    assert_eq!(labels_and_correct(campaign(images.path(), &named).path()), (vec![0, 0, 1, 1, 2, 2], 6));
    let other = list("other.txt", "green\nblue\nred\n");
    let turned = ["--labels", text(&labels), "--classes", text(&other)];
    assert_eq!(labels_and_correct(campaign(images.path(), &turned).path()).0, [2, 2, 0, 0, 1, 1]);

    let out = lists.path().join("out");
    let with = |arguments: &[&str], problem: &str| {
        let mut all = vec!["campaign", "--model", MODEL, "--data", text(images.path()), "--out", text(&out)];
        all.extend(arguments);
        refused(&all, INPUT, problem);
    };
    let unnamed = "labels.txt: line 1: \"red\" is no class number, and the model has no class names; --classes FILE";
    with(&["--labels", text(&labels)], unnamed);
    let short = list("short.txt", "red\ngreen\n");
    let missing = "labels.txt: line 5: \"blue\" is no class number, nor the name of one class";
    with(&["--labels", text(&labels), "--classes", text(&short)], missing);
    let long = list("long.txt", "red\ngreen\nblue\nblack\n");
    let more = "labels.txt: --classes lists 4 classes, the model has 3";
    with(&["--labels", text(&labels), "--classes", text(&long)], more);
    with(&["--labels", "none", "--classes", text(&order)], "--classes goes with a folder or an archive");
}

#[test]
fn a_sample_is_drawn_once_and_kept() {
    let images = image_folder();
    let file = images.path().join(".sample.json");
    let arguments = ["sample", text(images.path()), "--count", "4", "--seed", "5", "--balanced", "-o", text(&file)];
    faultscope(&arguments).code(DONE).stdout(contains("4 images of"));
    let sample = read(&file);
    assert_eq!(keys(&sample), ["balanced", "count", "data", "indices", "of", "seed"]);
    assert_eq!(
        (&sample["of"], &sample["count"], &sample["seed"], &sample["balanced"]),
        (&6.into(), &4.into(), &5.into(), &true.into())
    );
    let indices: Vec<u64> = serde_json::from_value(sample["indices"].clone()).expect("numbers");
    assert!(indices.len() == 4 && indices.is_sorted());
    // Two images a class: all classes are there, one of them twice.
    assert!((0..3).all(|class| indices.iter().any(|index| index / 2 == class)), "{indices:?}");

    let before = fs::read(&file).expect("a file");
    refused(&arguments, INPUT, "the file exists already; --force replaces it");
    assert_eq!(fs::read(&file).expect("a file"), before);
    let again: Vec<_> = arguments.iter().copied().chain(["--force"]).collect();
    faultscope(&again).code(DONE);
    assert_eq!(fs::read(&file).expect("a file"), before, "one seed, one sample");
    let elsewhere = images.path().join(".other.json");
    let many = |count| ["sample", text(images.path()), "--count", count, "--balanced", "-o", text(&elsewhere)];
    refused(&many("7"), INPUT, "7 images are to be drawn, the data has 6");
    fs::remove_file(images.path().join("c-blue/0.png")).expect("an image");
    refused(&many("5"), INPUT, "2 of class 2, which has 1");
    assert!(!elsewhere.exists());
}

#[test]
fn prepared_images_give_the_same_campaign() {
    let images = TempDir::new().expect("a temporary folder");
    for class in 0..3 {
        let picture = RgbImage::from_fn(23, 17 + class, |x, y| {
            let mut pixel = [(x * 9) as u8, (y * 11) as u8, ((x + y) * 5) as u8];
            pixel[class as usize] = 255 - (x * y % 40) as u8;
            Rgb(pixel)
        });
        picture.save(images.path().join(format!("picture_0{class}_{class}.png"))).expect("an image");
    }
    for resize in ["shorter-side", "stretch"] {
        let folder = TempDir::new().expect("a temporary folder");
        let prepared = folder.path().join("prepared");
        let arguments = ["prepare", text(images.path()), "--size", "8", "--resize", resize, "-o", text(&prepared)];
        faultscope(&arguments).code(DONE).stdout(contains("3 images are prepared"));
        let direct = campaign(images.path(), &["--resize", resize]);
        let cached = campaign(&prepared, &["--resize", resize]);
        let records = |out: &TempDir| fs::read(out.path().join("faults.jsonl")).expect("records");
        assert_eq!(records(&direct), records(&cached), "{resize}");
        assert_eq!(format_of(cached.path()), "prepared");
        let head = read(&prepared.join("prepared.json"));
        assert_eq!((&head["resize"], &head["size"]), (&resize.into(), &8.into()));
        assert!(head["names"][2].as_str().expect("a name").ends_with("picture_02_2.png"));
        assert_eq!(head["data"]["sha256"], read(&direct.path().join("config.json"))["data"]["sha256"]);
        // The result says how the images got their size, and not what was left to do.
        let said = |out: &TempDir| read(&out.path().join("config.json"))["model"]["preprocess"].clone();
        assert_eq!(said(&cached)["prepared"]["resize"], resize);
        let preprocessing = |out: &TempDir| {
            let text = super::report::stdout(&["report", text(out.path())]);
            text.lines().find(|line| line.starts_with("preprocessing: ")).expect("a line").to_owned()
        };
        assert_eq!(preprocessing(&cached), preprocessing(&direct) + ", as prepared");
        let other = if resize == "stretch" { "shorter-side" } else { "stretch" };
        let notices = |resize: &str| {
            let out = campaign(&prepared, &["--resize", resize]);
            read(&out.path().join("config.json"))["notices"].to_string()
        };
        assert!(!notices(resize).contains("prepared otherwise") && notices(other).contains("prepared otherwise"));
        // The arrays are plain ones.
        let arrays = campaign(&prepared.join("images.npy"), &["--resize", "stretch"]);
        assert_eq!(records(&arrays), records(&cached));

        refused(&arguments, INPUT, "the folder exists already");
        let other = folder.path().join("other");
        let larger = ["prepare", text(images.path()), "--size", "9", "-o", text(&other)];
        faultscope(&larger).code(DONE);
        let out = folder.path().join("out");
        let arguments = ["campaign", "--model", MODEL, "--data", text(&other), "--out", text(&out)];
        refused(&arguments, INPUT, "prepared at 9 x 9");
    }
}

#[test]
fn what_cannot_be_prepared_leaves_nothing_behind() {
    let images = image_folder();
    fs::write(images.path().join("b-green/1.png"), "this is text").expect("a file");
    let folder = TempDir::new().expect("a temporary folder");
    let prepared = folder.path().join("prepared");
    let arguments = ["prepare", text(images.path()), "--size", "8", "-o", text(&prepared)];
    refused(&arguments, INPUT, "1.png: this is no image");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    // Nobody knows whose files these are.
    let partial = folder.path().join("prepared.partial");
    fs::create_dir(&partial).expect("a folder");
    fs::write(partial.join("mine.txt"), "precious").expect("a file");
    refused(&arguments, INPUT, "another `faultscope prepare` is writing here");
    assert!(partial.join("mine.txt").exists());
}

#[cfg(unix)]
#[test]
fn what_a_killed_prepare_left_is_replaced() {
    let images = image_folder();
    let folder = TempDir::new().expect("a temporary folder");
    let prepared = folder.path().join("prepared");
    let arguments = ["prepare", text(images.path()), "--size", "8", "-o", text(&prepared)];
    let partial = folder.path().join("prepared.partial");
    fs::create_dir(&partial).expect("a folder");
    fs::write(partial.join("images.npy"), "left behind").expect("a file");
    let held = fs::File::open(&partial).expect("a folder");
    held.try_lock().expect("nobody has it");
    refused(&arguments, INPUT, "another `faultscope prepare` is writing here");
    drop(held);
    faultscope(&arguments).code(DONE);
    assert!(!partial.exists());
}

#[test]
fn a_prepared_folder_that_was_changed_is_refused() {
    let images = image_folder();
    let folder = TempDir::new().expect("a temporary folder");
    let prepared = folder.path().join("prepared");
    faultscope(&["prepare", text(images.path()), "--size", "8", "-o", text(&prepared)]).code(DONE);
    let out = folder.path().join("out");
    let arguments = ["campaign", "--model", MODEL, "--data", text(&prepared), "--out", text(&out)];
    let labels = fs::read(prepared.join("labels.npy")).expect("labels");
    fs::write(prepared.join("labels.npy"), &labels[..labels.len() - 8]).expect("a file");
    refused(&arguments, INPUT, "labels.npy: a numpy .npy file is expected");
    write_npy(&prepared.join("labels.npy"), "<i8", "(5,)", &[0; 40]);
    refused(&arguments, INPUT, "labels.npy is for 5; prepare them again");
    // Arrays of the same shape with another content are other data.
    for array in ["labels.npy", "images.npy"] {
        fs::write(prepared.join("labels.npy"), &labels).expect("a file");
        let path = prepared.join(array);
        let mut bytes = fs::read(&path).expect("an array");
        let last = bytes.len() - 8;
        bytes[last] ^= 1;
        fs::write(&path, bytes).expect("a file");
        refused(
            &arguments,
            INPUT,
            &format!("{array}: the array was changed since it was prepared: prepared.json says SHA-256"),
        );
    }
    fs::write(prepared.join("prepared.json"), "[]").expect("a file");
    refused(&arguments, INPUT, "prepared.json: expected a file of `faultscope prepare`");
}

/// All of CIFAR-100's and GTSRB's test images, against what numpy makes of the files.
#[test]
fn real_data_is_read_as_numpy_reads_it() {
    let folder = TempDir::new().expect("a temporary folder");
    let prepare = |data: &Path, name: &str| {
        let prepared = folder.path().join(name);
        let arguments = ["prepare", text(data), "--size", "32", "--resize", "stretch", "-o", text(&prepared)];
        faultscope(&arguments).code(DONE);
        prepared
    };
    if let Some(data) = shared("data/cifar100/test.bin") {
        let head = read(&prepare(&data, "cifar100").join("prepared.json"));
        assert_eq!(head["images_sha256"], CIFAR100_IMAGES);
        assert_eq!(head["labels_sha256"], CIFAR100_LABELS);
    }
    if let Some(data) = shared("data/gtsrb/test_images.npy") {
        let prepared = prepare(&data, "gtsrb");
        let same = |ours: &str, theirs: &str| {
            let theirs = fs::read(data.with_file_name(theirs)).expect("a file");
            assert!(fs::read(prepared.join(ours)).expect("a file") == theirs, "{ours} is not byte for byte the same");
        };
        same("images.npy", "test_images.npy");
        same("labels.npy", "test_labels.npy");
    }
}

#[test]
fn labels_in_another_order_raise_the_alarm_before_the_first_fault() {
    let folder = TempDir::new().expect("a temporary folder");
    let list = folder.path().join("labels.csv");
    // The classes of the built-in signs, each one too high, as a spreadsheet saves them.
    let classes = [14, 1, 2, 3, 5, 7, 12, 13, 17, 18, 25, 26, 28, 35, 38, 40];
    let lines = classes.iter().enumerate().map(|(nth, class)| format!("./sign_{nth:02}_{class}.png;{}\r\n", class + 1));
    fs::write(&list, format!("\u{feff}filename;label\r\n{}\r\n", lines.collect::<String>())).expect("a file");
    let out = folder.path().join("out");
    let arguments = ["campaign", "--model", "gtsrb-resnet8", "--data", "gtsrb-resnet8/samples", "--faults", "1"];
    let more = ["--labels", text(&list), "--out", text(&out)];
    let alarm = "alarm: 0 of 16 golden runs are right, no better than guessing";
    faultscope(&[&arguments[..], &more].concat()).code(DONE).stderr(predicate::str::contains(alarm));
    let summary = read(&out.join("summary.json"));
    assert!(summary["golden"]["alarm"].as_str().expect("an alarm").starts_with("0 of 16"));
    faultscope(&["report", text(&out)]).code(DONE).stdout(predicate::str::contains(alarm));
    let right = folder.path().join("right");
    faultscope(&[&arguments[..], &["--out", text(&right)]].concat())
        .code(DONE)
        .stderr(predicate::str::contains("alarm").not());
    assert!(read(&right.join("summary.json"))["golden"].get("alarm").is_none());
}

#[test]
fn sub_folders_whose_classes_nothing_tells_are_refused() {
    let folder = TempDir::new().expect("a temporary folder");
    for class in ["ant", "bee"] {
        fs::create_dir(folder.path().join(class)).expect("a folder");
        write_image(&folder.path().join(class).join("a.png"), 0, 1);
    }
    let list = folder.path().join("classes.txt");
    let out = TempDir::new().expect("a temporary folder");
    let data = text(folder.path());
    let arguments = ["campaign", "--model", MODEL, "--data", data, "--out", text(out.path()), "--faults", "1"];
    refused(&arguments, INPUT, "2 sub-folders (ant, bee) for a model of 3 classes");
    fs::write(&list, "cow\nbee\nant\n").expect("a file");
    faultscope(&[&arguments[..], &["--classes", text(&list)]].concat()).code(DONE);
    let config = read(&out.path().join("config.json"));
    assert_eq!(config["data"]["labelled"], "by the list of classes");
    let records = fs::read_to_string(out.path().join("faults.jsonl")).expect("records");
    let label = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["label"].as_u64().expect("a label");
    assert_eq!(records.lines().map(label).collect::<Vec<_>>(), [1, 2]);
}
