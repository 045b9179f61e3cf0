//! The followed corruption on the lines of the diagram: a trail where it has passed, and a mark that moves along the lines by
//! which it comes to the layer that is looked at.

use facts::report::diagram::path;
use yew::prelude::*;

use super::props::Same;
use crate::diagram::Scene;
use crate::diagram::flow::Passage;

#[derive(Properties, PartialEq)]
pub struct CurrentProps {
    pub scene: Same<Scene>,
    /// For each line, what the corruption does there.
    pub passages: Same<[Passage]>,
    /// Where on its way the look is: the mark sets out anew at each station.
    pub station: usize,
}

/// The trail and the moving mark.
#[component]
pub fn Current(props: &CurrentProps) -> Html {
    let CurrentProps { scene: Same(scene), passages: Same(passages), station } = props;
    let lines = passages.iter().zip(&scene.layout.lines).enumerate();
    let lines = lines.filter(|(_, (passage, _))| **passage != Passage::None).map(|(line, (&passage, corners))| {
        let arriving = passage == Passage::Arriving;
        let d = path(corners);
        html! {
            <g key={format!("{line} {}", if arriving { *station } else { 0 })} class={if arriving { "net-flow arriving" } else { "net-flow" }}>
                <path class="net-trail" d={d.clone()} />
                // In hundredths of the line, so that short and long lines take the same time.
                if arriving { <path class="net-pulse" {d} pathLength="100" /> }
            </g>
        }
    });
    html! { <g id="net-flow" aria-hidden="true">{ for lines }</g> }
}
