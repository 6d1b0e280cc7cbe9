//! What a person sees and types.

use std::io::{self, IsTerminal, Read, Write};

use super::Failure;
use crate::secret::SecretValue;

/// A password is shorter; whatever is longer was piped by mistake.
const LONGEST_PASSWORD: u64 = 4096;

/// Prints a result: what a script reads.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::failed(format!("failed to write: {error}")))
}

/// Tells the person something, past the result.
pub(super) fn tell(line: &str) -> Result<(), Failure> {
    writeln!(io::stderr(), "{line}")
        .map_err(|error| Failure::failed(format!("failed to write: {error}")))
}

/// What is going on, shown to a person who waits for it and gone when it is over. A program sees nothing of it.
pub(super) struct Progress(bool);

impl Progress {
    /// Nothing is going on yet.
    pub(super) fn new() -> Self {
        Self(io::stderr().is_terminal())
    }

    /// What is going on now, in place of what went on before.
    pub(super) fn now(&self, what: &str) {
        if self.0 {
            let plain = super::form::printable(what);
            show(&format!("\r\u{1b}[2K{plain} …"));
        }
    }
}

/// Nobody waits for this alone, so that it cannot be shown is no failure.
fn show(text: &str) {
    let mut err = io::stderr().lock();
    drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.0 {
            show("\r\u{1b}[2K");
        }
    }
}

/// A password: typed without echo where a person is there, else the first line of the input.
pub(super) fn password(prompt: &str) -> Result<SecretValue, Failure> {
    let unread = |error: io::Error| Failure::usage(format!("failed to read the password: {error}"));
    let password = if io::stdin().is_terminal() {
        SecretValue::from(rpassword::prompt_password(prompt).map_err(unread)?)
    } else {
        let mut piped = zeroize::Zeroizing::new(Vec::new());
        let mut input = io::stdin().lock().take(LONGEST_PASSWORD);
        input.read_to_end(&mut piped).map_err(unread)?;
        SecretValue::new(first_line(&piped).to_vec())
    };
    if password.is_empty() {
        return Err(Failure::usage(
            "no password was given: type it, or pipe it into the command",
        ));
    }
    Ok(password)
}

fn first_line(bytes: &[u8]) -> &[u8] {
    let line = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piped_password_ends_with_its_line() {
        for (piped, password) in [
            ("hunter2\n", "hunter2"),
            ("hunter2\r\nnext\n", "hunter2"),
            (" hunter2 ", " hunter2 "),
            ("\nhunter2", ""),
        ] {
            assert_eq!(first_line(piped.as_bytes()), password.as_bytes());
        }
    }
}
