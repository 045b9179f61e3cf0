//! Reads which top-level modules of its crate a source file names.
//!
//! The file's tokens suffice: a path begins with `crate::`, or with as many `super::` as the module is deep. Unlike a
//! syntax tree, tokens include the arguments of macro calls.

use std::{collections::HashMap, path::Path, str::FromStr};

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// The names of the configuration options that depend on the compilation target.
const TARGET_CFGS: [&str; 4] = ["target_arch", "target_family", "target_os", "target_vendor"];

/// A name in a file that the rules are about.
#[derive(Debug, PartialEq, Eq)]
pub enum Import {
    /// A top-level module of the crate.
    Module {
        /// The module's name.
        name: String,
        /// The line, counted from 1.
        line: usize,
    },
    /// A configuration option that depends on the compilation target.
    TargetCfg {
        /// The option's name.
        name: String,
        /// The line, counted from 1.
        line: usize,
    },
}

impl Import {
    /// Returns the line, counted from 1.
    pub fn line(&self) -> usize {
        match self {
            Self::Module { line, .. } | Self::TargetCfg { line, .. } => *line,
        }
    }
}

/// The names that a crate's root re-exports, each with its module.
pub struct Exports(HashMap<String, String>);

impl Exports {
    /// Reads the `use` items of lib.rs.
    ///
    /// # Errors
    /// If the text is not Rust.
    pub fn of(text: &str) -> Result<Self> {
        let tokens = tokens(text)?;
        let mut names = HashMap::new();
        let mut rest = tokens.as_slice();
        while let Some(at) = rest.iter().position(|token| is_ident(token, "use")) {
            rest = &rest[at + 1..];
            let end = rest.iter().position(|token| is_punct(token, ';')).unwrap_or(rest.len());
            let (item, after) = rest.split_at(end);
            let mut path = item.iter().filter_map(as_ident).filter(|ident| *ident != "crate" && *ident != "self");
            if let Some(module) = path.next() {
                leaves(item, &mut |leaf| {
                    names.insert(leaf.to_string(), module.to_string());
                });
            }
            rest = after;
        }
        Ok(Self(names))
    }

    fn module_of<'a>(&'a self, name: &'a str) -> &'a str {
        self.0.get(name).map_or(name, String::as_str)
    }
}

/// Calls `found` with each name that a `use` item ends in.
fn leaves(item: &[TokenTree], found: &mut impl FnMut(&Ident)) {
    for part in item.split(|token| is_punct(token, ',')) {
        match part.last() {
            Some(TokenTree::Ident(name)) => found(name),
            Some(TokenTree::Group(group)) => leaves(&inside(group), found),
            _ => {}
        }
    }
}

/// A source file, identified by its path.
pub struct Source {
    /// The file's module path from the crate's root; empty for lib.rs and main.rs.
    module: Vec<String>,
}

impl Source {
    /// The file at `path`, relative to the folder of its crate.
    pub fn new(path: &Path) -> Self {
        let stem = path.with_extension("");
        let mut module: Vec<String> = stem.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if module.last().is_some_and(|last| last == "mod") || module == ["lib"] || module == ["main"] {
            module.pop();
        }
        Self { module }
    }

    /// Whether the file is compiled for tests only: `tests.rs` beside the tested module, or a file in a folder `tests`.
    pub fn is_test(&self) -> bool {
        self.module.iter().any(|part| part == "tests")
    }

    /// The file's top-level module; `None` for lib.rs and main.rs.
    pub fn top(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }

    /// Returns the names in the file's `text` that the rules are about, in the order of the text.
    ///
    /// # Errors
    /// If the text is not Rust.
    pub fn imports(&self, text: &str, exports: &Exports) -> Result<Vec<Import>> {
        let mut reader = Reader { exports, found: Vec::new() };
        reader.read(&tokens(text)?, self.module.len());
        Ok(reader.found)
    }
}

struct Reader<'a> {
    exports: &'a Exports,
    found: Vec<Import>,
}

impl Reader<'_> {
    /// Reads the `tokens` of a module that is `depth` steps below the crate's root.
    fn read(&mut self, tokens: &[TokenTree], depth: usize) {
        let mut rest = tokens;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match first {
                TokenTree::Punct(_) if is_test_attribute(first, after) => rest = after_item(&after[1..]),
                TokenTree::Ident(word) if word == "mod" => {
                    if let [TokenTree::Ident(_), TokenTree::Group(body), beyond @ ..] = after {
                        self.read(&inside(body), depth + 1);
                        rest = beyond;
                    }
                }
                TokenTree::Ident(word) if word == "crate" => {
                    if let Some(path) = after_colons(after) {
                        self.path(path);
                    }
                }
                TokenTree::Ident(word) if word == "super" => {
                    let mut steps = 1;
                    while let Some([TokenTree::Ident(next), beyond @ ..]) = after_colons(rest)
                        && next == "super"
                    {
                        steps += 1;
                        rest = beyond;
                    }
                    if let Some(path) = after_colons(rest).filter(|_| steps == depth) {
                        self.path(path);
                    }
                }
                TokenTree::Ident(word) if TARGET_CFGS.iter().any(|name| word == name) => {
                    self.found.push(Import::TargetCfg { name: word.to_string(), line: line(word) });
                }
                TokenTree::Group(group) => self.read(&inside(group), depth),
                _ => {}
            }
        }
    }

    /// Records the first module of each path in `path`, which starts at the crate's root.
    fn path(&mut self, path: &[TokenTree]) {
        match path.first() {
            Some(TokenTree::Ident(name)) => {
                let module = self.exports.module_of(&name.to_string()).to_owned();
                self.found.push(Import::Module { name: module, line: line(name) });
            }
            Some(TokenTree::Group(group)) => {
                let inside = inside(group);
                inside.split(|token| is_punct(token, ',')).for_each(|part| self.path(part));
            }
            _ => {}
        }
    }
}

fn tokens(text: &str) -> Result<Vec<TokenTree>> {
    let stream = TokenStream::from_str(text).map_err(|error| {
        let at = error.span().start();
        anyhow!("line {}, column {}: {error}", at.line, at.column + 1)
    })?;
    Ok(stream.into_iter().collect())
}

fn inside(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

fn line(ident: &Ident) -> usize {
    ident.span().start().line
}

fn as_ident(token: &TokenTree) -> Option<&Ident> {
    match token {
        TokenTree::Ident(ident) => Some(ident),
        _ => None,
    }
}

fn is_ident(token: &TokenTree, word: &str) -> bool {
    as_ident(token).is_some_and(|ident| ident == word)
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn after_colons(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    match tokens {
        [first, second, rest @ ..] if is_punct(first, ':') && is_punct(second, ':') => Some(rest),
        _ => None,
    }
}

/// Whether `hash` and the token after it are `#[cfg(test)]`.
fn is_test_attribute(hash: &TokenTree, after: &[TokenTree]) -> bool {
    let Some(TokenTree::Group(attribute)) = after.first() else { return false };
    is_punct(hash, '#')
        && matches!(inside(attribute).as_slice(), [cfg, TokenTree::Group(condition)]
            if is_ident(cfg, "cfg") && condition.stream().to_string() == "test")
}

/// Returns the tokens after the first item of `tokens`. An item ends with a semicolon or a block.
fn after_item(tokens: &[TokenTree]) -> &[TokenTree] {
    let is_end = |token: &TokenTree| {
        is_punct(token, ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    // The braces of `use a::{b, c};` end nothing yet.
    let is_use = tokens.iter().take_while(|token| !is_end(token)).any(|token| is_ident(token, "use"));
    let end = tokens.iter().position(|token| if is_use { is_punct(token, ';') } else { is_end(token) });
    end.map_or(&[], |end| &tokens[end + 1..])
}
