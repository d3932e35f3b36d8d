//! Figures from turns: for people a table, for programs JSON.

use std::time::Duration;

use serde_json::{Value, json};

use super::figures::{hundredths, middle, thousands};
use super::turn::{Engine, Turn};

/// The figures of all turns of an engine.
struct Figures {
    engine: Engine,
    /// Rows per second on a processor, lowest first.
    rates: Vec<u64>,
    /// The same of the second half of each turn, for who becomes faster by then.
    warm: Vec<u64>,
    /// Rows per second of wall time, lowest first.
    walls: Vec<u64>,
    /// The highest of all turns, in bytes.
    peak: u64,
    /// Of the largest output.
    bytes: u64,
}

/// What came of all turns over `rows` rows.
pub(crate) struct Report<'a> {
    rows: u64,
    turns: &'a [Turn],
    figures: Vec<Figures>,
}

impl<'a> Report<'a> {
    pub(crate) fn of(turns: &'a [Turn], rows: u64) -> Self {
        let mut engines: Vec<Engine> = turns.iter().map(|turn| turn.engine).collect();
        engines.sort_unstable();
        engines.dedup();
        let figures = engines.into_iter().map(|engine| figures(engine, turns, rows)).collect();
        Self { rows, turns, figures }
    }

    /// The lowest rate of highwater by the highest of each peer, in hundredths.
    fn worst_pairs(&self) -> Vec<(String, u64)> {
        let own = self.figures_of(Engine::Highwater);
        let lowest = own.and_then(|own| own.rates.first()).copied().unwrap_or(0);
        let peers = self.figures.iter().filter(|figures| figures.engine.is_peer());
        let highest = peers.flat_map(|peer| {
            let name = peer.engine.name();
            [(name.to_owned(), peer.rates.last()), (format!("{name}, warm"), peer.warm.last())]
        });
        highest
            .filter_map(|(name, highest)| Some((name, lowest * 100 / highest?.max(&1))))
            .collect()
    }

    /// The lowest rate by wall time with twice the threads by the highest without, in hundredths.
    fn doubled(&self) -> Option<u64> {
        let lowest = self.figures_of(Engine::Doubled)?.walls.first()?;
        let highest = self.figures_of(Engine::Highwater)?.walls.last()?;
        Some(lowest * 100 / highest.max(&1))
    }

    fn figures_of(&self, engine: Engine) -> Option<&Figures> {
        self.figures.iter().find(|figures| figures.engine == engine)
    }

    /// A table in Markdown, and the ratios below it.
    pub(crate) fn table(&self) -> String {
        let mut text = String::from(
            "| engine | turns | rows per CPU-second | spread | rows/s, wall | peak RSS | bytes per row |\n\
             |---|---|---|---|---|---|---|\n",
        );
        for of in &self.figures {
            let row = [
                of.engine.name().to_owned(),
                of.rates.len().to_string(),
                thousands(middle(&of.rates)),
                format!("{} %", spread(&of.rates)),
                thousands(middle(&of.walls)),
                format!("{} MiB", of.peak >> 20),
                hundredths(of.bytes * 100 / self.rows.max(1)),
            ];
            text.push_str(&format!("| {} |\n", row.join(" | ")));
            if !of.warm.is_empty() {
                let (name, rate) = (of.engine.name(), thousands(middle(&of.warm)));
                let spread = spread(&of.warm);
                text.push_str(&format!("| {name}, warm | | {rate} | {spread} % | | | |\n"));
            }
        }
        for (name, ratio) in self.worst_pairs() {
            let ratio = hundredths(ratio);
            text.push_str(&format!("\nslowest turn of highwater by fastest of {name}: {ratio}\n"));
        }
        if let Some(ratio) = self.doubled() {
            let ratio = hundredths(ratio);
            text.push_str(&format!(
                "\nslowest doubled turn by fastest single one, wall: {ratio}\n"
            ));
        }
        text
    }

    /// Everything, with each turn by itself; `setting` says where and with what.
    pub(crate) fn json(&self, setting: &Value) -> Value {
        let turns: Vec<Value> = self.turns.iter().map(|turn| shown(turn, self.rows)).collect();
        let ratios = self.worst_pairs();
        let ratios: Vec<Value> = ratios
            .iter()
            .map(|(peer, ratio)| json!({"peer": peer, "worstPairPercent": ratio}))
            .collect();
        json!({
            "rows": self.rows,
            "setting": setting,
            "turns": turns,
            "ratios": ratios,
            "doubledWorstPairPercent": self.doubled(),
        })
    }
}

fn figures(engine: Engine, turns: &[Turn], rows: u64) -> Figures {
    let own: Vec<&Turn> = turns.iter().filter(|turn| turn.engine == engine).collect();
    let sorted = |of: &dyn Fn(&Turn) -> Duration| {
        let mut rates: Vec<u64> = own.iter().map(|turn| per_second(rows, of(turn))).collect();
        rates.sort_unstable();
        rates
    };
    Figures {
        engine,
        rates: sorted(&|turn| turn.usage.cpu),
        warm: warm(&own),
        walls: sorted(&|turn| turn.usage.wall),
        peak: own.iter().map(|turn| turn.usage.peak).max().unwrap_or(0),
        bytes: own.iter().map(|turn| turn.output.bytes).max().unwrap_or(0),
    }
}

fn warm(turns: &[&Turn]) -> Vec<u64> {
    let warm = turns.iter().filter_map(|turn| turn.warm);
    let mut rates: Vec<u64> = warm.map(|(rows, cpu)| per_second(rows, cpu)).collect();
    rates.sort_unstable();
    rates
}

fn shown(turn: &Turn, rows: u64) -> Value {
    json!({
        "warmRowsPerCpuSecond": turn.warm.map(|(rows, cpu)| per_second(rows, cpu)),
        "engine": turn.engine.name(),
        "rowsPerCpuSecond": per_second(rows, turn.usage.cpu),
        "rowsPerSecond": per_second(rows, turn.usage.wall),
        "cpuSeconds": turn.usage.cpu.as_secs_f64(),
        "wallSeconds": turn.usage.wall.as_secs_f64(),
        "peakBytes": turn.usage.peak,
        "bytes": turn.output.bytes,
        "commits": turn.commits,
        "loadBefore": turn.load,
    })
}

fn per_second(rows: u64, time: Duration) -> u64 {
    let micros = time.as_micros().max(1);
    u64::try_from(u128::from(rows) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

/// How much the highest is above the lowest, in percent of it.
fn spread(sorted: &[u64]) -> u64 {
    match (sorted.first(), sorted.last()) {
        (Some(least), Some(most)) => (most - least) * 100 / (*least).max(1),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
