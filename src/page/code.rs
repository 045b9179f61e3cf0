//! A link as a QR code.

use fast_qr::{ECL, QRBuilder};

/// Modules of white around the code, which readers need.
const QUIET: usize = 4;

/// A square of black modules on white.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Modules in a row, with the white ones around the code.
    pub side: usize,
    /// The black modules as an SVG path, one unit each.
    pub path: String,
}

impl Code {
    /// Encodes `text`, or returns `None` where no QR code can hold it.
    pub fn of(text: &str) -> Option<Self> {
        // The lowest level of correction gives the largest modules: a beamer does not scratch the code, it is read from afar.
        let code = QRBuilder::new(text).ecl(ECL::L).build().ok()?;
        let mut path = String::new();
        for row in 0..code.size {
            let mut column = 0;
            while column < code.size {
                let start = column;
                while column < code.size && code[row][column].value() {
                    column += 1;
                }
                if column > start {
                    let length = column - start;
                    path.push_str(&format!("M{} {}h{length}v1h-{length}z", start + QUIET, row + QUIET));
                }
                column += 1;
            }
        }
        Some(Self { side: code.size + 2 * QUIET, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three finder patterns begin with seven black modules in a row.
    #[test]
    fn a_code_has_its_finder_patterns_and_white_around_it() {
        let code = Code::of("https://example.org/#model=gtsrb-resnet8&bit=30&run=1").expect("it is short");
        let right = code.side - QUIET - 7;
        for (column, row) in [(QUIET, QUIET), (right, QUIET), (QUIET, right)] {
            assert!(code.path.contains(&format!("M{column} {row}h7v1h-7z")), "{column} {row}: {}", code.path);
        }
        assert!(
            code.path.split('M').skip(1).all(|run| run.split(' ').next().and_then(|x| x.parse().ok()) >= Some(QUIET))
        );
    }

    #[test]
    fn a_text_that_no_code_can_hold_gives_none() {
        assert!(Code::of(&"x".repeat(2953)).is_some());
        assert!(Code::of(&"x".repeat(2954)).is_none());
    }
}
