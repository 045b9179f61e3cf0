//! `graph`: the network as a picture.

use super::*;

#[test]
fn a_network_is_drawn_in_the_format_that_the_name_tells() {
    let folder = TempDir::new().expect("a temporary folder");
    let draw = |name: &str| {
        let file = folder.path().join(name);
        faultscope(&["graph", MODEL, "-o", text(&file)]).code(DONE).stdout(contains("colours is drawn in "));
        fs::read_to_string(file).expect("a text file")
    };
    let svg = draw("net.svg");
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>\n"), "{svg}");
    let layers = json(&["inspect", MODEL, "--json"])["layers"].as_array().expect("a list").len();
    // The boxes of the layers, of the input and of the output.
    assert_eq!(svg.matches("class=\"box\"").count(), layers + 2);
    for name in ["net.dot", "net.GV"] {
        assert!(draw(name).starts_with("digraph \"colours\" {"));
    }
}

#[test]
fn a_drawing_replaces_nothing_unasked() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("net.svg");
    fs::write(&file, "mine").expect("a file");
    refused(&["graph", MODEL, "-o", text(&file)], INPUT, "net.svg: the file exists already; --force replaces it");
    assert_eq!(fs::read_to_string(&file).expect("a file"), "mine");
    faultscope(&["graph", MODEL, "-o", text(&file), "--force"]).code(DONE);
    let picture = folder.path().join("net.png");
    refused(&["graph", MODEL, "-o", text(&picture)], INPUT, "expected a name that ends in .svg or .dot");
    assert!(!picture.exists());
}
