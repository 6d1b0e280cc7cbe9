//! `lakevault plan --to-gen2`: Data Lake Stores of a file as accounts of the second generation. Nothing is asked of anybody.

use kube::ResourceExt;
use serde_json::Value;

use crate::cli::Failure;
use crate::cli::manifests::Manifests;
use crate::cli::terminal;
use crate::data_lake_account::api::{DataLakeAccount, Generation};
use crate::data_lake_account::store::to_gen2::{Moved, to_gen2};

const KIND: &str = "DataLakeAccount";

/// Prints the new forms, and tells past them what has no equal.
pub(super) fn run(manifests: &Manifests) -> Result<(), Failure> {
    let mut documents = Vec::new();
    for value in manifests.values(KIND) {
        let old = read(value)?;
        let name = old.name_any();
        if old.spec.generation != Generation::Gen1 {
            terminal::tell(&told(
                &name,
                "it is of generation Gen2 already, and left out",
            ))?;
            continue;
        }
        let Moved { object, notes } = to_gen2(&old)
            .map_err(|problem| Failure::failed(format!("{KIND} {name}: {}", problem.message)))?;
        for note in &notes {
            terminal::tell(&told(&name, note))?;
        }
        documents.push(yaml(&object)?);
    }
    if documents.is_empty() {
        return Err(Failure::failed(format!(
            "the file has no {KIND} of generation Gen1"
        )));
    }
    terminal::print(&documents.join("---\n"))
}

fn told(name: &str, note: &str) -> String {
    crate::cli::form::printable(&format!("{KIND} {name}: {note}"))
}

fn read(value: &Value) -> Result<DataLakeAccount, Failure> {
    let name = value.pointer("/metadata/name").and_then(Value::as_str);
    let mut object: DataLakeAccount = serde_json::from_value(value.clone()).map_err(|error| {
        let name = name.unwrap_or_default();
        Failure::failed(format!("{KIND} {name} of the file cannot be read: {error}"))
    })?;
    // Where nobody says it, `kubectl apply` decides.
    let namespace = object.metadata.namespace.take();
    object.metadata.namespace = namespace.filter(|namespace| !namespace.is_empty());
    Ok(object)
}

fn yaml(object: &DataLakeAccount) -> Result<String, Failure> {
    serde_saphyr::to_string(object)
        .map_err(|error| Failure::failed(format!("failed to write YAML: {error}")))
}
