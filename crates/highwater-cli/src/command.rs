//! The process: its command line, its environment, and how it ends.

use std::error::Error as _;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{ArgAction, Command, Parser};

use crate::Failure;

/// The defaults of options that differ from binary to binary, by the long name of the option. One that
/// has a default of its own keeps it.
pub type Defaults = &'static [(&'static str, &'static str)];

const PREFIX: &str = "HIGHWATER_";

/// Reads the command line and the environment, runs the command and says how it ended: one paragraph
/// on standard error and the exit code, as [`Failure`] has them. Mistakes in the command line end the
/// process with exit code 2.
pub fn main<A: Parser>(defaults: Defaults, run: impl FnOnce(A) -> Result<(), Failure>) -> ExitCode {
    let name = A::command().get_name().to_owned();
    let environment = Environment::read(std::env::vars_os());
    let mut taken = Vec::new();
    let command = with_defaults(A::command(), defaults, &environment, &mut taken);
    let parsed = command.try_get_matches().and_then(|matches| A::from_arg_matches(&matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            if error.use_stderr() && !taken.is_empty() {
                say(&format!("{name}: defaults are taken from {}", taken.join(", ")));
            }
            error.exit()
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("{name}: {}", with_causes(&failure)));
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Writes a line to standard error. Nobody may be reading it.
pub fn say(line: &str) {
    let _unheard = writeln!(std::io::stderr().lock(), "{line}");
}

fn with_causes(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    if let Some(next_step) = failure.next_step() {
        text.push_str(". Next: ");
        text.push_str(next_step);
        text.push('.');
    }
    text
}

/// The variables that are meant for us.
struct Environment(Vec<(String, OsString)>);

impl Environment {
    fn read(variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let ours = |(name, value): (OsString, OsString)| {
            let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
            Some((name, value))
        };
        let mut found: Vec<_> = variables.filter_map(ours).collect();
        found.sort();
        Self(found)
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(variable, _)| variable == name);
        found.and_then(|(_, value)| value.to_str())
    }
}

/// Gives the options of a command and of those below it their defaults. Notes the variables taken.
fn with_defaults(
    mut command: Command,
    defaults: Defaults,
    environment: &Environment,
    taken: &mut Vec<String>,
) -> Command {
    let options: Vec<_> = command
        .get_arguments()
        .filter(|option| matches!(option.get_action(), ArgAction::Set | ArgAction::SetTrue))
        .filter_map(|option| {
            let own = !option.get_default_values().is_empty();
            Some((option.get_id().clone(), option.get_long()?.to_owned(), own))
        })
        .collect();
    for (id, long, own) in options {
        let variable = format!("{PREFIX}{}", long.to_uppercase().replace('-', "_"));
        let default = defaults.iter().find(|(name, _)| *name == long && !own);
        let default = default.map(|(_, value)| *value);
        let value = match environment.get(&variable) {
            Some(value) => {
                if !taken.contains(&variable) {
                    taken.push(variable);
                }
                // Kept for the life of the process, which reads its command line once.
                Some(&*value.to_owned().leak())
            }
            None => default,
        };
        if let Some(value) = value {
            command = command.mut_arg(id, |option| option.default_value(value).required(false));
        }
    }
    let names: Vec<_> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    for name in names {
        command =
            command.mut_subcommand(name, |it| with_defaults(it, defaults, environment, taken));
    }
    command
}

#[cfg(test)]
mod tests;
