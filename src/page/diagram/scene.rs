//! The places of boxes and edges, with some blocks unfolded.

use std::collections::BTreeSet;

use facts::report::diagram::layout::{Flow, Line, Placement as Layout, Point, Style, Wrap};
use protocol::ModelInfo;

use super::blocks::Network;

/// Width of a box.
pub const WIDTH: f64 = 110.0;
/// Height of a box.
pub const HEIGHT: f64 = 38.0;
const ROW_GAP: f64 = 18.0;
/// Margin around the picture, for rings and the titles of frames.
pub const MARGIN: f64 = 18.0;
/// Distance between the frame of an unfolded block and its layers.
const FRAME: f64 = 6.0;

/// Returns a layout style from left to right, in lines like text, `length` pixels wide.
fn style(length: f64) -> Style {
    Style {
        flow: Flow::Right,
        wrap: Wrap::Length(length - 2.0 * MARGIN),
        along: WIDTH,
        across: HEIGHT,
        row_gap: ROW_GAP,
        lane_gap: 14.0,
        column_gap: 30.0,
    }
}

/// Returns the number of boxes that fit side by side into `width` pixels. Widths with the same number give the same
/// picture.
pub fn boxes_in(width: f64) -> usize {
    ((width - 2.0 * MARGIN - ROW_GAP) / (WIDTH + ROW_GAP)).floor().max(1.0) as usize
}

/// Returns the centre of the box at `corner`.
pub fn box_centre(corner: Point) -> Point {
    (corner.0 + WIDTH / 2.0, corner.1 + HEIGHT / 2.0)
}

/// The content of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The image.
    Image,
    /// A layer, by its index.
    Layer(usize),
    /// A folded block, by its position.
    Block(usize),
    /// The answer.
    Answer,
}

/// A frame around the layers of an unfolded block, or around those of its layers in one band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// The block.
    pub block: usize,
    /// Whether this is the block's first frame.
    pub first: bool,
    /// Top left corner.
    pub corner: Point,
    /// Width and height.
    pub size: (f64, f64),
}

/// A picture of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The boxes, in topological order.
    pub boxes: Vec<Content>,
    /// The lines between the boxes.
    pub lines: Vec<Line>,
    /// The positions of boxes and lines.
    pub layout: Layout,
    /// The frames of unfolded blocks.
    pub frames: Vec<Frame>,
    /// For each layer, the box that shows it.
    pub box_of: Vec<Option<usize>>,
}

impl Scene {
    /// Draws `network` with the blocks in `open` unfolded, and `abreast` boxes side by side.
    pub fn of(model: &ModelInfo, network: &Network, open: &[bool], abreast: usize) -> Self {
        let mut draft = Draft::of(model, network, open);
        let order = draft.order();
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(position, &id)| place[id] = position);
        let boxes: Vec<Content> = order.iter().map(|&id| draft.boxes[id]).collect();
        let mut lines: Vec<Line> = draft.lines.iter().map(|&(from, to)| (place[from], place[to])).collect();
        lines.sort_unstable_by_key(|&(from, to)| (to, from));
        draft.box_of.iter_mut().flatten().for_each(|id| *id = place[*id]);

        let length = abreast as f64 * (WIDTH + ROW_GAP) + ROW_GAP + 2.0 * MARGIN;
        let mut layout = Layout::of(boxes.len(), &lines, &style(length));
        let shift = |(x, y): &mut Point| (*x, *y) = (*x + MARGIN, *y + MARGIN);
        layout.boxes.iter_mut().for_each(shift);
        layout.lines.iter_mut().flatten().for_each(shift);
        layout.width += 2.0 * MARGIN;
        layout.height += 2.0 * MARGIN;
        let frames = frames(network, &boxes, &layout);
        Self { boxes, lines, layout, frames, box_of: draft.box_of }
    }

    /// Returns the layers of the box at `position`.
    pub fn layers<'a>(&'a self, network: &'a Network, position: usize) -> &'a [usize] {
        match &self.boxes[position] {
            Content::Layer(layer) => std::slice::from_ref(layer),
            Content::Block(block) => &network.blocks[*block].layers,
            Content::Image | Content::Answer => &[],
        }
    }
}

/// Boxes and lines before sorting.
struct Draft {
    boxes: Vec<Content>,
    lines: BTreeSet<Line>,
    box_of: Vec<Option<usize>>,
}

impl Draft {
    fn of(model: &ModelInfo, network: &Network, open: &[bool]) -> Self {
        let mut draft = Self { boxes: Vec::new(), lines: BTreeSet::new(), box_of: vec![None; network.block_of.len()] };
        // In a Keras network, the first layer is the image.
        let begins = |layer: &usize| model.layers[*layer].kind == "InputLayer";
        let image = (!network.shown.iter().any(begins)).then(|| draft.put(Content::Image));
        let mut box_of_block = vec![None; network.blocks.len()];
        for &layer in &network.shown {
            let folded = network.block_of[layer].filter(|&block| !open.get(block).is_some_and(|&open| open));
            let id = match folded {
                Some(block) => *box_of_block[block].get_or_insert_with(|| draft.put(Content::Block(block))),
                None => draft.put(Content::Layer(layer)),
            };
            draft.box_of[layer] = Some(id);
        }
        let box_of = |layer: usize| draft.box_of[layer].expect("every layer that is drawn has a box");
        for &layer in &network.shown {
            let to = box_of(layer);
            let makers = network.makers[layer].iter().map(|&maker| box_of(maker));
            draft.lines.extend(makers.filter(|&from| from != to).map(|from| (from, to)));
            // A box without shown inputs reads the image.
            if let Some(image) = image.filter(|_| network.makers[layer].is_empty()) {
                draft.lines.insert((image, to));
            }
        }
        if let Some(&last) = network.shown.iter().rev().find(|&&layer| network.readers[layer].is_empty()) {
            let from = box_of(last);
            let answer = draft.put(Content::Answer);
            draft.lines.insert((from, answer));
        }
        draft
    }

    fn put(&mut self, content: Content) -> usize {
        self.boxes.push(content);
        self.boxes.len() - 1
    }

    /// Returns a topological order that is as close as possible to the order of the layers.
    fn order(&mut self) -> Vec<usize> {
        let mut waits = vec![0; self.boxes.len()];
        let mut readers = vec![Vec::new(); self.boxes.len()];
        for &(from, to) in &self.lines {
            waits[to] += 1;
            readers[from].push(to);
        }
        let mut ready: BTreeSet<usize> = (0..self.boxes.len()).filter(|&id| waits[id] == 0).collect();
        let mut order = Vec::with_capacity(self.boxes.len());
        while let Some(id) = ready.pop_first() {
            order.push(id);
            for &reader in &readers[id] {
                waits[reader] -= 1;
                if waits[reader] == 0 {
                    ready.insert(reader);
                }
            }
        }
        debug_assert_eq!(order.len(), self.boxes.len(), "what is folded is entered and left in one direction only");
        order
    }
}

fn frames(network: &Network, boxes: &[Content], layout: &Layout) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut bands = Vec::new();
    for (position, content) in boxes.iter().enumerate() {
        let &Content::Layer(layer) = content else { continue };
        let Some(block) = network.block_of[layer] else { continue };
        let (x, y) = layout.boxes[position];
        let band = (block, layout.columns[position]);
        match bands.iter().position(|&known| known == band) {
            Some(at) => {
                let frame = &mut frames[at];
                let (right, bottom) = (frame.corner.0 + frame.size.0, frame.corner.1 + frame.size.1);
                frame.corner = (frame.corner.0.min(x - FRAME), frame.corner.1.min(y - FRAME));
                let (right, bottom) = (right.max(x + WIDTH + FRAME), bottom.max(y + HEIGHT + FRAME));
                frame.size = (right - frame.corner.0, bottom - frame.corner.1);
            }
            None => {
                let first = !bands.iter().any(|&(known, _)| known == block);
                let size = (WIDTH + 2.0 * FRAME, HEIGHT + 2.0 * FRAME);
                frames.push(Frame { block, first, corner: (x - FRAME, y - FRAME), size });
                bands.push(band);
            }
        }
    }
    frames
}
