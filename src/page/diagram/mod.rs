//! The diagram of the network, apart from its drawing: which layers make a [block](blocks), where boxes and lines
//! [lie](scene), what [colours](paint) them, which part of it is in [view], and where the arrow keys lead.

pub mod blocks;
pub mod paint;
pub mod scene;
mod steer;
#[cfg(test)]
mod tests;
pub mod view;

pub use blocks::{Block, Network};
pub use paint::{Paint, Tone};
pub use scene::{Content, Frame, Scene};
pub use steer::Direction;
pub use view::View;
