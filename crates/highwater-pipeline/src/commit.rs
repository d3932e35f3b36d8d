//! Commits: the machine of `highwater-core` with the tables' answers.

use std::time::Duration;

use highwater_checkpoint::{Prepared, Share};
use highwater_core::{
    CommitMachine, Digest, Ended, Epoch, Error, ErrorKind, Failpoint, Footing, MarkerId, Move,
    Name, Patience, Result, Staged, Swap,
};
use tokio::time::Instant;

use crate::driver::{Driver, OpenSink};
use course::Course;

mod course;

impl Driver<'_> {
    /// Commits a record to every table that lacks it, the primary first. No later epoch begins
    /// before every table holds this one.
    pub(crate) async fn commit_all(&mut self, record: &Prepared, digest: Digest) -> Result<()> {
        for sink in &mut self.sinks {
            let share = record.sinks.iter().find(|share| share.sink == sink.name);
            let Some(Share::Commit { on, staged }) = share.map(|share| &share.share) else {
                continue;
            };
            let commit = Commit { record, digest, follows: on.follows, staged };
            let marker = commit.run(sink).await?;
            sink.on = Footing::on(Some(marker));
            self.options.failpoints.hit(Failpoint::SinkCommitted)?;
        }
        Ok(())
    }
}

/// One commit to one table.
struct Commit<'a> {
    record: &'a Prepared,
    digest: Digest,
    follows: Option<MarkerId>,
    staged: &'a [Staged],
}

impl Commit<'_> {
    #[tracing::instrument(
        name = "commit",
        skip_all,
        fields(
            sink = %sink.name,
            epoch = self.record.id.epoch.0,
            files = self.staged.len(),
        )
    )]
    async fn run(&self, sink: &mut OpenSink) -> Result<MarkerId> {
        let rule = self
            .record
            .rule(self.digest, &sink.name)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "pipeline", "a quiet sink commits"))?;
        let marker = self.record.marker(self.digest, &sink.name, self.follows);
        let patience = sink.committer.patience();
        let mut machine = CommitMachine::new(rule, patience.attempts);
        let mut pause = patience.first_pause;
        let began = Instant::now();
        let mut unknown: Option<Error> = None;
        let mut course = Course::new(&self.record.pipeline, &sink.name);
        loop {
            match machine.next_move() {
                Move::Load => match sink.committer.load().await {
                    Ok(found) => machine.loaded(&found),
                    Err(error) if error.kind() != ErrorKind::Transient => return Err(error),
                    Err(error) if began.elapsed() >= patience.in_all => return Err(error),
                    Err(_) => rest(&mut pause, &patience).await,
                },
                Move::Swap => {
                    course.swaps();
                    match sink.committer.swap(&marker, self.staged).await {
                        Swap::Committed => machine.committed(),
                        Swap::Failed(error) => return Err(error),
                        Swap::Conflicted => {
                            course.conflict();
                            machine.unresolved();
                            rest(&mut pause, &patience).await;
                        }
                        Swap::Unknown(error) => {
                            course.unknown(&error);
                            unknown = Some(error);
                            machine.unresolved();
                            rest(&mut pause, &patience).await;
                        }
                    }
                }
                Move::End(end) => {
                    course.ended(&end, began.elapsed());
                    return self.conclude(&sink.name, end, unknown);
                }
            }
        }
    }

    fn conclude(&self, sink: &Name, end: Ended, unknown: Option<Error>) -> Result<MarkerId> {
        let epoch = self.record.id.epoch;
        match end {
            Ended::Committed(marker) => Ok(marker),
            Ended::Fenced { found } => {
                let what = format!(
                    "sink {sink} holds epoch {} of another instance ({}), and this one wanted to \
                     commit epoch {epoch}",
                    found.epoch,
                    found.digest.short()
                );
                Err(Error::new(ErrorKind::Fenced, "pipeline", what))
            }
            Ended::RolledBack { found } => {
                let epoch = |marker: MarkerId| marker.epoch;
                Err(rolled_back(sink, self.follows.map(epoch), found.map(epoch)))
            }
            Ended::GaveUp => Err(unknown.unwrap_or_else(|| {
                let what = format!("sink {sink}: other writers were faster every time");
                Error::new(ErrorKind::Transient, "pipeline", what)
            })),
        }
    }
}

/// The table does not hold what it held.
pub(crate) fn rolled_back(sink: &Name, held: Option<Epoch>, found: Option<Epoch>) -> Error {
    let name = |epoch: Option<Epoch>| {
        epoch.map_or_else(|| "nothing".to_owned(), |epoch| format!("epoch {epoch}"))
    };
    let (held, found) = (name(held), name(found));
    let what = format!("the table of sink {sink} was rolled back: it held {held}, now {found}");
    Error::new(ErrorKind::Refused, "pipeline", what).advise(
        "start with --on-rollback accept to go on from here (the rows taken out stay out), or give \
         the pipeline another name to begin anew",
    )
}

async fn rest(pause: &mut Duration, patience: &Patience) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(patience.longest_pause);
}
