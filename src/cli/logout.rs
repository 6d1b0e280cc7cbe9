//! `lakevault logout`.

use super::Failure;
use super::kept::LoginFile;
use super::terminal;

/// Deletes what a sign-in left behind. Entra lets a refresh token not be given back: it ends by itself, or when the person
/// revokes all sessions.
pub(super) fn run() -> Result<(), Failure> {
    let file = LoginFile::of_user()?;
    let told = if file.delete()? {
        "Signed out."
    } else {
        "Nobody was signed in."
    };
    terminal::tell(told)
}
