//! `lakevault migrate`: objects of other operators as Lakevault's.

mod akv2k8s;
mod csi;
mod external;
mod fields;
mod go_template;
mod input;
mod made;
mod push;
mod remote;
mod stores;

use std::path::PathBuf;

use clap::Args;

use self::input::Input;
use self::made::{Made, Reference};
use self::stores::Stores;
use super::Failure;
use super::terminal;
use super::who;
use crate::azure_identity::api::{IdentityKind, IdentityRef};

/// What to convert.
#[derive(Debug, Args)]
#[command(after_help = "\
ExternalSecret, PushSecret, SecretStore and ClusterSecretStore (External Secrets Operator), AzureKeyVaultSecret (akv2k8s) and
SecretProviderClass (Secrets Store CSI driver, provider azure) become VaultSecretSyncs, AzureIdentities and ClusterAzureIdentities.
Nothing is read but the files, and nothing is written. What has no equal stands in comments before each object, and so do the
commands by which a Secret that is there is taken over: its values stay, and where they are what the vault has they are not written.

With the ServiceAccounts and the Secrets that stores name among the files, client and tenant ids are found in them.

Exit codes: 0 done, 1 a file cannot be read, 2 wrong usage.

Examples:
  kubectl get secretstores,externalsecrets,pushsecrets,serviceaccounts -n team -o yaml | lakevault migrate -f - > team.yaml
  lakevault migrate -f akvs.yaml --identity clusteridentity/akv2k8s
  lakevault plan -f team.yaml")]
pub(super) struct MigrateArgs {
    /// A file with objects, - for standard input. May be said several times.
    #[arg(long = "file", short = 'f', value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// The namespace of objects that name none.
    #[arg(long, short, default_value = "default")]
    namespace: String,

    /// The identity of syncs that are made of AzureKeyVaultSecrets: NAME, identity/NAME or clusteridentity/NAME.
    #[arg(long, value_name = "NAME", value_parser = who::identity)]
    identity: Option<IdentityRef>,

    /// What follows a vault's name in its host, where only the name is told: vault.azure.net, vault.usgovcloudapi.net,
    /// vault.azure.cn, or that of a Stack.
    #[arg(long, value_name = "SUFFIX", default_value = "vault.azure.net")]
    vault_suffix: String,
}

/// Converts, and prints.
pub(super) fn run(args: &MigrateArgs) -> Result<(), Failure> {
    let mut input = Input::default();
    for file in &args.files {
        let shown = file.display();
        let text = if file.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(file)
        };
        let text = text.map_err(|error| Failure::failed(format!("{shown}: {error}")))?;
        let added = input.add(&text, &args.namespace);
        added.map_err(|error| Failure::failed(format!("{shown}: {error}")))?;
    }
    let identity = args.identity.as_ref().map(|identity| Reference {
        kind: match identity.kind {
            IdentityKind::AzureIdentity => "AzureIdentity",
            IdentityKind::ClusterAzureIdentity => "ClusterAzureIdentity",
        },
        name: identity.name.clone(),
    });
    let all = converted(&input, identity.as_ref(), &args.vault_suffix);
    if all.is_empty() {
        return Err(Failure::failed(format!(
            "none of the {} objects in these files is of Azure Key Vault and of a kind that is known here",
            input.len()
        )));
    }
    let documents: Result<Vec<String>, String> = all.iter().map(written).collect();
    let documents =
        documents.map_err(|error| Failure::failed(format!("failed to write YAML: {error}")))?;
    terminal::print(&documents.join("---\n"))?;
    let notes: usize = all.iter().map(|made| made.notes.len()).sum();
    terminal::tell(&format!(
        "{} objects, and {notes} remarks in comments before them: read these, then lakevault plan -f",
        all.len()
    ))
}

/// All objects: identities first.
fn converted(input: &Input, identity: Option<&Reference>, suffix: &str) -> Vec<Made> {
    let mut stores = Stores::read(input);
    let mut syncs = Vec::new();
    for document in input.of(stores::GROUP, "ExternalSecret") {
        syncs.push(external::sync(document, &mut stores));
    }
    for document in input.of(stores::GROUP, "PushSecret") {
        syncs.push(push::sync(document, &mut stores));
    }
    for document in input.of(akv2k8s::GROUP, "AzureKeyVaultSecret") {
        syncs.push(akv2k8s::sync(document, suffix, identity));
    }
    for document in input.of(csi::GROUP, "SecretProviderClass") {
        syncs.extend(csi::all(document, input, suffix));
    }
    stores.made().into_iter().chain(syncs).collect()
}

/// One object as YAML, with all that has to be said of it before.
fn written(made: &Made) -> Result<String, String> {
    let yaml = serde_saphyr::to_string(&made.object).map_err(|error| error.to_string())?;
    // Names are somebody else's text, and a comment ends with its line.
    let plain = |text: &String| -> String {
        let ends = |c: char| c.is_control() || "\u{85}\u{2028}\u{2029}".contains(c);
        text.chars()
            .map(|c| if ends(c) { ' ' } else { c })
            .collect()
    };
    let notes = made.notes.iter().map(|note| format!("# {}\n", plain(note)));
    let steps = made
        .steps
        .iter()
        .map(|step| format!("#   {}\n", plain(step)));
    let head = (!made.steps.is_empty()).then(|| "# Taking over what is there:\n".to_owned());
    Ok(notes.chain(head).chain(steps).chain([yaml]).collect())
}

#[cfg(test)]
mod tests;
