//! Wakes a cell: from its own worker, or from any thread.

use std::sync::Arc;
use std::task::{Context, Waker};

use timely::dataflow::Scope;
use timely::scheduling::{Activator, SyncActivator};

/// Lets a cell be called again.
pub(crate) struct Alarm {
    again: Activator,
    waker: Waker,
}

impl Alarm {
    /// For the cell at `address`.
    pub(crate) fn new(scope: Scope<'_, u64>, address: std::rc::Rc<[usize]>) -> Self {
        let from_elsewhere = scope.worker().sync_activator_for(address.to_vec());
        let waker = Waker::from(Arc::new(Bell(from_elsewhere)));
        Self { again: scope.activator_for(address), waker }
    }

    /// Calls the cell again once the others of its worker had their turn.
    pub(crate) fn again(&self) {
        self.again.activate();
    }

    /// Rings from any thread.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// The context to poll futures with.
    pub(crate) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }
}

struct Bell(SyncActivator);

impl std::task::Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // A worker that has ended needs no waking.
        let _ended = self.0.activate();
    }
}
