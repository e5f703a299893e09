//! Files that were chosen in the page or dropped on it, read by the Worker into its memory. They go nowhere else.

use backhoe::files::{self, memory, packed};
use backhoe::train::run::PACKED;
use backhoe::worker::message::Brought;
use backhoe::worker::opening::IMAGES;
use js_sys::{Array, Uint8Array};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;
use web_time::Instant;

/// The folder of images that came without one around them.
const UNNAMED: &str = "dropped";
/// Where packed runs lie until they are opened.
pub const RUNS: &str = "brought";
/// Most files that an archive's trouble names.
const MOST_NAMED: usize = 5;
/// Time from one word on how far it is to the next.
const TOLD_EVERY: Duration = Duration::from_millis(100);

/// A file with its path below what was chosen.
type Handed = (PathBuf, File);

/// What was brought, and what of it could not be read.
pub struct Taken {
    /// Where it lies.
    pub brought: Brought,
    /// What is wrong with files of an archive, in words.
    pub trouble: Option<String>,
}

/// Reads files into memory: a packed run, a zip of images, or images. `tell` is told how far it is, in words.
///
/// # Errors
/// Why that cannot be, in words.
pub async fn take(pairs: &Array, tell: fn(&str)) -> Result<Taken, String> {
    let mut pace = Pace { tell, told: None };
    let handed: Vec<Handed> = pairs.iter().filter_map(|pair| handed(&pair)).collect();
    let bytes: f64 = handed.iter().map(|(_, file)| file.size()).sum();
    if bytes > packed::MOST_BYTES as f64 {
        return Err(format!("more than {} MiB, which a page cannot hold: give a part of it", packed::MOST_BYTES >> 20));
    }
    let ends = |path: &Path, ending: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
    match &handed[..] {
        [] => Err("there is no file in it".to_owned()),
        [(path, file)] if ends(path, PACKED) => {
            let place = Path::new(RUNS).join(path.file_name().unwrap_or_default());
            memory::lay(place.clone(), read(file).await?);
            Ok(Taken { brought: Brought::Run(place), trouble: None })
        }
        [(path, file)] if ends(path, "zip") => unpack(path, file, &mut pace).await,
        _ => lay(&handed, &mut pace).await,
    }
}

/// Tells how far something is, from time to time.
struct Pace {
    tell: fn(&str),
    told: Option<Instant>,
}

impl Pace {
    fn tell(&mut self, words: impl FnOnce() -> String) {
        if self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            (self.tell)(&words());
            self.told = Some(Instant::now());
        }
    }
}

fn handed(pair: &JsValue) -> Option<Handed> {
    let pair: &Array = pair.dyn_ref()?;
    Some((PathBuf::from(pair.get(0).as_string()?), pair.get(1).dyn_into().ok()?))
}

async fn read(file: &File) -> Result<Vec<u8>, String> {
    let buffer = JsFuture::from(file.array_buffer()).await;
    let buffer = buffer.map_err(|error| format!("{} cannot be read: {error:?}", file.name()))?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// The place of images of this name; those that lay there go.
fn cleared(name: &Path) -> PathBuf {
    let place = Path::new(IMAGES).join(name);
    memory::settled(&place).iter().for_each(|path| drop(memory::take(path)));
    place
}

async fn unpack(path: &Path, file: &File, pace: &mut Pace) -> Result<Taken, String> {
    let place = cleared(Path::new(path.file_stem().unwrap_or(UNNAMED.as_ref())));
    pace.tell(|| format!("Reading {} …", path.display()));
    let mut count = 0;
    let put = |inner: PathBuf, bytes| {
        count += 1;
        pace.tell(|| format!("Unpacking {}: {count} files so far …", path.display()));
        memory::lay(place.join(inner), bytes);
        Ok(())
    };
    let broken = packed::unpack(&read(file).await?, put).map_err(|error| format!("{}: {error}", path.display()))?;
    if !files::exists(&place) {
        return Err(format!("{}: there is no file in it", path.display()));
    }
    Ok(Taken { brought: Brought::Images(place), trouble: words(&broken) })
}

fn words(broken: &[packed::Broken]) -> Option<String> {
    let named: Vec<String> =
        broken.iter().take(MOST_NAMED).map(|file| format!("{} ({})", file.name, file.why)).collect();
    let (count, are) =
        if broken.len() == 1 { ("1 file".to_owned(), "is") } else { (format!("{} files", broken.len()), "are") };
    let why = format!("{count} of the archive cannot be unpacked and {are} left out: {}", named.join(", "));
    (!broken.is_empty()).then_some(why)
}

async fn lay(handed: &[Handed], pace: &mut Pace) -> Result<Taken, String> {
    let holder = packed::holder(handed.iter().map(|(path, _)| path.as_path()));
    let place = cleared(holder.unwrap_or(Path::new(UNNAMED)));
    for (at, (path, file)) in handed.iter().enumerate() {
        pace.tell(|| format!("Reading file {} of {} …", at + 1, handed.len()));
        let below = holder.and_then(|holder| path.strip_prefix(holder).ok()).unwrap_or(path);
        memory::lay(place.join(below), read(file).await?);
    }
    Ok(Taken { brought: Brought::Images(place), trouble: None })
}
