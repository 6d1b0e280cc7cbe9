//! Parts of the kind `VaultSecretSync`: many keys from one source, templates of values, and windows for changes.
#![allow(
    unreachable_pub,
    reason = "the KubeSchema derive makes private shadows of public types"
)]

use std::collections::BTreeMap;

use kube::KubeSchema;
use kube::core::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::k8s::fields::is_default;

use crate::vault_secret_sync::api::SecretSource;

/// A KeyVault of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct KeyVaultRef {
    /// Its name. Example: kv-payments.
    #[schemars(
        regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"),
        length(min = 1, max = 63)
    )]
    pub name: String,
}

/// A source of many keys. Where it gives a key that stands in data, the entry of data counts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(validation = Rule::new("has(self.find) != has(self.expand)").message("exactly one of find and expand must be set"))]
#[x_kube(validation = Rule::new("!has(self.vaultUri) || !has(self.vaultRef)").message("at most one of vaultUri and vaultRef may be set"))]
#[serde(rename_all = "camelCase")]
pub struct DataFromEntry {
    /// All objects of the vault that fit, a key for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub find: Option<FindSource>,

    /// One secret of the vault that holds many values, a key for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expand: Option<ExpandSource>,

    /// The vault of this entry, where it is another than the sync's. It is read with the same identity. Default: that of the
    /// sync. Example: <https://kv-shared.vault.azure.net>.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^https://[0-9A-Za-z][0-9A-Za-z-]*\.[0-9A-Za-z.-]+(:[0-9]+)?/?$"),
        length(max = 512)
    )]
    pub vault_uri: Option<String>,

    /// The vault of this entry, by the KeyVault of this namespace that stands for it. Example: {name: kv-shared}.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault_ref: Option<KeyVaultRef>,

    /// How a name becomes a key. Default: as it is. What Kubernetes does not allow in a key becomes `_` in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rename: Option<RenameSpec>,
}

/// The objects of the vault that fit. All conditions must hold. The identity needs the permission to list.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[x_kube(validation = Rule::new("has(self.namePattern) || has(self.tags)").message("namePattern or tags must be set: name '.*' for all"))]
#[serde(rename_all = "camelCase")]
pub struct FindSource {
    /// A regular expression that the name must contain a match of; `^` and `$` bind it to the ends. Syntax: that of RE2,
    /// without look-around and back-references. Example: `^payments-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub name_pattern: Option<String>,

    /// Tags that the object must have with these values. Upper and lower case differ. Example: {team: payments}.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 15))]
    pub tags: BTreeMap<String, String>,

    /// Kinds of objects. Default: `[Secret]`. The secret that Key Vault keeps behind a certificate is found as Certificate only.
    #[serde(default = "secrets", skip_serializing_if = "is_secrets")]
    #[schemars(length(min = 1, max = 2))]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, b == a))").message("each kind may stand once in kinds"))]
    pub kinds: Vec<FindKind>,

    /// Whether a disabled object counts as absent, so that onMissing decides about its key. Otherwise its key keeps the value
    /// that it had, and the status tells. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclude_disabled: bool,
}

fn secrets() -> Vec<FindKind> {
    vec![FindKind::Secret]
}

fn is_secrets(kinds: &[FindKind]) -> bool {
    kinds == [FindKind::Secret]
}

/// A kind of object that can be found.
#[derive(
    JsonSchema,
    Serialize,
    Deserialize,
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
)]
pub enum FindKind {
    /// Secrets.
    #[default]
    Secret,
    /// Certificates.
    Certificate,
}

/// A secret of the vault that holds many values.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ExpandSource {
    /// The secret. With property, what is found there is taken apart.
    pub secret: SecretSource,

    /// How the values are written in it. Default: Auto.
    #[serde(default, skip_serializing_if = "is_default")]
    pub format: ExpandFormat,
}

/// How many values are written in one.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpandFormat {
    /// What begins with `{` is Json, what begins with `NAME=` is Dotenv, all else is Yaml.
    #[default]
    Auto,
    /// A JSON object.
    Json,
    /// A YAML mapping.
    Yaml,
    /// Lines of `NAME=value`. There is no replacement of `$NAME`.
    Dotenv,
}

/// How names become keys.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RenameSpec {
    /// A regular expression; every match of it in the name is replaced. Syntax: that of RE2. Example: `^payments-(.*)`.
    #[schemars(length(min = 1, max = 512))]
    pub from: String,

    /// What takes its place: `$1` or `${1}` for a group, `$$` for a dollar sign. Example: `$1`.
    #[schemars(length(max = 256))]
    pub to: String,
}

/// Type, labels, annotations and values of the Secret, as templates (Jinja).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[x_kube(validation = Rule::new("!has(self.mergePolicy) || has(self.data)").message("mergePolicy has no meaning without data"))]
#[serde(rename_all = "camelCase")]
pub struct TemplateSpec {
    /// The Secret's type. Kubernetes lets nobody change it later. A template that may use meta. Default: kubernetes.io/tls where
    /// the keys of a certificate without key go into the Secret, else Opaque (Own); the type it has (Merge).
    /// Example: kubernetes.io/basic-auth.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub type_: Option<String>,

    /// Labels of the Secret: templates that may use meta. Labels of this object are not copied. Example: {app: payments}.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[x_kube(validation = Rule::new("self.all(name, !name.contains('lakevault.dev/'))").message("labels of lakevault.dev belong to the operator"))]
    #[schemars(extend("maxProperties" = 64))]
    pub labels: BTreeMap<String, String>,

    /// Annotations of the Secret: templates that may use meta. Annotations of this object are not copied.
    /// Example: {contact: payments@example.com}.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[x_kube(validation = Rule::new("self.all(name, !name.contains('lakevault.dev/'))").message("annotations of lakevault.dev belong to the operator"))]
    #[schemars(extend("maxProperties" = 64))]
    pub annotations: BTreeMap<String, String>,

    /// Values of the Secret by key: templates that may use the values of data and dataFrom by their keys, all of them as data,
    /// and meta. At most 60,000 bytes each. Example: `{url: "postgres://{{ DB_USER }}:{{ DB_PASSWORD | urlencode }}@db/app"}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[x_kube(validation = Rule::new("self.all(key, key.matches('^[-._a-zA-Z0-9]+$') && key.size() <= 253 && key != '.' && !key.startsWith('..'))").message("keys must have letters, digits, '-', '_' and '.' only, at most 253, and must neither be '.' nor start with '..'"))]
    #[schemars(extend("maxProperties" = 256))]
    pub data: BTreeMap<String, String>,

    /// Replace: with data, the Secret holds the keys of the templates only, and the values of data and dataFrom are what they are
    /// made of. Merge: it holds those as well; where both give a key, the template counts. Default: Replace.
    #[serde(default, skip_serializing_if = "is_default")]
    pub merge_policy: MergePolicy,
}

/// Whether the Secret holds what its templates are made of.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MergePolicy {
    /// It does not.
    #[default]
    Replace,
    /// It does.
    Merge,
}

/// A time in which changes may be applied. Outside of it a changed object is seen and told, and the Secret stays as it is.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WindowSpec {
    /// When it opens: minute, hour, day of the month, month, day of the week (cron). An hour that the clocks leave out opens it
    /// when they go on; one that they repeat opens it the first time. Example: `0 2 * * SAT`.
    #[schemars(length(min = 9, max = 128))]
    pub schedule: String,

    /// How long it stays open. From 1m to 168h. Example: 4h.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1m') && duration(self) <= duration('168h')").message("duration must be from 1m to 168h"))]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub duration: Duration,

    /// The time zone of schedule, by its name in the IANA database. Default: UTC. Example: Europe/Berlin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9_+/-]*$"), length(max = 64))]
    pub time_zone: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_not_written_and_are_read_again() {
        let json = serde_json::json!({"find": {"namePattern": "^a"}});
        let entry: DataFromEntry = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(entry.find.as_ref().unwrap().kinds, [FindKind::Secret]);
        assert_eq!(serde_json::to_value(&entry).unwrap(), json);
        let json = serde_json::json!({"expand": {"secret": {"name": "s"}}});
        let entry: DataFromEntry = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&entry).unwrap(), json);
    }

    #[test]
    fn every_field_is_described() {
        fn undescribed(at: &str, schema: &serde_json::Value, found: &mut Vec<String>) {
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                let at = format!("{at}.{name}");
                if field["description"].as_str().is_none_or(str::is_empty) {
                    found.push(at.clone());
                }
                undescribed(&at, field, found);
            }
        }
        let generator = || {
            let inline = |it: &mut schemars::generate::SchemaSettings| it.inline_subschemas = true;
            schemars::generate::SchemaSettings::openapi3()
                .with(inline)
                .into_generator()
        };
        let mut found = Vec::new();
        for schema in [
            generator().into_root_schema_for::<DataFromEntry>(),
            generator().into_root_schema_for::<TemplateSpec>(),
            generator().into_root_schema_for::<WindowSpec>(),
        ] {
            let schema = schema.to_value();
            assert!(schema["properties"].is_object(), "{schema}");
            undescribed("", &schema, &mut found);
        }
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_window_is_read_as_people_write_it() {
        let json = serde_json::json!({"schedule": "0 2 * * 6", "duration": "4h", "timeZone": "Europe/Berlin"});
        let window: WindowSpec = serde_json::from_value(json).unwrap();
        assert_eq!(window.time_zone.as_deref(), Some("Europe/Berlin"));
    }
}
