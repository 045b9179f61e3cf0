//! Threads of the thread pool in which a kernel runs.

/// Returns the number of threads: 1 in a browser tab.
pub fn threads() -> usize {
    #[cfg(target_family = "wasm")]
    return 1;
    #[cfg(not(target_family = "wasm"))]
    rayon::current_num_threads()
}

/// Runs `work` on each item, in parallel if there are several threads.
pub fn for_each<T: Send>(items: Vec<T>, work: impl Fn(T) + Send + Sync) {
    #[cfg(not(target_family = "wasm"))]
    if items.len() > 1 && threads() > 1 {
        use rayon::iter::{IntoParallelIterator, ParallelIterator};
        return items.into_par_iter().for_each(work);
    }
    items.into_iter().for_each(work);
}
