//! A sign where signs stand: before sky, leaves and road out of focus, in uneven light, a little turned and shifted.

use image::{Rgb, RgbImage};

use crate::shape::{Point, polygon};
use crate::sign::{Colour, Sign};

/// Samples along each side of a pixel.
const FINE: u32 = 4;

/// `sign` in a picture; `seed` chooses background, light and stance.
pub fn picture(sign: &Sign, seed: u32, side: u32) -> RgbImage {
    let chance = |salt: u32| chance(seed, salt);
    let turn = (chance(1) - 0.5) * 8.0f32.to_radians();
    let scale = 1.22 + chance(2) * 0.08;
    let shift = [(chance(3) - 0.5) * 0.06, (chance(4) - 0.5) * 0.06];
    let light = 0.80 + chance(5) * 0.14;
    let (sin, cos) = turn.sin_cos();
    let pole = polygon(&[[-0.07, 0.0], [0.07, 0.0], [0.07, 3.0], [-0.07, 3.0]], 0.0);
    let colour = |at: Point| -> Colour {
        let (x, y) = ((at[0] - shift[0]) * scale, (at[1] - shift[1]) * scale);
        let on_sign = [x * cos + y * sin, y * cos - x * sin];
        let mut seen = background(at, seed);
        if pole(on_sign) < 0.0 {
            // A tube is brightest along its middle.
            let grey = 168.0 - 900.0 * (on_sign[0] - 0.02).powi(2) * 10.0;
            seen = [grey, grey, grey + 4.0];
        }
        for (shape, colour) in &sign.layers {
            if shape(on_sign) < 0.0 {
                // Light falls from the upper left.
                let shade = light * (1.0 - 0.10 * (on_sign[0] + on_sign[1]));
                seen = colour.map(|part| part * shade);
            }
        }
        seen
    };
    RgbImage::from_fn(side, side, |column, row| {
        let mut sum = [0.0f32; 3];
        for sample in 0..FINE * FINE {
            let at =
                |pixel: u32, sample: u32| ((pixel * FINE + sample) as f32 + 0.5) / (side * FINE) as f32 * 2.0 - 1.0;
            let seen = colour([at(column, sample % FINE), at(row, sample / FINE)]);
            sum = std::array::from_fn(|channel| sum[channel] + seen[channel]);
        }
        Rgb(sum.map(|part| (part / (FINE * FINE) as f32).clamp(0.0, 255.0) as u8))
    })
}

/// Sky above, leaves in the middle, road below, all out of focus.
fn background(at: Point, seed: u32) -> Colour {
    let palette: [[Colour; 3]; 4] = [
        [[176.0, 198.0, 222.0], [74.0, 96.0, 62.0], [112.0, 110.0, 106.0]],
        [[206.0, 208.0, 206.0], [96.0, 104.0, 84.0], [104.0, 102.0, 100.0]],
        [[150.0, 182.0, 216.0], [104.0, 88.0, 70.0], [124.0, 118.0, 108.0]],
        [[188.0, 190.0, 198.0], [58.0, 78.0, 60.0], [92.0, 92.0, 94.0]],
    ];
    let [sky, leaves, road] = palette[seed as usize % palette.len()];
    let wave = noise([at[0] * 1.3, 7.0], seed) * 0.7;
    let (above, below) = (smooth(at[1] + 0.45 + wave, 0.35), smooth(at[1] - 0.62 + wave * 0.3, 0.2));
    let blotch = 1.0 + 0.55 * noise([at[0] * 3.0 + 11.0, at[1] * 3.0], seed) * above * (1.0 - below);
    let mixed = |i: usize| (sky[i] * (1.0 - above) + leaves[i] * above) * (1.0 - below) + road[i] * below;
    std::array::from_fn(|channel| mixed(channel) * blotch)
}

/// From 0 to 1 as `x` goes from `-width` to `width`.
fn smooth(x: f32, width: f32) -> f32 {
    let part = (x / (2.0 * width) + 0.5).clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}

/// Smooth noise from -0.5 to 0.5 that changes over a distance of about one.
fn noise(at: Point, seed: u32) -> f32 {
    let cell = at.map(f32::floor);
    let [x, y] = [0, 1].map(|axis| smooth(at[axis] - cell[axis] - 0.5, 0.5));
    let corner = |right: i32, down: i32| {
        let (column, row) = (cell[0] as i32 + right + 512, cell[1] as i32 + down + 512);
        chance(seed, 100_000 + (row * 1024 + column) as u32)
    };
    let along = |down: i32| corner(0, down) * (1.0 - x) + corner(1, down) * x;
    along(0) * (1.0 - y) + along(1) * y - 0.5
}

/// A number from 0 to 1 that looks like chance and is always the same.
fn chance(seed: u32, salt: u32) -> f32 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9) ^ salt.wrapping_mul(0x85eb_ca6b) ^ 0x2c1b_3c6d;
    for _ in 0..2 {
        mixed ^= mixed >> 16;
        mixed = mixed.wrapping_mul(0x7feb_352d);
        mixed ^= mixed >> 15;
        mixed = mixed.wrapping_mul(0x846c_a68b);
    }
    (mixed >> 8) as f32 / (1u32 << 24) as f32
}
