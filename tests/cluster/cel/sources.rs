//! Pairs for the sources of a VaultSecretSync other than secrets and tokens.

use serde_json::{Value, json};

use super::{Pair, merge, pair, text};

fn data(entry: &Value) -> Value {
    json!({"spec": {"data": [entry]}})
}

fn certificate(change: &Value) -> Value {
    let mut certificate = json!({"name": "web"});
    merge(&mut certificate, change);
    data(&json!({ "certificate": certificate }))
}

fn keystores(stores: &[Value]) -> Value {
    certificate(&json!({ "keystores": stores }))
}

fn keystore(change: &Value) -> Value {
    let mut store = json!({"format": "Pkcs12", "passwordFrom": {"secret": {"name": "pw"}}});
    merge(&mut store, change);
    store
}

fn public(change: &Value) -> Value {
    let mut public = json!({"name": "signing"});
    merge(&mut public, change);
    data(&json!({"key": "K", "publicKey": public}))
}

fn from(entry: &Value) -> Value {
    json!({"spec": {"dataFrom": [entry]}})
}

fn find(change: &Value) -> Value {
    let mut find = json!({"namePattern": "^a"});
    merge(&mut find, change);
    from(&json!({ "find": find }))
}

fn expand(change: &Value) -> Value {
    let mut expand = json!({"secret": {"name": "config"}});
    merge(&mut expand, change);
    from(&json!({ "expand": expand }))
}

fn rename(change: &Value) -> Value {
    let mut rename = json!({"from": "a", "to": "b"});
    merge(&mut rename, change);
    from(&json!({"find": {"namePattern": "^a"}, "rename": rename}))
}

pub fn source_pairs() -> Vec<Pair> {
    [
        of_certificates(),
        of_keystores(),
        of_public_keys(),
        of_many(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Name and version of an object, at this field.
fn named(make: impl Fn(&Value) -> Value, fields: [&'static str; 4]) -> Vec<Pair> {
    let [name, long_name, version, long_version] = fields;
    vec![
        pair(
            make(&json!({"name": "Web-1"})),
            make(&json!({"name": "a/b"})),
            name,
        ),
        pair(
            make(&json!({"name": text(127)})),
            make(&json!({"name": text(128)})),
            long_name,
        ),
        pair(
            make(&json!({"version": "4387e9f3"})),
            make(&json!({"version": "a/b"})),
            version,
        ),
        pair(
            make(&json!({"version": text(64)})),
            make(&json!({"version": text(65)})),
            long_version,
        ),
    ]
}

fn of_certificates() -> Vec<Pair> {
    let mut pairs = named(
        certificate,
        [
            "spec.data[0].certificate.name",
            "spec.data[0].certificate.name: Too long",
            "spec.data[0].certificate.version",
            "spec.data[0].certificate.version: Too long",
        ],
    );
    pairs.extend([
        pair(
            certificate(&json!({"chain": "LeafOnly"})),
            certificate(&json!({"chain": "Leaf"})),
            "spec.data[0].certificate.chain: Unsupported value",
        ),
        pair(
            certificate(&json!({"includeRoot": true, "chain": "LeafFirst"})),
            certificate(&json!({"includeRoot": true, "chain": "LeafOnly"})),
            "includeRoot has no meaning with chain LeafOnly",
        ),
        pair(
            certificate(&json!({})),
            data(&json!({"secret": {"name": "s"}})),
            "key must be set, unless the entry has certificate",
        ),
    ]);
    pairs
}

fn of_keystores() -> Vec<Pair> {
    let password = |change: &Value| {
        let mut secret = json!({"name": "pw"});
        merge(&mut secret, change);
        keystores(&[keystore(&json!({"passwordFrom": {"secret": secret}}))])
    };
    let one = |change: Value| keystores(&[keystore(&change)]);
    let jks = || keystore(&json!({"format": "Jks"}));
    let same = "each format may stand once in keystores";
    let alias = "spec.data[0].certificate.keystores[0].alias";
    let mut pairs = named(
        password,
        [
            "spec.data[0].certificate.keystores[0].passwordFrom.secret.name",
            "spec.data[0].certificate.keystores[0].passwordFrom.secret.name: Too long",
            "spec.data[0].certificate.keystores[0].passwordFrom.secret.version",
            "spec.data[0].certificate.keystores[0].passwordFrom.secret.version: Too long",
        ],
    );
    pairs.extend([
        pair(
            keystores(&[jks(), keystore(&json!({}))]),
            keystores(&[jks(), jks()]),
            same,
        ),
        pair(
            keystores(&[jks(), keystore(&json!({}))]),
            keystores(&[jks(), keystore(&json!({})), jks()]),
            "spec.data[0].certificate.keystores: Too many",
        ),
        pair(
            one(json!({"format": "Jks"})),
            one(json!({"format": "Bcfks"})),
            "spec.data[0].certificate.keystores[0].format: Unsupported value",
        ),
        pair(
            one(json!({"ciphers": "Legacy"})),
            one(json!({"ciphers": "Rc2"})),
            "spec.data[0].certificate.keystores[0].ciphers: Unsupported value",
        ),
        pair(
            one(json!({"ciphers": "Legacy"})),
            one(json!({"format": "Jks", "ciphers": "Legacy"})),
            "ciphers has a meaning with format Pkcs12 only",
        ),
        pair(
            one(json!({"alias": "my web"})),
            one(json!({"alias": "wéb"})),
            alias,
        ),
        pair(
            one(json!({"alias": text(128)})),
            one(json!({"alias": text(129)})),
            alias,
        ),
    ]);
    pairs
}

fn of_public_keys() -> Vec<Pair> {
    let mut pairs = named(
        public,
        [
            "spec.data[0].publicKey.name",
            "spec.data[0].publicKey.name: Too long",
            "spec.data[0].publicKey.version",
            "spec.data[0].publicKey.version: Too long",
        ],
    );
    pairs.push(pair(
        public(&json!({"format": "Jwk"})),
        public(&json!({"format": "Der"})),
        "spec.data[0].publicKey.format: Unsupported value",
    ));
    pairs
}

fn of_many() -> Vec<Pair> {
    let many = |count: usize| {
        let entries = vec![json!({"find": {"namePattern": "a"}}); count];
        json!({"spec": {"dataFrom": entries}})
    };
    let tags = |count: usize| -> Value {
        let tags: serde_json::Map<String, Value> =
            (0..count).map(|n| (format!("t{n}"), json!("v"))).collect();
        find(&json!({ "tags": tags }))
    };
    let vault = |uri: String| from(&json!({"find": {"namePattern": "a"}, "vaultUri": uri}));
    let named_vault =
        |name: String| from(&json!({"find": {"namePattern": "a"}, "vaultRef": {"name": name}}));
    let mut both = named_vault(text(1));
    both["spec"]["dataFrom"][0]["vaultUri"] = json!("https://kv2.vault.azure.net");
    let alone = |mut change: Value| {
        change["spec"]["vaultUri"] = Value::Null;
        change["spec"]["data"] = Value::Null;
        change
    };
    let one = "exactly one of find and expand must be set";
    let mut pairs = named(
        |change| expand(&json!({ "secret": change })),
        [
            "spec.dataFrom[0].expand.secret.name",
            "spec.dataFrom[0].expand.secret.name: Too long",
            "spec.dataFrom[0].expand.secret.version",
            "spec.dataFrom[0].expand.secret.version: Too long",
        ],
    );
    pairs.extend([
        pair(
            merged(find(&json!({})), &json!({"spec": {"data": null}})),
            json!({"spec": {"data": null}}),
            "data, dataFrom or push must have an entry",
        ),
        pair(many(32), many(33), "spec.dataFrom: Too many"),
        pair(find(&json!({})), from(&json!({})), one),
        pair(
            json!({"spec": {"onMissing": "Remove"}}),
            json!({"spec": {"onMissing": "Delete"}}),
            "spec.onMissing: Unsupported value",
        ),
        pair(
            vault("https://kv2.vault.azure.net".to_owned()),
            vault("http://kv2.vault.azure.net".to_owned()),
            "spec.dataFrom[0].vaultUri",
        ),
        pair(
            vault(format!("https://kv.{}", text(501))),
            vault(format!("https://kv.{}", text(502))),
            "spec.dataFrom[0].vaultUri: Too long",
        ),
        pair(
            named_vault(text(1)),
            both,
            "at most one of vaultUri and vaultRef may be set",
        ),
        pair(
            alone(named_vault(text(1))),
            alone(find(&json!({}))),
            "vaultUri or vaultRef must be set where an entry is of a vault and names none of its own",
        ),
        pair(
            named_vault("kv-1.a".to_owned()),
            named_vault("a/b".to_owned()),
            "spec.dataFrom[0].vaultRef.name",
        ),
        pair(
            named_vault(text(63)),
            named_vault(text(64)),
            "spec.dataFrom[0].vaultRef.name: Too long",
        ),
        pair(
            find(&json!({"namePattern": text(512)})),
            find(&json!({"namePattern": text(513)})),
            "spec.dataFrom[0].find.namePattern: Too long",
        ),
        pair(
            find(&json!({"namePattern": "a"})),
            find(&json!({"namePattern": ""})),
            "spec.dataFrom[0].find.namePattern",
        ),
        pair(
            find(&json!({"namePattern": null, "tags": {"a": "b"}})),
            from(&json!({"find": {}})),
            "namePattern or tags must be set: name '.*' for all",
        ),
        pair(tags(15), tags(16), "spec.dataFrom[0].find.tags: Too many"),
        pair(
            find(&json!({"kinds": ["Secret", "Certificate"]})),
            find(&json!({"kinds": ["Secret", "Secret"]})),
            "each kind may stand once in kinds",
        ),
        pair(
            find(&json!({"kinds": ["Certificate"]})),
            find(&json!({"kinds": []})),
            "spec.dataFrom[0].find.kinds",
        ),
        pair(
            find(&json!({"kinds": ["Certificate"]})),
            find(&json!({"kinds": ["Key"]})),
            "spec.dataFrom[0].find.kinds[0]: Unsupported value",
        ),
        pair(
            expand(&json!({"format": "Dotenv"})),
            expand(&json!({"format": "Toml"})),
            "spec.dataFrom[0].expand.format: Unsupported value",
        ),
        pair(
            expand(&json!({"secret": {"property": "a.b"}})),
            expand(&json!({"secret": {"property": ""}})),
            "spec.dataFrom[0].expand.secret.property",
        ),
        pair(
            expand(&json!({"secret": {"decode": "Base64"}})),
            expand(&json!({"secret": {"decode": "Hex"}})),
            "spec.dataFrom[0].expand.secret.decode: Unsupported value",
        ),
        pair(
            rename(&json!({"from": text(512)})),
            rename(&json!({"from": text(513)})),
            "spec.dataFrom[0].rename.from: Too long",
        ),
        pair(
            rename(&json!({"to": text(256)})),
            rename(&json!({"to": text(257)})),
            "spec.dataFrom[0].rename.to: Too long",
        ),
    ]);
    pairs
}

fn merged(mut value: Value, change: &Value) -> Value {
    merge(&mut value, change);
    value
}
