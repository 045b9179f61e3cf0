//! A static file server with the headers of a careful one, for the page on this machine.
//!
//! It answers only to the names that this machine has for itself. A page of another origin whose name is made to lead here
//! (DNS rebinding) is an origin that reads what it likes from a server that answers to any name.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

/// The longest request, in bytes.
const LONGEST: u64 = 16 << 10;

/// The longest wait for a request or for its reader.
const PATIENCE: Duration = Duration::from_secs(30);

/// The policy of the page as a header, which binds its workers and keeps it out of frames, too. `index.html` has the same
/// policy for other servers.
pub const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src \
                          'self' blob: data:; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; font-src \
                          'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'";

/// Headers of every answer. The page shares no memory between threads, so it asks for no isolation beyond its own window.
const HEADERS: [(&str, &str); 5] = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    // A page that was built again is asked for again.
    ("Cache-Control", "no-cache"),
];

/// The names that the server answers to.
#[derive(Clone, Debug)]
pub struct Names {
    /// The address that it listens on.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// Further names of the machine, without the port.
    pub more: Vec<String>,
}

impl Names {
    /// Whether a request for `host`, the value of its header, is for this server.
    fn has(&self, host: &str) -> bool {
        let suffix = format!(":{}", self.port);
        let name = match host.strip_suffix(&suffix) {
            Some(name) => name,
            None if self.port == 80 => host,
            None => return false,
        };
        let ip = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match ip {
            Ok(ip) => ip.is_loopback() || ip == self.address || self.address.is_unspecified(),
            Err(_) => {
                name.eq_ignore_ascii_case("localhost") || self.more.iter().any(|more| more.eq_ignore_ascii_case(name))
            }
        }
    }
}

/// Serves `folder` on a thread of its own, until the program ends. Returns the address.
///
/// # Errors
/// If the address cannot be used.
pub fn start(folder: &Path, names: Names) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((names.address, names.port))?;
    let address = listener.local_addr()?;
    let names = Arc::new(Names { port: address.port(), ..names });
    let folder: Arc<Path> = folder.into();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (folder, names) = (folder.clone(), names.clone());
            // A browser that goes away is no matter.
            thread::spawn(move || answer(stream, &folder, &names).ok());
        }
    });
    Ok(address)
}

/// Answers the one request of `stream`.
fn answer(mut stream: TcpStream, folder: &Path, names: &Names) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(Read::by_ref(&mut stream).take(LONGEST)).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let mut hosts = Vec::new();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("host")
        {
            hosts.push(value.trim().to_owned());
        }
    }
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, kind, body) = match (&hosts[..], method) {
        ([host], "GET" | "HEAD") if names.has(host) => match file(folder, target).map(|file| (fs::read(&file), file)) {
            Some((Ok(body), file)) => ("200 OK", kind(&file), body),
            _ => ("404 Not Found", "text/plain; charset=utf-8", b"there is no such file\n".to_vec()),
        },
        ([host], _) if names.has(host) => {
            ("405 Method Not Allowed", "text/plain; charset=utf-8", b"expected GET or HEAD\n".to_vec())
        }
        _ => {
            let text = "this server answers to localhost, 127.0.0.1 and [::1], each with its port; \
                        `cargo xtask serve --host NAME` adds a name\n";
            ("421 Misdirected Request", "text/plain; charset=utf-8", text.into())
        }
    };
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in HEADERS {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Content-Security-Policy: {POLICY}; frame-ancestors 'none'\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    if method != "HEAD" {
        stream.write_all(&body)?;
    }
    stream.flush()
}

/// The file in `folder` that `target` asks for; `None` if there is none, or it is not in the folder.
fn file(folder: &Path, target: &str) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next()?.strip_prefix('/')?;
    let path = unescaped(path)?;
    let mut file = folder.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if matches!(part, "." | "..") || part.contains(['\\', ':', '\0']) {
            return None;
        }
        file.push(part);
    }
    if file.is_dir() {
        file.push("index.html");
    }
    // A link does not lead out of the folder.
    let (root, file) = (folder.canonicalize().ok()?, file.canonicalize().ok()?);
    (file.is_file() && file.starts_with(root)).then_some(file)
}

/// `path` without percent signs for bytes; `None` if it is not UTF-8.
fn unescaped(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The media type of a file, which the browser does not guess.
fn kind(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "toml" | "txt" | "md" | "sha256" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn names(address: &str, more: &[&str]) -> Names {
        let more = more.iter().map(|&name| name.to_owned()).collect();
        Names { address: address.parse().expect("an address"), port: 8080, more }
    }

    #[test]
    fn only_names_of_this_machine_are_answered_to() {
        let own = names("127.0.0.1", &[]);
        for host in ["localhost:8080", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080"] {
            assert!(own.has(host), "{host}");
        }
        for host in
            ["evil.example:8080", "localhost", "localhost:80", "192.0.2.1:8080", "localhost.evil.example:8080", ""]
        {
            assert!(!own.has(host), "{host}");
        }
        assert!(names("127.0.0.1", &["box.lan"]).has("box.lan:8080"));
        assert!(names("0.0.0.0", &[]).has("192.0.2.1:8080"), "no name leads to a number");
        assert!(!names("0.0.0.0", &[]).has("evil.example:8080"));
    }

    #[test]
    fn files_come_with_their_type_and_the_headers_and_nothing_else_comes() {
        let above = tempfile::tempdir().expect("a temporary folder");
        let folder = above.path().join("dist");
        fs::create_dir(&folder).expect("a folder");
        fs::write(above.path().join("secret"), b"secret").expect("a file");
        fs::write(folder.join("index.html"), b"page").expect("a file");
        fs::write(folder.join("app bg.wasm"), b"wasm").expect("a file");
        let names = Names { address: Ipv4Addr::LOCALHOST.into(), port: 0, more: Vec::new() };
        let address = start(&folder, names).expect("a server");
        let ask = |request: &str, host: &str| {
            let mut stream = TcpStream::connect(address).expect("a connection");
            write!(stream, "{request} HTTP/1.1\r\nHost: {host}\r\n\r\n").expect("a request");
            let mut text = String::new();
            stream.read_to_string(&mut text).expect("an answer");
            text
        };
        let host = format!("localhost:{}", address.port());
        let page = ask("GET /?seed=1", &host);
        assert!(page.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html"), "{page}");
        assert!(page.contains("nosniff\r\n") && page.contains("frame-ancestors 'none'\r\n"), "{page}");
        assert!(page.ends_with("\r\n\r\npage"), "{page}");
        let program = ask("GET /app%20bg.wasm", &host);
        assert!(program.contains("Content-Type: application/wasm\r\n") && program.ends_with("wasm"), "{program}");
        assert!(ask("HEAD /", &host).ends_with("\r\n\r\n"));
        for path in ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/none", "secret", "/%ff"] {
            assert!(ask(&format!("GET {path}"), &host).starts_with("HTTP/1.1 404"), "{path}");
        }
        assert!(ask("POST /", &host).starts_with("HTTP/1.1 405"));
        for host in ["evil.example", &format!("evil.example:{}", address.port())] {
            let refused = ask("GET /", host);
            assert!(refused.starts_with("HTTP/1.1 421") && !refused.ends_with("page"), "{refused}");
        }
    }

    #[test]
    fn the_header_and_the_page_have_one_policy() {
        let page = include_str!("../../index.html");
        assert!(page.contains(&format!("content=\"{POLICY}\"")), "index.html has another policy than {POLICY}");
    }
}
