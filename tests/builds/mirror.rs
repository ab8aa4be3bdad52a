//! A registry of this machine that has the crates of a lock file, as a company's mirror has them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use host::{Host, Invocation};
use tempfile::TempDir;

/// Serves a sparse index and `.crate` files until the test ends.
pub(crate) struct Mirror {
    home: TempDir,
    served: Arc<AtomicUsize>,
}

impl Mirror {
    /// Starts one with the crates of a project, which cargo fetches into its own cache first.
    pub(crate) fn start(project: &Path) -> Mirror {
        let fetch = Invocation::new("cargo").args(["fetch", "--locked"]).directory(project);
        let fetched = fetch.output().unwrap();
        assert!(fetched.success(), "{}", fetched.stderr_text());
        let lock = fs_err::read_to_string(project.join("Cargo.lock")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let files = Arc::new(Files::of(&lock, &address));
        let served = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&served);
        // It ends with the process of the tests.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (files, counter) = (Arc::clone(&files), Arc::clone(&counter));
                thread::spawn(move || files.answer(stream.unwrap(), &counter));
            }
        });
        let home = TempDir::new().unwrap();
        let config = format!(
            "[source.crates-io]\nreplace-with = \"mirror\"\n\
             [source.mirror]\nregistry = \"sparse+{address}/index/\"\n"
        );
        fs_err::write(home.path().join("config.toml"), config).unwrap();
        Mirror { home, served }
    }

    /// A directory for cargo that makes it use the mirror.
    pub(crate) fn cargo_home(&self) -> &Path {
        self.home.path()
    }

    /// How many crates it has given away.
    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }
}

/// Answers by path.
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn of(lock: &str, address: &str) -> Files {
        let registry = cargo_home().join("registry");
        let mut files = BTreeMap::new();
        let config = format!("{{\"dl\": \"{address}/crates/{{crate}}-{{version}}.crate\"}}");
        files.insert("/index/config.json".to_owned(), config.into_bytes());
        for (name, version) in packages(lock) {
            let file = format!("{name}-{version}.crate");
            let found = find(&registry.join("cache"), &file)
                .unwrap_or_else(|| panic!("cargo has no {file}"));
            files.insert(format!("/crates/{file}"), fs_err::read(found).unwrap());
            let place = index_path(&name);
            let known = find(&registry.join("index"), &format!(".cache/{place}")).unwrap();
            let lines = entries(&fs_err::read(known).unwrap());
            files.insert(format!("/index/{place}"), lines);
        }
        Files(files)
    }

    fn answer(&self, mut stream: TcpStream, served: &AtomicUsize) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            while reader.read_line(&mut line).is_ok_and(|length| length > 2) {}
            if path.starts_with("/crates/") {
                served.fetch_add(1, Ordering::Relaxed);
            }
            let (status, body) = match self.0.get(&path) {
                Some(body) => ("200 OK", body.as_slice()),
                None => ("404 Not Found", &b""[..]),
            };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
            let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
            if sent.is_err() {
                return;
            }
        }
    }
}

fn cargo_home() -> PathBuf {
    let host = Host::current().unwrap();
    let named = host.variables.path("CARGO_HOME");
    named.unwrap_or_else(|| host.home.as_ref().unwrap().join(".cargo"))
}

/// The packages of a lock file that come from a registry.
fn packages(lock: &str) -> Vec<(String, String)> {
    let document: toml::Table = toml::from_str(lock).unwrap();
    let all = document["package"].as_array().unwrap().iter();
    let text = |package: &toml::Value, key: &str| package[key].as_str().unwrap().to_owned();
    all.filter(|package| package.get("source").is_some())
        .map(|package| (text(package, "name"), text(package, "version")))
        .collect()
}

/// Where an index has what it knows of a crate.
fn index_path(name: &str) -> String {
    match name.len() {
        1 => format!("1/{name}"),
        2 => format!("2/{name}"),
        3 => format!("3/{}/{name}", &name[..1]),
        _ => format!("{}/{}/{name}", &name[..2], &name[2..4]),
    }
}

/// A file in one of the directories for registries.
fn find(registries: &Path, below: &str) -> Option<PathBuf> {
    let host = Host::current().unwrap();
    let mut all = fs_err::read_dir(registries).unwrap().map(|entry| entry.unwrap().path());
    all.find_map(|registry| Some(registry.join(below)).filter(|path| host.is_file(path)))
}

/// The lines of an index in cargo's cache of it, where each follows a version and a zero byte.
fn entries(cached: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for part in cached.split(|byte| *byte == 0).filter(|part| part.starts_with(b"{")) {
        lines.extend_from_slice(part);
        lines.push(b'\n');
    }
    lines
}
