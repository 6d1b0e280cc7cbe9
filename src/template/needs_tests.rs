//! What a template refers to, and its digest.

use super::tests::*;
use super::*;

#[test]
fn metadata_sees_names_and_no_value() {
    let mut with = texts("{{ USER }}");
    with.labels
        .insert("team".to_owned(), "{{ meta.namespace }}".to_owned());
    with.annotations
        .insert("note".to_owned(), "of {{ meta.name }}".to_owned());
    with.type_ = Some("example.com/{{ 'x' | lower }}".to_owned());
    let made = Template::parse(&with).unwrap().metadata(&meta()).unwrap();
    assert_eq!(made.labels["team"], "team");
    assert_eq!(made.annotations["note"], "of payments");
    assert_eq!(made.type_.as_deref(), Some("example.com/x"));
    for text in [
        "{{ PASSWORD | sha256 }}",
        "{{ data['a'] }}",
        "{% for k in data %}{% endfor %}",
    ] {
        let mut with = texts("x");
        with.labels.insert("team".to_owned(), text.to_owned());
        let problem = Template::parse(&with).expect_err(text);
        assert_eq!(problem.reason, Reason::InvalidTemplate);
        assert!(
            problem.message.contains("spec.template.labels[\"team\"]"),
            "{problem}"
        );
    }
    let mut with = texts("x");
    with.labels.insert("team".to_owned(), "a b".to_owned());
    let problem = Template::parse(&with)
        .unwrap()
        .metadata(&meta())
        .unwrap_err();
    assert_eq!(problem.reason, Reason::TemplateFailed);
}

#[test]
fn needs_are_those_that_a_template_refers_to() {
    let text = "{% set a = USER %}{{ a }}{{ data['tls.crt'] }}{{ data.J }}{{ O | default('') }}\n{% if P is defined %}{{ P }}{% endif %}{% for x in Q %}{{ x }}{% endfor %}{{ meta.name }}{{ range(1) }}";
    let template = Template::parse(&texts(text)).unwrap();
    let needs = template.needs("out").unwrap();
    let names: Vec<(&str, bool)> = needs
        .names
        .iter()
        .map(|(name, need)| (name.as_str(), need.optional))
        .collect();
    assert_eq!(
        names,
        [
            ("J", false),
            ("O", true),
            ("P", true),
            ("Q", false),
            ("USER", false),
            ("tls.crt", false)
        ]
    );
    assert!(!needs.all);
    let known = ["J", "Q", "USER"].map(str::to_owned).into();
    let problem = template.unknown_name(&known).unwrap();
    assert!(
        problem.message.contains("tls.crt") && problem.message.contains("line 1"),
        "{problem}"
    );
    let branches = "{% if A %}{% set x = 1 %}{% elif B %}{% set x = 2 %}{% endif %}{{ x }}{% for y in range(1) %}{% set z = y %}{% endfor %}{{ z }}";
    let branches = Template::parse(&texts(branches)).unwrap();
    let needed = |name: &str| {
        branches
            .needs("out")
            .unwrap()
            .names
            .get(name)
            .map(|need| need.optional)
    };
    assert_eq!(
        ["A", "B", "x", "y", "z"].map(needed),
        [Some(false), Some(false), Some(true), None, Some(false)]
    );
    let all = Template::parse(&texts("{{ data | items | length }}")).unwrap();
    assert!(all.needs("out").unwrap().all);
    assert_eq!(all.unknown_name(&known), None);
}

#[test]
fn a_digest_tells_texts_apart_and_nothing_else() {
    let digest = |text: &str| {
        Template::parse(&texts(text))
            .unwrap()
            .digest("out")
            .unwrap()
    };
    assert_eq!(digest("{{ USER }}"), digest("{{ USER }}"));
    assert_ne!(digest("{{ USER }}"), digest("{{ USER  }}"));
    assert_eq!(digest("x").len(), 16);
}
