//! The tools above the diagram: colours, zoom, folding, and pictures to save.

use facts::Named;
use yew::prelude::*;

use super::hands::Hands;
use super::props::PictureProps;
use crate::link::Colouring;
use crate::state::{Action, State};
use crate::views::export::SaveChart;
use crate::views::parts::Choice;

/// The factor of one press of a zoom button.
const ZOOM: f64 = 1.3;

/// Returns the colourings on offer. Those of predictions and of the user's numbers join when there is something to show: all of
/// them would take a second row, and push the bits out of a small window.
fn colourings(state: &State) -> Vec<Colouring> {
    let all = Colouring::ALL.iter().map(|&(colouring, _)| colouring);
    all.filter(|&colouring| match colouring {
        _ if colouring == state.link.colouring => true,
        Colouring::Danger => state.link.danger,
        Colouring::Numbers => state.numbers.is_some(),
        Colouring::Kind | Colouring::Size | Colouring::Vulnerability | Colouring::Corruption => true,
    })
    .collect()
}

/// Draws the tools; `looked` is the layer that the user looks at.
pub fn tools(hands: &Hands, looked: Option<usize>) -> Html {
    let PictureProps { model, state, act } = &hands.props;
    let colourings = colourings(&state.0);
    let options = colourings.iter().map(|known| (known.label().into(), known.row().help.into())).collect::<Vec<_>>();
    let chosen = colourings.iter().position(|&known| known == state.0.link.colouring).unwrap_or(0);
    let choose = act.reform(move |index: usize| {
        let colouring = colourings[index];
        Action::choose(move |link| link.colouring = colouring)
    });
    let zoom = |factor: f64| {
        let stage = hands.stage.clone();
        Callback::from(move |_: MouseEvent| {
            let (width, height) = stage.window();
            stage.touch();
            stage.zoom(factor, (width / 2.0, height / 2.0));
        })
    };
    let fit = {
        let stage = hands.stage.clone();
        Callback::from(move |_: MouseEvent| {
            stage.untouch();
            if !stage.fit() {
                stage.touch();
                stage.whole();
            }
        })
    };
    let find = {
        let hands = hands.clone();
        Callback::from(move |_: MouseEvent| looked.into_iter().for_each(|layer| hands.find(layer)))
    };
    let any_folded = hands.open.contains(&false);
    let all = {
        let (open, stage) = (hands.open.clone(), hands.stage.clone());
        Callback::from(move |_: MouseEvent| {
            stage.untouch();
            open.set(vec![any_folded; open.len()]);
        })
    };
    let stage = hands.stage.clone();
    let around = Callback::from(move |begins| stage.unveil(begins));
    html! {
        <div class="net-bar">
            <Choice id="colour" label="Colour the layers by" {options} {chosen} {choose} />
            <span class="net-tools" role="group" aria-label="The diagram">
                <button type="button" class="button net-tool" id="net-out" onclick={zoom(1.0 / ZOOM)} aria-label="Smaller" title="Smaller">{ "−" }</button>
                <button type="button" class="button net-tool" id="net-in" onclick={zoom(ZOOM)} aria-label="Larger" title="Larger">{ "+" }</button>
                <button type="button" class="button net-tool" id="net-fit" onclick={fit} title="Fit the width; once more: show all of it">{ "Fit" }</button>
                <button type="button" class="button net-tool" id="net-find" onclick={find} disabled={looked.is_none()}
                    title="Show the layer that is looked at">{ "Find" }</button>
                if !hands.open.is_empty() {
                    <button type="button" class="button net-tool" id="net-fold" onclick={all}>
                        { if any_folded { "Unfold all" } else { "Fold all" } }
                    </button>
                }
                <SaveChart chart="diagram-picture" title={format!("Diagram of {}", model.0.name)} name="network" act={act.clone()} {around} />
            </span>
        </div>
    }
}
