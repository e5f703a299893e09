//! Runs kept in the browser's own storage (the origin's private file system): read once when the Worker begins, and written
//! after every bit of work that has written files. Nothing of it leaves the machine.

use backhoe::files::memory;
use js_sys::{Array, AsyncIterator, IteratorNext, Promise, Reflect, Uint8Array};
use std::path::{Path, PathBuf};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DomException, File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemHandle, FileSystemHandleKind, FileSystemWritableFileStream, StorageManager,
};

/// The browser's storage.
pub struct Storage {
    root: FileSystemDirectoryHandle,
}

impl Storage {
    /// Opens it, and puts all that is kept there into memory.
    ///
    /// # Errors
    /// Why this browser keeps nothing, in its words.
    pub async fn open() -> Result<Self, JsValue> {
        let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
        let manager: StorageManager = Reflect::get(&navigator, &"storage".into())?.dyn_into()?;
        let storage = Self { root: got(manager.get_directory()).await? };
        storage.restore().await?;
        Ok(storage)
    }

    async fn restore(&self) -> Result<(), JsValue> {
        let mut folders = vec![(PathBuf::new(), self.root.clone())];
        while let Some((path, folder)) = folders.pop() {
            for handle in handles(folder.values()).await? {
                let path = path.join(handle.name());
                if handle.kind() == FileSystemHandleKind::Directory {
                    folders.push((path, handle.dyn_into()?));
                } else {
                    let file: File = got(handle.dyn_into::<FileSystemFileHandle>()?.get_file()).await?;
                    memory::restore(path, Uint8Array::new(&JsFuture::from(file.array_buffer()).await?).to_vec());
                }
            }
        }
        Ok(())
    }

    /// Keeps what has changed in memory since this was last asked; whether anything had.
    ///
    /// # Errors
    /// When the browser has no room, or refuses; what was kept before stays.
    pub async fn keep(&self) -> Result<bool, JsValue> {
        let changes = memory::changes();
        let any = !changes.is_empty();
        for (path, bytes) in changes {
            match bytes {
                Some(bytes) => self.write(&path, &bytes).await?,
                None => self.remove(&path).await?,
            }
        }
        Ok(any)
    }

    /// The folder of a path, made where it is missing.
    async fn folder(&self, path: &Path) -> Result<FileSystemDirectoryHandle, JsValue> {
        let options = FileSystemGetDirectoryOptions::new();
        options.set_create(true);
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
        let folder = self.folder(path).await?;
        let is_new = JsFuture::from(folder.get_file_handle(&name(path))).await.is_err();
        let written = write_into(&folder, &name(path), bytes).await;
        if written.is_err() && is_new {
            // The error that counts is the other.
            let _ = JsFuture::from(folder.remove_entry(&name(path))).await;
        }
        written
    }

    /// Removes a file, where it was ever kept.
    async fn remove(&self, path: &Path) -> Result<(), JsValue> {
        match JsFuture::from(self.folder(path).await?.remove_entry(&name(path))).await {
            Err(error) if error.dyn_ref::<DomException>().is_none_or(|error| error.name() != "NotFoundError") => {
                Err(error)
            }
            _ => Ok(()),
        }
    }
}

async fn write_into(folder: &FileSystemDirectoryHandle, name: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(true);
    let file: FileSystemFileHandle = got(folder.get_file_handle_with_options(name, &options)).await?;
    let stream: FileSystemWritableFileStream = got(file.create_writable()).await?;
    JsFuture::from(stream.write_with_js_u8_array(&Uint8Array::from(bytes))?).await?;
    JsFuture::from(stream.close()).await?;
    Ok(())
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
