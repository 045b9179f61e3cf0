//! The legend of a map's colours.

use yew::prelude::*;

use crate::palette;
use crate::words;

#[derive(Properties, PartialEq)]
pub struct LegendProps {
    /// End of the scale.
    pub scale: f32,
    /// Whether the page is dark.
    pub dark: bool,
}

/// The palette with its ends.
#[component]
pub fn Legend(props: &LegendProps) -> Html {
    let LegendProps { scale, dark } = *props;
    let css = |[r, g, b]: palette::Rgb| format!("rgb({r} {g} {b})");
    let end = scale.max(f32::MIN_POSITIVE);
    let stops: Vec<String> =
        (0..=8).map(|step| css(palette::colour((step as f32 - 4.0) / 4.0 * end, end, dark))).collect();
    html! {
        <div class="legend" role="img" aria-label={format!("Colours from {} through 0 to {}; NaN and infinities stand out in purple",
            words::number(-scale), words::number(scale))}>
            <span class="legend-bar" style={format!("background: linear-gradient(to right, {})", stops.join(", "))}></span>
            <span class="legend-ends">
                <span>{ words::scale_end(-scale) }</span><span>{ "0" }</span><span>{ words::scale_end(scale) }</span>
            </span>
            <span class="legend-odd"><i style={format!("background: {}", css(palette::NON_FINITE))}></i>{ "NaN, ±∞" }</span>
        </div>
    }
}
