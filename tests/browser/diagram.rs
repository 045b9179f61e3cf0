//! The network as a diagram: choosing, folding, colours, zoom, keys, and what hovering links.

use std::path::Path;

use crate::page::Page;

/// A small residual network that lies in the project.
const RESNET: &str = "gtsrb-resnet8.bpk";

/// The page with that network on it.
fn resnet(name: &str, hash: &str) -> Option<Page> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/gtsrb-resnet8").join(RESNET);
    let page = Page::open(name, &format!("#device=cpu{hash}"))?;
    page.wait_for("#setup");
    page.drop_files("#setup", &[&file]);
    page.wait_for_text("#model-facts", "43 classes");
    page.wait_for("#diagram [data-box]");
    Some(page)
}

fn number(page: &Page, expression: &str) -> f64 {
    page.eval(expression).as_f64().unwrap_or_else(|| page.fail(&format!("{expression} is no number")))
}

fn scale(page: &Page) -> f64 {
    number(page, "Number(document.querySelector('.net > g').getAttribute('transform').match(/scale\\((.*)\\)/)[1])")
}

/// What the diagram tells of the box with the focus.
fn focused(page: &Page) -> String {
    let label = page.eval("document.activeElement.closest('.net-box')?.querySelector('title').textContent ?? ''");
    label.as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_click_or_the_keys_choose_a_layer() {
    let Some(page) = resnet("diagram", "") else { return };
    page.screenshot("diagram");
    assert_eq!(page.count(".net-box.looked"), 1, "the layer that is looked at has its ring");

    // With the mouse.
    let last = "[...document.querySelectorAll('.net-box[data-layer]:not(.block):not(.unusable)')].at(-2).dataset.layer";
    let layer = page.eval(last).as_str().expect("there is one").to_owned();
    page.click(&format!(".net-box[data-layer='{layer}']"));
    page.wait_for(&format!(".net-box.looked[data-layer='{layer}']"));
    let chosen = page.text("#layer-name strong");
    assert!(page.text("#net-readout").starts_with(&chosen), "{chosen}");

    // With the keys.
    page.press("Home");
    let first = focused(&page);
    page.press("ArrowRight");
    let second = focused(&page);
    assert_ne!(first, second);
    page.press("ArrowLeft");
    assert_eq!(focused(&page), first);
    // Down to the layers behind the blocks.
    page.press("End");
    page.press("ArrowLeft");
    let flat = focused(&page);
    assert!(flat.contains("Flatten"), "{flat}");
    page.press("Enter");
    page.wait_until("the layer to be chosen", "document.activeElement.matches('.net-box.looked')");
    assert!(flat.starts_with(&page.text("#layer-name strong")), "{flat}");
    page.press("ArrowUp");
    assert_ne!(focused(&page), flat);
    page.close();
}

#[test]
fn blocks_fold_and_unfold() {
    let Some(page) = resnet("diagram-blocks", "") else { return };
    let boxes = page.count(".net-box");
    while page.text("#net-fold") != "Fold all" {
        page.click("#net-fold");
    }
    let unfolded = page.count(".net-box");
    assert!(page.count(".net-frame") > 0);
    page.click("#net-fold");
    page.wait_until("folded blocks", "document.querySelectorAll('.net-box.block').length > 2");
    let folded = page.count(".net-box");
    assert!(folded < unfolded && boxes <= unfolded, "{folded} {boxes} {unfolded}");
    page.screenshot("diagram-folded");

    // A click unfolds one, and the space bar folds it again.
    let block =
        page.eval("document.querySelector('.net-box.block').dataset.layer").as_str().unwrap_or_default().to_owned();
    let first = block.split(' ').next().unwrap_or_default();
    page.click(&format!(".net-box[data-layer='{block}']"));
    page.wait_for(&format!(".net-box[data-layer='{first}'][aria-level='2']"));
    page.wait_until("the focus", "document.activeElement.matches('.net-box[aria-level=\"2\"]')");
    page.press(" ");
    page.wait_for(&format!(".net-box[data-layer='{block}'][aria-expanded='false']"));
    page.wait_until("the focus", "document.activeElement.matches('.net-box.block')");
    page.press("+");
    page.wait_for(&format!(".net-box[data-layer='{first}'][aria-level='2']"));
    assert_eq!(page.count(".net-box"), folded + block.split(' ').count() as u64 - 1);
    page.close();
}

#[test]
fn the_layers_take_the_colours_that_are_chosen() {
    let Some(page) = resnet("diagram-colours", "&colour=size") else { return };
    assert!(page.count(".net-box.level-6") > 0, "the link chose the colours");
    page.click("#colour .choice:nth-child(3)");
    page.wait_for_text("#colour-missing", "No campaign");
    page.click("#colour .choice:nth-child(4)");
    page.wait_for_text("#colour-missing", "Inject");
    assert!(page.url().contains("colour=corruption"), "{}", page.url());

    page.click("#bits [data-bit='30']");
    page.click("#inject");
    page.wait_for("#verdict .verdict");
    page.wait_for(".net-box.struck");
    page.wait_until(
        "corrupt layers",
        "document.querySelectorAll('.net-box.level-6, .net-box.level-5, .net-box.tone-odd').length > 0",
    );
    assert!(page.count(".net-line.corrupt") > 0);
    page.screenshot("diagram-corruption");

    // Going back takes the last colours away.
    page.click("#colour .choice:nth-child(1)");
    page.wait_for(".net-box.kind-product");
    page.click("#undo");
    page.wait_until("the colours before", "!document.querySelector('.net-box.kind-product')");
    page.close();
}

#[test]
fn a_layer_under_the_mouse_is_shown_everywhere() {
    let Some(page) = resnet("diagram-hover", "") else { return };
    page.click("#bits [data-bit='30']");
    page.click("#inject");
    page.wait_for("#corruption .chart-bar");
    let layer = page.eval("document.querySelectorAll('#corruption .chart-layer')[2].dataset.layer");
    let layer = layer.as_str().expect("the chart tells its layers").to_owned();
    page.hover(&format!(".chart-share .chart-layer[data-layer='{layer}']"));
    page.wait_for(&format!(".net-box[data-layer~='{layer}'][data-hovered]"));
    let told = page.text("#net-readout");
    assert!(page.text("#corruption-details").split(':').next().is_some_and(|name| told.contains(name)), "{told}");

    page.hover(".net-box.kind-pooling");
    page.wait_until(
        "the other one to be left",
        &format!("!document.querySelector('.chart-layer[data-layer=\"{layer}\"][data-hovered]')"),
    );
    assert!(page.count("[data-hovered]") >= 1);
    page.close();
}

#[test]
fn the_diagram_zooms_and_moves() {
    let Some(page) = resnet("diagram-zoom", "") else { return };
    let before = scale(&page);
    page.click("#net-in");
    page.click("#net-in");
    let larger = scale(&page);
    assert!(larger > 1.5 * before, "{before} {larger}");
    let event = "document.querySelector('.net').dispatchEvent(new WheelEvent('wheel', \
        { deltaY: 100, ctrlKey: true, clientX: 500, clientY: 300, bubbles: true, cancelable: true }))";
    assert_eq!(page.eval(event).as_bool(), Some(false), "the page is not to zoom, too");
    assert!(scale(&page) < larger);

    let place = "document.querySelector('.net > g').getBoundingClientRect().x";
    page.click("#net-in");
    page.click("#net-in");
    let from = number(&page, place);
    let looked = page.text("#layer-name strong");
    page.eval(
        "(() => { const net = document.querySelector('.net'), { x, y } = net.getBoundingClientRect();
        const send = (kind, dx) => net.dispatchEvent(new PointerEvent(kind, { pointerId: 1, pointerType: 'mouse', button: 0,
            clientX: x + 300 + dx, clientY: y + 60, bubbles: true, cancelable: true }));
        send('pointerdown', 0); send('pointermove', -20); send('pointermove', -60); send('pointerup', -60); })()",
    );
    let moved = number(&page, place);
    assert!(moved < from - 30.0, "{from} {moved}");
    assert_eq!(page.text("#layer-name strong"), looked, "a drag is no click");

    page.click("#net-find");
    page.wait_until("the layer to be found", "document.activeElement.matches('.net-box.looked')");
    page.click("#net-fit");
    assert!((scale(&page) - before).abs() < 0.01, "{} {before}", scale(&page));
    page.close();
}

#[test]
fn the_diagram_is_readable_in_every_window() {
    let Some(page) = resnet("diagram-widths", "&colour=corruption") else { return };
    page.click("#bits [data-bit='30']");
    page.click("#inject");
    page.wait_for(".net-box.struck");
    for theme in ["light", "dark"] {
        page.set_theme(theme);
        for width in [360, 1280, 1920] {
            page.set_viewport(width, 1000);
            page.wait_until(
                "the diagram to fill its window",
                "(() => { const net = document.querySelector('.net'); return net.clientWidth <= net.parentElement.clientWidth + 1; })()",
            );
            for (choice, name) in [(1, "kind"), (4, "corruption")] {
                page.click(&format!("#colour .choice:nth-child({choice})"));
                page.eval("document.querySelector('#site').scrollIntoView()");
                page.screenshot(&format!("diagram-{name}-{theme}-{width}"));
            }
            assert!(scale(&page) >= 0.7, "text is readable");
        }
    }
    page.close();
}
