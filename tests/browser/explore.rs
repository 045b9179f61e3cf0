//! One fault, looked at closely: feature maps, bits, the way of a corruption, sweeps. All of it on the network that comes along.

use crate::page::Page;

/// The built-in network with the fault of a link.
fn open(name: &str, fault: &str) -> Option<Page> {
    let page = Page::open(name, &format!("#model=gtsrb-resnet8&device=cpu{fault}"))?;
    page.wait_for("#golden .score");
    page.wait_for("#feature-map canvas");
    Some(page)
}

/// Clicks a bit and waits for what becomes of it; returns the badges.
fn strike(page: &Page, bit: u8) -> String {
    page.click(&format!("#bits [data-bit='{bit}']"));
    page.wait_for_text("#fault-sentence", &format!("Bit {bit} "));
    page.wait_until("the fault to be through", "!document.querySelector('#inject').disabled");
    page.text("#verdict")
}

#[test]
fn three_maps_lie_side_by_side_and_are_linked() {
    let Some(page) = open("maps", "&layer=stem.relu") else { return };
    assert_eq!(page.count(".map canvas"), 1, "without a fault there is one run");
    strike(&page, 30);
    page.wait_until("three maps", "document.querySelectorAll('.map canvas').length === 3");
    let legends = "[...document.querySelectorAll('.map .legend')].map(legend => legend.ariaLabel).join()";
    let before = page.eval(legends);
    page.click("#scale .choice:nth-child(3)");
    page.wait_until("another scale", &format!("{legends} !== {before}"));

    page.hover("#feature-map");
    page.wait_until("the same element in every map", "document.querySelectorAll('.marker').length >= 3");
    let readout = page.text("#readout");
    assert!(readout.contains("channel 0"), "{readout}");
    page.click(".tile:nth-child(5)");
    page.wait_for_text("#readout", "channel 4");
    assert!(page.text("#fault-sentence").contains("of layer stem.relu"), "the fault stays while one looks elsewhere");
    page.screenshot("maps");
    page.close();
}

/// The vision transformer that comes along: a fault in the scores of one query changes that query's line of the map, and no other.
#[test]
fn an_attention_is_shown_by_head_query_and_key() {
    let hash = "#model=gtsrb-vit&device=cpu&layer=block1.attention.scores&element=300";
    let Some(page) = Page::open("attention", hash) else { return };
    page.wait_for("#golden .score");
    page.wait_for("#feature-map canvas");
    // 4 heads of 16 queries and 16 keys: 300 is 256 + 2 * 16 + 12.
    let told = page.eval("document.querySelector('#feature-map').ariaLabel");
    let told = told.as_str().unwrap_or_default();
    assert!(told.ends_with("Chosen: element 300: head 1, query 2, key 12"), "{told}");
    assert_eq!(page.count(".tile"), 4, "a picture for each head");
    strike(&page, 30);
    page.click("#follow-forward");
    page.wait_until("three maps", "document.querySelectorAll('.map canvas').length === 3");
    page.screenshot("attention");
    page.close();
}

#[test]
fn a_fault_is_followed_from_layer_to_layer() {
    let Some(page) = open("follow", "&layer=stem.conv&bit=30&run=1") else { return };
    page.wait_for("#follow");
    assert!(page.text("#follow-told").contains("stem.conv (Conv2d) is struck: 1 of"), "{}", page.text("#follow-told"));
    page.click("#follow-forward");
    page.wait_for_text("#layer-name", "stem.norm");
    page.wait_for_text("#follow-at", "2 of");
    page.click("#follow-last");
    page.wait_for_text("#layer-name", "classifier");
    page.screenshot("follow-last");
    // From the end it plays once more from the start, and stops at the end. Each layer shows for less than a second, which
    // a busy machine may miss: the page itself takes notes.
    page.eval(
        "(window.stations = new Set(), new MutationObserver(() => window.stations.add(
            document.querySelector('#follow-at')?.innerText.split(' of ')[0]
        )).observe(document.body, { subtree: true, childList: true, characterData: true }), true)",
    );
    page.click("#follow-play");
    page.wait_until("the third layer", "window.stations.has('3')");
    page.wait_until(
        "the last layer",
        "(([at, of]) => at === of)(document.querySelector('#follow-at').innerText.split(' of '))",
    );
    page.wait_until("the end of the play", "document.querySelector('#follow-play').ariaLabel.startsWith('Play')");
    page.close();
}

/// The strip says of each bit what becomes of the answer when that bit flips alone.
#[test]
fn all_bits_of_an_element_are_tried() {
    let Some(page) = open("bits", "&layer=stem.relu&bit=3") else { return };
    page.click("#sweep-bits");
    page.wait_until("32 outcomes", "document.querySelectorAll('.sweep-bit[class*=mark-]').length === 32");
    for bit in [31, 30, 25, 0] {
        let label = page.eval(&format!("document.querySelector('#bits [data-bit=\"{bit}\"]').textContent"));
        let verdict = strike(&page, bit).to_lowercase();
        let word = if verdict.contains("scm") { "scm" } else { verdict.split_whitespace().next().unwrap_or_default() };
        let label = label.as_str().unwrap_or_default().to_lowercase();
        assert!(!word.is_empty() && label.contains(word), "bit {bit}: \"{label}\" and {verdict}");
    }
    page.screenshot("sweep-bits");
    page.close();
}

#[test]
fn a_bit_is_tried_over_a_whole_map_and_leads_to_each_place() {
    let Some(page) = open("map", "&layer=stem.relu&bit=30") else { return };
    page.click("#sweep-map");
    page.wait_for_text("#sweep-told", "256 faults:");
    page.wait_until("the end of the sweep", "!document.querySelector('#sweep progress')");
    let element = page.text("#fault-place");
    page.screenshot("sweep-map");
    // The page's middle of the picture lies between the four middle elements; what is clicked is struck.
    page.eval("document.querySelector('.sweep-map').dispatchEvent(new MouseEvent('click', { bubbles: true, clientX: 0, clientY: 0 }))");
    page.wait_until("another element", &format!("document.querySelector('#fault-place').innerText !== {:?}", element));
    page.wait_for_text("#fault-sentence", "element 0 of layer stem.relu");
    page.close();
}

#[test]
fn a_weight_fault_is_tried_on_every_image() {
    let Some(page) = open("images", "&target=weight&layer=stem.conv&element=40") else { return };
    strike(&page, 30);
    let images = page.count(".thumbnail");
    page.wait_until(
        "an outcome for each image",
        &format!("document.querySelectorAll('.sweep-image-mark[class*=mark-]').length === {images}"),
    );
    page.screenshot("sweep-images");
    page.click(".sweep-image:nth-child(3)");
    page.wait_until("the third image", "document.querySelectorAll('.thumbnail')[2].ariaPressed === 'true'");
    page.wait_for_text("#fault-sentence", "stem.conv");
    page.close();
}

#[test]
fn choices_are_undone_and_done_again_with_keys_and_buttons() {
    let Some(page) = open("undo", "&layer=stem.relu") else { return };
    strike(&page, 30);
    strike(&page, 25);
    page.click("#undo");
    page.wait_for_text("#fault-sentence", "Bit 30");
    page.click("#redo");
    page.wait_for_text("#fault-sentence", "Bit 25");
    let keys = |shift: bool| {
        page.eval(&format!(
            "window.dispatchEvent(new KeyboardEvent('keydown', {{ key: 'z', ctrlKey: true, shiftKey: {shift} }}))"
        ))
    };
    keys(false);
    page.wait_for_text("#fault-sentence", "Bit 30");
    keys(false);
    page.wait_until("no fault", "!document.querySelector('#verdict')");
    keys(true);
    page.wait_for_text("#fault-sentence", "Bit 30");
    page.close();
}

#[test]
fn a_pattern_in_bfloat16_is_seen_before_it_strikes() {
    let Some(page) = open("numbers", "&layer=block1.relu&element=1856") else { return };
    page.choose("#format", "bf16");
    page.wait_until("sixteen bits", "document.querySelectorAll('#bits .bit').length === 16");
    page.wait_for_text("#numbers-told", "outputs in bfloat16, parameters in bfloat16");
    page.choose("#pattern", "channel");
    page.wait_for(".outline-aimed path");
    assert!(page.text("#pattern-told").starts_with("64 elements in 1 map"), "{}", page.text("#pattern-told"));
    assert_eq!(page.count(".tile.hit"), 1);
    page.screenshot("pattern-aimed");
    strike(&page, 14);
    page.wait_for(".outline-struck path");
    assert!(page.text("#fault-sentence").contains("and 63 more elements"), "{}", page.text("#fault-sentence"));
    let hash = page.eval("location.hash");
    let hash = hash.as_str().unwrap_or_default();
    assert!(hash.contains("format=bf16&weight-format=bf16") && hash.contains("pattern=channel"), "{hash}");
    page.screenshot("pattern-struck");
    page.choose("#format", "int8");
    page.wait_until("eight bits", "document.querySelectorAll('#bits .bit').length === 8");
    page.wait_for_text("#numbers-told", "scales learnt from");
    page.close();
}
