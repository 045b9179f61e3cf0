//! Following a corruption: from the layer that is struck through those that it can reach, one look after the other.

use facts::TraceRow;
use facts::fault::Target;

use super::State;
use super::action::Follow;
use crate::link::Place;
use crate::words;

impl State {
    /// Number and trace of each layer on the way of the corruption, in the order in which they are computed.
    pub fn way(&self) -> Vec<(usize, &TraceRow)> {
        let (Some(injection), Some(model)) = (self.injection_now(), self.model()) else { return Vec::new() };
        let mut layers = model.layers.iter();
        let place = |row: &TraceRow| layers.find(|layer| layer.name == row.layer).map(|layer| layer.index);
        let places: Vec<_> = injection.trace.iter().map(place).collect();
        places.into_iter().zip(&injection.trace).filter_map(|(index, row)| Some((index?, row))).collect()
    }

    /// Where on the way the look is.
    pub fn station(&self) -> Option<usize> {
        let at = self.layer()?.index;
        self.way().iter().position(|(index, _)| *index == at)
    }

    pub(super) fn follow(&mut self, step: Follow) {
        if let Follow::Play(playing) = step {
            self.playing = playing && self.injection_now().is_some();
            // Who plays once more from the end wants to see it from the start.
            if self.playing && self.station().is_none_or(|at| at + 1 >= self.way().len()) {
                self.link.look = None;
            }
            return;
        }
        let (at, count) = (self.station(), self.way().len());
        let to = match step {
            Follow::First => {
                self.link.look = None;
                return;
            }
            Follow::Back => at.and_then(|at| at.checked_sub(1)),
            Follow::Forward | Follow::Play(_) => Some(at.map_or(0, |at| at + 1)),
            Follow::Last => count.checked_sub(1),
        };
        let name = to.and_then(|to| Some(self.way().get(to)?.1.layer.clone()));
        match name {
            Some(name) => self.link.look = Some(Place::output(name)),
            None => self.playing = false,
        }
        if to.is_some_and(|to| to + 1 >= count) {
            self.playing = false;
        }
    }

    /// The effect of the layer that is looked at on the corruption that it reads, in words; `None` off the way.
    pub fn station_told(&self) -> Option<String> {
        let way = self.way();
        let &(index, row) = way.get(self.station()?)?;
        let layer = self.model()?.layers.get(index)?;
        let mut text = format!("{} ({})", layer.name, layer.kind);
        if self.struck().is_some_and(|struck| struck.layer.index == index) {
            text.push_str(&self.strike_told(row));
        } else {
            // The elements that differ in the outputs that this layer reads.
            let came: u64 =
                way.iter().filter(|(from, _)| layer.inputs.contains(from)).map(|(_, from)| from.changed).sum();
            text.push_str(&passage_told(row, came));
        }
        if row.positions > 1 && row.changed > 0 {
            let share = words::percent(row.touched as f64 / row.positions as f64);
            text.push_str(&format!(" It touches {share} of the map."));
        }
        if row.max_abs_delta > 0.0 {
            text.push_str(&format!(" Largest change {}.", words::number(row.max_abs_delta)));
        }
        if row.non_finite > 0 {
            text.push_str(&format!(" NaN or infinite: {}.", words::count(row.non_finite)));
        }
        Some(text)
    }

    /// The effect of the fault on the layer that it strikes, whose name stands before it. Of a pattern it tells all elements.
    fn strike_told(&self, row: &TraceRow) -> String {
        match (self.struck_elements(), row.changed) {
            (None, 0) => ": the fault leaves the value as it was.".to_owned(),
            (None, _) => format!(" is struck: {}.", changed(row)),
            (Some(elements), 0) => format!(" is struck{elements}. The fault leaves the values as they were."),
            (Some(elements), _) => format!(" is struck{elements}. {}.", changed(row)),
        }
    }

    /// The elements that the pattern of the fault has struck, after the verb; `None` where a single element is struck.
    fn struck_elements(&self) -> Option<String> {
        let struck = self.struck().filter(|_| !self.link.pattern().is_single())?;
        let spread = self.spread(&struck).ok()?;
        let place = match struck.target {
            Target::Weight => format!(" in {}", struck.tensor.name),
            _ => String::new(),
        };
        Some(format!("{place}: {spread}"))
    }
}

/// The effect of a layer on the `came` changed elements that it reads; its name stands before it.
fn passage_told(row: &TraceRow, came: u64) -> String {
    let trend = match (row.changed, came) {
        (0, 0) => return ": nothing is left of the corruption.".to_owned(),
        (0, came) => {
            return format!(" swallows the corruption: {} changed elements come in, none leaves.", words::count(came));
        }
        (_, 0) => "",
        (changed, came) if changed < came => "less than came in: ",
        (changed, came) if changed > came => "it spreads: ",
        _ => "as many as came in: ",
    };
    format!(": {trend}{}.", changed(row))
}

/// The number of changed elements and their share.
fn changed(row: &TraceRow) -> String {
    let share = words::percent(row.changed as f64 / row.elements.max(1) as f64);
    format!("{} of {} elements changed ({share})", words::count(row.changed), words::count(row.elements))
}
