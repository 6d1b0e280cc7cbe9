use super::*;

const PLANTED: &str = "hunter2-Xq9";
const CERTIFICATES: &str = "junk\n-----BEGIN CERTIFICATE-----\r\nAAAA\r\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nKKKK\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\n  BBBB\n-----END CERTIFICATE-----";

pub(super) fn texts(text: &str) -> Texts {
    Texts {
        data: BTreeMap::from([("out".to_owned(), text.to_owned())]),
        ..Texts::default()
    }
}

pub(super) fn values() -> BTreeMap<String, SecretValue> {
    let text = [
        ("USER", "ada"),
        ("PASSWORD", PLANTED),
        ("EMPTY", ""),
        ("tls.crt", CERTIFICATES),
        (
            "JSON",
            r#"{"user":"ada","n":1.10,"big":12345678901234567890123,"list":[1,"b"],"none":null}"#,
        ),
    ];
    let mut values: BTreeMap<String, SecretValue> = text
        .into_iter()
        .map(|(key, text)| (key.to_owned(), SecretValue::from(text.to_owned())))
        .collect();
    values.insert("BINARY".to_owned(), SecretValue::new(vec![0xff, 0, 0xfe]));
    values
}

pub(super) fn meta() -> Meta {
    Meta {
        name: "payments".to_owned(),
        namespace: "team".to_owned(),
        secret: "payments-db".to_owned(),
        seed: "db-password/v1".to_owned(),
    }
}

pub(super) fn bytes(text: &str) -> Result<Vec<u8>, Problem> {
    let template = Template::parse(&texts(text))?;
    let made = template.render_key("out", &values(), &meta())?;
    Ok(made.expose().to_vec())
}

pub(super) fn shown(text: &str) -> String {
    String::from_utf8(bytes(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))).unwrap()
}

pub(super) fn refusal(text: &str) -> Problem {
    match bytes(text) {
        Err(problem) => problem,
        Ok(_) => panic!("{text} was rendered"),
    }
}

#[test]
fn values_are_reached_by_name_and_by_key() {
    for (text, expected) in [
        ("u={{ USER }}\n", "u=ada\n"),
        ("{{ (JSON | fromjson).nothing | default('x') }}", "x"),
        (
            "{% if USER %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}",
            "1",
        ),
        (
            "{% if data and data.USER == 'ada' %}{{ data | length }}{% endif %}",
            "6",
        ),
        ("{{ data[\"USER\"] }}{{ data.USER }}", "adaada"),
        (
            "{{ data['tls.crt'] | length }}",
            &CERTIFICATES.len().to_string(),
        ),
        (
            "{{ meta.namespace }}/{{ meta.name }}/{{ meta.secret }}",
            "team/payments/payments-db",
        ),
        (
            "{% for key in data %}{{ key }},{% endfor %}",
            "BINARY,EMPTY,JSON,PASSWORD,USER,tls.crt,",
        ),
        (
            "{% for k, v in data | items if k is startingwith 'US' %}{{ k }}={{ v }}{% endfor %}",
            "USER=ada",
        ),
        (
            "{% set cfg = JSON | fromjson %}{{ cfg.user }} {{ cfg.n }} {{ cfg.big }} {{ cfg.list[1] }}",
            "ada 1.10 12345678901234567890123 b",
        ),
        (
            "{% if USER == 'ada' and 'a' in USER %}yes{% else %}no{% endif %}",
            "yes",
        ),
        (
            "{{ 'x' if EMPTY }}|{{ USER if not EMPTY else 'y' }}",
            "|ada",
        ),
        (
            "{% with a = USER %}{{ a }}{% endwith %}{# gone #}{% raw %}{{ x }}{% endraw %}",
            "ada{{ x }}",
        ),
        (
            "{% set all %}{{ USER }}!{% endset %}{{ all | upper }}",
            "ADA!",
        ),
        (
            "{% filter indent(2, first=true) %}a\n\nb\n{% endfilter %}",
            "  a\n\n  b\n",
        ),
        (
            "{% for n in range(1, 4) %}{{ loop.index }}{{ n }} {% endfor %}",
            "11 22 33 ",
        ),
    ] {
        assert_eq!(shown(text), *expected, "{text}");
    }
}

#[test]
fn filters_do_what_their_names_say() {
    for (text, expected) in [
        (
            "{{ USER | b64encode }} {{ 'YWRh\n' | b64decode }}",
            "YWRh ada",
        ),
        (
            "{{ '??>' | b64urlencode }} {{ 'Pz8-' | b64urldecode }}",
            "Pz8- ??>",
        ),
        ("{{ BINARY | b64encode }}", "/wD+"),
        ("{{ 'a b/ü@:' | urlencode }}", "a%20b%2F%C3%BC%40%3A"),
        ("{{ 'say \"hi\"\n' | quote }}", r#""say \"hi\"\n""#),
        ("{{ \"it's\" | squote }}", "'it''s'"),
        (
            "{{ ' x ' | trim }}{{ '--x-' | trim('-') }}{{ 'aBc' | lower }}{{ 'a' | upper }}",
            "xxabcA",
        ),
        ("{{ 'a-b-c' | replace('-', '_') }}", "a_b_c"),
        (
            "{{ NONE | default('x') }}{{ EMPTY | default('y', true) }}{{ EMPTY | d('z') }}!",
            "xy!",
        ),
        ("{{ ['a', 1, true] | join(',') }}", "a,1,true"),
        ("{{ 'a:b:c' | split(':', 1) | last }}", "b:c"),
        ("{{ [3, 1, 2, 1] | sort | unique | reverse | join }}", "321"),
        (
            "{{ 'abc' | length }}{{ [1,2] | length }}{{ 'abc'[1:] }}{{ 'abc'[:-1] }}{{ [1,2,3][1:2] | first }}",
            "32bcab2",
        ),
        (
            "{{ {'b': [1, 2.5, none, true], 'a': USER} | tojson }}",
            r#"{"a":"ada","b":[1,2.5,null,true]}"#,
        ),
        (
            "{{ {'a': {'b': '1'}, 'c': ['x']} | toyaml }}",
            "a:\n  b: \"1\"\nc:\n- x\n",
        ),
        (
            "{% set y = 'a: [1, {b: 0x1F}]' | fromyaml %}{{ y.a[1].b }}",
            "0x1F",
        ),
        (
            "{{ 'abc' | sha256 }}",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
    ] {
        assert_eq!(shown(text), *expected, "{text}");
    }
    assert_eq!(
        shown(
            "{{ 'a' ~ 1 ~ true }}{{ 'b' + 'c' }}{{ 1 + 2 }}{{ 2 * 3 }}{{ '-' * 3 }}{{ ([1] + [2]) | join }}{{ '7' | int - 1 }}"
        ),
        "a1truebc36---126"
    );
}

#[test]
fn pem_is_split_and_set_right() {
    let first = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let second = "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n";
    let of = |filter: &str| shown(&format!("{{{{ data['tls.crt'] | {filter} }}}}"));
    assert_eq!(of("pem_certificates"), format!("{first}{second}"));
    assert_eq!(of("pem_first"), first);
    assert_eq!(of("pem_last"), second);
    assert_eq!(of("pem_rest"), second);
    assert_eq!(
        of("pem_private_key"),
        "-----BEGIN PRIVATE KEY-----\nKKKK\n-----END PRIVATE KEY-----\n"
    );
    assert!(
        refusal("{{ USER | pem_first }}")
            .message
            .contains("no PEM certificate")
    );
}

#[test]
fn a_password_hash_changes_with_the_version_only() {
    let template = Template::parse(&texts("{{ htpasswd(USER, PASSWORD, cost=4) }}")).unwrap();
    let line = |seed: &str| {
        let meta = Meta {
            seed: seed.to_owned(),
            ..meta()
        };
        let made = template.render_key("out", &values(), &meta).unwrap();
        made.expose_str().unwrap().to_owned()
    };
    let made = line("db-password/v1");
    assert_eq!(made, line("db-password/v1"));
    assert_ne!(made, line("db-password/v2"));
    assert!(
        made.starts_with("ada:$2y$04$") && made.len() == "ada:".len() + 60,
        "{made}"
    );
    for bad in [
        "{{ htpasswd('a:b', PASSWORD) }}",
        "{{ htpasswd('', PASSWORD) }}",
        "{{ htpasswd(USER, EMPTY) }}",
        "{{ htpasswd(USER, 'x' * 73) }}",
        "{{ htpasswd(USER, PASSWORD, cost=31) }}",
        "{{ htpasswd(USER, PASSWORD, rounds=5) }}",
    ] {
        assert_eq!(refusal(bad).reason, Reason::TemplateFailed, "{bad}");
    }
    let run = Run::new("");
    assert!(run.rounds(10).is_ok() && run.rounds(14).is_err());
}

/// A known answer: jBCrypt's test vector for "a" at cost 6, whose salt stands in it.
#[test]
fn bcrypt_is_bcrypt() {
    use base64::Engine;
    let salt = bcrypt::BASE_64.decode("m0CrhHm10qJ3lXRY.5zDGO").unwrap();
    let hashed = bcrypt::bcrypt(6, salt.try_into().unwrap(), b"a\0");
    assert_eq!(
        bcrypt::BASE_64.encode(&hashed[..23]),
        "3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"
    );
}

#[test]
fn a_docker_config_is_what_kubernetes_takes() {
    let made = shown("{{ dockerconfigjson('ghcr.io', USER, 'p\"w', email='a@b') }}");
    assert_eq!(
        made,
        r#"{"auths":{"ghcr.io":{"username":"ada","password":"p\"w","auth":"YWRhOnAidw==","email":"a@b"}}}"#
    );
}

#[test]
fn binary_is_taken_whole_and_refused_where_text_is_needed() {
    assert_eq!(bytes("{{ BINARY }}\n").unwrap(), [0xff, 0, 0xfe]);
    assert_eq!(
        bytes("{{ BINARY | b64encode | b64decode }}").unwrap(),
        [0xff, 0, 0xfe]
    );
    assert_eq!(shown("{{ 'b' if BINARY is binary }}"), "b");
    for text in [
        "x{{ BINARY }}",
        "{{ BINARY }}x",
        "{{ BINARY }}{{ BINARY }}",
        "{{ BINARY | upper }}",
        "{{ BINARY ~ 'x' }}",
        "{{ BINARY | tojson }}",
        "{% set x %}{{ BINARY }}{% endset %}{{ x }}",
        "{{ [BINARY] | join }}",
    ] {
        let problem = refusal(text);
        assert!(problem.message.contains("binary"), "{text}: {problem}");
    }
}

#[test]
fn what_is_not_there_is_named_with_its_line() {
    for (text, named, line) in [
        ("a\n{{ PASWORD }}", "PASWORD", 2),
        ("{{ data['no.such'] }}", "no.such", 1),
        ("\n\n{{ PASWORD | b64encode }}", "PASWORD", 3),
        ("{% if PASWORD %}x{% endif %}", "PASWORD", 1),
        ("{{ 'a' ~ PASWORD }}", "PASWORD", 1),
        ("{{ [PASWORD] | join }}", "PASWORD", 1),
        ("{{ X | default('') }}{{ PASWORD == 'x' }}", "PASWORD", 1),
        ("{{ (JSON | fromjson).nothing }}", "member", 1),
        (
            "{{ X | default('') }}{{ (JSON | fromjson).nothing }}",
            "member",
            1,
        ),
    ] {
        let problem = refusal(text);
        assert_eq!(problem.reason, Reason::TemplateFailed, "{text}");
        assert!(problem.message.contains(named), "{text}: {problem}");
        assert!(
            problem.message.contains(&format!("line {line}:")),
            "{text}: {problem}"
        );
        assert!(
            problem.message.contains("spec.template.data[\"out\"]"),
            "{problem}"
        );
    }
}

#[test]
fn what_no_template_may_say_is_found_before_any_value() {
    for text in [
        "{{ USER",
        "{% if USER %}",
        "{% endfor %}",
        "{{ USER | nosuch }}",
        "{{ USER is nosuch }}",
        "{{ env('HOME') }}",
        "{{ USER.upper() }}",
        "{{ loop(1) }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% set ns = namespace() %}",
        "{% set a.b = 1 %}",
        "{% set data = 1 %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% macro m() %}{% endmacro %}",
        "{% block b %}{% endblock %}",
        "{% do range(3) %}",
        "{% autoescape true %}{% endautoescape %}",
        "{{ 'x'[::2] }}",
        "{{ range(*[1]) }}",
        "{{ debug() }}",
        "{{ 'x' | safe }}",
        "{{ self }}{{ super() }}",
    ] {
        let problem = Template::parse(&texts(text)).expect_err(text);
        assert_eq!(problem.reason, Reason::InvalidTemplate, "{text}");
        assert!(problem.message.contains("line 1"), "{text}: {problem}");
    }
}

#[test]
fn an_empty_value_is_refused() {
    assert_eq!(refusal("{{ EMPTY }}").reason, Reason::EmptyValue);
}
