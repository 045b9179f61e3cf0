use super::*;
use crate::data::{DataFormat, Image, LabelledImage};

fn images(labels: impl IntoIterator<Item = Option<usize>>) -> Vec<LabelledImage> {
    let image = Image { width: 1, height: 1, rgb: vec![0; 3] };
    let labelled = |(index, label)| LabelledImage { name: format!("{index}.png"), label, image: image.clone() };
    labels.into_iter().enumerate().map(labelled).collect()
}

fn origin(images: usize) -> DataSource {
    DataSource::new("photos", DataFormat::Folder, images, "00ff")
}

fn draw(source: &Vec<LabelledImage>, seed: u64, count: usize, balanced: bool) -> Result<Sample> {
    Sample::draw(source, origin(source.len()), seed, count, balanced)
}

/// Number of images by class.
fn census(source: &[LabelledImage], sample: &Sample) -> BTreeMap<usize, usize> {
    let mut census = BTreeMap::new();
    for &index in &sample.indices {
        *census.entry(source[index].label.expect("a label")).or_default() += 1;
    }
    census
}

#[test]
fn a_sample_has_as_many_distinct_images_as_asked_for_in_order() {
    let source = images((0..50).map(|index| Some(index % 5)));
    for count in [1, 7, 49, 50] {
        let sample = draw(&source, 3, count, false).expect("enough images");
        assert_eq!(sample.indices.len(), count);
        assert!(sample.indices.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(sample.indices.iter().all(|&index| index < 50));
    }
    assert_eq!(draw(&source, 3, 20, false).expect("enough"), draw(&source, 3, 20, false).expect("enough"));
    let others = draw(&source, 4, 20, false).expect("enough").indices;
    assert_ne!(draw(&source, 3, 20, false).expect("enough").indices, others);
}

/// Pinned: the images of a campaign must not change with a library's version or with the platform.
#[test]
fn a_seed_draws_the_same_images_for_ever() {
    let source = images((0..100).map(|index| Some(index % 10)));
    let pinned = |balanced| draw(&source, 2022, 10, balanced).expect("enough").indices;
    let (any, one_of_each) = (pinned(false), pinned(true));
    assert_eq!(any, [0, 6, 7, 24, 25, 35, 51, 67, 81, 94]);
    assert_eq!(one_of_each, [4, 7, 12, 29, 33, 41, 46, 50, 95, 98]);
}

#[test]
fn every_image_is_equally_likely() {
    let source = images((0..20).map(|index| Some(index % 2)));
    for balanced in [false, true] {
        let mut drawn = [0u32; 20];
        for seed in 0..4000 {
            for index in draw(&source, seed, 5, balanced).expect("enough").indices {
                drawn[index] += 1;
            }
        }
        // Binomial with n 4000 and p 1/4: 1000, with a standard deviation of 27.
        assert!(drawn.iter().all(|&count| (863..=1137).contains(&count)), "{balanced} {drawn:?}");
    }
}

#[test]
fn a_balanced_sample_has_the_same_number_of_every_class_give_or_take_one() {
    let source = images((0..200).map(|index| Some(if index < 140 { 7 } else { index % 6 })));
    let classes = 7;
    for count in [3, classes * 4, classes * 4 + 3] {
        let sample = draw(&source, 1, count, true).expect("enough of every class");
        let census = census(&source, &sample);
        assert_eq!(census.values().sum::<usize>(), count);
        assert!(
            census.values().all(|&images| images == count / classes || images == count / classes + 1),
            "{census:?}"
        );
    }
    // Which classes have one more is drawn, too.
    let extras = |seed| census(&source, &draw(&source, seed, 3, true).expect("enough"));
    assert!((1..20).any(|seed| extras(seed) != extras(0)));
}

#[test]
fn a_sample_that_cannot_be_drawn_is_refused() {
    let source = images([Some(0), Some(0), Some(1), Some(0)]);
    let refused =
        |source: &Vec<LabelledImage>, count, balanced| draw(source, 0, count, balanced).expect_err("none").to_string();
    assert!(refused(&source, 5, false).contains("5 images are to be drawn, the data has 4"));
    assert!(refused(&source, 0, false).contains("0 images"));
    assert!(refused(&source, 4, true).contains("2 of class 1, which has 1"));
    assert!(refused(&images([Some(0), None]), 2, true).starts_with("1.png: a balanced sample needs the label"));
    assert!(draw(&images([None, None]), 0, 1, false).is_ok(), "labels are not needed where nothing is balanced");
}

#[test]
fn a_file_is_read_back_and_one_that_contradicts_itself_is_refused() {
    let source = images((0..9).map(Some));
    let sample = draw(&source, 5, 4, false).expect("enough");
    let text = serde_json::to_string(&sample).expect("a sample can be written");
    assert_eq!(Sample::from_json("s.json", &text).expect("and read"), sample);

    let refused = |change: &dyn Fn(&mut serde_json::Value), expected: &str| {
        let mut value = serde_json::to_value(&sample).expect("a sample can be written");
        change(&mut value);
        let error = Sample::from_json("s.json", &value.to_string()).expect_err(expected).to_string();
        assert!(error.starts_with("s.json: ") && error.contains(expected), "{error}");
    };
    refused(&|value| value["indices"] = [0, 1].into_iter().collect(), "4 images are stated, 2 are listed");
    refused(&|value| value["indices"] = [0, 2, 2, 3].into_iter().collect(), "2 is followed by 2");
    refused(&|value| value["indices"] = [0, 1, 2, 9].into_iter().collect(), "image 9 is listed, the data has 9");
    refused(&|value| value["indices"] = "all".into(), "not a sample");
    refused(&|value| value["sead"] = 1.into(), "sead");
}

#[test]
fn a_sample_belongs_to_its_data_wherever_that_lies() {
    let source = images((0..9).map(Some));
    let sample = draw(&source, 5, 4, false).expect("enough");
    let moved = DataSource { path: "elsewhere".to_owned(), ..origin(9) };
    assert!(sample.fits("s.json", &moved).is_ok());
    for other in [DataSource { sha256: "11".to_owned(), ..origin(9) }, origin(10)] {
        let error = sample.fits("s.json", &other).expect_err("another data set").to_string();
        assert!(error.starts_with("s.json: the sample was drawn from 9 images of photos"), "{error}");
    }
}
