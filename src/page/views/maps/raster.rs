//! A plane of a tensor as a picture with one pixel for each element.

use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};
use yew::prelude::*;

use crate::palette;

#[derive(Properties, PartialEq)]
pub struct RasterProps {
    /// The values, row by row.
    pub values: Vec<f32>,
    /// Elements in a row.
    pub columns: usize,
    /// End of the scale.
    pub max_abs: f32,
    /// Whether the page is dark.
    pub dark: bool,
}

/// The picture of the values. The style sheet sets its size.
#[component]
pub fn Raster(props: &RasterProps) -> Html {
    let canvas = use_node_ref();
    let (columns, rows) = (props.columns.max(1), props.values.len().div_ceil(props.columns.max(1)).max(1));
    {
        let canvas = canvas.clone();
        let pixels =
            use_memo((props.values.clone(), columns, props.max_abs, props.dark), |(values, columns, max, dark)| {
                palette::pixels(values, *columns, *max, *dark)
            });
        use_effect_with(pixels, move |pixels| {
            if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
                draw(&canvas, pixels, columns);
            }
        });
    }
    html! { <canvas ref={canvas} width={columns.to_string()} height={rows.to_string()} aria-hidden="true"></canvas> }
}

/// Draws the pixels. A browser without a 2-D canvas shows no picture.
fn draw(canvas: &HtmlCanvasElement, pixels: &[u8], columns: usize) {
    let context = canvas.get_context("2d").ok().flatten();
    let context = context.and_then(|context| context.dyn_into::<CanvasRenderingContext2d>().ok());
    let width = u32::try_from(columns).unwrap_or(u32::MAX);
    let height = u32::try_from(pixels.len() / 4 / columns).unwrap_or(u32::MAX);
    let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(pixels), width, height);
    if let (Some(context), Ok(image)) = (context, image) {
        // `put_image_data` fails only for an image without pixels, which would draw nothing.
        let _ = context.put_image_data(&image, 0.0, 0.0);
    }
}
