//! Groupings in TOML.

#![no_main]

use facts::labels::Grouping;
use faultscope_fuzz::{MIB, accepted, init, limited};
use libfuzzer_sys::fuzz_target;

const NAME: &str = "fuzz.toml";

fuzz_target!(init: init(), |bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let read = || accepted(NAME, Grouping::from_toml(NAME, text));
    let Some(grouping) = limited(4 * MIB, bytes.len(), read) else { return };
    let classes = grouping.classes();
    assert!((1..=1 << 16).contains(&classes));
    assert!(grouping.group_of(classes).is_none());
    for class in [0, classes / 2, classes - 1] {
        let group = grouping.group_of(class).expect("every class is in a group");
        assert!(grouping.groups().contains(group));
        assert!(!grouping.is_scm(class, class));
        assert!(!grouping.is_scm(0, class) || grouping.group_of(0).is_some_and(|group| group.critical));
    }
    assert_eq!(Grouping::from_toml(NAME, &grouping.to_toml()).expect("what was written is read"), grouping);
    let json = serde_json::to_string(&grouping).expect("plain data");
    assert_eq!(serde_json::from_str::<Grouping>(&json).expect("what was written is read"), grouping);
});
