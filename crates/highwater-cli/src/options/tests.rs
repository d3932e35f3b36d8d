//! Options and mistakes in them.

use super::*;
use clap::Parser;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    source: SourceOptions,
    #[command(flatten)]
    table: TableOptions,
    #[command(flatten)]
    run: RunOptions,
}

fn parse(arguments: &[&str]) -> Result<Arguments, String> {
    let needed = ["t", "--from=generator:", "--table=a.b", "--checkpoint=c"];
    Arguments::try_parse_from([&needed, arguments].concat()).map_err(|error| error.to_string())
}

#[test]
fn defaults_are_those_of_the_library() {
    let parsed = parse(&[]).unwrap();
    assert_eq!(parsed.run.trigger, Trigger::every(std::time::Duration::from_secs(5)));
    assert_eq!((parsed.run.threads, parsed.run.max_rejected_ratio), (None, 0.5));
    assert_eq!(parsed.source.read.start, Start::Earliest);
    assert_eq!(parsed.source.semantics, Semantics::Strict);
    assert_eq!(parse(&["--semantics=spark"]).unwrap().source.semantics, Semantics::Spark);
    assert_eq!(parsed.table.catalog.catalog.to_string(), "data/warehouse");
    assert_eq!(parsed.run.watermark, WatermarkPolicy::PerPartition);
    assert_eq!(parse(&["--watermark=global"]).unwrap().run.watermark, WatermarkPolicy::Global);
}

#[test]
fn mistakes_say_what_to_write() {
    let error = |argument: &str| parse(&[argument]).unwrap_err();
    assert!(error("--threads=0").contains("a pipeline needs a thread"));
    assert!(error("--threads=2000").contains("from 1 to 1024"));
    assert!(error("--threads=x").contains("write a number of threads"));
    assert!(error("--max-rejected-ratio=2").contains("a share from 0 to 1"));
    assert!(error("--on-rollback=maybe").contains("write refuse or accept"));
    assert!(error("--semantics=ansi").contains("write strict or spark"));
    assert!(error("--watermark=slowest").contains("write per-partition or global"));
    assert!(error("--max-records-per-epoch=0").contains("--max-records-per-epoch"));
    assert!(error("--partition-by=a,,b").contains("fields with commas between them"));
    assert!(error("--create=x").contains("write key=value"));
    assert!(error("--compact=1").contains("is not in 2.."));
    assert!(error("--metrics=9464").contains("such as 127.0.0.1:9464"));
    assert!(error("--triger=5s").contains("'--trigger'"));
    assert!(error("--trigger=5").contains("an interval such as 10s"));
    assert!(error("-Xa=@/no/such/file").contains("cannot read /no/such/file"));
}

#[test]
fn partition_fields_are_cut_outside_of_parentheses() {
    let parsed = parse(&["--partition-by=day(at), bucket(16,id),x"]).unwrap();
    let fields = ["day(at)", "bucket(16,id)", "x"].map(ToOwned::to_owned).to_vec();
    assert_eq!(parsed.table.partition_by, Some(Fields(fields)));
    assert_eq!(parse(&[]).unwrap().table.partition_by, None);
}

#[test]
fn properties_are_pairs_and_may_stand_in_files() {
    let parsed = parse(&["-X", "client.id=me", "-Xempty=@/dev/null", "--create", "a=b=c"]).unwrap();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let hidden = |key: &str, value: &str| (key.to_owned(), Secret::new(value.to_owned()));
    assert_eq!(parsed.source.read.properties, [hidden("client.id", "me"), hidden("empty", "")]);
    assert_eq!(parsed.table.create, [pair("a", "b=c")]);
    assert!(!format!("{:?}", parsed.source).contains("me\""));
}
