//! A headless Chromium, driven through chromedriver by the WebDriver protocol: plain HTTP on the
//! loopback.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use host::{Host, Invocation};
use serde_json::{Value, json};

use crate::skips;

/// How long one test may keep its browser.
const LIMIT: Duration = Duration::from_secs(240);

/// How long the driver may take to start, or to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most that an answer may be.
const MOST_BYTES: u64 = 64 << 20;

/// Keys as WebDriver names them.
pub(crate) mod key {
    pub(crate) const TAB: char = '\u{e004}';
    pub(crate) const ENTER: char = '\u{e007}';
    pub(crate) const ESCAPE: char = '\u{e00c}';
    pub(crate) const END: char = '\u{e010}';
    pub(crate) const HOME: char = '\u{e011}';
    pub(crate) const LEFT: char = '\u{e012}';
    pub(crate) const UP: char = '\u{e013}';
    pub(crate) const RIGHT: char = '\u{e014}';
    pub(crate) const DOWN: char = '\u{e015}';
}

/// A browser with one page in it.
pub(crate) struct Browser {
    port: u16,
    session: String,
    files: tempfile::TempDir,
    driver: Option<JoinHandle<()>>,
}

/// Runs a test with a browser. Where there is none, the test says that it is skipped.
pub(crate) fn browser(test: impl FnOnce(&Browser)) {
    match Browser::start() {
        Ok(browser) => test(&browser),
        Err(reason) => skip(&reason),
    }
}

/// Says that a test did not run, past the capture of the test runner, and in the list that
/// `cargo xtask test` counts.
fn skip(reason: &str) {
    let thread = thread::current();
    skips::record(thread.name().unwrap_or("browser"), reason);
}

impl Browser {
    fn start() -> Result<Self, String> {
        let host = Host::current().map_err(|error| error.to_string())?;
        let chromium = ["chromium", "chromium-browser", "google-chrome"]
            .iter()
            .find_map(|name| host.program(name))
            .ok_or("there is no chromium on PATH")?;
        let chromedriver =
            host.program("chromedriver").ok_or("there is no chromedriver on PATH")?;
        let files = tempfile::tempdir().map_err(|error| error.to_string())?;
        let port = free_port().map_err(|error| error.to_string())?;
        let command = Invocation::new(chromedriver).arg(format!("--port={port}")).timeout(LIMIT);
        let driver = thread::spawn(move || drop(command.output()));
        let mut browser = Self { port, session: String::new(), files, driver: Some(driver) };
        browser.wait_for_driver();
        let profile = browser.files.path().join("profile");
        let options = json!({
            "binary": chromium,
            // The sandbox is not to be had for root and in many containers, and the page is ours.
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--window-size=1400,1000",
                format!("--user-data-dir={}", profile.display()),
            ],
        });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } });
        let created = browser.request("POST", "/session", &wanted)?;
        created["sessionId"].as_str().ok_or("no session")?.clone_into(&mut browser.session);
        Ok(browser)
    }

    fn wait_for_driver(&self) {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Ok(status) = self.request("GET", "/status", &Value::Null)
                && status["ready"] == true
            {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("chromedriver does not answer");
    }

    /// One request; an answer that is an error is one.
    fn request(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let answer = self.exchange(method, path, body).map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        match value.get("error") {
            Some(error) => Err(format!("{error}: {}", value["message"])),
            None => Ok(value),
        }
    }

    fn exchange(&self, method: &str, path: &str, body: &Value) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json; \
             charset=utf-8\r\nContent-Length: {}\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes())?;
        // The driver keeps the connection open whatever it is asked for, so the length decides.
        let mut answer = BufReader::new(stream.take(MOST_BYTES));
        let mut length = 0;
        loop {
            let mut line = String::new();
            if answer.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(number) = line.strip_prefix("content-length:") {
                length = number.trim().parse().unwrap_or(0);
            }
        }
        let mut body = Vec::new();
        answer.take(length).read_to_end(&mut body)?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    #[track_caller]
    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/session/{}{path}", self.session);
        match self.request(method, &path, body) {
            Ok(value) => value,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    /// Where the page lies.
    pub(crate) fn path(&self) -> PathBuf {
        self.files.path().join("page.html")
    }

    /// Opens a page from a file, as somebody does who was sent it. `fragment` begins with `#`.
    #[track_caller]
    pub(crate) fn open(&self, html: &str, fragment: &str) {
        fs_err::write(self.path(), html).unwrap();
        // A change of the fragment alone would not load the page anew.
        self.command("POST", "/url", &json!({ "url": "about:blank" }));
        // What was before, such as the browser's own first page, is none of this page's doing.
        self.log("browser");
        self.log("performance");
        let url = format!("file://{}{fragment}", self.path().display());
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// What a script returns.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The text that a script returns.
    #[track_caller]
    pub(crate) fn text(&self, script: &str) -> String {
        let value = self.run(&format!("return {script}"));
        value.as_str().unwrap_or_else(|| panic!("{script} is {value}")).to_owned()
    }

    /// The number that a script returns.
    #[track_caller]
    pub(crate) fn number(&self, script: &str) -> f64 {
        let value = self.run(&format!("return {script}"));
        value.as_f64().unwrap_or_else(|| panic!("{script} is {value}"))
    }

    /// Clicks on the element as a person does: it has to be in sight and not covered.
    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.command("POST", "/element", &wanted);
        let id = found.as_object().and_then(|found| found.values().next()).unwrap();
        let path = format!("/element/{}/click", id.as_str().unwrap());
        self.command("POST", &path, &json!({}));
    }

    /// Presses keys, one after the other.
    #[track_caller]
    pub(crate) fn press(&self, keys: &[char]) {
        let strokes: Vec<Value> = keys
            .iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keys", "actions": strokes }] });
        self.command("POST", "/actions", &actions);
    }

    /// What the console said since the page was opened, or since the last call.
    #[track_caller]
    pub(crate) fn console(&self) -> Vec<String> {
        let log = self.log("browser");
        log.iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// The addresses that were asked for since the page was opened, or since the last call.
    #[track_caller]
    pub(crate) fn requests(&self) -> Vec<String> {
        let mut addresses = Vec::new();
        for entry in self.log("performance") {
            let message = entry["message"].as_str().unwrap_or_default();
            let message: Value = serde_json::from_str(message).unwrap();
            if message["message"]["method"] == "Network.requestWillBeSent" {
                let address = &message["message"]["params"]["request"]["url"];
                addresses.push(address.as_str().unwrap_or_default().to_owned());
            }
        }
        addresses
    }

    #[track_caller]
    fn log(&self, kind: &str) -> Vec<Value> {
        let log = self.command("POST", "/se/log", &json!({ "type": kind }));
        log.as_array().unwrap().clone()
    }

    /// A command of the browser's developer tools.
    #[track_caller]
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.command("POST", "/goog/cdp/execute", &body)
    }

    /// Shows the page as wide, and to somebody who prefers `light` or `dark`.
    #[track_caller]
    pub(crate) fn look(&self, width: u32, height: u32, scheme: &str) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
        let scheme = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [scheme] }));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let path = format!("/session/{}", self.session);
            let _ = self.request("DELETE", &path, &Value::Null);
        }
        let _ = self.exchange("GET", "/shutdown", &Value::Null);
        if let Some(driver) = self.driver.take() {
            // Ends by the request above, or by its time limit.
            let _ = driver.join();
        }
    }
}

/// A port that nobody listens on now.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
