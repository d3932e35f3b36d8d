//! Reads the files of planned ranges, on a thread that may block, one payload ahead.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use highwater_core::{OnDataLoss, Payload, Range, RangeId, Result};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::content::Content;
use crate::detail::Parts;
use crate::error::FilesError;
use crate::lines::{self, Block, Sizes, Stop};
use crate::place::Place;
use crate::watch::Watch;

type Item = Result<(RangeId, Payload)>;

/// Reads `ranges` one after another. Whoever drops the stream ends it.
pub(crate) fn read(
    place: Place,
    watch: Arc<Watch>,
    on_data_loss: OnDataLoss,
    ranges: Vec<Range>,
) -> BoxStream<'static, Item> {
    let begin = async move {
        // One payload waits while another one is decoded and a third one is filled.
        let (sender, receiver) = mpsc::channel(1);
        let runtime = Handle::current();
        let job = Job { place, watch, on_data_loss, runtime };
        // It ends by itself when the receiver is gone.
        drop(spawn_blocking(move || {
            for range in &ranges {
                match job.read(range, &sender) {
                    Ok(()) => {}
                    Err(Stop::Left) => return,
                    Err(Stop::Failed(error)) => {
                        return drop(sender.blocking_send(Err(error.into())));
                    }
                }
            }
        }));
        stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|item| (item, receiver))
        })
    };
    stream::once(begin).flatten().boxed()
}

struct Job {
    place: Place,
    watch: Arc<Watch>,
    on_data_loss: OnDataLoss,
    runtime: Handle,
}

impl Job {
    fn read(&self, range: &Range, sender: &mpsc::Sender<Item>) -> Result<(), Stop> {
        let mut block = Block::new(range.id, Sizes::default(), sender);
        let Parts { files, stretch } = Parts::of(range)?;
        for (number, part) in files.iter().enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let failed =
                |error: FilesError| Stop::from(self.watch.failed(error, part, self.on_data_loss));
            let content = Content::open(&self.place, (part, stretch), &self.runtime);
            let content = content.map_err(failed)?;
            lines::read(&mut block, number, content).map_err(|stop| match stop {
                Stop::Failed(error) => failed(error),
                Stop::Left => Stop::Left,
            })?;
        }
        block.send()
    }
}
