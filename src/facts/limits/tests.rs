use std::io::Read;

use super::*;
use crate::graph::{GraphBuilder, Op, Unary};

#[test]
fn a_need_above_the_limit_is_refused_with_a_limit_that_would_do() {
    let memory = Memory::new(2 << 30);
    memory.check("one image and one fault need", 2 << 30).unwrap();
    let error = memory.check("one image and one fault need", 4_187_593_113).unwrap_err().to_string();
    assert_eq!(
        error,
        "one image and one fault need 3.9 GiB of memory, and 2 GiB are allowed; the command line takes --memory 4GiB"
    );
}

#[test]
fn what_is_unpacked_counts_and_not_what_is_declared() {
    let endless = || std::io::repeat(b' ');
    let error = Memory::new(2 << 20).unpack("\"config.json\"", endless(), 64 << 20, 2).unwrap_err().to_string();
    assert_eq!(
        error,
        "\"config.json\" is unpacked to more than 1 MiB, its part of the 2 MiB that are allowed; the command line takes a \
         larger --memory"
    );
    let error = Memory::new(1 << 30).unpack("\"config.json\"", endless(), 20_000, 1).unwrap_err().to_string();
    assert_eq!(error, "\"config.json\" is unpacked to more than 20 KiB, more than such a file can hold");
    let whole = Memory::new(1 << 20).unpack("x", endless().take(20_000), 20_000, 1).unwrap();
    assert_eq!(whole.len(), 20_000);
}

#[test]
fn amounts_are_rounded_up() {
    assert_eq!([10_239, 10_240, 10_241].map(shown_bytes), ["10239 bytes", "10 KiB", "11 KiB"]);
    assert_eq!(
        [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 64 << 20].map(shown_bytes),
        ["1024 KiB", "1 MiB", "1.1 MiB", "64 MiB"]
    );
    assert_eq!([(2 << 30) - 1, 2 << 30, (2 << 30) + 1].map(shown_bytes), ["2 GiB", "2 GiB", "2.1 GiB"]);
    assert_eq!(shown_bytes(u64::MAX), "17179869184 GiB");
    assert_eq!([1, 1 << 20, 3 << 20, (1 << 30) + 1].map(enough), ["1MiB", "1MiB", "4MiB", "2GiB"]);
}

#[test]
fn a_line_that_is_too_long_ends_the_reading_before_it_is_in_memory() {
    let read = |text: &[u8]| {
        let mut found = Vec::new();
        Lines::new(text, 8).read_to_end(&mut found).map(|_| found).map_err(|error| error.to_string())
    };
    assert_eq!(read(b"1234567\n1234567\n12345678").unwrap(), b"1234567\n1234567\n12345678");
    assert_eq!(read(b"1234567\n12345678\n").unwrap_err(), "line 2 is longer than 8 bytes");
    let mut endless = Lines::new(std::io::repeat(b' '), 1 << 20);
    assert!(std::io::copy(&mut endless, &mut std::io::sink()).unwrap_err().to_string().starts_with("line 1 is longer"));
}

#[test]
fn a_name_that_no_record_can_hold_is_refused() {
    let net = |name: &str| {
        let mut builder = GraphBuilder::new("net");
        let input = builder.input("image", [1, 3, 2, 2])?;
        let output = builder.layer(name, "Relu", Op::Unary(Unary::Relu), &[input])?;
        builder.finish(&[output])
    };
    net(&"n".repeat(NAME)).unwrap();
    let error = net(&"n".repeat(NAME + 1)).unwrap_err().to_string();
    assert!(
        error.starts_with("layer \"nnnn") && error.ends_with("the name has 1025 bytes; 1024 are the most"),
        "{error}"
    );
}
