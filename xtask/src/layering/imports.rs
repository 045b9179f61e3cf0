//! Reading which top-level modules of a crate a source file names.
//!
//! The file's tokens are enough for that: a path begins with `crate::`, the crate's own name, or as many `super::` as the module
//! is deep. Unlike a parsed syntax tree they hold what stands inside macro calls, too.

use std::{collections::HashMap, path::Path, str::FromStr};

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// The library's name, as the programs in src/bin see it.
const LIBRARY: &str = "faultscope";
/// What a file asks about the machine it is compiled for.
const TARGET_CFGS: [&str; 4] = ["target_arch", "target_family", "target_os", "target_vendor"];

/// What a file names.
#[derive(Debug, PartialEq, Eq)]
pub enum Import {
    /// A top-level module of the crate.
    Module {
        /// Its name.
        name: String,
        /// Where, from 1.
        line: usize,
    },
    /// A configuration about the machine compiled for.
    TargetCfg {
        /// Its name.
        name: String,
        /// Where, from 1.
        line: usize,
    },
}

impl Import {
    /// Where, from 1.
    pub fn line(&self) -> usize {
        match self {
            Self::Module { line, .. } | Self::TargetCfg { line, .. } => *line,
        }
    }
}

/// The names that the crate's root re-exports, and the module each comes from.
pub struct Exports(HashMap<String, String>);

impl Exports {
    /// Reads the `use` items of lib.rs.
    ///
    /// # Errors
    /// Where it is not Rust.
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

/// A file of src, by its place.
pub struct Source {
    /// The module it is, from the crate's root: empty for lib.rs.
    module: Vec<String>,
    is_bin: bool,
}

impl Source {
    /// The file at `path`, which starts below src.
    pub fn new(path: &Path) -> Self {
        let stem = path.with_extension("");
        let mut module: Vec<String> = stem.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let is_bin = module.first().is_some_and(|first| first == "bin");
        if module.last().is_some_and(|last| last == "mod") || module == ["lib"] {
            module.pop();
        }
        Self { module, is_bin }
    }

    /// Whether it is compiled for tests alone: `tests.rs` beside what it tests, or a file in a folder `tests`.
    pub fn is_test(&self) -> bool {
        self.module.iter().any(|part| part == "tests")
    }

    /// The top-level module it belongs to, or `bin`; `None` for lib.rs.
    pub fn layer(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }

    /// What its text names, in the text's order.
    ///
    /// # Errors
    /// Where it is not Rust.
    pub fn imports(&self, text: &str, exports: &Exports) -> Result<Vec<Import>> {
        let root = if self.is_bin { LIBRARY } else { "crate" };
        // A program is a crate of its own: its `super` never leads into the library.
        let depth = if self.is_bin { usize::MAX } else { self.module.len() };
        let mut reader = Reader { root, exports, found: Vec::new() };
        reader.read(&tokens(text)?, depth);
        Ok(reader.found)
    }
}

struct Reader<'a> {
    root: &'a str,
    exports: &'a Exports,
    found: Vec<Import>,
}

impl Reader<'_> {
    /// Reads `tokens`, which stand in a module `depth` steps below the crate's root.
    fn read(&mut self, tokens: &[TokenTree], depth: usize) {
        let mut rest = tokens;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match first {
                TokenTree::Punct(_) if is_test_attribute(first, after) => rest = after_item(&after[1..]),
                TokenTree::Ident(word) if word == "mod" => {
                    if let [TokenTree::Ident(_), TokenTree::Group(body), beyond @ ..] = after {
                        self.read(&inside(body), depth.saturating_add(1));
                        rest = beyond;
                    }
                }
                TokenTree::Ident(word) if word == self.root => {
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

    /// Notes the modules that `path`, seen from the crate's root, begins with.
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

/// What follows the item that `tokens` begin with: an item ends in a semicolon or a block.
fn after_item(tokens: &[TokenTree]) -> &[TokenTree] {
    let is_end = |token: &TokenTree| {
        is_punct(token, ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    // The braces of `use a::{b, c};` end nothing yet.
    let is_use = tokens.iter().take_while(|token| !is_end(token)).any(|token| is_ident(token, "use"));
    let end = tokens.iter().position(|token| if is_use { is_punct(token, ';') } else { is_end(token) });
    end.map_or(&[], |end| &tokens[end + 1..])
}
