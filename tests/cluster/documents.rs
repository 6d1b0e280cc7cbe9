//! What the pages on syncs show works: each test applies the YAML of a page as it stands there, with a namespace and vaults of
//! its own, and looks at the Secret that comes of it. [Pushing](crate::push) and [restarting](crate::rollouts) have pages and
//! tests of their own.

pub mod page;
mod secrets;
mod tls;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lakevault::secret::SecretValue;
use lakevault::vault_secret_sync::rollout::api::WorkloadKind::Deployment;
use serde_json::{Value, json};
use testbed::{Scratch, until};

use self::page::{SYNCS, Stage, bytes, certificate};
use self::tls::{certificates, java_reads, serves};
use crate::hands::plain;
use crate::kit::{Kit, PLANTED, SOON};
use crate::{Case, cases};

pub use self::page::may;

pub fn cases() -> Vec<Case> {
    let mut all = cases![
        all_fields_of_the_page_at_once,
        the_pages_certificate_serves_and_its_keystores_open,
        the_pages_public_key_is_the_vaults_in_both_forms,
        the_pages_sources_give_what_they_say,
        the_page_on_finding_finds,
        the_page_on_expanding_expands,
        the_pages_token_of_an_identity,
        the_pages_token_of_a_login,
    ];
    all.extend(secrets::cases());
    all
}

/// Entries of `data` by the name of their key.
fn entry<'a>(sync: &'a mut Value, key: &str) -> Result<&'a mut Value> {
    let data = sync["spec"]["data"].as_array_mut().context("no data")?;
    let entry = data.iter_mut().find(|entry| entry["key"] == key);
    entry.with_context(|| format!("the page has no key {key}"))
}

async fn all_fields_of_the_page_at_once(kit: Kit) -> Result<()> {
    let stage = Stage::set(kit).await?;
    let (kit, shared) = (&stage.kit, &stage.shared);
    stage.make_application().await?;
    crate::rollouts::make(kit, Deployment, "payments", json!({})).await?;
    // What is pushed to the vault comes back as DB_PASSWORD.
    let pushed = format!("{PLANTED}{}-pushed", kit.vault);
    let consent = json!({"lakevault.dev/allow-push": "payments"});
    kit.make_secret("local", json!({"password": pushed}), consent)
        .await?;
    let (found, _) = kit.plant("payments-a", "one").await?;
    let expanded = format!("{PLANTED}{}-expanded", kit.vault);
    kit.put("config", &json!({"CONFIG_USER": expanded}).to_string())
        .await?;
    let objects = json!({"certificates": [certificate("web-tls")], "keys": [{"name": "signing"}]});
    kit.admin().patch_vault(&kit.vault, &objects).await?;
    let credentials = |value: &str| {
        let key = STANDARD.encode(format!("{PLANTED}{value}"));
        json!({"credentials": {"key": key}}).to_string()
    };
    let pinned = shared.put("api", &credentials("pinned")).await?;
    shared.put("api", &credentials("newest")).await?;

    let mut sync = stage.example(SYNCS, "## All fields")?;
    entry(&mut sync, "API_KEY")?["secret"]["version"] = json!(pinned);
    // A window that is shut would let nothing change.
    sync["spec"]
        .as_object_mut()
        .context("no spec")?
        .remove("windows");
    kit.apply(sync.clone()).await?;
    kit.says("payments", "Pushed", "True", "UpToDate").await?;
    kit.sync_now("payments").await?;
    kit.is_synced("payments").await?;

    let data = kit.data("payments").await?;
    for (key, value) in [
        ("DB_PASSWORD", pushed.as_str()),
        ("API_KEY", &format!("{PLANTED}pinned")),
        ("payments-a", &found),
        ("CONFIG_USER", &expanded),
    ] {
        ensure!(data.get(key).map(String::as_str) == Some(value), "{key}");
    }
    let file = |key: &str| data.get(key).map_or(&b""[..], String::as_bytes);
    serves(
        file("web.crt"),
        file("web.key"),
        file("web.ca.crt"),
        "web-tls.example.org",
    )?;
    ensure!(data["signing.pub"].starts_with("-----BEGIN PUBLIC KEY-----\n"));
    ensure!(audience(&data["TOKEN"])? == "api://44444444-4444-4444-4444-444444444444");
    let ours = [
        "API_KEY",
        "CONFIG_USER",
        "DB_PASSWORD",
        "TOKEN",
        "payments-a",
        "signing.pub",
        "web.ca.crt",
        "web.crt",
        "web.key",
    ];
    let of_template = sync["spec"]["template"]["data"].as_object();
    let of_template = of_template
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str());
    let all: BTreeSet<&str> = ours.into_iter().chain(of_template).collect();
    ensure!(data.keys().map(String::as_str).collect::<BTreeSet<_>>() == all);
    let secret = kit.secret("payments").await?;
    ensure!(secret.type_.as_deref() == Some("Opaque"));
    ensure!(plain(secret.metadata.labels.as_ref()) == [("app", "payments")].into());
    kit.says("payments", "RolledOut", "True", "NothingToRollOut")
        .await?;

    // The entry is optional, and onMissing is Retain.
    kit.admin().delete_secret(&shared.vault, "api").await?;
    kit.look("payments").await?;
    kit.is_synced("payments").await?;
    let mut after = kit.data("payments").await?;
    // Whoever asks for a look gets a new token.
    let token = after.insert("TOKEN".to_owned(), data["TOKEN"].clone());
    ensure!(token.is_some() && after == data, "something was lost");
    Ok(())
}

fn audience(token: &str) -> Result<String> {
    let payload = token.split('.').nth(1).context("no JWT")?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?;
    claims["aud"].as_str().map(str::to_owned).context("no aud")
}

async fn the_pages_certificate_serves_and_its_keystores_open(kit: Kit) -> Result<()> {
    let stage = Stage::set(kit).await?;
    let kit = &stage.kit;
    let password = format!("{PLANTED}keystore");
    kit.put("keystore-password", &password).await?;
    let objects = json!({"certificates": [certificate("web-tls")]});
    kit.admin().patch_vault(&kit.vault, &objects).await?;
    kit.apply(stage.example(SYNCS, "#### Certificates")?)
        .await?;
    kit.is_synced("web-tls").await?;
    let secret = kit.secret("web-tls").await?;
    ensure!(secret.type_.as_deref() == Some("kubernetes.io/tls"));

    let data = bytes(kit, "web-tls").await?;
    let files: Vec<&str> = data.keys().map(String::as_str).collect();
    ensure!(
        files
            == [
                "ca.crt",
                "keystore.jks",
                "keystore.p12",
                "tls.crt",
                "tls.key",
                "truststore.jks",
                "truststore.p12"
            ],
        "{files:?}"
    );
    let chain = certificates(&data["tls.crt"])?;
    let root = certificates(&data["ca.crt"])?;
    ensure!(chain.len() == 2 && root.len() == 1, "the root is sent");
    ensure!(!chain.contains(&root[0]), "the root is sent");
    serves(
        &data["tls.crt"],
        &data["tls.key"],
        &data["ca.crt"],
        "web-tls.example.org",
    )?;

    let folder = Scratch::new("keystores")?;
    for (file, format, alias, kind) in [
        ("keystore.p12", "PKCS12", "web", "PrivateKeyEntry"),
        ("truststore.p12", "PKCS12", "ca", "trustedCertEntry"),
        ("keystore.jks", "JKS", "web", "PrivateKeyEntry"),
        ("truststore.jks", "JKS", "ca", "trustedCertEntry"),
    ] {
        let path = folder.path().join(file);
        std::fs::write(&path, &data[file])?;
        java_reads(&path, format, &password, alias, kind)?;
    }
    let store = SecretValue::new(data["keystore.p12"].clone());
    let store = lakevault::certificate::read(&store, Some(&SecretValue::from(password)))?;
    let pair = store.pair()?;
    ensure!(pair.leaf.der() == chain[0].as_ref());

    // A new version brings all files of it, and none of the old ones stays beside them.
    let path = format!("/vaults/{}/certificates/web-tls", kit.vault);
    let same = json!({});
    let renewed = kit.admin().call(reqwest::Method::PUT, &path, Some(&same));
    let _: Value = renewed.await?;
    kit.look("web-tls").await?;
    kit.is_synced("web-tls").await?;
    let after = bytes(kit, "web-tls").await?;
    for file in ["tls.crt", "tls.key", "keystore.p12", "keystore.jks"] {
        ensure!(after[file] != data[file], "{file} is the old one");
    }
    serves(
        &after["tls.crt"],
        &after["tls.key"],
        &after["ca.crt"],
        "web-tls.example.org",
    )
}

async fn the_pages_public_key_is_the_vaults_in_both_forms(kit: Kit) -> Result<()> {
    let stage = Stage::set(kit).await?;
    let kit = &stage.kit;
    let keys =
        json!([{"name": "signing", "keyType": "EC-P256"}, {"name": "rsa", "keyType": "RSA-2048"}]);
    let keys = json!({ "keys": keys });
    kit.admin().patch_vault(&kit.vault, &keys).await?;
    let mut sync = stage.example(SYNCS, "## All fields")?;
    let pem = entry(&mut sync, "signing.pub")?.clone();
    let mut jwk = pem.clone();
    jwk["key"] = json!("signing.jwk");
    jwk["publicKey"]["format"] = json!("Jwk");
    let mut rsa = jwk.clone();
    rsa["key"] = json!("rsa.jwk");
    rsa["publicKey"]["name"] = json!("rsa");
    let mut rsa_pem = rsa.clone();
    rsa_pem["key"] = json!("rsa.pem");
    rsa_pem["publicKey"]["format"] = json!("Pem");
    let sync = kit.sync("keys", &[], |spec| {
        spec["identityRef"] = json!({"name": "payments"});
        spec["data"] = json!([pem, jwk, rsa, rsa_pem]);
    });
    kit.apply(sync).await?;
    kit.is_synced("keys").await?;
    let data = kit.data("keys").await?;
    let der = |key: &str| -> Result<Vec<u8>> {
        let lines = data[key].lines().filter(|line| !line.starts_with("-----"));
        Ok(STANDARD.decode(lines.collect::<String>())?)
    };
    let number = |jwk: &Value, name: &str| -> Result<Vec<u8>> {
        let text = jwk[name].as_str().with_context(|| format!("no {name}"))?;
        Ok(URL_SAFE_NO_PAD.decode(text)?)
    };
    let jwk: Value = serde_json::from_str(&data["signing.jwk"])?;
    let point = [vec![4], number(&jwk, "x")?, number(&jwk, "y")?].concat();
    ensure!(jwk["kty"] == "EC" && jwk["d"].is_null(), "{jwk}");
    ensure!(der("signing.pub")?.ends_with(&point), "two keys");
    let jwk: Value = serde_json::from_str(&data["rsa.jwk"])?;
    let modulus = number(&jwk, "n")?;
    ensure!(jwk["kty"] == "RSA" && jwk["d"].is_null(), "{jwk}");
    let spki = der("rsa.pem")?;
    ensure!(
        spki.windows(modulus.len()).any(|part| part == modulus),
        "two keys"
    );
    Ok(())
}

/// A secret of the vault with tags.
async fn tagged(kit: &Kit, name: &str, team: &str) -> Result<String> {
    let (value, _) = kit.plant(name, "tagged").await?;
    let tags = json!({"tags": {"team": team}});
    kit.admin().patch_secret(&kit.vault, name, &tags).await?;
    Ok(value)
}

async fn the_pages_sources_give_what_they_say(kit: Kit) -> Result<()> {
    let stage = Stage::set(kit).await?;
    let kit = &stage.kit;
    let db = tagged(kit, "payments-db", "payments").await?;
    tagged(kit, "payments-other-team", "orders").await?;
    tagged(kit, "orders-db", "payments").await?;
    let mut web = certificate("payments-web");
    web["tags"] = json!({"team": "payments"});
    let objects = json!({"certificates": [web, certificate("payments-untagged")]});
    kit.admin().patch_vault(&kit.vault, &objects).await?;
    let config = json!({"database": {"HOST": "db.example.org", "PORT": 5432}, "NOT": "this"});
    stage.shared.put("config", &config.to_string()).await?;
    kit.apply(stage.example(SYNCS, "### dataFrom")?).await?;
    kit.is_synced("payments-all").await?;
    let data = kit.data("payments-all").await?;
    let keys: Vec<&str> = data.keys().map(String::as_str).collect();
    ensure!(
        keys == ["HOST", "PORT", "db", "web.ca.crt", "web.crt", "web.key"],
        "{keys:?}"
    );
    ensure!(data["db"] == db && data["HOST"] == "db.example.org" && data["PORT"] == "5432");
    let file = |key: &str| data[key].as_bytes();
    serves(
        file("web.crt"),
        file("web.key"),
        file("web.ca.crt"),
        "payments-web.example.org",
    )?;
    // It is Remove that the page has.
    kit.admin().delete_secret(&kit.vault, "payments-db").await?;
    kit.look("payments-all").await?;
    let mut left = data;
    left.remove("db");
    until(SOON, "the key has gone, and no other", async || {
        let found = kit.data("payments-all").await;
        let found = found.map_err(|error| error.to_string())?;
        let keys = |data: &std::collections::BTreeMap<String, String>| {
            data.keys().cloned().collect::<Vec<_>>()
        };
        if found == left {
            Ok(())
        } else {
            Err(format!("{:?}", keys(&found)))
        }
    })
    .await
}

async fn the_page_on_finding_finds(kit: Kit) -> Result<()> {
    let stage = Stage::set(kit).await?;
    let kit = &stage.kit;
    let db = tagged(kit, "payments-db", "payments").await?;
    tagged(kit, "payments-other-team", "orders").await?;
    kit.apply(stage.sources("## Find", "app", |_| ())?).await?;
    kit.holds("app", &[("db", &db)]).await?;
    kit.is_synced("app").await
}

async fn the_page_on_expanding_expands(kit: Kit) -> Result<()> {
    let stage = Stage::set(kit).await?;
    let kit = &stage.kit;
    let number = "123456789012345678901234567890.10";
    let text = format!(
        r#"{{"text": "a", "number": {number}, "exponent": 1e3, "yes": true, "list": [1, "b"], "none": null}}"#
    );
    kit.put("config-json", &text).await?;
    let sync = stage.sources("## Expand", "app", |spec| {
        spec["refreshInterval"] = json!("10s");
    })?;
    kit.apply(sync.clone()).await?;
    let json = [
        ("exponent", "1e3"),
        ("list", r#"[1,"b"]"#),
        ("number", number),
        ("text", "a"),
        ("yes", "true"),
    ];
    kit.holds("app", &json).await?;
    // The same by the other rows of the page's table, found out by themselves and asked for by name.
    let lines = "export text=a\n# a comment\nnumber='1.10' # another\n";
    let yaml = "base: &base {text: a}\nnumber: 1.10\n<<: *base\n";
    for (value, format, extra) in [
        (lines, "Dotenv", None),
        (yaml, "Yaml", Some(("base", r#"{"text":"a"}"#))),
    ] {
        kit.put("config-json", value).await?;
        kit.look("app").await?;
        let wanted: Vec<(&str, &str)> = extra
            .into_iter()
            .chain([("number", "1.10"), ("text", "a")])
            .collect();
        kit.holds("app", &wanted).await?;
        kit.is_synced("app").await?;
        let mut named = sync.clone();
        named["metadata"]["name"] = json!(format.to_lowercase());
        named["spec"]["dataFrom"][0]["expand"]["format"] = json!(format);
        kit.apply(named).await?;
        kit.holds(&format.to_lowercase(), &wanted).await?;
    }
    Ok(())
}

async fn the_pages_token_of_an_identity(kit: Kit) -> Result<()> {
    let stage = Stage::set(kit).await?;
    stage.make_application().await?;
    let sync = stage.example(SYNCS, "### Of the sync's identity")?;
    stage.kit.apply(sync).await?;
    stage.kit.is_synced("report-token").await?;
    let data = stage.kit.data("report-token").await?;
    ensure!(audience(&data["TOKEN"])? == "api://44444444-4444-4444-4444-444444444444");
    Ok(())
}

async fn the_pages_token_of_a_login(kit: Kit) -> Result<()> {
    let stage = Stage::set(kit).await?;
    let kit = &stage.kit;
    let suffix = kit.endpoints().key_vault_suffix.clone();
    let host = format!("mls-{}.{}", kit.vault, suffix.trim_start_matches("vault."));
    let password = format!("{PLANTED}{}-ada", kit.vault);
    let server = json!({"host": host, "users": [{"username": "ada", "password": password}]});
    kit.admin().seed(&json!({"mlServers": [server]})).await?;
    kit.make_secret("ada", json!({"password": password}), json!({}))
        .await?;
    let mut sync = stage.example(SYNCS, "### Of a Machine Learning Server's own login")?;
    entry(&mut sync, "TOKEN")?["accessToken"]["mlServer"]["url"] = json!(format!("https://{host}"));
    kit.apply(sync).await?;
    kit.is_synced("scoring").await?;
    let data = kit.data("scoring").await?;
    ensure!(data["TOKEN"].split('.').count() == 3, "no token");
    Ok(())
}
