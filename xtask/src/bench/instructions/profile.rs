//! What callgrind writes of a run: how many instructions each function executed, and who called whom.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// Numbers that stand for the names of functions.
type Number = u64;

/// One run.
#[derive(Debug, Default)]
pub(super) struct Profile {
    names: BTreeMap<Number, String>,
    /// Instructions of a function, without those of what it called.
    own: BTreeMap<Number, u64>,
    /// Of caller and callee: how often, and with how many instructions until the callee returned.
    calls: BTreeMap<(Number, Number), (u64, u64)>,
}

impl Profile {
    /// Reads the file of a run.
    ///
    /// Source: <https://valgrind.org/docs/manual/cl-format.html>
    ///
    /// # Errors
    /// When a line is not of the format, or the functions together are not the total.
    pub(super) fn read(text: &str) -> Result<Self> {
        let mut reader = Reader::default();
        for (index, line) in text.lines().enumerate() {
            reader.line(line).with_context(|| format!("line {}: {line}", index + 1))?;
        }
        let sum: u64 = reader.profile.own.values().sum();
        match reader.total {
            Some(total) if total == sum => Ok(reader.profile),
            total => bail!("the functions add up to {sum}, the total is {total:?}"),
        }
    }

    /// Functions with the instructions of their own.
    pub(super) fn own(&self) -> impl Iterator<Item = (&str, u64)> {
        self.own.iter().map(|(number, own)| (self.name(*number), *own))
    }

    /// Callers and callees, and how often.
    pub(super) fn calls(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.calls.iter().map(|((from, to), (count, _))| (self.name(*from), self.name(*to), *count))
    }

    /// The instructions from calls of a function to its returns; nothing if it was never called.
    pub(super) fn within(&self, name: &str) -> Option<u64> {
        let of_it = self.calls.iter().filter(|((_, to), _)| self.name(*to) == name);
        of_it.map(|(_, (_, within))| *within).reduce(|sum, more| sum + more)
    }

    fn name(&self, number: Number) -> &str {
        self.names.get(&number).map_or("", String::as_str)
    }
}

/// A file while its lines are read.
#[derive(Default)]
struct Reader {
    profile: Profile,
    /// Whose costs follow.
    current: Number,
    /// Whom the current one called, and how often; the next cost is that of these calls.
    called: Option<u64>,
    callee: Number,
    total: Option<u64>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<()> {
        if let Some(function) = line.strip_prefix("fn=") {
            self.current = self.function(function)?;
        } else if let Some(function) = line.strip_prefix("cfn=") {
            self.callee = self.function(function)?;
        } else if let Some(count) = line.strip_prefix("calls=") {
            self.called = Some(first(count)?);
        } else if let Some(total) = line.strip_prefix("totals:") {
            self.total = Some(first(total)?);
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            self.cost(line)?;
        }
        // What is left says in which file and program things are.
        Ok(())
    }

    /// `<position> <instructions>`; these are left out where there are none.
    fn cost(&mut self, line: &str) -> Result<()> {
        let (_, cost) = line.split_once(' ').unwrap_or((line, "0"));
        let cost = first(cost)?;
        match self.called.take() {
            None => *self.profile.own.entry(self.current).or_default() += cost,
            Some(count) => {
                let edge = (self.current, self.callee);
                let (counted, within) = self.profile.calls.entry(edge).or_default();
                *counted += count;
                *within += cost;
            }
        }
        Ok(())
    }

    /// `(<number>) <name>`, and later only `(<number>)`.
    fn function(&mut self, value: &str) -> Result<Number> {
        let parts = value.strip_prefix('(').and_then(|value| value.split_once(')'));
        let (number, name) = parts.context("a function without a number")?;
        let number = number.parse()?;
        if let Some(name) = name.strip_prefix(' ') {
            self.profile.names.insert(number, name.to_owned());
        }
        Ok(number)
    }
}

/// The first of some numbers.
fn first(numbers: &str) -> Result<u64> {
    Ok(numbers.split_whitespace().next().context("a number is missing")?.parse()?)
}

#[cfg(test)]
mod tests;
