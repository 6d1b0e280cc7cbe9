//! Compares what two clients sent, and knows which differences are meant.

use std::collections::BTreeSet;

use crate::request::Fields;

/// A difference that is meant. A side is the value, `""` where the field is not there, or `"*"` for any value.
pub(crate) struct Accepted {
    /// In which cases: those whose name starts so.
    pub(crate) cases: &'static str,
    /// Of which field.
    pub(crate) field: &'static str,
    /// The official client's value.
    pub(crate) theirs: &'static str,
    /// Ours.
    pub(crate) ours: &'static str,
    /// Why it is so.
    pub(crate) why: &'static str,
}

/// What both sent in one case, oldest first.
pub(crate) struct Pair {
    pub(crate) case: String,
    pub(crate) theirs: Vec<Fields>,
    pub(crate) ours: Vec<Fields>,
}

/// Fails on a difference that no line of the table accepts, and on a line without a difference.
pub(crate) fn check(pairs: &[Pair], accepted: &[Accepted]) {
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for Pair { case, theirs, ours } in pairs {
        assert!(!theirs.is_empty(), "{case}: nothing was sent");
        if theirs.len() != ours.len() {
            wrong.push(format!(
                "{case}: {} requests, ours are {}: {ours:#?}",
                theirs.len(),
                ours.len()
            ));
            continue;
        }
        for (theirs, ours) in theirs.iter().zip(ours) {
            for (field, left, right) in differences(theirs, ours) {
                let fits = |line: &&Accepted| {
                    case.starts_with(line.cases)
                        && line.field == field
                        && is(line.theirs, left)
                        && is(line.ours, right)
                };
                match accepted.iter().find(fits) {
                    Some(line) => drop(used.insert(std::ptr::from_ref(line))),
                    None => {
                        wrong.push(format!("{case}: {field} is {left:?}, ours is {right:?}"));
                    }
                }
            }
        }
    }
    for line in accepted {
        if !used.contains(&std::ptr::from_ref(line)) {
            wrong.push(format!(
                "no request differs in {} any more: {}",
                line.field, line.why
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn differences<'a>(
    theirs: &'a Fields,
    ours: &'a Fields,
) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    names.into_iter().filter_map(move |name| {
        let value = |fields: &'a Fields| fields.get(name).map_or("", String::as_str);
        let (left, right) = (value(theirs), value(ours));
        (left != right).then_some((name.as_str(), left, right))
    })
}

fn is(expected: &str, value: &str) -> bool {
    match expected {
        "*" => !value.is_empty(),
        _ => expected == value,
    }
}
