//! A failure budget as a page: the failure rate over the raw rate, and the tables.

use std::fmt::Write;

use maud::{PreEscaped, html};

use super::STYLE;
use super::table::write;
use crate::report::budget::{Budget, Variant, name, number, tables};
use crate::report::chart::escape;
use crate::shown_lines;

/// Size of the chart, and its margins for the words at the axes.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 76.0;
const BELOW: f64 = 46.0;
const RIGHT: f64 = 16.0;
const ABOVE: f64 = 22.0;

/// Colours of the lines, by class of the style sheet. Further lines begin again with the first one.
const CLASSES: [&str; 7] = ["scm", "golden", "sdc", "due", "sign", "exponent", "mantissa"];

/// Writes the page of a budget for the model called `model`.
pub fn budget(model: &str, budget: &Budget) -> String {
    let title = format!("Failure budget of {model}");
    let page = html! {
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Faultscope" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.eyebrow { "Failure budget" }
                    h1 { (model) }
                    p.lead { "Measured: the share of bit flips that is dangerous. Assumed: the raw rate of flips, and the share of time in which bits are live." }
                }
                main {
                    section {
                        h2 { "Failure rate over the raw rate" }
                        (PreEscaped(chart(budget)))
                        ul.legend {
                            @for (variant, class) in budget.variants.iter().zip(CLASSES.into_iter().cycle()) {
                                li { i class=(class) {} (name(variant)) ": estimate, and dashed its upper bound" }
                            }
                        }
                    }
                    @for table in tables(budget) { section { (write(&table)) } }
                }
                footer { p { "Made by Faultscope " (env!("CARGO_PKG_VERSION")) ". Bounds are one-sided 95 %: Clopper and Pearson (1934) for a layer, the method of variance estimates recovery (Zou and Donner 2008) for sums." } }
            }
        }
    };
    format!("<!doctype html>\n{}\n", shown_lines(&page.into_string()))
}

/// The failure rates over the raw rates on logarithmic axes, with the target as a line.
fn chart(budget: &Budget) -> String {
    let [low, high] = budget.assumed.fit_per_mbit;
    let (low, high) = if low == high { (low / 2.0, high * 2.0) } else { (low, high) };
    let per_raw = |variant: &Variant| {
        let fit: f64 = variant.memories.iter().map(|memory| memory.fit_per_raw).sum();
        let upper = variant.rates.first().map_or(0.0, |rate| rate.fit_upper / rate.fit_per_mbit);
        [fit, upper]
    };
    let lines: Vec<_> = budget.variants.iter().map(|variant| (name(variant), per_raw(variant))).collect();
    let rates = lines.iter().flat_map(|(_, ends)| ends).filter(|fit| **fit > 0.0);
    let ends = rates.flat_map(|fit| [fit * low, fit * high]).chain([budget.assumed.target_fit]);
    let (bottom, top) = ends.fold((f64::INFINITY, 0.0_f64), |(low, high), end| (low.min(end), high.max(end)));
    let (bottom, top) = (10f64.powf(bottom.log10().floor()), 10f64.powf(top.log10().ceil()));
    let across = |rate: f64| LEFT + (WIDTH - LEFT - RIGHT) * (rate / low).ln() / (high / low).ln();
    let up = |fit: f64| {
        let share = (fit / bottom).ln() / (top / bottom).ln().max(f64::MIN_POSITIVE);
        HEIGHT - BELOW - (HEIGHT - BELOW - ABOVE) * share.clamp(0.0, 1.0)
    };
    let mut plot = String::new();
    let decades = (bottom.log10().round() as i32..=top.log10().round() as i32).map(|power| 10f64.powi(power));
    for fit in decades {
        let y = up(fit);
        let _ = write!(
            plot,
            r#"<line x1="{LEFT}" x2="{}" y1="{y:.1}" y2="{y:.1}" class="grid"/><text x="{}" y="{:.1}" class="tick end">{}</text>"#,
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0,
            number(fit)
        );
    }
    for (index, rate) in
        budget.variants.first().map(|variant| &variant.rates[..]).unwrap_or_default().iter().enumerate()
    {
        let anchor = if index == 0 { "" } else { " end" };
        let _ = write!(
            plot,
            r#"<text x="{:.1}" y="{}" class="tick{anchor}">{}</text>"#,
            across(rate.fit_per_mbit),
            HEIGHT - BELOW + 18.0,
            number(rate.fit_per_mbit)
        );
    }
    let _ = write!(
        plot,
        r#"<text x="{LEFT}" y="12" class="tick">λ in FIT</text><text x="{}" y="{}" class="tick end">raw rate in FIT/Mbit</text>"#,
        WIDTH - RIGHT,
        HEIGHT - 6.0
    );
    for ((name, ends), class) in lines.iter().zip(CLASSES.into_iter().cycle()) {
        for (fit, dashes) in ends.iter().zip(["", r#" stroke-dasharray="5 4""#]) {
            if *fit <= 0.0 {
                continue;
            }
            let _ = write!(
                plot,
                r#"<line x1="{:.1}" x2="{:.1}" y1="{:.1}" y2="{:.1}" class="line {class}"{dashes}><title>{}: {} FIT at {} FIT/Mbit</title></line>"#,
                across(low),
                across(high),
                up(fit * low),
                up(fit * high),
                escape(name),
                number(fit * high),
                number(high)
            );
        }
    }
    let y = up(budget.assumed.target_fit);
    let _ = write!(
        plot,
        r#"<line x1="{LEFT}" x2="{}" y1="{y:.1}" y2="{y:.1}" class="target"/><text x="{}" y="{:.1}" class="tick end">target {} FIT</text>"#,
        WIDTH - RIGHT,
        WIDTH - RIGHT - 4.0,
        y - 5.0,
        number(budget.assumed.target_fit)
    );
    format!(
        r#"<svg class="budget" role="img" aria-label="Failure rate over the raw rate of bit flips, with the target" viewBox="0 0 {WIDTH} {HEIGHT}" width="100%">{plot}</svg>"#
    )
}
