//! The signs, with their classes in GTSRB's order (`src/facts/labels/data/gtsrb.txt`).

use crate::glyph::text;
use crate::shape::{Point, Shape, arc, arrow, disc, line, polygon, regular, union};

/// Red, green and blue, 0 to 255.
pub type Colour = [f32; 3];

const RED: Colour = [204.0, 28.0, 42.0];
const WHITE: Colour = [252.0, 252.0, 250.0];
const BLACK: Colour = [26.0, 26.0, 28.0];
const BLUE: Colour = [16.0, 84.0, 178.0];
const YELLOW: Colour = [252.0, 190.0, 20.0];
const GREEN: Colour = [20.0, 150.0, 80.0];

/// A sign: figures from back to front, within a circle of radius one.
pub struct Sign {
    pub layers: Vec<(Shape, Colour)>,
}

/// Every sign with its class, the one to show first before the others.
pub fn all() -> Vec<(usize, Sign)> {
    vec![
        (14, stop()),
        (1, limit("30")),
        (2, limit("50")),
        (3, limit("60")),
        (5, limit("80")),
        (7, limit("100")),
        (12, priority_road()),
        (13, give_way()),
        (17, no_entry()),
        (18, danger()),
        (25, road_works()),
        (26, traffic_lights()),
        (28, children()),
        (35, straight_on()),
        (38, keep_right()),
        (40, roundabout()),
    ]
}

fn sign(layers: Vec<(Shape, Colour)>) -> Sign {
    Sign { layers }
}

fn stop() -> Sign {
    let word = text("STOP", [0.0, 0.0], [0.26, 0.56], 0.13, 0.11);
    sign(vec![(regular(8, 1.0, 22.5, 0.0), WHITE), (regular(8, 0.94, 22.5, 0.0), RED), (word, WHITE)])
}

fn limit(number: &str) -> Sign {
    let (size, gap, width) = if number.len() > 2 { ([0.25, 0.62], 0.14, 0.12) } else { ([0.37, 0.72], 0.19, 0.14) };
    let number = text(number, [0.0, 0.0], size, gap, width);
    sign(vec![
        (disc([0.0; 2], 1.0), WHITE),
        (disc([0.0; 2], 0.97), RED),
        (disc([0.0; 2], 0.74), WHITE),
        (number, BLACK),
    ])
}

fn priority_road() -> Sign {
    let diamond = |size: f32| regular(4, size, 0.0, 0.05);
    sign(vec![(diamond(1.0), BLACK), (diamond(0.96), WHITE), (diamond(0.66), YELLOW)])
}

fn give_way() -> Sign {
    let triangle = |size: f32| lifted(regular(3, size, 90.0, 0.06), -0.22);
    sign(vec![(triangle(1.04), WHITE), (triangle(1.0), RED), (triangle(0.56), WHITE)])
}

fn no_entry() -> Sign {
    let bar = polygon(&[[-0.72, -0.17], [0.72, -0.17], [0.72, 0.17], [-0.72, 0.17]], 0.0);
    sign(vec![(disc([0.0; 2], 1.0), WHITE), (disc([0.0; 2], 0.96), RED), (bar, WHITE)])
}

/// A red-edged triangle with a picture in it.
fn warning(pictures: Vec<(Shape, Colour)>) -> Sign {
    let triangle = |size: f32| lifted(regular(3, size, -90.0, 0.08), 0.24);
    let mut layers = vec![(triangle(1.04), WHITE), (triangle(1.0), RED), (triangle(0.68), WHITE)];
    layers.extend(pictures);
    sign(layers)
}

fn danger() -> Sign {
    let mark = polygon(&[[-0.11, -0.34], [0.11, -0.34], [0.06, 0.26], [-0.06, 0.26]], 0.02);
    warning(vec![(union(vec![mark, disc([0.0, 0.47], 0.11)]), BLACK)])
}

fn road_works() -> Sign {
    let worker = union(vec![
        disc([-0.10, -0.26], 0.095),
        line(&[[-0.12, -0.10], [-0.20, 0.20]], 0.17),
        line(&[[-0.20, 0.20], [-0.36, 0.56]], 0.11),
        line(&[[-0.18, 0.20], [-0.02, 0.34], [-0.08, 0.56]], 0.11),
        line(&[[-0.10, -0.06], [0.10, 0.12]], 0.09),
        line(&[[-0.18, 0.02], [0.26, 0.42]], 0.06),
    ]);
    let heap = polygon(&[[0.08, 0.60], [0.30, 0.30], [0.56, 0.60]], 0.02);
    warning(vec![(union(vec![worker, heap]), BLACK)])
}

fn traffic_lights() -> Sign {
    let lamp = |down: f32| disc([0.0, down], 0.115);
    let case = polygon(&[[-0.10, -0.34], [0.10, -0.34], [0.10, 0.52], [-0.10, 0.52]], 0.05);
    warning(vec![(case, BLACK), (lamp(-0.26), RED), (lamp(0.09), YELLOW), (lamp(0.44), GREEN)])
}

fn children() -> Sign {
    let child = |at: Point, size: f32| -> Shape {
        let place = |[x, y]: Point| [at[0] - x * size, at[1] + y * size];
        let limb = |points: &[Point], width: f32| {
            let points: Vec<Point> = points.iter().map(|&point| place(point)).collect();
            line(&points, width * size)
        };
        union(vec![
            disc(place([0.05, -0.62]), 0.16 * size),
            limb(&[[0.02, -0.38], [-0.04, 0.06]], 0.27),
            limb(&[[-0.04, 0.06], [0.20, 0.30], [0.16, 0.64]], 0.15),
            limb(&[[-0.06, 0.06], [-0.14, 0.36], [-0.40, 0.52]], 0.15),
            limb(&[[0.02, -0.36], [0.30, -0.14]], 0.11),
            limb(&[[0.0, -0.36], [-0.28, -0.12]], 0.11),
        ])
    };
    warning(vec![(union(vec![child([0.20, 0.22], 0.60), child([-0.26, 0.34], 0.46)]), BLACK)])
}

/// A blue disc with white arrows.
fn command(arrows: Shape) -> Sign {
    sign(vec![(disc([0.0; 2], 1.0), WHITE), (disc([0.0; 2], 0.96), BLUE), (arrows, WHITE)])
}

fn straight_on() -> Sign {
    command(arrow(&[[0.0, 0.66], [0.0, -0.28]], 0.22, 0.40))
}

fn keep_right() -> Sign {
    command(arrow(&[[-0.46, -0.44], [0.22, 0.24]], 0.22, 0.38))
}

fn roundabout() -> Sign {
    let arrows = [0.0, 120.0, 240.0].map(|turn| {
        let bend = arc([0.0; 2], [0.55, 0.55], turn + 54.0, turn - 22.0);
        arrow(&bend, 0.16, 0.25)
    });
    command(union(arrows.into_iter().collect()))
}

/// `shape`, so much lower.
fn lifted(shape: Shape, down: f32) -> Shape {
    Box::new(move |[x, y]| shape([x, y - down]))
}
