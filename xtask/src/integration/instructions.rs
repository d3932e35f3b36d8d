//! Suite `instructions`: no row and no epoch costs more than 10 % more instructions than is recorded, rows
//! take no allocations to speak of, and exactly once has its small share of an epoch.

use anyhow::Result;

use super::lab::Lab;
use crate::bench::instructions;

pub(super) fn run(lab: &Lab) -> Result<()> {
    let figures = instructions::count(lab.equipment(), &lab.folder())?;
    lab.say(figures.table());
    lab.say(instructions::compare(&figures)?);
    Ok(())
}
