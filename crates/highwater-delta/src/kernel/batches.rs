//! Batches that a thread reads ahead.

use std::fmt;

use arrow::array::RecordBatch;
use delta_kernel::Error as KernelError;
use highwater_core::Result;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::failed;
use crate::error::DeltaError;

/// So many batches are read before somebody asks for them.
const AHEAD: usize = 2;

/// Batches of a table, up to the last one or an error. Whoever does not come to the end of them was cut
/// off, and hears of it: a reader that is gone is no end.
pub(crate) struct Batches {
    receiver: mpsc::Receiver<Result<Option<RecordBatch>>>,
    table: String,
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("table", &self.table).finish_non_exhaustive()
    }
}

impl Batches {
    /// Begins to read on a thread of the runtime's. `read` gives each batch away until it is told that no
    /// more are wanted.
    pub(super) fn read(
        table: String,
        read: impl FnOnce(&dyn Fn(RecordBatch) -> bool) -> Result<()> + Send + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(AHEAD);
        spawn_blocking(move || {
            let wanted = |rows: RecordBatch| sender.blocking_send(Ok(Some(rows))).is_ok();
            // A receiver that is gone wants no more.
            let _gone = sender.blocking_send(read(&wanted).map(|()| None));
        });
        Self { receiver, table }
    }

    /// The same by a reader that knows nothing but errors of the kernel.
    pub(super) fn read_by_kernel(
        table: String,
        read: impl FnOnce(&dyn Fn(RecordBatch) -> bool) -> Result<(), KernelError> + Send + 'static,
    ) -> Self {
        let name = table.clone();
        Self::read(table, move |wanted| read(wanted).map_err(|cause| failed(name, cause)))
    }

    /// The next batch; none at the end, and then not again.
    ///
    /// # Errors
    /// `Transient`, `Corrupt` or `Unsupported`.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        self.receiver.recv().await.unwrap_or_else(|| {
            let (table, source) = (self.table.clone(), "its reader ended".into());
            Err(DeltaError::CutOff { table, source }.into())
        })
    }
}

#[cfg(test)]
mod tests {
    //! Readers that come to their end, and others.

    use std::sync::Arc;

    use arrow::datatypes::Schema;

    use super::*;

    fn batch() -> RecordBatch {
        RecordBatch::new_empty(Arc::new(Schema::empty()))
    }

    #[tokio::test]
    async fn only_a_reader_that_says_so_is_at_the_end() {
        let mut whole = Batches::read("t".to_owned(), |wanted| {
            wanted(batch());
            Ok(())
        });
        assert!(whole.next().await.unwrap().is_some());
        assert!(whole.next().await.unwrap().is_none());
        let mut cut = Batches::read("t".to_owned(), |wanted| {
            wanted(batch());
            panic!("a reader that fails as none should")
        });
        assert!(cut.next().await.unwrap().is_some());
        assert!(cut.next().await.unwrap_err().to_string().contains("table t"));
        let failing = |_: &dyn Fn(RecordBatch) -> bool| Err(KernelError::generic("no"));
        assert!(Batches::read_by_kernel("t".to_owned(), failing).next().await.is_err());
    }
}
