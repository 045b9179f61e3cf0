//! How far the corruption spreads: for each layer the share of changed elements and the largest change.

use std::collections::HashMap;
use std::rc::Rc;

use facts::TraceRow;
use protocol::{Injection, ModelInfo};
use yew::prelude::*;

use super::export::SaveChart;
use crate::state::Action;
use crate::views::hover::use_hovered;
use crate::words;

#[derive(Properties, PartialEq)]
pub struct CorruptionProps {
    pub injection: Rc<Injection>,
    pub model: Option<Rc<ModelInfo>>,
    pub act: Callback<Action>,
}

/// Width of a layer and height of a chart, in the drawing's own units.
const STEP: f64 = 10.0;
const HEIGHT: f64 = 100.0;

/// Two charts over the layers that lie downstream of the fault.
#[component]
pub fn Corruption(props: &CorruptionProps) -> Html {
    let CorruptionProps { injection, model, act } = props;
    let rows = &injection.trace;
    if rows.is_empty() {
        return Html::default();
    }
    let decades = Decades::of(rows);
    let shares: Vec<f64> = rows.iter().map(share).collect();
    let touched: Vec<f64> = rows.iter().map(|row| touched(row).unwrap_or_else(|| share(row))).collect();
    // NaN and the infinities are off every scale: such a layer has a full bar of their colour.
    let off_scale: Vec<bool> = rows.iter().map(|row| row.non_finite > 0).collect();
    let deltas: Vec<f64> =
        rows.iter().map(|row| if row.non_finite > 0 { 1.0 } else { decades.height(row.max_abs_delta) }).collect();
    let layers = indices(rows.iter().map(|row| row.layer.as_str()), model.as_deref());
    let choose = {
        let (layers, act) = (layers.clone(), act.clone());
        Callback::from(move |index: usize| {
            if let Some(&Some(layer)) = layers.get(index) {
                act.emit(Action::ChooseLayer(layer));
            }
        })
    };
    let ends = rows.first().zip(rows.last());
    html! {
        <div class="corruption" id="corruption">
            <div class="chart-head">
                <h3>{ "Corruption by layer" }</h3>
                <SaveChart chart="corruption-charts" title="Corruption by layer" name="corruption" act={act.clone()} />
            </div>
            <Told injection={injection.clone()} layers={layers.clone()} />
            <div id="corruption-charts">
            <Chart title="Changed elements; paler, the share of the map touched" top="100 %" bottom="0 %" values={shares} behind={touched}
                class="chart-share" layers={layers.clone()} choose={choose.clone()} />
            <Chart title="Largest change |Δ|, logarithmic" {off_scale} top={decades.label(true)} bottom={decades.label(false)} values={deltas}
                class="chart-delta" {layers} {choose} />
            </div>
            if let Some((first, last)) = ends {
                <div class="chart-ends"><span>{ &first.layer }</span><span>{ "→ layers downstream →" }</span><span>{ &last.layer }</span></div>
            }
            <details>
                <summary>{ "As a table" }</summary>
                <div class="table-wrap" tabindex="0" role="region" aria-label="Corruption by layer">
                    <table>
                        <thead><tr><th>{ "Layer" }</th><th>{ "Changed" }</th><th>{ "Share" }</th><th>{ "Of the map" }</th><th>{ "Largest |Δ|" }</th><th>{ "NaN, ±∞" }</th></tr></thead>
                        <tbody>{ for rows.iter().map(table_row) }</tbody>
                    </table>
                </div>
            </details>
        </div>
    }
}

/// By name, the index of the layer.
pub(super) fn indices<'a>(names: impl Iterator<Item = &'a str>, model: Option<&ModelInfo>) -> Vec<Option<usize>> {
    let layers = model.into_iter().flat_map(|model| &model.layers);
    let known: HashMap<&str, usize> = layers.map(|layer| (layer.name.as_str(), layer.index)).collect();
    names.map(|name| known.get(name).copied()).collect()
}

#[derive(Properties, PartialEq)]
struct ToldProps {
    injection: Rc<Injection>,
    /// By row, the index of its layer.
    layers: Vec<Option<usize>>,
}

/// The numbers of the layer under the mouse, wherever on the page that is.
#[component]
fn Told(props: &ToldProps) -> Html {
    let hovered = use_hovered();
    let rows = &props.injection.trace;
    // Of several layers, as in a folded block, the last one: its output leaves the block.
    let at = props.layers.iter().rposition(|layer| layer.is_some_and(|layer| hovered.contains(&layer)));
    let told = match at.and_then(|at| rows.get(at)) {
        Some(row) => format!("{}: {}", row.layer, details(row)),
        None => summary(rows),
    };
    html! { <p class="readout-line" id="corruption-details">{ told }</p> }
}

fn share(row: &TraceRow) -> f64 {
    row.changed as f64 / row.elements.max(1) as f64
}

/// Share of the map's positions at which something differs; none where the output is no map.
fn touched(row: &TraceRow) -> Option<f64> {
    (row.positions > 1).then(|| row.touched as f64 / row.positions as f64)
}

fn details(row: &TraceRow) -> String {
    let map = touched(row).map(|share| format!(" at {} of the map's positions", words::percent(share)));
    let mut text = format!(
        "{} of {} elements changed ({}){}, largest change {}",
        words::count(row.changed),
        words::count(row.elements),
        words::percent(share(row)),
        map.unwrap_or_default(),
        words::number(row.max_abs_delta)
    );
    if row.non_finite > 0 {
        text.push_str(&format!(", {} NaN or infinite", words::count(row.non_finite)));
    }
    text
}

fn summary(rows: &[TraceRow]) -> String {
    let clean = rows.iter().filter(|row| row.changed == 0).count();
    let widest = rows.iter().max_by(|a, b| share(a).total_cmp(&share(b)));
    let widest = widest
        .map(|row| format!("at most {} of a layer's elements change ({})", words::percent(share(row)), row.layer));
    let clean = if clean == 0 { String::new() } else { format!("; {clean} layers end up unchanged") };
    format!("{} layers computed anew: {}{clean}.", rows.len(), widest.unwrap_or_default())
}

fn table_row(row: &TraceRow) -> Html {
    html! {
        <tr>
            <th scope="row">{ &row.layer }</th>
            <td>{ words::count(row.changed) }</td>
            <td>{ words::percent(share(row)) }</td>
            <td>{ touched(row).map_or_else(|| "–".to_owned(), words::percent) }</td>
            <td>{ words::number(row.max_abs_delta) }</td>
            <td>{ words::count(row.non_finite) }</td>
        </tr>
    }
}

/// The powers of ten between which the changes lie.
struct Decades {
    low: f64,
    high: f64,
}

impl Decades {
    fn of(rows: &[TraceRow]) -> Self {
        let logs = rows.iter().map(|row| f64::from(row.max_abs_delta)).filter(|&delta| delta > 0.0).map(f64::log10);
        let (low, high) =
            logs.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), log| (low.min(log), high.max(log)));
        if low > high {
            return Self { low: -1.0, high: 0.0 };
        }
        // One decade of room below, so that the smallest change still has a height.
        Self { low: low.floor() - 1.0, high: high.ceil() }
    }

    /// 0 to 1; nothing where nothing changed.
    fn height(&self, delta: f32) -> f64 {
        if delta > 0.0 { ((f64::from(delta).log10() - self.low) / (self.high - self.low)).clamp(0.0, 1.0) } else { 0.0 }
    }

    fn label(&self, top: bool) -> String {
        format!("1e{}", if top { self.high } else { self.low }).replace('-', "−")
    }
}

#[derive(Properties, PartialEq)]
pub(super) struct ChartProps {
    pub title: AttrValue,
    pub top: AttrValue,
    pub bottom: AttrValue,
    /// Heights, 0 to 1.
    pub values: Vec<f64>,
    /// Heights of paler bars behind them.
    #[prop_or_default]
    pub behind: Vec<f64>,
    /// Which of them stand for NaN or infinity.
    #[prop_or_default]
    pub off_scale: Vec<bool>,
    pub class: AttrValue,
    /// Their layers, by index.
    pub layers: Vec<Option<usize>>,
    pub choose: Callback<usize>,
}

/// A bar for each layer.
#[component]
pub(super) fn Chart(props: &ChartProps) -> Html {
    let width = props.values.len() as f64 * STEP;
    let bars = props.values.iter().enumerate().map(|(index, &value)| {
        let height = if value > 0.0 { (value * HEIGHT).max(1.0) } else { 0.0 };
        let x = index as f64 * STEP;
        let behind = props.behind.get(index).map(|share| share * HEIGHT);
        let layer = props.layers.get(index).copied().flatten().map(|layer| layer.to_string());
        let off_scale = (props.off_scale.get(index) == Some(&true)).then_some("non-finite");
        html! {
            <g class="chart-layer" key={index} data-layer={layer} onclick={props.choose.reform(move |_| index)}>
                <rect class="chart-hit" x={x.to_string()} y="0" width={STEP.to_string()} height={HEIGHT.to_string()} />
                if let Some(behind) = behind {
                    <rect class="chart-behind" x={(x + 1.0).to_string()} y={(HEIGHT - behind).to_string()}
                        width={(STEP - 2.0).to_string()} height={behind.to_string()} />
                }
                <rect class={classes!("chart-bar", off_scale)} x={(x + 1.0).to_string()} y={(HEIGHT - height).to_string()}
                    width={(STEP - 2.0).to_string()} height={height.to_string()} />
            </g>
        }
    });
    html! {
        <figure class={classes!("chart", props.class.to_string())}>
            <figcaption>
                { &props.title }
                if props.off_scale.contains(&true) { <i class="chart-key"></i>{ "NaN or ±∞" } }
            </figcaption>
            <span class="chart-axis" aria-hidden="true"><span>{ &props.top }</span><span>{ &props.bottom }</span></span>
            <svg viewBox={format!("0 0 {width} {HEIGHT}")} preserveAspectRatio="none" role="img"
                aria-label={format!("{} in each of {} layers; the table below has the numbers", props.title, props.values.len())}>
                { for bars }
            </svg>
        </figure>
    }
}
