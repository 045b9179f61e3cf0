use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Luma, Rgba};
use proptest::prelude::*;

use super::{DataSource, Image, ListedImage, Normalise, Preprocess, check_header};
use crate::limits::Memory;

/// An image whose bytes all differ from their neighbours'.
fn pattern(width: usize, height: usize) -> Image {
    Image { width, height, rgb: (0..width * height * 3).map(|index| (index * 37 % 256) as u8).collect() }
}

fn encoded(image: DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("an image can be encoded in memory");
    bytes.into_inner()
}

fn apply(normalise: Normalise, image: &Image, shape: &[usize]) -> crate::Result<Vec<f32>> {
    Preprocess { normalise: normalise.into(), ..Preprocess::default() }.apply(image, shape).map(|tensor| {
        assert_eq!(tensor.shape, shape);
        tensor.data.to_vec()
    })
}

#[test]
fn lossless_formats_decode_to_the_bytes_that_were_encoded() {
    let expected = pattern(5, 3);
    let buffer = image::RgbImage::from_raw(5, 3, expected.rgb.clone()).expect("the bytes fit");
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Pnm, ImageFormat::WebP] {
        let bytes = encoded(buffer.clone().into(), format);
        assert_eq!(Image::decode("x", &bytes).expect("decodes"), expected, "{format:?}");
    }
}

#[test]
fn grey_becomes_rgb_and_alpha_is_dropped() {
    let grey = image::GrayImage::from_pixel(2, 1, Luma([7]));
    assert_eq!(Image::decode("x", &encoded(grey.into(), ImageFormat::Png)).expect("decodes").rgb, [7; 6]);
    let clear = image::RgbaImage::from_pixel(1, 1, Rgba([1, 2, 3, 0]));
    assert_eq!(Image::decode("x", &encoded(clear.into(), ImageFormat::Png)).expect("decodes").rgb, [1, 2, 3]);
}

#[test]
fn an_image_is_decoded_within_a_quarter_of_the_memory() {
    // 100 x 50 pixels of three bytes, as the decoder gives them and as the image keeps them: 30,000 bytes.
    let png = encoded(image::RgbImage::new(100, 50).into(), ImageFormat::Png);
    Image::decode_within("sky.png", &png, Memory::new(120_000)).expect("a quarter is 30,000 bytes");
    let error = Image::decode_within("sky.png", &png, Memory::new(119_999)).expect_err("too little").to_string();
    assert!(
        error.starts_with("sky.png: an image of 100 x 50 pixels, with room for others beside it, needs 118 KiB"),
        "{error}"
    );
}

/// Checks the header of `file`; says how many bytes of it were read.
fn header(file: &[u8]) -> Result<usize, String> {
    let mut most_read = 0;
    let first = |most: usize| {
        let read = most.min(file.len());
        most_read = most_read.max(read);
        Ok(file[..read].to_vec())
    };
    check_header("holiday", first).map(|()| most_read).map_err(|error| error.to_string())
}

#[test]
fn a_header_is_checked_without_the_pixels() {
    let noise = |x: u32, y: u32| image::Rgb([(x * 7 + y * 13) as u8, (x * x + y) as u8, (x ^ (y * 31)) as u8]);
    let picture = image::RgbImage::from_fn(300, 300, noise);
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Pnm, ImageFormat::WebP] {
        let whole = encoded(picture.clone().into(), format);
        assert!(whole.len() > 17_000, "{format:?}");
        let read = header(&whole).expect("a good header");
        assert!(read == 16 << 10 || format == ImageFormat::WebP, "{format:?}: {read}");
        // What is damaged behind it is met when the pixels are read.
        let mut late = whole.clone();
        late[20_000.min(whole.len() - 100)..].fill(0);
        header(&late).expect("a good header");
        // The first bytes say what it is; then the header breaks off.
        assert!(header(&whole[..12]).is_err(), "{format:?}");
    }
    let jpeg = encoded(picture.into(), ImageFormat::Jpeg);
    // A header that is longer than what is read at first: segments of a camera.
    let segment = [&[0xff, 0xe1, 0xff, 0xff][..], &vec![0; 65_533]].concat();
    let long = [&jpeg[..2], &segment, &segment, &jpeg[2..]].concat();
    assert_eq!(header(&long), Ok(long.len()));
    assert_eq!(header(b"").unwrap_err(), "holiday: the file is empty");
    assert!(header(b"hello, world").unwrap_err().contains("this is no image"));
    assert!(header(b"P6 8001 8000 255\n").unwrap_err().contains("8001 x 8000"));
    assert!(header(b"GIF89a\x01\0\x01\0").unwrap_err().contains("a GIF is not read"));
}

#[test]
fn a_line_of_a_list_is_read_as_it_was_written() {
    let plain = ListedImage { name: "a b/c.png", label: Some(7), bytes: 12, crop: None };
    assert_eq!(DataSource::parse_line(&DataSource::line("a b/c.png", Some(7), 12)), Some(plain));
    let cropped = ListedImage { label: None, crop: Some([1, 2, 30, 40]), ..plain };
    assert_eq!(DataSource::parse_line("a b/c.png\t-\t12\t1\t2\t30\t40"), Some(cropped));
    for line in ["", "a\t1", "a\t1\tx", "a\tb\t1", "a\t1\t2\t3", "a\t1\t2\t3\t4\t5\t6\t7"] {
        assert_eq!(DataSource::parse_line(line), None, "{line}");
    }
}

#[test]
fn damaged_and_hostile_images_are_refused_by_name() {
    let refused = |bytes: &[u8], expected: &str| {
        let error = Image::decode("holiday.png", bytes).expect_err(expected).to_string();
        assert!(error.starts_with("holiday.png: ") && error.contains(expected), "{error}");
    };
    refused(b"", "the file is empty");
    refused(b"hello, world", "this is no image");
    refused(b"GIF89a\x01\0\x01\0", "a GIF is not read");
    let whole = encoded(image::RgbImage::from_pixel(64, 64, image::Rgb([9, 8, 7])).into(), ImageFormat::Jpeg);
    for cut in [20, whole.len() / 2, whole.len() - 1] {
        refused(&whole[..cut], "the JPEG is cut short");
    }
    let png = encoded(image::RgbImage::from_pixel(64, 64, image::Rgb([9, 8, 7])).into(), ImageFormat::Png);
    refused(&png[..png.len() / 2], "the PNG is cut short");
    let mut flipped = png.clone();
    flipped[png.len() / 2] ^= 0x10;
    refused(&flipped, "the PNG is damaged");
    // A header that promises 2^31 x 2^31 pixels; its checksum is right.
    refused(
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\0\0\0\x9b\xab\x9c\x31",
        "holiday.png: the PNG ",
    );
    refused(b"P6 8001 8000 255\n", "8001 x 8000");
    refused(b"P6 4000000000 4000000000 255\n", "holiday.png");
}

proptest! {
    #[test]
    fn damaged_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let photo = image::RgbImage::from_raw(16, 16, pattern(16, 16).rgb).expect("the bytes fit");
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Pnm, ImageFormat::WebP] {
            let mut bytes = encoded(photo.clone().into(), format);
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            let _ = Image::decode("x", &bytes);
            bytes.truncate(cut.index(bytes.len()));
            let _ = Image::decode("x", &bytes);
        }
    }
}

#[test]
fn an_image_of_the_inputs_size_is_not_resampled() {
    let image = pattern(4, 2);
    let planes = apply(Normalise::Byte, &image, &[1, 3, 2, 4]).expect("fits");
    let interleaved = apply(Normalise::Byte, &image, &[1, 2, 4, 3]).expect("fits");
    for (position, pixel) in image.rgb.chunks_exact(3).enumerate() {
        for (channel, &byte) in pixel.iter().enumerate() {
            assert_eq!(planes[channel * 8 + position], f32::from(byte));
            assert_eq!(interleaved[position * 3 + channel], f32::from(byte));
        }
    }
}

#[test]
fn a_crop_is_without_its_last_row_and_column() {
    let image = pattern(5, 4);
    let crop = image.crop([1, 2, 4, 4]).expect("it lies inside");
    assert_eq!((crop.width, crop.height), (3, 2));
    let row = |y: usize| &image.rgb[(y * 5 + 1) * 3..(y * 5 + 4) * 3];
    assert_eq!(crop.rgb, [row(2), row(3)].concat());
    assert_eq!(image.crop([0, 0, 5, 4]).expect("all of it"), image);
    for outside in [[1, 2, 1, 4], [3, 0, 2, 1], [0, 0, 6, 4], [0, 0, 5, 5]] {
        let error = image.crop(outside).expect_err("not inside").to_string();
        assert!(error.contains("does not lie in the 5 x 4 pixels"), "{error}");
    }
}

#[test]
fn normalisations_follow_their_formulas() {
    let image = Image { width: 1, height: 1, rgb: vec![0, 127, 255] };
    let expected: [(Normalise, [f32; 3]); 6] = [
        (Normalise::Unit, [0.0, 0.498_039_22, 1.0]),
        (Normalise::Byte, [0.0, 127.0, 255.0]),
        (Normalise::Tf, [-1.0, -0.003_921_569, 1.0]),
        (Normalise::Torch, [-2.117_904, 0.187_675, 2.64]),
        (Normalise::Caffe, [151.061, 10.221, -123.68]),
        (Normalise::Lite, [-0.992_187_5, 0.0, 1.0]),
    ];
    for (normalise, values) in expected {
        let found = apply(normalise, &image, &[1, 3, 1, 1]).expect("fits");
        for (found, expected) in found.iter().zip(values) {
            assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{normalise:?}: {found} {expected}");
        }
    }
}

#[test]
fn one_channel_takes_pillows_luminance() {
    // Pillow: Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0))
    for (rgb, grey) in [([255, 0, 0], 76.0), ([0, 255, 0], 150.0), ([0, 0, 255], 29.0), ([10, 200, 77], 129.0)] {
        let image = Image { width: 1, height: 1, rgb: rgb.to_vec() };
        assert_eq!(apply(Normalise::Byte, &image, &[1, 1, 1, 1]).expect("fits"), [grey]);
    }
    let error = apply(Normalise::Caffe, &pattern(1, 1), &[1, 1, 1, 1]).expect_err("three channels");
    assert!(error.to_string().contains("the preprocessing caffe is defined for three channels"), "{error}");
}

#[test]
fn a_resize_covers_the_whole_image() {
    // Halving by a triangle filter weighs the pixels 1 3 3 1 in the middle, and 3 3 1 at an edge.
    let row = Image { width: 4, height: 1, rgb: [0u8, 80, 160, 240].into_iter().flat_map(|x| [x; 3]).collect() };
    let halved = apply(Normalise::Byte, &row, &[1, 3, 1, 2]).expect("fits");
    assert_eq!(halved[..2], [57.0, 183.0]);
    let flat = Image { width: 300, height: 200, rgb: vec![93; 300 * 200 * 3] };
    assert!(apply(Normalise::Byte, &flat, &[1, 3, 224, 224]).expect("fits").iter().all(|&x| x == 93.0));
}

#[test]
fn inputs_that_no_image_fits_are_refused() {
    for shape in
        [&[3, 224, 224][..], &[2, 3, 8, 8], &[1, 5, 8, 8], &[1, 783], &[], &[1], &[1, 3, 0, 8], &[1, 3, usize::MAX, 8]]
    {
        assert!(apply(Normalise::Unit, &pattern(2, 2), shape).is_err(), "{shape:?}");
    }
    let wide = Image { width: 60_000_000, height: 1, rgb: Vec::new() };
    assert!(apply(Normalise::Unit, &wide, &[1, 3, 224, 224]).is_err());
    let lying = Image { width: 8, height: 8, rgb: vec![0; 5] };
    assert!(apply(Normalise::Unit, &lying, &[1, 3, 8, 8]).is_err());
}

#[test]
fn stray_bytes_between_the_segments_of_a_jpeg_are_passed_over() {
    let whole = encoded(image::RgbImage::from_pixel(16, 16, image::Rgb([9, 8, 7])).into(), ImageFormat::Jpeg);
    let expected = Image::decode("x.jpg", &whole).expect("decodes");
    let header = whole.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame header");
    let scan = whole.windows(2).position(|pair| pair == [0xff, 0xda]).expect("a scan");
    for at in [header, scan] {
        let stray = [&whole[..at], &[0, 0x12, 0], &whole[at..]].concat();
        match Image::decode("x.jpg", &stray) {
            Ok(image) => assert_eq!(image, expected, "at {at}"),
            Err(error) => panic!("at {at}: {error}"),
        }
    }
}
