//! The words of an action of Go's templates. Pure.

/// A word or a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, a field or a number.
    Word(String),
    /// A text, without its quotes.
    Text(String),
    /// `|`
    Pipe,
    /// `(`
    Open,
    /// `)`
    Close,
}

/// All of them; none where a text has no end, or a sign is not known.
pub(super) fn tokens(action: &str) -> Option<Vec<Token>> {
    let (mut all, mut chars) = (Vec::new(), action.chars().peekable());
    while let Some(one) = chars.next() {
        let token = match one {
            one if one.is_whitespace() => continue,
            '|' => Token::Pipe,
            '(' => Token::Open,
            ')' => Token::Close,
            '"' => Token::Text(text(&mut chars)?),
            '`' => {
                let mut text = String::new();
                loop {
                    match chars.next()? {
                        '`' => break Token::Text(text),
                        other => text.push(other),
                    }
                }
            }
            one if is_part(one) => {
                let mut word = String::from(one);
                while let Some(more) = chars.next_if(|one| is_part(*one)) {
                    word.push(more);
                }
                Token::Word(word)
            }
            _ => return None,
        };
        all.push(token);
    }
    Some(all)
}

fn is_part(one: char) -> bool {
    one.is_ascii_alphanumeric() || one == '_' || one == '.'
}

/// What stands before the next double quote. Of escapes the usual ones are known.
fn text(chars: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                same @ ('"' | '\\') => same,
                _ => return None,
            }),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_words_and_signs_are_told_apart() {
        let word = |text: &str| Token::Word(text.to_owned());
        let read = tokens("printf \"a\\\"|%s\" (.x) | b64enc");
        let text = Token::Text("a\"|%s".to_owned());
        let all = vec![
            word("printf"),
            text,
            Token::Open,
            word(".x"),
            Token::Close,
            Token::Pipe,
            word("b64enc"),
        ];
        assert_eq!(read, Some(all));
        for bad in ["\"a", "$x", "/* x */", "\"\\q\"", "`a"] {
            assert_eq!(tokens(bad), None, "{bad}");
        }
    }
}
