use super::*;

/// The commands for what is made under a name, as they are printed.
fn commands(came: &Came, name: &str) -> Vec<String> {
    let text = came.printed();
    let documents = text.split("---\n");
    let mut own = documents.filter(|document| document.contains(&format!("\n  name: {name}\n")));
    let own = own
        .find(|document| document.contains("kind: VaultSecretSync"))
        .unwrap();
    own.lines()
        .filter_map(|line| line.strip_prefix("#   "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_owner_lets_go_before_it_is_deleted() {
    let came = Came::of(&CORPUS);
    assert_eq!(
        commands(&came, "app"),
        [
            r#"kubectl -n team patch externalsecret app --type=merge -p '{"spec":{"target":{"creationPolicy":"Orphan","deletionPolicy":"Retain"}}}'"#,
            r#"kubectl -n team patch secret app-secret --type=merge -p '{"metadata":{"annotations":{"lakevault.dev/allow-sync":"app"},"ownerReferences":null}}'"#,
            "kubectl -n team wait vaultsecretsync/app --for=condition=Ready --timeout=120s",
            "kubectl -n team delete externalsecret app --cascade=orphan",
            r#"kubectl -n team patch secret app-secret --type=merge -p '{"metadata":{"annotations":{"reconcile.external-secrets.io/data-hash":null},"labels":{"reconcile.external-secrets.io/created-by":null,"reconcile.external-secrets.io/managed":null}}}'"#,
        ]
    );
    let merged = commands(&came, "odd");
    assert!(
        !merged
            .iter()
            .any(|command| command.contains("ownerReferences")),
        "{merged:?}"
    );
}

#[test]
fn akv2k8s_rests_before_it_would_empty_the_secret() {
    let commands = commands(&Came::of(&CORPUS), "db");
    assert!(
        commands[0].contains("scale deployment akv2k8s-controller --replicas=0"),
        "{commands:?}"
    );
    assert!(
        commands[1].contains("ownerReferences\":null"),
        "{commands:?}"
    );
    assert_eq!(
        commands[3],
        "kubectl -n shop delete azurekeyvaultsecret db-user db-password --cascade=orphan"
    );
}

#[test]
fn the_driver_is_told_that_it_writes_the_secret_no_more() {
    let commands = commands(&Came::of(&CORPUS), "api");
    assert_eq!(
        commands[0],
        r#"kubectl -n shop patch secretproviderclass shop --type=merge -p '{"spec":{"secretObjects":null}}'"#
    );
    assert!(
        commands[1].contains(r#""secrets-store.csi.k8s.io/managed":null"#),
        "{commands:?}"
    );
}

#[test]
fn a_secret_that_several_push_consents_to_all_of_them() {
    let commands = commands(&Came::of(&CORPUS), "app-push");
    assert_eq!(
        commands,
        [
            r#"kubectl -n team patch pushsecret app --type=merge -p '{"spec":{"deletionPolicy":"None"}}'"#,
            "kubectl -n team annotate secret made-here --overwrite lakevault.dev/allow-push=app-push,app-push-2",
            "kubectl -n team wait vaultsecretsync/app-push --for=condition=Pushed --timeout=120s",
            "kubectl -n team delete pushsecret app",
        ]
    );
}

#[test]
fn one_secret_of_two_owners_is_told() {
    let two = CORPUS[2]
        .1
        .replace("name: rendered-secret", "name: app-secret");
    let came = Came::of(&[CORPUS[0], CORPUS[6], ("externalsecret.yaml", &two)]);
    came.tells(&[
        "ExternalSecret team/app: ",
        "Secret app-secret is written by rendered as well",
    ]);
    came.tells(&[
        "ExternalSecret team/rendered: ",
        "Secret app-secret is written by app as well",
    ]);
}

#[test]
fn what_a_terminal_or_yaml_would_take_for_more_stays_in_its_comment() {
    let text = "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: kv}\nspec: {provider: {azurekv: {authType: \"a\\nkind: Evil\\u2028b\\u001b[2J\", vaultUrl: https://kv.vault.azure.net}}}\n";
    let came = Came::text(text);
    let printed = came.printed();
    assert!(
        !printed.contains('\u{1b}') && !printed.contains('\u{2028}'),
        "{printed}"
    );
    assert!(
        !printed.lines().any(|line| line.starts_with("kind: Evil")),
        "{printed}"
    );
    assert!(
        !written::told(&came.0, &Input::default())
            .iter()
            .any(|line| line.contains('\n'))
    );
}
