//! The diagram of the network without its drawing: the [blocks] of layers, the positions of boxes and lines ([scene]),
//! their [names] and colours ([paint]), the way of a corruption along the lines ([flow]), the visible part ([view]), and the targets of the arrow keys.

pub mod blocks;
pub mod flow;
pub mod names;
pub mod paint;
pub mod scene;
mod steer;
#[cfg(test)]
mod tests;
pub mod view;

pub use blocks::{Block, Network};
pub use paint::{Paint, Shown, Tone};
pub use scene::{Content, Frame, Scene};
pub use steer::Direction;
pub use view::View;
