//! A box of the diagram.

use facts::report::diagram::layout::Point;
use facts::report::diagram::{Cut, shortened};
use yew::prelude::*;

use crate::diagram::scene::{HEIGHT, WIDTH};

/// Mean font sizes of the style sheet; bold text is wider.
const NAME_SIZE: f64 = 13.4;
const SIZE_SIZE: f64 = 12.4;
/// Left edge of the text.
const TEXT: f64 = 12.0;

/// The states that mark a box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The fault strikes here.
    pub struck: bool,
    /// The user looks at it.
    pub looked: bool,
    /// A corruption ends here.
    pub swallowed: bool,
}

#[derive(Properties, PartialEq)]
pub struct BoxProps {
    /// Position in the scene.
    pub position: usize,
    /// Top left corner.
    pub corner: Point,
    /// Name of the layer or block.
    pub name: AttrValue,
    /// Output shape and kind.
    pub size: AttrValue,
    /// Text for the mouse and for screen readers.
    pub label: AttrValue,
    /// Indices of its layers, separated by spaces.
    pub layers: AttrValue,
    /// Class of its colour.
    pub tone: &'static str,
    /// Number of layers of a folded block.
    pub folded: Option<usize>,
    /// Whether it is a layer of an unfolded block.
    pub inside: bool,
    /// Whether it can be chosen.
    pub usable: bool,
    /// Whether the layer lies on no path from the image to the answer.
    pub aside: bool,
    /// Whether the Tab key leads to it.
    pub tabbed: bool,
    pub marks: Marks,
}

/// A layer, a folded block, or one of the ends.
#[component]
pub fn NetBox(props: &BoxProps) -> Html {
    let BoxProps { corner: (x, y), name, size, label, layers, tone, folded, marks, .. } = props;
    let end = layers.is_empty();
    let class = classes!(
        "net-box",
        *tone,
        end.then_some("end"),
        folded.map(|_| "block"),
        props.aside.then_some("aside"),
        marks.looked.then_some("looked"),
        marks.struck.then_some("struck"),
        (!props.usable && folded.is_none()).then_some("unusable"),
    );
    let badge = folded.map(|count| format!("+{count}"));
    let room = WIDTH - TEXT - 5.0;
    let name_room = room - badge.as_ref().map_or(0.0, |badge| badge.len() as f64 * 7.5 + 5.0);
    let (width, height) = (WIDTH.to_string(), HEIGHT.to_string());
    let body = html! {
        <>
            // The title repeats the name, because the text in the box is shortened.
            <title>{ label }</title>
            if folded.is_some() {
                <rect class="net-sheet" x="4" y="4" rx="6" width={width.clone()} height={height.clone()} />
            }
            <rect class="net-body" rx="6" width={width.clone()} height={height.clone()} />
            <path class="net-stripe" d={format!("M6 0H6V{HEIGHT}H6A6 6 0 0 1 0 {}V6A6 6 0 0 1 6 0z", HEIGHT - 6.0)} />
            <rect class="net-ring" x="-3" y="-3" rx="9" width={(WIDTH + 6.0).to_string()} height={(HEIGHT + 6.0).to_string()} />
            <text class="net-name" x={TEXT.to_string()} y="16">{ shortened(name, name_room, NAME_SIZE, Cut::Middle) }</text>
            <text class="net-size" x={TEXT.to_string()} y="31">{ shortened(size, room, SIZE_SIZE, Cut::End) }</text>
            if let Some(badge) = badge {
                <text class="net-badge" x={(WIDTH - 6.0).to_string()} y="16" text-anchor="end">{ badge }</text>
            }
            if marks.struck {
                <g class="net-mark net-struck" transform="translate(3 -1)"><circle r="8" /><path d="M1.5 -5.5L-3.5 1H-0.5L-1.5 5.5L3.5 -1H0.5z" /></g>
            }
            if marks.swallowed {
                <g class="net-mark net-swallowed" transform={format!("translate({} {})", WIDTH - 4.0, HEIGHT - 2.0)}><circle r="7" /><path d="M-3.5 0.2L-1 2.7L3.5 -2.3" /></g>
            }
        </>
    };
    let transform = format!("translate({x} {y})");
    if end {
        return html! { <g {class} {transform} role="none">{ body }</g> };
    }
    html! {
        <g {class} {transform} data-box={props.position.to_string()} data-layer={layers} role="treeitem"
            tabindex={if props.tabbed { "0" } else { "-1" }} aria-level={if props.inside { "2" } else { "1" }}
            aria-selected={marks.looked.to_string()} aria-disabled={(!props.usable && folded.is_none()).then_some("true")}
            aria-expanded={folded.map(|_| "false")}>
            { body }
        </g>
    }
}
