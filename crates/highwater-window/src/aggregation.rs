//! Which aggregates a step is asked for.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};

use crate::aggregate::count::{Count, OwnCount};
use crate::aggregate::distinct::CountDistinct;
use crate::aggregate::edge::Edge;
use crate::aggregate::extreme::{Wanted, extreme};
use crate::aggregate::float::FloatSum;
use crate::aggregate::sum::Sum;
use crate::aggregate::text::TextExtreme;
use crate::{Aggregate, WindowError};

/// One aggregate of a step: what is made of which column, and the name of the result.
///
/// # Example
/// ```
/// use highwater_window::{avg, count, max};
///
/// let all = [count("events"), avg("value").named("avg_value"), max("value")];
/// let names = all.map(|aggregation| aggregation.name().to_owned());
/// assert_eq!(names, ["events", "avg_value", "max(value)"]);
/// ```
#[derive(Clone, Debug)]
pub struct Aggregation {
    name: String,
    column: Option<String>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Count,
    Distinct,
    Sum,
    Average,
    Extreme(Wanted),
    Edge(Wanted),
    Own(Arc<dyn Aggregate>),
}

/// How many rows there are, in a column `name`.
pub fn count(name: impl Into<String>) -> Aggregation {
    Aggregation { name: name.into(), column: None, kind: Kind::Count }
}

/// How many values of a column are not null.
pub fn count_of(column: impl Into<String>) -> Aggregation {
    Aggregation::new("count", column.into(), Kind::Count)
}

/// How many different values a column has, not counting null: exactly, so each value of a group is kept as long as
/// its pane. Windows that overlap put the values of their panes together each time they are emitted; sessions have no
/// such count.
pub fn count_distinct(column: impl Into<String>) -> Aggregation {
    Aggregation::new("count_distinct", column.into(), Kind::Distinct)
}

/// The sum of a column of numbers: of integers an i64, of `decimal(p, s)` a `decimal(p + 10, s)`, at most of 38
/// digits, of floats an f64. Exact for all but floats; null when it does not fit, or when there is no value.
pub fn sum(column: impl Into<String>) -> Aggregation {
    Aggregation::new("sum", column.into(), Kind::Sum)
}

/// The average of a column of numbers: of `decimal(p, s)` a `decimal(p + 4, s + 4)`, rounded half up, of others an
/// f64. Null when there is no value.
pub fn avg(column: impl Into<String>) -> Aggregation {
    Aggregation::new("avg", column.into(), Kind::Average)
}

/// The least value of a column of numbers, times, text or binary; null when there is none.
pub fn min(column: impl Into<String>) -> Aggregation {
    Aggregation::new("min", column.into(), Kind::Extreme(Wanted::Least))
}

/// The greatest value of a column of numbers, times, text or binary; null when there is none.
pub fn max(column: impl Into<String>) -> Aggregation {
    Aggregation::new("max", column.into(), Kind::Extreme(Wanted::Greatest))
}

/// The value of the earliest row by event time, null or not. Of rows with one event time the first by source,
/// partition and offset; rows that do not [say](highwater_core::Batch::offsets) where they come from are refused.
pub fn first(column: impl Into<String>) -> Aggregation {
    Aggregation::new("first", column.into(), Kind::Edge(Wanted::Least))
}

/// The value of the latest row by event time; see [`first`].
pub fn last(column: impl Into<String>) -> Aggregation {
    Aggregation::new("last", column.into(), Kind::Edge(Wanted::Greatest))
}

impl Aggregation {
    /// An aggregate of one's own, in a column `name`.
    pub fn own(
        name: impl Into<String>,
        column: impl Into<String>,
        aggregate: Arc<dyn Aggregate>,
    ) -> Self {
        Self { name: name.into(), column: Some(column.into()), kind: Kind::Own(aggregate) }
    }

    fn new(what: &str, column: String, kind: Kind) -> Self {
        Self { name: format!("{what}({column})"), column: Some(column), kind }
    }

    /// The same with another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The name of the result.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, in words.
    pub(crate) fn words(&self) -> String {
        let of = self.column.as_deref().unwrap_or("rows");
        let what = match &self.kind {
            Kind::Own(aggregate) => format!("{aggregate:?}({of})"),
            kind => format!("{}({of})", kind.word()),
        };
        if what == self.name { what } else { format!("{what} as {}", self.name) }
    }

    /// Finds the column and the kernel for its type. `time` is a column that is there in any case; `before` are
    /// the counts of the aggregates before this one.
    pub(crate) fn resolve(
        &self,
        input: &Schema,
        time: usize,
        before: &mut Counts,
    ) -> Result<Resolved, WindowError> {
        let (column, found, counted) = match &self.column {
            None => (time, DataType::Null, Counted::Rows),
            Some(column) => {
                let (place, field) = find(input, column)?;
                let counted =
                    if field.is_nullable() { Counted::Values(place) } else { Counted::Rows };
                (place, field.data_type().clone(), counted)
            }
        };
        let counted = self.kind.counts().then_some(counted);
        let shared = counted.and_then(|counted| before.find(counted));
        let own = if shared.is_some() { OwnCount::No } else { OwnCount::Yes };
        let aggregate = self.kind.of(&found, own).ok_or_else(|| WindowError::Type {
            aggregate: self.kind.word().to_owned(),
            column: self.column.clone().unwrap_or_default(),
            found,
        })?;
        let width = aggregate.state().len();
        before.add(counted, width);
        let distinct = matches!(self.kind, Kind::Distinct);
        Ok(Resolved { name: self.name.clone(), column, width, shared, distinct, aggregate })
    }
}

impl Kind {
    /// Whether the first column of its state is how many values there are.
    fn counts(&self) -> bool {
        matches!(self, Self::Count | Self::Sum | Self::Average)
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Distinct => "count_distinct",
            Self::Sum => "sum",
            Self::Average => "avg",
            Self::Extreme(Wanted::Least) => "min",
            Self::Extreme(Wanted::Greatest) => "max",
            Self::Edge(Wanted::Least) => "first",
            Self::Edge(Wanted::Greatest) => "last",
            Self::Own(_) => "this aggregate",
        }
    }

    fn of(&self, found: &DataType, own: OwnCount) -> Option<Arc<dyn Aggregate>> {
        match self {
            Self::Count => Some(Arc::new(Count(own))),
            Self::Distinct => Some(Arc::new(CountDistinct::of(found)?)),
            Self::Sum => numbers(found, false, own),
            Self::Average => numbers(found, true, own),
            Self::Extreme(wanted) => match TextExtreme::of(found, *wanted) {
                Some(text) => Some(Arc::new(text)),
                None => extreme(found, *wanted),
            },
            Self::Edge(wanted) => Some(Arc::new(Edge::of(found, *wanted)?)),
            Self::Own(aggregate) => aggregate.takes(found).then(|| Arc::clone(aggregate)),
        }
    }
}

fn numbers(found: &DataType, average: bool, own: OwnCount) -> Option<Arc<dyn Aggregate>> {
    match FloatSum::of(found, average, own) {
        Some(sum) => Some(Arc::new(sum)),
        None => Some(Arc::new(Sum::of(found, average, own)?)),
    }
}

/// What a count in the state is of: two counts of the same are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    /// All rows, and so the values of each column that is never null.
    Rows,
    /// The values of a column that are not null.
    Values(usize),
}

/// The counts that aggregates keep, and in which column of the state each stands.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    all: Vec<(Counted, usize)>,
    /// How many columns of state there are.
    width: usize,
}

impl Counts {
    fn find(&self, counted: Counted) -> Option<usize> {
        self.all.iter().find(|(of, _)| *of == counted).map(|(_, column)| *column)
    }

    /// Takes note of an aggregate with so many columns, the first of which may be a count.
    fn add(&mut self, counted: Option<Counted>, width: usize) {
        if let Some(counted) = counted.filter(|counted| self.find(*counted).is_none()) {
            self.all.push((counted, self.width));
        }
        self.width += width;
    }
}

/// An aggregate whose column was found.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) name: String,
    /// The number of the column.
    pub(crate) column: usize,
    /// How many columns of state it has.
    pub(crate) width: usize,
    /// The column of state, of an aggregate before it, that is its count.
    pub(crate) shared: Option<usize>,
    /// Whether it counts different values, which are kept elsewhere.
    pub(crate) distinct: bool,
    pub(crate) aggregate: Arc<dyn Aggregate>,
}

pub(crate) fn find<'a>(
    schema: &'a Schema,
    column: &str,
) -> Result<(usize, &'a Field), WindowError> {
    schema.column_with_name(column).ok_or_else(|| {
        let there = schema.fields().iter().map(|field| field.name().clone()).collect();
        WindowError::Missing { column: column.to_owned(), there }
    })
}

#[cfg(test)]
mod tests;
