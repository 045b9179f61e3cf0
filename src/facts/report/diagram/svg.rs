//! A network as an SVG picture that needs no other file.

use std::fmt::Write;

use super::layout::{Flow, Point, Style, Wrap};
use super::{Box, Diagram, Family, Role};
use crate::model::Model;

/// Size of a box.
pub(super) const WIDTH: f64 = 256.0;
/// Size of a box.
pub(super) const HEIGHT: f64 = 42.0;
/// A picture with about the width of a page.
pub(super) const PAGE: Style = Style {
    flow: Flow::Down,
    wrap: Wrap::Aspect(1.6),
    along: HEIGHT,
    across: WIDTH,
    row_gap: 20.0,
    lane_gap: 18.0,
    column_gap: 64.0,
};
const MARGIN: f64 = 28.0;
const LEGEND_ROW: f64 = 22.0;
/// Width at which the legend wraps if the network is narrower.
const LEAST_WIDTH: f64 = 720.0;
/// Radius of a line's corners.
const CORNER: f64 = 7.0;
/// Mean width of a character, as a part of the font's size.
const CHARACTER: f64 = 0.58;
/// Distance of a box's text from its left edge.
const TEXT: f64 = 16.0;
/// Factor of the width of bold text.
const NAME_SIZE: f64 = 13.8;
const DETAIL_SIZE: f64 = 11.0;

const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;fill:#1a1a1a}\
.title{font-size:20px;font-weight:600}.facts,.key{font-size:12px;fill:#444}\
.name{font-size:13px;font-weight:600}.detail{font-size:11px;fill:#444}\
.box{fill:#fff;stroke:#9a9a9a;stroke-width:1}.super .box{stroke:#1a1a1a;stroke-width:2}\
.aside .box{stroke-dasharray:4 3}.aside text{fill:#777}.end .box{fill:#f1f1f1}\
.line{fill:none;stroke:#6a6a6a;stroke-width:1.4}.mark{fill:#1a1a1a}";

/// Draws `model`. Each layer is a box with name, kind, output shape and number of parameters, in the colour of its
/// kind. A layer that every path from input to output passes has a bold frame and a diamond.
///
/// The text is a whole SVG document.
pub fn svg(model: &Model) -> String {
    let diagram = Diagram::of(model);
    let layout = diagram.layout();
    let inner = layout.width.max(LEAST_WIDTH);
    let (legend, legend_height) = legend(inner);
    let top = 62.0 + legend_height + 18.0;
    let (width, height) = (inner + 2.0 * MARGIN, top + layout.height + MARGIN);

    let mut out = String::new();
    let title = escape(&diagram.title);
    put(
        &mut out,
        format_args!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
<title>{title}</title>
<style>{STYLE}</style>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0.8L7.5 4L0 7.2z" fill="#6a6a6a"/></marker></defs>
<rect width="100%" height="100%" fill="#fff"/>
<text class="title" x="{MARGIN}" y="38">{title}</text>
<text class="facts" x="{MARGIN}" y="57">{}</text>
<g transform="translate({MARGIN} 76)">
{legend}</g>
<g transform="translate({} {top})">
"##,
            escape(&diagram.facts),
            MARGIN + (inner - layout.width) / 2.0,
        ),
    );
    for corners in &layout.lines {
        put(&mut out, format_args!("<path class=\"line\" marker-end=\"url(#arrow)\" d=\"{}\"/>\n", path(corners)));
    }
    for (drawn, &corner) in diagram.boxes.iter().zip(&layout.boxes) {
        draw_box(&mut out, drawn, corner);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn draw_box(out: &mut String, drawn: &Box, (x, y): Point) {
    let class = match drawn.role {
        Role::End => "end",
        Role::Super => "super",
        Role::Branch => "branch",
        Role::Aside => "aside",
    };
    let marked = if drawn.role == Role::Super { 16.0 } else { 0.0 };
    let heading = drawn.heading();
    let size = drawn.size();
    let room = WIDTH - TEXT - 6.0;
    let room_for_kind = room - length(&size, DETAIL_SIZE) - length(" \u{b7} ", DETAIL_SIZE);
    let kind = shortened(&drawn.kind, room_for_kind, DETAIL_SIZE, Cut::End);
    put(
        out,
        format_args!(
            r#"<g class="{class}" transform="translate({x} {y})"><title>{}
{} &#183; {}</title><rect class="box" width="{WIDTH}" height="{HEIGHT}" rx="5"/><rect x="1" y="1" width="7" height="{}" rx="3" fill="{}"/><text class="name" x="{TEXT}" y="18">{}</text><text class="detail" x="{TEXT}" y="33">{} &#183; {}</text>"#,
            escape(&heading),
            escape(&drawn.kind),
            escape(&size),
            HEIGHT - 2.0,
            drawn.family.colour(),
            escape(&shortened(&heading, room - marked, NAME_SIZE, Cut::Middle)),
            escape(&kind),
            escape(&size),
        ),
    );
    if drawn.role == Role::Super {
        put(out, format_args!("{}", diamond(WIDTH - 14.0, 14.0)));
    }
    out.push_str("</g>\n");
}

fn diamond(x: f64, y: f64) -> String {
    format!("<path class=\"mark\" d=\"M{x} {}l5 5l-5 5l-5 -5z\"/>", y - 5.0)
}

/// Returns the legend of colours and marks, and its height at this width.
fn legend(width: f64) -> (String, f64) {
    let mut out = String::new();
    let (mut x, mut y) = (0.0, 0.0);
    let mut key = |mark: &dyn Fn(f64, f64) -> String, text: &str| {
        let length = 18.0 + length(text, 12.0) + 18.0;
        if x > 0.0 && x + length > width {
            (x, y) = (0.0, y + LEGEND_ROW);
        }
        put(
            &mut out,
            format_args!("{}<text class=\"key\" x=\"{}\" y=\"{}\">{text}</text>\n", mark(x, y), x + 18.0, y + 10.0),
        );
        x += length;
    };
    for family in Family::ALL {
        let colour = family.colour();
        let swatch =
            |x, y| format!("<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" rx=\"3\" fill=\"{colour}\"/>");
        key(&swatch, family.name());
    }
    key(&|x, y| diamond(x + 6.0, y + 6.0), "super node: every path from input to output passes it");
    (out, y + LEGEND_ROW)
}

/// Returns a line with rounded corners as an SVG path.
pub fn path(corners: &[Point]) -> String {
    let mut out = String::new();
    for (index, &(x, y)) in corners.iter().enumerate() {
        let (Some(&before), Some(&after)) = (index.checked_sub(1).and_then(|i| corners.get(i)), corners.get(index + 1))
        else {
            put(&mut out, format_args!("{}{x} {y}", if index == 0 { 'M' } else { 'L' }));
            continue;
        };
        // At most half of the shorter segment, so that two corners of a segment do not overlap.
        let arm = |(other_x, other_y): Point| ((other_x - x).abs() + (other_y - y).abs()) / 2.0;
        let radius = CORNER.min(arm(before)).min(arm(after));
        let towards = |(other_x, other_y): Point| {
            let step = |from: f64, to: f64| from + (to - from).clamp(-radius, radius);
            (step(x, other_x), step(y, other_y))
        };
        let (start, end) = (towards(before), towards(after));
        put(&mut out, format_args!("L{} {}Q{x} {y} {} {}", start.0, start.1, end.0, end.1));
    }
    out
}

/// Returns the approximate width of `text` at this font size.
fn length(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * CHARACTER
}

/// The part of a long text that is left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The middle.
    Middle,
    /// The end.
    End,
}

/// Returns `text`, without a part of it if the text is wider than `width` at this font size.
pub fn shortened(text: &str, width: f64, size: f64, cut: Cut) -> String {
    let most = ((width / (size * CHARACTER)) as usize).max(2);
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let tail = if cut == Cut::End { 0 } else { (most - 1) / 2 };
    let head: String = text.chars().take(most - 1 - tail).collect();
    head + "\u{2026}" + &text.chars().skip(count - tail).collect::<String>()
}

/// Returns `text` as XML character data or attribute value. Characters that XML forbids become U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
    out
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes everything");
}
