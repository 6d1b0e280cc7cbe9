//! Paths of GJSON, as the External Secrets Operator has them, as paths of a sync. Pure.

/// Signs that make more of a path of GJSON than names and places.
const MORE: [char; 11] = ['#', '|', '@', '*', '?', '!', '{', '}', '[', ']', '~'];

/// The same path, or why there is none.
pub(super) fn converted(path: &str) -> Result<String, String> {
    if path.contains(MORE) {
        return Err(
            "it is more of GJSON than names and numbers: write it as a JSON path (RFC 9535)"
                .to_owned(),
        );
    }
    let names = names(path);
    match names.as_slice() {
        // What is no path is taken as a name.
        [one] => Ok(one.clone()),
        all if all.iter().all(|name| is_plain(name)) => Ok(all.join(".")),
        all => Ok(all
            .iter()
            .fold("$".to_owned(), |path, name| path + &step(name))),
    }
}

/// The names between dots. A dot behind a backslash belongs to its name.
fn names(path: &str) -> Vec<String> {
    let (mut all, mut name, mut chars) = (Vec::new(), String::new(), path.chars());
    while let Some(one) = chars.next() {
        match one {
            '\\' => name.extend(chars.next()),
            '.' => all.push(std::mem::take(&mut name)),
            other => name.push(other),
        }
    }
    all.push(name);
    all
}

fn is_plain(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn step(name: &str) -> String {
    if !name.is_empty() && name.chars().all(|c| c.is_ascii_digit()) {
        return format!("[{name}]");
    }
    let quoted = name.replace('\\', "\\\\").replace('\'', "\\'");
    format!("['{quoted}']")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_places_are_the_same_path() {
        for (gjson, path) in [
            ("user", "user"),
            ("login.user", "login.user"),
            ("hosts.0.name", "$['hosts'][0]['name']"),
            ("db-password", "db-password"),
            (r"spring\.url", "spring.url"),
            ("a.b-c", "$['a']['b-c']"),
            (r"a\.b.c'd", r"$['a.b']['c\'d']"),
        ] {
            assert_eq!(converted(gjson).as_deref(), Ok(path), "{gjson}");
        }
        assert!(converted("hosts.#.name").is_err());
    }
}
