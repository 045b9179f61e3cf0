//! Positions of boxes and lines.
//!
//! The row of a box is the length of its longest path from the input. One of the longest paths, the spine, is a
//! straight line. Branches and skips have lanes beside it, the short ones nearest. A new column can begin between two
//! rows that a single line joins, or few lines if the column would become too long.
//!
//! Rows run downwards. A picture from left to right is the same picture, mirrored at its diagonal.

use std::collections::HashMap;

/// A position, in pixels from the top left.
pub type Point = (f64, f64);

/// A line from the first box to the second, by their indices.
pub type Line = (usize, usize);

/// The direction of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// From top to bottom, columns side by side.
    Down,
    /// From left to right, with "columns" below each other, like lines of a text.
    Right,
}

/// The rule for the beginning of a new column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wrap {
    /// The ratio of the picture's width to its height is about this number (in a picture from top to bottom).
    Aspect(f64),
    /// The column would become longer than this with the next rows.
    Length(f64),
}

/// Sizes in a picture, in pixels. *Along* is the direction of the picture, *across* is at a right angle to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// Direction of the picture.
    pub flow: Flow,
    /// Rule for columns.
    pub wrap: Wrap,
    /// Length of a box.
    pub along: f64,
    /// Width of a box.
    pub across: f64,
    /// Distance between two rows.
    pub row_gap: f64,
    /// Distance between two lanes.
    pub lane_gap: f64,
    /// Distance between two columns. It contains the line that joins them.
    pub column_gap: f64,
}

/// Largest number of lines from one column to the next.
const MOST_LEADING: usize = 4;
/// Width of a lane without boxes.
const LINE_LANE: f64 = 4.0;

impl Style {
    fn pitch(&self) -> f64 {
        self.along + self.row_gap
    }
}

/// A picture's geometry.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// Of the picture.
    pub width: f64,
    /// Of the picture.
    pub height: f64,
    /// Top left corner of each box.
    pub boxes: Vec<Point>,
    /// Column of each box.
    pub columns: Vec<usize>,
    /// Row of each box: the number of lines on the longest path to it.
    pub rows: Vec<usize>,
    /// Corners of each line, from its first box to its second. All segments are vertical or horizontal.
    pub lines: Vec<Vec<Point>>,
}

impl Placement {
    /// Lays out `count` boxes in topological order, and `lines` from earlier to later boxes. Each line occurs once, and
    /// the lines are in the order of their second boxes.
    pub fn of(count: usize, lines: &[Line], style: &Style) -> Self {
        let graph = Graph { count, lines, style };
        let rows = rows(&graph);
        let lanes = Lanes::of(&graph, &rows);
        let columns = columns(&lanes, style);
        let count = rows.iter().max().map_or(0, |&last| last + 1);
        let mut column_of = vec![0; count];
        let mut left = vec![0.0; count];
        let mut top = vec![0.0; count];
        let (mut x, mut height) = (0.0, 0.0f64);
        for (index, column) in columns.iter().enumerate() {
            for row in column.first..=column.last {
                column_of[row] = index;
                left[row] = x;
                top[row] = (row - column.first) as f64 * style.pitch();
                height = height.max(top[row] + style.along);
            }
            x += column.width + style.column_gap;
        }
        // A line between columns turns below the last row and above the first.
        let margin = if columns.len() > 1 { style.row_gap } else { 0.0 };
        let boxes: Vec<Point> = (0..rows.len())
            .map(|id| (left[rows[id]] + lanes.offset(rows[id], lanes.of_box[id]), top[rows[id]] + margin))
            .collect();
        // For each line its index among the lines to another column, and their number.
        let mut turns = vec![(0, 0); lines.len()];
        for column in 0..columns.len() {
            let leaves = |&line: &usize| {
                let (from, to) = lines[line];
                column_of[rows[from]] == column && column_of[rows[to]] != column
            };
            let mut leaving: Vec<usize> = (0..lines.len()).filter(leaves).collect();
            leaving.sort_by_key(|&line| std::cmp::Reverse(lanes.of_line[line]));
            leaving.iter().enumerate().for_each(|(place, &line)| turns[line] = (place, leaving.len()));
        }
        let lines = lines.iter().enumerate().map(|(line, &(from, to))| {
            let (leave, enter) = lanes.of_line[line];
            let middle = |row: usize, lane: usize| left[row] + lanes.offset(row, lane) + lanes.width(row, lane) / 2.0;
            let (leave, enter) = (middle(rows[from], leave), middle(rows[to], enter));
            let mut corners = style.leave(boxes[from], leave);
            if column_of[rows[from]] != column_of[rows[to]] {
                let (place, count) = turns[line];
                let share = (place + 1) as f64 / (count + 1) as f64;
                let foot = top[columns[column_of[rows[from]]].last] + margin + style.along;
                let (low, high) = (foot + share * style.row_gap, margin - (1.0 - share) * style.row_gap);
                let gutter = left[rows[to]] - (1.0 - share) * style.column_gap;
                corners.extend([(leave, low), (gutter, low), (gutter, high), (enter, high)]);
            }
            corners.extend(style.enter(boxes[to], enter));
            corners
        });
        let lines = lines.collect();
        let columns = rows.iter().map(|&row| column_of[row]).collect();
        let (width, height) = ((x - style.column_gap).max(0.0), height + 2.0 * margin);
        let layout = Self { width, height, lines, boxes, columns, rows };
        if style.flow == Flow::Right { layout.mirrored() } else { layout }
    }

    /// Columns become bands.
    fn mirrored(mut self) -> Self {
        let turn = |(x, y): &mut Point| std::mem::swap(x, y);
        self.boxes.iter_mut().for_each(turn);
        self.lines.iter_mut().flatten().for_each(turn);
        Self { width: self.height, height: self.width, ..self }
    }
}

/// The boxes and lines to lay out.
struct Graph<'a> {
    count: usize,
    lines: &'a [Line],
    style: &'a Style,
}

/// Returns the row of each box. A box that does not depend on the input is one row above its first reader.
fn rows(graph: &Graph<'_>) -> Vec<usize> {
    let mut rows = vec![0; graph.count];
    let mut fed = vec![false; rows.len()];
    for &(from, to) in graph.lines {
        rows[to] = rows[to].max(rows[from] + 1);
        fed[to] = true;
    }
    let mut first_reader: HashMap<usize, usize> = HashMap::new();
    for &(from, to) in graph.lines.iter().filter(|(from, _)| !fed[*from]) {
        let row = first_reader.entry(from).or_insert(rows[to]);
        *row = rows[to].min(*row);
    }
    first_reader.into_iter().for_each(|(id, row)| rows[id] = row - 1);
    rows
}

/// The lanes of boxes and lines. Lane 0 is the spine.
struct Lanes {
    of_box: Vec<usize>,
    /// Where the line leaves its first box, and where it enters the other one.
    of_line: Vec<(usize, usize)>,
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
    fn is_free(&self, (from, to): (usize, usize)) -> bool {
        self.taken.iter().all(|&(first, last)| to < first || last < from)
    }
}

/// Takes the half rows `span` of the first lane beside the spine that is free there.
fn put(section: &mut Vec<Lane>, span: (usize, usize), boxes: bool) -> usize {
    let free = (1..section.len()).find(|&lane| section[lane].is_free(span));
    let lane = free.unwrap_or(section.len());
    if lane == section.len() {
        section.push(Lane { taken: Vec::new(), boxes: false });
    }
    section[lane].taken.push(span);
    section[lane].boxes |= boxes;
    lane
}

impl Lanes {
    fn of(graph: &Graph<'_>, rows: &[usize]) -> Self {
        let spine = spine(graph, rows);
        let mut tracks = tracks(graph, rows, &spine);
        tracks.sort_by_key(|track| (track.last - track.first, track.first, track.boxes.len()));
        let section = sections(graph, rows, &spine);
        let sections = section.last().map_or(0, |last| last + 1);

        let mut lanes = Self {
            of_box: vec![0; graph.count],
            of_line: vec![(0, 0); graph.lines.len()],
            section,
            geometry: Vec::new(),
        };
        let mut drafts: Vec<Vec<Lane>> = (0..sections).map(|_| vec![Lane { taken: Vec::new(), boxes: true }]).collect();
        for track in tracks {
            let (first, last) = (lanes.section[track.first / 2], lanes.section[track.last / 2]);
            // A line that leads on to another section needs a lane in both.
            let border = 2 * lanes.section.partition_point(|&section| section <= first);
            let ends = if first == last { track.last } else { border - 1 };
            let start = put(&mut drafts[first], (track.first, ends), !track.boxes.is_empty());
            let end = if first == last { start } else { put(&mut drafts[last], (border, track.last), false) };
            track.boxes.iter().for_each(|&id| lanes.of_box[id] = start);
            track.lines.iter().for_each(|&id| lanes.of_line[id] = (start, end));
        }
        for section in drafts {
            let mut x = 0.0;
            let place = |lane: Lane| {
                let (left, width) = (x, if lane.boxes { graph.style.across } else { LINE_LANE });
                x += width + graph.style.lane_gap;
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
fn spine(graph: &Graph<'_>, rows: &[usize]) -> Vec<bool> {
    let mut spine = vec![false; rows.len()];
    let Some(mut end) = (0..rows.len()).rev().max_by_key(|&id| rows[id]) else { return spine };
    spine[end] = true;
    for &(from, to) in graph.lines.iter().rev() {
        if to == end && rows[from] + 1 == rows[to] {
            spine[from] = true;
            end = from;
        }
    }
    spine
}

/// By row, its section.
fn sections(graph: &Graph<'_>, rows: &[usize], spine: &[bool]) -> Vec<usize> {
    let natural = natural_sections(graph, rows);
    let Wrap::Length(length) = graph.style.wrap else { return natural };
    let most = ((length - graph.style.row_gap) / graph.style.pitch()).floor().max(1.0) as usize;
    let mut section = Vec::with_capacity(natural.len());
    let (mut current, mut column, mut first) = (0, 0, 0);
    while first < natural.len() {
        let mut end = first + natural[first..].iter().take_while(|&&of| of == natural[first]).count();
        let length = end - first;
        if end - column > most {
            column = first;
        }
        // What is too long for any column is cut in two halves, or at the last places where that can be done.
        if length > most {
            let wanted = if length <= 2 * most + 2 { length.div_ceil(2) } else { most };
            let breaks = |&row: &usize| may_break(graph, rows, spine, first, row);
            let within = (first + 1..=(first + wanted).min(end - 1)).rev().find(breaks);
            end = within.or_else(|| (first + wanted + 1..end).find(breaks)).unwrap_or(end);
            column = end;
        }
        section.resize(end, current);
        current += 1;
        first = end;
    }
    section
}

/// Whether a section that begins at the row `first` may end above `row`: few lines lead on, all of them from the spine to
/// the spine, and none comes from further above.
fn may_break(graph: &Graph<'_>, rows: &[usize], spine: &[bool], first: usize, row: usize) -> bool {
    let mut leading = graph.lines.iter().filter(|&&(from, to)| rows[from] < row && row <= rows[to]);
    let follows = |&(from, to): &Line| spine[from] && spine[to] && rows[from] >= first;
    leading.clone().count() <= MOST_LEADING && leading.all(follows)
}

/// By row, its section, where a section ends only where a single line leads on.
fn natural_sections(graph: &Graph<'_>, rows: &[usize]) -> Vec<usize> {
    let count = rows.iter().max().map_or(0, |&last| last + 1);
    // Lines that lead from this row or above to below it.
    let mut crossing = vec![0isize; count + 1];
    for &(from, to) in graph.lines {
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
fn tracks(graph: &Graph<'_>, rows: &[usize], spine: &[bool]) -> Vec<Track> {
    let mut into = vec![Vec::new(); rows.len()];
    let mut out = vec![Vec::new(); rows.len()];
    for (line, &(from, to)) in graph.lines.iter().enumerate() {
        out[from].push(line);
        into[to].push(line);
    }
    let target = |line: usize| graph.lines[line].1;
    let source = |line: usize| graph.lines[line].0;
    let mut placed = spine.to_vec();
    let mut drawn = vec![false; graph.lines.len()];
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
    for (line, &(from, to)) in graph.lines.iter().enumerate() {
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

/// Cuts the rows into columns, between sections only.
fn columns(lanes: &Lanes, style: &Style) -> Vec<Column> {
    let count = lanes.section.len();
    let mut columns: Vec<Column> = Vec::new();
    let mut first = 0;
    while first < count {
        let section = lanes.section[first];
        let last = (first..count).take_while(|&row| lanes.section[row] == section).last().unwrap_or(first);
        let width = lanes.total(first);
        match columns.last_mut() {
            Some(column) if style.goes_on(lanes, column, first, last) => {
                column.last = last;
                column.width = column.width.max(width);
            }
            _ => columns.push(Column { first, last, width }),
        }
        first = last + 1;
    }
    columns
}

impl Style {
    /// Whether the rows from `first` to `last` still belong into `column`.
    fn goes_on(&self, lanes: &Lanes, column: &Column, first: usize, last: usize) -> bool {
        let count = lanes.section.len();
        match self.wrap {
            Wrap::Aspect(aspect) => {
                let widest = (0..count).map(|row| lanes.total(row)).fold(self.across, f64::max);
                let total = count as f64 * self.pitch();
                let wanted = (aspect * total / (widest + self.column_gap)).sqrt().round().max(1.0);
                let target = (count as f64 / wanted).ceil() as usize;
                // As near to the target as whole sections allow; what little is left at the end starts no column.
                last + 1 + first - 2 * column.first <= 2 * target || 4 * (count - first) <= target
            }
            Wrap::Length(length) => (last + 1 - column.first) as f64 * self.pitch() + self.row_gap <= length,
        }
    }

    /// How a line that runs at `x` leaves a box: by the side that faces `x`, or onwards.
    fn leave(&self, from: Point, x: f64) -> Vec<Point> {
        let lower = from.1 + self.along * 2.0 / 3.0;
        match self.side(from, x) {
            Some(edge) => vec![(edge, lower), (x, lower)],
            None => vec![(x, from.1 + self.along)],
        }
    }

    /// How it enters one.
    fn enter(&self, to: Point, x: f64) -> Vec<Point> {
        let upper = to.1 + self.along / 3.0;
        match self.side(to, x) {
            Some(edge) => vec![(x, upper), (edge, upper)],
            None => vec![(x, to.1)],
        }
    }

    /// The edge of the box at `corner` that faces `x`, unless `x` is within the box.
    fn side(&self, corner: Point, x: f64) -> Option<f64> {
        if x > corner.0 + self.across {
            Some(corner.0 + self.across)
        } else if x < corner.0 {
            Some(corner.0)
        } else {
            None
        }
    }
}
