//! The few letters and numerals that stand on signs, as lines in a box one wide and two high.

use crate::shape::{Point, Shape, arc, line, union};

/// `text`, its middle at `centre`, each glyph `size` = [width, height], in lines of this width.
pub fn text(text: &str, centre: Point, size: [f32; 2], gap: f32, width: f32) -> Shape {
    let count = text.chars().count() as f32;
    let left = centre[0] - (count * size[0] + (count - 1.0) * gap) / 2.0;
    let top = centre[1] - size[1] / 2.0;
    let strokes = text.chars().enumerate().flat_map(|(index, letter)| {
        let left = left + index as f32 * (size[0] + gap);
        let place = move |[x, y]: Point| [left + x * size[0], top + y / 2.0 * size[1]];
        strokes(letter).into_iter().map(move |stroke| {
            let points: Vec<Point> = stroke.into_iter().map(place).collect();
            line(&points, width)
        })
    });
    union(strokes.collect())
}

fn strokes(letter: char) -> Vec<Vec<Point>> {
    match letter {
        '0' | 'O' => {
            let mut round = arc([0.5, 0.5], [0.5, 0.5], 180.0, 360.0);
            round.extend(arc([0.5, 1.5], [0.5, 0.5], 0.0, 180.0));
            round.push([0.0, 0.5]);
            vec![round]
        }
        '1' => vec![vec![[0.15, 0.5], [0.6, 0.0], [0.6, 2.0]]],
        '2' => {
            let mut stroke = arc([0.5, 0.52], [0.46, 0.52], 185.0, 390.0);
            stroke.extend([[0.0, 2.0], [1.0, 2.0]]);
            vec![stroke]
        }
        '3' => vec![arc([0.46, 0.47], [0.46, 0.47], 200.0, 450.0), arc([0.46, 1.47], [0.5, 0.53], 270.0, 515.0)],
        '5' => {
            let mut stroke = vec![[0.92, 0.0], [0.16, 0.0], [0.08, 0.95]];
            stroke.extend(arc([0.47, 1.36], [0.5, 0.62], 225.0, 510.0));
            vec![stroke]
        }
        '6' => vec![
            arc([0.5, 1.4], [0.48, 0.6], 0.0, 360.0),
            [vec![[0.78, 0.0]], arc([0.90, 1.30], [0.88, 1.25], 250.0, 178.0)].concat(),
        ],
        '8' => vec![arc([0.5, 0.46], [0.42, 0.46], 0.0, 360.0), arc([0.5, 1.46], [0.5, 0.54], 0.0, 360.0)],
        'S' => {
            let mut stroke = arc([0.5, 0.48], [0.48, 0.48], 335.0, 90.0);
            stroke.extend(arc([0.5, 1.5], [0.5, 0.5], 280.0, 520.0));
            vec![stroke]
        }
        'T' => vec![vec![[0.0, 0.0], [1.0, 0.0]], vec![[0.5, 0.0], [0.5, 2.0]]],
        'P' => {
            let mut stroke = vec![[0.05, 2.0], [0.05, 0.0], [0.5, 0.0]];
            stroke.extend(arc([0.5, 0.52], [0.47, 0.52], 270.0, 450.0));
            stroke.push([0.05, 1.04]);
            vec![stroke]
        }
        other => panic!("there is no drawing of '{other}'"),
    }
}
