use super::*;
use crate::data::{Crop, Filter};

fn values(preprocess: &Preprocess, rgb: &[u8], shape: &[usize]) -> Result<Vec<f32>> {
    let image = Image { width: rgb.len() / 3, height: 1, rgb: rgb.to_vec() };
    preprocess.apply(&image, shape).map(|tensor| tensor.data.to_vec())
}

fn choice() -> PreprocessChoice {
    PreprocessChoice::default()
}

fn own(choice: PreprocessChoice) -> Preprocess {
    choice.over(&Preprocess::default()).expect("it fits together")
}

#[test]
fn named_and_own_numbers_are_torchvisions_bit_for_bit() {
    // ToTensor() and Normalize(mean, std) of torchvision 0.29.2 on the pixel 0, 127, 255.
    let numbers =
        |mean: &str, std: &str| PreprocessChoice { mean: mean.parse().ok(), std: std.parse().ok(), ..choice() };
    let torch = [0xc007_8bbd, 0x3e40_2de4, 0x4028_f5c3];
    let cases = [
        (Preprocess::known(Normalise::Torch, Resize::Stretch), torch),
        (own(numbers("0.485,0.456,0.406", "0.229,0.224,0.225")), torch),
        (Preprocess::known(Normalise::Cifar10, Resize::Stretch), [0xbffe_a713, 0x3d85_37f4, 0x4007_69b1]),
        (Preprocess::known(Normalise::Cifar100, Resize::Stretch), [0xbff2_d4cd, 0x3d38_56ea, 0x4001_8d71]),
        (own(numbers("0.5,0.25,0.125", "0.5")), [0xbf80_0000, 0x3efd_fdfe, 0x3fe0_0000]),
    ];
    for (preprocess, expected) in cases {
        let found = values(&preprocess, &[0, 127, 255], &[1, 3, 1, 1]).expect("three channels");
        let found: Vec<u32> = found.into_iter().map(f32::to_bits).collect();
        assert_eq!(found, expected, "{preprocess}");
    }
    let mnist = Preprocess::known(Normalise::Mnist, Resize::Stretch);
    let grey: Vec<u8> = [0, 127, 200, 255].iter().flat_map(|&grey| [grey; 3]).collect();
    let found = values(&mnist, &grey, &[1, 1, 1, 4]).expect("one channel");
    assert_eq!(
        found.iter().map(|value| value.to_bits()).collect::<Vec<_>>(),
        [0xbed9_3271, 0x3f98_9c64, 0x4007_c593, 0x4034_933d]
    );
    assert_eq!(
        own(numbers("0.1307", "0.3081"))
            .apply(&Image { width: 4, height: 1, rgb: grey }, &[1, 1, 1, 4])
            .expect("one channel")
            .data[..],
        found
    );
}

#[test]
fn every_known_way_is_what_its_formula_says() {
    type Formula = fn(f32) -> f32;
    let formula: [(Normalise, Formula); 4] = [
        (Normalise::Unit, |x| x / 255.0),
        (Normalise::Byte, |x| x),
        (Normalise::Tf, |x| x / 127.5 - 1.0),
        (Normalise::Lite, |x| (x - 127.0) / 128.0),
    ];
    for (known, formula) in formula {
        for byte in 0..=255u8 {
            let found = values(&Preprocess::known(known, Resize::Stretch), &[byte; 3], &[1, 1, 1, 1]).expect("grey");
            assert_eq!(found, [formula(f32::from(byte))], "{known:?} of {byte}");
        }
    }
}

#[test]
fn colours_go_where_they_are_asked_for() {
    let color = |color| own(PreprocessChoice { preset: Some(Normalise::Byte), color: Some(color), ..choice() });
    let of = |preprocess: &Preprocess, shape: &[usize]| values(preprocess, &[10, 200, 77], shape).expect("it fits");
    assert_eq!(of(&color(Color::Rgb), &[1, 3, 1, 1]), [10.0, 200.0, 77.0]);
    assert_eq!(of(&color(Color::Bgr), &[1, 3, 1, 1]), [77.0, 200.0, 10.0]);
    // Pillow: convert("L") gives 129.
    assert_eq!(of(&color(Color::Gray), &[1, 3, 1, 1]), [129.0; 3]);
    assert_eq!(of(&color(Color::Rgb), &[1, 1, 1]), [129.0]);
    assert_eq!(of(&color(Color::Rgb), &[1, 4, 1, 1]), [10.0, 200.0, 77.0, 255.0]);
    // Means and deviations go along with their colour.
    let caffe = own(PreprocessChoice { preset: Some(Normalise::Caffe), color: Some(Color::Rgb), ..choice() });
    assert_eq!(of(&caffe, &[1, 3, 1, 1]), [10.0 - 123.68, 200.0 - 116.779, 77.0 - 103.939]);
}

#[test]
fn an_input_without_channels_takes_grey_images_and_a_row_of_numbers_a_square() {
    let byte = Preprocess::known(Normalise::Byte, Resize::Stretch);
    let rgb: Vec<u8> = (0..12).collect();
    let image = Image { width: 2, height: 2, rgb };
    let of = |shape: &[usize]| byte.apply(&image, shape).map(|tensor| (tensor.shape.clone(), tensor.data.to_vec()));
    let grey = of(&[1, 1, 2, 2]).expect("grey").1;
    assert_eq!(of(&[1, 2, 2]).expect("grey"), (vec![1, 2, 2], grey.clone()));
    assert_eq!(of(&[1, 4]).expect("a square"), (vec![1, 4], grey));
    assert_eq!(of(&[1, 12]).expect("three planes").1, of(&[1, 3, 2, 2]).expect("three channels").1);
    for shape in [&[1, 5][..], &[1, 0], &[4], &[2, 2], &[2, 4]] {
        assert!(of(shape).is_err(), "{shape:?}");
    }
    assert!(InputShape::assumed(&[1, 784]).is_some_and(|said| said.contains("grey image of 28 x 28")));
    assert!(InputShape::assumed(&[1, 3072]).is_some_and(|said| said.contains("32 x 32, all of red")));
    assert!(InputShape::assumed(&[1, 4, 8, 8]).is_some_and(|said| said.contains("opaque alpha")));
    assert_eq!(InputShape::assumed(&[1, 3, 8, 8]), None);
}

#[test]
fn statements_that_contradict_each_other_are_refused() {
    let refused = |choice: PreprocessChoice, expected: &str| {
        let error = choice.over(&Preprocess::default()).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    };
    let mean = |text: &str| text.parse().ok();
    refused(
        PreprocessChoice { preset: Some(Normalise::Tf), mean: mean("0.5"), ..choice() },
        "--preprocess tf states scale, mean and deviation itself",
    );
    refused(PreprocessChoice { mean: mean("123.68"), ..choice() }, "--scale 1,");
    refused(PreprocessChoice { std: mean("0"), ..choice() }, "--std must be above 0");
    let crop_pad = Some(Resize::CropPad);
    refused(PreprocessChoice { resize: crop_pad, filter: Some(Filter::Area), ..choice() }, "--filter has no effect");
    refused(PreprocessChoice { resize: crop_pad, crop: "256/224".parse().ok(), ..choice() }, "--crop has no effect");
    refused(
        PreprocessChoice { filter: Some(Filter::Nearest), antialias: Some(true), ..choice() },
        "--antialias has no effect with --filter nearest",
    );
    assert!(own(PreprocessChoice { mean: mean("0.1,0.2"), ..choice() }).check_input(&[1, 3, 4, 4]).is_err());
    assert!(own(PreprocessChoice { mean: mean("0.1"), ..choice() }).check_input(&[1, 3, 4, 4]).is_ok());
    let bgr = own(PreprocessChoice { color: Some(Color::Bgr), ..choice() });
    assert!(bgr.check_input(&[1, 1, 4, 4]).is_err());
    assert!(Preprocess::torchvision().check_input(&[1, 3, 4, 5]).is_err());
}

#[test]
fn numbers_read_as_they_are_written() {
    for (text, factor) in
        [("1/255", 1.0 / 255.0), ("1", 1.0), ("1/127.5", 1.0 / 127.5), ("0.25", 0.25), ("0.003", 0.003)]
    {
        let scale: Scale = text.parse().expect("a factor");
        assert_eq!(scale.factor(), factor, "{text}");
        assert_eq!(scale.to_string().parse::<Scale>(), Ok(scale), "{text}");
    }
    for text in ["255", "0", "-1", "1/0", "a", "", "NaN", "1/"] {
        assert!(text.parse::<Scale>().is_err(), "{text}");
    }
    for text in ["0.875", "256/224", ".9", "1", "224/256"] {
        let crop: Crop = text.parse().expect("a crop");
        assert_eq!(crop.to_string().parse::<Crop>(), Ok(crop), "{text}");
    }
    for text in ["224", "0", "1/0", "0.", "1.5", "9/1", "-1/2", "0.0000000001"] {
        assert!(text.parse::<Crop>().is_err(), "{text}");
    }
    for text in ["", "1,2,3,4,5", "a", "1,,2", "inf"] {
        assert!(text.parse::<Numbers>().is_err(), "{text}");
    }
    for text in ["0", "0x4", "8193", "a", "4x", "-1x4"] {
        assert!(text.parse::<InputSize>().is_err(), "{text}");
    }
}

#[test]
fn preprocessing_survives_json_and_the_words_for_known_ways_stay() {
    let json = |preprocess: &Preprocess| serde_json::to_string(preprocess).expect("JSON");
    assert_eq!(json(&Preprocess::default()), r#"{"normalise":"unit","resize":"stretch"}"#);
    let own = own(PreprocessChoice {
        mean: "0.5,0.25,0.125".parse().ok(),
        std: "0.5".parse().ok(),
        color: Some(Color::Bgr),
        filter: Some(Filter::Lanczos),
        antialias: Some(false),
        crop: "0.875".parse().ok(),
        ..choice()
    });
    assert_eq!(
        json(&own),
        r#"{"normalise":{"color":"bgr","scale":0.00392156862745098,"mean":[0.5,0.25,0.125],"std":[0.5]},"resize":"stretch","filter":"lanczos","antialias":false,"crop":"1000/875"}"#
    );
    for preprocess in [Preprocess::default(), own, Preprocess::torchvision()] {
        let back: Preprocess = serde_json::from_str(&json(&preprocess)).expect("its own JSON");
        assert_eq!(back, preprocess);
    }
    let old: Preprocess = serde_json::from_str(r#"{"normalise":"caffe"}"#).expect("a file of before");
    assert_eq!(old, Preprocess::known(Normalise::Caffe, Resize::Stretch));
    let bad = r#"{"normalise":{"color":"rgb","scale":2.0,"mean":[0.0],"std":[1.0]},"resize":"stretch"}"#;
    assert!(serde_json::from_str::<Preprocess>(bad).is_err());
}

#[test]
fn sentences_name_every_part() {
    let said = |preprocess: Preprocess| preprocess.to_string();
    assert_eq!(said(Preprocess::default()), "x / 255 (unit); whole image stretched, bilinear with antialiasing");
    assert_eq!(
        said(Preprocess::torchvision()),
        "(x / 255 - mean) / standard deviation, of ImageNet (torch); shorter side to 256/224 of the input's, then the centre, \
         bilinear with antialiasing"
    );
    let numbers = PreprocessChoice { mean: "0.1307".parse().ok(), std: "0.3081".parse().ok(), ..choice() };
    assert_eq!(
        said(own(PreprocessChoice { resize: Some(Resize::ShorterSide), ..numbers })),
        "(x / 255 - 0.1307) / 0.3081; shorter side to 1.14286 times the input's, then the centre, bicubic without antialiasing"
    );
}

#[test]
fn an_open_size_is_filled_in_and_nothing_else() {
    let size: InputSize = "20x30".parse().expect("a size");
    let fill = |shape: &[Option<usize>]| size.fill(shape).map_err(|error| error.to_string());
    assert_eq!(fill(&[Some(1), Some(3), None, None]), Ok(vec![1, 3, 20, 30]));
    assert_eq!(fill(&[Some(1), None, None, Some(3)]), Ok(vec![1, 20, 30, 3]));
    assert_eq!(fill(&[None, Some(3), Some(20), None]), Ok(vec![1, 3, 20, 30]));
    assert_eq!(fill(&[Some(1), None, None]), Ok(vec![1, 20, 30]));
    for shape in [&[Some(1), Some(3), Some(224), None][..], &[Some(1), None, None, None], &[Some(1), None], &[]] {
        assert!(fill(shape).is_err(), "{shape:?}");
    }
    assert!(size.check_fixed(&[1, 3, 20, 30]).is_ok() && size.check_fixed(&[1, 3, 30, 20]).is_err());
}
