//! Choices of kernels, remembered between runs of the program: `backhoe/kernels.json` in the user's folder for caches, of a page
//! in the browser's storage. It may be deleted at any time. Nothing depends on it but how soon the fastest kernels run: where it
//! cannot be read it counts as empty, and where it cannot be written choices are made anew.

use crate::files::{create_folder, read, write_whole};
use crate::gpu::{Choices, Tuner};
use std::io;
use std::path::{Path, PathBuf};

/// The file, in a folder of what may be forgotten.
pub const KERNELS: &str = "backhoe/kernels.json";

/// Where it is, where the system has a folder for such files.
#[cfg(not(target_arch = "wasm32"))]
fn place() -> Option<PathBuf> {
    Some(dirs::cache_dir()?.join(KERNELS))
}

/// Where it is: among the files of the page, which whoever serves it keeps.
#[cfg(target_arch = "wasm32")]
fn place() -> Option<PathBuf> {
    Some(KERNELS.into())
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
    read(place).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Adds to what the file says by now: other programs remember there, too.
fn remember(place: &Path, found: &Choices) -> io::Result<()> {
    let mut all = known(place);
    all.extend(found.clone());
    create_folder(place.parent().unwrap_or(place))?;
    write_whole(place, &serde_json::to_vec_pretty(&all)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::{Choice, Loads};

    fn choices(keys: &[&str]) -> Choices {
        let choice = Choice { adapter: "a".into(), operation: "o".into(), loads: Loads::LargeTiles };
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
        for broken in [&whole[..whole.len() / 2], b"", br#"{"one": {"loads": "elephants"}}"#, &[0xff; 9]] {
            std::fs::write(&place, broken).unwrap();
            assert_eq!(known(&place), Choices::new());
            remember(&place, &choices(&["two"])).unwrap();
            assert_eq!(known(&place), choices(&["two"]));
        }
    }
}
