//! YAML read into a [`Node`]: one document of the core schema (YAML 1.2.2 §10.3). Pure.
//!
//! Read from the parser's events and not through serde, since only they tell a number as it was written. An alias costs as many
//! nodes as it repeats, so a "billion laughs" ends at the bound. Tags other than those of the core schema are refused: they
//! would mean something that a Secret cannot hold.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enum says itself that it will grow"
)]

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use super::node::{Bounds, Node, NodeError, is_json_number};

/// Reads one document.
pub fn parse(text: &str) -> Result<Node, NodeError> {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        anchors: BTreeMap::new(),
        bounds: Bounds::new(),
    };
    let root = loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(..) => {}
            Event::StreamEnd => return Ok(Node::Null),
            first => break reader.node(first, 0)?,
        }
    };
    loop {
        match reader.next()? {
            Event::StreamEnd => return Ok(root),
            Event::DocumentStart(..) => {
                return Err(NodeError::Unsupported("more than one document"));
            }
            _ => {}
        }
    }
}

struct Reader<'a> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    /// Nodes with an anchor, for those that repeat them.
    anchors: BTreeMap<usize, Node>,
    bounds: Bounds,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, NodeError> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, _))) => return Ok(event),
                Some(Err(error)) => return Err(syntax(&error)),
                None => return Ok(Event::StreamEnd),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Node, NodeError> {
        self.bounds.take(depth)?;
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, scalar(&text, style, tag.as_deref())?)
            }
            Event::SequenceStart(_, anchor, tag) => {
                core(tag.as_deref(), "seq")?;
                (anchor, self.list(depth)?)
            }
            Event::MappingStart(_, anchor, tag) => {
                core(tag.as_deref(), "map")?;
                (anchor, self.map(depth)?)
            }
            Event::Alias(id) => {
                // An anchor that is not complete yet is one that holds its own alias.
                let node = self.anchors.get(&id).cloned();
                let node = node.ok_or(NodeError::Unsupported("an alias of what it is in"))?;
                count(&node, depth, &mut self.bounds)?;
                return Ok(node);
            }
            _ => return Err(NodeError::Unsupported("an event that is no value")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Node, NodeError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Node::List(items)),
                event => items.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Node, NodeError> {
        let (mut members, mut merged) = (Vec::new(), Vec::new());
        loop {
            let name = match self.next()? {
                Event::MappingEnd => break,
                Event::Scalar(text, style, ..) => (text.into_owned(), style),
                _ => {
                    return Err(NodeError::Unsupported("a key that is no single word"));
                }
            };
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            if name.0 == "<<" && name.1 == ScalarStyle::Plain {
                merge(&value, &mut merged)?;
            } else {
                members.push((name.0, value));
            }
        }
        for (name, value) in merged {
            if !members.iter().any(|(known, _)| *known == name) {
                members.push((name, value));
            }
        }
        Ok(Node::Map(members))
    }
}

/// What `<<` brings in (YAML 1.1's merge key): a mapping, or several of which the first counts.
fn merge(value: &Node, merged: &mut Vec<(String, Node)>) -> Result<(), NodeError> {
    match value {
        Node::Map(members) => {
            merged.extend(members.iter().cloned());
            Ok(())
        }
        Node::List(items) => items.iter().try_for_each(|item| match item {
            Node::Map(members) => {
                merged.extend(members.iter().cloned());
                Ok(())
            }
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => {
                Err(NodeError::Unsupported("a merge key (<<) of no mapping"))
            }
        }),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => {
            Err(NodeError::Unsupported("a merge key (<<) of no mapping"))
        }
    }
}

fn count(node: &Node, depth: usize, bounds: &mut Bounds) -> Result<(), NodeError> {
    bounds.take(depth)?;
    match node {
        Node::List(items) => items
            .iter()
            .try_for_each(|item| count(item, depth + 1, bounds)),
        Node::Map(members) => members
            .iter()
            .try_for_each(|(_, value)| count(value, depth + 1, bounds)),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => Ok(()),
    }
}

/// Whether there is no tag but that one of the core schema.
fn core(tag: Option<&Tag>, suffix: &str) -> Result<(), NodeError> {
    match tag {
        None => Ok(()),
        Some(tag) if tag.is_yaml_core_schema_tag(suffix) => Ok(()),
        Some(_) => Err(NodeError::Unsupported("a tag (such as !name)")),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Node, NodeError> {
    let text = || Node::Text(text.to_owned());
    match tag {
        Some(tag) if tag.is_yaml_core_schema_tag("str") => return Ok(text()),
        Some(tag)
            if ["null", "bool", "int", "float"]
                .iter()
                .any(|name| tag.is_yaml_core_schema_tag(name)) => {}
        Some(_) => return Err(NodeError::Unsupported("a tag (such as !name)")),
        None if style != ScalarStyle::Plain => return Ok(text()),
        None => {}
    }
    Ok(plain(text()))
}

/// A plain scalar resolved. What the core schema calls a number and JSON does not (`0x1F`, `.5`, `012`) stays a text.
fn plain(text: Node) -> Node {
    let Node::Text(written) = &text else {
        return text;
    };
    match written.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Node::Null,
        "true" | "True" | "TRUE" => Node::Bool(true),
        "false" | "False" | "FALSE" => Node::Bool(false),
        number if is_json_number(number) => Node::Number(number.to_owned()),
        _ => text,
    }
}

fn syntax(error: &ScanError) -> NodeError {
    NodeError::Syntax(error.marker().line(), error.marker().col() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(yaml: &str) -> Result<String, NodeError> {
        parse(yaml).map(|node| node.to_json())
    }

    #[test]
    fn scalars_are_those_of_the_core_schema_and_numbers_as_written() {
        let yaml = "a: 1.10\nb: 1e3\nc: 0x1F\nd: 012\ne: yes\nf: True\ng: ~\nh:\ni: '1'\nj: \"x\\ty\"\nk: 2024-01-01\nl: !!str 5\nm: .5\n";
        let expected = r#"{"a":1.10,"b":1e3,"c":"0x1F","d":"012","e":"yes","f":true,"g":null,"h":null,"i":"1","j":"x\ty","k":"2024-01-01","l":"5","m":".5"}"#;
        assert_eq!(json(yaml).unwrap(), expected);
    }

    #[test]
    fn blocks_lists_aliases_and_merges_are_followed() {
        let yaml = "# c\nbase: &b {x: 1, y: 2} # c\nuse:\n  <<: *b\n  y: 3\nlist:\n- *b\n- |\n  two\n  lines\n- >-\n  folded\n  text\n";
        let expected = r#"{"base":{"x":1,"y":2},"use":{"y":3,"x":1},"list":[{"x":1,"y":2},"two\nlines\n","folded text"]}"#;
        assert_eq!(json(yaml).unwrap(), expected);
    }

    #[test]
    fn an_alias_bomb_ends_at_the_bound() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            bomb.extend([
                "a",
                &level.to_string(),
                ": &a",
                &level.to_string(),
                " [",
                &below,
                "]\n",
            ]);
        }
        assert_eq!(json(&bomb), Err(NodeError::TooMany));
        let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
        assert!(json(&deep).is_err());
        assert!(json(&"- ".repeat(5000)).is_err());
        assert!(json("a: &a [*a]").is_err());
    }

    #[test]
    fn what_a_secret_cannot_hold_is_refused() {
        for yaml in [
            "a: !binary x",
            "? [a]\n: b",
            "a: 1\n---\nb: 2",
            "!thing {a: 1}",
            "<<: 3",
        ] {
            assert!(
                matches!(json(yaml), Err(NodeError::Unsupported(_))),
                "{yaml}: {:?}",
                json(yaml)
            );
        }
    }

    #[test]
    fn what_is_malformed_is_told_by_its_place() {
        assert!(matches!(
            json("a: 1\nb: [hunter2"),
            Err(NodeError::Syntax(line, _)) if line >= 2
        ));
        assert_eq!(json("").unwrap(), "null");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]
        #[test]
        fn no_text_makes_it_panic(text in "[-a-c0-2:{}\\[\\],&*#|>'\"\\\\!~ \n\t<?%@é]{0,80}") {
            drop(parse(&text));
            drop(Node::from_json(&text));
        }
    }
}
