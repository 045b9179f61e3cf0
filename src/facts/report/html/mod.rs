//! Results as a page: one file that needs no other file and no network, for a screen of any width, light or dark, and for
//! paper.

mod budget;
mod campaign;
mod protections;
mod table;

pub use budget::budget;
use maud::{Markup, PreEscaped, html};

use super::chart::{Share, shares};
use super::{Origin, Report, comparison, words};
use crate::campaign::Start;
use crate::shown_lines;

/// The style sheet, which is part of the page.
const STYLE: &str = include_str!("page.css");

/// Writes a page about campaigns, each with the name of its row. The page of one campaign shows everything about it; the
/// page of several begins with the study's tables side by side.
pub fn html(campaigns: &[(&str, &Origin, &Report)]) -> String {
    let title = match campaigns {
        [(name, ..)] => (*name).to_owned(),
        several => format!("{} side by side", words::counted(several.len(), "campaign")),
    };
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
                    p.eyebrow { "Fault injection report" }
                    h1 { (title) }
                    @match campaigns {
                        [(_, origin, report)] => (campaign::lead(origin, report)),
                        several => p.lead {
                            @for (index, (name, ..)) in several.iter().enumerate() {
                                @if index > 0 { " · " }
                                a href=(format!("#campaign-{index}")) { (name) }
                            }
                        },
                    }
                }
                main {
                    @match campaigns {
                        [(_, origin, report)] => (campaign::body(origin, report)),
                        several => {
                            (side_by_side(several))
                            @for (index, (name, origin, report)) in several.iter().enumerate() {
                                article.campaign id=(format!("campaign-{index}")) {
                                    header { h2 { (name) } (campaign::lead(origin, report)) }
                                    (campaign::body(origin, report))
                                }
                            }
                        }
                    }
                }
                footer {
                    p {
                        "Made by Faultscope " (env!("CARGO_PKG_VERSION")) ". Shares come with their 95 % interval (Wilson 1927), "
                        "ratios of shares with a score interval (Koopman 1984); both take faults as independent of each other. "
                        "Columns, bars and cells say their numbers when pointed at."
                    }
                }
            }
        }
    };
    // A name from a file cannot turn the text around it.
    format!("<!doctype html>\n{}\n", shown_lines(&page.into_string()))
}

/// The golden runs' SCM share beside that of the faults, and the study's tables.
fn side_by_side(campaigns: &[(&str, &Origin, &Report)]) -> Markup {
    let mut bars = Vec::new();
    for (name, _, report) in campaigns {
        let golden = report.summary.golden.scm.map(|rate| (format!("{name}: golden errors"), "golden", rate));
        let faults = report.starts().iter().find(|set| set.start == Start::Correct);
        let faults = faults.and_then(|set| set.faults.scm_of_sdc);
        let faults = faults.map(|rate| (format!("{name}: SDCs in correct images"), "scm", rate));
        bars.extend([golden, faults].into_iter().flatten());
    }
    let bars: Vec<_> = bars.into_iter().map(|(name, class, rate)| Share { name, class, rate }).collect();
    let rows: Vec<_> = campaigns.iter().map(|(name, _, report)| ((*name).to_owned(), *report)).collect();
    html! {
        @if !bars.is_empty() {
            section {
                h2 { "How much of the errors is safety-critical" }
                (PreEscaped(shares("Share of SCM among golden errors and among SDCs, by model", &bars)))
                (campaign::shares_legend())
            }
        }
        @for table in comparison(&rows) {
            section { (table::titled(&table, html! { h2 { (table.title) } })) }
        }
    }
}

#[cfg(test)]
mod tests;
