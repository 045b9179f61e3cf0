//! Which layers are drawn, and which of them as one box until it is unfolded.
//!
//! A network is cut at the layers that every path passes. What branches between two of them and joins again is a
//! block (residual, inverted residual, inception, dense); where paths never meet in one layer, as between the cells of
//! NASNet, the joins of many branches end a block each. What leads from one block to the next is a stretch, and
//! elsewhere a product is taken together with the normalisation and activation that follow it.

use std::collections::BTreeMap;

use facts::report::diagram::{Family, Role};
use protocol::{LayerInfo, ModelInfo};

/// A branch of this many layers, `x * sigmoid(x)` say, is no block of its own.
const TINY: usize = 2;
/// A branching part of more layers than this is taken apart, or not folded at all.
const LARGE: usize = 40;
/// Branches that meet in a join that ends a cell.
const WIDE: usize = 3;
/// A stretch between blocks that is longer is folded piece by piece.
const LONG: usize = 12;
/// Up to this many layers a network is shown unfolded.
const SMALL: usize = 24;

/// Layers that are drawn as one box until it is unfolded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its caption.
    pub title: String,
    /// Its layers, in order: two or more.
    pub layers: Vec<usize>,
}

impl Block {
    /// The layer whose output leaves the block.
    pub fn last(&self) -> usize {
        self.layers[self.layers.len() - 1]
    }
}

/// The layers that are drawn, and how they hang together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// The layers that are drawn, in order: all that compute something.
    pub shown: Vec<usize>,
    /// By layer: the drawn layers that it reads.
    pub makers: Vec<Vec<usize>>,
    /// By layer: the drawn layers that read it.
    pub readers: Vec<Vec<usize>>,
    /// The folded layers.
    pub blocks: Vec<Block>,
    /// By layer: the block it belongs to.
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
        network.blocks =
            groups.into_iter().zip(titles).map(|(group, title)| Block { title, layers: group.layers }).collect();
        for (id, block) in network.blocks.iter().enumerate() {
            block.layers.iter().for_each(|&layer| network.block_of[layer] = Some(id));
        }
        network
    }

    /// The blocks that are unfolded at first: all of a small network, none of a large one.
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

    /// A region that is too large for one box: each layer belongs to the first of the wide joins that it leads to.
    fn taken_apart(&self, layers: &[LayerInfo], region: Vec<usize>) -> Vec<Piece> {
        let wide = |&layer: &usize| layers[layer].family == Some(Family::Merge) && self.makers[layer].len() >= WIDE;
        let joins: Vec<usize> = region.iter().copied().filter(wide).collect();
        if joins.len() < 2 {
            return vec![Piece::Loose(region)];
        }
        // By layer, the position of the first join.
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

    /// Pieces in order to what is folded of them.
    fn folded(&self, layers: &[LayerInfo], pieces: Vec<Piece>) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        // What leads on since the last block, and whether there was one.
        let mut stretch: Vec<usize> = Vec::new();
        let mut after_block = false;
        for piece in pieces {
            match piece {
                Piece::Straight(run) => {
                    // The activation after an addition belongs to the block.
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

    /// The products among `run`, each with what follows it and has nothing else to do.
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

/// A part of the way from the image to the answer.
enum Piece {
    /// Every path passes it, or it branches hardly.
    Straight(Vec<usize>),
    /// Paths part and meet again in it.
    Branched(Vec<usize>),
    /// The same, but too large to be folded.
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

/// The names of the blocks: the common start of their layers' names, else a number or a kind.
fn titles(layers: &[LayerInfo], groups: &[Group]) -> Vec<String> {
    let named: Vec<Option<String>> = groups.iter().map(|group| common_name(layers, &group.layers)).collect();
    let mut blocks = 0;
    let of = |(group, name): (&Group, &Option<String>)| {
        blocks += usize::from(group.sort == Sort::Branched);
        let alone = name.as_ref().filter(|_| named.iter().filter(|other| *other == name).count() == 1);
        match (group.sort, alone) {
            (Sort::Unit, _) => kinds(layers, &group.layers),
            (_, Some(name)) => name.clone(),
            (Sort::Branched, None) => format!("Block {blocks}"),
            (Sort::Stretch, None) => format!("{} layers", group.layers.len()),
        }
    };
    groups.iter().zip(&named).map(of).collect()
}

/// `Conv + Clip`.
fn kinds(layers: &[LayerInfo], group: &[usize]) -> String {
    group.iter().map(|&layer| layers[layer].kind.as_str()).collect::<Vec<_>>().join(" + ")
}

/// The part before a separator that all names share: its last component, where it says anything.
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
