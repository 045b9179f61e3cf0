//! A list of classes with their probabilities as bars.

use protocol::Score;
use yew::prelude::*;

use crate::words;

#[derive(Properties, PartialEq)]
pub struct ScoresProps {
    /// The classes, most probable first.
    pub scores: Vec<Score>,
    /// Title of the list, for screen readers.
    pub label: AttrValue,
    /// The class that is marked.
    #[prop_or_default]
    pub marked: Option<usize>,
}

/// The most probable classes.
#[component]
pub fn Scores(props: &ScoresProps) -> Html {
    let rows = props.scores.iter().map(|score| {
        let share = if score.probability.is_finite() { score.probability.clamp(0.0, 1.0) } else { 0.0 };
        let marked = (props.marked == Some(score.class)).then_some("marked");
        html! {
            <li class={classes!("score", marked)} data-class={score.class.to_string()}>
                <span class="score-label" title={format!("class {}, logit {}", score.class, score.logit)}>{ &score.label }</span>
                <span class="score-value">{ words::percent(f64::from(score.probability)) }</span>
                <span class="bar" aria-hidden="true"><span style={format!("width: {:.2}%", share * 100.0)}></span></span>
            </li>
        }
    });
    html! { <ol class="scores" aria-label={props.label.clone()}>{ for rows }</ol> }
}
