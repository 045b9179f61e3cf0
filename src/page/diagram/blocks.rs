//! The layers that the diagram shows, and the blocks: layers that one box shows until the user unfolds it.
//!
//! A network is cut at the layers that every path passes. Paths that branch between two of these layers and join again
//! form a block (residual, inverted residual, inception, dense). If paths never meet in one layer, as between the
//! cells of NASNet, each join of many branches ends a block. The layers from one block to the next form a stretch.
//! Outside blocks and stretches, a product forms a unit with the normalisation and activation after it.

use std::collections::BTreeMap;

use facts::report::diagram::{Family, Role};
use protocol::{LayerInfo, ModelInfo};

/// A branch of at most this many layers, for example `x * sigmoid(x)`, is not a block.
const TINY: usize = 2;
/// A branching part with more layers than this is split, or stays unfolded.
const LARGE: usize = 40;
/// Number of branches in a join that ends a cell.
const WIDE: usize = 3;
/// A longer stretch between blocks is folded in pieces.
const LONG: usize = 12;
/// A network with at most this many layers is shown unfolded.
const SMALL: usize = 24;

/// Layers that one box shows until it is unfolded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The caption.
    pub title: String,
    /// Whether the caption is a name of its own, and no list of the layers' kinds.
    pub named: bool,
    /// The layers, in order: two or more.
    pub layers: Vec<usize>,
}

impl Block {
    /// Returns the layer with the block's output.
    pub fn last(&self) -> usize {
        self.layers[self.layers.len() - 1]
    }
}

/// The shown layers and their connections.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// The shown layers, in order: all layers that compute something.
    pub shown: Vec<usize>,
    /// For each layer, the shown layers that it reads.
    pub makers: Vec<Vec<usize>>,
    /// For each layer, the shown layers that read it.
    pub readers: Vec<Vec<usize>>,
    /// The folded layers.
    pub blocks: Vec<Block>,
    /// For each layer, its block.
    pub block_of: Vec<Option<usize>>,
}

impl Network {
    /// Finds the blocks of `model`.
    pub fn of(model: &ModelInfo) -> Self {
        let layers = &model.layers;
        let drawn = |&index: &usize| layers.get(index).is_some_and(|layer| layer.family.is_some());
        let shown: Vec<usize> = (0..layers.len()).filter(drawn).collect();
        let mut network = Self {
            makers: vec![Vec::new(); layers.len()],
            readers: vec![Vec::new(); layers.len()],
            block_of: vec![None; layers.len()],
            blocks: Vec::new(),
            shown,
        };
        for &layer in &network.shown {
            for &maker in layers[layer].inputs.iter().filter(|&maker| drawn(maker) && *maker < layer) {
                network.makers[layer].push(maker);
                network.readers[maker].push(layer);
            }
        }
        let groups = network.groups(layers);
        let titles = titles(layers, &groups);
        let block = |(group, (title, named)): (Group, _)| Block { title, named, layers: group.layers };
        network.blocks = groups.into_iter().zip(titles).map(block).collect();
        for (id, block) in network.blocks.iter().enumerate() {
            block.layers.iter().for_each(|&layer| network.block_of[layer] = Some(id));
        }
        network
    }

    /// Returns for each block whether it is unfolded at first: all blocks of a small network, none of a large one.
    pub fn open_at_first(&self) -> Vec<bool> {
        vec![self.shown.len() <= SMALL; self.blocks.len()]
    }

    fn groups(&self, layers: &[LayerInfo]) -> Vec<Group> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut between = Vec::new();
        let path = self.shown.iter().filter(|&&layer| layers[layer].role != Role::Aside);
        for &layer in path {
            between.push(layer);
            if layers[layer].role == Role::Branch {
                continue;
            }
            let region = std::mem::take(&mut between);
            match region.len() - 1 {
                0..=TINY => pieces.push(Piece::Straight(region)),
                inner if inner <= LARGE => pieces.push(Piece::Branched(region)),
                _ => pieces.extend(self.taken_apart(layers, region)),
            }
        }
        self.folded(layers, pieces)
    }

    /// Splits a region that is too large for one box: each layer belongs to the first wide join that it leads to.
    fn taken_apart(&self, layers: &[LayerInfo], region: Vec<usize>) -> Vec<Piece> {
        let wide = |&layer: &usize| layers[layer].family == Some(Family::Merge) && self.makers[layer].len() >= WIDE;
        let joins: Vec<usize> = region.iter().copied().filter(wide).collect();
        if joins.len() < 2 {
            return vec![Piece::Loose(region)];
        }
        // For each layer, the position of its first join.
        let mut first: BTreeMap<usize, usize> = BTreeMap::new();
        for &layer in region.iter().rev() {
            let own = joins.binary_search(&layer).ok();
            let further = self.readers[layer].iter().filter_map(|reader| first.get(reader).copied()).min();
            first.insert(layer, own.or(further).unwrap_or(joins.len()));
        }
        let mut cells = vec![Vec::new(); joins.len() + 1];
        first.into_iter().for_each(|(layer, cell)| cells[cell].push(layer));
        let cells = cells.into_iter().filter(|cell| !cell.is_empty());
        cells.map(|cell| if cell.len() == 1 { Piece::Straight(cell) } else { Piece::Branched(cell) }).collect()
    }

    /// Converts pieces, in order, to the groups that are folded.
    fn folded(&self, layers: &[LayerInfo], pieces: Vec<Piece>) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        // The layers since the last block, and whether there was a block.
        let mut stretch: Vec<usize> = Vec::new();
        let mut after_block = false;
        for piece in pieces {
            match piece {
                Piece::Straight(run) => {
                    // The activation after an addition is part of the block.
                    let ends_block = after_block
                        && stretch.is_empty()
                        && run.len() == 1
                        && layers[run[0]].family == Some(Family::Activation);
                    match groups.last_mut().filter(|_| ends_block) {
                        Some(block) => block.layers.extend(run),
                        None => stretch.extend(run),
                    }
                }
                Piece::Branched(block) => {
                    let run = std::mem::take(&mut stretch);
                    if after_block && (2..=LONG).contains(&run.len()) {
                        groups.push(Group { layers: run, sort: Sort::Stretch });
                    } else {
                        groups.extend(self.units(layers, &run));
                    }
                    groups.push(Group { layers: block, sort: Sort::Branched });
                    after_block = true;
                }
                Piece::Loose(loose) => {
                    stretch.extend(loose);
                    groups.extend(self.units(layers, &std::mem::take(&mut stretch)));
                    after_block = false;
                }
            }
        }
        groups.extend(self.units(layers, &stretch));
        groups
    }

    /// Returns the products in `run`, each with the following layers that only it feeds.
    fn units(&self, layers: &[LayerInfo], run: &[usize]) -> Vec<Group> {
        let mut groups = Vec::new();
        for &product in run.iter().filter(|&&layer| layers[layer].family == Some(Family::Product)) {
            let mut unit = vec![product];
            while let [next] = self.readers[unit[unit.len() - 1]][..] {
                let follows = matches!(layers[next].family, Some(Family::Normalisation | Family::Activation));
                if !follows || self.makers[next].len() != 1 || !run.contains(&next) {
                    break;
                }
                unit.push(next);
            }
            if unit.len() > 1 {
                groups.push(Group { layers: unit, sort: Sort::Unit });
            }
        }
        groups
    }
}

/// A part of the path from the image to the answer.
enum Piece {
    /// Every path passes it, or it has only small branches.
    Straight(Vec<usize>),
    /// Paths branch and join in it.
    Branched(Vec<usize>),
    /// Paths branch and join in it, but it is too large to fold.
    Loose(Vec<usize>),
}

/// A block without its title.
struct Group {
    layers: Vec<usize>,
    sort: Sort,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Branched,
    Stretch,
    Unit,
}

/// Returns the names of the blocks: the common start of their layers' names, otherwise a number or the kinds of
/// layers. The second value is false for the kinds, which several blocks may share.
fn titles(layers: &[LayerInfo], groups: &[Group]) -> Vec<(String, bool)> {
    let named: Vec<Option<String>> = groups.iter().map(|group| common_name(layers, &group.layers)).collect();
    let mut blocks = 0;
    let of = |(group, name): (&Group, &Option<String>)| {
        blocks += usize::from(group.sort == Sort::Branched);
        let alone = name.as_ref().filter(|_| named.iter().filter(|other| *other == name).count() == 1);
        match (group.sort, alone) {
            (_, Some(name)) => (name.clone(), true),
            (Sort::Unit, None) => (kinds(layers, &group.layers), false),
            (Sort::Branched, None) => (format!("Block {blocks}"), true),
            (Sort::Stretch, None) => (format!("{} layers", group.layers.len()), true),
        }
    };
    groups.iter().zip(&named).map(of).collect()
}

/// Returns the kinds of the layers, for example `Conv + Clip`.
fn kinds(layers: &[LayerInfo], group: &[usize]) -> String {
    group.iter().map(|&layer| layers[layer].kind.as_str()).collect::<Vec<_>>().join(" + ")
}

/// Returns the last component of the prefix that all names share up to a separator, if that component is informative.
fn common_name(layers: &[LayerInfo], group: &[usize]) -> Option<String> {
    let mut names = group.iter().map(|&layer| layers[layer].name.as_str());
    let first = names.next()?;
    let same = |a: &str, b: &str| a.char_indices().zip(b.chars()).take_while(|((_, a), b)| a == b).count();
    let shared = names.map(|name| same(first, name)).min()?;
    let shared: String = first.chars().take(shared).collect();
    let separator = |c: char| !c.is_alphanumeric();
    let whole = &shared[..shared.rfind(separator)?];
    let name = whole.trim_matches(separator);
    let name = name.rsplit('/').next().unwrap_or(name);
    name.contains(char::is_alphabetic).then(|| name.to_owned())
}
