//! Where the values of options come from.

use super::*;
use clap::{CommandFactory as _, FromArgMatches as _};

#[derive(Parser)]
#[command(name = "t")]
struct Arguments {
    #[arg(long)]
    table_name: String,
    #[arg(long, default_value = "5s")]
    trigger: String,
    #[arg(long)]
    columns: bool,
    #[arg(short = 'X')]
    properties: Vec<String>,
    #[command(subcommand)]
    below: Option<Below>,
}

#[derive(clap::Subcommand)]
enum Below {
    Verify {
        #[arg(long)]
        table_name: String,
    },
    Generate {
        #[arg(long, default_value = "own")]
        table_name: String,
    },
}

const DEFAULTS: Defaults = &[("table-name", "demo.t")];

fn parse(arguments: &[&str], variables: &[(&str, &str)]) -> Arguments {
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    let environment = Environment::read(variables);
    let mut taken = Vec::new();
    let command = with_defaults(Arguments::command(), DEFAULTS, &environment, &mut taken);
    let matches = command.try_get_matches_from([&["t"], arguments].concat()).unwrap();
    Arguments::from_arg_matches(&matches).unwrap()
}

#[test]
fn flags_beat_the_environment_which_beats_defaults() {
    let variables = [("HIGHWATER_TABLE_NAME", "demo.env"), ("HIGHWATER_COLUMNS", "true")];
    let parsed = parse(&[], &[]);
    assert_eq!((parsed.table_name.as_str(), parsed.columns), ("demo.t", false));
    let parsed = parse(&[], &variables);
    assert_eq!((parsed.table_name.as_str(), parsed.columns), ("demo.env", true));
    let parsed = parse(&["--table-name", "demo.flag"], &variables);
    assert_eq!((parsed.table_name.as_str(), parsed.trigger.as_str()), ("demo.flag", "5s"));
    assert!(parsed.properties.is_empty());
}

#[test]
fn commands_below_get_the_same_defaults() {
    let parsed = parse(&["verify"], &[("HIGHWATER_TRIGGER", "1s")]);
    let Some(Below::Verify { table_name }) = parsed.below else { panic!("verify") };
    assert_eq!((table_name.as_str(), parsed.trigger.as_str()), ("demo.t", "1s"));
}

#[test]
fn a_default_of_its_own_is_kept() {
    let table = |variables: &[(&str, &str)]| {
        let parsed = parse(&["generate"], variables);
        let Some(Below::Generate { table_name }) = parsed.below else { panic!("generate") };
        table_name
    };
    assert_eq!(table(&[]), "own");
    assert_eq!(table(&[("HIGHWATER_TABLE_NAME", "demo.env")]), "demo.env");
}
