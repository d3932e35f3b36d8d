//! Suite `rollback`: another program sets the table back, with and without rows of its own on top.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::lab::Lab;
use super::life::{DONE, Ended, REFUSED};

const ROWS: u64 = 100_000;
const TABLE: &str = "transactions_ledger";

pub(super) fn run(lab: &Lab) -> Result<()> {
    attempt(lab, "plain", &[])?;
    attempt(lab, "foreign-append", &["--append"])
}

fn attempt(lab: &Lab, name: &str, options: &[&str]) -> Result<()> {
    let home = lab.home(name)?;
    let source = format!("generator:rows={ROWS},seed=17,rate=20000");
    let arguments = ["--from", &source, "--trigger", "100ms"];
    let mut life = home.start("first", &mut home.ledger(&arguments))?;
    home.await_version(TABLE, 5, &mut life)?;
    let ended = life.terminate()?;
    if ended != Ended::Exited(DONE) {
        bail!("after SIGTERM the first life {ended:?}: {}", life.tail());
    }

    let warehouse = home.warehouse()?;
    let mut set_back = vec!["set-back", warehouse.as_str()];
    set_back.extend_from_slice(options);
    let told: Value = serde_json::from_str(&lab.python("rollback.py", &set_back)?)
        .context("rollback.py wrote no JSON")?;
    let taken_out = count(&told, "taken_out")?;
    let foreign = count(&told, "foreign")?;

    let rest = ["--from", &source, "--trigger", "available-now"];
    home.expect("refused", &rest, REFUSED)?;
    let accepting = [&rest[..], &["--on-rollback", "accept"]].concat();
    home.expect("accepting", &accepting, DONE)?;
    home.expect("afterwards", &rest, DONE)?;

    let expected =
        (ROWS + foreign).checked_sub(taken_out).context("more taken out than there was")?;
    let counted = lab.python("rollback.py", &["count", &warehouse])?;
    if counted.trim() != expected.to_string() {
        bail!(
            "{expected} rows should stand: {ROWS}, less {taken_out} taken out by the rollback, and \
             {foreign} foreign ones; there are {counted}"
        );
    }
    lab.say(format!("{name}: {taken_out} rows taken out stay out, {expected} stand"));
    Ok(())
}

fn count(told: &Value, key: &str) -> Result<u64> {
    told.get(key).and_then(Value::as_u64).with_context(|| format!("rollback.py told no {key}"))
}
