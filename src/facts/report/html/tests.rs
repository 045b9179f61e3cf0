use super::*;
use crate::campaign::{Faults, Provenance};
use crate::report::tests::{line, provenance, read};

const HOSTILE: &str = "\"><script>alert('x')</script><!--";

fn hostile() -> (Provenance, Report) {
    let mut provenance = provenance(1, 2);
    let json = serde_json::to_string(HOSTILE).unwrap();
    let text = (line(0, 4, "1.0") + &line(0, 7, "1.0").replace("\"bit\":30", "\"bit\":3"))
        .replace("\"relu\"", &json)
        .replace("\"label\":4", "\"label\":5");
    provenance.campaign.model = HOSTILE.to_owned();
    provenance.campaign.faults = Faults::Each(2);
    provenance.model.path = HOSTILE.to_owned();
    provenance.data.path = HOSTILE.to_owned();
    provenance.labels = vec![HOSTILE.to_owned(); 10];
    let report = read(&provenance, &text).unwrap();
    (provenance, report)
}

#[test]
fn no_name_leaves_its_place() {
    let (provenance, report) = hostile();
    let origin = Origin::Campaign(Box::new(provenance));
    for page in [html(&[(HOSTILE, &origin, &report)]), html(&[(HOSTILE, &origin, &report), ("b", &origin, &report)])] {
        assert!(!page.contains("<script") && !page.contains("<!--"), "{page}");
        // Title, heading, layer in chart and table and map, class, model and data in the provenance.
        assert!(page.matches("&lt;script&gt;").count() >= 8, "{page}");
    }
}

#[test]
fn elements_are_closed() {
    let (provenance, report) = hostile();
    let origin = Origin::Campaign(Box::new(provenance));
    let page = html(&[("a", &origin, &report), ("b", &origin, &report)]);
    for element in
        ["section", "table", "tr", "td", "th", "svg", "g", "div", "ul", "details", "dl", "article", "p", "text"]
    {
        let opened = page.matches(&format!("<{element}>")).count() + page.matches(&format!("<{element} ")).count();
        assert_eq!(opened, page.matches(&format!("</{element}>")).count(), "{element}");
    }
}

#[test]
fn an_incomplete_campaign_says_so() {
    let provenance = provenance(2, 2);
    let report = read(&provenance, &line(0, 4, "1.0")).unwrap();
    let page = html(&[("m", &Origin::Campaign(Box::new(provenance)), &report)]);
    assert!(page.contains("Incomplete: 1 of 4 faults"), "{page}");
}
