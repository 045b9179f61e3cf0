//! The campaign's charts, drawn by the same code as those of `faultscope report`.

use crate::fault::BIT_COUNT;
use crate::outcome::Rate;
use crate::report::chart::{Band, Column, columns};
use crate::web::words;

/// SDC rate by bit, bit 31 on the left.
pub fn bits(bits: &[(u8, Rate)]) -> String {
    let column = |bit: u8| Column {
        name: format!("bit {bit} ({})", words::field(bit)),
        tick: if bit % 4 == 3 || bit == 0 { bit.to_string() } else { String::new() },
        class: words::field(bit),
        rate: bits.iter().find(|(known, _)| *known == bit).map_or(Rate::new(0, 0), |(_, rate)| *rate),
    };
    let profile: Vec<_> = (0..BIT_COUNT).rev().map(column).collect();
    let bands = [
        Band { columns: 1, name: "sign", class: "sign" },
        Band { columns: 8, name: "exponent", class: "exponent" },
        Band { columns: 23, name: "mantissa", class: "mantissa" },
    ];
    columns("SDC rate by bit; the table below says the same in numbers", &profile, &bands)
}
