//! Pure files are pure, as far as words can tell.

use std::collections::BTreeSet;

use regex::Regex;

use super::{files, read, root};

/// Files of these names, and all of these folders, decide and say; they neither wait, nor look at a clock, nor log, nor hold a client.
const PURE: &[&str] = &[
    "vault_secret_sync/items/",
    "vault_secret_sync/plan/",
    "vault_secret_sync/wants/",
    "hub/session/",
    "azure_resource/api.rs",
    "azure_resource/claims.rs",
    "azure_resource/difference.rs",
    "azure_resource/ground.rs",
    "azure_resource/import.rs",
    "azure_resource/mod.rs",
    "azure_resource/note.rs",
    "azure_resource/order.rs",
    "azure_resource/owner.rs",
    "azure_resource/planner.rs",
    "azure_resource/sight.rs",
    "azure_resource/tags.rs",
    "azure_resource/told.rs",
    "azure_resource/values.rs",
    "data_lake_account/plan/",
    "data_lake_account/store/",
    "data_lake_account/calls.rs",
    "data_lake_account/generation.rs",
    "data_lake_account/desired.rs",
    "data_lake_account/plane/walk.rs",
    "data_lake_account/import/",
    "data_lake_account/planner.rs",
    "data_lake_account/recorded.rs",
    "data_lake_account/rounds.rs",
    "data_lake_account/sight.rs",
    "key_vault/plan/",
    "key_vault/desired.rs",
    "key_vault/vault.rs",
    "arm/vault_answers.rs",
    "arm/vaults.rs",
    "key_vault/recorded.rs",
    "key_vault/planner.rs",
    "key_vault/sight.rs",
    "outputs/keys.rs",
    "outputs/record.rs",
    "outputs/sas.rs",
    "outputs/seen.rs",
    "outputs/signatures.rs",
    "outputs/wanted.rs",
    "plan.rs",
    "cli/form.rs",
    "cli/migrate/akv2k8s.rs",
    "cli/migrate/check.rs",
    "cli/migrate/csi.rs",
    "cli/migrate/csi_objects.rs",
    "cli/migrate/external.rs",
    "cli/migrate/external_target.rs",
    "cli/migrate/fields.rs",
    "cli/migrate/go_template.rs",
    "cli/migrate/go_words.rs",
    "cli/migrate/handover.rs",
    "cli/migrate/identities.rs",
    "cli/migrate/input.rs",
    "cli/migrate/made.rs",
    "cli/migrate/names.rs",
    "cli/migrate/notes.rs",
    "cli/migrate/property.rs",
    "cli/migrate/push.rs",
    "cli/migrate/remote.rs",
    "cli/migrate/store_auth.rs",
    "cli/migrate/stores.rs",
    "cli/migrate/workloads.rs",
    "cli/migrate/written.rs",
    "cli/plan/applied.rs",
    "cli/plan/planned.rs",
    "cli/plan/secret.rs",
    "cli/status/operator.rs",
    "cli/status/standing.rs",
    "cli/who.rs",
    "key_vault/import.rs",
    "push/alone.rs",
    "lease/decide.rs",
    "lease/effects.rs",
    "content.rs",
    "write.rs",
    "render.rs",
    "status.rs",
    "due.rs",
    "target.rs",
    "valid.rs",
    "vault_refs.rs",
    "tokens/times.rs",
    "digest.rs",
    "pace.rs",
    "workload.rs",
    "grant.rs",
    "gate.rs",
    "retry.rs",
    "conditions.rs",
    "kstatus.rs",
    "entra.rs",
    "sources.rs",
    "answers.rs",
    "expiry.rs",
    "arm/budget/bucket.rs",
    "arm/budget/mod.rs",
    "arm/error.rs",
    "arm/groups.rs",
    "arm/ids.rs",
    "arm/meaning.rs",
    "arm/mod.rs",
    "arm/operation.rs",
    "arm/providers.rs",
    "arm/fields.rs",
    "arm/roles.rs",
    "arm/storage.rs",
    "arm/storage_answers.rs",
    "arm/storage_services.rs",
    "data_lake_account/account.rs",
    "arm/data_lake_store.rs",
    "arm/versions.rs",
    "arc.rs",
    "key_vault/mod.rs",
    "data_lake_account/lake/",
    "webhdfs/mod.rs",
    "lake/access.rs",
    "lake/acl.rs",
    "lake/delegation.rs",
    "lake/files.rs",
    "lake/filesystem.rs",
    "lake/mod.rs",
    "lake/names.rs",
    "lake/owner.rs",
    "lake/paths.rs",
    "lake/permissions.rs",
    "lake/properties.rs",
    "list.rs",
    "want.rs",
    "bucket.rs",
    "few.rs",
    "line.rs",
    "run.rs",
    "azure/cloud/",
    "azure/resource.rs",
    "names.rs",
    "problem.rs",
    "ml_server.rs",
    "device.rs",
    "id_token.rs",
    "person.rs",
    "check.rs",
    "manifests.rs",
    "ber.rs",
    "bundle.rs",
    "certificate.rs",
    "decrypt.rs",
    "encrypt.rs",
    "jks.rs",
    "key.rs",
    "keystore.rs",
    "pem.rs",
    "pkcs12.rs",
    "pkcs12_writer.rs",
    "public_key.rs",
    "signature.rs",
    "x509.rs",
    "stack.rs",
    "challenge.rs",
    "refusal.rs",
    "chain.rs",
    "environment.rs",
    "crypto.rs",
    "data.rs",
    "exprs.rs",
    "guard.rs",
    "lists.rs",
    "node.rs",
    "ops.rs",
    "text.rs",
    "yaml.rs",
];
const IMPURE: [&str; 6] = [
    r"\basync\b",
    r"\bTimestamp::now\b",
    r"\b(Instant|SystemTime)::now\b",
    r"\btracing::",
    r"\bClient\b",
    r"\brand::",
];

#[test]
fn pure_files_are_pure() {
    let (mut met, mut broken) = (BTreeSet::new(), Vec::new());
    for path in files(&root().join("src"), ".rs") {
        let place = path
            .strip_prefix(root())
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let Some(known) = PURE
            .iter()
            .find(|pure| path.ends_with(pure) || (pure.ends_with('/') && place.contains(*pure)))
        else {
            continue;
        };
        met.insert(*known);
        let code = product_code(&read(&path), &place);
        for pattern in IMPURE {
            if Regex::new(pattern).unwrap().is_match(&code) {
                broken.push(format!("{place} has {pattern}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert_eq!(met.len(), PURE.len(), "only {met:?} were found");
}

/// A file without comments and without its tests, which stand last.
fn product_code(text: &str, place: &str) -> String {
    let comment = Regex::new(r"(^|\s)//.*$").unwrap();
    let (code, tests) = text
        .split_once("\n#[cfg(test)]\n")
        .unwrap_or((text, "mod tests;"));
    let hidden = tests.lines().find(|line| {
        let inside = line.is_empty() || line.starts_with(' ') || *line == "}";
        let of_tests = [
            "mod ",
            "pub(crate) mod ",
            "pub(in ",
            "#[path",
            "#[cfg(test)]",
        ];
        !inside && !of_tests.iter().any(|begin| line.starts_with(begin))
    });
    assert_eq!(
        hidden, None,
        "{place} has something after its tests, where this test does not look"
    );
    code.lines()
        .map(|line| comment.replace(line, "").into_owned() + "\n")
        .collect()
}
