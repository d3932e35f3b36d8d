//! What comes in: events, and the users whose they are.

use highwater_codec::{Columns, Type};

/// The columns of an event.
pub(crate) fn events() -> Columns {
    Columns::new()
        .required("event_id", Type::Text)
        .required("timestamp", Type::Timestamp)
        .required("user_id", Type::Long)
        .required("event_type", Type::Text)
        .required("value", Type::Double)
}

/// The columns of a user.
pub(crate) fn users() -> Columns {
    Columns::new()
        .required("user_id", Type::Long)
        .required("name", Type::Text)
        .required("country", Type::Text)
}
