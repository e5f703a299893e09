//! Keeps decoded images: in memory, or beyond a size in a temporary file that the system brings into memory as it is
//! read and drops again as it needs room. A page has memory alone.

use std::io;

use bytes::Bytes;
#[cfg(not(target_arch = "wasm32"))]
use {
    memmap2::Mmap,
    std::{fs::File, io::Write},
};

/// Most bytes of pixels that are kept in memory.
pub(super) const IN_MEMORY: usize = 1 << 30;

/// Decoded images in the order in which they were put in.
pub(super) enum Store {
    Memory(Vec<Bytes>),
    /// A file without a name, of `count` images of `size` bytes.
    #[cfg(not(target_arch = "wasm32"))]
    File {
        file: File,
        size: usize,
        count: usize,
    },
}

impl Store {
    /// For so many images of `size` bytes, in memory if all together have at most `in_memory`.
    pub fn new(images: usize, size: usize, in_memory: usize) -> io::Result<Self> {
        let bytes = images.checked_mul(size).ok_or(io::ErrorKind::OutOfMemory)?;
        if bytes > in_memory {
            return Self::beyond_memory(size);
        }
        // Asked for before the work is done; the system may still grant more than it has.
        Vec::<u8>::new().try_reserve_exact(bytes)?;
        Ok(Self::Memory(Vec::new()))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn beyond_memory(size: usize) -> io::Result<Self> {
        Ok(Self::File { file: tempfile::tempfile()?, size, count: 0 })
    }

    #[cfg(target_arch = "wasm32")]
    fn beyond_memory(_size: usize) -> io::Result<Self> {
        Err(io::ErrorKind::OutOfMemory.into())
    }

    /// Adds an image, and says how many were there before.
    pub fn put(&mut self, pixels: Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Memory(images) => {
                images.push(pixels.into());
                Ok(images.len() - 1)
            }
            #[cfg(not(target_arch = "wasm32"))]
            Self::File { file, count, .. } => {
                file.write_all(&pixels)?;
                *count += 1;
                Ok(*count - 1)
            }
        }
    }

    /// All images.
    pub fn images(self) -> io::Result<Vec<Bytes>> {
        match self {
            Self::Memory(images) => Ok(images),
            // Nothing cannot be mapped.
            #[cfg(not(target_arch = "wasm32"))]
            Self::File { count: 0, .. } => Ok(Vec::new()),
            #[cfg(not(target_arch = "wasm32"))]
            Self::File { file, size, count } => {
                // SAFETY: the bytes must not change while they are mapped. The file has no name by which another process
                // could come at it, this is its only handle, and nothing writes to it from here on.
                let whole = Bytes::from_owner(unsafe { Mmap::map(&file)? });
                Ok((0..count).map(|image| whole.slice(image * size..(image + 1) * size)).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_the_same_in_memory_and_in_a_file() {
        for (in_memory, in_file) in [(6, false), (5, true)] {
            let mut store = Store::new(3, 2, in_memory).unwrap();
            assert_eq!(matches!(store, Store::File { .. }), in_file);
            for image in 0..3 {
                assert_eq!(store.put(vec![image, 10 * image]).unwrap(), usize::from(image));
            }
            assert_eq!(store.images().unwrap(), [[0, 0], [1, 10], [2, 20]].map(Bytes::from_owner));
            let store = Store::new(3, 2, in_memory).unwrap();
            assert!(store.images().unwrap().is_empty());
        }
    }

    #[test]
    fn more_than_can_be_addressed_is_refused() {
        let error = Store::new(usize::MAX, 2, IN_MEMORY).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
        assert!(Store::new(1 << 40, 1 << 20, usize::MAX).is_err());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error() {
        let file = File::options().write(true).open("/dev/full").unwrap();
        let mut store = Store::File { file, size: 2, count: 0 };
        assert_eq!(store.put(vec![1, 2]).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
