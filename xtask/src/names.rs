//! Leaving out what a WebAssembly program carries for its developers only: the functions' names, often a third of it.
//!
//! A program is a header of 8 bytes and then sections: a byte that says which kind, a length in LEB128, that many bytes. A
//! section of kind 0 begins with its name (WebAssembly core specification, "Binary Format", "Modules").

/// The magic number and the version.
const HEADER: usize = 8;

/// `program` without the sections that no engine needs; `None` where it is not WebAssembly.
pub fn without_names(program: &[u8]) -> Option<Vec<u8>> {
    let (header, mut rest) = program.split_at_checked(HEADER)?;
    if !header.starts_with(b"\0asm") {
        return None;
    }
    let mut kept = header.to_vec();
    while let Some((&kind, after)) = rest.split_first() {
        let (content, next) = counted(after)?;
        let for_developers = kind == 0 && {
            let (name, _) = counted(content)?;
            name == b"name" || name == b"producers" || name.starts_with(b".debug")
        };
        if !for_developers {
            kept.extend_from_slice(&rest[..rest.len() - next.len()]);
        }
        rest = next;
    }
    Some(kept)
}

/// The bytes that `bytes` begin by counting, and what follows them.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut count = 0_u64;
    for (place, &byte) in bytes.iter().enumerate().take(5) {
        count |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return bytes[place + 1..].split_at_checked(usize::try_from(count).ok()?);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

    fn section(kind: u8, content: &[u8]) -> Vec<u8> {
        // Five bytes of LEB128, as linkers leave room for.
        let length = content.len();
        let byte = |place: usize| ((length >> (7 * place)) & 0x7f) as u8 | if place < 4 { 0x80 } else { 0 };
        [&[kind], &[0, 1, 2, 3, 4].map(byte)[..], content].concat()
    }

    #[test]
    fn only_names_go() {
        let types = section(1, &[0; 300]);
        let target = section(0, b"\x0ftarget_features\0");
        let names = section(0, b"\x04name rest");
        let whole = [EMPTY, &types, &names, &target].concat();
        assert_eq!(without_names(&whole), Some([EMPTY, &types, &target].concat()));
    }

    #[test]
    fn what_is_cut_short_or_something_else_is_left_alone() {
        let names = section(0, b"\x04name rest");
        let whole = [EMPTY, &names].concat();
        assert_eq!(without_names(&whole[..whole.len() - 1]), None);
        assert_eq!(without_names(b"\x89PNG\r\n\x1a\n"), None);
        assert_eq!(without_names(b""), None);
    }
}
