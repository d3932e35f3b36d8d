//! How records are encoded, as `--encoding` and the options beside it have it.

use std::fs;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use highwater_codec::{Avro, Columns, Format, Json, Semantics};
use highwater_core::Secret;
use highwater_registry::{Registry, RegistryOptions};
use highwater_storage::Storage;

use crate::{Failure, parse_property};

/// The folder of the checkpoint in which schemas are kept.
const SCHEMAS: &str = "schemas";

/// How records are encoded.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Source")]
pub struct EncodingOptions {
    /// How records are encoded
    #[arg(long, value_name = "KIND", default_value = "json")]
    pub encoding: Encoding,
    /// The schema registry of Avro records: http://host:8081, or several with commas between them
    #[arg(long, value_name = "URL")]
    pub registry: Option<String>,
    /// An option of the registry's client by the name that Confluent gives it:
    /// basic.auth.user.info=USER:PASSWORD, bearer.auth.token=TOKEN or ssl.ca.location=FILE; a value @FILE
    /// is read from that file
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_property)]
    pub registry_option: Vec<(String, Secret<String>)>,
}

/// The encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    /// JSON objects
    Json,
    /// Avro, each record with the number of its schema in a registry
    Avro,
}

impl EncodingOptions {
    /// The format of records with these columns, by these rules. Schemas are kept below `checkpoint`, if there is one.
    /// Contacts nothing.
    ///
    /// # Errors
    /// Options that do not go together, or columns that no format has.
    pub fn format(
        &self,
        columns: Columns,
        semantics: Semantics,
        checkpoint: Option<&str>,
    ) -> Result<Arc<dyn Format>, Failure> {
        let Some(urls) = &self.registry else {
            return match self.encoding {
                Encoding::Json if self.registry_option.is_empty() => {
                    Ok(Arc::new(Json::try_new(columns)?.semantics(semantics)))
                }
                Encoding::Json => {
                    Err(wrong("--registry-option", "goes with --encoding avro and --registry"))
                }
                Encoding::Avro => {
                    Err(wrong("--encoding", "avro needs --registry, where the schemas are"))
                }
            };
        };
        if self.encoding == Encoding::Json {
            return Err(wrong("--registry", "goes with --encoding avro"));
        }
        if semantics != Semantics::Strict {
            return Err(wrong("--semantics", "spark is for JSON; Avro has rules of its own"));
        }
        let mut options = self.registry_option.iter().try_fold(RegistryOptions::new(urls), set)?;
        if let Some(checkpoint) = checkpoint {
            options = options.keep_in(Storage::open(checkpoint)?.at(SCHEMAS));
        }
        let registry = Arc::new(Registry::try_new(options)?);
        Ok(Arc::new(Avro::columns(&columns, registry)?))
    }
}

fn set(
    options: RegistryOptions,
    (key, value): &(String, Secret<String>),
) -> Result<RegistryOptions, Failure> {
    const OPTION: &str = "--registry-option";
    match key.as_str() {
        "basic.auth.user.info" => {
            let Some((user, password)) = value.expose().split_once(':') else {
                return Err(wrong(OPTION, "basic.auth.user.info is USER:PASSWORD"));
            };
            Ok(options.basic(user, Secret::new(password.to_owned())))
        }
        "bearer.auth.token" => Ok(options.bearer(value.clone())),
        "ssl.ca.location" => {
            let path = value.expose();
            let action = || format!("read the certificates in {path}");
            let pem = fs::read_to_string(path)
                .map_err(|source| Failure::Io { action: action(), source })?;
            Ok(options.authorities(pem))
        }
        _ => Err(wrong(
            OPTION,
            "is basic.auth.user.info, bearer.auth.token or ssl.ca.location, and a value",
        )),
    }
}

fn wrong(option: &'static str, problem: &'static str) -> Failure {
    Failure::Option { option, problem }
}

#[cfg(test)]
mod tests;
