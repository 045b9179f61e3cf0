//! Links to the page.

#![no_main]

use faultscope_fuzz::{MIB, init, limited};
use libfuzzer_sys::fuzz_target;
use page::link::Link;

fuzz_target!(init: init(), |bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (link, problems) = limited(MIB, bytes.len(), || Link::parse(&text));
    assert!(problems.iter().all(|problem| !problem.is_empty()));
    // A link that was written is read without a complaint, and is the same.
    let hash = link.to_hash();
    let (again, problems) = Link::parse(&hash);
    assert!(problems.is_empty(), "{hash}: {problems:?}");
    assert_eq!(again, link, "{hash}");
    assert_eq!(again.to_hash(), hash);
    // What the page makes of it.
    let _ = (link.campaign.fault_model().validate(), link.campaign.until());
});
