//! Runs, and choices of kernels, kept in the browser's own storage (the origin's private file system): known by their names from
//! when the Worker begins, brought into memory when they are read, and written after every bit of work that has written files.
//! Nothing of it leaves the machine.

use super::browser;
use backhoe::device::CHOICES;
use backhoe::files::{UNFINISHED, memory};
use backhoe::train::run::RUNS;
use js_sys::{Array, AsyncIterator, IteratorNext, Promise, Reflect, Uint8Array};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DomException, File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemHandle, FileSystemHandleKind, FileSystemWritableFileStream, StorageManager,
};

/// Files that stay in memory: what a list of runs tells stands in them.
const LISTED: [&str; 2] = ["run.json", "metrics.csv"];

/// Milliseconds after which a file that cannot be read is asked for again, each time; longer than another tab takes to write it.
const AGAIN_AFTER: [f64; 5] = [0.0, 10.0, 50.0, 200.0, 500.0];

/// The browser's storage.
pub struct Storage {
    root: FileSystemDirectoryHandle,
    /// The run that was opened last: its files stay in memory.
    held: Option<PathBuf>,
}

impl Storage {
    /// Opens it, and tells memory which files are kept there.
    ///
    /// # Errors
    /// Why this browser keeps nothing, in its words.
    pub async fn open() -> Result<Self, JsValue> {
        let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
        let manager: StorageManager = Reflect::get(&navigator, &"storage".into())?.dyn_into()?;
        let storage = Self { root: got(manager.get_directory()).await?, held: None };
        storage.look().await?;
        Ok(storage)
    }

    /// Tells memory which files are kept by now: other tabs write and remove some, too.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn look(&self) -> Result<(), JsValue> {
        let runs = self.folder(Path::new(RUNS).join("any").as_path(), true).await?;
        let (mut folders, mut found) = (vec![(PathBuf::from(RUNS), runs)], BTreeSet::new());
        let settled: BTreeSet<PathBuf> = memory::settled(Path::new(RUNS)).into_iter().collect();
        while let Some((path, folder)) = folders.pop() {
            let entries = match handles(folder.values()).await {
                // Another tab has removed it meanwhile.
                Err(error) if is_gone(&error) => continue,
                entries => entries?,
            };
            for handle in entries {
                let path = path.join(handle.name());
                if handle.kind() == FileSystemHandleKind::Directory {
                    folders.push((path, handle.dyn_into()?));
                    continue;
                }
                // What was written here and is not kept yet is newer.
                let is_settled = settled.contains(&path) || memory::len(&path).is_none();
                if self.look_at(&path, &handle.dyn_into()?, is_settled).await.is_err_and(|error| is_gone(&error)) {
                    continue;
                }
                found.insert(path);
            }
        }
        settled.iter().filter(|path| !found.contains(*path)).for_each(|path| drop(memory::take(path)));
        Ok(())
    }

    /// Brings choices of kernels into memory, as they are by now: other tabs make some, too. Where they cannot be read there are
    /// none.
    pub async fn recall(&self) {
        let path = Path::new(CHOICES);
        let bytes = self.bytes(path).await;
        // What was written here and is not kept yet is newer.
        if memory::exists(path) && memory::settled(path).is_empty() {
            return;
        }
        match bytes {
            Ok(bytes) => memory::lay(path.to_owned(), bytes),
            Err(_) => drop(memory::take(path)),
        }
    }

    /// Tells memory of a file; of one that a list of runs reads the bytes, too, unless there are newer ones here (not `is_settled`).
    /// What cannot be read is there all the same: who reads that run is told.
    async fn look_at(&self, path: &Path, handle: &FileSystemFileHandle, is_settled: bool) -> Result<(), JsValue> {
        let file: File = got(handle.get_file()).await?;
        match is_listed(path) && is_settled {
            true => match read(handle).await {
                Ok(bytes) => memory::lay(path.to_owned(), bytes),
                Err(error) if is_gone(&error) => return Err(error),
                Err(_) => memory::note(path.to_owned(), file.size() as u64),
            },
            false => memory::note(path.to_owned(), file.size() as u64),
        }
        Ok(())
    }

    /// Brings the files of a folder into memory, of which nobody has newer ones there.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn fetch(&self, folder: &Path) -> Result<(), JsValue> {
        for path in memory::settled(folder) {
            match self.bytes(&path).await {
                Ok(bytes) => memory::lay(path, bytes),
                // Another tab has removed it: nobody finds it here, either.
                Err(error) if is_gone(&error) => drop(memory::take(&path)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn bytes(&self, path: &Path) -> Result<Vec<u8>, JsValue> {
        let file = self.folder(path, false).await?.get_file_handle(&name(path));
        read(&got(file).await?).await
    }

    /// Holds the files of a run in memory from now on, and no other's.
    pub fn hold(&mut self, folder: PathBuf) {
        self.held = Some(folder);
    }

    /// Keeps the next thing that has changed in memory; whether anything had. What cannot be kept stays the next, but for choices
    /// of kernels: they are made anew, and hold up no run.
    ///
    /// # Errors
    /// When the browser has no room, or refuses; what was kept before stays.
    pub async fn keep(&self) -> Result<bool, JsValue> {
        let Some((path, bytes)) = memory::next_change() else { return Ok(false) };
        let done = match bytes {
            Some(bytes) => self.write(&path, &bytes).await,
            None => self.remove(&path).await,
        };
        if path != Path::new(CHOICES) {
            done?;
        }
        memory::kept(&path);
        Ok(true)
    }

    /// Takes out of memory what is kept and not held.
    pub fn release(&self) {
        let held = |path: &Path| self.held.as_ref().is_some_and(|held| path.starts_with(held));
        memory::release(|path| path.starts_with(RUNS) && !is_listed(path) && !held(path));
    }

    /// The folder of a path, `made` where it is missing.
    async fn folder(&self, path: &Path, made: bool) -> Result<FileSystemDirectoryHandle, JsValue> {
        let options = FileSystemGetDirectoryOptions::new();
        options.set_create(made);
        let mut folder = self.root.clone();
        for name in path.parent().into_iter().flat_map(Path::components) {
            let name = name.as_os_str().to_string_lossy();
            folder = got(folder.get_directory_handle_with_options(&name, &options)).await?;
        }
        Ok(folder)
    }

    /// Writes a file whole or not at all: what is written counts once the stream is closed, and a new file that comes to nothing
    /// is removed.
    async fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), JsValue> {
        let folder = self.folder(path, true).await?;
        let is_new = JsFuture::from(folder.get_file_handle(&name(path))).await.is_err();
        let written = write_into(&folder, &name(path), bytes).await;
        if written.is_err() && is_new {
            // The error that counts is the other.
            let _ = JsFuture::from(folder.remove_entry(&name(path))).await;
        }
        written
    }

    /// Removes a file, where it was ever kept, and its folder with the last.
    async fn remove(&self, path: &Path) -> Result<(), JsValue> {
        found(self.folder(path, true).await?.remove_entry(&name(path))).await?;
        if let Some(folder) = path.parent().filter(|folder| !memory::exists(folder)) {
            // It stays for as long as it holds files that are still to be removed.
            let _ = JsFuture::from(self.folder(folder, true).await?.remove_entry(&name(folder))).await;
        }
        Ok(())
    }
}

/// That what a promise removes was never there is no error.
async fn found(removal: Promise) -> Result<(), JsValue> {
    match JsFuture::from(removal).await {
        Err(error) if !is_gone(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Whether an error says that there is no such file.
fn is_gone(error: &JsValue) -> bool {
    error.dyn_ref::<DomException>().is_some_and(|error| error.name() == "NotFoundError")
}

async fn write_into(folder: &FileSystemDirectoryHandle, name: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(true);
    let file: FileSystemFileHandle = got(folder.get_file_handle_with_options(name, &options)).await?;
    let bytes = Uint8Array::from(bytes);
    // Older Safaris have none.
    if !Reflect::has(&file, &"createWritable".into())? {
        return browser::write_beside(folder, name, &format!("{UNFINISHED}{name}"), &bytes).await;
    }
    let stream: FileSystemWritableFileStream = got(file.create_writable()).await?;
    JsFuture::from(stream.write_with_js_u8_array(&bytes)?).await?;
    JsFuture::from(stream.close()).await?;
    Ok(())
}

/// The bytes of a file. Another tab may write it just then, and what was got of it before can no longer be read.
async fn read(handle: &FileSystemFileHandle) -> Result<Vec<u8>, JsValue> {
    let mut again = AGAIN_AFTER.into_iter();
    loop {
        let file: File = got(handle.get_file()).await?;
        match (JsFuture::from(file.array_buffer()).await, again.next()) {
            (Ok(buffer), _) => return Ok(Uint8Array::new(&buffer).to_vec()),
            (Err(_), Some(milliseconds)) => browser::later(milliseconds).await,
            (Err(error), None) => return Err(error),
        }
    }
}

fn is_listed(path: &Path) -> bool {
    LISTED.contains(&&*name(path))
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// What a promise comes to, as what it is.
async fn got<T: JsCast>(promise: Promise) -> Result<T, JsValue> {
    JsFuture::from(promise).await?.dyn_into()
}

async fn handles(all: AsyncIterator) -> Result<Vec<FileSystemHandle>, JsValue> {
    let found = Array::new();
    loop {
        let next: IteratorNext = JsFuture::from(all.next()?).await?.unchecked_into();
        if next.done() {
            return Ok(found.iter().map(JsCast::unchecked_into).collect());
        }
        found.push(&next.value());
    }
}
