//! `lakevault migrate`: objects of other operators as Lakevault's.

mod akv2k8s;
mod check;
mod csi;
mod csi_objects;
mod external;
mod external_target;
mod fields;
mod files;
mod go_template;
mod go_words;
mod handover;
mod identities;
mod input;
mod made;
mod names;
mod notes;
mod property;
mod push;
mod remote;
mod store_auth;
mod stores;
mod workloads;
mod written;

use std::path::PathBuf;

use clap::Args;

use self::akv2k8s::Said;
use self::identities::Identities;
use self::input::Input;
use self::made::{Made, Reference, Remark};
use self::names::Names;
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
Nothing is read but the files, and nothing is written. What has no equal is told on standard error and in comments before each
object, and so are the commands by which a Secret that is there is taken over: it is never deleted, and values that are what the
vault has are not changed.

Client and tenant ids are found in ServiceAccounts and Secrets, and ServiceAccounts in workloads, where these are among the files.

Exit codes: 0 done, 1 a file cannot be read or holds nothing to convert, 2 wrong usage.

Examples:
  kubectl get secretstores,externalsecrets,pushsecrets,serviceaccounts -n team -o yaml | lakevault migrate -f - > team.yaml
  lakevault migrate -f akvs.yaml --identity clusteridentity/akv2k8s
  lakevault plan -f team.yaml")]
pub(super) struct MigrateArgs {
    /// A file with objects, a folder of such files, or - for standard input. May be said several times.
    #[arg(long = "file", short = 'f', value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Read the folders in folders, too.
    #[arg(long, short = 'R')]
    recursive: bool,

    /// The namespace of objects that name none.
    #[arg(long, short, default_value = "default")]
    namespace: String,

    /// The identity of syncs that are made of `AzureKeyVaultSecrets`: NAME, identity/NAME or clusteridentity/NAME. Default: a
    /// `ClusterAzureIdentity` with the node's managed identity is made.
    #[arg(long, value_name = "NAME", value_parser = who::identity)]
    identity: Option<IdentityRef>,

    /// What follows a vault's name in its host, where only the name is told: vault.azure.net, vault.usgovcloudapi.net,
    /// vault.azure.cn, or that of a Stack. Default: that of the object's cloud.
    #[arg(long, value_name = "SUFFIX")]
    vault_suffix: Option<String>,
}

/// Converts, and prints.
pub(super) fn run(args: &MigrateArgs) -> Result<(), Failure> {
    let mut input = Input::default();
    for path in files::all(&args.files, args.recursive)? {
        let shown = path.display().to_string();
        let text = files::read(&path)?;
        let added = input.add(&shown, &text, &args.namespace);
        added.map_err(|error| Failure::failed(format!("{shown}: {error}")))?;
    }
    let identity = args.identity.as_ref().map(|identity| Reference {
        kind: match identity.kind {
            IdentityKind::AzureIdentity => "AzureIdentity",
            IdentityKind::ClusterAzureIdentity => "ClusterAzureIdentity",
        },
        name: identity.name.clone(),
    });
    let migration = converted(&input, identity, args.vault_suffix.as_deref());
    let text = written::all(&migration)
        .map_err(|error| Failure::failed(format!("failed to write YAML: {error}")))?;
    terminal::print(&text)?;
    for line in written::told(&migration, &input) {
        terminal::tell(&line)?;
    }
    if migration.made.is_empty() {
        return Err(Failure::failed(
            "nothing was converted: the files hold no object of Azure Key Vault and of a kind that is known here",
        ));
    }
    Ok(())
}

/// What came of the files.
#[derive(Debug, Clone, Default)]
struct Migration {
    /// The objects: identities first.
    made: Vec<Made>,
    /// What is told of objects that nothing was made of.
    left: Vec<Remark>,
}

impl Migration {
    fn add(&mut self, (made, left): (Vec<Made>, Vec<Remark>)) {
        self.made.extend(made);
        self.left.extend(left);
    }
}

/// All objects.
fn converted(input: &Input, identity: Option<Reference>, suffix: Option<&str>) -> Migration {
    let (mut stores, mut identities) = (Stores::read(input), Identities::default());
    let (mut syncs, mut names) = (Migration::default(), Names::default());
    for document in input.of(stores::GROUP, "ExternalSecret") {
        names.free(&document.namespace, &document.name, "");
        match external::sync(document, &mut stores, &mut identities) {
            Ok(made) => syncs.made.push(made),
            Err(remarks) => syncs.left.extend(remarks),
        }
    }
    for document in input.of(stores::GROUP, "PushSecret") {
        syncs.add(push::syncs(
            document,
            &mut stores,
            &mut identities,
            &mut names,
        ));
    }
    let said = Said {
        identity,
        suffix: suffix.unwrap_or("vault.azure.net").to_owned(),
    };
    syncs.add(akv2k8s::syncs(input, &said, &mut identities, &mut names));
    for document in input.of(csi::GROUP, "SecretProviderClass") {
        syncs.add(csi::syncs(
            document,
            input,
            suffix,
            &mut identities,
            &mut names,
        ));
    }
    let left = stores.finish(&mut identities);
    let mut all = Migration {
        made: identities.made(),
        left,
    };
    all.add((syncs.made, syncs.left));
    all.left.extend(check::unknown(input));
    check::shared(&mut all.made);
    check::refused(&mut all.made);
    all
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
