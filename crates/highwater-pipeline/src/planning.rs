//! What the sources are asked before an epoch, and what they answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use highwater_core::{
    Backlog, EpochPlan, Error, ErrorKind, Failpoint, Limits, Name, Planned, Positions, Result,
    Source,
};
use tokio::time::Instant;

use crate::driver::Driver;
use crate::supervisor::Life;

/// What the sources answered.
#[derive(Debug)]
pub(crate) struct Planning {
    pub(crate) planned: BTreeMap<Name, Planned>,
    /// There are records to be read.
    pub(crate) reads: bool,
    /// All sources are bounded and these ranges reach their ends.
    pub(crate) ended: bool,
    /// Nothing may come after this epoch.
    pub(crate) last: bool,
    pub(crate) took: Duration,
    /// The plan that was made of it, if the executor has that already.
    pub(crate) submitted: Option<Arc<EpochPlan>>,
}

impl Planning {
    pub(crate) fn is_behind(&self) -> bool {
        let behind = |part: &Backlog| part.behind > 0;
        self.planned.values().any(|part| part.backlog.iter().any(behind))
    }
}

impl<'a> Driver<'a> {
    /// What every source answers for the next epoch; none when a stop comes before their answers.
    pub(crate) async fn next_planning(
        &mut self,
        until: Option<&BTreeMap<Name, Positions>>,
        life: &mut Life,
    ) -> Result<Option<Planning>> {
        life.epoch = Some(self.next);
        let planning = match self.ahead.take() {
            Some(planning) => planning,
            None => tokio::select! {
                planning = self.planning(&self.positions, until) => planning?,
                () = self.shared.stopping() => return Ok(None),
            },
        };
        life.planned = true;
        self.options.failpoints.hit(Failpoint::Planned)?;
        Ok(Some(planning))
    }

    /// The ends of the sources when this run began.
    pub(crate) async fn ends(&self) -> Result<&'a BTreeMap<Name, Positions>> {
        if let Some(ends) = self.shared.ends.get() {
            return Ok(ends);
        }
        let mut ends = BTreeMap::new();
        for (name, source) in &self.sources {
            let from = self.positions.get(name).cloned().unwrap_or_default();
            ends.insert(name.clone(), source.ends(&from).await?);
        }
        Ok(self.shared.ends.get_or_init(|| ends))
    }

    #[tracing::instrument(name = "plan", skip_all)]
    pub(crate) async fn planning(
        &self,
        from: &BTreeMap<Name, Positions>,
        until: Option<&BTreeMap<Name, Positions>>,
    ) -> Result<Planning> {
        let began = Instant::now();
        let mut planned = BTreeMap::new();
        // A table does not make an epoch happen, nor does it keep a run from its end.
        let (mut reads, mut ended) = (false, true);
        for (name, source) in &self.sources {
            let until = until.and_then(|until| until.get(name));
            let part = self.plan_of((name, source), from, until).await?;
            if !source.is_versioned() {
                reads |= !part.ranges.is_empty();
                ended &= part.ended;
            }
            planned.insert(name.clone(), part);
        }
        Ok(Planning { planned, reads, ended, last: false, took: began.elapsed(), submitted: None })
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        let workers = self.options.executor.workers().get() as u64;
        limits.records = limits.records.saturating_mul(workers);
        limits.bytes = limits.bytes.saturating_mul(workers);
        if let Some(records) = self.options.max_records {
            limits.records = records.get();
        }
        if let Some(bytes) = self.options.max_bytes {
            limits.bytes = bytes.get();
        }
        limits
    }

    /// An epoch without records. Its rows may still need the tables.
    pub(crate) async fn last_planning(&self) -> Result<Planning> {
        let began = Instant::now();
        let until = self.ends().await?;
        let mut planned = BTreeMap::new();
        for (name, source) in &self.sources {
            let part = match source.is_versioned() {
                true => self.plan_of((name, source), &self.positions, until.get(name)).await?,
                false => Planned::default(),
            };
            planned.insert(name.clone(), part);
        }
        Ok(Planning {
            planned,
            reads: false,
            ended: true,
            last: true,
            took: began.elapsed(),
            submitted: None,
        })
    }

    /// What one source answers for the next epoch.
    async fn plan_of(
        &self,
        (name, source): (&Name, &Arc<dyn Source>),
        from: &BTreeMap<Name, Positions>,
        until: Option<&Positions>,
    ) -> Result<Planned> {
        let from = from.get(name).cloned().unwrap_or_default();
        let planned = source.plan(&from, until, &self.limits()).await?;
        if source.is_versioned() && planned.ranges.is_empty() {
            let what = format!("table {name} was planned without a version");
            return Err(Error::new(ErrorKind::Internal, "pipeline", what));
        }
        Ok(planned)
    }
}
