//! The figures of a live table beside their gates: for people a table, for programs JSON.

use std::time::Duration;

use serde_json::{Value, json};

use super::Pace;
use super::freshness::Freshness;
use super::restart::Restart;
use super::stream::TRIGGER_MILLIS;
use crate::bench::figures::{hundredths, middle, thousands};
use crate::bench::told::number;
use crate::bench::usage::Usage;

/// What came of one run.
pub(super) struct Report {
    pub(super) pace: Pace,
    /// How many tasks wanted a processor in the minute before.
    pub(super) load: String,
    pub(super) freshness: Freshness,
    pub(super) restarts: Vec<Restart>,
}

impl Report {
    /// A table in Markdown, and below it where the time of an epoch went.
    pub(super) fn table(&self) -> String {
        let Usage { cpu, wall, peak } = self.freshness.usage;
        let found = |key: &str| number(&self.freshness.found, key).unwrap_or(0);
        let restarts = self.sorted();
        let shown = |millis: u64| format!("{} ms", thousands(millis));
        let asked = thousands(self.pace.rate);
        let rows = [
            ("freshness, average", shown(found("averageMs")), "800 ms", "250 ms"),
            ("freshness, p50", shown(found("p50Ms")), "", ""),
            ("freshness, p99", shown(found("p99Ms")), "1,500 ms", "500 ms"),
            ("freshness, worst", shown(found("maxMs")), "", ""),
            ("restart, worst", shown(restarts.last().copied().unwrap_or(0)), "1,000 ms", "200 ms"),
            ("restart, median", shown(middle(&restarts)), "", ""),
            ("records per second", thousands(found("rate")), &asked, ""),
            ("commits", thousands(found("commits")), "", ""),
            ("CPU-seconds", hundredths(hundreds(cpu)), "", ""),
            ("seconds, wall", hundredths(hundreds(wall)), "", ""),
            ("peak RSS", format!("{} MiB", peak >> 20), "", ""),
        ];
        let mut text = String::from("| what | figure | gate | goal |\n|---|---|---|---|\n");
        for (what, figure, gate, goal) in rows {
            text.push_str(&format!("| {what} | {figure} | {gate} | {goal} |\n"));
        }
        let phase = |phase: &str| number(&self.freshness.phases, phase).unwrap_or(0);
        text.push_str(&format!(
            "\non average {} ms from a record to the plan that takes it; of an epoch {} ms: plan {}, \
             run {}, prepare {}, commit {}\n",
            found("unplannedMs"),
            phase("triggerExecution"),
            phase("latestOffset"),
            phase("addBatch"),
            phase("walCommit"),
            phase("commitBatch"),
        ));
        text
    }

    /// Everything; `setting` says where and with what.
    pub(super) fn json(&self, setting: &Value) -> Value {
        let Pace { rate, seconds, warm_up, threads, .. } = self.pace;
        let Usage { cpu, wall, peak } = self.freshness.usage;
        let restarts = self.restarts.iter().map(|restart| {
            let (took, cpu) = (millis(restart.took), restart.cpu.as_secs_f64());
            json!({"tookMs": took, "cpuSeconds": cpu})
        });
        json!({
            "setting": setting,
            "loadBefore": self.load,
            "pace": {
                "rate": rate, "seconds": seconds, "warmUp": warm_up, "threads": threads,
                "triggerMs": TRIGGER_MILLIS,
            },
            "freshness": self.freshness.found,
            "phasesMs": self.freshness.phases,
            "cpuSeconds": cpu.as_secs_f64(),
            "wallSeconds": wall.as_secs_f64(),
            "peakBytes": peak,
            "restarts": restarts.collect::<Vec<Value>>(),
        })
    }

    /// How long the restarts took, the fastest first.
    fn sorted(&self) -> Vec<u64> {
        let mut restarts: Vec<u64> =
            self.restarts.iter().map(|restart| millis(restart.took)).collect();
        restarts.sort_unstable();
        restarts
    }
}

/// Begun milliseconds count.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}

fn hundreds(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / 10).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_restart_stands_beside_its_gate() {
        let restart = |micros| Restart {
            took: Duration::from_micros(micros),
            cpu: Duration::from_millis(40),
        };
        let (cpu, wall) = (Duration::from_millis(9_870), Duration::from_millis(31_009));
        let freshness = Freshness {
            found: json!({"averageMs": 312, "p99Ms": 1_204, "rate": 179_998, "commits": 150}),
            usage: Usage { cpu, wall, peak: 64 << 20 },
            phases: json!({"addBatch": 80, "commitBatch": 60, "triggerExecution": 165}),
        };
        let pace = Pace { rate: 180_000, seconds: 30, warm_up: 2, restarts: 3, threads: 1 };
        let restarts = vec![restart(150_000), restart(420_001), restart(300_000)];
        let report = Report { pace, load: "0.10".to_owned(), freshness, restarts };
        let table = report.table();
        assert!(table.contains("| freshness, average | 312 ms | 800 ms | 250 ms |"), "{table}");
        assert!(table.contains("| freshness, p99 | 1,204 ms | 1,500 ms | 500 ms |"), "{table}");
        assert!(table.contains("| restart, worst | 421 ms | 1,000 ms | 200 ms |"), "{table}");
        assert!(table.contains("| restart, median | 300 ms |"), "{table}");
        assert!(table.contains("| CPU-seconds | 9.87 |"), "{table}");
        assert!(table.contains("of an epoch 165 ms: plan 0, run 80"), "{table}");
        let json = report.json(&Value::Null);
        assert_eq!(json["restarts"][1]["tookMs"], 421);
        assert_eq!(json["freshness"]["commits"], 150);
    }
}
