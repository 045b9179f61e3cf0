//! The network with a protection, as a file.

use std::fs;

use protocol::{CampaignAnswer, ImageSet, Labelling, ProtectFile};
use tempfile::TempDir;

use super::campaign::{bench, colours, refused, text};
use super::*;
use faultscope::cli::{self, Exit};

fn request(method: &str, profile: Option<usize>) -> CampaignRequest {
    let images = ImageSet::Files(colours().iter().rev().map(|(name, _)| file(name)).collect());
    let (labelling, method) = (Labelling::default(), method.parse().expect("a protection"));
    CampaignRequest::Protect(Box::new(ProtectFile { images, labelling, profile, method }))
}

/// The file that the page would save, and the numbers of images on the way.
fn made(engine: &mut Service<Bench>, request: CampaignRequest) -> (String, Vec<u8>, Vec<[usize; 2]>) {
    let mut answer = Some(ask(engine, Request::Campaign(request)));
    let mut learnt = Vec::new();
    loop {
        match answer {
            Some(Response::Campaign(CampaignAnswer::Bounding { learnt: now })) => learnt.push(now),
            Some(Response::Campaign(CampaignAnswer::File { name, bytes, note, .. })) => {
                assert!(note.is_none() && pollster::block_on(engine.go_on()).is_none(), "it is made once");
                return (name, bytes.into_vec(), learnt);
            }
            None => {}
            other => panic!("{other:?}"),
        }
        answer = pollster::block_on(engine.go_on()).expect("there is more to do").1;
    }
}

#[test]
fn a_protected_network_has_the_bytes_of_the_command_lines() {
    let folder = TempDir::new().expect("a folder");
    // As the page calls files that were dropped.
    let [data, model, theirs] = ["images", "colours.onnx", "theirs.onnx"].map(|name| folder.path().join(name));
    fs::create_dir(&data).expect("the test can write");
    for (name, bytes) in colours() {
        fs::write(data.join(name), bytes).expect("the test can write");
    }
    let mut engine = bench(Vec::new());
    let plain = engine.host.files.borrow()["colours.onnx"].clone();
    fs::write(&model, &plain).expect("the test can write");
    for (method, profile) in [("range", None), ("ranger", Some(4)), ("clip-to-zero", Some(1)), ("ranger:channel", None)]
    {
        let count = profile.map(|count| count.to_string());
        let mut words = vec!["protect", text(&model), "--with", method, "--profile", text(&data)];
        words.extend(["-o", text(&theirs), "--force"]);
        words.extend(count.iter().flat_map(|count| ["--images", count]));
        assert_eq!(cli::run(&words), Exit::Done);
        let (name, bytes, learnt) = made(&mut engine, request(method, profile));
        assert_eq!(name, format!("colours-{}.onnx", method.replace(':', "-")));
        assert!(bytes == fs::read(&theirs).expect("a file") && bytes != plain, "{method}");
        assert_eq!(learnt.first(), Some(&[0, profile.unwrap_or(6)]));
    }
}

#[test]
fn a_network_that_cannot_be_written_is_refused_with_the_reason() {
    let mut engine = bench(Vec::new());
    refused(&mut engine, request("secded", None), "secded adds no bounds");
    refused(&mut engine, request("range", Some(7)), "expected 1 to 6");
    refused(&mut engine, request("ranger:channel,percentile=99", None), "whole tensors only");
    // A load ends what was begun: the file would be that of another network.
    ask(&mut engine, Request::Campaign(request("range", None)));
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/gtsrb-resnet8/gtsrb-resnet8.bpk");
    engine.host.files.borrow_mut().insert("gtsrb.bpk".to_owned(), fs::read(own).expect("the project's network"));
    let load = Request::Load { model: file("gtsrb.bpk"), device: DeviceChoice::Cpu, changes: Box::default() };
    assert!(matches!(ask(&mut engine, load), Response::Loaded { .. }));
    assert!(pollster::block_on(engine.go_on()).is_none());
    refused(&mut engine, request("range", None), "gtsrb.bpk: this is no ONNX file");
}
