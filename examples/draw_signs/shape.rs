//! Plane figures as signed distances: negative inside, so that they can be grown, joined and smoothed.

/// A point; the middle of a sign is (0, 0), x goes right, y down.
pub type Point = [f32; 2];

/// A figure: how far a point is from its edge, negative inside.
pub type Shape = Box<dyn Fn(Point) -> f32>;

/// A disc.
pub fn disc(centre: Point, radius: f32) -> Shape {
    Box::new(move |at| distance(at, centre) - radius)
}

/// A polygon whose corners go round clockwise, with edges moved out by `round`.
pub fn polygon(corners: &[Point], round: f32) -> Shape {
    let corners = corners.to_vec();
    Box::new(move |at| {
        let edges = || (0..corners.len()).map(|i| (corners[i], corners[(i + 1) % corners.len()]));
        let nearest = edges().map(|(from, to)| to_segment(at, from, to)).fold(f32::INFINITY, f32::min);
        // A ray to the right crosses the edge of a figure an odd number of times from inside.
        let crossed = edges().filter(|(from, to)| {
            (from[1] > at[1]) != (to[1] > at[1])
                && at[0] < (to[0] - from[0]) * (at[1] - from[1]) / (to[1] - from[1]) + from[0]
        });
        (if crossed.count() % 2 == 1 { -nearest } else { nearest }) - round
    })
}

/// A polygon of `count` equal sides about the middle, its first corner at `turn` degrees.
pub fn regular(count: usize, radius: f32, turn: f32, round: f32) -> Shape {
    let corners: Vec<_> = (0..count).map(|i| polar([0.0; 2], radius, turn + 360.0 * i as f32 / count as f32)).collect();
    polygon(&corners, round)
}

/// A line of this width through `points`, with round ends.
pub fn line(points: &[Point], width: f32) -> Shape {
    let points = points.to_vec();
    Box::new(move |at| {
        let parts = points.windows(2).map(|pair| to_segment(at, pair[0], pair[1]));
        parts.fold(f32::INFINITY, f32::min) - width / 2.0
    })
}

/// Points on an ellipse from one angle to another, in degrees: 0 right, 90 down.
pub fn arc(centre: Point, [rx, ry]: [f32; 2], from: f32, to: f32) -> Vec<Point> {
    const STEPS: usize = 24;
    let angle = |i: usize| (from + (to - from) * i as f32 / STEPS as f32).to_radians();
    (0..=STEPS).map(|i| [centre[0] + rx * angle(i).cos(), centre[1] + ry * angle(i).sin()]).collect()
}

/// The point `radius` away from `centre` at an angle in degrees: 0 right, 90 down.
pub fn polar(centre: Point, radius: f32, degrees: f32) -> Point {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [centre[0] + radius * cos, centre[1] + radius * sin]
}

/// All of the figures.
pub fn union(shapes: Vec<Shape>) -> Shape {
    Box::new(move |at| shapes.iter().map(|shape| shape(at)).fold(f32::INFINITY, f32::min))
}

/// An arrow along `points`, with a head of this size at their end.
pub fn arrow(points: &[Point], width: f32, head: f32) -> Shape {
    let [before, end] = [points[points.len() - 2], points[points.len() - 1]];
    let length = distance(before, end);
    let along = [(end[0] - before[0]) / length, (end[1] - before[1]) / length];
    let beside = [-along[1], along[0]];
    let tip = |forward: f32, aside: f32| {
        [end[0] + along[0] * forward + beside[0] * aside, end[1] + along[1] * forward + beside[1] * aside]
    };
    let corners = [tip(head, 0.0), tip(-head * 0.1, head * 0.85), tip(-head * 0.1, -head * 0.85)];
    union(vec![line(points, width), polygon(&corners, 0.0)])
}

fn distance(a: Point, b: Point) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

fn to_segment(at: Point, from: Point, to: Point) -> f32 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let square = along[0] * along[0] + along[1] * along[1];
    let part = ((at[0] - from[0]) * along[0] + (at[1] - from[1]) * along[1]) / square.max(1e-12);
    let part = part.clamp(0.0, 1.0);
    distance(at, [from[0] + along[0] * part, from[1] + along[1] * part])
}
