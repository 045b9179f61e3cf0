//! The diverging palette of the feature maps: blue below zero, orange above, readable with any colour vision.

/// A colour, 8 bits a channel.
pub type Rgb = [u8; 3];

/// Colour of the most negative value.
pub const NEGATIVE: Rgb = [33, 102, 172];
/// Colour of the most positive value.
pub const POSITIVE: Rgb = [217, 95, 14];
/// Colour of NaN and the infinities, which have no place on a scale.
pub const NON_FINITE: Rgb = [170, 0, 170];
/// Zero on a light page.
const NEUTRAL_LIGHT: Rgb = [247, 247, 245];
/// Zero on a dark page.
const NEUTRAL_DARK: Rgb = [38, 42, 48];

/// Colour of zero.
pub fn neutral(dark: bool) -> Rgb {
    if dark { NEUTRAL_DARK } else { NEUTRAL_LIGHT }
}

/// The colour of `value` on a scale from `-max_abs` to `max_abs`.
///
/// The square root of the distance from zero is what is drawn: most activations are far smaller than the largest
/// one, and a linear scale would leave them all the same colour.
pub fn colour(value: f32, max_abs: f32, dark: bool) -> Rgb {
    if !value.is_finite() {
        return NON_FINITE;
    }
    let neutral = neutral(dark);
    if max_abs <= 0.0 {
        return neutral;
    }
    let share = (value.abs() / max_abs).clamp(0.0, 1.0).sqrt();
    let end = if value < 0.0 { NEGATIVE } else { POSITIVE };
    std::array::from_fn(|i| {
        let (from, to) = (f32::from(neutral[i]), f32::from(end[i]));
        (from + (to - from) * share).round() as u8
    })
}

/// RGBA pixels of `values` in rows of `columns`. The rest of the last row is transparent.
pub fn pixels(values: &[f32], columns: usize, max_abs: f32, dark: bool) -> Vec<u8> {
    let columns = columns.max(1);
    let mut pixels = vec![0; values.len().div_ceil(columns) * columns * 4];
    for (pixel, &value) in pixels.chunks_exact_mut(4).zip(values) {
        let [r, g, b] = colour(value, max_abs, dark);
        pixel.copy_from_slice(&[r, g, b, 255]);
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_and_the_middle_have_their_colours() {
        assert_eq!(colour(-2.0, 2.0, false), NEGATIVE);
        assert_eq!(colour(2.0, 2.0, true), POSITIVE);
        assert_eq!(colour(0.0, 2.0, true), neutral(true));
        assert_eq!(colour(0.0, 0.0, false), neutral(false));
        assert_eq!(colour(5.0, 2.0, false), POSITIVE);
    }

    #[test]
    fn non_finite_values_stand_out() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(colour(value, 1.0, false), NON_FINITE);
        }
    }

    #[test]
    fn a_short_last_row_is_transparent() {
        let pixels = pixels(&[1.0, 1.0, 1.0], 2, 1.0, false);
        assert_eq!(pixels.len(), 16);
        assert_eq!((pixels[11], pixels[15]), (255, 0));
    }
}
