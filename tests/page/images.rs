//! Images of one's own in the page: chosen or dropped, as a folder or a .zip, they are those that the program reads.

use crate::browser;
use crate::files::{begun, export, finished, listed, open, order, settings};
use crate::site::Site;
use crate::threads::TWO;
use backhoe::data::identity::Identity;
use backhoe::data::source::Source;
use backhoe::files::packed::unpack;
use backhoe::train::cell::load;
use backhoe::train::run::RunFolder;
use backhoe::worker::message::{Brought, Exported, Picture};
use backhoe::worker::{Command, Message};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Images of a class: browsers hand over a folder's entries by the hundred.
const EACH: u16 = 130;
/// Files that are no images.
const ODD: [&str; 3] = ["old/broken.png", "young/cut.png", "young/notes.md"];

/// A picture of one colour.
fn picture(shade: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let [red, green] = [shade, 255 - shade].map(|shade| shade as u8);
    let image = image::RgbImage::from_pixel(16, 16, image::Rgb([red, green, 90]));
    image.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

/// The files of a folder of two classes: some lie deeper, some are no images.
fn photos() -> Vec<(String, Vec<u8>)> {
    let class = |name: &'static str, shade: u16| {
        (0..EACH).map(move |number| (format!("{name}/{number}.png"), picture(shade + number / 2)))
    };
    let mut photos: Vec<_> = class("young", 10).chain(class("old", 140)).collect();
    photos.extend((0..4).map(|number| (format!("old/grew up/in Köln/{number}.png"), picture(210 + number))));
    photos.extend(ODD.map(|name| (name.to_owned(), picture(9)[..60].to_vec())));
    photos.push((".hidden".to_owned(), b"not seen".to_vec()));
    photos.push(("classes.txt".to_owned(), b"young\nold\n".to_vec()));
    photos
}

/// The folder `photos` on this machine.
fn folder() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("photos");
    for (name, bytes) in photos() {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    (place, folder)
}

fn brought(message: Message) -> Option<Brought> {
    if let Message::Brought(brought) = message { Some(brought) } else { None }
}

fn pictures(message: Message) -> Option<Vec<Picture>> {
    if let Message::Images(pictures) = message { Some(pictures) } else { None }
}

/// Has the page train on what it was given, and holds what it reads against what the program reads from the folder.
fn assert_read_alike(site: &Site, folder: &Path) {
    let source = |path: PathBuf| Source::Folder { path, test_fraction: 0.25, strict: false };
    assert_eq!(site.message(brought), Brought::Images("images/photos".into()));
    site.send(&order(source("images/photos".into()), "cpu"));
    let scene = site.message(begun);
    let settings = settings();
    let source = source(folder.to_owned());
    let (data, skipped) = load(&source, &Default::default(), settings.stored_side, settings.seed, &|_, _| ()).unwrap();
    assert_eq!((&scene.classes, &scene.names, &scene.labels), (&data.classes, &data.test.names, &data.test.labels));
    assert_eq!((skipped.len(), scene.skipped.len()), (ODD.len(), ODD.len()), "{:?}", scene.skipped);
    site.message(finished);
    site.send(&Command::Images(vec![1]));
    assert_eq!(site.message(pictures)[0].planes, data.test.image(1));
    // The run's own word on all of them: labels and pixels of both splits.
    let run = tempfile::tempdir().unwrap();
    let packed = export(site, Exported::Run("runs/photos-1".into()), "photos-1.backhoe");
    unpack(&packed, |path, bytes| std::fs::write(run.path().join(path), bytes)).unwrap();
    let kept = RunFolder { path: run.path().to_owned() }.read_checkpoint().unwrap();
    assert_eq!(kept.progress.data, Identity::of(&data));
}

#[test]
fn a_zip_of_images_is_loaded_as_the_program_loads_the_folder() {
    let site = Site::open("", "");
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in photos() {
        archive.start_file(format!("photos/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    site.drop("photos.zip", archive.finish().unwrap().into_inner());
    let (_place, folder) = folder();
    assert_read_alike(&site, &folder);
    // The page keeps no images; without them it says what to do.
    let packed = export(&site, Exported::Run("runs/photos-1".into()), "photos-1.backhoe");
    site.reload();
    site.send(&open("runs/photos-1"));
    let why = site.failure().why;
    assert!(why.contains("drop their folder"), "{why}");
    // A run from elsewhere that cannot go on without them leaves nothing.
    site.drop("photos-1.backhoe", packed);
    assert!(site.failure().why.contains("drop their folder"));
    assert_eq!(listed(&site), ["runs/photos-1"]);
}

#[test]
fn a_folder_that_is_chosen_is_loaded_as_the_program_loads_it() {
    let (site, (_place, folder)) = (Site::open("", ""), folder());
    site.choose_folder(&folder);
    let files = photos().len();
    assert_eq!(site.words(), format!("Reading file 1 of {files} …"));
    while site.words() != "" {}
    assert_read_alike(&site, &folder);
}

#[test]
fn a_folder_that_is_dropped_is_loaded_as_the_program_loads_it() {
    let (_place, folder) = folder();
    for (headers, worker) in [("", ""), (browser::ISOLATED, TWO)] {
        let site = Site::open_with(headers, "", worker.to_owned());
        site.drop_paths(&[&folder]);
        assert_read_alike(&site, &folder);
    }
}
