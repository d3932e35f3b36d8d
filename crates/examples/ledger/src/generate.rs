//! `ledger generate`: the transactions of a generator, written anywhere.

mod files;
mod pace;
mod target;
mod topic;

use std::io::{self, BufWriter, Write};

use clap::Args;
use highwater_cli::{Failure, SourceUri, parse_property};
use highwater_core::Secret;
use highwater_datagen::{Generator, Transactions};

use files::Files;
use pace::Pace;
use target::Target;

#[derive(Args, Debug)]
pub(crate) struct GenerateArguments {
    /// generator:rows=N,seed=N,rate=N,bad=SHARE,duplicates=SHARE
    #[arg(long, value_name = "GENERATOR")]
    from: SourceUri,
    /// - (standard output), a directory, or kafka://host:port/topic
    #[arg(long, value_name = "TARGET", default_value = "-")]
    to: Target,
    /// Partitions of the topic, if it has to be made
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// A property of the Kafka client by its Java name; a value @FILE is read from that file
    #[arg(short = 'X', value_name = "KEY=VALUE", value_parser = parse_property)]
    properties: Vec<(String, Secret<String>)>,
    /// How many records a file of a directory has
    #[arg(long, value_name = "N", default_value = "100000", value_parser = clap::value_parser!(u64).range(1..))]
    per_file: u64,
}

/// Writes the transactions.
pub(crate) fn generate(arguments: &GenerateArguments) -> Result<(), Failure> {
    let SourceUri::Generator(uri) = &arguments.from else {
        let problem = "must be a generator, such as generator:rows=1000,seed=1";
        return Err(Failure::Option { option: "--from", problem });
    };
    let offsets = 0..uri.rows.unwrap_or(u64::MAX);
    let (generator, pace) = (uri.generator(Transactions), Pace::new(uri.rate));
    if !arguments.properties.is_empty() && !matches!(arguments.to, Target::Kafka(_)) {
        return Err(Failure::Option { option: "-X", problem: "is for Kafka; leave it out" });
    }
    match &arguments.to {
        Target::Output => {
            let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
            let written = write_lines(&generator, offsets, &pace, &mut out);
            match written {
                // Whoever reads has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                written => written.map_err(|source| to("standard output", source)),
            }
        }
        Target::Directory(path) => {
            let mut files = Files::new(path, arguments.per_file);
            let written = write_lines(&generator, offsets, &pace, &mut files);
            written.map_err(|source| to(&files.place(), source))
        }
        Target::Kafka(uri) => {
            let writer = topic::Writing { uri, arguments };
            writer.fill(&generator, offsets, &pace)
        }
    }
}

fn to(place: &str, source: io::Error) -> Failure {
    Failure::Io { action: format!("write to {place}"), source }
}

/// Writes a record a line. Each call of `write` gets whole lines.
fn write_lines(
    generator: &Generator<Transactions>,
    offsets: std::ops::Range<u64>,
    pace: &Pace,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut line = Vec::new();
    for offset in offsets {
        if pace.is_ahead(offset) {
            out.flush()?;
            std::thread::sleep(pace.until(offset));
        }
        line.clear();
        generator.write(offset, &mut line);
        line.push(b'\n');
        out.write_all(&line)?;
    }
    out.flush()
}
