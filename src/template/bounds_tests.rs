//! What a hostile template comes to, and that no message holds a value.

use super::tests::{bytes, meta, refusal, shown, values};
use super::*;

/// Each would take all memory, all time or the stack if it were let.
#[test]
fn nasty_templates_end_at_a_bound() {
    let doubled =
        |start: &str, double: &str| format!("{start}{}{{{{ a | length }}}}", double.repeat(64));
    let long = format!("{{{{ {}'x' }}}}", "'x' ~ ".repeat(30_000 / 6));
    for text in [
        "{{ 'x' * 10**9 }}".to_owned(),
        "{{ 'x' * 2000000 }}{{ 'x' * 2000000 }}".to_owned(),
        "{{ range(1000000000) | length }}".to_owned(),
        "{{ [0] * 1000000 }}".to_owned(),
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}".to_owned(),
        "{% for a in range(9999) %}{{ 'x' * 1000 }}{% endfor %}".to_owned(),
        format!(
            "{{% for a in range(9999) %}}{}{{% endfor %}}",
            "y".repeat(50_000)
        ),
        format!(
            "{{% set c %}}{{% for a in range(9999) %}}{}{{% endfor %}}{{% endset %}}",
            "y".repeat(50_000)
        ),
        doubled("{% set a = 'xxxxxxxx' %}", "{% set a = a ~ a %}"),
        doubled("{% set a = 'xxxxxxxx' %}", "{% set a = a + a %}"),
        doubled("{% set a = 'xxxxxxxx' %}", "{% set a = [a, a] | join %}"),
        doubled(
            "{% set a = 'xxxxxxxx' %}",
            "{% set a %}{{ a }}{{ a }}{% endset %}",
        ),
        doubled(
            "{% set a = 'xxxxxxxx' %}",
            "{% filter upper %}{{ a }}{{ a }}{% endfilter %}{% set a = a ~ a %}",
        ),
        doubled("{% set a = ['x'] %}", "{% set a = [a, a] %}"),
        doubled("{% set a = ['x'] %}", "{% set a = {'a': a, 'b': a} %}"),
        doubled("{% set a = ['x'] %}", "{% set a = a + a %}"),
        doubled("{% set a = ['x'] %}", "{% set a = (a, a) %}"),
        doubled(
            "{% set a = 'x' %}",
            "{% set a = a | replace('x', 'xxxxxxxxxxxxxxxx') %}",
        ),
        doubled(
            "{% set a = 'x\\n' * 1000 %}",
            "{% set a = a | indent(64) | replace(' ', 'x\\n') %}",
        ),
        doubled("{% set a = '\"' %}", "{% set a = a | tojson %}"),
        doubled(
            "{% set a = '%' %}",
            "{% set a = a | urlencode | urlencode %}{% set a = a ~ a %}",
        ),
        doubled(
            "{% set a = 'x' * 1000000 %}",
            "{% set b = a == a %}{% set b = a in a %}{% set b = a | sha256 %}",
        ),
        "{% for i in range(9999) %}{{ ('x' * 1000000)[999999] }}{% endfor %}".to_owned(),
        "{% for i in range(9999) %}{{ 'x' if ('x' * 1000000) is startingwith('y') }}{% endfor %}"
            .to_owned(),
        "{% set l = range(9999) %}{% for i in range(9999) %}{% set x = l | first + l | length %}{% endfor %}".to_owned(),
        "{% set l = range(9000) | tojson %}{% for i in range(9999) %}{% set x = l | fromyaml %}{% endfor %}".to_owned(),
        "{% set l = range(9000) %}{% for i in range(9999) %}{% set x = l | toyaml %}{% endfor %}".to_owned(),
        "{{ ('[' * 900000) | fromyaml }}".to_owned(),
        "{{ ('- ' * 400000) | fromyaml }}".to_owned(),
        "{{ ('[' * 900000) | fromjson }}".to_owned(),
        format!("{{{{ {}1 }}}}", "not ".repeat(10_000)),
        format!("{{{{ {}1 }}}}", "-".repeat(10_000)),
        format!("{{{{ {}1{} }}}}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("{{{{ {}{} }}}}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("{{{{ USER{} }}}}", " | trim".repeat(5_000)),
        format!("{{{{ USER{} }}}}", ".a".repeat(10_000)),
        format!("{{{{ 1{} }}}}", " if 1 else 1".repeat(4_000)),
        format!(
            "{}{}",
            "{% if 1 %}".repeat(2_000),
            "{% endif %}".repeat(2_000)
        ),
        format!("{{% if 1 %}}{}{{% endif %}}", "{% elif 1 %}".repeat(4_000)),
        long,
        "\n".repeat(70_000),
    ] {
        let start: String = text.chars().take(60).collect();
        let problem = match bytes(&text) {
            Err(problem) => problem,
            Ok(made) => panic!("{start} made {} bytes", made.len()),
        };
        assert!(
            [
                Reason::TooLarge,
                Reason::TemplateFailed,
                Reason::InvalidTemplate
            ]
            .contains(&problem.reason),
            "{start}: {problem}"
        );
        assert!(
            problem.message.contains("spec.template.data[\"out\"]"),
            "{problem}"
        );
    }
}

#[test]
fn what_is_close_to_a_bound_still_works() {
    let nested = format!("{}x{}", "{% if 1 %}".repeat(60), "{% endif %}".repeat(60));
    assert_eq!(shown(&nested), "x");
    let branches = format!(
        "{{% if 0 %}}{}{{% else %}}x{{% endif %}}",
        "{% elif 0 %}".repeat(60)
    );
    assert_eq!(shown(&branches), "x");
    let joined = format!("{{{{ {}'x' }}}}", "'x' ~ ".repeat(190));
    assert_eq!(shown(&joined).len(), 191);
    assert_eq!(shown("{{ 'x' * 1000000 }}").len(), 1_000_000);
}

#[test]
fn no_message_holds_a_value() {
    for text in [
        "{{ PASSWORD | nosuch }}",
        "{{ PASSWORD | fromjson }}",
        "{{ PASSWORD | fromyaml + 1 }}",
        "{{ PASSWORD | b64decode }}",
        "{{ PASSWORD | int }}",
        "{{ PASSWORD + 1 }}",
        "{{ PASSWORD - 1 }}",
        "{{ PASSWORD / 2 }}",
        "{{ PASSWORD < 1 | fromjson }}",
        "{{ -PASSWORD }}",
        "{{ PASSWORD * PASSWORD }}",
        "{{ PASSWORD | indent(PASSWORD) }}",
        "{{ PASSWORD | join }}",
        "{{ PASSWORD | pem_first }}",
        "{{ PASSWORD[PASSWORD] }}",
        "{{ PASSWORD.a }}",
        "{{ data[PASSWORD] }}",
        "{{ (JSON | fromjson)[PASSWORD] }}",
        "{{ {PASSWORD: PASSWORD} }}",
        "{{ {PASSWORD: 1}.x }}",
        "{{ [PASSWORD] }}",
        "{{ range(PASSWORD) }}",
        "{{ htpasswd(PASSWORD ~ ':', PASSWORD) }}",
        "{{ dockerconfigjson(PASSWORD, EMPTY, PASSWORD) }}",
        "{% for a, b in [PASSWORD] %}{% endfor %}",
        "{% for a in PASSWORD %}{% endfor %}",
        "{% set a, b = PASSWORD %}",
        "{% set a, b = [PASSWORD] %}",
        "{{ PASSWORD | replace('', 'x') }}",
        "{{ PASSWORD in 5 }}",
        "{{ PASSWORD | default(x=PASSWORD) }}",
        "{{ PASSWORD ~ NOTHING }}",
        "{{ PASSWORD }}{{ BINARY }}",
        "{{ PASSWORD * 9999999999 }}",
    ] {
        let Err(problem) = bytes(text) else { continue };
        let all = format!("{problem} {problem:?} {problem:#?}");
        assert!(!all.contains("hunter2"), "{text}: {all}");
    }
}

#[test]
fn a_name_taken_from_a_value_is_not_quoted_either() {
    let problem = refusal("{{ data[PASSWORD] }}");
    assert!(!problem.message.contains("hunter2"), "{problem}");
}

#[test]
fn all_keys_share_one_bound() {
    let text = "{{ 'x' * 700000 }}".to_owned();
    let two = Texts {
        data: BTreeMap::from([("a".to_owned(), text.clone()), ("b".to_owned(), text)]),
        ..Texts::default()
    };
    let template = Template::parse(&two).unwrap();
    assert!(template.render_key("a", &values(), &meta()).is_ok());
    let problem = template.render(&values(), &meta()).unwrap_err();
    assert_eq!(problem.reason, Reason::TooLarge);
    assert!(
        problem.message.contains("spec.template.data[\"b\"]"),
        "{problem}"
    );
    assert_eq!(template.keys().collect::<Vec<_>>(), ["a", "b"]);
}

const WORDS: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "USER",
    "BINARY",
    "JSON",
    "data",
    "meta",
    "loop",
    "for",
    "in",
    "if",
    "else",
    "elif",
    "endif",
    "endfor",
    "set",
    "endset",
    "with",
    "endwith",
    "filter",
    "endfilter",
    "raw",
    "endraw",
    "not",
    "is",
    "and",
    "or",
    "|",
    "~",
    "+",
    "-",
    "*",
    "**",
    "/",
    "//",
    "%",
    "==",
    "<",
    "=",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "'x'",
    "\"",
    "1",
    "0",
    "999999999",
    "a",
    "b",
    "x",
    "range",
    "htpasswd",
    "fromjson",
    "tojson",
    "toyaml",
    "fromyaml",
    "b64decode",
    "join",
    "split",
    "default",
    "items",
    "indent",
    "replace",
    "defined",
    "none",
    "true",
    "\n",
    "é",
    "\0",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_makes_it_panic_or_leave_its_bounds(
        words in proptest::collection::vec((0..WORDS.len(), proptest::bool::ANY), 0..40)
    ) {
        let text: String = words
            .iter()
            .flat_map(|(word, space)| [WORDS[*word], if *space { " " } else { "" }])
            .collect();
        match bytes(&text) {
            Ok(made) => proptest::prop_assert!(made.len() <= MAX_OUTPUT),
            Err(problem) => proptest::prop_assert!(!problem.message.contains("hunter2")),
        }
    }

    #[test]
    fn no_expression_makes_it_panic_or_leave_its_bounds(
        words in proptest::collection::vec(6..WORDS.len(), 1..8)
    ) {
        let words: Vec<&str> = words.iter().map(|word| WORDS[*word]).collect();
        if let Ok(made) = bytes(&format!("{{{{ {} }}}}", words.join(" "))) {
            proptest::prop_assert!(made.len() <= MAX_OUTPUT);
        }
    }
}
