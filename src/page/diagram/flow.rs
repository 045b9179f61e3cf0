//! The way of a corruption along the lines of the diagram, as far as it has been followed.

use super::{Content, Network, Scene};

/// What a followed corruption does on a line between two boxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Passage {
    /// Nothing, or it has not come so far.
    #[default]
    None,
    /// It has passed.
    Passed,
    /// It comes to the layer that is looked at; behind the last layer, to the answer.
    Arriving,
}

/// Returns the passage on each line of `scene`. `way` holds the layers that the corruption can reach, in the order of
/// computation, each with whether its output differs. The layer that is looked at is at `station` of it.
pub fn passages(scene: &Scene, network: &Network, way: &[(usize, bool)], station: usize) -> Vec<Passage> {
    let mut passages = vec![Passage::None; scene.lines.len()];
    let box_of = |layer: usize| scene.box_of.get(layer).copied().flatten();
    let mut differs = vec![false; network.makers.len()];
    for (at, &(layer, changed)) in way.iter().enumerate().take(station + 1) {
        let passage = if at == station { Passage::Arriving } else { Passage::Passed };
        let makers = network.makers.get(layer).into_iter().flatten().filter(|&&maker| differs[maker]);
        for (from, to) in makers.filter_map(|&maker| Some((box_of(maker)?, box_of(layer)?))) {
            // Lines are in the order of their ends; there is none within a box.
            if let Some(line) = scene.lines.iter().position(|&line| line == (from, to)) {
                passages[line] = passage;
            }
        }
        if let Some(differs) = differs.get_mut(layer) {
            *differs = changed;
        }
    }
    let last = way.get(station).filter(|(_, changed)| *changed && station + 1 == way.len());
    if let Some(from) = last.and_then(|&(layer, _)| box_of(layer)) {
        let to_answer = |&(start, end): &(usize, usize)| start == from && scene.boxes[end] == Content::Answer;
        if let Some(line) = scene.lines.iter().position(to_answer) {
            passages[line] = Passage::Arriving;
        }
    }
    passages
}
