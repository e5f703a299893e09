//! Choices of kernels, remembered between runs of the program: `backhoe/kernels.json` in the user's folder for caches, of a page
//! in the browser's storage. It may be deleted at any time. Nothing depends on it but how soon the fastest kernels run: where it
//! cannot be read it counts as empty, and where it cannot be written choices are made anew. Entries of another version of the
//! program stay as they are.

use crate::files::{create_folder, read, write_whole};
use crate::gpu::{Choices, Tuner};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The file, in a folder of what may be forgotten.
pub const CHOICES: &str = "backhoe/kernels.json";

/// Where it is, where the system has a folder for such files.
#[cfg(not(target_arch = "wasm32"))]
fn place() -> Option<PathBuf> {
    Some(dirs::cache_dir()?.join(CHOICES))
}

/// Where it is: among the files of the page, which whoever serves it keeps.
#[cfg(target_arch = "wasm32")]
fn place() -> Option<PathBuf> {
    Some(CHOICES.into())
}

/// A tuner that knows what is remembered, and remembers what it finds.
pub(super) fn tuner() -> Tuner {
    let Some(place) = place() else { return Tuner::new(Choices::new(), |_| ()) };
    Tuner::new(known(&place), move |found| {
        // As above: what is not remembered is found again.
        let _ = remember(&place, found);
    })
}

fn known(place: &Path) -> Choices {
    let choice = |value| serde_json::from_value(value).ok();
    entries(place).into_iter().filter_map(|(key, value)| Some((key, choice(value)?))).collect()
}

/// What the file says, whoever can read it.
fn entries(place: &Path) -> BTreeMap<String, Value> {
    read(place).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Adds to what the file says by now: other programs remember there, too.
fn remember(place: &Path, found: &Choices) -> io::Result<()> {
    let mut all = entries(place);
    for (key, choice) in found {
        all.insert(key.clone(), serde_json::to_value(choice)?);
    }
    create_folder(place.parent().unwrap_or(place))?;
    write_whole(place, &serde_json::to_vec_pretty(&all)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::{Choice, Loads};

    fn choices(keys: &[&str]) -> Choices {
        let choice = Choice { adapter: "a".into(), operation: "o".into(), loads: Loads::LargeTiles, again: false };
        keys.iter().map(|key| ((*key).to_owned(), choice.clone())).collect()
    }

    #[test]
    fn what_is_remembered_is_known_again_beside_what_others_remember() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("backhoe").join("kernels.json");
        assert_eq!(known(&place), Choices::new(), "nothing is there yet");
        remember(&place, &choices(&["one"])).unwrap();
        remember(&place, &choices(&["two"])).unwrap();
        assert_eq!(known(&place), choices(&["one", "two"]));
    }

    #[test]
    fn a_broken_file_counts_as_empty_and_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("kernels.json");
        remember(&place, &choices(&["one"])).unwrap();
        let whole = std::fs::read(&place).unwrap();
        for broken in [&whole[..whole.len() / 2], b"", br#"["one"]"#, &[0xff; 9]] {
            std::fs::write(&place, broken).unwrap();
            assert_eq!(known(&place), Choices::new());
            remember(&place, &choices(&["two"])).unwrap();
            assert_eq!(known(&place), choices(&["two"]));
        }
    }

    #[test]
    fn what_another_version_remembers_stays_and_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("kernels.json");
        std::fs::write(&place, br#"{"theirs": {"loads": "elephants"}}"#).unwrap();
        assert_eq!(known(&place), Choices::new());
        remember(&place, &choices(&["ours"])).unwrap();
        assert_eq!(known(&place), choices(&["ours"]));
        assert_eq!(entries(&place)["theirs"]["loads"], "elephants");
    }
}
