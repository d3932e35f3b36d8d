//! What a run shows of itself while it runs.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use clap::ValueEnum;
use highwater_pipeline::{Accounting, Began, Event, Idle, Progress, SourceProgress};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use tokio::time::Instant;

use crate::command::say;

/// What is shown of each epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgressKind {
    /// A live line on a terminal, a line now and then elsewhere
    Auto,
    /// A live line
    Bar,
    /// A JSON object on standard output for each epoch, and now and then while there is none
    Json,
    /// Nothing
    Off,
}

/// Shows the events of one run.
pub(crate) struct Display {
    name: String,
    kind: Kind,
    bar: ProgressBar,
    began: Instant,
    sum: Accounting,
    shown: Option<Instant>,
    last: Option<Box<Progress>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Off,
    Json,
    Bar,
    Lines,
}

const LINE: &str = "{spinner} {elapsed_precise} {msg}";
const BAR: &str = "{spinner} {elapsed_precise} [{bar:24}] {percent} %, {eta} left; {msg}";
const BETWEEN_LINES: Duration = Duration::from_secs(1);

/// A transaction that is open for so many milliseconds hangs.
const LONG: u64 = 10_000;

/// Less than so many milliseconds of throttling is not felt.
const LONG_PAUSE: u64 = 500;

impl Display {
    pub(crate) fn new(name: &str, kind: ProgressKind) -> Self {
        let kind = match kind {
            ProgressKind::Off => Kind::Off,
            ProgressKind::Json => Kind::Json,
            ProgressKind::Bar => Kind::Bar,
            ProgressKind::Auto if io::stderr().is_terminal() => Kind::Bar,
            ProgressKind::Auto => Kind::Lines,
        };
        Self {
            name: name.to_owned(),
            kind,
            bar: ProgressBar::hidden(),
            began: Instant::now(),
            sum: Accounting::default(),
            shown: None,
            last: None,
        }
    }

    /// The live line, which others must get out of their way before they write.
    pub(crate) fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// Writes what a run does, before it does it.
    pub(crate) fn introduce(&self, lines: &[String]) {
        if self.kind != Kind::Off {
            lines.iter().for_each(|line| self.say(line));
        }
    }

    /// Writes a line for people.
    pub(crate) fn say(&self, line: &str) {
        self.bar.suspend(|| say(&format!("{}: {line}", self.name)));
    }

    /// # Errors
    /// Nobody reads the standard output any more.
    pub(crate) fn show(&mut self, event: Event) -> io::Result<()> {
        match event {
            Event::Began(began) => self.begin(&began),
            Event::Progress(progress) => return self.epoch(progress),
            Event::Idle(idle) => return self.idle(&idle),
            Event::Retrying { error, pause_ms } => {
                self.say(&format!("{error}; trying again in {pause_ms} ms"));
            }
            _ => {}
        }
        Ok(())
    }

    /// The last line: what came of the run.
    pub(crate) fn end(&mut self) {
        self.bar.finish_and_clear();
        if self.kind == Kind::Off || self.kind == Kind::Json {
            return;
        }
        let took = self.began.elapsed().as_secs_f64();
        match &self.last {
            None => self.say("nothing new was committed"),
            Some(last) => self.say(&format!(
                "{} in {took:.1} s; the tables hold everything up to epoch {}",
                counts(&self.sum),
                last.batch_id
            )),
        }
    }

    fn begin(&mut self, began: &Began) {
        if self.kind != Kind::Off {
            self.say(&standing(began));
        }
        if self.kind == Kind::Bar {
            self.bar.set_style(style(LINE));
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.enable_steady_tick(Duration::from_millis(200));
            self.bar.set_message("waiting for records");
        }
    }

    /// A bar while there is a backlog, a line when there is none.
    fn draw(&self, progress: &Progress) {
        match behind(progress) {
            0 => self.bar.set_style(style(LINE)),
            behind => {
                self.bar.set_length(self.sum.records.saturating_add(behind));
                self.bar.set_style(style(BAR));
            }
        }
        self.bar.set_position(self.sum.records);
        self.bar.set_message(line(progress, &self.sum));
    }

    fn epoch(&mut self, progress: Box<Progress>) -> io::Result<()> {
        self.sum.records += progress.accounting.records;
        self.sum.rows += progress.accounting.rows;
        self.sum.rejected += progress.accounting.rejected;
        match self.kind {
            Kind::Off => {}
            Kind::Bar => self.draw(&progress),
            Kind::Lines => {
                if self.shown.is_none_or(|shown| shown.elapsed() >= BETWEEN_LINES) {
                    self.shown = Some(Instant::now());
                    self.say(&line(&progress, &self.sum));
                }
            }
            Kind::Json => print_json(&progress)?,
        }
        self.last = Some(progress);
        Ok(())
    }

    /// Nothing to read is no news for people, unless something keeps it back.
    fn idle(&self, idle: &Idle) -> io::Result<()> {
        let held = trouble(&idle.sources);
        match self.kind {
            Kind::Off => {}
            Kind::Bar => self.bar.set_message(format!("waiting for records{held}")),
            Kind::Lines if held.is_empty() => {}
            Kind::Lines => self.say(&format!("waiting for records{held}")),
            Kind::Json => print_json(idle)?,
        }
        Ok(())
    }
}

fn print_json(told: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(told)?;
    text.push(b'\n');
    io::stdout().lock().write_all(&text)
}

/// Where a run begins, and from where it knows.
fn standing(began: &Began) -> String {
    let known = &began.known_from;
    let Some(after) = began.after else {
        return "begins anew: neither the checkpoint nor the table holds an epoch".to_owned();
    };
    let sources = began.positions.values().flat_map(|positions| positions.iter());
    let places: Vec<_> =
        sources.map(|(partition, position)| format!("{partition} at {}", position.next)).collect();
    format!("resumes after epoch {after} ({}), known from {known}", places.join(", "))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// What is left in all sources.
fn behind(progress: &Progress) -> u64 {
    progress.sources.iter().fold(0_u64, |sum, it| sum.saturating_add(it.records_behind))
}

fn line(progress: &Progress, sum: &Accounting) -> String {
    let epoch = progress.batch_id;
    let records = HumanCount(progress.num_input_rows);
    let millis = progress.duration_ms.trigger_execution;
    let waiting = HumanCount(behind(progress));
    let sum = counts(sum);
    let held = trouble(&progress.sources);
    format!(
        "epoch {epoch}: {records} records in {millis} ms, {waiting} waiting{held}; {sum} so far"
    )
}

/// What others hold up, once it is no everyday matter.
fn trouble(sources: &[SourceProgress]) -> String {
    let mut text = String::new();
    let withheld = sources.iter().flat_map(|source| &source.backlog);
    let withheld = withheld.filter_map(|part| part.withheld).filter(|it| it.millis >= LONG);
    let (offsets, longest) = withheld.fold((0_u64, 0), |(offsets, longest), it| {
        (offsets.saturating_add(it.offsets), it.millis.max(longest))
    });
    if offsets > 0 {
        let (offsets, seconds) = (HumanCount(offsets), longest / 1000);
        text += &format!(", {offsets} withheld by transactions open for {seconds} s");
    }
    let throttled = sources.iter().fold(0_u64, |sum, it| sum.saturating_add(it.throttled_ms));
    if throttled >= LONG_PAUSE {
        text += &format!(", throttled for {throttled} ms");
    }
    text
}

fn counts(sum: &Accounting) -> String {
    format!("{} rows and {} rejected", HumanCount(sum.rows), HumanCount(sum.rejected))
}

#[cfg(test)]
mod tests;
