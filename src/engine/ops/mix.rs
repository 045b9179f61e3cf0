//! Entries along an axis as weighted sums of entries.

use burn::tensor::{Bool, Tensor, TensorData};
use facts::graph::Mix;

use super::Array;
use super::rank::around;
use super::shape::select;

/// Adds the first taps of all entries, then the second ones, and so on. A tap that an entry lacks adds nothing, whatever the
/// element that is taken in its place.
pub(super) fn mix(mix: &Mix, x: &Array, shape: &[usize]) -> Array {
    let tensor = around(mix.axis, x);
    let most = mix.taps.iter().map(Vec::len).max().unwrap_or(0);
    let count = mix.taps.len();
    let device = x.device();
    let mask = |holds: Vec<bool>, like: &Tensor<3>| -> Tensor<3, Bool> {
        Tensor::<3, Bool>::from_data(TensorData::new(holds, [1, count, 1]), &device).expand(like.dims())
    };
    let mut sum: Option<Tensor<3>> = None;
    for tap in 0..most.max(1) {
        let at = |entry: &Vec<(u32, f32)>| entry.get(tap).copied();
        let entries: Vec<usize> =
            mix.taps.iter().map(|entry| at(entry).map_or(0, |(entry, _)| entry as usize)).collect();
        let shares: Vec<f32> = mix.taps.iter().map(|entry| at(entry).map_or(0.0, |(_, share)| share)).collect();
        let missing: Vec<bool> = mix.taps.iter().map(|entry| at(entry).is_none()).collect();
        let shares = Tensor::<3>::from_data(TensorData::new(shares, [1, count, 1]), &device);
        let part = select(tensor.clone(), 1, &entries) * shares;
        let part = if missing.contains(&true) { part.clone().mask_fill(mask(missing, &part), 0.0) } else { part };
        sum = Some(match sum {
            None => part,
            Some(sum) => sum + part,
        });
    }
    let empty: Vec<bool> = mix.taps.iter().map(Vec::is_empty).collect();
    let sum = sum.expect("at least one tap is taken");
    let filled = if empty.contains(&true) { sum.clone().mask_fill(mask(empty, &sum), mix.fill) } else { sum };
    Array::new(shape, filled)
}
