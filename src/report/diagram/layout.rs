//! Where boxes and lines go.
//!
//! A box stands in the row of its longest path from the input. One such longest path, the spine, runs straight down;
//! branches and skips have lanes to its right, those of few rows near it. Where a single line leads from one row to
//! the next, the picture may go on in another column.

use std::collections::HashMap;

use super::Diagram;

/// Size of a box.
pub const WIDTH: f64 = 256.0;
/// Size of a box.
pub const HEIGHT: f64 = 42.0;
const PITCH: f64 = HEIGHT + 20.0;
/// Width of a lane that only lines run in.
const LINE_LANE: f64 = 4.0;
const LANE_GAP: f64 = 18.0;
/// Between columns; the line that joins them runs in it.
const COLUMN_GAP: f64 = 64.0;
/// Width over height that columns aim at.
const ASPECT: f64 = 1.6;

/// A place, in pixels from the top left.
pub type Point = (f64, f64);

/// A picture's geometry.
pub struct Layout {
    pub width: f64,
    pub height: f64,
    /// Top left corner of each box.
    pub boxes: Vec<Point>,
    /// Corners of each line, from the box it leaves to the one it enters; all its parts are upright or level.
    pub lines: Vec<Vec<Point>>,
}

impl Layout {
    pub fn of(diagram: &Diagram) -> Self {
        let rows = rows(diagram);
        let lanes = Lanes::of(diagram, &rows);
        let columns = columns(&lanes);
        let count = rows.iter().max().map_or(0, |&last| last + 1);
        let mut left = vec![0.0; count];
        let mut top = vec![0.0; count];
        let (mut x, mut height) = (0.0, 0.0f64);
        for column in &columns {
            for row in column.first..=column.last {
                left[row] = x;
                top[row] = (row - column.first) as f64 * PITCH;
                height = height.max(top[row] + HEIGHT);
            }
            x += column.width + COLUMN_GAP;
        }
        // A line that joins columns turns below the last row and above the first.
        let margin = if columns.len() > 1 { PITCH - HEIGHT } else { 0.0 };
        let boxes: Vec<Point> = (0..rows.len())
            .map(|id| (left[rows[id]] + lanes.offset(rows[id], lanes.of_box[id]), top[rows[id]] + margin))
            .collect();
        let lines = diagram.lines.iter().enumerate().map(|(line, &(from, to))| {
            let (start, end) = (boxes[from], boxes[to]);
            if left[rows[from]] != left[rows[to]] {
                return between_columns(start, end);
            }
            let lane = lanes.of_line[line];
            let row = rows[from];
            within_column(start, end, left[row] + lanes.offset(row, lane) + lanes.width(row, lane) / 2.0)
        });
        Self { width: x - COLUMN_GAP, height: height + 2.0 * margin, lines: lines.collect(), boxes }
    }
}

/// By box, its row. What no input leads to stands right above its first reader.
fn rows(diagram: &Diagram) -> Vec<usize> {
    let mut rows = vec![0; diagram.boxes.len()];
    let mut fed = vec![false; rows.len()];
    for &(from, to) in &diagram.lines {
        rows[to] = rows[to].max(rows[from] + 1);
        fed[to] = true;
    }
    let mut first_reader: HashMap<usize, usize> = HashMap::new();
    for &(from, to) in diagram.lines.iter().filter(|(from, _)| !fed[*from]) {
        let row = first_reader.entry(from).or_insert(rows[to]);
        *row = rows[to].min(*row);
    }
    first_reader.into_iter().for_each(|(id, row)| rows[id] = row - 1);
    rows
}

/// Which lane each box and each line has. Lane 0 is the spine.
struct Lanes {
    of_box: Vec<usize>,
    of_line: Vec<usize>,
    /// By row, the section it belongs to: rows between two places where a single line leads on.
    section: Vec<usize>,
    /// By section, the left edge and the width of each lane.
    geometry: Vec<Vec<(f64, f64)>>,
}

/// A branch with the lines that lead to and from it, or a line that leaves the spine: what needs a lane from
/// `first` to `last`, both included. These are half rows, `2 * row` and `2 * row + 1`: lines enter a box from the side
/// in its upper half and leave it in its lower one.
struct Track {
    first: usize,
    last: usize,
    boxes: Vec<usize>,
    lines: Vec<usize>,
}

/// A lane of one section while tracks are put into it.
struct Lane {
    /// First and last half row of each.
    taken: Vec<(usize, usize)>,
    /// Whether there are boxes in it, and not lines alone.
    boxes: bool,
}

impl Lane {
    fn is_free(&self, track: &Track) -> bool {
        self.taken.iter().all(|&(first, last)| track.last < first || last < track.first)
    }
}

impl Lanes {
    fn of(diagram: &Diagram, rows: &[usize]) -> Self {
        let spine = spine(diagram, rows);
        let mut tracks = tracks(diagram, rows, &spine);
        tracks.sort_by_key(|track| (track.last - track.first, track.first, track.boxes.len()));
        let section = sections(diagram, rows);
        let sections = section.last().map_or(0, |last| last + 1);

        let mut lanes = Self {
            of_box: vec![0; diagram.boxes.len()],
            of_line: vec![0; diagram.lines.len()],
            section,
            geometry: Vec::new(),
        };
        let mut drafts: Vec<Vec<Lane>> = (0..sections).map(|_| vec![Lane { taken: Vec::new(), boxes: true }]).collect();
        for track in tracks {
            let section = &mut drafts[lanes.section[track.first / 2]];
            let free = (1..section.len()).find(|&lane| section[lane].is_free(&track));
            let lane = free.unwrap_or(section.len());
            if lane == section.len() {
                section.push(Lane { taken: Vec::new(), boxes: false });
            }
            section[lane].taken.push((track.first, track.last));
            section[lane].boxes |= !track.boxes.is_empty();
            track.boxes.iter().for_each(|&id| lanes.of_box[id] = lane);
            track.lines.iter().for_each(|&id| lanes.of_line[id] = lane);
        }
        for section in drafts {
            let mut x = 0.0;
            let place = |lane: Lane| {
                let (left, width) = (x, if lane.boxes { WIDTH } else { LINE_LANE });
                x += width + LANE_GAP;
                (left, width)
            };
            lanes.geometry.push(section.into_iter().map(place).collect());
        }
        lanes
    }

    fn offset(&self, row: usize, lane: usize) -> f64 {
        self.geometry[self.section[row]][lane].0
    }

    fn width(&self, row: usize, lane: usize) -> f64 {
        self.geometry[self.section[row]][lane].1
    }

    /// Width of all lanes in `row`.
    fn total(&self, row: usize) -> f64 {
        self.geometry[self.section[row]].last().map_or(0.0, |(left, width)| left + width)
    }
}

/// By box, whether it is on the spine: a longest path that ends in the lowest row.
fn spine(diagram: &Diagram, rows: &[usize]) -> Vec<bool> {
    let mut spine = vec![false; rows.len()];
    let Some(mut end) = (0..rows.len()).rev().max_by_key(|&id| rows[id]) else { return spine };
    spine[end] = true;
    for &(from, to) in diagram.lines.iter().rev() {
        if to == end && rows[from] + 1 == rows[to] {
            spine[from] = true;
            end = from;
        }
    }
    spine
}

/// By row, its section.
fn sections(diagram: &Diagram, rows: &[usize]) -> Vec<usize> {
    let count = rows.iter().max().map_or(0, |&last| last + 1);
    // Lines that lead from this row or above to below it.
    let mut crossing = vec![0isize; count + 1];
    for &(from, to) in &diagram.lines {
        crossing[rows[from]] += 1;
        crossing[rows[to]] -= 1;
    }
    let mut section = Vec::with_capacity(count);
    let (mut open, mut current) = (0, 0);
    for change in &crossing[..count] {
        section.push(current);
        open += change;
        current += usize::from(open == 1);
    }
    section
}

/// All branches, and the lines that neither belong to one nor follow the spine.
fn tracks(diagram: &Diagram, rows: &[usize], spine: &[bool]) -> Vec<Track> {
    let mut into = vec![Vec::new(); rows.len()];
    let mut out = vec![Vec::new(); rows.len()];
    for (line, &(from, to)) in diagram.lines.iter().enumerate() {
        out[from].push(line);
        into[to].push(line);
    }
    let target = |line: usize| diagram.lines[line].1;
    let source = |line: usize| diagram.lines[line].0;
    let mut placed = spine.to_vec();
    let mut drawn = vec![false; diagram.lines.len()];
    let mut tracks = Vec::new();
    for start in 0..rows.len() {
        if placed[start] {
            continue;
        }
        let mut track = Track { first: 2 * rows[start], last: 0, boxes: Vec::new(), lines: Vec::new() };
        if let Some(&entry) = into[start].iter().max_by_key(|&&line| rows[source(line)]) {
            track.first = 2 * rows[source(entry)] + 1;
            track.lines.push(entry);
        }
        let mut end = start;
        loop {
            placed[end] = true;
            track.boxes.push(end);
            track.last = 2 * rows[end] + 1;
            let Some(&next) = out[end].iter().min_by_key(|&&line| (placed[target(line)], rows[target(line)])) else {
                break;
            };
            track.lines.push(next);
            track.last = 2 * rows[target(next)];
            if placed[target(next)] {
                break;
            }
            end = target(next);
        }
        track.lines.iter().for_each(|&line| drawn[line] = true);
        tracks.push(track);
    }
    for (line, &(from, to)) in diagram.lines.iter().enumerate() {
        let straight = spine[from] && spine[to] && rows[to] == rows[from] + 1;
        if !drawn[line] && !straight {
            let (first, last) = (2 * rows[from] + 1, 2 * rows[to]);
            tracks.push(Track { first, last, boxes: Vec::new(), lines: vec![line] });
        }
    }
    tracks
}

struct Column {
    first: usize,
    last: usize,
    width: f64,
}

/// Cuts the rows into columns, between sections only, so that the picture gets about the shape of a page.
fn columns(lanes: &Lanes) -> Vec<Column> {
    let count = lanes.section.len();
    let widest = (0..count).map(|row| lanes.total(row)).fold(WIDTH, f64::max);
    let total = count as f64 * PITCH;
    let wanted = (ASPECT * total / (widest + COLUMN_GAP)).sqrt().round().max(1.0);
    let target = (count as f64 / wanted).ceil() as usize;
    let mut columns: Vec<Column> = Vec::new();
    let mut first = 0;
    while first < count {
        let section = lanes.section[first];
        let last = (first..count).take_while(|&row| lanes.section[row] == section).last().unwrap_or(first);
        let width = lanes.total(first);
        match columns.last_mut() {
            // As near to the target as whole sections allow; what little is left at the end starts no column.
            Some(column) if last + 1 + first - 2 * column.first <= 2 * target || 4 * (count - first) <= target => {
                column.last = last;
                column.width = column.width.max(width);
            }
            _ => columns.push(Column { first, last, width }),
        }
        first = last + 1;
    }
    columns
}

/// A line that runs at `x`: it leaves by the side that faces `x`, or downwards, and enters likewise.
fn within_column(from: Point, to: Point, x: f64) -> Vec<Point> {
    let (upper, lower) = (HEIGHT / 3.0, HEIGHT * 2.0 / 3.0);
    let mut corners = Vec::with_capacity(4);
    match side(from, x) {
        Some(edge) => corners.extend([(edge, from.1 + lower), (x, from.1 + lower)]),
        None => corners.push((x, from.1 + HEIGHT)),
    }
    match side(to, x) {
        Some(edge) => corners.extend([(x, to.1 + upper), (edge, to.1 + upper)]),
        None => corners.push((x, to.1)),
    }
    corners
}

/// The edge of the box at `corner` that faces `x`, unless `x` is within the box.
fn side(corner: Point, x: f64) -> Option<f64> {
    if x > corner.0 + WIDTH {
        Some(corner.0 + WIDTH)
    } else if x < corner.0 {
        Some(corner.0)
    } else {
        None
    }
}

/// From the foot of one column to the head of the next.
fn between_columns(from: Point, to: Point) -> Vec<Point> {
    let turn = (PITCH - HEIGHT) / 2.0;
    let gutter = to.0 - COLUMN_GAP / 2.0;
    let (leave, enter) = (from.0 + WIDTH / 2.0, to.0 + WIDTH / 2.0);
    let (low, high) = (from.1 + HEIGHT + turn, to.1 - turn);
    vec![(leave, from.1 + HEIGHT), (leave, low), (gutter, low), (gutter, high), (enter, high), (enter, to.1)]
}
