//! What is checked of a step or sink when it is declared, beside what it checks itself.

use highwater_core::{
    Error, ErrorKind, KeyGroups, Name, Port, Resolved, Result, Routing, StreamInfo,
};

/// Checks that rows can be routed by the columns of a key.
pub(super) fn check(routing: &Routing, input: &StreamInfo) -> Result<()> {
    match routing {
        Routing::ByKey(columns) => Ok(KeyGroups::try_new(&input.schema, columns).map(|_| ())?),
        Routing::Local | Routing::Single => Ok(()),
    }
}

/// Checks that the rows of each input can be routed.
pub(super) fn check_ports(step: Resolved, inputs: &[StreamInfo]) -> Result<Resolved> {
    for (port, input) in inputs.iter().enumerate() {
        let routing = step.routing_of(Port(port));
        check(routing, input)?;
        // State has to find its rows again on any number of workers.
        if step.state().is_some() && *routing == Routing::Local {
            let what = "it keeps state, and its rows stay on whatever worker they come to";
            return Err(Error::new(ErrorKind::Invalid, "pipeline", what)
                .advise("route its rows by key, or to a single worker"));
        }
    }
    Ok(step)
}

/// Checks that the rows of versioned sources come where they are known to come again with each version
/// and each start, and nothing else does. For each input there is its versioned source, if it has one.
pub(super) fn check_tables(step: Resolved, inputs: &[Option<&Name>]) -> Result<Resolved> {
    let streams = inputs.iter().filter(|table| table.is_none()).count();
    for (port, table) in inputs.iter().enumerate() {
        match (table, step.is_table(Port(port))) {
            (None, false) => {}
            (Some(_), true) if streams > 0 => {}
            (Some(name), false) if inputs.len() == 1 => match (step.state(), step.watermark()) {
                (None, None) => {}
                _ => return Err(astray(name, "a step that keeps state or declares event time")),
            },
            (Some(name), false) => return Err(astray(name, "an input that takes records")),
            (Some(_), true) => {
                let what = "nothing but tables come to it, and records are what moves a pipeline";
                return Err(Error::new(ErrorKind::Invalid, "pipeline", what)
                    .advise("connect a stream of records with the table"));
            }
            (None, true) => {
                let what = format!("its input {port} takes a table, and gets records");
                return Err(Error::new(ErrorKind::Invalid, "pipeline", what)
                    .advise("connect a source that reads a table at a version"));
            }
        }
    }
    Ok(step)
}

/// Rows of a table where they would be taken for records, which come once.
pub(super) fn astray(table: &Name, to: &str) -> Error {
    let what = format!(
        "the rows of table {table} come anew with each of its versions and each start, and go to {to}"
    );
    Error::new(ErrorKind::Invalid, "pipeline", what).advise("join a stream of records with it")
}
