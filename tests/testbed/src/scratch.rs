//! Working folders of tests.

use std::path::{Path, PathBuf};
use std::{env, fs, process, thread};

use anyhow::{Context, Result};

use crate::binaries;

/// A new folder below the target folder. It is removed when dropped, but kept for a look at the logs when the test failed or when
/// `TESTBED_KEEP` is set. What is left behind (a `static` is never dropped) goes when the next one of the same name is made.
///
/// Declare it before the processes that work in it: Rust drops in the opposite order.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes the folder; `name` says whose it is, and is used by one test only.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        let parent = binaries::target_folder()?.join("scratch").join(name);
        remove_left_behind(&parent);
        let folder = parent.join(format!(
            "{}-{}",
            process::id(),
            uuid::Uuid::new_v4().simple()
        ));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !thread::panicking() && env::var_os("TESTBED_KEEP").is_none() {
            // What cannot be removed stays below the target folder, where `cargo clean` takes it.
            drop(fs::remove_dir_all(&self.0));
        }
    }
}

/// Removes the folders in `parent` whose names begin with the id of a process that runs no more. Whatever stands in the way of
/// that stands in nobody else's.
pub fn remove_left_behind(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let owner = entry
            .file_name()
            .to_string_lossy()
            .split('-')
            .next()
            .and_then(|pid| pid.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
