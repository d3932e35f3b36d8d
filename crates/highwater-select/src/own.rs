//! Functions that DataFusion has not, or not as a step needs them.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type, TimeUnit};
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{Result, ScalarValue, exec_err, internal_err};
use datafusion_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use highwater_core::Timestamp;

/// The zone of all instants.
pub(crate) const UTC: &str = "+00:00";

/// An instant, as microseconds.
pub(crate) fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
}

/// `now()` and `current_date()`, which are written into an expression before an epoch.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Moment {
    day: bool,
    signature: Signature,
}

static NOW: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| moment(false));
static TODAY: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| moment(true));

fn moment(day: bool) -> Arc<ScalarUDF> {
    let signature = Signature::nullary(Volatility::Stable);
    Arc::new(ScalarUDF::new_from_impl(Moment { day, signature }))
}

/// The `now` of the plan.
pub(crate) fn now() -> Arc<ScalarUDF> {
    Arc::clone(&NOW)
}

/// Its day.
pub(crate) fn current_date() -> Arc<ScalarUDF> {
    Arc::clone(&TODAY)
}

impl ScalarUDFImpl for Moment {
    fn name(&self) -> &str {
        if self.day { "current_date" } else { "now" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(if self.day { DataType::Date32 } else { instant() })
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), self.return_type(&[])?, false)))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("{} is written into an expression before it is computed", self.name())
    }
}

/// Whether an expression asks for the time.
pub(crate) fn asks_for_now(expr: &Expr) -> Result<bool> {
    expr.exists(|part| Ok(moment_of(part).is_some()))
}

/// The same expression at a time.
pub(crate) fn at(expr: Expr, now: Timestamp) -> Result<Expr> {
    let written = expr.transform(|part| {
        let value = match moment_of(&part) {
            None => return Ok(Transformed::no(part)),
            Some(Moment { day: false, .. }) => {
                ScalarValue::TimestampMicrosecond(Some(now.0), Some(UTC.into()))
            }
            Some(Moment { day: true, .. }) => {
                ScalarValue::Date32(i32::try_from(now.0.div_euclid(DAY)).ok())
            }
        };
        Ok(Transformed::yes(Expr::Literal(value, None)))
    });
    Ok(written?.data)
}

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

fn moment_of(part: &Expr) -> Option<&Moment> {
    match part {
        Expr::ScalarFunction(call) => call.func.inner().downcast_ref::<Moment>(),
        _ => None,
    }
}

/// A divisor among floats, which by IEEE may be zero, and by Spark may not.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Divisor {
    signature: Signature,
}

static DIVISOR: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    let floats = vec![DataType::Float32, DataType::Float64];
    let signature = Signature::uniform(1, floats, Volatility::Immutable);
    Arc::new(ScalarUDF::new_from_impl(Divisor { signature }))
});

/// The same values, of which none may be zero.
pub(crate) fn divisor() -> Arc<ScalarUDF> {
    Arc::clone(&DIVISOR)
}

impl ScalarUDFImpl for Divisor {
    fn name(&self) -> &str {
        "divisor"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Float64))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(value) = args.args.into_iter().next() else {
            return internal_err!("a divisor is one value");
        };
        let zero = match &value {
            ColumnarValue::Scalar(ScalarValue::Float64(value)) => *value == Some(0.0),
            ColumnarValue::Scalar(ScalarValue::Float32(value)) => *value == Some(0.0),
            ColumnarValue::Scalar(_) => false,
            ColumnarValue::Array(values) => has_zero(values),
        };
        if zero { exec_err!("Divide by zero error") } else { Ok(value) }
    }
}

fn has_zero(values: &dyn Array) -> bool {
    if let Some(values) = values.as_primitive_opt::<Float64Type>() {
        return values.iter().any(|value| value == Some(0.0));
    }
    let values = values.as_primitive_opt::<Float32Type>();
    values.is_some_and(|values| values.iter().any(|value| value == Some(0.0)))
}
