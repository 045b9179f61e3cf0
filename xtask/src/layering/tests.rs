use super::*;

const LIB: &str = "pub mod exec; pub use error::{Error, Result}; pub use crate::exec::executor::Executor;";

const NONE: [usize; 0] = [];

/// The broken rules of `text`, as the file `path` of `package`.
fn broken(package: &Crate, path: &str, text: &str) -> Vec<(usize, String)> {
    let exports = Exports::of(LIB).expect("lib.rs is Rust");
    package.violations(&Source::new(Path::new(path)), text, &exports).expect("the text is Rust")
}

/// The lines of `text` that break a rule.
fn lines(package: &Crate, path: &str, text: &str) -> Vec<usize> {
    broken(package, path, text).into_iter().map(|(line, _)| line).collect()
}

#[test]
fn lower_modules_and_those_of_the_same_row_may_be_imported() {
    let text = "use crate::{Error, graph::{Graph, Op}};\nuse crate::labels::Grouping;\nuse super::super::named;\n";
    assert_eq!(lines(&FACTS, "fault/site.rs", text), NONE);
    assert_eq!(lines(&ENGINE, "campaign/mod.rs", "use crate::{Executor, import, ops};"), NONE);
}

#[test]
fn higher_modules_may_not_be_imported() {
    assert_eq!(lines(&ENGINE, "ops/mod.rs", "use std::fmt;\nuse crate::kernels::conv;\n"), [2]);
    assert_eq!(lines(&FACTS, "graph/op.rs", "use crate::{\n    error::Error,\n    fault::Fault,\n};"), [3]);
    assert_eq!(lines(&ENGINE, "exec/hook.rs", "fn f() {\n    let x = vec![crate::campaign::f()];\n}"), [2]);
    assert_eq!(lines(&ENGINE, "ops/op.rs", "fn f() -> super::super::exec::Trace { todo!() }"), [1]);
    assert_eq!(lines(&FACTS, "model.rs", "use super::campaign::Plan;"), [1]);
}

#[test]
fn a_re_exported_name_counts_as_its_module() {
    assert_eq!(lines(&ENGINE, "ops/mod.rs", "use crate::Executor;\nuse crate::ops::Array;"), [1]);
}

#[test]
fn super_counts_the_modules_inside_a_file() {
    let text = "mod inner {\n    use super::exec::x;\n    use super::super::exec::x;\n}";
    assert_eq!(lines(&ENGINE, "ops/mod.rs", text), [3]);
}

#[test]
fn tests_may_import_anything() {
    let text = "#[cfg(test)]\nmod tests {\n    use crate::campaign;\n}\n#[cfg(test)]\nuse crate::{campaign, exec};\nuse crate::exec;";
    assert_eq!(lines(&ENGINE, "ops/mod.rs", text), [7]);
    assert!(Source::new(Path::new("graph/tests.rs")).is_test());
    assert!(!Source::new(Path::new("graph/infer.rs")).is_test());
}

#[test]
fn few_modules_import_the_platform() {
    assert_eq!(lines(&ENGINE, "kernels/conv.rs", "use crate::platform::threads;"), NONE);
    let found = broken(&ENGINE, "exec/mod.rs", "use crate::platform;");
    assert_eq!(found, [(1, "`exec` imports `platform`, which only `campaign`, `gradient`, `kernels` may".to_owned())]);
    assert_eq!(lines(&ENGINE, "platform/device.rs", "use crate::exec;"), [1]);
}

#[test]
fn only_the_root_and_the_platform_ask_for_the_target() {
    let text = "#[cfg(target_family = \"wasm\")]\nmod views;";
    for (package, file) in [(&ENGINE, "platform/device.rs"), (&PAGE, "lib.rs"), (&PAGE, "main.rs")] {
        assert_eq!(lines(package, file, text), NONE, "{file}");
    }
    assert_eq!(lines(&PAGE, "views/mod.rs", text), [1]);
    let reason = "`exec` asks for the target with `target_family`, which only `lib.rs` and `platform` may".to_owned();
    assert_eq!(broken(&ENGINE, "exec/mod.rs", text), [(1, reason)]);
}

#[test]
fn the_root_may_import_every_module() {
    assert_eq!(lines(&PAGE, "lib.rs", "pub use crate::views::start;"), NONE);
}

#[test]
fn an_unknown_module_is_named() {
    let found = broken(&ENGINE, "ops/mod.rs", "use crate::misc::f;");
    assert_eq!(found, [(1, "`misc` has no place in the order yet".to_owned())]);
}
