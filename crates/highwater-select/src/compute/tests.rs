//! Which rows can be computed, however they are cut.

use arrow::array::{Decimal128Array, Int64Array, StringArray};
use arrow::datatypes::Schema;

use super::*;
use crate::parse::{Item, item};
use crate::translate::Translator;

fn computing(text: &str, rows: &RecordBatch) -> Computing {
    let schema = known(&rows.schema()).unwrap();
    let Item::One(expr, _) = item(text).unwrap() else { panic!("{text}") };
    let expr = Translator::new(text, &schema).expr(&expr).unwrap();
    let checked = Checked::try_new(text, expr, "x", &schema).unwrap();
    Computing::try_new(&[checked], &schema, Timestamp(0)).unwrap()
}

fn of(name: &str, column: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter([(name, column)]).unwrap()
}

fn numbers(numbers: &[i64]) -> RecordBatch {
    of("n", Arc::new(Int64Array::from(numbers.to_vec())))
}

#[test]
fn each_row_that_fails_is_found_and_no_other() {
    let values: Vec<_> = (0..1_000_i64).map(|n| if n % 300 == 7 { 0 } else { n + 1 }).collect();
    let rows = numbers(&values);
    let made = computing("100 div n", &rows).make(&rows).unwrap();
    let found: Vec<_> = made.faults.iter().map(|(row, _)| *row).collect();
    assert_eq!(found, [7, 307, 607, 907]);
    assert_eq!(made.columns[0].len(), 996);
    assert_eq!(made.faults[0].1, "100 div n: Divide by zero error");
}

#[test]
fn rows_that_all_fail_leave_columns_without_rows() {
    let rows = numbers(&[0, 0, 0]);
    let made = computing("1 div n", &rows).make(&rows).unwrap();
    assert_eq!((made.columns[0].len(), made.faults.len()), (0, 3));
    assert_eq!(made.columns[0].data_type(), &DataType::Int64);
}

#[test]
fn nothing_wraps() {
    let rows = numbers(&[i64::MIN, 1, i64::MAX]);
    for (text, failing) in [
        ("n + 1L", vec![2]),
        ("n - 1L", vec![0]),
        ("n * 2", vec![0, 2]),
        ("-n", vec![0]),
        ("abs(n)", vec![0]),
        ("n div -1", vec![0]),
        ("CAST(n AS INT)", vec![0, 2]),
        ("factorial(n)", vec![0, 2]),
        ("timestamp_millis(n)", vec![0, 2]),
    ] {
        let made = computing(text, &rows).make(&rows).unwrap();
        let found: Vec<_> = made.faults.iter().map(|(row, _)| *row).collect();
        assert_eq!(found, failing, "{text}: {:?}", made.faults);
    }
    let made = computing("n % -1", &rows).make(&rows).unwrap();
    assert_eq!(made.faults, []);
}

/// 39 digits fit into the bytes of a decimal and not into its type.
#[test]
fn a_decimal_has_no_more_digits_than_its_type() {
    let most = Decimal128Array::from(vec![1, 6 * 10_i128.pow(37)]);
    let rows = of("n", Arc::new(most.with_precision_and_scale(38, 0).unwrap()));
    let made = computing("n + n", &rows).make(&rows).unwrap();
    assert_eq!((made.columns[0].len(), made.faults.len()), (1, 1));
    assert!(made.faults[0].1.contains("too large to store in a Decimal128 of precision 38"));
}

#[test]
fn a_panic_is_a_fault_of_its_row() {
    #[derive(Debug, PartialEq, Eq, Hash)]
    struct Fragile(datafusion_expr::Signature);
    impl datafusion_expr::ScalarUDFImpl for Fragile {
        fn name(&self) -> &str {
            "fragile"
        }
        fn signature(&self) -> &datafusion_expr::Signature {
            &self.0
        }
        fn return_type(&self, types: &[DataType]) -> datafusion_common::Result<DataType> {
            Ok(types[0].clone())
        }
        fn invoke_with_args(
            &self,
            args: datafusion_expr::ScalarFunctionArgs,
        ) -> datafusion_common::Result<datafusion_expr::ColumnarValue> {
            let array = args.args[0].to_array(args.number_rows)?;
            assert!(array.as_string::<i32>().iter().all(|it| it != Some("boom")));
            Ok(args.args[0].clone())
        }
    }
    let rows = of("s", Arc::new(StringArray::from(vec!["a", "boom", "b"])));
    let schema = known(&rows.schema()).unwrap();
    let signature = datafusion_expr::Signature::any(1, datafusion_expr::Volatility::Immutable);
    let fragile = datafusion_expr::ScalarUDF::new_from_impl(Fragile(signature));
    let expr = fragile.call(vec![datafusion_expr::col("s")]);
    let checked = Checked::try_new("fragile(s)", expr, "x", &schema).unwrap();
    let made = Computing::try_new(&[checked], &schema, Timestamp(0)).unwrap().make(&rows).unwrap();
    assert_eq!(made.faults, [(1, "fragile(s): it panicked".to_owned())]);
    assert_eq!(made.columns[0].len(), 2);
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let field = Field::new("a", DataType::Int64, true);
    let schema: SchemaRef = Arc::new(Schema::new(vec![field.clone(), field]));
    assert_eq!(known(&schema).unwrap_err().to_string(), "the stream has two columns a");
}
