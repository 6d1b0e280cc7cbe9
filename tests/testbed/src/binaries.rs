//! Where the programs are that this crate starts.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

/// The folder with what cargo built in this profile (`target/debug`, `target/release`), found from the running program.
///
/// # Errors
/// When the running program's own path is unknown.
pub fn target_folder() -> Result<PathBuf> {
    let program = env::current_exe().context("the path of the running program is unknown")?;
    let folder = program
        .parent()
        .context("the running program has no folder")?;
    // Tests and benchmarks run from `deps`, examples from `examples`.
    let nested = folder
        .file_name()
        .is_some_and(|name| name == "deps" || name == "examples");
    Ok(if nested {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    }
    .to_owned())
}

/// The root folder of the repository.
pub fn repository() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// A Kubernetes program (`etcd`, `kube-apiserver`, `kube-controller-manager`, `kubectl`): from `KUBEBUILDER_ASSETS` if that folder has
/// it, else the one that `make control-plane` built.
///
/// # Errors
/// One line that says how to get it.
pub fn kubernetes(program: &str) -> Result<PathBuf> {
    let built = repository().join("tests/control-plane/bin");
    let provided = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    provided
        .into_iter()
        .chain([built])
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .ok_or_else(|| anyhow!("{program} is missing: run `make control-plane`, which builds it (about ten minutes the first time)"))
}

/// The simulator: `AZURE_SIMULATOR_BIN`, else the one built beside the running program.
///
/// # Errors
/// One line that says how to get it.
pub fn simulator() -> Result<PathBuf> {
    built("azure-simulator", "AZURE_SIMULATOR_BIN")
}

/// The operator: `LAKEVAULT_BIN`, else the one built beside the running program.
///
/// # Errors
/// One line that says how to get it.
pub fn operator() -> Result<PathBuf> {
    built("lakevault", "LAKEVAULT_BIN")
}

fn built(program: &str, variable: &str) -> Result<PathBuf> {
    let path = match env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => target_folder()?.join(program),
    };
    if path.is_file() {
        Ok(path)
    } else {
        Err(anyhow!(
            "{} is missing: run `make build`, or set {variable} to the program",
            path.display()
        ))
    }
}
