//! The elements that a fault strikes together, before and after it strikes.

use std::collections::BTreeSet;

use super::{Resolved, State};
use crate::words;

impl State {
    /// Returns the elements that the chosen pattern strikes around `place`. They are counted as stored, and ascend.
    ///
    /// # Errors
    /// If the pattern does not fit the tensor. The sentence says why.
    pub fn spots(&self, place: &Resolved) -> Result<Vec<usize>, String> {
        let tensor = place.tensor;
        let elements = self.fault_at(place).elements(&tensor.name, &tensor.shape, &tensor.layout);
        let elements = elements.map_err(|error| format!("{error}."))?;
        let mut spots: Vec<usize> = elements.into_iter().map(|element| tensor.spot(element)).collect();
        spots.sort_unstable();
        Ok(spots)
    }

    /// Returns the number of elements that the chosen pattern strikes around `place`, and of the maps that they lie in, in words.
    ///
    /// # Errors
    /// As [`State::spots`].
    pub fn spread(&self, place: &Resolved) -> Result<String, String> {
        let spots = self.spots(place)?;
        let planes: BTreeSet<usize> = spots.iter().map(|&spot| place.planes().plane_of(spot)).collect();
        Ok(words::spread(spots.len(), planes.len()))
    }

    /// Returns the elements of the tensor that is looked at: those that the fault has struck, and those that a fault at the place
    /// that is looked at would strike. Both are empty where a single element is struck.
    pub fn outlined(&self) -> [Vec<usize>; 2] {
        let Some(looked) = self.looked().filter(|_| !self.link.pattern().is_single()) else {
            return Default::default();
        };
        let struck = self.struck().filter(|struck| self.link.run && struck.tensor.id == looked.tensor.id);
        let again = struck.as_ref() == Some(&looked);
        let spots = |place: Option<Resolved>| place.and_then(|place| self.spots(&place).ok()).unwrap_or_default();
        [spots(struck), spots(Some(looked).filter(|_| !again))]
    }
}
