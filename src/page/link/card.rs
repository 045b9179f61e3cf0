//! The user's statements about a model beside its file: preprocessing, class names, grouping.

use facts::data::{Normalise, Resize};

use super::fields::{choice, fields, text};

fields! {
    /// Statements about the model; the model's file says what is `None` here.
    #[derive(Eq)]
    pub struct CardChoice {
        /// How pixel values become input values.
        normalise: Option<Normalise> = choice::<Normalise>("preprocess");
        /// How an image gets the input's size.
        resize: Option<Resize> = choice::<Resize>("resize");
        /// A file of class names, as `file:NAME`.
        labels: Option<String> = text("labels");
        /// A grouping file, as `file:NAME`.
        grouping: Option<String> = text("grouping");
    }
}
