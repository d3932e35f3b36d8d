//! What travels along the edges of the dataflow.

use highwater_core::Batch;
use timely::Accountable;
use timely::bytes::arc::Bytes;
use timely::dataflow::channels::ContainerBytes;

/// A batch on an edge between cells. Counted by its rows, since an exchange splits it.
#[derive(Clone, Default)]
pub(crate) struct Rows(pub(crate) Option<Batch>);

impl Accountable for Rows {
    fn record_count(&self) -> i64 {
        let rows = self.0.as_ref().map_or(0, Batch::len);
        i64::try_from(rows).unwrap_or(i64::MAX)
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
