//! The files that are read.

use std::path::{Path, PathBuf};

use super::super::Failure;

/// What objects stand in.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// All files: of a folder those with objects, by name.
pub(super) fn all(named: &[PathBuf], recursive: bool) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            let before = files.len();
            folder(path, recursive, &mut files)?;
            if files.len() == before {
                let ending = if recursive {
                    ""
                } else {
                    " (-R looks into its folders)"
                };
                return Err(Failure::failed(format!(
                    "{}: no .yaml, .yml or .json file is in this folder{ending}",
                    path.display()
                )));
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn folder(path: &Path, recursive: bool, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| failed(path, &error))?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        // A link to a folder may lead back.
        let is_folder = path.is_dir();
        if is_folder && recursive && !path.is_symlink() {
            folder(&path, recursive, files)?;
        } else if !is_folder && has_objects(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn has_objects(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

/// What stands in one; - is standard input.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let text = if path.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    text.map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{}: {error}", path.display()))
}
