use super::*;

const LIB: &str = "pub mod exec; pub use error::{Error, Result}; pub use crate::campaign::lab::Lab;";

/// The lines of `text`, as the file `path` below src, that go against the direction.
fn lines(path: &str, text: &str) -> Vec<usize> {
    let exports = Exports::of(LIB).expect("lib.rs is Rust");
    let found = violations_in(&Source::new(Path::new(path)), text, &exports).expect("the text is Rust");
    found.into_iter().map(|(line, _)| line).collect()
}

#[test]
fn what_lies_below_or_beside_may_be_imported() {
    let text = "use crate::{Error, exec::Executor, graph::{Graph, Op}};\nuse crate::labels::Grouping;\nuse super::super::ops;\n";
    assert_eq!(lines("fault/site.rs", text), []);
    assert_eq!(lines("cli/mod.rs", "use crate::{platform, report, campaign::Lab};"), []);
}

#[test]
fn what_lies_above_may_not() {
    assert_eq!(lines("graph/mod.rs", "use std::fmt;\nuse crate::ops::conv;\n"), [2]);
    assert_eq!(lines("exec/hook.rs", "use crate::{\n    graph::Graph,\n    fault::Fault,\n};"), [3]);
    assert_eq!(lines("exec/hook.rs", "fn f() {\n    let x = vec![crate::campaign::f()];\n}"), [2]);
    assert_eq!(lines("graph/op.rs", "fn f() -> super::super::exec::Trace { todo!() }"), [1]);
    assert_eq!(lines("model.rs", "use super::campaign::Plan;"), [1]);
}

#[test]
fn a_name_from_the_root_counts_as_its_module() {
    assert_eq!(lines("fault/mod.rs", "use crate::Result;\nuse crate::Lab;"), [2]);
}

#[test]
fn super_counts_modules_inside_a_file() {
    assert_eq!(lines("graph/mod.rs", "mod inner {\n    use super::exec::x;\n    use super::super::exec::x;\n}"), [3]);
}

#[test]
fn tests_may_import_anything() {
    let text = "#[cfg(test)]\nmod tests {\n    use crate::campaign;\n}\n#[cfg(test)]\nuse crate::{campaign, report};\nuse crate::report;";
    assert_eq!(lines("graph/mod.rs", text), [7]);
    assert!(Source::new(Path::new("graph/tests.rs")).is_test());
    assert!(!Source::new(Path::new("graph/infer.rs")).is_test());
}

#[test]
fn only_shells_ask_the_platform_and_only_it_asks_the_compiler() {
    assert_eq!(lines("exec/mod.rs", "use crate::platform;"), [1]);
    assert_eq!(lines("exec/mod.rs", "#[cfg(target_family = \"wasm\")]\nfn f() {}"), [1]);
    assert_eq!(lines("platform/device.rs", "use crate::Error;\n#[cfg(target_os = \"linux\")]\nfn f() {}"), []);
    assert_eq!(lines("platform/device.rs", "use crate::exec;"), [1]);
}

#[test]
fn programs_import_shells_only() {
    assert_eq!(lines("bin/faultscope.rs", "fn main() { faultscope::cli::main() }"), []);
    assert_eq!(lines("bin/app.rs", "use faultscope::exec;"), [1]);
}

#[test]
fn an_unknown_module_is_named() {
    let exports = Exports::of(LIB).expect("lib.rs is Rust");
    let found = violations_in(&Source::new(Path::new("graph/mod.rs")), "use crate::misc::f;", &exports);
    let found = found.expect("the text is Rust");
    assert_eq!(found, [(1, "`misc` has no place in the order yet".to_owned())]);
}
