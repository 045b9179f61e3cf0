use super::super::download::tests::{json_page, serve, wheel_of};
use super::*;

/// Two sample images, and the index that has them.
fn set_up() -> (Samples, super::super::download::tests::Server) {
    let images: [(&str, &[u8]); 2] = [("a_00_1.jpg", b"first"), ("a_01_2.jpg", b"second")];
    let (bytes, archive) = wheel_of(
        &images
            .map(|(name, bytes)| (["pkg/", name].concat(), bytes))
            .each_ref()
            .map(|(name, bytes)| (name.as_str(), *bytes)),
    );
    let manifest = Manifest::builtin("efficientnet-lite0").expect("a manifest");
    let mut samples = manifest.samples.expect("samples");
    samples.archive = Some(archive);
    samples.members = "pkg".to_owned();
    samples.images =
        images.iter().map(|(name, bytes)| SampleFile { file: (*name).to_owned(), sha256: sha256(bytes) }).collect();
    let server = serve(move |path, _| match path {
        "/simple/net/" => (200, "application/json", json_page()),
        _ => (200, "application/zip", bytes.clone()),
    });
    (samples, server)
}

#[test]
fn only_what_is_missing_or_damaged_is_written() {
    let (samples, server) = set_up();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let downloader = Downloader::with(&server.url, folder.path().join("cache"));
    let (first, second) = (folder.path().join("a_00_1.jpg"), folder.path().join("a_01_2.jpg"));
    fetch_samples("net", &samples, folder.path(), &downloader).expect("fetched");
    assert_eq!(
        (std::fs::read(&first).expect("there"), std::fs::read(&second).expect("there")),
        (b"first".to_vec(), b"second".to_vec())
    );

    let asked = server.asked().len();
    fetch_samples("net", &samples, folder.path(), &downloader).expect("there already");
    assert_eq!(server.asked().len(), asked, "nothing is downloaded twice");

    let written = std::fs::metadata(&first).and_then(|metadata| metadata.modified()).expect("a time");
    std::fs::write(&second, b"sec").expect("damage");
    fetch_samples("net", &samples, folder.path(), &downloader).expect("repaired");
    assert_eq!(std::fs::read(&second).expect("there"), b"second");
    assert_eq!(std::fs::metadata(&first).and_then(|metadata| metadata.modified()).expect("a time"), written);
}

#[test]
fn an_image_that_is_not_the_pinned_one_is_not_written() {
    let (mut samples, server) = set_up();
    samples.images[1].sha256 = sha256(b"another");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let downloader = Downloader::with(&server.url, folder.path().join("cache"));
    let error = fetch_samples("net", &samples, folder.path(), &downloader).expect_err("another image").to_string();
    assert!(error.contains("a_01_2.jpg is not the image that was pinned"), "{error}");
    assert!(!folder.path().join("a_01_2.jpg").exists());
}

#[test]
fn a_model_file_is_whole_when_its_checksum_and_its_contents_are() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("net.bpk");
    assert!(!is_whole(&file), "it is not there");
    std::fs::write(&file, b"NRUB").expect("a file");
    assert!(!is_whole(&file), "nothing vouches for it");
    std::fs::write(checksum_file(&file), checksum_line(&file, b"NRUBx")).expect("a file");
    assert!(!is_whole(&file), "another file was vouched for");
    std::fs::write(checksum_file(&file), checksum_line(&file, b"NRUB")).expect("a file");
    assert!(!is_whole(&file), "the file is as it was written, but no model");
}

#[test]
fn the_catalogue_lists_what_is_there() {
    let models = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(catalogue(models.path()).expect("an empty folder"), Catalogue::default());
    let manifest = Manifest::builtin("efficientnet-lite1").expect("a manifest");
    let folder = models.path().join(&manifest.id);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(&manifest.file), b"1234").expect("a file");
    let catalogue = catalogue(models.path()).expect("one model");
    let [entry] = catalogue.models.as_slice() else { panic!("{catalogue:?}") };
    assert_eq!((entry.id.as_str(), entry.bytes, entry.samples.len()), ("efficientnet-lite1", Some(4), 20));
    assert_eq!(entry.samples[0].file, "samples/imagenet_00_243.jpg");
    assert_eq!(entry.samples[0].label, "bull mastiff");
}

#[test]
fn a_built_in_model_is_written_once_and_never_over_another_file() {
    let models = tempfile::tempdir().expect("a temporary folder");
    let cache = tempfile::tempdir().expect("a temporary folder");
    let nowhere = Downloader::with("http://127.0.0.1:9/simple/", cache.path().to_owned());
    let manifest = Manifest::builtin("gtsrb-resnet8").expect("a manifest");
    let fetch = || fetch_into(&manifest, models.path(), &nowhere);
    let file = models.path().join("gtsrb-resnet8/gtsrb-resnet8.bpk");
    let image = models.path().join("gtsrb-resnet8/samples/sign_00_14.png");
    assert_eq!(fetch().expect("written"), file);
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/gtsrb-resnet8");
    for (written, name) in [(&file, "gtsrb-resnet8.bpk"), (&image, "samples/sign_00_14.png")] {
        assert_eq!(std::fs::read(written).expect("a file"), std::fs::read(shipped.join(name)).expect("a file"));
    }
    let catalogue = std::fs::read_to_string(models.path().join(CATALOGUE)).expect("a catalogue");
    assert!(catalogue.contains("\"gtsrb-resnet8\""), "{catalogue}");
    assert_eq!(fetch().expect("there already"), file);

    for damaged in [&image, &file] {
        std::fs::write(damaged, b"damaged").expect("a file");
        let error = fetch().expect_err("it is another file").to_string();
        let name = damaged.display().to_string();
        assert!(error.starts_with(&name) && error.contains("`git restore`"), "{error}");
        assert_eq!(std::fs::read(damaged).expect("a file"), b"damaged", "the user's file stays");
    }
}

#[test]
fn a_model_without_images_comes_with_the_model_that_has_them() {
    let models = tempfile::tempdir().expect("a temporary folder");
    let cache = tempfile::tempdir().expect("a temporary folder");
    let nowhere = Downloader::with("http://127.0.0.1:9/simple/", cache.path().to_owned());
    let manifest = Manifest::builtin("gtsrb-vit").expect("a manifest");
    let file = fetch_into(&manifest, models.path(), &nowhere).expect("written");
    assert_eq!(file, models.path().join("gtsrb-vit/gtsrb-vit.bpk"));
    assert!(file.is_file() && models.path().join("gtsrb-resnet8/samples/sign_15_40.png").is_file());
    let listed = catalogue(models.path()).expect("two models").models;
    let listed: Vec<_> = listed.iter().map(|entry| (entry.id.as_str(), entry.samples.len())).collect();
    assert_eq!(listed, [("gtsrb-resnet8", 16), ("gtsrb-vit", 0)]);
}

#[test]
fn a_folder_that_cannot_be_created_is_named_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    std::fs::write(&file, b"").expect("a file");
    let error = super::fetch("gtsrb-resnet8", Some(file.clone())).expect_err("a file is no folder").to_string();
    assert!(error.contains("the folder cannot be created") && error.contains("--into DIR"), "{error}");
}
