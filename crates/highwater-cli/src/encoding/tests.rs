//! Options of encodings and mistakes in them.

use super::*;
use clap::Parser;
use highwater_codec::Type;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    encoding: EncodingOptions,
}

/// What the format says of itself, or what is wrong.
fn format(arguments: &[&str]) -> Result<String, String> {
    let parsed = Arguments::try_parse_from([&["t"], arguments].concat());
    let options = parsed.map_err(|error| error.to_string())?.encoding;
    assert!(!format!("{options:?}").contains("sesame"));
    let columns = Columns::new().required("id", Type::Long);
    let format =
        options.format(columns, Semantics::Strict, None).map_err(|failure| failure.to_string());
    format.map(|format| format.describe())
}

#[test]
fn json_is_the_default_and_avro_has_a_registry() {
    assert!(format(&[]).unwrap().starts_with("json strict 1 "));
    let avro = ["--encoding", "avro", "--registry", "http://a:1,http://b:2"];
    assert!(format(&avro).unwrap().starts_with("avro columns 1 "));
    for option in ["basic.auth.user.info=ali:sesame", "bearer.auth.token=sesame"] {
        format(&[&avro[..], &["--registry-option", option]].concat()).unwrap();
    }
}

#[test]
fn rules_of_spark_are_for_json() {
    let format = |arguments: &[&str]| {
        let options = Arguments::try_parse_from([&["t"], arguments].concat()).unwrap().encoding;
        let columns = Columns::new().required("id", Type::Long);
        options.format(columns, Semantics::Spark, None).map_err(|failure| failure.to_string())
    };
    assert!(format(&[]).unwrap().describe().starts_with("json spark 1 "));
    let told = format(&["--encoding", "avro", "--registry", "http://a:1"]).unwrap_err();
    assert_eq!(told, "--semantics spark is for JSON; Avro has rules of its own");
}

#[test]
fn options_that_do_not_go_together_are_named() {
    let url = ["--registry", "http://a:1"];
    let avro = ["--encoding", "avro", "--registry", "http://a:1"];
    let told = |arguments: &[&str]| format(arguments).unwrap_err();
    assert_eq!(told(&url), "--registry goes with --encoding avro");
    assert_eq!(told(&avro[..2]), "--encoding avro needs --registry, where the schemas are");
    let option = ["--registry-option", "bearer.auth.token=sesame"];
    assert_eq!(told(&option), "--registry-option goes with --encoding avro and --registry");
    for (value, words) in [
        ("basic.auth.user.info=sesame", "is USER:PASSWORD"),
        ("auto.register.schemas=sesame", "is basic.auth.user.info, "),
        ("ssl.ca.location=/nowhere/ca.pem", "cannot read the certificates in /nowhere/ca.pem"),
    ] {
        let told = told(&[&avro[..], &["--registry-option", value]].concat());
        assert!(told.contains(words) && !told.contains("sesame"), "{told}");
    }
}
