//! Folders whose reading is watched and called off.

use super::super::message::{Command, Message, Pace};
use super::super::tests::{Desk, order_on, settings, troubles};
use crate::data::source::Source;
use crate::train::Settings;
use image::{Rgb, RgbImage};
use std::path::Path;
use tempfile::TempDir;

/// A folder with so many images in two classes that they are not read at once.
fn images() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for class in ["dark", "light"] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        for number in 0..16 * rayon::current_num_threads() {
            let shade = if class == "dark" { 40 } else { 200 } + (number % 40) as u8;
            let path = folder.path().join(class).join(format!("{number}.png"));
            RgbImage::from_pixel(16, 16, Rgb([shade; 3])).save(path).unwrap();
        }
    }
    folder
}

fn order(images: &Path, place: &Path) -> Command {
    let source = Source::Folder { path: images.to_owned(), test_fraction: 0.25, strict: false };
    order_on(source, place, Settings { epochs: 1, ..settings() })
}

/// Advances until some images are read, but not all; what was told meanwhile.
fn read_some(desk: &mut Desk) -> Vec<Message> {
    let said = desk.until(|message| matches!(message, Message::Loading { of: 1.., .. }));
    desk.worker.advance();
    said
}

fn told(messages: &[Message], seen: impl Fn(&Message) -> bool) -> bool {
    messages.iter().any(seen)
}

#[test]
fn the_reading_of_a_folder_is_told_and_called_off() {
    let (images, runs) = (images(), tempfile::tempdir().unwrap());
    let place = runs.path().join("run");
    let mut desk = Desk::new();
    desk.worker.take(order(images.path(), &place));
    let mut said = read_some(&mut desk);
    assert!(place.exists());
    said.extend(desk.take(Command::Stop));
    let total = 32 * rayon::current_num_threads();
    assert!(matches!(said[0], Message::Loading { done: 0, of: 0 }), "{said:?}");
    assert!(told(&said, |message| matches!(message, Message::Loading { of, .. } if *of == total)), "{said:?}");
    assert!(matches!(said.last(), Some(Message::CalledOff)), "{said:?}");
    assert!(!place.exists(), "nothing of the run stays");
    // The worker lives on.
    let said = desk.take(order(images.path(), &place));
    assert!(told(&said, |message| matches!(message, Message::Finished)), "{:?}", troubles(&said));
}

#[test]
fn that_a_run_is_prepared_is_told_before_it_is() {
    let (images, runs) = (images(), tempfile::tempdir().unwrap());
    let mut desk = Desk::new();
    desk.worker.take(order(images.path(), &runs.path().join("run")));
    let said = desk.until(|message| matches!(message, Message::Preparing));
    // It can be shown, and called off.
    assert!(!told(&said, |message| matches!(message, Message::Begun(_))), "{said:?}");
    let said = desk.take(Command::Stop);
    assert!(matches!(said.last(), Some(Message::CalledOff)), "{said:?}");
}

#[test]
fn what_is_asked_for_next_is_read_in_place_of_what_was() {
    let (images, runs) = (images(), tempfile::tempdir().unwrap());
    let [first, second] = ["first", "second"].map(|name| runs.path().join(name));
    let mut desk = Desk::new();
    desk.worker.take(order(images.path(), &first));
    read_some(&mut desk);
    let said = desk.take(order(images.path(), &second));
    assert!(told(&said, |message| matches!(message, Message::Finished)) && troubles(&said).is_empty());
    assert!(!first.exists() && second.join("report.html").exists());
    // A run that is to go on stays as it is.
    let before = std::fs::read(second.join("run.json")).unwrap();
    desk.worker.take(Command::Open { place: second.clone(), device: "cpu".to_owned() });
    read_some(&mut desk);
    let said = desk.take(Command::Stop);
    assert!(matches!(said.last(), Some(Message::CalledOff)), "{said:?}");
    assert!(std::fs::read(second.join("run.json")).unwrap() == before);
    assert_eq!(troubles(&desk.take(Command::Go(Pace::Run))).len(), 1, "no run is under way");
}

#[test]
fn what_cannot_be_read_leaves_no_folder() {
    let (images, runs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for class in ["a", "b"] {
        std::fs::create_dir(images.path().join(class)).unwrap();
        std::fs::write(images.path().join(class).join("broken.png"), "words").unwrap();
    }
    let place = runs.path().join("run");
    let said = Desk::new().take(order(images.path(), &place));
    assert!(troubles(&said)[0].contains("none of the 2 files"), "{said:?}");
    assert!(!place.exists());
}
