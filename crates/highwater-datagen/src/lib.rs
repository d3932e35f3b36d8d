//! Records made up from their place in the stream: a source that needs no service and never forgets.
//!
//! A [`Generator`] makes the record at an offset from nothing but its seed and that offset, so any
//! range can be read again at any time. [`Records`] says what a record looks like; [`Transactions`]
//! are those of the ledger example, [`Events`] and their [`Users`] those of file-events.
//!
//! # Example
//! ```
//! use highwater_datagen::{Generator, Transactions};
//!
//! let generator = Generator::new(Transactions).rows(1_000).seed(7).bad(0.01).duplicates(0.1);
//! let (mut once, mut again) = (Vec::new(), Vec::new());
//! generator.write(12, &mut once);
//! generator.write(12, &mut again);
//! assert_eq!(once, again);
//! assert!(once.starts_with(br#"{"transaction_id": "TXN00000012", "account_from": "ACC"#));
//! ```
#![forbid(unsafe_code)]

mod decoder;
mod draw;
mod error;
mod events;
mod generator;
mod python;
mod source;
mod transactions;
mod users;

pub use draw::Draw;
pub use error::DatagenError;
pub use events::Events;
pub use generator::{Generator, Records};
pub use source::GeneratorSource;
pub use transactions::Transactions;
pub use users::Users;
