//! Lines of `NAME=value`, as many programs read them from a file named `.env`. Pure.
//!
//! There is no standard. Where the readers agree (motdotla/dotenv, python-dotenv, Docker Compose's documentation of the syntax),
//! so does this one; where they do not, the value is kept as it stands, since a changed password is worse than a comment in one:
//!
//! - `export` before a name, white space around `=`, empty lines and lines that begin with `#` are passed over;
//! - a value without quotes ends at the line's end or at a `#` behind white space, without white space at its ends;
//! - in double quotes `\n`, `\r`, `\t`, `\\`, `\"` and `\$` mean what they do elsewhere, and other backslashes stay;
//! - in single quotes and backticks everything stands for itself;
//! - a quoted value may have several lines; behind it there may be a comment and nothing else;
//! - `$NAME` is not replaced: the operator's environment is no business of a vault's.
//!
//! The crates for it read the process's environment for `$NAME`, so this is our own.

use std::iter::Peekable;
use std::str::Chars;

use zeroize::Zeroizing;

/// Why the text is none: the line (from 1) and what is wrong there. It holds nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DotenvError {
    /// The line.
    pub line: usize,
    /// What is wrong.
    pub what: &'static str,
}

/// A name and its value.
pub type Pair = (String, Zeroizing<String>);

/// Reads all lines. Doubles are kept in their order.
pub fn parse(text: &str) -> Result<Vec<Pair>, DotenvError> {
    let mut reader = Reader {
        signs: text.chars().peekable(),
        line: 1,
        longest: text.len(),
    };
    let mut pairs = Vec::new();
    while reader.seek_line() {
        pairs.push(reader.pair()?);
    }
    Ok(pairs)
}

/// Whether the first line that says anything is `NAME=…`.
pub fn is_likely(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    let Some((name, _)) = first.and_then(|line| line.split_once('=')) else {
        return false;
    };
    let name = name.trim_end();
    let name = name.strip_prefix("export ").unwrap_or(name).trim();
    name.starts_with(|c: char| begins_name(c)) && name.chars().all(in_name)
}

fn begins_name(sign: char) -> bool {
    sign.is_ascii_alphabetic() || sign == '_'
}

fn in_name(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-' | '.')
}

fn blank(sign: char) -> bool {
    sign.is_whitespace() && sign != '\n'
}

struct Reader<'a> {
    signs: Peekable<Chars<'a>>,
    line: usize,
    /// No value is longer: room is taken at once, since a text that grows leaves copies behind.
    longest: usize,
}

impl Reader<'_> {
    fn fail<T>(&self, what: &'static str) -> Result<T, DotenvError> {
        let line = self.line;
        Err(DotenvError { line, what })
    }

    fn next(&mut self) -> Option<char> {
        let sign = self.signs.next();
        self.line += usize::from(sign == Some('\n'));
        sign
    }

    fn skip(&mut self, which: impl Fn(char) -> bool) {
        while self.signs.next_if(|sign| which(*sign)).is_some() {}
    }

    /// Passes over what says nothing. False at the end.
    fn seek_line(&mut self) -> bool {
        loop {
            self.skip(blank);
            match self.signs.peek() {
                None => return false,
                Some('\n') => drop(self.next()),
                Some('#') => self.skip(|sign| sign != '\n'),
                Some(_) => return true,
            }
        }
    }

    fn name(&mut self) -> Result<String, DotenvError> {
        let mut name = String::new();
        while let Some(sign) = self.signs.next_if(|sign| in_name(*sign)) {
            name.push(sign);
        }
        if name.starts_with(begins_name) {
            Ok(name)
        } else {
            self.fail("a line does not begin with a name (a letter or _, then letters, digits, '_', '-' and '.')")
        }
    }

    fn pair(&mut self) -> Result<Pair, DotenvError> {
        let mut name = self.name()?;
        let spaced = self.signs.peek().is_some_and(|sign| blank(*sign));
        self.skip(blank);
        if name == "export" && spaced && self.signs.peek().is_some_and(|sign| begins_name(*sign)) {
            name = self.name()?;
            self.skip(blank);
        }
        if self.signs.next_if_eq(&'=').is_none() {
            return self.fail("there is no = behind the name");
        }
        let spaced = self.signs.peek().is_some_and(|sign| blank(*sign));
        self.skip(blank);
        let value = match self.signs.peek() {
            Some(quote @ ('"' | '\'' | '`')) => {
                let quote = *quote;
                self.quoted(quote)?
            }
            _ => self.plain(spaced),
        };
        Ok((name, value))
    }

    fn plain(&mut self, spaced: bool) -> Zeroizing<String> {
        let (mut value, mut after_blank) = (self.room(), spaced);
        while let Some(sign) = self.signs.next_if(|sign| *sign != '\n') {
            if sign == '#' && after_blank {
                self.skip(|sign| sign != '\n');
                break;
            }
            after_blank = blank(sign);
            value.push(sign);
        }
        let end = value.trim_end().len();
        value.truncate(end);
        value
    }

    fn quoted(&mut self, quote: char) -> Result<Zeroizing<String>, DotenvError> {
        let begun = self.line;
        self.next();
        let mut value = self.room();
        loop {
            match self.next() {
                None => {
                    let what = "a quote that begins here does not end";
                    return Err(DotenvError { line: begun, what });
                }
                Some(sign) if sign == quote => break,
                Some('\\') if quote == '"' => {
                    let meant = match self.signs.peek() {
                        Some('n') => '\n',
                        Some('r') => '\r',
                        Some('t') => '\t',
                        Some(itself @ ('\\' | '"' | '$')) => *itself,
                        _ => {
                            value.push('\\');
                            continue;
                        }
                    };
                    self.next();
                    value.push(meant);
                }
                Some('\r') if self.signs.peek() == Some(&'\n') => {}
                Some(sign) => value.push(sign),
            }
        }
        self.skip(blank);
        match self.signs.peek() {
            None | Some('\n' | '#') => Ok(value),
            Some(_) => self.fail("there is something behind the closing quote"),
        }
    }

    fn room(&self) -> Zeroizing<String> {
        Zeroizing::new(String::with_capacity(self.longest.min(1 << 16)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, DotenvError> {
        let pairs = parse(text)?.into_iter();
        Ok(pairs
            .map(|(name, value)| (name, value.to_string()))
            .collect())
    }

    /// One line, one value.
    fn value(line: &str) -> String {
        let pairs = read(line).unwrap_or_else(|error| panic!("{line}: {error:?}"));
        assert_eq!(pairs.len(), 1, "{line}: {pairs:?}");
        pairs[0].1.clone()
    }

    #[test]
    fn values_are_what_the_other_readers_make_of_them() {
        for (line, expected) in [
            // motdotla/dotenv, "What rules does the parsing engine follow?"
            ("BASIC=basic", "basic"),
            ("EMPTY=", ""),
            ("SINGLE='quoted'", "quoted"),
            ("FOO='  some value  '", "  some value  "),
            ("FOO=  some value  ", "some value"),
            ("JSON={\"foo\": \"bar\"}", "{\"foo\": \"bar\"}"),
            ("MULTILINE=\"new\\nline\"", "new\nline"),
            ("SINGLE='new\\nline'", "new\\nline"),
            ("TICK=`it's \"so\"`", "it's \"so\""),
            (
                "SECRET=\"something-with-a-hash-#-here\"",
                "something-with-a-hash-#-here",
            ),
            // Docker Compose, "Env file syntax"
            ("VAR=VAL # comment", "VAL"),
            ("VAR=VAL# not a comment", "VAL# not a comment"),
            ("VAR=\"VAL\" # comment", "VAL"),
            ("VAR=\"VAL # not a comment\"", "VAL # not a comment"),
            ("VAR='$OTHER'", "$OTHER"),
            ("VAR=\"some\\tvalue\"", "some\tvalue"),
            ("VAR='some\\tvalue'", "some\\tvalue"),
            ("VAR=some\\tvalue", "some\\tvalue"),
            (
                "VAR=\"{\\\"hello\\\": \\\"json\\\"}\"",
                "{\"hello\": \"json\"}",
            ),
            // python-dotenv: spaces and export
            ("export S = 'x'", "x"),
            ("a.b-c=1", "1"),
            // Ours: kept as it stands
            ("P=a$b${c}d", "a$b${c}d"),
            ("P=\"a\\$b\\q\\\\\"", "a$b\\q\\"),
            ("P=#x", "#x"),
            ("P= # nothing", ""),
            ("P=x=y==", "x=y=="),
            ("P=it's", "it's"),
            ("export=1", "1"),
            ("P=x\r\n", "x"),
        ] {
            assert_eq!(value(line), expected, "{line}");
        }
    }

    #[test]
    fn lines_are_passed_over_and_values_may_have_several() {
        let text =
            "# c\n\nA=1\r\n  # c\nKEY=\"-----BEGIN\r\nx # y\n-----END\" # c\n\tB='2\n3'\nA=4";
        let pairs = read(text).unwrap();
        let expected = [
            ("A", "1"),
            ("KEY", "-----BEGIN\nx # y\n-----END"),
            ("B", "2\n3"),
            ("A", "4"),
        ];
        assert_eq!(
            pairs,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line() {
        for (text, line, what) in [
            ("A=1\nhunter2", 2, "no ="),
            ("A=1\n\n=x", 3, "name"),
            ("A=\"x\nB=2", 1, "does not end"),
            ("A='it's'", 1, "behind the closing quote"),
            ("1A=x", 1, "name"),
            ("A: x", 1, "no ="),
            ("export A", 1, "no ="),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.what.contains(what), "{text}: {error:?}");
        }
    }

    #[test]
    fn the_first_line_that_says_anything_decides() {
        for text in ["A=1", "# c\n\n export A = 1", "A.b-c="] {
            assert!(is_likely(text), "{text}");
        }
        for text in ["a: b=c", "", "# A=1", "- a=b", "{\"a\": \"=\"}", "x y=1"] {
            assert!(!is_likely(text), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[A-Ca-c=\"'`\\\\#$ \t\r\né{}]{0,60}") {
            drop(parse(&text));
            is_likely(&text);
        }

        #[test]
        fn what_is_quoted_comes_out_again(value in "[^']{0,60}") {
            let expected = value.replace("\r\n", "\n");
            let pairs = read(&format!("A='{value}'")).unwrap();
            proptest::prop_assert_eq!(&pairs[0].1, &expected);
        }
    }
}
