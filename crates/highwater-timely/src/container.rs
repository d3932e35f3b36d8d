//! What travels along the edges of the dataflow.

use highwater_core::Batch;
use timely::Accountable;
use timely::bytes::arc::Bytes;
use timely::dataflow::channels::ContainerBytes;

/// What is on an edge between cells.
#[derive(Clone, Default)]
pub(crate) enum Rows {
    Batch(Batch),
    /// A cell has no more rows in this epoch. It says so once for each worker, behind its rows and on
    /// the same channel: where rows are exchanged this one goes to the worker of that number, and
    /// where they are not, all of them come to the one reader.
    End(usize),
    /// The content was taken.
    #[default]
    Taken,
}

/// A batch counts by its rows, since an exchange splits it.
impl Accountable for Rows {
    fn record_count(&self) -> i64 {
        match self {
            Self::Batch(batch) => i64::try_from(batch.len()).unwrap_or(i64::MAX),
            Self::End(_) => 1,
            Self::Taken => 0,
        }
    }
}

/// A word between a cell and worker 0.
#[derive(Clone)]
pub(crate) struct Letter<T> {
    /// The worker it is for.
    pub(crate) to: usize,
    pub(crate) content: Option<T>,
}

impl<T> Letter<T> {
    pub(crate) fn new(to: usize, content: T) -> Self {
        Self { to, content: Some(content) }
    }
}

impl<T> Default for Letter<T> {
    fn default() -> Self {
        Self { to: 0, content: None }
    }
}

impl<T> Accountable for Letter<T> {
    fn record_count(&self) -> i64 {
        i64::from(self.content.is_some())
    }
}

/// Between the threads of one process everything is moved. Timely asks for these functions, and
/// calls them only for other processes, which [`Threads`](crate::Threads) has none of.
macro_rules! stays_in_the_process {
    ($($container:ty $(, $generic:ident)?;)+) => {$(
        impl$(<$generic>)? ContainerBytes for $container {
            fn from_bytes(_: Bytes) -> Self {
                unreachable!("nothing comes from other processes")
            }

            fn length_in_bytes(&self) -> usize {
                unreachable!("nothing goes to other processes")
            }

            fn into_bytes<W: std::io::Write>(&self, _: &mut W) {
                unreachable!("nothing goes to other processes")
            }
        }
    )+};
}

stays_in_the_process! {
    Rows;
    Letter<T>, T;
}
