//! From bytes to a model.
