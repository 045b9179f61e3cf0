//! Which images of other data protections are learnt from.

/// The indices of `count` of `all` images, evenly spaced from the first on. Data sets are often sorted by class, and the first
/// images would be of one.
pub fn spread(count: usize, all: usize) -> impl Iterator<Item = usize> + Clone {
    (0..count.min(all)).map(move |nth| (nth as u128 * all as u128 / count.min(all).max(1) as u128) as usize)
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn images_are_evenly_spaced_and_each_is_taken_once() {
        assert_eq!(spread(3, 9).collect::<Vec<_>>(), [0, 3, 6]);
        assert_eq!(spread(4, 4).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(spread(7, 3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(spread(0, 5).count() + spread(5, 0).count(), 0);
        let many: Vec<usize> = spread(999, 1000).collect();
        assert!(many.windows(2).all(|pair| pair[0] < pair[1]) && many.len() == 999);
    }
}
