//! The first thing that went wrong on a worker.

use std::cell::RefCell;

use highwater_core::{Error, ErrorKind, Name, Result};

/// What the cells of one worker stop at.
#[derive(Default)]
pub(crate) struct Fault {
    error: RefCell<Option<Error>>,
    /// The cell that is being called, for the message of a panic.
    at: RefCell<Option<Name>>,
}

impl Fault {
    /// Calls a cell, unless one before it has failed: after an error nothing of the epoch is released.
    pub(crate) fn guard(&self, name: &Name, call: impl FnOnce() -> Result<()>) {
        if self.error.borrow().is_some() {
            return;
        }
        self.at.replace(Some(name.clone()));
        if let Err(error) = call() {
            self.raise(error);
        }
        self.at.replace(None);
    }

    /// Notes an error, if it is the first.
    pub(crate) fn raise(&self, error: Error) {
        self.error.borrow_mut().get_or_insert(error);
    }

    /// The error, once.
    pub(crate) fn take(&self) -> Option<Error> {
        self.error.borrow_mut().take()
    }

    /// The error of a panic that unwound out of the cell that was being called.
    pub(crate) fn panicked(&self, payload: &(dyn std::any::Any + Send)) -> Error {
        let said = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let said = said.or_else(|| payload.downcast_ref::<String>().cloned());
        let said = said.unwrap_or_else(|| "no message".to_owned());
        let at = self.at.borrow().as_ref().map(|name| format!("{name} "));
        let at = at.unwrap_or_else(|| "a worker thread ".to_owned());
        Error::new(ErrorKind::Internal, "timely", format!("{at}panicked: {said}"))
    }
}

pub(crate) fn bug(what: &'static str) -> Error {
    Error::new(ErrorKind::Internal, "timely", what)
}
