//! Files of the library's own on disk: private, replaced whole, locked, and known to be whose they are.
//!
//! Folders and files may be anybody's doing: a name may be a planted link, a state may be crafted, a file system may
//! have no locks and no room. What is read is bounded; what is written appears whole or not at all.

pub(crate) mod journal;
pub(crate) mod lock;
pub(crate) mod owner;
pub(crate) mod private;
pub(crate) mod replace;

#[cfg(test)]
pub(crate) mod scratch {
    //! A folder for one test, which goes away with it.

    use std::{
        fs,
        path::{Path, PathBuf},
    };

    pub(crate) struct Scratch(PathBuf);

    impl Scratch {
        pub(crate) fn new() -> Self {
            let path = std::env::temp_dir().join(format!("bge-{:016x}", fastrand::u64(..)));
            fs::create_dir(&path).expect("a folder");
            Scratch(path)
        }

        pub(crate) fn path(&self, name: &str) -> PathBuf {
            if name.is_empty() { self.0.clone() } else { Path::new(&self.0).join(name) }
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
