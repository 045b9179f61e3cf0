//! An allocator with a limit.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

/// Counts the bytes that are allocated.
struct Counting;

/// Bytes that may still be allocated.
static LEFT: AtomicIsize = AtomicIsize::new(isize::MAX / 2);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `work`, which may hold `limit` bytes more at once than are held now.
pub fn limited<T>(limit: usize, work: impl FnOnce() -> T) -> T {
    LEFT.store(isize::try_from(limit).unwrap_or(isize::MAX / 2), Ordering::Relaxed);
    let result = work();
    LEFT.store(isize::MAX / 2, Ordering::Relaxed);
    result
}

fn take(bytes: usize) {
    let left = LEFT.fetch_sub(bytes as isize, Ordering::Relaxed) - bytes as isize;
    if left < 0 {
        LEFT.store(isize::MAX / 2, Ordering::Relaxed);
        let trace = std::backtrace::Backtrace::force_capture();
        eprintln!("allocation of {bytes} bytes is {} beyond the limit\n{trace}", -left);
        std::process::abort();
    }
}

// SAFETY: every call is the system allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LEFT.fetch_add(layout.size() as isize, Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        take(size);
        LEFT.fetch_add(layout.size() as isize, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}
