//! Coverage over overhead: one point for each protection, and the Pareto front.

use std::fmt::Write;

use super::{escape, sentence, shortened};
use crate::outcome::Rate;
use crate::report::words::percent;

/// One protection.
#[derive(Clone, Debug)]
pub struct Point {
    /// Name.
    pub name: String,
    /// Overhead as a share.
    pub overhead: f64,
    /// Coverage with its interval.
    pub coverage: Rate,
    /// Whether it stops golden runs, too.
    pub alarms: bool,
}

/// Size of the drawing, of the margins around the plot, and of the column of names on the right.
const WIDTH: f64 = 720.0;
const LEFT: f64 = 52.0;
const NAMES: f64 = 236.0;
const ABOVE: f64 = 20.0;
const BELOW: f64 = 44.0;
/// Least height of the plot, and height of a name.
const PLOT: f64 = 250.0;
const LINE: f64 = 15.0;
/// Place of the overhead 0, left of the logarithmic axis.
const ZERO: f64 = 58.0;
/// Most powers of ten with a tick.
const TICKS: usize = 5;
/// Number of letters of a name that fit into the column.
const LONGEST: usize = 34;

/// Returns whether each point is on the Pareto front: no other one has as much coverage for less overhead, or more for as much. A
/// protection with false alarms is not on it: one that always stops would have full coverage for nothing.
pub fn front(points: &[Point]) -> Vec<bool> {
    let better = |one: &Point, other: &Point| {
        let (cheaper, covers) = (one.overhead <= other.overhead, one.coverage.rate >= other.coverage.rate);
        let strictly = one.overhead < other.overhead || one.coverage.rate > other.coverage.rate;
        cheaper && covers && strictly && !one.alarms
    };
    points.iter().map(|point| !point.alarms && !points.iter().any(|other| better(other, point))).collect()
}

/// Draws the chart. `label` describes it for screen readers, `axis` names the overhead. The names stand in a column of their own,
/// so that none covers another, with a line to each point.
pub fn coverage(label: &str, axis: &str, points: &[Point]) -> String {
    let plot = PLOT.max(points.len() as f64 * LINE);
    let (floor, right) = (ABOVE + plot, WIDTH - NAMES);
    let decades = decades(points);
    let across = |overhead: f64| match decades {
        Some((low, high)) if overhead > 0.0 => {
            LEFT + ZERO + (right - LEFT - ZERO) * (overhead.log10() - low) / (high - low)
        }
        _ => LEFT,
    };
    let up = |share: f64| floor - plot * share;
    let mut svg = String::new();
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let y = up(share);
        let _ = write!(
            svg,
            r#"<line x1="{LEFT}" x2="{right}" y1="{y:.1}" y2="{y:.1}" class="grid"/><text x="{}" y="{:.1}" class="tick end">{} %</text>"#,
            LEFT - 8.0,
            y + 4.0,
            100.0 * share
        );
    }
    let mut ticks = vec![0.0];
    if let Some((low, high)) = decades {
        let powers = low as i32..=high as i32;
        let every = powers.clone().count().div_ceil(TICKS);
        ticks.extend(powers.rev().step_by(every).map(|power| 10f64.powi(power)));
    }
    for tick in ticks {
        let x = across(tick);
        let _ = write!(
            svg,
            r#"<line x1="{x:.1}" x2="{x:.1}" y1="{ABOVE}" y2="{floor}" class="grid"/><text x="{x:.1}" y="{}" class="tick middle">{} %</text>"#,
            floor + 16.0,
            tick_text(tick)
        );
    }
    let _ = write!(
        svg,
        r#"<text x="{LEFT}" y="11" class="tick">coverage of SDCs</text><text x="{right}" y="{}" class="tick end">{}</text>"#,
        floor + 34.0,
        escape(axis)
    );
    let on_front = front(points);
    let at: Vec<(f64, f64)> = points.iter().map(|one| (across(one.overhead), up(one.coverage.rate))).collect();
    svg += &stairs(points, &on_front, &at, right);
    // Names in the order of their points, moved apart where they would overlap.
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| at[a].1.total_cmp(&at[b].1).then(at[b].0.total_cmp(&at[a].0)));
    for (&index, y) in order.iter().zip(spread(order.iter().map(|&index| at[index].1), floor)) {
        let (point, (px, py)) = (&points[index], at[index]);
        let class = if on_front[index] { "front" } else { "beaten" };
        let _ = write!(
            svg,
            r#"<g><title>{}: {} {}, coverage {}</title><line x1="{px:.1}" x2="{px:.1}" y1="{:.1}" y2="{:.1}" class="interval"/><polyline points="{:.1},{py:.1} {:.1},{y:.1} {:.1},{y:.1}" class="lead-line"/><circle cx="{px:.1}" cy="{py:.1}" r="5" class="point {class}"/><text x="{:.1}" y="{:.1}" class="name">{}</text></g>"#,
            escape(&point.name),
            escape(&percent(point.overhead)),
            escape(axis),
            escape(&sentence(&point.coverage)),
            up(point.coverage.high),
            up(point.coverage.low),
            px + 5.0,
            right + 6.0,
            right + 12.0,
            right + 15.0,
            y + 4.0,
            escape(&shortened(&point.name, LONGEST)),
        );
    }
    let height = floor + BELOW;
    format!(
        r#"<svg class="budget" role="img" aria-label="{}" viewBox="0 0 {WIDTH} {height}" width="100%">{svg}</svg>"#,
        escape(label)
    )
}

/// Returns the front as a line of steps: from each of its points on, so much coverage is to be had for that overhead.
fn stairs(points: &[Point], on_front: &[bool], at: &[(f64, f64)], right: f64) -> String {
    let mut steps: Vec<usize> = (0..points.len()).filter(|&index| on_front[index]).collect();
    steps.sort_by(|&a, &b| points[a].overhead.total_cmp(&points[b].overhead));
    let mut line = String::new();
    for (nth, &index) in steps.iter().enumerate() {
        let ((x, y), end) = (at[index], steps.get(nth + 1).map_or(right, |&next| at[next].0));
        let _ = write!(line, "{x:.1},{y:.1} {end:.1},{y:.1} ");
    }
    if line.is_empty() { line } else { format!(r#"<polyline points="{}" class="line front"/>"#, line.trim_end()) }
}

/// Returns the powers of ten at the ends of the axis; `None` if no protection has an overhead.
fn decades(points: &[Point]) -> Option<(f64, f64)> {
    let powers = points.iter().filter(|one| one.overhead > 0.0).map(|one| one.overhead.log10());
    let (low, high) =
        powers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), power| (low.min(power), high.max(power)));
    (low <= high).then(|| {
        let (low, high) = (low.floor(), high.ceil());
        // A power of ten alone makes no axis.
        if low < high { (low, high) } else { (low - 1.0, high) }
    })
}

/// Returns the heights of names that are wanted at `heights`, which ascend: as close as they can be without overlap, and above
/// `floor`.
fn spread(heights: impl Iterator<Item = f64>, floor: f64) -> Vec<f64> {
    let mut places: Vec<f64> = Vec::new();
    for wanted in heights {
        let least = places.last().map_or(ABOVE, |last| last + LINE);
        places.push(wanted.max(least));
    }
    let mut most = floor;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - LINE;
    }
    places
}

/// Returns a power of ten, or 0, in percent.
fn tick_text(share: f64) -> String {
    let percent = 100.0 * share;
    // A power of ten has no digits but one.
    if percent > 0.0 && percent < 1e-4 { format!("{percent:.0e}") } else { ((percent * 1e9).round() / 1e9).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str, overhead: f64, covered: u64) -> Point {
        Point { name: name.to_owned(), overhead, coverage: Rate::new(covered, 100), alarms: false }
    }

    #[test]
    fn the_front_is_what_no_other_point_beats() {
        let points = [
            point("none dearer", 0.0, 20),
            point("beaten by the first", 0.01, 20),
            point("dearer and better", 0.02, 70),
            point("as dear, and worse", 0.02, 60),
            point("the same", 0.02, 70),
            point("best", 2.0, 100),
            point("dear for nothing", 3.0, 99),
        ];
        assert_eq!(front(&points), [true, false, true, false, true, true, false]);
    }

    #[test]
    fn what_stops_golden_runs_is_not_on_the_front_and_beats_nobody() {
        let always = Point { alarms: true, ..point("always stops", 0.0, 100) };
        assert_eq!(front(&[always, point("dear", 0.5, 60)]), [false, true]);
    }

    #[test]
    fn names_do_not_overlap_and_stay_inside() {
        for count in [1, 2, 9, 16, 32] {
            let same: Vec<_> = (0..count).map(|_| 200.0).collect();
            let floor = ABOVE + PLOT.max(f64::from(count) * LINE);
            let places = spread(same.into_iter(), floor);
            assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= LINE - 1e-9), "{places:?}");
            assert!(places.iter().all(|place| (0.0..=floor).contains(place)), "{places:?}");
        }
    }

    #[test]
    fn every_overhead_has_a_place_on_the_axis() {
        for overheads in [&[0.0, 0.0][..], &[0.1], &[0.0, 0.001, 2.0], &[1.0, 1.0], &[f64::MIN_POSITIVE, 1e3]] {
            let points: Vec<_> = overheads.iter().map(|&overhead| point("x", overhead, 50)).collect();
            let chart = coverage("", "operations", &points);
            assert!(!chart.contains("NaN") && !chart.contains("inf"), "{chart}");
            for circle in chart.split("<circle cx=\"").skip(1) {
                let x: f64 = circle.split('"').next().unwrap().parse().unwrap();
                assert!((LEFT..=WIDTH - NAMES).contains(&x), "{x}");
            }
        }
        assert!(!coverage("", "", &[]).contains("circle"));
    }

    #[test]
    fn ticks_are_short_and_few() {
        assert_eq!([0.0, 1e-5, 1e-3, 1.0, 10.0, 1e-20].map(tick_text), ["0", "0.001", "0.1", "100", "1000", "1e-18"]);
        let points: Vec<_> = (0..12).map(|power| point("x", 10f64.powi(1 - power), 3)).collect();
        assert!(coverage("", "", &points).matches("tick middle").count() <= 1 + TICKS);
    }

    #[test]
    fn a_name_stays_text() {
        let chart = coverage("<b>", "a&b", &[point("\"><script>alert(1)</script>", 0.000_001, 3)]);
        assert!(chart.contains("&lt;0.1 %"), "a small share is no tag: {chart}");
        assert!(!chart.contains("<script") && chart.contains("&lt;script"), "{chart}");
    }
}
