mod brought;
mod campaign;
mod labelling;
mod numbers;
mod pattern;
mod protect;
mod silent;
mod startup;

use facts::campaign::NumberFormats;
use facts::campaign::compared::Effect as Done;
use facts::catalogue::{CatalogueEntry, CatalogueSample};
use facts::fault::{Corruption, CorruptionKind, Format, InjectedFault, Site, Target};
use facts::format::Scales;
use facts::graph::Layout;
use facts::outcome::{Outcome, Verdict};
use facts::report::diagram::{Family, Role};
use facts::{DeviceChoice, TraceRow};
use protocol::planes::Planes;
use protocol::{
    AnswerInfo, ClassInfo, Danger, DangerRequest, DeviceInfo, GoldenInfo, Injection, LayerInfo, ModelInfo,
    PreprocessInfo, ProtectAnswer, ProtectRequest, Protection, Score, SweepPart, SweepRequest, TensorInfo, TensorView,
    ViewRequest, Which,
};

use super::*;
use crate::link::{Scale, Sweep};

fn catalogue() -> Catalogue {
    let entry = |id: &str, samples: &[&str]| CatalogueEntry {
        id: id.into(),
        name: id.to_uppercase(),
        file: "model.bpk".into(),
        description: String::new(),
        bytes: None,
        sha256: None,
        samples: samples
            .iter()
            .map(|&file| CatalogueSample { file: format!("samples/{file}"), label: String::new() })
            .collect(),
    };
    Catalogue { models: vec![entry("net", &["a.jpg", "b.jpg"]), entry("other", &[])] }
}

fn model() -> ModelInfo {
    let tensor = |id: usize, name: &str, shape: &[usize]| TensorInfo {
        id,
        name: name.into(),
        shape: shape.to_vec(),
        layout: Layout::default(),
        format: Format::F32,
        scales: Scales::default(),
        planes: Planes::of(shape, shape.len() != 4 || shape[0] != 1),
    };
    let layer = |index: usize, name: &str, outputs: Vec<TensorInfo>, parameters: Vec<TensorInfo>| LayerInfo {
        index,
        name: name.into(),
        kind: "Conv".into(),
        shape: vec![1, 2, 4, 4],
        inputs: index.checked_sub(1).into_iter().collect(),
        family: Some(Family::Product),
        role: Role::Super,
        sampled: !outputs.is_empty(),
        outputs,
        parameters,
    };
    ModelInfo {
        name: "Net".into(),
        classes: 10,
        parameters: 100,
        input: [8, 8],
        grouping: None,
        answer: AnswerInfo::default(),
        preprocess: PreprocessInfo::default(),
        notices: Vec::new(),
        layers: vec![
            layer(0, "folded", vec![], vec![]),
            layer(
                1,
                "first",
                vec![tensor(5, "first", &[1, 2, 4, 4])],
                vec![tensor(1, "w", &[2, 3, 3, 3]), tensor(2, "b", &[2])],
            ),
            layer(2, "relu", vec![tensor(6, "relu", &[1, 2, 4, 4])], vec![]),
        ],
    }
}

/// The same in number formats.
fn model_in(numbers: &NumberFormats) -> ModelInfo {
    let mut model = model();
    for layer in &mut model.layers {
        layer.outputs.iter_mut().for_each(|tensor| tensor.format = numbers.outputs);
        layer.parameters.iter_mut().for_each(|tensor| tensor.format = numbers.weights);
    }
    model
}

fn golden() -> GoldenInfo {
    GoldenInfo { top: vec![Score { class: 1, label: "one".into(), logit: 2.0, probability: 0.9 }], milliseconds: 1.0 }
}

fn injection() -> Injection {
    let class = |class| ClassInfo { class, label: class.to_string(), group: None, critical: false };
    Injection {
        verdict: Verdict { outcome: Outcome::Masked, due: false, scm: None },
        golden: class(1),
        faulty: class(1),
        confidence: [0.9, 0.8],
        nan_wins: false,
        before: Vec::new(),
        after: Vec::new(),
        faults: vec![InjectedFault {
            target: Target::Activation,
            layer: "first".into(),
            tensor: "first".into(),
            element: 3,
            kind: Some(CorruptionKind::BitFlip),
            bit: Some(30),
            bits: None,
            format: Format::F32,
            before: 1.0,
            after: f32::INFINITY,
        }],
        struck: 1,
        trace: ["first", "relu"].map(trace).to_vec(),
        milliseconds: 1.0,
    }
}

fn trace(layer: &str) -> TraceRow {
    TraceRow {
        layer: layer.into(),
        changed: 1,
        elements: 32,
        max_abs_delta: 1.0,
        non_finite: 0,
        touched: 1,
        positions: 16,
    }
}

fn values(from: u8) -> serde_bytes::ByteBuf {
    (from..from + 32).flat_map(|i| f32::from(i).to_le_bytes()).collect::<Vec<u8>>().into()
}

fn protection(request: &ProtectRequest) -> ProtectAnswer {
    let Injection { verdict, faulty, trace, .. } = injection();
    if request.method.to_string() == "weight-clip" {
        return ProtectAnswer::Unfit { why: "It is for faults in weights.".into() };
    }
    ProtectAnswer::With(Box::new(Protection {
        method: request.method.clone(),
        layers: Vec::new(),
        effect: Done::Unchanged,
        verdict,
        faulty,
        golden: None,
        confidence: 0.9,
        after: Vec::new(),
        stops: None,
        alarm: false,
        trace,
        clipped: Vec::new(),
        images: request.images.len(),
        operations: (0, None),
        bytes: (0, None),
        milliseconds: 1.0,
    }))
}

/// A state and a worker that answers everything, so that only what matters need be written down.
#[derive(Default)]
struct Page {
    state: State,
    /// The URL after `#`, and how often it became a step of the history.
    hash: String,
    pushes: usize,
    /// Downloads asked for; an empty one cancels.
    downloads: Vec<String>,
    /// Requests not answered yet.
    open: Vec<Envelope<Request>>,
    /// Files that were saved, and names of pictures that are to be kept.
    saved: Vec<(String, Vec<u8>)>,
    pictures: Vec<String>,
}

impl Page {
    /// A page opened under `hash`, its worker ready.
    fn open(hash: &str) -> Self {
        let mut page = Self::default();
        page.act(Action::Navigated(hash.to_owned()));
        page.act(Action::Catalogue(Ok(catalogue())));
        page.hear(0, Response::Ready);
        page
    }

    /// The same with everything answered.
    fn settled(hash: &str) -> Self {
        let mut page = Self::open(hash);
        page.settle();
        page
    }

    fn act(&mut self, action: Action) {
        for effect in self.state.update(action) {
            match effect {
                Effect::Send(request) => self.open.push(request),
                Effect::Navigate { hash, push } => {
                    self.hash = hash;
                    self.pushes += usize::from(push);
                }
                Effect::Copy { hash } => self.hash = hash,
                Effect::Download { id, .. } => self.downloads.push(id),
                Effect::CancelDownload => self.downloads.push(String::new()),
                Effect::Save { name, bytes, .. } => self.saved.push((name, bytes)),
                Effect::Picture { name, .. } => self.pictures.push(name),
            }
        }
    }

    fn hear(&mut self, id: RequestId, body: Response) {
        self.act(Action::Worker(Box::new(Envelope::new(id, body))));
    }

    /// Answers everything; returns what was asked.
    fn settle(&mut self) -> Vec<Request> {
        let mut asked = Vec::new();
        while !self.open.is_empty() {
            let Envelope { id, body, .. } = self.open.remove(0);
            asked.push(body.clone());
            let answer = match body {
                Request::Load { device, changes, .. } => Response::Loaded {
                    model: Box::new(model_in(&changes.numbers)),
                    device: DeviceInfo { choice: device, name: String::new(), note: None },
                },
                Request::Golden { .. } => Response::Golden(golden()),
                Request::Inject { .. } => Response::Injected(injection()),
                Request::View(request) => Response::View(TensorView {
                    planes: Planes::of(&[1, 2, 4, 4], false),
                    first: 0,
                    golden: values(0),
                    faulty: request.faulty.then(|| values(1)),
                    danger: request.danger.map(|_| values(2)),
                    max_abs: [31.0, 32.0, 1.0],
                }),
                Request::Scale => Response::Scale { max_abs: 99.0 },
                Request::Danger(_) => Response::Danger(Some(Danger { tensors: Vec::new(), milliseconds: 1.0 })),
                Request::Sweep(_) => Response::Swept(SweepPart { first: 0, trials: Vec::new(), over: false }),
                Request::Protect(request) => Response::Protected(protection(&request)),
                Request::EndSweep | Request::EndDanger | Request::Try(_) | Request::Campaign(_) => continue,
            };
            self.hear(id, answer);
        }
        asked
    }

    fn notices(&self) -> Vec<&str> {
        self.state.notices.iter().map(|notice| notice.text.as_str()).collect()
    }
}

fn sites(requests: &[Request]) -> Vec<Site> {
    requests
        .iter()
        .filter_map(|request| if let Request::Inject { strike } = request { Some(strike.site) } else { None })
        .collect()
}

#[test]
fn the_page_opens_with_the_default_model_its_first_image_and_its_first_layer() {
    let mut page = Page::open("");
    let asked = page.settle();
    assert!(
        matches!(&asked[0], Request::Load { model, device: DeviceChoice::Gpu, .. } if model.url == "models/net/model.bpk")
    );
    assert!(matches!(&asked[1], Request::Golden { image } if image.name == "a.jpg"));
    assert_eq!(asked[2..], [Request::View(ViewRequest { tensor: 5, first: 0, faulty: false, danger: None })]);
    assert_eq!(page.state.layer().map(|layer| layer.index), Some(1));
    assert_eq!(page.state.values(), [Some(10.0), None], "the middle of the first plane");
    assert!(page.notices().is_empty());
}

#[test]
fn a_link_replays_its_fault() {
    let hash =
        "#model=net&image=b.jpg&device=cpu&target=weight&layer=first&tensor=w&element=7&type=bitflip&bit=3&run=1";
    let mut page = Page::open(hash);
    let asked = page.settle();
    assert!(matches!(&asked[0], Request::Load { device: DeviceChoice::Cpu, .. }));
    assert!(matches!(&asked[1], Request::Golden { image } if image.name == "b.jpg"));
    let site =
        Site { target: Target::Weight, layer: 1, tensor: 1, element: 7, corruption: Corruption::flip(3).unwrap() };
    assert_eq!(sites(&asked), [site]);
    assert!(page.state.injection_now().is_some());
}

#[test]
fn what_was_injected_stands_in_the_url_in_full() {
    let mut page = Page::settled("");
    page.act(Action::Inject);
    let injected = sites(&page.settle());
    assert_eq!(injected.len(), 1);
    let mut again = Page::open(&page.hash);
    assert_eq!(sites(&again.settle()), injected);
    assert_eq!(page.pushes, 1);

    // Another fault is another step: going back must find the first one, not a link that was written over.
    page.act(Action::Strike(3));
    page.act(Action::ChooseBit(4));
    assert_eq!(page.pushes, 2);
}

#[test]
fn going_back_shows_the_earlier_fault() {
    let mut page = Page::settled("");
    page.act(Action::Strike(5));
    let first = sites(&page.settle());
    let before = page.hash.clone();
    page.act(Action::ChooseElement(3));
    page.act(Action::Inject);
    assert_ne!(sites(&page.settle()), first);
    page.act(Action::Navigated(before));
    assert_eq!(sites(&page.settle()), first);
}

#[test]
fn once_injected_a_fault_stays_while_one_looks_elsewhere() {
    let mut page = Page::settled("");
    page.act(Action::Strike(30));
    let fault = page.state.site();
    page.settle();
    page.act(Action::ChooseLayer(2));
    let asked = page.settle();
    assert_eq!(asked, [Request::View(ViewRequest { tensor: 6, first: 0, faulty: true, danger: None })]);
    assert_eq!(page.state.site(), fault);
    assert_eq!(page.state.values(), [Some(10.0), Some(11.0)], "golden and faulty");
    assert!(page.hash.contains("look=relu") && page.hash.contains("layer=first"), "{}", page.hash);

    // The same link shows the same fault and the same look.
    let mut again = Page::open(&page.hash);
    assert_eq!(sites(&again.settle()), fault.into_iter().collect::<Vec<_>>());
    assert_eq!(again.state.layer().map(|layer| layer.index), Some(2));

    // A flip strikes what is looked at, and taking it back leaves the look there.
    page.act(Action::Strike(3));
    assert_eq!(sites(&page.settle()).iter().map(|site| (site.layer, site.tensor)).collect::<Vec<_>>(), [(2, 6)]);
    page.act(Action::Heal);
    assert!(page.state.injection_now().is_none() && page.state.struck().is_some_and(|struck| struck.layer.index == 2));
}

#[test]
fn choices_are_undone_and_done_again() {
    let mut page = Page::settled("");
    let start = page.state.link.clone();
    page.act(Action::ChooseElement(3));
    page.act(Action::Strike(7));
    let end = page.state.link.clone();
    page.settle();
    page.act(Action::Undo);
    assert!(page.state.injection_now().is_none());
    page.act(Action::Undo);
    assert!(page.state.link == start && !page.state.can_undo());
    page.act(Action::Redo);
    page.act(Action::Redo);
    assert!(page.state.link == end && !page.state.can_redo() && page.hash.contains("bit=7"));
    page.act(Action::Undo);
    page.act(Action::ChooseElement(9));
    assert!(!page.state.can_redo(), "another choice is another future");
}

#[test]
fn the_look_follows_a_corruption_through_the_layers() {
    let mut page = Page::settled("");
    page.act(Action::Strike(30));
    page.settle();
    assert_eq!(page.state.way().iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2]);
    page.act(Action::Follow(Follow::Play(true)));
    page.act(Action::Follow(Follow::Forward));
    assert_eq!(page.state.station(), Some(1));
    assert!(!page.state.playing, "the last layer is the end");
    page.act(Action::Follow(Follow::Back));
    assert_eq!(page.state.station(), Some(0));
    page.act(Action::Follow(Follow::Last));
    page.act(Action::Follow(Follow::First));
    assert_eq!(page.state.looked(), page.state.struck());
}

#[test]
fn a_weight_that_is_struck_is_tried_on_every_image() {
    let mut page = Page::settled("#target=weight&layer=first");
    page.act(Action::Strike(30));
    let asked = page.settle();
    assert!(
        asked
            .iter()
            .any(|request| matches!(request, Request::Sweep(SweepRequest::Images { images, .. }) if images.len() == 2))
    );
    page.act(Action::Heal);
    assert!(page.state.link.sweep.is_none());
}

#[test]
fn a_sweep_is_asked_for_once_and_follows_the_fault() {
    let mut page = Page::settled("");
    page.act(Action::Sweep(Some(Sweep::Map)));
    let asked = page.settle();
    let maps: Vec<_> = asked
        .iter()
        .filter_map(|request| {
            if let Request::Sweep(SweepRequest::Map { first, count, .. }) = request {
                Some((*first, *count))
            } else {
                None
            }
        })
        .collect();
    assert_eq!(maps, [(0, 16)]);
    assert!(page.hash.contains("sweep=map") && page.state.asked.sweep.busy());
    page.act(Action::choose(|link| link.scale = Scale::Network));
    assert_eq!(page.settle(), [Request::Scale], "nothing of the sweep is asked for again");
    // An element of the other plane.
    page.act(Action::ChooseElement(20));
    page.act(Action::Inject);
    let asked = page.settle();
    assert!(
        asked.iter().any(|request| matches!(request, Request::Sweep(SweepRequest::Map { first: 16, .. }))),
        "{asked:?}"
    );
    page.act(Action::Sweep(None));
    assert!(page.state.asked.sweep.key().is_none());
}

#[test]
fn another_image_or_device_meets_the_same_fault() {
    let mut page = Page::settled("");
    page.act(Action::Inject);
    let fault = sites(&page.settle());
    page.act(Action::ChooseImage("b.jpg".into()));
    let asked = page.settle();
    assert!(matches!(&asked[0], Request::Golden { image } if image.name == "b.jpg"));
    assert_eq!(sites(&asked), fault);
    page.act(Action::ChooseDevice(DeviceChoice::Cpu));
    let asked = page.settle();
    assert!(matches!(asked[..2], [Request::Load { device: DeviceChoice::Cpu, .. }, Request::Golden { .. }]));
    assert_eq!(sites(&asked), fault);
}

#[test]
fn a_model_that_cannot_be_loaded_leaves_the_old_one_in_place() {
    let mut page = Page::settled("");
    let hostile = FileRef { name: "hostile.onnx".into(), url: "blob:1".into() };
    page.act(Action::Brought(Box::new(Brought::sort([hostile]))));
    let Envelope { id, body, .. } = page.open.remove(0);
    assert!(matches!(body, Request::Load { model, .. } if model.url == "blob:1"));
    page.hear(id, Response::Failed { message: "hostile.onnx: it ends too early.".into() });
    assert_eq!(page.notices(), ["hostile.onnx: it ends too early."]);
    assert!(page.state.model().is_some() && page.state.golden_now().is_some());
    assert!(page.settle().iter().all(|request| matches!(request, Request::View(_))), "nothing is loaded again");
}

#[test]
fn an_image_that_cannot_be_decoded_leaves_the_old_one_in_place() {
    let mut page = Page::settled("#image=b.jpg");
    let broken = FileRef { name: "broken.png".into(), url: "blob:2".into() };
    page.act(Action::Brought(Box::new(Brought::sort([broken]))));
    let id = page.open.remove(0).id;
    page.hear(id, Response::Failed { message: "broken.png: no PNG.".into() });
    assert_eq!(page.state.image().map(|(id, _)| id).as_deref(), Some("b.jpg"));
    assert!(page.state.golden_now().is_some());
}

#[test]
fn a_link_to_an_own_file_waits_for_that_file() {
    let mut page = Page::open("#model=file:mine.onnx&layer=relu&element=3&bit=1&run=1");
    assert!(page.settle().is_empty());
    assert!(page.notices()[0].contains("mine.onnx"), "{:?}", page.notices());
    let mine = FileRef { name: "mine.onnx".into(), url: "blob:3".into() };
    page.act(Action::Brought(Box::new(Brought::sort([mine]))));
    let asked = page.settle();
    assert_eq!(sites(&asked).iter().map(|site| (site.layer, site.element)).collect::<Vec<_>>(), [(2, 3)]);
}

#[test]
fn what_a_link_says_of_the_model_is_checked() {
    for (hash, told) in [
        ("#layer=nowhere&element=1&run=1", "no layer \"nowhere\""),
        ("#layer=folded&run=1", "does not depend on the image"),
        ("#layer=relu&target=weight&run=1", "has no weights"),
        ("#layer=first&element=32&run=1", "Element 32 is out of range"),
        ("#layer=first&tensor=gamma&run=1", "no tensor \"gamma\""),
        ("#model=nothing", "no model \"nothing\""),
        ("#image=nothing.jpg", "no image \"nothing.jpg\""),
        ("#bit=32&run=1", "bits 0 to 31"),
    ] {
        let mut page = Page::open(hash);
        let asked = page.settle();
        assert_eq!(page.notices().len(), 1, "{hash}: {:?}", page.notices());
        assert!(page.notices()[0].contains(told), "{hash}: {:?}", page.notices());
        assert!(page.state.site().is_some(), "{hash}: the page goes on with a default");
        assert!(hash.contains("bit=32") || sites(&asked).is_empty(), "{hash}: no other fault is injected instead");
    }
}

#[test]
fn a_layer_can_be_named_by_its_index() {
    let page = Page::settled("#layer=2");
    assert_eq!(page.state.layer().map(|layer| layer.name.as_str()), Some("relu"));
}

#[test]
fn a_worker_that_dies_is_replaced_and_spared_what_killed_it() {
    let mut page = Page::settled("");
    page.act(Action::Inject);
    page.open.clear();
    page.hear(0, Response::Died { message: "out of memory".into() });
    assert!(!page.state.worker_ready);
    assert!(page.notices()[0].contains("out of memory"));
    page.hear(0, Response::Ready);
    let asked = page.settle();
    assert!(matches!(asked[..2], [Request::Load { .. }, Request::Golden { .. }]), "{asked:?}");
    assert!(sites(&asked).is_empty());
    assert_eq!(page.state.site().map(|site| site.corruption), Corruption::flip(30).ok(), "choices are kept");
}

#[test]
fn a_model_that_kills_the_worker_is_not_loaded_for_ever() {
    let mut page = Page::open("");
    page.open.clear();
    page.act(Action::WorkerDied("out of memory".into()));
    page.hear(0, Response::Ready);
    assert!(page.settle().is_empty());
    assert!(page.state.stuck());
    page.act(Action::Retry);
    assert_eq!(page.settle().len(), 3);
}

#[test]
fn late_answers_are_not_taken_for_others() {
    let mut page = Page::settled("");
    page.act(Action::ChooseImage("b.jpg".into()));
    let first = page.open.remove(0).id;
    page.act(Action::ChooseImage("a.jpg".into()));
    page.act(Action::ChooseImage("b.jpg".into()));
    page.hear(first, Response::Golden(GoldenInfo { milliseconds: 99.0, ..golden() }));
    assert_ne!(page.state.asked.golden.latest().map(|golden| golden.milliseconds), Some(99.0));
}

#[test]
fn only_what_is_looked_at_is_fetched() {
    let mut page = Page::settled("");
    page.act(Action::ChooseElement(31));
    assert!(page.settle().is_empty(), "both planes came with the first view");
    page.act(Action::choose(|link| link.which = Some(Which::Difference)));
    assert!(page.settle().is_empty(), "the values of all runs come together");
    assert_eq!(page.state.which(), Which::Golden, "there is no faulty run yet");
}

/// The page draws a tensor as it is stored, and says and asks for elements as the source framework counts them.
#[test]
fn elements_count_in_the_sources_layout() {
    let mut page = Page::open("#layer=first&element=9&bit=1");
    let loading = page.open.remove(0);
    let mut model = model();
    model.layers[1].outputs[0].layout = Layout::new(&[0, 2, 3, 1]);
    let tensor = model.layers[1].outputs[0].clone();
    let device = DeviceInfo { choice: DeviceChoice::Cpu, name: String::new(), note: None };
    page.hear(loading.id, Response::Loaded { model: Box::new(model), device });
    assert_eq!(tensor.source_shape(), [1, 4, 4, 2]);
    // Row 1, column 0, channel 1.
    assert_eq!(page.state.looked().map(|looked| (looked.element, looked.spot())), Some((9, 16 + 4)));
    assert_eq!(page.state.site().map(|site| site.element), Some(9));
    page.act(Action::ChooseElement(tensor.element(3)));
    assert_eq!(page.state.looked().map(|looked| (looked.element, looked.spot())), Some((6, 3)));
}

#[test]
fn the_danger_follows_the_corruption_and_stands_in_the_view() {
    let mut page = Page::open("danger=1&bit=30");
    let asked = page.settle();
    let request = DangerRequest { target: Target::Activation, corruption: Corruption::flip(30).expect("a bit") };
    assert!(asked.contains(&Request::Danger(request)), "{asked:?}");
    assert!(asked.iter().any(|asked| matches!(asked, Request::View(view) if view.danger == Some(request))));
    assert_eq!(page.state.runs(), [Which::Golden, Which::Danger]);
    page.act(Action::ChooseBit(3));
    let asked = page.settle();
    let request = DangerRequest { corruption: Corruption::flip(3).expect("a bit"), ..request };
    assert!(asked.contains(&Request::Danger(request)), "{asked:?}");
    page.act(Action::choose(|link| link.danger = false));
    page.settle();
    assert_eq!((page.state.danger_now(), page.state.runs()), (None, vec![Which::Golden]));
}
