//! `lakevault man`: the manual pages, made of the same descriptions as `--help`.

use std::path::{Path, PathBuf};

use clap_mangen::Man;

use super::{Failure, terminal};

/// Where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lakevault man | man -l -                              read it
  lakevault man ~/.local/share/man/man1                 then: man lakevault, man lakevault-plan")]
pub(super) struct ManArgs {
    /// A folder to write the pages of all commands into; it is made where it is not there. Default: print that of lakevault alone.
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Prints the page, or writes all of them.
pub(super) fn run(args: &ManArgs, command: clap::Command) -> Result<(), Failure> {
    let pages = pages(command).map_err(|error| Failure::failed(error.to_string()))?;
    let Some(folder) = &args.folder else {
        let first = pages.into_iter().next();
        return terminal::print(&first.map(|(_, text)| text).unwrap_or_default());
    };
    std::fs::create_dir_all(folder).map_err(|error| unwritten(folder, &error))?;
    for (name, text) in pages {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| unwritten(&path, &error))?;
    }
    Ok(())
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("failed to write {}: {error}", path.display()))
}

/// File names and pages, that of the program itself first.
fn pages(mut command: clap::Command) -> std::io::Result<Vec<(String, String)>> {
    // The names of commands within commands come of this.
    command.build();
    let mut pages = Vec::new();
    let mut left = vec![command];
    while let Some(command) = left.pop() {
        left.extend(command.get_subcommands().cloned());
        let page = Man::new(command).manual("Lakevault");
        let mut text = Vec::new();
        page.render(&mut text)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        pages.push((page.get_filename(), text));
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn of(name: &str) -> String {
        let pages = pages(Cli::command()).unwrap();
        let page = pages.into_iter().find(|(file, _)| file == name);
        page.unwrap_or_else(|| panic!("there is no page {name}")).1
    }

    /// Every flag and every command below this one is on its page.
    fn check(path: &str, command: &clap::Command) {
        let page = of(&format!("{path}.1")).replace('\\', "");
        for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(page.contains(&format!("--{flag}")), "{path}: --{flag}");
        }
        for below in command.get_subcommands() {
            let path = format!("{path}-{}", below.get_name());
            assert!(page.contains(&path), "{path} is not on the page above it");
            check(&path, below);
        }
    }

    #[test]
    fn every_command_has_a_page_with_all_its_flags() {
        check("lakevault", &Cli::command());
    }

    #[test]
    fn the_first_page_is_that_of_the_program() {
        assert_eq!(pages(Cli::command()).unwrap()[0].0, "lakevault.1");
    }
}
