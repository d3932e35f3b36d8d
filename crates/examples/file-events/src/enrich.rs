//! The query that joins events with the users whose they are.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use highwater_cli::Failure;
use highwater_codec::{Format as _, Json};
use highwater_delta::DeltaTable;
use highwater_join::StaticJoin;
use highwater_pipeline::{Pipeline, Stream};

use crate::arguments::StreamOptions;
use crate::columns;
use crate::query::Query;

/// Where users are, unless another table is named.
pub(crate) const USERS: &str = "data/users";

/// The events of a query that joins them, each with its user; of another one as they are.
pub(crate) fn joined(
    pipeline: &Pipeline,
    events: Stream,
    options: &StreamOptions,
) -> Result<Stream, Failure> {
    if options.query != Query::Enrich {
        let problem = "goes with the query enrich; others join nothing";
        return match options.users {
            None => Ok(events),
            Some(_) => Err(Failure::Option { option: "--users", problem }),
        };
    }
    let users = DeltaTable::at(options.users())?.source(columns_of_users()?);
    let users = pipeline.source("users", users);
    Ok(events.connect(&users).apply("enriched", StaticJoin::inner(["user_id"])))
}

/// The columns that are read of a table of users. Somebody else may have written it, with nulls.
fn columns_of_users() -> Result<SchemaRef, Failure> {
    let written = Json::try_new(columns::users())?.schema();
    let nullable = written.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Ok(Arc::new(Schema::new(nullable.collect::<Vec<_>>())))
}
