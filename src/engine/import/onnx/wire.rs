//! The memory that an ONNX file takes when it is decoded, counted before it is.
//!
//! Two bytes of a file can be a whole node, which takes a hundred times as much in memory. The count walks over the file's
//! fields without keeping any.

/// Bytes of the largest structure that a field becomes, in a list that has grown to twice its length.
const STRUCTURE: u64 = 512;
/// The same of a number that is a field of its own, and of a byte of packed numbers.
const NUMBER: u64 = 16;

/// Numbers of fields, as the format has them.
const MODEL_GRAPH: u64 = 7;
const MODEL_FUNCTION: u64 = 25;
const FUNCTION_NODE: u64 = 7;
const FUNCTION_ATTRIBUTE: u64 = 11;
const GRAPH_NODE: u64 = 1;
const GRAPH_INITIALIZER: u64 = 5;
const NODE_ATTRIBUTE: u64 = 5;

/// Returns the bytes that the structures of the model in `bytes` take when decoded, without its raw data. What follows
/// damage is not counted: decoding ends there.
pub(super) fn structures(bytes: &[u8]) -> u64 {
    sum(Fields(bytes).map(|(field, body)| match field {
        MODEL_GRAPH => graph(body),
        MODEL_FUNCTION => STRUCTURE.saturating_add(sum(Fields(body).map(|(field, body)| match field {
            FUNCTION_NODE => node(body),
            FUNCTION_ATTRIBUTE => STRUCTURE.saturating_add(attribute(body)),
            _ => STRUCTURE,
        }))),
        _ => 0,
    }))
}

/// The same of the graph in `bytes`. Graphs within it stay as they are.
pub(super) fn graph(bytes: &[u8]) -> u64 {
    sum(Fields(bytes).map(|(field, body)| match field {
        GRAPH_NODE => node(body),
        GRAPH_INITIALIZER => STRUCTURE.saturating_add(tensor(body)),
        _ => STRUCTURE,
    }))
}

/// Bytes of what a node becomes.
fn node(body: &[u8]) -> u64 {
    STRUCTURE.saturating_add(sum(Fields(body).map(|(field, body)| match field {
        NODE_ATTRIBUTE => STRUCTURE.saturating_add(attribute(body)),
        _ => STRUCTURE,
    })))
}

/// Bytes of what an attribute becomes: numbers, and a tensor.
fn attribute(body: &[u8]) -> u64 {
    const TENSOR: u64 = 5;
    const INTS: u64 = 8;
    sum(Fields(body).map(|(field, part)| match field {
        TENSOR => STRUCTURE.saturating_add(tensor(part)),
        INTS => packed(part),
        _ => STRUCTURE / 4,
    }))
}

/// Bytes of the numbers of a tensor. Its raw data, and numbers that are as long in memory, count with the file.
fn tensor(body: &[u8]) -> u64 {
    const SHORT: [u64; 3] = [1, 5, 7];
    sum(Fields(body).map(|(field, part)| if SHORT.contains(&field) { packed(part) } else { NUMBER }))
}

/// Bytes of a number, or of numbers of at least one byte each.
fn packed(part: &[u8]) -> u64 {
    NUMBER.saturating_add(NUMBER.saturating_mul(part.len() as u64))
}

fn sum(amounts: impl Iterator<Item = u64>) -> u64 {
    amounts.fold(0, u64::saturating_add)
}

/// The fields of a message: number and content, which is empty for a field that is a number. Ends at damage.
pub(super) struct Fields<'a>(pub &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.varint()?;
        let content = match key & 7 {
            0 => self.varint().map(|_| &[][..]),
            1 => self.bytes(8).map(|_| &[][..]),
            2 => self.varint().and_then(|length| self.bytes(length)),
            5 => self.bytes(4).map(|_| &[][..]),
            _ => None,
        }?;
        Some((key >> 3, content))
    }
}

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        let (content, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field `number` with `content`, of fewer than 2^14 bytes.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        [&[number << 3 | 2, length as u8 & 0x7f | 0x80, (length >> 7) as u8][..], content].concat()
    }

    #[test]
    fn every_structure_and_number_is_counted() {
        let attribute = field(5, &field(8, &[1; 100]));
        let node = field(1, &[field(1, b"x"), field(2, b"y"), attribute].concat());
        let initializer = field(5, &[field(9, &[0; 1000]), field(7, &[1; 10])].concat());
        let model = field(7, &[node, initializer, field(1, b"")].concat());
        let node = 4 * STRUCTURE + NUMBER * 101;
        assert_eq!(structures(&model), node + STRUCTURE + NUMBER + NUMBER * 11 + STRUCTURE);
        for length in 0..model.len() {
            assert!(structures(&model[..length]) <= structures(&model), "{length}");
        }
    }

    #[test]
    fn many_empty_nodes_are_more_than_the_file() {
        assert_eq!(structures(&field(7, &[0x0a, 0].repeat(4000))), 4000 * STRUCTURE);
        assert_eq!(structures(&[0xff; 64]), 0);
        // The raw data of a constant count with the file.
        let constant = field(5, &field(5, &field(9, &[0; 4000])));
        assert_eq!(structures(&field(7, &field(1, &constant))), 3 * STRUCTURE + NUMBER);
    }
}
