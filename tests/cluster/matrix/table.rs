//! The table: which trouble meets which operation, and what is then said of which source.

use serde_json::{Value, json};
use testbed::Fault;

use Source::{Certificate, Expand, Find, PublicKey, Secret, Token};

/// What a sync mirrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Secret,
    Certificate,
    PublicKey,
    Find,
    Expand,
    Token,
}

/// Those that come from a vault.
pub const OF_VAULTS: [Source; 5] = [Secret, Certificate, PublicKey, Find, Expand];

impl Source {
    pub fn name(self) -> &'static str {
        match self {
            Secret => "secret",
            Certificate => "certificate",
            PublicKey => "publickey",
            Find => "find",
            Expand => "expand",
            Token => "token",
        }
    }

    /// Where its object stands in a vault, for the admin API.
    pub fn object(self) -> &'static str {
        match self {
            Secret | Token => "secrets/s",
            Certificate => "certificates/c",
            PublicKey => "keys/k",
            Find => "secrets/f",
            Expand => "secrets/e",
        }
    }

    /// The entries of a spec.
    pub fn entries(self, client_id: &str) -> (Vec<Value>, Vec<Value>) {
        let key = |source: Value| {
            let mut entry = json!({"key": "K"});
            entry
                .as_object_mut()
                .unwrap()
                .extend(source.as_object().unwrap().clone());
            (vec![entry], Vec::new())
        };
        match self {
            Secret => key(json!({"secret": {"name": "s", "property": "p"}})),
            Certificate => key(json!({"certificate": {"name": "c"}})),
            PublicKey => key(json!({"publicKey": {"name": "k"}})),
            Token => key(json!({"accessToken": {"resource": format!("api://{client_id}")}})),
            Find => (Vec::new(), vec![json!({"find": {"namePattern": "^f$"}})]),
            Expand => (
                Vec::new(),
                vec![json!({"expand": {"secret": {"name": "e"}}})],
            ),
        }
    }
}

/// What is met by the trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Every request to the vault.
    Vault,
    List,
    Get,
    /// Every request for a token of the identity.
    Token,
}

impl Operation {
    /// The paths of its requests; `tenant` is the identity's.
    pub fn path(self, tenant: &str) -> Option<String> {
        match self {
            Self::Vault => None,
            Self::List => Some("^/(secrets|certificates|keys)$".to_owned()),
            Self::Get => Some("^/(secrets|certificates|keys)/".to_owned()),
            Self::Token => Some(format!("^/{tenant}/")),
        }
    }
}

/// What is wrong.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// The host answers so, or not at all.
    Answers(Fault),
    /// The identity's authority has no address.
    NoAuthority,
    /// The objects were deleted.
    Deleted,
    /// The newest versions are disabled.
    Disabled,
    /// The newest values are empty.
    Empty,
    /// The newest values are no such thing.
    Wrong,
}

/// What is seen of a source in that trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It fails for this reason.
    Fails(&'static str),
    /// Nothing is wrong, and the last value stays.
    Stays,
    /// Nothing is wrong, and the new value arrives.
    Arrives,
    /// It fails for this reason, or the new value has arrived.
    Either(&'static str),
}

/// A line of the table.
pub struct Row {
    pub name: String,
    pub operation: Operation,
    pub trouble: Trouble,
    pub sources: Vec<(Source, Seen)>,
}

/// What may come in the place of an answer, with the word for it when an object, a list and a token were asked for.
fn answers() -> Vec<(&'static str, Fault, [&'static str; 3])> {
    let all = |reason: &'static str| [reason; 3];
    let refused = |get: &'static str, list: &'static str| [get, list, "AuthenticationFailed"];
    vec![
        ("hang", Fault::Hang(true), all("TimedOut")),
        ("cut", Fault::ResetMidBody(true), all("ConnectionFailed")),
        (
            "401",
            Fault::status(401),
            refused("Unauthorized", "Unauthorized"),
        ),
        ("403", Fault::status(403), refused("Forbidden", "Forbidden")),
        (
            "404",
            Fault::status(404),
            refused("ObjectNotFound", "RequestRefused"),
        ),
        ("429-time", Fault::throttled(Some(3)), all("Throttled")),
        ("429", Fault::throttled(None), all("Throttled")),
        ("500", Fault::status(500), all("AzureUnavailable")),
        (
            "malformed",
            Fault::MalformedJson(true),
            all("MalformedAnswer"),
        ),
        ("empty", Fault::EmptyBody(true), all("MalformedAnswer")),
        // A page of a proxy that happens to be JSON.
        (
            "other",
            Fault::body(200, &json!({"message": "sign in"})),
            all("MalformedAnswer"),
        ),
    ]
}

/// What is seen of a source where a vault answers a request for an object, or a list, for this reason.
fn seen(operation: Operation, source: Source, reason: &'static str) -> Seen {
    let listed = ["Forbidden", "RequestRefused", "MalformedAnswer"].contains(&reason);
    match (operation, source) {
        // Who may not list reads; only a search needs a list.
        (Operation::List, Secret | Certificate | PublicKey | Expand) if listed => Seen::Arrives,
        // What a list could not tell of is read the next time, and listed again after that.
        (Operation::List, Secret | Certificate | PublicKey | Expand) => Seen::Either(reason),
        // A key that must not be used shows its public half all the same.
        (Operation::Get, PublicKey) if reason == "ObjectDisabled" => Seen::Arrives,
        // What is found may go, and the last value stays.
        (Operation::Get, Find) if reason == "ObjectNotFound" => Seen::Stays,
        _ => Seen::Fails(reason),
    }
}

fn row(
    operation: Operation,
    name: &str,
    trouble: Trouble,
    sources: impl IntoIterator<Item = (Source, Seen)>,
) -> Row {
    Row {
        name: format!("{operation:?}-{name}").to_lowercase(),
        operation,
        trouble,
        sources: sources.into_iter().collect(),
    }
}

/// The rows of what vaults do.
pub fn of_vaults() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, fault, reason) in [
        ("unreachable", Fault::DnsFailure(true), "HostNotFound"),
        (
            "untrusted",
            Fault::UntrustedCertificate(true),
            "CertificateNotTrusted",
        ),
    ] {
        let sources = OF_VAULTS.map(|source| (source, Seen::Fails(reason)));
        rows.push(row(
            Operation::Vault,
            name,
            Trouble::Answers(fault),
            sources,
        ));
    }
    for (name, fault, [get, list, _]) in answers() {
        for (operation, reason) in [(Operation::Get, get), (Operation::List, list)] {
            let sources = OF_VAULTS.map(|source| (source, seen(operation, source, reason)));
            rows.push(row(
                operation,
                name,
                Trouble::Answers(fault.clone()),
                sources,
            ));
        }
    }
    let fails = |(source, reason)| (source, Seen::Fails(reason));
    for (name, trouble, reason) in [
        ("deleted", Trouble::Deleted, "ObjectNotFound"),
        ("disabled", Trouble::Disabled, "ObjectDisabled"),
    ] {
        let sources = OF_VAULTS.map(|source| (source, seen(Operation::Get, source, reason)));
        rows.push(row(Operation::Get, name, trouble, sources));
    }
    let empty = [Secret, Find, Expand].map(|source| (source, "EmptyValue"));
    rows.push(row(
        Operation::Get,
        "blank",
        Trouble::Empty,
        empty.map(fails),
    ));
    let wrong = [(Secret, "NotJson"), (Expand, "NotExpandable")];
    rows.push(row(
        Operation::Get,
        "wrong",
        Trouble::Wrong,
        wrong.map(fails),
    ));
    for (name, source, body, reason) in [
        (
            "no-certificate",
            Certificate,
            json!({"value": "bm8gY2VydGlmaWNhdGU=", "id": "https://x/secrets/c/0123456789abcdef0123456789abcdef",
                   "contentType": "application/x-pkcs12", "attributes": {"enabled": true}}),
            "CertificateUnreadable",
        ),
        (
            "no-public-half",
            PublicKey,
            json!({"key": {"kid": "https://x/keys/k/0123456789abcdef0123456789abcdef", "kty": "oct"},
                   "attributes": {"enabled": true}}),
            "KeyTypeUnsupported",
        ),
    ] {
        let trouble = Trouble::Answers(Fault::body(200, &body));
        rows.push(row(
            Operation::Get,
            name,
            trouble,
            [(source, Seen::Fails(reason))],
        ));
    }
    rows
}

/// The rows of what the authority does.
pub fn of_tokens() -> Vec<Row> {
    let sources = |reason| {
        let all = OF_VAULTS.into_iter().chain([Token]);
        all.map(move |source| (source, Seen::Fails(reason)))
    };
    let mut rows = vec![row(
        Operation::Token,
        "unreachable",
        Trouble::NoAuthority,
        sources("HostNotFound"),
    )];
    for (name, fault, [_, _, reason]) in answers() {
        // Each call waits for its own end; with more of them the vault would be left alone for long, and so would this test.
        let few = |(source, _): &(Source, Seen)| name != "hang" || [Secret, Token].contains(source);
        let trouble = Trouble::Answers(fault);
        let sources = sources(reason).filter(few);
        rows.push(row(Operation::Token, name, trouble, sources));
    }
    rows
}
