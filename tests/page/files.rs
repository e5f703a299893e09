//! Runs in the page: kept, gone on with, exported and brought back.

use crate::site::{Said, Site, until};
use backhoe::data::source::Source;
use backhoe::nn::Loss;
use backhoe::train::Settings;
use backhoe::train::cell::Cell;
use backhoe::worker::message::{Export, Exported, Kept, Order, Pace, Scene};
use backhoe::worker::{Command, Message};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

/// A run of some seconds on the processor.
const RUN: &str = "train=192&test=32&loss=emd&epochs=3&device=cpu";

/// One that is still under way when the page is loaded again.
const LONGER: &str = "train=192&test=32&loss=emd&epochs=30&device=cpu";

pub fn settings() -> Settings {
    let mut settings =
        Settings { losses: vec![Loss::Emd], epochs: 3, channels: vec![4], hidden: 8, ..Settings::default() };
    settings.make_room(256);
    settings
}

pub fn order(source: Source, device: &str) -> Command {
    let cell = Cell { source, protocol: Default::default(), settings: settings(), ground: None, search: false };
    let order = Order { cell, place: None, device: device.to_owned(), begins: true, sized_by_device: false };
    Command::Begin(Box::new(order))
}

fn faces() -> Source {
    Source::Faces { train: 192, test: 32 }
}

pub fn begun(message: Message) -> Option<Box<Scene>> {
    if let Message::Begun(scene) = message { Some(scene) } else { None }
}

fn runs(message: Message) -> Option<Vec<Kept>> {
    if let Message::Runs(runs) = message { Some(runs) } else { None }
}

pub fn finished(message: Message) -> Option<()> {
    matches!(message, Message::Finished).then_some(())
}

pub fn listed(site: &Site) -> Vec<String> {
    site.send(&Command::List);
    site.message(runs).into_iter().map(|kept| kept.place.display().to_string()).collect()
}

pub fn open(place: &str) -> Command {
    Command::Open { place: place.into(), device: "cpu".to_owned() }
}

/// What is written, as it is downloaded.
pub fn export(site: &Site, what: Exported, name: &str) -> Vec<u8> {
    site.send(&Command::Export(Box::new(Export { what, to: name.into() })));
    let (named, bytes) = site.file();
    assert_eq!(named, name);
    bytes
}

#[test]
fn a_run_goes_on_after_the_page_was_loaded_again_and_ends_in_the_same_bytes() {
    let site = Site::open(&format!("{LONGER}&autostart"), "");
    let scene = site.message(begun);
    assert_eq!(scene.place, Path::new("runs/faces-1"));
    site.message(|message| if let Message::Kept { step: 1.., .. } = message { Some(()) } else { None });
    site.reload();
    site.send(&Command::List);
    let [kept] = &site.message(runs)[..] else { panic!("one run was begun") };
    assert!(kept.epochs[0] >= 1 && kept.epochs[1] == 30 && kept.bytes > 10_000, "{kept:?}");
    site.send(&open("runs/faces-1"));
    let opened = site.message(begun);
    let steps = opened.batches * opened.settings.epochs;
    assert!((1..steps).contains(&opened.step) && !opened.rows.is_empty(), "step {} of {steps}", opened.step);
    site.send(&Command::Go(Pace::Run));
    site.message(finished);
    let resumed = export(&site, Exported::Weights(Loss::Emd), "weights.safetensors");
    // The same from its first step to its last.
    site.send(&Command::Restart);
    assert_eq!(site.message(begun).place, Path::new("runs/faces-2"));
    site.message(finished);
    assert!(resumed == export(&site, Exported::Weights(Loss::Emd), "weights.safetensors"), "the weights differ");
    // A run that was left is fetched again to be exported; one that is removed is gone.
    assert!(export(&site, Exported::Run("runs/faces-1".into()), "faces-1.backhoe").starts_with(b"PK"));
    site.send(&Command::Remove("runs/faces-1".into()));
    assert_eq!(site.message(runs).len(), 1);
    site.reload();
    assert_eq!(listed(&site), ["runs/faces-2"]);
}

/// The program in a folder, with these words.
fn program(folder: &Path, words: &[&str]) {
    let mut program = Process::new(env!("CARGO_BIN_EXE_backhoe"));
    let status = program.args(words).current_dir(folder).stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{words:?}");
}

#[test]
fn a_run_goes_from_the_page_to_the_program_and_back() {
    let site = Site::open("", "");
    site.send(&order(faces(), "cpu"));
    site.message(finished);
    let packed = export(&site, Exported::Run("runs/faces-1".into()), "faces-1.backhoe");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("faces-1.backhoe"), packed).unwrap();
    program(folder.path(), &["train", "--quiet", "--device", "cpu", "--resume", "faces-1.backhoe", "--epochs", "4"]);
    let gone_on = folder.path().join("runs/faces-1");
    assert!(gone_on.join("report.html").exists());
    let back = backhoe::train::run::RunFolder { path: gone_on }.pack().unwrap();
    site.drop("faces-1.backhoe", back);
    // The window opens it by itself, beside the one of the same name.
    let scene = site.message(begun);
    assert_eq!((scene.place.as_path(), scene.rows.len()), (Path::new("runs/faces-2"), 4));
    site.send(&Command::Go(Pace::Run));
    site.message(finished);
    let claimed = "navigator.locks.query().then((locks) => locks.held.map((lock) => lock.name))";
    assert_eq!(site.tools().evaluate(claimed), json!(["backhoe runs/faces-2"]), "no other tab may open it");
    site.drop("broken.backhoe", b"no run".to_vec());
    assert!(site.failure().why.contains("broken.backhoe"));
}

#[test]
fn what_cannot_begin_is_said_and_leaves_nothing() {
    let site = Site::open("", "");
    site.send(&order(faces(), "no such device"));
    let why = site.failure().why;
    assert!(why.contains("no such device") && why.contains("`cpu`") && !why.contains("--device"), "{why}");
    site.send(&order(Source::Folder { path: "images/none".into(), test_fraction: 0.2, strict: false }, "cpu"));
    assert!(site.failure().why.contains("images/none"));
    assert_eq!(listed(&site), [""; 0]);
    site.send(&order(faces(), "cpu"));
    assert_eq!(site.message(begun).place, Path::new("runs/faces-1"), "no name is used up");
}

/// A browser as it is, and one as older Safaris are; both have no room for the first two files.
const FULL: [&str; 2] = [
    "let left = 2; const open = FileSystemFileHandle.prototype.createWritable;
    FileSystemFileHandle.prototype.createWritable = function () {
        return left-- > 0 ? Promise.reject(new DOMException('full', 'QuotaExceededError')) : open.call(this);
    };",
    "delete FileSystemFileHandle.prototype.createWritable;
    let left = 2; const write = FileSystemSyncAccessHandle.prototype.write;
    FileSystemSyncAccessHandle.prototype.write = function (...all) { return left-- > 0 ? 0 : write.apply(this, all) };",
];

/// All files that the browser keeps.
const FILES: &str = "(async () => {
    const found = [], folders = [[\"\", await navigator.storage.getDirectory()]];
    for (const [above, folder] of folders) for await (const [name, entry] of folder) {
        entry.kind === \"file\" ? found.push(above + name) : folders.push([`${above}${name}/`, entry]);
    }
    return found.sort();
})()";

#[test]
fn a_write_that_fails_is_tried_again_and_counts_once_it_is_done() {
    let [kept, kept_by_older] = FULL.map(assert_kept_once_there_is_room);
    assert_eq!(kept, kept_by_older);
    assert!(kept.as_array().is_some_and(|files| files.contains(&"runs/faces-1/run.json".into())), "{kept}");
}

/// The files that are kept of a run, which could not be at first.
fn assert_kept_once_there_is_room(worker: &'static str) -> Value {
    let site = Site::open("", worker);
    site.send(&order(faces(), "cpu"));
    let (mut failures, mut told) = (0, Vec::new());
    let step = site.until(|said| {
        let Said::Message(message) = said else { return None };
        match *message {
            Message::Failed(trouble) => {
                assert!(trouble.why.contains("QuotaExceeded") && !trouble.ends, "{trouble:?}");
                assert!(told.is_empty(), "{told:?} was told and is not kept");
                failures += 1;
                None
            }
            Message::Kept { step, whole } => {
                told.push(step);
                whole.then_some(step)
            }
            _ => None,
        }
    });
    assert_eq!(failures, 1, "it is said once");
    assert_eq!(step, 18, "three epochs of six batches");
    let files = site.tools().evaluate(FILES);
    site.reload();
    site.send(&open("runs/faces-1"));
    assert_eq!(site.message(begun).step, step);
    files
}

/// A browser in which another tab writes what is read first, twice in all.
const WRITTEN: &str = "let left = 2; const read = Blob.prototype.arrayBuffer;
    Blob.prototype.arrayBuffer = function () {
        return left-- > 0 ? Promise.reject(new DOMException('it has changed', 'NotReadableError')) : read.call(this);
    };";

#[test]
fn runs_are_read_that_another_tab_writes() {
    let site = Site::open("", WRITTEN);
    site.send(&order(faces(), "cpu"));
    site.message(finished);
    site.reload();
    assert_eq!(listed(&site), ["runs/faces-1"]);
}

#[test]
fn the_browser_is_asked_once_to_let_runs_stay() {
    let site = Site::open("", "");
    // As one that refuses.
    let refuse =
        "window.asked = 0; StorageManager.prototype.persist = () => { asked++; return Promise.reject('no') }; asked";
    assert_eq!(site.tools().evaluate(refuse), 0);
    site.send(&order(faces(), "cpu"));
    site.message(finished);
    assert_eq!(site.tools().evaluate("asked"), 1);
}

#[test]
fn a_run_goes_on_in_a_tab_that_is_hidden() {
    let site = Site::open("", "");
    site.tools().hide();
    assert_eq!(site.tools().evaluate("document.hidden"), true);
    site.send(&order(faces(), "cpu"));
    let scene = site.message(begun);
    let mut epochs = Vec::new();
    site.message(|message| match message {
        Message::Epoch(result) => {
            epochs.push(result.row.epoch);
            None
        }
        message => finished(message),
    });
    assert_eq!((scene.step, epochs), (0, vec![1, 2, 3]));
    assert_eq!(site.tools().evaluate("document.hidden"), true);
}

#[test]
fn two_pages_have_runs_of_their_own() {
    let site = Site::open("", "");
    site.run(&format!(
        "const frame = document.createElement('iframe'); frame.src = '/?second#{RUN}&autostart'; document.body.append(frame)"
    ));
    site.send(&order(faces(), "cpu"));
    let second = until(&site.second, |said| if let Said::Message(message) = said { begun(*message) } else { None });
    let first = site.message(begun);
    let mut places = [first.place, second.place];
    site.send(&open(&places[1].display().to_string()));
    let why = site.failure().why;
    assert!(why.contains("another tab"), "{why}");
    places.sort();
    assert_eq!(places, ["runs/faces-1", "runs/faces-2"].map(PathBuf::from));
}
