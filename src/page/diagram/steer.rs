//! The targets of the arrow keys.

use super::scene::{HEIGHT, Scene, WIDTH};

/// An arrow key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Along a line, towards the answer.
    Onwards,
    /// Along a line, towards the image.
    Back,
    /// To the branch or the band above.
    Up,
    /// To the branch or the band below.
    Down,
}

impl Scene {
    /// Returns the box that `direction` leads to from the box at `from`.
    pub fn step(&self, from: usize, direction: Direction) -> Option<usize> {
        let neighbours = |along: bool| {
            let ends = self.lines.iter().filter(move |&&(start, end)| from == if along { start } else { end });
            ends.map(move |&(start, end)| if along { end } else { start })
        };
        match direction {
            // The nearest box is first: the key follows a skip connection only if there is no other line.
            Direction::Onwards => {
                neighbours(true).min_by_key(|&to| (self.layout.rows[to], self.lane_apart(from, to), to))
            }
            Direction::Back => {
                neighbours(false).max_by_key(|&to| (self.layout.rows[to], -self.lane_apart(from, to), to))
            }
            Direction::Up | Direction::Down => {
                let (x, y) = self.layout.boxes[from];
                let sign = if direction == Direction::Up { -1.0 } else { 1.0 };
                let away = |to: usize| {
                    let (to_x, to_y) = self.layout.boxes[to];
                    let (aside, down) = ((to_x - x).abs() / WIDTH, (to_y - y) * sign / HEIGHT);
                    (down > 0.5).then_some(3.0 * aside + down)
                };
                let all = (0..self.boxes.len()).filter_map(|to| Some((to, away(to)?)));
                all.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(to, _)| to)
            }
        }
    }

    /// Returns the distance between the lanes of two boxes, in pixels.
    fn lane_apart(&self, one: usize, other: usize) -> i64 {
        (self.layout.boxes[one].1 - self.layout.boxes[other].1).abs() as i64
    }
}
