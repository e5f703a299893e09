//! What tests in a real browser share: Chromium, and a server on a port of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

/// Names under which Chromium and its kin are found.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Nothing is shown, and nothing asks the network.
const FLAGS: [&str; 7] = [
    "--headless",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// WebGPU on the software driver that comes with the browser.
pub const WEBGPU: [&str; 2] = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/// A browser that ends with the test, and its profile.
pub struct Browser(pub Child, #[expect(dead_code, reason = "the folder lives as long")] tempfile::TempDir);

impl Browser {
    /// Starts what opens it, with a profile.
    pub fn start(command: &mut Command, profile: tempfile::TempDir) -> Self {
        Self(command.stderr(Stdio::null()).spawn().unwrap(), profile)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Opens a page in a browser with flags of one's own.
pub fn open(url: &str, flags: &[&str]) -> Browser {
    let (mut command, profile) = command(url, flags);
    Browser::start(command.stdin(Stdio::null()).stdout(Stdio::null()), profile)
}

/// What opens a page in a browser with flags of one's own, and the profile it has there. A missing Chromium fails the test;
/// scripts/setup --tests installs one.
pub fn command(url: &str, flags: &[&str]) -> (Command, tempfile::TempDir) {
    let found = BROWSERS.iter().find(|name| {
        let version = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    });
    let name = found.expect("this test needs Chromium; scripts/setup --tests installs it");
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(name);
    command.args(FLAGS).args(flags).arg(format!("--user-data-dir={}", profile.path().display())).arg(url);
    (command, profile)
}

/// A page that hands commands (`/next`) on to the Worker, and what that says (`/said`) to whoever serves it, in its order.
#[allow(dead_code, reason = "not every test that shares this file has a Worker")]
pub const PAGE: &str = r#"<!doctype html><script type="module">
const worker = new Worker("./worker.js", { type: "module" });
let said = Promise.resolve();
const say = (body) => { said = said.then(() => fetch("/said", { method: "POST", body })); };
worker.onerror = (event) => say(`the Worker ended: ${event.message}`);
worker.onmessage = async ({ data }) => {
    if (data instanceof MessagePort) return void (data.onmessage = ({ data }) => say(data));
    if (data !== "ready") return say(data);
    for (;;) {
        const command = new Uint8Array(await (await fetch("/next")).arrayBuffer());
        if (command.length > 0) worker.postMessage(command);
    }
};
</script>"#;

/// What a path is answered with: its kind and its bytes.
pub type Answer = Option<(&'static str, Vec<u8>)>;

/// What isolates a page from other origins, as `scripts/serve` does.
#[allow(dead_code, reason = "not every test that shares this file has threads")]
pub const ISOLATED: &str = "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n";

/// Serves on a port of its own: `answers` is given a path and what was posted to it. Browsers also open connections in which
/// they say nothing: each has a thread.
#[allow(dead_code, reason = "not every test that shares this file needs no headers")]
pub fn serve(answers: impl Fn(&str, Vec<u8>) -> Answer + Send + Sync + 'static) -> String {
    serve_with("", answers)
}

/// The same with more headers, each with its end.
pub fn serve_with(headers: &'static str, answers: impl Fn(&str, Vec<u8>) -> Answer + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let answers = Arc::new(answers);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answers = Arc::clone(&answers);
            std::thread::spawn(move || answer(stream, headers, &*answers));
        }
    });
    url
}

/// Answers one request.
fn answer(mut stream: TcpStream, headers: &str, answers: &dyn Fn(&str, Vec<u8>) -> Answer) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut request, mut line, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut request)?;
    while reader.read_line(&mut line)? > 0 && line.trim() != "" {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, kind, content) = match answers(request.split(' ').nth(1).unwrap_or_default(), body) {
        Some((kind, content)) => ("200 OK", kind, content),
        None => ("404 Not Found", "text/plain", Vec::new()),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", content.len())?;
    write!(stream, "{headers}Connection: close\r\n\r\n")?;
    stream.write_all(&content)
}
