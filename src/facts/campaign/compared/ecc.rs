//! Codes that correct one flipped bit of a block and detect two (SEC-DED).
//!
//! Hsiao, "A Class of Optimal Minimum Odd-weight-column SEC-DED Codes" (IBM Journal of Research and Development, 1970): every
//! bit of a block has a column of the parity-check matrix, of odd weight and each another one; check bits have the columns of
//! weight 1. The syndrome is the sum of the columns of the flipped bits: of one bit it is that bit's column, of two bits it has
//! an even weight that is not 0. Columns of equal weight are taken in ascending order. Which blocks of three and more flipped
//! bits are taken for one flipped bit depends on that choice, as it does on the designer's in hardware.

use std::sync::LazyLock;

/// A SEC-DED code for blocks of up to 64 bits of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecDed {
    /// The column of each bit of data.
    columns: Vec<u8>,
}

/// 64 bits of data with 8 check bits.
pub static SECDED_72_64: LazyLock<SecDed> = LazyLock::new(|| SecDed::new(64, 8));

/// 57 bits of data with 7 check bits: a block of 64 bits in all.
pub static SECDED_64_57: LazyLock<SecDed> = LazyLock::new(|| SecDed::new(57, 7));

/// What a decoder makes of a block with flipped bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// It reads the block, with these bits of the data still wrong: 0 if it was corrected or no bit of the data is wrong.
    Read(u64),
    /// It knows that the block is wrong, and cannot correct it.
    Detected,
}

impl SecDed {
    /// The code for `data` bits with `check` check bits. There are enough columns of odd weight for the two codes above.
    fn new(data: usize, check: u32) -> Self {
        let weight = |weight: u32| (0..=u8::MAX >> (8 - check)).filter(move |column| column.count_ones() == weight);
        Self { columns: (3..=check).step_by(2).flat_map(weight).take(data).collect() }
    }

    /// Decodes a block in which the bits `data` of the data and the bits `check` of the check bits are flipped.
    pub fn decode(&self, data: u64, check: u8) -> Decoded {
        let struck = self.columns.iter().enumerate().filter(|(bit, _)| data & (1 << bit) != 0);
        let syndrome = struck.fold(check, |syndrome, (_, column)| syndrome ^ column);
        match syndrome.count_ones() {
            0 | 1 => Decoded::Read(data),
            ones if ones % 2 == 0 => Decoded::Detected,
            _ => match self.columns.iter().position(|&column| column == syndrome) {
                Some(bit) => Decoded::Read(data ^ (1 << bit)),
                None => Decoded::Detected,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check bits of a word by the definition: each is the parity of the bits whose column has it.
    fn encoded(code: &SecDed, word: u64) -> u8 {
        let ones = code.columns.iter().enumerate().filter(|(bit, _)| word & (1 << bit) != 0);
        ones.fold(0, |check, (_, column)| check ^ column)
    }

    /// A decoder that works on the stored word, as hardware does, and knows nothing of which bits were flipped.
    fn read(code: &SecDed, word: u64, check: u8) -> Option<u64> {
        let syndrome = encoded(code, word) ^ check;
        let bits = code.columns.len() + 8;
        if syndrome == 0 {
            return Some(word);
        }
        // The word of the code that differs in one bit, if there is one.
        (0..bits).find_map(|bit| {
            let (other, other_check) = match bit < code.columns.len() {
                true => (word ^ (1 << bit), check),
                false => (word, check ^ (1 << (bit - code.columns.len()))),
            };
            (encoded(code, other) == other_check).then_some(other)
        })
    }

    #[test]
    fn one_flip_is_corrected_and_two_are_detected_in_every_place_of_a_block() {
        for (code, check) in [(&*SECDED_72_64, 8), (&*SECDED_64_57, 7)] {
            let data = code.columns.len();
            let flips = |bit: usize| if bit < data { (1u64 << bit, 0u8) } else { (0, 1 << (bit - data)) };
            let mut columns = code.columns.clone();
            columns.dedup();
            assert_eq!((columns.len(), data + check), (data, if check == 8 { 72 } else { 64 }));
            assert!(code.columns.iter().all(|column| column.count_ones() % 2 == 1 && column.count_ones() > 1));
            assert_eq!(code.decode(0, 0), Decoded::Read(0));
            for one in 0..data + check {
                let (word, parity) = flips(one);
                assert_eq!(code.decode(word, parity), Decoded::Read(0), "bit {one}");
                for two in 0..one {
                    let (other, other_parity) = flips(two);
                    assert_eq!(code.decode(word ^ other, parity ^ other_parity), Decoded::Detected, "{one} and {two}");
                }
            }
        }
    }

    #[test]
    fn three_and_more_flips_are_read_as_a_decoder_reads_the_stored_word() {
        let mut seed = 1u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed >> 20
        };
        for code in [&*SECDED_72_64, &*SECDED_64_57] {
            let (mut read_wrong, mut detected) = (0, 0);
            for round in 0..20_000 {
                let word = next() ^ next() << 40 & (u64::MAX >> (64 - code.columns.len()));
                let word = word & (u64::MAX >> (64 - code.columns.len()));
                let flips = (0..3 + round % 4).fold(0, |flips, _| flips | 1u64 << (next() % code.columns.len() as u64));
                let expected = read(code, word ^ flips, encoded(code, word));
                match code.decode(flips, 0) {
                    Decoded::Read(left) => {
                        assert_eq!(expected, Some(word ^ left));
                        read_wrong += usize::from(left != 0);
                    }
                    Decoded::Detected => {
                        assert_eq!(expected, None);
                        detected += 1;
                    }
                }
            }
            assert!(read_wrong > 1000 && detected > 1000, "{read_wrong} {detected}");
        }
    }
}
