//! Whole folders, good and bad, made in temporary places.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use image::{ImageFormat, Rgb, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::data::{Dataset, Images};

mod refusals;

const SIDE: usize = 4;

/// A data folder that goes away with the test.
struct Data(TempDir);

impl Data {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with two classes of four images each: `a` red, `b` blue.
    fn two_classes() -> Self {
        let data = Self::new();
        for i in 0..4 {
            data.image(&format!("a/{i}.png"), [200, 0, i]);
            data.image(&format!("b/{i}.png"), [0, 200, i]);
        }
        data
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// An image of one colour; the extension decides the format.
    fn image(&self, name: &str, colour: [u8; 3]) {
        self.bytes(name, &[]);
        RgbImage::from_pixel(6, 6, Rgb(colour)).save(self.path(name)).unwrap();
    }

    fn bytes(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    fn folder(&self) -> Folder {
        Folder { path: self.path(""), side: SIDE, test_fraction: 0.25, seed: 3, strict: false }
    }

    fn load(&self) -> Loaded {
        self.folder().load(&|_, _| {}).unwrap()
    }

    fn error(&self) -> FolderError {
        self.folder().load(&|_, _| {}).unwrap_err()
    }

    fn strict_error(&self) -> FolderError {
        let folder = Folder { strict: true, ..self.folder() };
        folder.load(&|_, _| {}).unwrap_err()
    }

    /// The names passed over, below the data folder.
    fn skipped(&self, loaded: &Loaded) -> Vec<String> {
        let below = |path: &Path| path.strip_prefix(self.0.path()).unwrap().display().to_string();
        loaded.skipped.iter().map(|skipped| below(&skipped.path)).collect()
    }
}

/// Names, sorted, of the images of one class in both splits.
fn names_of(loaded: &Loaded, class: u32) -> Vec<String> {
    let of = |images: &Images| {
        let with_label = images.names.iter().zip(&images.labels);
        with_label.filter(|(_, label)| **label == class).map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    let mut names = [of(&loaded.dataset.train), of(&loaded.dataset.test)].concat();
    names.sort();
    names
}

fn assert_says(error: &FolderError, parts: &[&str]) {
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn class_folders_become_a_split_data_set() {
    let data = Data::two_classes();
    let Loaded { dataset, skipped } = data.load();
    assert!(skipped.is_empty());
    assert_eq!(dataset.classes, ["a", "b"]);
    assert_eq!(dataset.name, data.0.path().file_name().unwrap().to_str().unwrap());
    assert_eq!(dataset.train.class_counts(2), [3, 3]);
    assert_eq!(dataset.test.class_counts(2), [1, 1]);
    for images in [&dataset.train, &dataset.test] {
        for i in 0..images.len() {
            let (label, name) = (images.labels[i], &images.names[i]);
            assert_eq!(images.values[i], f64::from(label));
            // Class and number are painted into the picture, so that rows cannot have been mixed up.
            let number: u8 = name[2..3].parse().unwrap();
            let colour = if name.starts_with('a') { [200, 0, number] } else { [0, 200, number] };
            assert_eq!(label, u32::from(name.starts_with('b')));
            assert_eq!(images.image(i), colour.map(|c| [c; SIDE * SIDE]).concat());
        }
    }
}

#[test]
fn the_seed_decides_the_split() {
    let data = Data::new();
    for i in 0..20 {
        data.image(&format!("a/{i}.png"), [1; 3]);
        data.image(&format!("b/{i}.png"), [2; 3]);
    }
    let tested = |seed| Folder { seed, ..data.folder() }.load(&|_, _| {}).unwrap().dataset.test.names;
    assert_eq!(tested(1), tested(1));
    assert_ne!(tested(1), tested(2));
}

#[test]
fn train_and_test_folders_are_the_splits() {
    let data = Data::new();
    for class in ["x", "y"] {
        data.image(&format!("train/{class}/1.png"), [1; 3]);
        data.image(&format!("train/{class}/2.png"), [1; 3]);
        data.image(&format!("Test/{class}/3.png"), [1; 3]);
    }
    let Loaded { dataset, skipped } = data.load();
    assert!(skipped.is_empty());
    assert_eq!(dataset.train.names, ["train/x/1.png", "train/x/2.png", "train/y/1.png", "train/y/2.png"]);
    assert_eq!(dataset.test.names, ["Test/x/3.png", "Test/y/3.png"]);
    assert_eq!(dataset.test.labels, [0, 1]);
    // The fraction has no meaning here, so that a wrong one does no harm.
    let folder = Folder { test_fraction: 7.0, ..data.folder() };
    assert!(folder.load(&|_, _| {}).is_ok());
}

#[test]
fn what_lies_beside_the_splits_is_reported() {
    let data = Data::new();
    for split in ["train", "test"] {
        data.image(&format!("{split}/x/1.png"), [1; 3]);
        data.image(&format!("{split}/y/1.png"), [1; 3]);
    }
    data.image("val/x/1.png", [1; 3]);
    data.image("loose.png", [1; 3]);
    data.image("test/loose.png", [1; 3]);
    data.bytes("README.md", b"about the data");
    let loaded = data.load();
    assert_eq!(data.skipped(&loaded), ["loose.png", "test/loose.png", "val"]);
    assert!(matches!(loaded.skipped[2].reason, SkipReason::NotASplit));
    assert_says(&data.strict_error(), &["loose.png", "beside the class folders"]);
}

#[test]
fn classes_come_in_natural_order() {
    let data = Data::new();
    for class in ["10-12", "2-4", "100", "b", "a"] {
        data.image(&format!("{class}/10.png"), [1; 3]);
        data.image(&format!("{class}/9.png"), [1; 3]);
    }
    let Loaded { dataset, .. } = data.load();
    assert_eq!(dataset.classes, ["2-4", "10-12", "100", "a", "b"]);
    assert_eq!(dataset.train.labels, [0, 1, 2, 3, 4]);
}

#[test]
fn the_class_list_gives_order_and_values() {
    let data = Data::two_classes();
    data.bytes("classes.txt", b"b\t7.5\na\t-2\n");
    let Loaded { dataset, skipped } = data.load();
    assert!(skipped.is_empty());
    assert_eq!(dataset.classes, ["b", "a"]);
    assert_eq!(dataset.test.labels, [0, 1]);
    assert_eq!(dataset.test.values, [7.5, -2.0]);
    assert!(dataset.test.names[0].starts_with("b/"));
}

#[test]
fn every_format_is_read_from_a_file() {
    let data = Data::new();
    for (i, ext) in ["png", "jpg", "gif", "webp", "bmp", "tiff", "ppm", "tga", "qoi"].iter().enumerate() {
        data.image(&format!("{}/{i}.{ext}", ["a", "b"][i % 2]), [60; 3]);
    }
    // A wrong name does not matter where the content has a signature.
    data.bytes("b/jpeg.txt", &fs::read(data.path("b/1.jpg")).unwrap());
    let Loaded { dataset, skipped } = data.load();
    assert!(skipped.is_empty(), "{skipped:?}");
    assert_eq!(dataset.train.len() + dataset.test.len(), 10);
    assert!(dataset.train.pixels.iter().flatten().all(|p| p.abs_diff(60) <= 2));
}

#[test]
fn bad_files_are_named_with_the_reason_and_passed_over() {
    let data = Data::two_classes();
    let whole = fs::read(data.path("a/0.png")).unwrap();
    data.bytes("a/10-empty.png", b"");
    data.bytes("a/9-cut.png", &whole[..whole.len() / 2]);
    data.bytes("b/bomb.pnm", b"P6 60000 60000 255\n");
    data.bytes("b/notes.txt", b"not an image");
    data.bytes("b/sham.png", b"not an image");
    let loaded = data.load();
    let names = ["a/9-cut.png", "a/10-empty.png", "b/bomb.pnm", "b/notes.txt", "b/sham.png"];
    assert_eq!(data.skipped(&loaded), names);
    let reasons = ["cut off", "empty", "too large", "not an image", "not an image"];
    for (skipped, reason) in loaded.skipped.iter().zip(reasons) {
        let message = skipped.to_string();
        assert!(message.contains(reason), "{message}");
        assert!(message.contains(skipped.path.to_str().unwrap()), "{message}");
    }
    assert_eq!(loaded.dataset.train.len() + loaded.dataset.test.len(), 8);
    assert_says(&data.strict_error(), &["9-cut.png", "cut off", "strict"]);
}

#[test]
fn data_in_a_file_are_those_in_memory() {
    let data = Data::two_classes();
    data.bytes("a/broken.png", b"words");
    data.bytes("b/0-broken.png", b"words");
    let in_memory = data.load();
    let all = 10 * 3 * SIDE * SIDE;
    for most in [0, all - 1, all] {
        let mut reading = data.folder().read_keeping(most).unwrap();
        while reading.advance().unwrap() {}
        let loaded = reading.finish().unwrap();
        assert_eq!(loaded.dataset, in_memory.dataset);
        assert_eq!(data.skipped(&loaded), ["a/broken.png", "b/0-broken.png"]);
    }
}

#[test]
fn a_search_can_be_given_up() {
    let data = Data::two_classes();
    for deep in 0..50 {
        data.image(&format!("a/{deep}/1.png"), [1; 3]);
    }
    let mut reading = data.folder().read().unwrap();
    let searching = std::iter::from_fn(|| (reading.progress() == [0, 0]).then(|| assert!(reading.advance().unwrap())));
    assert!(searching.count() > 2);
    assert_eq!(reading.progress(), [0, 58]);
}

#[test]
fn strict_mode_takes_a_clean_folder() {
    let data = Data::two_classes();
    let folder = Folder { strict: true, ..data.folder() };
    assert_eq!(folder.load(&|_, _| {}).unwrap().dataset.test.len(), 2);
}

#[test]
fn hidden_files_are_left_out_and_nested_folders_searched() {
    let data = Data::two_classes();
    data.bytes("a/.DS_Store", b"junk");
    data.bytes("a/.thumbs/1.png", b"junk");
    data.image(".cache/1.png", [1; 3]);
    data.bytes("__MACOSX/a/._0.png", b"junk");
    data.image("a/deep/er/5.png", [1; 3]);
    let loaded = data.load();
    assert!(loaded.skipped.is_empty(), "{:?}", loaded.skipped);
    assert_eq!(loaded.dataset.classes, ["a", "b"]);
    let expected = ["a/0.png", "a/1.png", "a/2.png", "a/3.png", "a/deep/er/5.png"];
    assert_eq!(names_of(&loaded, 0), expected);
}

#[test]
fn what_runs_leave_is_no_data() {
    let data = Data::two_classes();
    // A run among the classes, one in a class, some below a folder of their own, and one that has not begun.
    for run in ["run", "a/run", "runs/x-1", "runs/old/x-1", "other/x"] {
        data.image(&format!("{run}/curves.png"), [1; 3]);
        data.bytes(&format!("{run}/run.json"), b"{}");
    }
    data.bytes("runs/x-2/run.json", b"");
    data.bytes("other/.DS_Store", b"junk");
    let loaded = data.load();
    assert!(loaded.skipped.is_empty(), "{:?}", loaded.skipped);
    assert_eq!(loaded.dataset.classes, ["a", "b"]);
    assert_eq!(names_of(&loaded, 0), ["a/0.png", "a/1.png", "a/2.png", "a/3.png"]);
    // With images beside its runs it is a class.
    data.image("runs/1.png", [1; 3]);
    data.image("runs/2.png", [1; 3]);
    let loaded = data.load();
    assert_eq!(loaded.dataset.classes, ["a", "b", "runs"]);
    assert_eq!(names_of(&loaded, 2), ["runs/1.png", "runs/2.png"]);
}

#[test]
fn runs_beside_train_and_test_are_no_news() {
    let data = Data::new();
    for path in ["train/a/1.png", "train/b/1.png", "test/a/2.png", "test/b/2.png", "runs/x-1/curves.png"] {
        data.image(path, [1; 3]);
    }
    data.bytes("runs/x-1/run.json", b"{}");
    data.bytes("train/runs/x-1/run.json", b"{}");
    let loaded = data.load();
    assert!(loaded.skipped.is_empty(), "{:?}", loaded.skipped);
    assert_eq!(loaded.dataset.classes, ["a", "b"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_their_loops_ended() {
    use std::os::unix::fs::symlink;
    let (data, other) = (Data::two_classes(), Data::new());
    other.image("more/5.png", [1; 3]);
    symlink(other.path("more"), data.path("a/linked")).unwrap();
    symlink(data.path("a/0.png"), data.path("b/same.png")).unwrap();
    data.image("b/real/6.png", [1; 3]);
    symlink(data.path("b/real"), data.path("b/again")).unwrap();
    symlink(data.path("a"), data.path("a/loop")).unwrap();
    symlink(data.path(""), data.path("a/root")).unwrap();
    symlink(data.path(""), data.path("self")).unwrap();
    symlink(data.path("nowhere"), data.path("b/dangling.png")).unwrap();
    let loaded = data.load();
    assert_eq!(loaded.dataset.classes, ["a", "b"]);
    assert_eq!(data.skipped(&loaded), ["a/loop", "a/root", "b/again", "b/dangling.png", "self"]);
    assert!(loaded.skipped[..3].iter().all(|s| matches!(s.reason, SkipReason::Loop)));
    assert!(matches!(loaded.skipped[3].reason, SkipReason::Read(_)));
    assert_eq!(names_of(&loaded, 0)[4], "a/linked/5.png");
    assert_eq!(names_of(&loaded, 1)[4..], ["b/real/6.png", "b/same.png"]);
}

#[cfg(unix)]
#[test]
fn a_socket_is_not_opened() {
    let data = Data::two_classes();
    let _socket = std::os::unix::net::UnixListener::bind(data.path("a/s.png")).unwrap();
    let loaded = data.load();
    assert!(matches!(loaded.skipped[0].reason, SkipReason::NotAFile));
    let direct = decode_file(&data.path("a/s.png"), SIDE).unwrap_err();
    assert!(matches!(direct.reason, SkipReason::NotAFile));
    let (files, skipped) = image_files(&data.path("a")).unwrap();
    assert_eq!((files.len(), skipped.len()), (4, 1));
}

#[test]
fn files_are_read_a_few_at_a_time() {
    let data = Data::two_classes();
    let at_once = 8 * rayon::current_num_threads();
    (0..at_once).for_each(|number| data.image(&format!("a/more {number}.png"), [7; 3]));
    data.bytes("a/broken.png", b"words");
    let total = at_once + 9;
    let calls = RefCell::new(Vec::new());
    let loaded = data.folder().load(&|done, total| calls.borrow_mut().push((done, total))).unwrap();
    let read = (0..total).step_by(at_once).map(|done| (done, total));
    // First it is searched for them.
    assert_eq!(calls.into_inner(), std::iter::once((0, 0)).chain(read).collect::<Vec<_>>());
    let Dataset { train, test, .. } = loaded.dataset;
    assert_eq!((train.len() + test.len(), loaded.skipped.len()), (total - 1, 1));
}

#[cfg(unix)]
#[test]
fn single_files_and_folders_are_found_for_prediction() {
    let data = Data::new();
    for name in ["10.png", "9.jpg", "in/2.bmp", ".hidden.png"] {
        data.image(name, [90; 3]);
    }
    data.bytes("notes.txt", b"words");
    data.bytes("nameless", &fs::read(data.path("10.png")).unwrap());
    data.bytes("broken.png", b"words");
    let names = |path: &str| image_files(&data.path(path)).unwrap().0;
    let expected = ["9.jpg", "10.png", "broken.png", "in/2.bmp", "nameless"];
    assert_eq!(names(""), expected.map(|name| data.path(name)));
    assert_eq!(names("notes.txt"), [data.path("notes.txt")]);
    assert!(matches!(image_files(&data.path("gone")), Err(FolderError::Missing(_))));
    fs::create_dir(data.path("none")).unwrap();
    assert!(matches!(image_files(&data.path("none")), Err(FolderError::NoImageFiles(_))));
}

#[test]
fn a_single_file_is_decoded_as_in_a_folder() {
    let data = Data::two_classes();
    let planar = decode_file(&data.path("a/3.png"), SIDE).unwrap();
    assert_eq!(planar, [200, 0, 3].map(|c| [c; SIDE * SIDE]).concat());
    assert_eq!(decode_bytes(&fs::read(data.path("a/3.png")).unwrap(), SIDE), Ok(planar));
    let message = |name: &str| decode_file(&data.path(name), SIDE).unwrap_err().to_string();
    assert!(message("gone.png").contains("gone.png: cannot be read"));
    assert!(message("a").contains("not a regular file"));
    data.bytes("t.png", b"words");
    assert!(message("t.png").contains("not an image"));
    let format = ImageFormat::Tga;
    RgbImage::from_pixel(3, 3, Rgb([9; 3])).save_with_format(data.path("x.tga"), format).unwrap();
    assert_eq!(decode_file(&data.path("x.tga"), 1).unwrap(), [9; 3]);
}

#[test]
fn votes_go_with_their_images() {
    let data = Data::two_classes();
    let loaded = data.load().dataset;
    assert!(loaded.train.votes.is_empty());
    let voted = loaded.train.names[0].clone();
    let [first, second] = &loaded.classes[..] else { panic!("two classes") };
    data.bytes("votes.csv", format!("image,{second},{first}\n{voted},3,1\n").as_bytes());
    let loaded = data.load().dataset;
    for images in [&loaded.train, &loaded.test] {
        assert_eq!(images.votes.len(), 2 * images.len());
        for (index, shares) in images.votes.chunks(2).enumerate() {
            let own = images.labels[index] as usize;
            let want =
                if images.names[index] == voted { [0.25, 0.75] } else { [0, 1].map(|c| f32::from(u8::from(c == own))) };
            assert_eq!(shares, want, "{}", images.names[index]);
        }
    }
    data.bytes("votes.csv", b"image,x,y\n");
    assert_says(&data.error(), &["votes.csv", "`x`"]);
}
