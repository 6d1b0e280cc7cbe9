//! The binary: parses arguments, runs, and turns the outcome into an exit code.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match lakevault::cli::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                // Where standard error is closed there is nobody left to tell.
                drop(writeln!(
                    std::io::stderr(),
                    "lakevault: {}",
                    failure.message
                ));
            }
            ExitCode::from(failure.code)
        }
    }
}
