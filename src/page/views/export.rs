//! Taking things away: files that the browser saves, and charts as pictures that need no style sheet.

use facts::report::chart::escape;
use gloo::file::{Blob, ObjectUrl};
use js_sys::{Function, Promise, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    CanvasRenderingContext2d, Element, HtmlAnchorElement, HtmlCanvasElement, HtmlElement, HtmlImageElement, Node,
    NodeList, XmlSerializer,
};
use yew::prelude::*;

use crate::state::Action;

/// Pixels for each CSS pixel of a PNG: sharp in print and on a projector.
const SCALE: f64 = 2.0;

/// The style properties that a picture without a style sheet must state itself.
const PROPERTIES: [&str; 17] = [
    "fill",
    "fill-opacity",
    "stroke",
    "stroke-width",
    "stroke-opacity",
    "stroke-dasharray",
    "stroke-linejoin",
    "opacity",
    "display",
    "visibility",
    "shape-rendering",
    "font-family",
    "font-size",
    "font-weight",
    "text-anchor",
    "dominant-baseline",
    "paint-order",
];

/// Has the browser save `bytes` as a file called `name`.
pub fn save(name: &str, mime: &str, bytes: &[u8]) {
    let url = ObjectUrl::from(Blob::new_with_options(bytes, Some(mime)));
    let anchor = gloo::utils::document().create_element("a").ok().and_then(|a| a.dyn_into::<HtmlAnchorElement>().ok());
    if let Some(anchor) = anchor {
        anchor.set_href(&url);
        anchor.set_download(name);
        anchor.click();
    }
    // The browser takes its copy after this task; the URL must live until then.
    gloo::timers::callback::Timeout::new(60_000, move || drop(url)).forget();
}

/// Every chart drawn as SVG in `element`, side by side as they stand there, as one picture that needs no style sheet; `None`
/// where there is none. Colours are those of the page's theme.
pub fn svg_of(element: &Element) -> Option<String> {
    let ground = colour("var(--surface)").unwrap_or_default();
    let frame = element.get_bounding_client_rect();
    let mut parts = String::new();
    for svg in elements(&element.query_selector_all("svg").ok()?) {
        let inner = svg.parent_element().and_then(|parent| parent.closest("svg").ok().flatten());
        let place = svg.get_bounding_client_rect();
        if inner.is_some() || place.width() <= 0.0 {
            continue;
        }
        let copy = plain(&svg)?;
        for (name, value) in [
            ("x", place.x() - frame.x()),
            ("y", place.y() - frame.y()),
            ("width", place.width()),
            ("height", place.height()),
        ] {
            copy.set_attribute(name, &format!("{value:.1}")).ok()?;
        }
        parts += &XmlSerializer::new().ok()?.serialize_to_string(&copy).ok()?;
    }
    let (width, height) = (frame.width().ceil(), frame.height().ceil());
    (!parts.is_empty()).then(|| {
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"><rect width="100%" height="100%" fill="{}"/>{parts}</svg>"#,
            escape(ground.trim())
        )
    })
}

/// The colour that `value` stands for on the page now. A custom property is text to the browser, and may hold `light-dark()`;
/// only a property whose value is a colour gives the colour itself.
fn colour(value: &str) -> Option<String> {
    let document = gloo::utils::document();
    let probe: HtmlElement = document.create_element("i").ok()?.dyn_into().ok()?;
    probe.style().set_property("color", value).ok()?;
    let body = document.body()?;
    body.append_child(&probe).ok()?;
    let style = gloo::utils::window().get_computed_style(&probe).ok().flatten();
    let colour = style.and_then(|style| style.get_property_value("color").ok());
    body.remove_child(&probe).ok()?;
    colour
}

/// A copy of `svg` in which every shape says its own looks.
fn plain(svg: &Element) -> Option<Element> {
    let copy: Element = svg.clone_node_with_deep(true).ok()?.dyn_into().ok()?;
    let window = gloo::utils::window();
    let all = |root: &Element| Some(elements(&root.query_selector_all("*").ok()?).collect::<Vec<_>>());
    let (mut from, mut to) = (all(svg)?, all(&copy)?);
    from.push(svg.clone());
    to.push(copy.clone());
    for (from, to) in from.iter().zip(&to) {
        let Ok(Some(style)) = window.get_computed_style(from) else { continue };
        let style: String = PROPERTIES
            .iter()
            .filter_map(|name| style.get_property_value(name).ok().map(|value| (name, value)))
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}:{value};"))
            .collect();
        to.set_attribute("style", &style).ok()?;
        to.remove_attribute("class").ok()?;
    }
    Some(copy)
}

fn elements(list: &NodeList) -> impl Iterator<Item = Element> {
    let nodes: Vec<Node> = (0..list.length()).filter_map(|index| list.get(index)).collect();
    nodes.into_iter().filter_map(|node| node.dyn_into().ok())
}

/// The picture `svg` as a PNG.
///
/// # Errors
/// Where the browser cannot draw it.
pub async fn svg_to_png(svg: &str) -> Result<Vec<u8>, JsValue> {
    let url = ObjectUrl::from(Blob::new_with_options(svg, Some("image/svg+xml")));
    let image = HtmlImageElement::new()?;
    image.set_src(&url);
    JsFuture::from(image.decode()).await?;
    let canvas: HtmlCanvasElement = gloo::utils::document().create_element("canvas")?.unchecked_into();
    let (width, height) = (SCALE * f64::from(image.width()), SCALE * f64::from(image.height()));
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    let context = canvas.get_context("2d")?.ok_or("there is no 2-D canvas")?;
    let context: CanvasRenderingContext2d = context.unchecked_into();
    context.draw_image_with_html_image_element_and_dw_and_dh(&image, 0.0, 0.0, width, height)?;
    let made = Promise::new(&mut |resolve: Function, reject: Function| {
        let take = Closure::once_into_js(move |blob: JsValue| resolve.call1(&JsValue::NULL, &blob));
        if let Err(error) = canvas.to_blob(take.unchecked_ref()) {
            // Nobody is left to hear of a promise that cannot be rejected.
            let _ = reject.call1(&JsValue::NULL, &error);
        }
    });
    let blob: web_sys::Blob = JsFuture::from(made).await?.dyn_into()?;
    let bytes = JsFuture::from(blob.array_buffer()).await?;
    Ok(Uint8Array::new(&bytes).to_vec())
}

#[derive(Properties, PartialEq)]
pub struct SaveChartProps {
    /// Id of the element that holds the chart.
    pub chart: AttrValue,
    /// Title of the chart, for screen readers.
    pub title: AttrValue,
    /// Name of the file, without its ending.
    pub name: AttrValue,
    /// Receives a failure.
    pub act: Callback<Action>,
    /// Receives `true` before the picture is made and `false` after it.
    #[prop_or_default]
    pub around: Callback<bool>,
}

/// Two buttons that save a chart.
#[component]
pub fn SaveChart(props: &SaveChartProps) -> Html {
    let SaveChartProps { chart, title, name, act, around } = props;
    let picture = {
        let (chart, around) = (chart.clone(), around.clone());
        move || {
            around.emit(true);
            let picture = gloo::utils::document().get_element_by_id(&chart).as_ref().and_then(svg_of);
            around.emit(false);
            picture
        }
    };
    let failed = {
        let (act, title) = (act.clone(), title.clone());
        move || act.emit(Action::Tell(format!("The browser could not make a picture of the chart “{title}”.")))
    };
    let as_svg = {
        let (picture, failed, name) = (picture.clone(), failed.clone(), name.clone());
        Callback::from(move |_: MouseEvent| match picture() {
            Some(svg) => save(&format!("{name}.svg"), "image/svg+xml", svg.as_bytes()),
            None => failed(),
        })
    };
    let as_png = {
        let name = name.clone();
        Callback::from(move |_: MouseEvent| {
            let (picture, failed, name) = (picture(), failed.clone(), name.clone());
            spawn_local(async move {
                let png = match picture {
                    Some(svg) => svg_to_png(&svg).await,
                    None => Err(JsValue::NULL),
                };
                match png {
                    Ok(png) => save(&format!("{name}.png"), "image/png", &png),
                    Err(_) => failed(),
                }
            });
        })
    };
    html! {
        <span class="save-chart">
            <button type="button" class="button button-quiet" onclick={as_svg} aria-label={format!("Save the chart “{title}” as SVG")}>{ "SVG" }</button>
            <button type="button" class="button button-quiet" onclick={as_png} aria-label={format!("Save the chart “{title}” as PNG")}>{ "PNG" }</button>
        </span>
    }
}
