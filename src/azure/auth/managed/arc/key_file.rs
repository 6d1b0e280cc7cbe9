//! Reads a key of the Azure Arc agent.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;

use super::{KeyFolder, KeyName, LARGEST_KEY, Seen, check};
use crate::problem::Problem;
use crate::secret::SecretValue;

/// The content of a key, if the file is the agent's.
pub fn read(folder: &KeyFolder, name: &KeyName) -> Result<SecretValue, Problem> {
    let read = look(folder, name).and_then(|(file, seen)| {
        check(&seen).map_err(io::Error::other)?;
        let mut content = Vec::new();
        file.take(LARGEST_KEY).read_to_end(&mut content)?;
        Ok(SecretValue::new(content))
    });
    read.map_err(|error| folder.unreadable(&error.to_string()))
}

/// Opens the file and tells what it is. That which was opened is compared with that which the name stands for, so that a
/// link is not followed, also when it is put there in between.
fn look(folder: &KeyFolder, name: &KeyName) -> io::Result<(File, Seen)> {
    let path = folder.path().join(&name.0);
    let named = fs::symlink_metadata(&path)?;
    if !named.is_file() {
        return Err(io::Error::other("it is a link, or no file"));
    }
    let file = File::open(&path)?;
    let opened = file.metadata()?;
    let above = fs::symlink_metadata(folder.path())?;
    let seen = Seen {
        regular: opened.is_file() && (opened.dev(), opened.ino()) == (named.dev(), named.ino()),
        size: opened.len(),
        owner: opened.uid(),
        folder_owner: above.uid(),
        folder_mode: above.mode(),
    };
    Ok((file, seen))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// A folder of this test, gone at its end.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(test: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("lakevault-{test}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn read(&self, name: &str) -> Result<SecretValue, Problem> {
            read(&KeyFolder::new(&self.0), &KeyName(name.to_owned()))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_key_of_the_folders_owner_is_read() {
        let folder = Folder::new("key");
        fs::write(folder.0.join("a.key"), "c2VjcmV0").unwrap();
        assert_eq!(folder.read("a.key").unwrap().expose(), b"c2VjcmV0");
    }

    #[test]
    fn links_folders_large_and_absent_files_are_not_read() {
        let folder = Folder::new("no-key");
        fs::write(folder.0.join("large.key"), vec![b'x'; 4097]).unwrap();
        fs::create_dir(folder.0.join("folder.key")).unwrap();
        symlink("/etc/passwd", folder.0.join("link.key")).unwrap();
        for (name, seen) in [
            ("large.key", "4096"),
            ("folder.key", "no file"),
            ("link.key", "link"),
            ("absent.key", "No such file"),
        ] {
            let problem = folder.read(name).unwrap_err();
            assert!(problem.message.contains(seen), "{name}: {problem}");
            assert!(
                !problem.message.contains(name),
                "the name differs from try to try: {problem}"
            );
        }
    }

    #[test]
    fn a_key_where_everybody_may_put_one_is_not_read() {
        let folder = Folder::new("open");
        fs::write(folder.0.join("a.key"), "c2VjcmV0").unwrap();
        fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).unwrap();
        let problem = folder.read("a.key").unwrap_err();
        assert!(problem.message.contains("everybody"), "{problem}");
    }
}
