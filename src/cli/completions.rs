//! `lakevault completions`: scripts by which shells, and kubectl for its plugin, complete what is typed.

use clap::ValueEnum;
use clap_complete::Shell;

use super::{Failure, terminal};

/// What the scripts complete.
const PROGRAM: &str = "lakevault";

/// Whose script.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  source <(lakevault completions bash)                                      this shell; in ~/.bashrc every one
  lakevault completions zsh > \"${fpath[1]}/_lakevault\"
  lakevault completions fish > ~/.config/fish/completions/lakevault.fish
  lakevault completions kubectl > ~/.local/bin/kubectl_complete-lakevault   for `kubectl lakevault`, in any shell
  chmod +x ~/.local/bin/kubectl_complete-lakevault")]
pub(super) struct CompletionsArgs {
    /// The shell; or kubectl, which asks a program of the name kubectl_complete-lakevault in the PATH.
    #[arg(value_enum)]
    shell: For,
}

/// Who completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum For {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Elvish,
    Kubectl,
}

/// Asks the function for bash what fits, and answers as kubectl wants it: a line for each, then a number that says how to take them
/// (4: there are no file names besides). kubectl passes the words after `kubectl lakevault`, of which the last is being typed.
const ANSWER: &str = r#"
COMP_WORDS=(lakevault "$@")
COMP_CWORD=$#
_lakevault lakevault "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
[ "${#COMPREPLY[@]}" -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
echo :4
"#;

/// Prints the script.
pub(super) fn run(args: &CompletionsArgs, command: clap::Command) -> Result<(), Failure> {
    terminal::print(&script(args.shell, command))
}

fn script(shell: For, mut command: clap::Command) -> String {
    let generator = match shell {
        For::Bash | For::Kubectl => Shell::Bash,
        For::Zsh => Shell::Zsh,
        For::Fish => Shell::Fish,
        For::PowerShell => Shell::PowerShell,
        For::Elvish => Shell::Elvish,
    };
    let mut written = Vec::new();
    clap_complete::generate(generator, &mut command, PROGRAM, &mut written);
    let text = String::from_utf8_lossy(&written).into_owned();
    if shell == For::Kubectl {
        format!("#!/usr/bin/env bash\n{text}{ANSWER}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_script_knows_every_command() {
        for shell in For::value_variants() {
            let script = script(*shell, Cli::command());
            for command in Cli::command().get_subcommands() {
                let name = command.get_name();
                assert!(script.contains(name), "{shell:?} does not know {name}");
            }
        }
    }
}
