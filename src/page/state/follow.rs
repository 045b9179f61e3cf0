//! Following a corruption: from the layer that is struck through those that it can reach, one look after the other.

use facts::TraceRow;

use super::State;
use super::action::Follow;
use crate::link::Place;

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
}
