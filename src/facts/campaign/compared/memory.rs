//! What a code in a memory makes of the faults of a trial.

use std::collections::BTreeMap;

use super::ecc::{Decoded, SECDED_64_57, SECDED_72_64};
use super::{Code, Treated};
use crate::fault::{Bits, Corruption, Site, Target};
use crate::graph::{Graph, ValueId};

/// Bits of a block of a SEC-DED code.
const BLOCK: u32 = 64;

/// The flipped bits of a struck element.
struct Flips {
    /// The first of the element's sites.
    site: Site,
    mask: u32,
}

impl Code {
    /// What becomes of the faults at `sites`, which all strike before a value is read. `None` if it depends on a value that only
    /// a run shows: bits of activations that are set rather than flipped.
    pub fn treats(self, graph: &Graph, sites: &[Site]) -> Option<Treated> {
        let mut flips: BTreeMap<(ValueId, usize), Flips> = BTreeMap::new();
        for site in sites {
            let place = (site.tensor, site.element);
            let before = flips.get(&place).map_or(0, |flips| flips.mask);
            let mask = flipped(graph, site, before)?;
            flips.entry(place).or_insert(Flips { site: *site, mask: 0 }).mask ^= mask;
        }
        flips.retain(|_, flips| flips.mask != 0);
        match self {
            Self::ParityZero | Self::LsbParity => Some(parity(flips.values())),
            Self::Secded => Some(blocks(graph, &flips, secded)),
            Self::InPlaceEcc => Some(blocks(graph, &flips, in_place)),
        }
    }
}

/// The bits that the fault at `site` flips in the stored word, in which `before` are flipped already.
fn flipped(graph: &Graph, site: &Site, before: u32) -> Option<u32> {
    if let Corruption::Flip(bits) = site.corruption {
        return Some(bits.mask());
    }
    let parameter = graph.parameters.get(&site.tensor).filter(|_| site.target == Target::Weight)?;
    let value = &graph.values[site.tensor];
    let stored = value.layout.stored_index(&value.shape, site.element);
    let code = value.code(stored);
    let word = code.encode(*parameter.data.get(stored)?) ^ before;
    Some(code.encode(site.corruption.apply(code.decode(word), code)) ^ word)
}

/// A word with an odd number of flipped bits is read as 0.
fn parity<'a>(flips: impl Iterator<Item = &'a Flips>) -> Treated {
    let mut sites = Vec::new();
    for Flips { site, mask } in flips {
        let corruption = match (mask.count_ones() % 2, Bits::from_mask(*mask)) {
            (0, Some(bits)) => Corruption::Flip(bits),
            _ => Corruption::Set(0.0),
        };
        sites.push(Site { corruption, ..*site });
    }
    Treated::of(sites)
}

/// Decodes each block of 64 bits that is struck: `decode` gets the flipped bits.
fn blocks(graph: &Graph, flips: &BTreeMap<(ValueId, usize), Flips>, decode: impl Fn(u64) -> Decoded) -> Treated {
    let mut struck: BTreeMap<(ValueId, usize), (u64, Site)> = BTreeMap::new();
    for (&(tensor, element), Flips { site, mask }) in flips {
        let (width, each) = words(graph, tensor);
        let shift = u32::try_from(element % each).unwrap_or(0) * width;
        let block = struck.entry((tensor, element / each)).or_insert((0, *site));
        block.0 |= u64::from(*mask) << shift;
    }
    let mut sites = Vec::new();
    for (&(tensor, block), &(mask, site)) in &struck {
        let Decoded::Read(left) = decode(mask) else { return Treated::Detected };
        let (width, each) = words(graph, tensor);
        let of_word = u64::from(u32::MAX >> (32 - width));
        for (at, element) in (block * each..graph.values[tensor].elements().min((block + 1) * each)).enumerate() {
            let bits = left >> (u32::try_from(at).unwrap_or(0) * width) & of_word;
            // A word has 32 bits at most.
            if let Some(bits) = Bits::from_mask(bits as u32) {
                sites.push(Site { element, corruption: Corruption::Flip(bits), ..site });
            }
        }
    }
    Treated::of(sites)
}

/// The width of the words of a tensor, and the number of them in a block.
fn words(graph: &Graph, tensor: ValueId) -> (u32, usize) {
    let width = graph.values[tensor].format.width();
    (width.into(), (BLOCK / u32::from(width)) as usize)
}

fn secded(flips: u64) -> Decoded {
    SECDED_72_64.decode(flips, 0)
}

/// The check bits lie in bit 6 of the first seven of eight int8 words, and the other 57 bits are the data.
fn in_place(flips: u64) -> Decoded {
    let is_check = |bit: u32| bit % 8 == 6 && bit < 56;
    let (mut data, mut check, mut places) = (0u64, 0u8, Vec::with_capacity(57));
    let mut checks = 0;
    for bit in 0..BLOCK {
        let is_flipped = flips & (1 << bit) != 0;
        if is_check(bit) {
            check |= u8::from(is_flipped) << checks;
            checks += 1;
        } else {
            data |= u64::from(is_flipped) << places.len();
            places.push(bit);
        }
    }
    match SECDED_64_57.decode(data, check) {
        Decoded::Detected => Decoded::Detected,
        Decoded::Read(left) => {
            let spread = |all: u64, (at, bit): (usize, &u32)| all | (left >> at & 1) << bit;
            let left = places.iter().enumerate().fold(0, spread);
            // A small value repeats its sign in bit 6, from which it is restored after reading.
            let restored = (0..7).fold(left, |all, word| all | (left >> (word * 8 + 7) & 1) << (word * 8 + 6));
            Decoded::Read(restored)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Format;

    /// A dense layer of eight weights in `format`.
    fn graph(format: Format) -> Graph {
        crate::campaign::compared::tests::dense(format)
    }

    fn site(graph: &Graph, element: usize, corruption: Corruption) -> Site {
        Site::find(graph, Target::Weight, "dense", element, corruption).unwrap()
    }

    fn flips(mask: u32) -> Corruption {
        Corruption::Flip(Bits::from_mask(mask).unwrap())
    }

    #[test]
    fn parity_zeroes_words_with_an_odd_number_of_flips() {
        let graph = graph(Format::F32);
        let treated = |masks: &[u32]| {
            let sites: Vec<Site> = masks.iter().map(|&mask| site(&graph, 2, flips(mask))).collect();
            Code::ParityZero.treats(&graph, &sites).unwrap()
        };
        let zero = Treated::Struck(vec![site(&graph, 2, Corruption::Set(0.0))]);
        assert_eq!(treated(&[1 << 30]), zero);
        assert_eq!(treated(&[0b111]), zero);
        assert_eq!(treated(&[0b11]), Treated::Struck(vec![site(&graph, 2, flips(0b11))]));
        assert_eq!(treated(&[0b11, 0b10]), zero, "two faults of one word");
        assert_eq!(treated(&[0b11, 0b11]), Treated::Golden, "the second fault undoes the first");
    }

    #[test]
    fn secded_sees_the_flips_of_both_words_of_a_block() {
        let graph = graph(Format::F32);
        let treated = |sites: &[(usize, u32)]| {
            let sites: Vec<Site> = sites.iter().map(|&(element, mask)| site(&graph, element, flips(mask))).collect();
            Code::Secded.treats(&graph, &sites).unwrap()
        };
        assert_eq!(treated(&[(0, 1 << 31)]), Treated::Golden);
        assert_eq!(treated(&[(0, 1), (1, 1)]), Treated::Detected, "one word of 64 bits");
        assert_eq!(treated(&[(1, 1), (2, 1)]), Treated::Golden, "two words of 64 bits");
        assert_eq!(treated(&[(0, 0b11)]), Treated::Detected);
        // The columns of the first three bits add up to that of a check bit, which is then corrected.
        assert_eq!(treated(&[(0, 0b111)]), Treated::Struck(vec![site(&graph, 0, flips(0b111))]));
    }

    #[test]
    fn bits_that_are_set_are_known_in_weights_only() {
        let graph = graph(Format::F32);
        // The weights are 0.5, 1.5, ..: the sign is 0.
        let stuck = |bit: u32, to_one: bool| {
            let bits = Bits::one(bit).unwrap();
            site(&graph, 0, if to_one { Corruption::StuckAt1(bits) } else { Corruption::StuckAt0(bits) })
        };
        assert_eq!(Code::Secded.treats(&graph, &[stuck(31, false)]), Some(Treated::Golden), "it is 0 anyway");
        assert_eq!(
            Code::ParityZero.treats(&graph, &[stuck(31, true)]),
            Some(Treated::Struck(vec![site(&graph, 0, Corruption::Set(0.0))]))
        );
        let activation = Site::find(&graph, Target::Activation, "dense", 0, Corruption::Set(3.0)).unwrap();
        assert_eq!(Code::ParityZero.treats(&graph, &[activation]), None);
    }

    #[test]
    fn in_place_corrects_every_bit_of_eight_small_words() {
        let graph = graph(Format::I8);
        for element in 0..8 {
            for bit in 0..8 {
                let treated = Code::InPlaceEcc.treats(&graph, &[site(&graph, element, flips(1 << bit))]);
                assert_eq!(treated, Some(Treated::Golden), "word {element}, bit {bit}");
                for other in 0..bit {
                    let two = Code::InPlaceEcc.treats(&graph, &[site(&graph, element, flips(1 << bit | 1 << other))]);
                    assert_eq!(two, Some(Treated::Detected));
                }
            }
        }
    }
}
