//! What a process takes from its start to its end, read from `/proc`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::equipment::life::{DONE, Ended, Home};

/// How often a process is looked at: its peak may be that much older than its end.
const EVERY: Duration = Duration::from_millis(10);
/// Far beyond what any run takes.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// The kernel counts processor time in hundredths of a second, for programs.
const TICK: Duration = Duration::from_millis(10);

/// What a process took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// On processors, of all threads, in the program and in the kernel.
    pub(crate) cpu: Duration,
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// The most memory that it held at once, in bytes.
    pub(crate) peak: u64,
}

/// Runs `command` in `home` to its end, which must be a good one. When `done` says so, it is asked to end.
pub(super) fn measure(
    home: &Home,
    name: &str,
    command: &mut Command,
    mut done: impl FnMut() -> Result<bool>,
) -> Result<Usage> {
    let began = Instant::now();
    let mut life = home.start(name, command)?;
    let process = PathBuf::from(format!("/proc/{}", life.id()));
    let (mut peak, mut asked) = (0, false);
    // Nobody has waited for it yet, so after its end the kernel still tells what it took.
    let cpu = loop {
        let (ended, cpu) = times(&process)?;
        if ended {
            break cpu;
        }
        peak = peak.max(most_memory(&process).unwrap_or(0));
        if !asked && done()? {
            life.ask_to_end()?;
            asked = true;
        }
        if began.elapsed() > PATIENCE {
            bail!("{name} did not end within {PATIENCE:?}: {}", life.tail());
        }
        sleep(EVERY);
    };
    let wall = began.elapsed();
    match life.wait(PATIENCE)? {
        Ended::Exited(DONE) => Ok(Usage { cpu, wall, peak }),
        ended => bail!("{name} {ended:?}: {}", life.tail()),
    }
}

/// How many tasks wanted a processor in the last minute.
pub(super) fn load() -> Result<String> {
    let load = fs::read_to_string("/proc/loadavg").context("cannot read the load")?;
    Ok(load.split(' ').next().unwrap_or_default().to_owned())
}

/// Whether a process has ended, and its time on processors.
pub(super) fn times(process: &Path) -> Result<(bool, Duration)> {
    let path = process.join("stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?;
    parse_times(&stat).with_context(|| format!("{path:?} is not as expected: {stat}"))
}

/// The state and the 14th and 15th field. The name of the program stands before, and may hold anything.
fn parse_times(stat: &str) -> Option<(bool, Duration)> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u32>().ok();
    let cpu = TICK * (ticks(14)? + ticks(15)?);
    Some((*fields.first()? == "Z", cpu))
}

/// The most memory that a process has held, in bytes; nothing once it has ended.
fn most_memory(process: &Path) -> Option<u64> {
    parse_memory(&fs::read_to_string(process.join("status")).ok()?)
}

fn parse_memory(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_behind_any_name() {
        let stat = "7 (a b) c) Z 1 7 7 0 -1 4 1 0 0 0 150 25 0 0 20 0 1 0 9 0";
        assert_eq!(parse_times(stat), Some((true, Duration::from_millis(1_750))));
        assert_eq!(parse_times("7 (x) S 1"), None);
    }

    #[test]
    fn memory_is_told_in_kibibytes() {
        assert_eq!(parse_memory("Name:\tx\nVmHWM:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!(parse_memory("Name:\tx\n"), None);
    }
}
