//! The part of a page on protections.

use maud::{Markup, PreEscaped, html};

use super::campaign::{folded, section};
use super::table;
use crate::campaign::Summary;
use crate::report::chart::{Point, coverage};
use crate::report::tables::{Extent, protections};
use crate::report::{Origin, Report};

/// Chart and tables; nothing if no protections were compared.
pub fn part(origin: &Origin, report: &Report) -> Markup {
    let summary = &report.summary;
    if summary.protections.is_empty() {
        return html! {};
    }
    let points = points(summary);
    section(
        "Protections on the same faults",
        html! {
            p.muted {
                "Every fault was tried in the unprotected network and under each protection. Coverage is the share of SDCs that a \
                 protection mends or detects."
            }
            @if !points.is_empty() {
                (PreEscaped(coverage("Coverage of SDCs over added operations", "added operations", &points)))
                ul.legend {
                    li { i.front {} "on the Pareto front: no other protection without false alarms covers as much for less" }
                    li { i.beaten {} "another one covers as much for less, or it stops golden runs" }
                    li { "vertical line: 95 % interval" }
                }
            }
            @for all in protections::overall(summary) { (table::write(&all)) }
            @for part in protections::parts(summary, Extent::All) {
                (folded(false, &part.title.clone(), table::write(&super::campaign::untitled(part))))
            }
            @for list in protections::saves(origin, summary, Extent::All) {
                (folded(false, &list.title.clone(), table::write(&super::campaign::untitled(list))))
            }
        },
    )
}

/// The protections with a known overhead, where there are SDCs to cover.
fn points(summary: &Summary) -> Vec<Point> {
    let known = summary.protections.iter().filter(|one| one.sdc.coverage.of > 0);
    known
        .filter_map(|one| {
            let overhead = one.overhead.operations_share?;
            Some(Point {
                name: one.method.to_string(),
                overhead,
                coverage: one.sdc.coverage,
                alarms: one.golden.false_alarms.count > 0,
            })
        })
        .collect()
}
