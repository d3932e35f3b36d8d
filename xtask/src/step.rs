//! Steps of a task: named, timed, and ended by the first that fails.

use std::io::Write;
use std::process::{Command, Output};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Does `work` and prints how long it took.
pub(crate) fn timed<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("--- {name}");
    let start = Instant::now();
    let result = work().with_context(|| format!("{name} failed"));
    let ending = if result.is_ok() { "ok" } else { "FAILED" };
    eprintln!("--- {name}: {ending} after {:.1} s", start.elapsed().as_secs_f64());
    result
}

/// Does `work` with all of `parts` at once, and gives the first error.
pub(crate) fn side_by_side<T: Sync>(
    parts: &[T],
    work: impl Fn(&T) -> Result<()> + Sync,
) -> Result<()> {
    thread::scope(|scope| {
        let work = &work;
        let runs: Vec<_> = parts.iter().map(|part| scope.spawn(move || work(part))).collect();
        let results = runs.into_iter().map(|run| match run.join() {
            Ok(result) => result,
            Err(_) => bail!("a part panicked"),
        });
        results.collect::<Vec<Result<()>>>().into_iter().collect()
    })
}

/// Runs `command` with our own standard streams; anything but success is an error.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs `command` and returns what it wrote to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = captured(command)?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}: {}", shown(command), output.status, errors.trim());
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("{} wrote something other than UTF-8", shown(command)))
}

/// Runs `command` to its end, whatever that is.
pub(crate) fn captured(command: &mut Command) -> Result<Output> {
    command.output().with_context(|| format!("cannot start {command:?}"))
}

/// Prints data, as opposed to what is for people.
pub(crate) fn print(text: &str) -> Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("standard output is closed")
}

/// The program with its arguments, without the environment that `{:?}` adds.
pub(crate) fn shown(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
