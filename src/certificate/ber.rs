//! BER made into DER, as far as PKCS#12 needs it: Bouncy Castle, and so EJBCA, write lengths that are found by an end mark, and
//! octet strings in pieces (X.690, 8.1.3.6 and 8.7; github.com/bcgit/bc-java#1276). The `der` crate reads that in part only.

use zeroize::Zeroizing;

/// Tag of a SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;
const INDEFINITE: u8 = 0x80;
/// Deeper than any real file; the stack bears it easily.
const MAX_DEPTH: usize = 32;

/// The one value that `input` consists of, with definite lengths and whole octet strings. `None` where it is damaged, or
/// where something follows it.
pub(super) fn to_der(input: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut output = Zeroizing::new(Vec::with_capacity(input.len()));
    let rest = value(input, &mut output, 0)?;
    rest.is_empty().then_some(output)
}

/// Appends the first value of `input`, returns what follows it.
fn value<'a>(input: &'a [u8], output: &mut Vec<u8>, depth: usize) -> Option<&'a [u8]> {
    let (tag, rest) = tag(input)?;
    let first = *tag.first()?;
    let (length, rest) = length(rest)?;
    if depth > MAX_DEPTH || (length.is_none() && first & CONSTRUCTED == 0) {
        return None;
    }
    if first & CONSTRUCTED == 0 {
        let (body, rest) = rest.split_at_checked(length?)?;
        append(tag, body, output);
        return Some(rest);
    }
    let mut parts = Zeroizing::new(Vec::new());
    let rest = children(rest, length, &mut parts, depth)?;
    if first == OCTET_STRING | CONSTRUCTED {
        let whole = pieces(&parts)?;
        append(&[OCTET_STRING], &whole, output);
    } else {
        append(tag, &parts, output);
    }
    Some(rest)
}

/// Appends the values inside a constructed one.
fn children<'a>(
    input: &'a [u8],
    length: Option<usize>,
    output: &mut Vec<u8>,
    depth: usize,
) -> Option<&'a [u8]> {
    if let Some(length) = length {
        let (mut body, rest) = input.split_at_checked(length)?;
        while !body.is_empty() {
            body = value(body, output, depth + 1)?;
        }
        return Some(rest);
    }
    let mut rest = input;
    loop {
        if let Some(rest) = rest.strip_prefix(&[0, 0]) {
            return Some(rest);
        }
        rest = value(rest, output, depth + 1)?;
    }
}

/// The contents of octet strings that stand one after the other, in DER, put together.
pub(super) fn pieces(mut der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut whole = Zeroizing::new(Vec::with_capacity(der.len()));
    while let Some((tag, rest)) = der.split_first() {
        let (length, rest) = length(rest)?;
        let (body, rest) = rest.split_at_checked(length?)?;
        if *tag != OCTET_STRING {
            return None;
        }
        whole.extend_from_slice(body);
        der = rest;
    }
    Some(whole)
}

/// The tag: one byte, or several where its number is above 30.
fn tag(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let long = input.first()? & 0x1f == 0x1f;
    let len = if long {
        2 + input.iter().skip(1).position(|byte| byte & 0x80 == 0)?
    } else {
        1
    };
    input.split_at_checked(len)
}

/// The length, `None` inside where an end mark tells it.
fn length(input: &[u8]) -> Option<(Option<usize>, &[u8])> {
    let (&first, rest) = input.split_first()?;
    if first == INDEFINITE {
        return Some((None, rest));
    }
    if first < INDEFINITE {
        return Some((Some(usize::from(first)), rest));
    }
    let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    let mut length = 0usize;
    for byte in bytes {
        length = length.checked_mul(256)?.checked_add(usize::from(*byte))?;
    }
    Some((Some(length), rest))
}

fn append(tag: &[u8], body: &[u8], output: &mut Vec<u8>) {
    output.extend_from_slice(tag);
    let length = body.len().to_be_bytes();
    match u8::try_from(body.len()) {
        Ok(short) if short < INDEFINITE => output.push(short),
        _ => {
            let zeros = length.iter().take_while(|byte| **byte == 0).count();
            let long = length.iter().skip(zeros);
            output.push(INDEFINITE | u8::try_from(long.len()).unwrap_or(0));
            output.extend(long);
        }
    }
    output.extend_from_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(input: &[u8]) -> Option<Vec<u8>> {
        to_der(input).map(|der| der.to_vec())
    }

    #[test]
    fn der_stays_as_it_is() {
        let long = [&[0x04, 0x81, 0xc8][..], &[7; 200]].concat();
        for der in [&[0x30, 3, 2, 1, 5][..], &[0x30, 0], &long] {
            assert_eq!(converted(der).as_deref(), Some(der));
        }
    }

    #[test]
    fn end_marks_and_pieces_are_resolved() {
        let ber = [
            0x30, 0x80, 0x24, 0x80, 4, 1, 1, 0x24, 3, 4, 1, 2, 0, 0, 2, 0x81, 1, 9, 0, 0,
        ];
        assert_eq!(converted(&ber).unwrap(), [0x30, 7, 4, 2, 1, 2, 2, 1, 9]);
    }

    #[test]
    fn damage_is_noticed() {
        let deep = [0x30, 0x80].repeat(1000);
        let cases: [&[u8]; 9] = [
            &[],
            &[0x30],
            &[0x30, 5, 1],
            &[0x30, 0x80, 2, 1, 1],
            &[0x30, 0, 0],
            &[0x04, 0x80, 0, 0],
            &[0x24, 3, 2, 1, 1],
            &[0x30, 0xff],
            &deep,
        ];
        for case in cases {
            assert_eq!(converted(case), None, "{case:?}");
        }
    }
}
