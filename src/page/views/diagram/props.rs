//! The properties of the diagram's parts.

use std::rc::Rc;

use protocol::ModelInfo;
use yew::prelude::*;

use crate::state::{Action, State};

/// An [`Rc`] compared by address: a comparison of the contents would take longer than drawing them.
#[derive(Debug)]
pub struct Same<T: ?Sized>(pub Rc<T>);

impl<T: ?Sized> PartialEq for Same<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T: ?Sized> Clone for Same<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The contents of the diagram of one model.
#[derive(Clone, Properties, PartialEq)]
pub struct PictureProps {
    pub model: Same<ModelInfo>,
    pub state: Same<State>,
    pub act: Callback<Action>,
}
