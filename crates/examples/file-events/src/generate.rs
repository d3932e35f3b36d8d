//! `file-events generate`: files of made-up events that appear one after another, and their users.

mod files;
mod users;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use highwater_cli::{DurationError, Failure, SourceUri, parse_duration, say};
use highwater_datagen::{Events, Users};

use files::Files;

#[derive(Args, Debug)]
pub(crate) struct GenerateArguments {
    /// generator:rows=N,seed=N,bad=SHARE,duplicates=SHARE; without rows it never ends
    #[arg(long, value_name = "GENERATOR", default_value = "generator:seed=1")]
    from: SourceUri,
    /// The directory in which batch_0.json, batch_1.json and so on appear
    #[arg(long, value_name = "DIR", default_value = "data/input")]
    to: PathBuf,
    /// How many events a file has
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u64).range(1..))]
    per_file: u64,
    /// How long after one file the next one appears; 0s writes all at once
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_delay)]
    delay: Duration,
    /// Writes the users whose events these are to this Delta table first
    #[arg(long, value_name = "TABLE")]
    users: Option<String>,
    /// How many users there are
    #[arg(long, value_name = "N", default_value_t = Users::COUNT, value_parser = clap::value_parser!(u64).range(1..))]
    user_count: u64,
    /// How many events there are in a second of their own time, 1 to 1000000
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    events_per_second: u64,
}

fn parse_delay(text: &str) -> Result<Duration, DurationError> {
    match text {
        "0s" => Ok(Duration::ZERO),
        text => parse_duration(text),
    }
}

/// Writes users and events.
pub(crate) fn generate(arguments: &GenerateArguments) -> Result<(), Failure> {
    let wrong = |option, problem| Err(Failure::Option { option, problem });
    let SourceUri::Generator(uri) = &arguments.from else {
        return wrong("--from", "must be a generator, such as generator:rows=1000,seed=1");
    };
    if uri.rate.is_some() {
        return wrong("--from", "takes no rate here: --delay says how fast files appear");
    }
    if uri.rows.is_none() && arguments.delay.is_zero() {
        return wrong("--delay", "0s needs an end: add rows=N to the generator");
    }
    if let Some(table) = &arguments.users {
        users::write(table, arguments.user_count, uri.seed)?;
        say(&format!("file-events: wrote users to {table}"));
    }
    let files = Files { directory: &arguments.to };
    files.make()?;
    let events =
        Events::default().users(arguments.user_count).per_second(arguments.events_per_second);
    let generator = uri.generator(events);
    let rows = uri.rows.unwrap_or(u64::MAX);
    let (mut number, mut written) = (0, 0);
    while written < rows {
        if number > 0 {
            std::thread::sleep(arguments.delay);
        }
        let until = written.saturating_add(arguments.per_file).min(rows);
        let path = files.write(number, &generator, written..until)?;
        let events = until - written;
        say(&format!("file-events: {} with {events} events", path.display()));
        (number, written) = (number + 1, until);
    }
    Ok(())
}
