use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// The checksums that `fixtures/formats.py` made with numpy and ml_dtypes.
fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/formats.json")).unwrap()
}

fn crc(words: impl Iterator<Item = u32>) -> u64 {
    let mut sum = u32::MAX;
    for byte in words.flat_map(u32::to_le_bytes) {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        }
    }
    u64::from(!sum)
}

fn bits(value: f32) -> u32 {
    if value.is_nan() { 0x7fc0_0000 } else { value.to_bits() }
}

/// The numbers of the script's `probes`, and zeros, infinities and a NaN.
fn probes() -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from_bits(state)
    };
    let mut probes: Vec<f32> = (0..1 << 16).map(|_| next()).collect();
    probes.extend([0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN]);
    probes
}

/// The probes, the middle of each number of `format` and the next one, and the float32 numbers around it.
fn values(format: Format) -> Vec<f32> {
    let mut finite: Vec<f64> =
        (0..=format.mask()).map(|word| f64::from(format.decode(word))).filter(|value| value.is_finite()).collect();
    finite.sort_by(f64::total_cmp);
    finite.dedup_by(|a, b| a == b);
    let middle: Vec<f32> = finite.windows(2).map(|pair| ((pair[0] + pair[1]) / 2.0) as f32).collect();
    let mut values = probes();
    values.extend(&middle);
    values.extend(middle.iter().map(|value| value.next_up()));
    values.extend(middle.iter().map(|value| value.next_down()));
    values
}

#[test]
fn floats_are_those_of_numpy() {
    let fixture = fixture();
    for format in [Format::F16, Format::Bf16, Format::E4m3, Format::E5m2] {
        let expected = &fixture[format.to_string()];
        let decoded = crc((0..=format.mask()).map(|word| bits(format.decode(word))));
        assert_eq!(Some(decoded), expected["decoded"].as_u64(), "{format}: decoded");
        let values = values(format);
        assert_eq!(Some(values.len() as u64), expected["values"].as_u64(), "{format}");
        // The script writes 0 for a NaN, whose word differs between libraries.
        let encoded = values.iter().map(|&value| if value.is_nan() { 0 } else { format.encode(value) });
        assert_eq!(Some(crc(encoded)), expected["encoded"].as_u64(), "{format}: encoded");
    }
}

#[test]
fn integers_are_those_of_numpy() {
    for expected in fixture()["integers"].as_array().unwrap() {
        let format: Format = serde_json::from_value(expected["format"].clone()).unwrap();
        let scale: Scale = serde_json::from_value(expected.clone()).unwrap();
        let code = Code::new(format, scale);
        assert_eq!(f64::from(code.scale), expected["scale"].as_f64().unwrap());
        let probes = probes();
        let encoded = crc(probes.iter().map(|&value| code.encode(value)));
        assert_eq!(Some(encoded), expected["encoded"].as_u64(), "{expected}");
        let rounded = crc(probes.iter().map(|&value| bits(code.round(value))));
        assert_eq!(Some(rounded), expected["rounded"].as_u64(), "{expected}");
    }
}

#[test]
fn every_word_survives_decoding_and_encoding() {
    for format in Format::NAMED.into_iter().filter(|format| format.width() <= 16) {
        for word in 0..=format.mask() {
            let value = format.decode(word);
            if !value.is_nan() {
                assert_eq!(format.encode(value), word, "{format} {word:#x}");
            } else {
                assert_eq!(format.encode(value), format.encode(f32::NAN), "{format} {word:#x}");
            }
        }
    }
}

#[test]
fn large_numbers_are_infinite_or_the_largest() {
    for (format, value, expected) in [
        (Format::F16, 65519.0, 65504.0),
        (Format::F16, 65520.0, f32::INFINITY),
        (Format::Bf16, f32::MAX, f32::INFINITY),
        (Format::E4m3, 1e9, 448.0),
        (Format::E4m3, f32::NEG_INFINITY, -448.0),
        (Format::E5m2, 61440.0, f32::INFINITY),
        (Format::I8, 1e9, 127.0),
        (Format::I8, -1e9, -128.0),
        (Format::U8, -3.0, 0.0),
        (Format::I8, f32::NAN, 0.0),
        (Format::I8, 2.5, 2.0),
        (Format::Fixed { whole: 4, fraction: 3 }, 100.0, 15.875),
    ] {
        assert_eq!(format.round(value), expected, "{format} of {value}");
    }
    assert!(Format::E4m3.round(f32::NAN).is_nan());
}

/// Formats with scales, of every kind.
fn codes() -> impl Strategy<Value = Code> {
    let fixed = (0u8..=12, 1u8..=12).prop_map(|(whole, fraction)| Code::from(Format::Fixed { whole, fraction }));
    let scaled = (1e-4f32..2.0, -90i32..90, prop::sample::select(vec![Format::I8, Format::U8, Format::I16]));
    let scaled = scaled.prop_map(|(scale, zero, format)| {
        Code::new(format, Scale { scale, zero: if format == Format::U8 { zero.abs() } else { zero } })
    });
    prop_oneof![prop::sample::select(Format::NAMED.to_vec()).prop_map(Code::from), fixed, scaled]
}

proptest! {
    #[test]
    fn rounding_is_encoding_and_decoding(code in codes(), word: u32, small in -300f32..300.0) {
        for value in [f32::from_bits(word), small] {
            let expected = if code.format == Format::F32 { value } else { code.decode(code.encode(value)) };
            prop_assert_eq!(bits(code.round(value)), bits(expected), "{:?} of {}", code, value);
            let mut all = [value; 3];
            code.round_all(&mut all);
            prop_assert_eq!(all.map(bits), [bits(expected); 3]);
            prop_assert_eq!(bits(code.round(expected)), bits(expected), "a rounded number stays");
        }
    }
}

#[test]
fn the_fields_cover_every_bit_once() {
    let fixed = [Format::Fixed { whole: 0, fraction: 7 }, Format::Fixed { whole: 3, fraction: 0 }];
    for format in Format::NAMED.into_iter().chain(fixed) {
        for bit in 0..format.width() {
            let holders = format.fields().iter().filter(|(_, bits)| bits.contains(&bit)).count();
            assert_eq!(holders, 1, "{format} bit {bit}");
        }
        assert_eq!(format.field(format.width()), None);
        let fields = format.fields();
        assert!(fields.windows(2).all(|pair| pair[0].1.start == pair[1].1.end), "{format}");
    }
    assert_eq!(Format::F32.bits_of(BitField::Exponent), 23..31);
    assert_eq!(Format::Bf16.bits_of(BitField::Exponent), 7..15);
}

#[test]
fn a_format_survives_text_and_json() {
    let fixed = Format::Fixed { whole: 4, fraction: 3 };
    for format in Format::NAMED.into_iter().chain([fixed]) {
        assert_eq!(format.to_string().parse::<Format>().unwrap(), format);
        let json = serde_json::to_string(&format).unwrap();
        assert_eq!(serde_json::from_str::<Format>(&json).unwrap(), format);
    }
    assert_eq!(serde_json::to_string(&Format::F32).unwrap(), "\"f32\"");
    let refused = |text: &str| text.parse::<Format>().unwrap_err().to_string();
    assert!(refused("fp16").contains("int8, uint8"));
    assert!(refused("fixed:20.20").contains("41 bits"));
    assert!(refused("fixed:0.0").contains("2 to 32"));
}

#[test]
fn a_scale_covers_its_range() {
    let symmetric = Scale::between(-1.0, 2.54, Format::I8, true);
    assert_eq!((symmetric.zero, symmetric.scale), (0, 0.02));
    let asymmetric = Scale::between(0.0, 2.55, Format::I8, false);
    assert_eq!((asymmetric.zero, asymmetric.scale), (-128, 0.01));
    assert_eq!(Scale::between(-1.0, 1.55, Format::U8, true).zero, 100, "uint8 has no negative integers");
    assert_eq!(Scale::between(0.0, 0.0, Format::I8, false), Scale { scale: 1.0, zero: -128 });
    for (low, high) in [(-3.0, 1.0), (1.0, 4.0), (-7.0, -2.0), (-1e-3, 1e3)] {
        let code = Code::new(Format::I8, Scale::between(low, high, Format::I8, false));
        for value in [low, high, 0.0] {
            assert!((code.round(value) - value).abs() <= code.scale, "{value} of {low} to {high}");
        }
        assert_eq!(code.round(0.0), 0.0);
    }
}

#[test]
fn scales_that_do_not_fit_are_refused() {
    let scale = |scale, zero| Scale { scale, zero };
    let refused =
        |format, axis, each: Vec<Scale>| Scales { axis, each }.check(format, &[2, 3]).unwrap_err().to_string();
    assert!(refused(Format::F16, 0, vec![scale(1.0, 0)]).contains("float16 has no scale"));
    assert!(refused(Format::I8, 1, vec![scale(1.0, 0); 2]).contains("1 or 3 scales"));
    assert!(refused(Format::I8, 0, vec![scale(0.0, 0)]).contains("positive"));
    assert!(refused(Format::I8, 0, vec![scale(1.0, 128)]).contains("from -128 to 127"));
    let channels = Scales { axis: 1, each: vec![scale(1.0, 0), scale(2.0, 0), scale(3.0, 0)] };
    channels.check(Format::I8, &[2, 3]).unwrap();
    assert_eq!([0, 1, 5].map(|element| channels.of(&[2, 3], element).scale), [1.0, 2.0, 3.0]);
}
