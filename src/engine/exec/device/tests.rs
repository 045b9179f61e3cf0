use super::*;

#[test]
fn an_output_is_uncertain_where_rounding_could_turn_the_class() {
    assert!(is_uncertain(&[1.0, 20.0, 19.99]));
    assert!(!is_uncertain(&[1.0, 20.0, 19.9]));
    assert!(is_uncertain(&[-5.0, -5.0, -7.0]), "a tie");
    assert!(is_uncertain(&[f32::INFINITY, 3.0]), "a sum that has just overflowed");
    assert!(is_uncertain(&[1.0, f32::NAN]));
    assert!(!is_uncertain(&[f32::NAN, f32::NAN]), "class 0 in any order");
    assert!(!is_uncertain(&[0.5]));
}

/// Every image is in a batch, every lane is in one batch with its image, and no batch has too many rows.
#[test]
fn a_wave_is_cut_into_batches() {
    let lanes: Vec<Lane> =
        (0..23).map(|lane| Lane { image: [0, 3, 3, 1][lane % 4], changes: Vec::new(), ..Lane::default() }).collect();
    for most in [2, 3, 7, 100] {
        let parts = parts(5, &lanes, most);
        let mut seen: Vec<usize> = parts.iter().flat_map(|part| part.lanes.clone()).collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..23), "{most} rows");
        assert!((0..5).all(|image| parts.iter().any(|part| part.images.contains(&image))), "{most} rows");
        for part in &parts {
            assert!(part.images.len() + part.lanes.len() <= most);
            assert!(part.lanes.iter().all(|&lane| part.images.contains(&lanes[lane].image)));
        }
    }
}
