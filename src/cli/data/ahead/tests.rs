use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// An image whose width is its number; every fifth cannot be decoded.
fn decode(index: usize) -> Result<Image> {
    match index % 5 {
        4 => Err(Error::request(format_args!("image {index} is damaged"))),
        _ => Ok(Image { width: index, height: 0, rgb: Vec::new() }),
    }
}

fn check(found: &Result<Image>, index: usize) {
    match found {
        Ok(image) => assert_eq!(image.width, index),
        Err(error) => assert!(index % 5 == 4 && error.to_string().contains(&format!("image {index} "))),
    }
}

#[test]
fn whatever_is_asked_for_comes_in_whichever_order() {
    let ahead = Ahead::new(100, decode);
    for index in (0..100).chain([7, 7, 3, 99, 4, 4]).chain((0..100).rev()).chain((0..100).step_by(3)) {
        check(&ahead.get(index), index);
    }
    ahead.upcoming(vec![2, 30, 31, 64, 99]);
    for index in [2, 30, 31, 64, 99, 31, 50, 64] {
        check(&ahead.get(index), index);
    }
}

#[test]
fn several_users_share_one() {
    let ahead = Ahead::new(400, decode);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let index @ 0..400 = next.fetch_add(1, Ordering::Relaxed) {
                    check(&ahead.get(index), index);
                }
            });
        }
    });
}

#[test]
fn users_at_different_places_make_nobody_decode_twice() {
    let decoded = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&decoded);
    let ahead = Ahead::new(300, move |index| {
        counter.fetch_add(1, Ordering::SeqCst);
        decode(index)
    });
    for index in 0..100 {
        for place in [index, 100 + index, 200 + index] {
            check(&ahead.get(place), place);
        }
    }
    drop(ahead);
    assert_eq!(decoded.load(Ordering::SeqCst), 300);
}

#[test]
fn images_are_decoded_before_they_are_asked_for_but_not_all_of_them() {
    let decoded = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&decoded);
    let ahead = Ahead::new(1000, move |index| {
        counter.fetch_add(1, Ordering::SeqCst);
        decode(index)
    });
    assert_eq!(decoded.load(Ordering::SeqCst), 0, "nothing is decoded that nobody wants");
    check(&ahead.get(0), 0);
    // Without decoding ahead this would wait for ever.
    while decoded.load(Ordering::SeqCst) < 2 {
        std::thread::yield_now();
    }
    assert!(decoded.load(Ordering::SeqCst) <= 1 + 2 * MAX_THREADS);
}

#[test]
fn a_decoder_panics_where_its_image_is_asked_for_and_nobody_waits_for_ever() {
    let ahead = Ahead::new(10, |index| {
        assert_ne!(index, 3, "a defect");
        decode(index)
    });
    for index in 0..3 {
        check(&ahead.get(index), index);
    }
    assert!(catch_unwind(AssertUnwindSafe(|| ahead.get(3))).is_err());
    check(&ahead.get(5), 5);
}
