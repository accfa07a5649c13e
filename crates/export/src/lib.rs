//! Trials as CSV, JSON and Parquet, with the columns of the store.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use lab::store::{COLUMNS, Column, Kind, Trial, object};
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use serde_json::Value;
use std::sync::Arc;
use tell::Error;

/// A line of names, then a line a trial; nothing between the commas where there is no value.
///
/// # Errors
/// None that is expected.
pub fn csv(trials: &[Trial]) -> Result<String, Error> {
    let mut records = vec![COLUMNS.iter().map(|c| c.name.to_string()).collect()];
    for trial in trials {
        let object = object(trial)?;
        records.push(COLUMNS.iter().map(|c| cell(&object[c.name])).collect());
    }
    tell::table::csv(&records)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

/// A JSON list of objects, with a newline at its end.
///
/// # Errors
/// None that is expected.
pub fn json(trials: &[Trial]) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(trials);
    text.map(|t| t + "\n")
        .map_err(|e| Error::failed(format!("the trials cannot be written as JSON: {e}"), ""))
}

/// A Parquet file of one row group, not compressed; every column may be null.
///
/// # Errors
/// What the Parquet writer says.
pub fn parquet(trials: &[Trial]) -> Result<Vec<u8>, Error> {
    write(trials).map_err(|e| Error::failed(format!("the trials cannot be written as Parquet: {e}"), ""))
}

fn write(trials: &[Trial]) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let objects: Result<Vec<_>, Error> = trials.iter().map(object).collect();
    let objects = objects.map_err(|e| parquet::errors::ParquetError::General(e.to_string()))?;
    let field = |c: &Column| {
        let (physical, logical) = match c.kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Integer => (Physical::INT64, None),
            Kind::Real => (Physical::DOUBLE, None),
        };
        Type::primitive_type_builder(c.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()
            .map(Arc::new)
    };
    let fields = COLUMNS.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder("trial").with_fields(fields).build()?;
    let mut bytes = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), properties)?;
    let mut group = writer.next_row_group()?;
    for column in COLUMNS {
        let Some(mut out) = group.next_column()? else {
            break;
        };
        let values = objects.iter().map(|o| &o[column.name]);
        let there: Vec<i16> = values.clone().map(|v| i16::from(!v.is_null())).collect();
        match column.kind {
            Kind::Text => {
                let values: Vec<ByteArray> = values.filter_map(Value::as_str).map(ByteArray::from).collect();
                out.typed::<ByteArrayType>()
                    .write_batch(&values, Some(&there), None)?;
            }
            Kind::Integer => {
                let values: Vec<i64> = values.filter_map(Value::as_i64).collect();
                out.typed::<Int64Type>()
                    .write_batch(&values, Some(&there), None)?;
            }
            Kind::Real => {
                let values: Vec<f64> = values.filter_map(Value::as_f64).collect();
                out.typed::<DoubleType>()
                    .write_batch(&values, Some(&there), None)?;
            }
        }
        out.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(bytes)
}
