//! CPU time as what benchmarks measure: wall time says more of the neighbours of a process than of it.

use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, clock_gettime};

/// The CPU time of a process or of a thread, for criterion.
#[derive(Clone, Copy, Debug)]
pub struct CpuTime(ClockId);

impl CpuTime {
    /// That of this process, all its threads together.
    pub const PROCESS: Self = Self(ClockId::ProcessCPUTime);
    /// That of the thread that measures.
    pub const THREAD: Self = Self(ClockId::ThreadCPUTime);

    /// How much there was up to now.
    pub fn now(self) -> Duration {
        let now = clock_gettime(self.0);
        let nanos = now.tv_nsec.try_into().unwrap_or_default();
        Duration::new(now.tv_sec.try_into().unwrap_or_default(), nanos)
    }
}

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        self.now()
    }

    fn end(&self, started: Duration) -> Duration {
        self.now().saturating_sub(started)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}
