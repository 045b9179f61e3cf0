//! Draws the sample images of `models/gtsrb-resnet8`: German traffic signs before a blurred roadside, 96 x 96 pixels.
//!
//! ```text
//! cargo run --release --example draw_signs -- models/gtsrb-resnet8/samples
//! ```
//!
//! The images that the network was trained on may not be passed on; these are our own, and free. A file's name ends
//! with the class of the sign.

#[path = "draw_signs/glyph.rs"]
mod glyph;
#[path = "draw_signs/scene.rs"]
mod scene;
#[path = "draw_signs/shape.rs"]
mod shape;
#[path = "draw_signs/sign.rs"]
mod sign;

use std::path::PathBuf;
use std::process::ExitCode;

/// Height and width of the images.
const SIDE: u32 = 96;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: draw_signs FOLDER");
        return ExitCode::from(2);
    };
    for (index, (class, sign)) in sign::all().into_iter().enumerate() {
        let file = folder.join(format!("sign_{index:02}_{class}.png"));
        let written = std::fs::create_dir_all(&folder)
            .map_err(image::ImageError::from)
            .and_then(|()| scene::picture(&sign, index as u32, SIDE).save(&file));
        if let Err(error) = written {
            eprintln!("error: {}: {error}", file.display());
            return ExitCode::FAILURE;
        }
        println!("{}", file.display());
    }
    ExitCode::SUCCESS
}
