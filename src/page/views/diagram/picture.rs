//! The diagram itself.

use std::rc::Rc;

use facts::outcome::Rate;
use facts::report::LayerNumbers;
use facts::report::diagram::Role;
use protocol::{CampaignProfile, Danger, Injection, LayerRates, ModelInfo};
use yew::prelude::*;

use super::backdrop::Backdrop;
use super::boxes::{Marks, NetBox};
use super::current::Current;
use super::gestures;
use super::hands::{Hands, usable};
use super::key::Key;
use super::props::{PictureProps, Same};
use super::readout::{Readout, describe};
use super::stage::Stage;
use super::tools::tools;
use crate::diagram::flow::passages;
use crate::diagram::names;
use crate::diagram::paint::swallowed;
use crate::diagram::scene::boxes_in;
use crate::diagram::view::Size;
use crate::diagram::{Content, Network, Paint, Scene, Shown};
use crate::link::Colouring;
use crate::views::frame::next_frame;
use crate::views::present;

/// Boxes side by side before the width is known.
const ABREAST: usize = 5;
/// Maximum height of the diagram, in pixels.
const HIGHEST: f64 = 340.0;

/// The data behind the colours and marks.
#[derive(Clone, PartialEq)]
struct Known {
    colouring: Colouring,
    injection: Option<Same<Injection>>,
    danger: Option<Same<Danger>>,
    numbers: Option<Same<LayerNumbers>>,
    profile: Option<Same<CampaignProfile>>,
}

/// The diagram of one model.
#[component]
pub fn Picture(props: &PictureProps) -> Html {
    let PictureProps { model: Same(model), state: Same(state), .. } = props;
    let network = use_memo((), |()| Network::of(model));
    let open = use_state(|| network.open_at_first());
    let abreast = use_state_eq(|| ABREAST);
    // The layer of the box that has, or last had, the focus.
    let focus = use_state_eq(|| None::<usize>);
    let stage = use_memo((), |()| Stage::default());
    let scene = use_memo(((*open).clone(), *abreast), |(open, abreast)| Scene::of(model, &network, open, *abreast));
    let known = Known {
        colouring: state.link.colouring,
        injection: state.injection_now().cloned().map(Same),
        danger: state.danger_now().cloned().map(Same),
        numbers: state.numbers.clone().map(Same),
        profile: state.campaign.profile.clone().map(Same),
    };
    let paint = use_memo(known.clone(), |known| {
        let trace = known.injection.as_ref().map(|injection| &injection.0.trace[..]);
        let layers = known.profile.as_ref().map(|profile| &profile.0.layers);
        // The first outcome is the SDC.
        let rate = |row: &LayerRates| (row.name.clone(), row.rates.first().copied().unwrap_or_else(|| Rate::new(0, 0)));
        let measured = layers.map(|layers| layers.iter().map(rate).collect::<Vec<_>>());
        let shown = Shown {
            trace,
            measured: measured.as_deref(),
            danger: known.danger.as_ref().map(|danger| &*danger.0),
            numbers: known.numbers.as_ref().map(|numbers| &*numbers.0),
        };
        Paint::of(model, known.colouring, shown)
    });
    let ends = use_memo(known.injection.clone(), |injection| {
        injection.as_ref().map(|injection| swallowed(model, &injection.0.trace)).unwrap_or_default()
    });
    let corrupt = use_memo((Same(scene.clone()), Same(paint.clone())), |(scene, paint)| {
        let leaves = |position| scene.0.layers(&network, position).last().is_some_and(|&layer| paint.0.corrupt(layer));
        Rc::<[bool]>::from_iter((0..scene.0.boxes.len()).map(leaves))
    });
    let station = state.station();
    let passages = use_memo((Same(scene.clone()), known.injection.clone(), station), |(scene, _, station)| {
        let way: Vec<_> = state.way().into_iter().map(|(layer, row)| (layer, row.changed > 0)).collect();
        station.map(|station| Rc::<[_]>::from(passages(&scene.0, &network, &way, station)))
    });
    let looked = state.layer().map(|layer| layer.index);
    let struck = state.struck().filter(|_| state.link.run).map(|place| place.layer.index);

    {
        let stage = stage.clone();
        let redraw = use_force_update();
        use_effect_with((), move |()| {
            let gestures = gestures::listen(&stage, Callback::from(move |()| redraw.force_update()));
            move || drop(gestures)
        });
    }
    let size = if state.link.present { present::size() } else { 1.0 };
    {
        // The effect runs after each rendering, because parts beside the diagram may appear or disappear. It waits for the
        // next frame: the browser lays the page out for each question about sizes, and most outcomes are there earlier.
        let (stage, abreast) = (stage.clone(), abreast.clone());
        use_effect(move || {
            let is_first = stage.drawn.get() == Size::default();
            let measure = move || {
                let (width, _) = stage.window();
                if stage.drawn.replace((width, size)) != (width, size) {
                    abreast.set(boxes_in(width / size));
                    stage.settle();
                }
            };
            if is_first { measure() } else { next_frame(measure) }
        });
    }
    {
        let (stage, scene) = (stage.clone(), scene.clone());
        let focused = focus.and_then(|layer| scene.box_of[layer]);
        use_effect_with((Same(scene.clone()), focused), move |_| {
            stage.resize((scene.layout.width, scene.layout.height));
            let corner_of = |layer: usize| scene.box_of[layer].map(|position| scene.layout.boxes[position]);
            if let Some((layer, place)) = stage.anchor.take()
                && let Some(corner) = corner_of(layer)
            {
                stage.hold(corner, place);
                stage.reveal(corner);
            }
            if let Some(position) = focused.filter(|_| stage.focus.replace(false)) {
                stage.reveal(scene.layout.boxes[position]);
                stage.focus_box(position);
            }
        });
    }
    {
        let (stage, scene) = (stage.clone(), scene.clone());
        use_effect_with((looked, *abreast), move |_| {
            if let Some(position) = looked.and_then(|layer| scene.box_of.get(layer).copied().flatten()) {
                stage.reveal(scene.layout.boxes[position]);
            }
        });
    }

    let hands = Hands {
        props: props.clone(),
        network: network.clone(),
        scene: scene.clone(),
        stage: stage.clone(),
        open: open.clone(),
        focus: focus.clone(),
    };
    let first = (0..scene.boxes.len()).find(|&position| !scene.layers(&network, position).is_empty());
    let tabbed = focus.or(looked).and_then(|layer| scene.box_of.get(layer).copied().flatten()).or(first);
    let marks_of = |layers: &[usize]| Marks {
        struck: struck.is_some_and(|layer| layers.contains(&layer)),
        looked: looked.is_some_and(|layer| layers.contains(&layer)),
        swallowed: ends.iter().any(|layer| layers.contains(layer)),
    };
    let boxes = (0..scene.boxes.len()).map(|position| {
        let layers = scene.layers(&network, position);
        let marks = marks_of(layers);
        let (name, size, label) = words(model, &network, &paint, scene.boxes[position], layers, marks);
        let first = layers.first().map(|&layer| &model.layers[layer]);
        let folded = matches!(scene.boxes[position], Content::Block(_)).then_some(layers.len());
        html! {
            <NetBox key={format!("{:?}", scene.boxes[position])} {position} corner={scene.layout.boxes[position]} {name} {size} {label}
                layers={layers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")}
                tone={paint.tone(model, layers).0.class()} {folded}
                inside={folded.is_none() && first.is_some_and(|layer| network.block_of[layer.index].is_some())}
                usable={first.is_some_and(usable)}
                aside={first.is_some_and(|layer| layer.role == Role::Aside)}
                tabbed={tabbed == Some(position)} {marks} />
        }
    });
    let height = scene.layout.height.min(HIGHEST) * size;
    let all = Marks { struck: struck.is_some(), looked: looked.is_some(), swallowed: !ends.is_empty() };
    html! {
        <>
            { tools(&hands, looked) }
            <div id="diagram-picture" class="net-frame-outer">
                <svg ref={stage.svg.clone()} class={classes!("net", (paint.colouring == Colouring::Size).then_some("by-size"))} style={format!("height: {height}px")} role="tree"
                    aria-label={format!("Diagram of {}", model.name)} aria-describedby="net-help"
                    onclick={hands.onclick()} onkeydown={hands.onkeydown(tabbed)}>
                    <defs>
                        <marker id="net-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">
                            <path class="net-arrow" d="M0 0.8L7.5 4L0 7.2z" />
                        </marker>
                    </defs>
                    <g ref={stage.world.clone()}>
                        <Backdrop scene={Same(scene.clone())} network={Same(network.clone())} corrupt={Same((*corrupt).clone())} />
                        if let (Some(passages), Some(station)) = (&*passages, station) {
                            <Current scene={Same(scene.clone())} passages={Same(passages.clone())} {station} />
                        }
                        { for boxes }
                    </g>
                </svg>
            </div>
            <p class="visually-hidden" id="net-help">
                { "The arrow keys move along the network and between its branches, Enter chooses a layer, the space bar unfolds a block or folds it again." }
            </p>
            <Readout model={Same(model.clone())} network={Same(network.clone())} paint={Same(paint.clone())} {looked} />
            <Key paint={Same(paint.clone())} marks={all} />
        </>
    }
}

/// Returns the caption of a box, and its label for screen readers.
fn words(
    model: &ModelInfo,
    network: &Network,
    paint: &Paint,
    content: Content,
    layers: &[usize],
    marks: Marks,
) -> (AttrValue, AttrValue, AttrValue) {
    let times = |shape: &[usize]| shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×");
    match content {
        Content::Image => {
            let [height, width] = model.input;
            ("Image".into(), format!("{height}×{width}").into(), "The image".into())
        }
        Content::Answer => ("Answer".into(), format!("{} classes", model.classes).into(), "The answer".into()),
        Content::Layer(_) | Content::Block(_) => {
            let last = layers.last().map(|&layer| &model.layers[layer]);
            let shape = last.map(|layer| times(layer.shape.get(1..).unwrap_or_default())).unwrap_or_default();
            // The shape is cut last: two boxes of one kind differ by it.
            let (name, size) = match content {
                Content::Block(block) => (names::block(model, &network.blocks[block]), shape),
                _ => (names::short(&model.layers[layers[0]].name), format!("{shape} {}", model.layers[layers[0]].kind)),
            };
            let mut label = describe(model, network, paint, layers);
            for (there, words) in [
                (marks.struck, "struck by the fault"),
                (marks.swallowed, "the corruption ends here"),
                (marks.looked, "looked at"),
            ] {
                if there {
                    label = format!("{label}; {words}");
                }
            }
            (name.into(), size.into(), label.into())
        }
    }
}
