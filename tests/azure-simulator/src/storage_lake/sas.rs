//! Shared access signatures: what a link says, and what was signed of it
//! (<https://learn.microsoft.com/rest/api/storageservices/delegate-access-with-shared-access-signature>).

use jiff::Timestamp;

use super::tree::caller::Rights;
use crate::wire::call::Call;

/// Versions from which on more is signed.
const WITH_SNAPSHOT: &str = "2018-11-09";
const WITH_AGENTS: &str = "2020-02-10";
const WITH_ENCRYPTION_SCOPE: &str = "2020-12-06";
const WITH_DELEGATED_USER: &str = "2025-07-05";
const WITH_REQUEST: &str = "2026-04-06";

/// What a signature is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The whole account.
    Account,
    /// A container or path, signed with an account's key.
    Service,
    /// The same, signed with a user's delegation key.
    Delegated,
}

/// The signature in a request's query.
#[derive(Clone, Copy)]
pub(super) struct Sas<'a> {
    call: &'a Call,
}

impl<'a> Sas<'a> {
    /// None where there is no signature.
    pub(super) fn of(call: &'a Call) -> Option<Self> {
        call.query("sig").map(|_| Self { call })
    }

    pub(super) fn get(self, name: &str) -> &'a str {
        self.call.query(name).unwrap_or_default()
    }

    pub(super) fn scope(self) -> Scope {
        if !self.get("ss").is_empty() {
            Scope::Account
        } else if self.get("skoid").is_empty() {
            Scope::Service
        } else {
            Scope::Delegated
        }
    }

    /// Whether it is in force: a start is free.
    pub(super) fn in_force(self, now: i64) -> bool {
        let start = self.get("st");
        let begun = start.is_empty() || seconds(start).is_some_and(|start| start <= now);
        begun && seconds(self.get("se")).is_some_and(|end| now < end)
    }

    /// What its letters allow.
    pub(super) fn rights(self) -> Rights {
        self.get("sp").chars().fold(Rights::NONE, |rights, letter| {
            rights
                | match letter {
                    'r' => Rights::READ | Rights::EXECUTE,
                    'a' => Rights::ADD,
                    'c' => Rights::CREATE,
                    'w' => Rights::WRITE | Rights::CREATE | Rights::ADD,
                    'd' => Rights::DELETE,
                    'l' => Rights::LIST,
                    'm' => Rights::MOVE,
                    'e' => Rights::EXECUTE,
                    'o' => Rights::OWNERSHIP,
                    'p' => Rights::PERMISSIONS,
                    _ => Rights::NONE,
                }
        })
    }

    /// The container or path that it is about, as it was signed, when it is of one: `path` is the request's, decoded.
    fn resource(self, account: &str, path: &str) -> Option<String> {
        let path = path.trim_matches('/');
        let mut parts = path.split('/');
        let container = parts.next().filter(|name| !name.is_empty())?;
        let named = match self.get("sr") {
            "c" => container.to_owned(),
            "d" => {
                let depth: usize = self.get("sdd").parse().ok()?;
                let within: Vec<&str> = parts.take(depth).collect();
                if within.len() < depth {
                    return None;
                }
                [&[container], within.as_slice()].concat().join("/")
            }
            _ => path.to_owned(),
        };
        Some(format!("/blob/{account}/{}", named.trim_end_matches('/')))
    }

    /// What was signed.
    pub(super) fn text(self, account: &str, path: &str) -> Option<String> {
        let version = self.get("sv");
        let get = |names: &[&str]| names.iter().map(|name| self.get(name)).collect::<Vec<_>>();
        if self.scope() == Scope::Account {
            let mut fields = vec![account];
            fields.extend(get(&["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"]));
            if version >= WITH_ENCRYPTION_SCOPE {
                fields.push(self.get("ses"));
            }
            return Some(format!("{}\n", fields.join("\n")));
        }
        let resource = self.resource(account, path)?;
        let mut fields = get(&["sp", "st", "se"]);
        fields.push(&resource);
        if self.scope() == Scope::Delegated {
            fields.extend(get(&["skoid", "sktid", "skt", "ske", "sks", "skv"]));
            if version >= WITH_AGENTS {
                fields.extend(get(&["saoid", "suoid", "scid"]));
            }
            if version >= WITH_DELEGATED_USER {
                fields.extend(get(&["skdutid", "sduoid"]));
            }
        } else {
            fields.push(self.get("si"));
        }
        fields.extend(get(&["sip", "spr", "sv"]));
        if version >= WITH_SNAPSHOT {
            fields.extend(get(&["sr", "snapshot"]));
        }
        if version >= WITH_ENCRYPTION_SCOPE {
            fields.push(self.get("ses"));
        }
        let (headers, queries) = (self.named_headers(), self.named_queries());
        if self.scope() == Scope::Delegated && version >= WITH_REQUEST {
            fields.extend([headers.as_str(), queries.as_str()]);
        }
        fields.extend(get(&["rscc", "rscd", "rsce", "rscl", "rsct"]));
        Some(fields.join("\n"))
    }

    /// The headers that the request must have, each with a line break behind it.
    fn named_headers(self) -> String {
        names(self.get("srh"))
            .flat_map(|name| [name, ":", self.call.header(name).unwrap_or_default(), "\n"])
            .collect()
    }

    /// The query parameters that it must have, each with a line break before it.
    fn named_queries(self) -> String {
        names(self.get("srq"))
            .flat_map(|name| ["\n", name, ":", self.get(name)])
            .collect()
    }
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').filter(|name| !name.is_empty())
}

/// A time as signatures have it: a day, or a time with or without seconds.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        17 => text.replace('Z', ":00Z"),
        _ => text.to_owned(),
    };
    whole.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_in_three_forms() {
        assert_eq!(seconds("1970-01-02"), Some(86_400));
        assert_eq!(seconds("1970-01-02T00:01Z"), Some(86_460));
        assert_eq!(seconds("1970-01-02T00:01:01Z"), Some(86_461));
        assert_eq!(seconds(""), None);
    }
}
