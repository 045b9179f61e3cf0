//! The background of the diagram: frames of unfolded blocks, and lines.

use facts::report::diagram::{Cut, path, shortened};
use yew::prelude::*;

use super::props::Same;
use crate::diagram::{Network, Scene};

#[derive(Properties, PartialEq)]
pub struct BackdropProps {
    pub scene: Same<Scene>,
    pub network: Same<Network>,
    /// For each box, whether the corruption passes on from it.
    pub corrupt: Same<[bool]>,
}

/// The background. It is redrawn only when blocks fold or a fault is injected.
#[component]
pub fn Backdrop(props: &BackdropProps) -> Html {
    let (scene, network) = (&props.scene.0, &props.network.0);
    let frames = scene.frames.iter().map(|frame| {
        let ((x, y), (width, height)) = (frame.corner, frame.size);
        let title = shortened(&format!("− {}", network.blocks[frame.block].title), width, 9.5, Cut::End);
        html! {
            <g class="net-frame" data-block={frame.block.to_string()}>
                <title>{ format!("Fold {}", network.blocks[frame.block].title) }</title>
                <rect x={x.to_string()} y={y.to_string()} width={width.to_string()} height={height.to_string()} rx="8" />
                if frame.first { <text x={(x + 4.0).to_string()} y={(y - 3.0).to_string()}>{ title }</text> }
            </g>
        }
    });
    let lines = scene.lines.iter().zip(&scene.layout.lines).map(|(&(from, _), corners)| {
        let corrupt = props.corrupt.0.get(from) == Some(&true);
        html! { <path class={if corrupt { "net-line corrupt" } else { "net-line" }} d={path(corners)} marker-end="url(#net-arrow)" /> }
    });
    html! { <g aria-hidden="true">{ for frames }{ for lines }</g> }
}
