//! The bar at the foot of a narrow window: image, answer and the button that injects stay in reach.

use facts::outcome::Outcome;
use yew::prelude::*;

use super::Props;
use super::fault::inject;

/// Image, answer, and the button.
#[component]
pub fn QuickBar(props: &Props) -> Html {
    let Props { state, act } = props;
    let injection = state.injection_now();
    let golden = state.golden_now().and_then(|golden| golden.top.first()).map(|score| score.label.clone());
    let outcome = injection.map(|injection| match (injection.verdict.scm, injection.verdict.outcome) {
        (Some(true), _) => ("verdict-scm", "SCM"),
        (_, Outcome::Sdc) => ("verdict-sdc", "SDC"),
        (_, Outcome::Masked) => ("verdict-masked", "Masked"),
    });
    html! {
        <section class="quick" id="quick" aria-label="At hand">
            if let Some((_, file)) = state.image() { <img src={file.url} alt="" /> }
            <p class="quick-answer">
                <span>{ golden.unwrap_or_else(|| "…".to_owned()) }</span>
                if let Some(injection) = injection {
                    <strong>{ format!("→ {}", injection.faulty.label) }</strong>
                }
            </p>
            if let Some((class, text)) = outcome { <span class={classes!("verdict", class)}>{ text }</span> }
            { inject(state, act, "quick-inject") }
        </section>
    }
}
