use serde_json::{Value, json};

use super::*;
use crate::azure_identity::api::{AzureIdentity, ClusterAzureIdentity};
use crate::vault_secret_sync::api::VaultSecretSync;

const CLIENT: &str = "22222222-2222-2222-2222-222222222222";
const TENANT: &str = "11111111-1111-1111-1111-111111111111";

fn convert(text: &str) -> Vec<Made> {
    let mut input = Input::default();
    input.add(text, "team").unwrap();
    let identity = Reference {
        kind: "ClusterAzureIdentity",
        name: "shared".to_owned(),
    };
    let all = converted(&input, Some(&identity), "vault.azure.net");
    for made in &all {
        is_taken(made);
    }
    all
}

/// Lakevault itself reads what was made.
fn is_taken(made: &Made) {
    let text = written(made).unwrap();
    let object: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(object, made.object);
    match object["kind"].as_str().unwrap() {
        "VaultSecretSync" => {
            let sync: VaultSecretSync = serde_json::from_value(object).unwrap();
            let pushes_only = sync.spec.data.is_empty() && sync.spec.data_from.is_empty();
            if !pushes_only && sync.spec.vault_uri.is_some() {
                crate::vault_secret_sync::valid::parse(&sync).unwrap();
            }
        }
        "AzureIdentity" => {
            let identity: AzureIdentity = serde_json::from_value(object).unwrap();
            crate::azure_identity::valid::parse(&identity, "lakevault").unwrap();
        }
        "ClusterAzureIdentity" => {
            let identity: ClusterAzureIdentity = serde_json::from_value(object).unwrap();
            crate::azure_identity::valid::parse(&identity, "lakevault").unwrap();
        }
        other => panic!("{other}"),
    }
}

fn of<'a>(all: &'a [Made], kind: &str) -> Vec<&'a Made> {
    all.iter()
        .filter(|made| made.object["kind"] == kind)
        .collect()
}

fn store(spec: &str) -> String {
    format!(
        "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {{name: kv, namespace: team}}\nspec:\n  provider:\n    azurekv:\n      vaultUrl: https://kv-team.vault.azure.net/\n{spec}\n---\n"
    )
}

fn workload() -> String {
    let account = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: reader\n  namespace: team\n  annotations: {{azure.workload.identity/client-id: {CLIENT}, azure.workload.identity/tenant-id: {TENANT}}}\n---\n"
    );
    store("      authType: WorkloadIdentity\n      serviceAccountRef: {name: reader}") + &account
}

fn external(spec: &str) -> String {
    format!(
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {{name: app}}\nspec:\n  secretStoreRef: {{name: kv}}\n{spec}\n"
    )
}

#[test]
fn a_store_with_workload_identity_is_an_identity_of_the_namespace() {
    let all = convert(&workload());
    assert_eq!(all[0].notes, Vec::<String>::new());
    assert_eq!(
        all[0].object["spec"],
        json!({"tenantId": TENANT, "clientId": CLIENT, "workloadIdentity": {"serviceAccountName": "reader"}})
    );
    assert_eq!(all[0].object["kind"], "AzureIdentity");
}

#[test]
fn ids_are_found_in_secrets_of_the_files_or_asked_for() {
    let spec = format!(
        "      tenantId: {TENANT}\n      authSecretRef:\n        clientId: {{name: sp, key: id}}\n        clientSecret: {{name: sp, key: password}}"
    );
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: sp, namespace: team}}\nstringData: {{id: {CLIENT}, password: hunter2}}\n"
    );
    let found = convert(&(store(&spec) + &secret));
    assert_eq!(found[0].object["spec"]["clientId"], CLIENT);
    assert_eq!(
        found[0].object["spec"]["clientSecret"],
        json!({"name": "sp", "key": "password"})
    );
    assert!(found[0].notes.is_empty(), "{:?}", found[0].notes);
    let text = written(&found[0]).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let asked = convert(&store(&spec));
    assert!(
        asked[0]
            .notes
            .iter()
            .any(|note| note.contains("get secret sp")),
        "{:?}",
        asked[0].notes
    );
    assert_eq!(
        asked[0].object["spec"]["clientId"],
        "00000000-0000-0000-0000-000000000000"
    );
}

#[test]
fn the_nodes_identity_is_lent_to_the_namespaces_that_use_it() {
    let all = convert(
        &(store("      authType: ManagedIdentity")
            + &external("  data: [{secretKey: a, remoteRef: {key: a}}]")),
    );
    let identity = of(&all, "ClusterAzureIdentity")[0];
    assert_eq!(identity.object["metadata"], json!({"name": "team-kv"}));
    let allow = json!([{"namespaces": {"names": ["team"]}, "vaults": ["kv-team"]}]);
    assert_eq!(
        identity.object["spec"],
        json!({"managedIdentity": {}, "allow": allow})
    );
    let sync = of(&all, "VaultSecretSync")[0];
    assert_eq!(
        sync.object["spec"]["identityRef"],
        json!({"kind": "ClusterAzureIdentity", "name": "team-kv"})
    );
}

#[test]
fn an_external_secret_is_a_sync() {
    let spec = "
  refreshInterval: 1h
  target:
    name: app-secret
    template:
      type: kubernetes.io/basic-auth
      metadata: {labels: {app: web}}
      data: {url: 'postgres://{{ .user }}:{{ .password | urlquery }}@db'}
  data:
  - {secretKey: user, remoteRef: {key: db, property: login.user}}
  - {secretKey: password, remoteRef: {key: secret/db, property: login.password, version: abc, decodingStrategy: Base64}}
  - {secretKey: jwk, remoteRef: {key: key/signing}}
  dataFrom:
  - extract: {key: all}
  - find: {name: {regexp: '^team-'}, tags: {a: b}}
    rewrite: [{regexp: {source: '^team-(.*)', target: '$1'}}]";
    let all = convert(&(workload() + &external(spec)));
    let sync = of(&all, "VaultSecretSync")[0];
    assert_eq!(sync.notes, Vec::<String>::new());
    assert_eq!(
        sync.object["spec"],
        json!({
            "vaultUri": "https://kv-team.vault.azure.net",
            "identityRef": {"name": "kv"},
            "refreshInterval": "1h",
            "target": {"name": "app-secret"},
            "template": {
                "type": "kubernetes.io/basic-auth", "labels": {"app": "web"},
                "data": {"url": "postgres://{{ user }}:{{ password | urlencode }}@db"},
            },
            "data": [
                {"key": "user", "secret": {"name": "db", "property": "login.user"}},
                {"key": "password", "secret": {"name": "db", "version": "abc", "property": "login.password", "decode": "Base64"}},
                {"key": "jwk", "publicKey": {"name": "signing", "format": "Jwk"}},
            ],
            "dataFrom": [
                {"expand": {"secret": {"name": "all"}, "format": "Json"}},
                {"find": {"namePattern": "^team-", "tags": {"a": "b"}, "excludeDisabled": true}, "rename": {"from": "^team-(.*)", "to": "$1"}},
            ],
        })
    );
    assert_eq!(
        sync.steps,
        [
            "kubectl -n team annotate secret app-secret lakevault.dev/allow-sync=app",
            "kubectl -n team delete externalsecret app --cascade=orphan",
        ]
    );
}

#[test]
fn what_has_no_equal_is_told_and_nothing_is_made_up() {
    let spec = "
  data:
  - {secretKey: der, remoteRef: {key: cert/web}}
  - {secretKey: a, remoteRef: {key: a, metadataPolicy: Fetch}}
  - {secretKey: b, remoteRef: {key: b}, sourceRef: {storeRef: {name: elsewhere}}}
  target: {manifest: {kind: ConfigMap}, template: {data: {x: '{{ if .a }}y{{ end }}'}}}";
    let all = convert(&(workload() + &external(spec)));
    let sync = of(&all, "VaultSecretSync")[0];
    assert_eq!(
        sync.object["spec"]["data"],
        json!([{"key": "a", "secret": {"name": "a"}}])
    );
    for part in [
        "bare certificate of web",
        "metadataPolicy",
        "elsewhere is not in these files",
        "spec.target.manifest",
        "if .a",
    ] {
        assert!(
            sync.notes.iter().any(|note| note.contains(part)),
            "{part}: {:?}",
            sync.notes
        );
    }
}

#[test]
fn a_push_secret_keeps_its_policies() {
    let text = workload()
        + "apiVersion: external-secrets.io/v1alpha1
kind: PushSecret
metadata: {name: up, namespace: team}
spec:
  secretStoreRefs: [{name: kv}]
  updatePolicy: IfNotExists
  deletionPolicy: Delete
  selector: {secret: {name: source}}
  data:
  - match: {secretKey: password, remoteRef: {remoteKey: db-password}}
  - match: {secretKey: tls.pfx, remoteRef: {remoteKey: cert/web}}
";
    let all = convert(&text);
    let sync = of(&all, "VaultSecretSync")[0];
    let policies = |mut entry: Value| {
        entry["ifExists"] = json!("Keep");
        entry["deletionPolicy"] = json!("Delete");
        entry
    };
    assert_eq!(
        sync.object["spec"]["push"],
        json!([
            policies(
                json!({"from": {"secret": "source", "key": "password"}, "to": {"secret": "db-password"}})
            ),
            policies(
                json!({"from": {"secret": "source", "key": "tls.pfx"}, "to": {"certificate": "web"}})
            ),
        ])
    );
}

#[test]
fn an_azure_key_vault_secret_is_a_sync() {
    let one = |spec: &str| {
        let text = format!(
            "apiVersion: spv.no/v2beta1\nkind: AzureKeyVaultSecret\nmetadata: {{name: web, namespace: team}}\nspec:\n{spec}"
        );
        let mut all = convert(&text);
        let made = all.remove(0);
        (made.object["spec"].clone(), made.notes)
    };
    let common = |mut more: Value| {
        more["vaultUri"] = json!("https://kv-a.vault.azure.net");
        more["identityRef"] = json!({"kind": "ClusterAzureIdentity", "name": "shared"});
        more
    };
    let rows = [
        (
            "  vault: {name: kv-a, object: {name: db, type: secret}}\n  output: {secret: {name: db-secret, dataKey: password}, transform: [base64decode]}",
            json!({"target": {"name": "db-secret"}, "data": [{"key": "password", "secret": {"name": "db", "decode": "Base64"}}]}),
        ),
        (
            "  vault: {name: kv-a, object: {name: tls, type: certificate}}\n  output: {secret: {name: web, type: kubernetes.io/tls, chainOrder: ensureserverfirst}}",
            json!({"data": [{"certificate": {"name": "tls"}}]}),
        ),
        (
            "  vault: {name: kv-a, object: {name: many, type: multi-key-value-secret, contentType: application/x-yaml}}\n  output: {secret: {name: web}}",
            json!({"dataFrom": [{"expand": {"secret": {"name": "many"}, "format": "Yaml"}}]}),
        ),
    ];
    for (spec, expected) in rows {
        assert_eq!(one(spec), (common(expected), Vec::new()), "{spec}");
    }
    let (_, notes) = one(
        "  vault: {name: kv-a, object: {name: db, type: secret}}\n  output: {configMap: {name: c, dataKey: k}}",
    );
    assert!(
        notes
            .iter()
            .any(|note| note.contains("spec.output.configMap")),
        "{notes:?}"
    );
}

#[test]
fn a_secret_provider_class_is_an_identity_and_a_sync_for_each_secret() {
    let text = format!(
        "apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {{name: app, namespace: team}}
spec:
  provider: azure
  parameters:
    clientID: {CLIENT}
    tenantId: {TENANT}
    keyvaultName: kv-a
    usePodIdentity: \"false\"
    objects: |
      array:
        - |
          objectName: db
          objectType: secret
          objectAlias: db.txt
        - |
          objectName: web
          objectType: secret
  secretObjects:
  - secretName: db-secret
    type: Opaque
    labels: {{app: web}}
    data: [{{objectName: db.txt, key: password}}]
  - secretName: web-tls
    type: kubernetes.io/tls
    data: [{{objectName: web, key: tls.crt}}, {{objectName: web, key: tls.key}}]
"
    );
    let all = convert(&text);
    let identity = of(&all, "AzureIdentity")[0];
    assert_eq!(identity.object["spec"]["clientId"], CLIENT);
    assert!(
        identity.notes[0].contains("serviceAccountName"),
        "{:?}",
        identity.notes
    );
    let syncs = of(&all, "VaultSecretSync");
    let spec = |at: usize| {
        let spec = &syncs[at].object["spec"];
        (spec["data"].clone(), spec["template"].clone())
    };
    assert_eq!(
        spec(0),
        (
            json!([{"key": "password", "secret": {"name": "db"}}]),
            json!({"labels": {"app": "web"}})
        )
    );
    assert_eq!(
        spec(1),
        (json!([{"certificate": {"name": "web"}}]), Value::Null)
    );
    assert_eq!(syncs[1].object["metadata"]["name"], "web-tls");
    assert!(
        syncs[1].steps[0].contains("allow-sync=web-tls"),
        "{:?}",
        syncs[1].steps
    );
}
