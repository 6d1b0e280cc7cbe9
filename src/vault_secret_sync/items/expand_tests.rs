use super::*;

fn expander(format: ExpandFormat) -> Expander {
    Expander::parse("spec.dataFrom[0]", format, None).unwrap()
}

fn expanded(format: ExpandFormat, text: &str) -> Result<Expanded, Problem> {
    let value = SecretValue::from(text.to_owned());
    expander(format).expand("secret config/v1", &value)
}

fn entries(format: ExpandFormat, text: &str) -> Vec<(String, String)> {
    let expanded = expanded(format, text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
    let entries = expanded.entries.iter();
    let text = |value: &SecretValue| value.expose_str().unwrap().to_owned();
    entries
        .map(|(key, value)| (key.to_string(), text(value)))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let expected = expected.iter();
    expected
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn numbers_stay_as_they_were_written() {
    let expected = pairs(&[
        ("big", "12345678901234567890123456789"),
        ("exp", "1e3"),
        ("one", "1.10"),
        ("zero", "-0.0"),
    ]);
    let json = r#"{"one": 1.10, "exp": 1e3, "big": 12345678901234567890123456789, "zero": -0.0}"#;
    assert_eq!(entries(ExpandFormat::Json, json), expected);
    let yaml = "one: 1.10\nexp: 1e3\nbig: 12345678901234567890123456789\nzero: -0.0\n";
    assert_eq!(entries(ExpandFormat::Yaml, yaml), expected);
    assert_eq!(
        entries(
            ExpandFormat::Yaml,
            "a: 0x1F\nb: 0123\nc: 1_000\nd: 2024-01-01\ne: yes\n"
        ),
        pairs(&[
            ("a", "0x1F"),
            ("b", "0123"),
            ("c", "1_000"),
            ("d", "2024-01-01"),
            ("e", "yes")
        ])
    );
}

#[test]
fn what_is_nested_becomes_compact_json() {
    let json = r#"{"list": [1, {"a": "b\n"}, null], "yes": true, "text": "[1]"}"#;
    let expected = pairs(&[
        ("list", r#"[1,{"a":"b\n"},null]"#),
        ("text", "[1]"),
        ("yes", "true"),
    ]);
    assert_eq!(entries(ExpandFormat::Auto, json), expected);
    let yaml = "list:\n- 1\n- a: |\n    b\n- ~\nyes: True\ntext: '[1]'\n";
    assert_eq!(entries(ExpandFormat::Auto, yaml), expected);
}

#[test]
fn the_form_is_seen_where_it_is_not_told() {
    let expected = pairs(&[("A", "1"), ("B", "x=y")]);
    for text in [
        " {\"A\": 1, \"B\": \"x=y\"}",
        "{A: 1, B: 'x=y'}",
        "# comment\nA: 1\nB: x=y\n",
        "\u{feff}# comment\nexport A=1\nB=x=y\n",
    ] {
        assert_eq!(entries(ExpandFormat::Auto, text), expected, "{text}");
    }
}

#[test]
fn what_gives_no_key_is_told() {
    let text = r#"{"a": "first", "none": null, "empty": "", "a": "last", "b c": "1", "b/c": "2"}"#;
    let expanded = expanded(ExpandFormat::Json, text).unwrap();
    let keys: Vec<_> = expanded
        .entries
        .iter()
        .map(|(key, _)| key.as_str())
        .collect();
    assert_eq!(keys, ["a", "b_c"]);
    assert_eq!(expanded.entries[0].1.expose(), b"last");
    assert_eq!(expanded.entries[1].1.expose(), b"1");
    let told: Vec<_> = expanded
        .told
        .iter()
        .map(|problem| (problem.reason, problem.message.as_str()))
        .collect();
    let expected = [
        (Reason::KeyCollision, "\"a\" more than once"),
        (Reason::EmptyValue, "\"none\""),
        (Reason::EmptyValue, "\"empty\""),
        (Reason::KeyCollision, "both give the key b_c"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for ((reason, message), (expected, named)) in told.iter().zip(expected) {
        assert_eq!(*reason, expected);
        assert!(message.contains(named), "{message}");
    }
}

#[test]
fn members_are_renamed() {
    let rename = RenameSpec {
        from: "^db\\.".to_owned(),
        to: "DB_".to_owned(),
    };
    let expander = Expander::parse("spec.dataFrom[0]", ExpandFormat::Auto, Some(&rename)).unwrap();
    let value = SecretValue::from("db.user=ada".to_owned());
    let made = expander.expand("secret config/v1", &value).unwrap();
    assert_eq!(made.entries[0].0.as_str(), "DB_user");
}

#[test]
fn what_cannot_be_taken_apart_is_told_without_quoting_it() {
    for (format, text, named) in [
        (
            ExpandFormat::Json,
            "{\"hunter2\": hunter2}",
            "read as JSON, it is malformed at line 1, column",
        ),
        (ExpandFormat::Json, "[\"hunter2\"]", "no JSON object"),
        (ExpandFormat::Json, "hunter2", "malformed"),
        (ExpandFormat::Yaml, "hunter2", "no YAML mapping"),
        (
            ExpandFormat::Yaml,
            "a: [hunter2",
            "read as YAML, it is malformed at line",
        ),
        (ExpandFormat::Yaml, "a: !hunter2 x", "a tag"),
        (ExpandFormat::Dotenv, "A=1\nhunter2", "in line 2"),
        (ExpandFormat::Auto, "{\"hunter2\": hunter2", "read as JSON"),
        (ExpandFormat::Auto, "A=1\nhunter2", "in line 2"),
        (ExpandFormat::Auto, "", "no YAML mapping"),
    ] {
        let problem = expanded(format, text).unwrap_err();
        assert_eq!(problem.reason, Reason::NotExpandable, "{text}");
        assert!(problem.message.contains(named), "{text}: {problem}");
        assert!(
            problem
                .message
                .contains("spec.dataFrom[0]: secret config/v1"),
            "{problem}"
        );
        assert!(!problem.message.contains("hunter2"), "{problem}");
    }
    let binary = SecretValue::new(vec![0xff]);
    let problem = expander(ExpandFormat::Auto)
        .expand("s", &binary)
        .unwrap_err();
    assert!(problem.message.contains("binary"), "{problem}");
}

#[test]
fn size_is_bounded() {
    let many: Vec<String> = (0..=MAX_KEYS).map(|n| format!("K{n}=1")).collect();
    let many = many.join("\n");
    assert_eq!(
        expanded(ExpandFormat::Auto, &many).unwrap_err().reason,
        Reason::TooLarge
    );
    let large = format!("A={}", "x".repeat(MAX_VALUE));
    assert_eq!(
        expanded(ExpandFormat::Auto, &large).unwrap_err().reason,
        Reason::TooLarge
    );
}

proptest::proptest! {
    #[test]
    fn no_value_makes_it_panic(value in proptest::collection::vec(proptest::num::u8::ANY, 0..60), text in "[{}\\[\\]\":,a-b0-1 =#\n&*|-]{0,60}") {
        for format in [ExpandFormat::Auto, ExpandFormat::Json, ExpandFormat::Yaml, ExpandFormat::Dotenv] {
            drop(expander(format).expand("s", &SecretValue::new(value.clone())));
            drop(expander(format).expand("s", &SecretValue::from(text.clone())));
        }
    }
}
