//! The values of one column until they are written.

use std::io::Write;

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::{Type, TypePtr};

use super::columns::{Column, Value};
use super::row::Row;
use crate::report::text::Text;

/// The values of a column in the rows of a group.
pub(super) struct Chunk {
    value: Value,
    /// For each row 1 for a value, 0 for a null.
    levels: Vec<i16>,
    values: Values,
}

/// The values without the nulls.
enum Values {
    Flags(Vec<bool>),
    Numbers(Vec<i32>),
    Longs(Vec<i64>),
    /// All texts behind each other, and where each ends.
    Texts(Text, Vec<u32>),
}

impl Chunk {
    pub fn of(value: Value) -> Self {
        let values = match value {
            Value::Flag(_) => Values::Flags(Vec::new()),
            Value::Number(..) => Values::Numbers(Vec::new()),
            Value::Time(_) | Value::Long(_) => Values::Longs(Vec::new()),
            Value::Text(_) => Values::Texts(Text::default(), Vec::new()),
        };
        Chunk { value, levels: Vec::new(), values }
    }

    /// Adds the value of a row.
    pub fn push(&mut self, row: &Row<'_>) {
        let there = match (self.value, &mut self.values) {
            (Value::Flag(of), Values::Flags(list)) => add(list, of(row)),
            (Value::Number(_, of), Values::Numbers(list)) => add(list, of(row).map(|number| number as i32)),
            (Value::Time(of) | Value::Long(of), Values::Longs(list)) => add(list, of(row)),
            (Value::Text(of), Values::Texts(text, ends)) => {
                let start = text.len();
                of(row, text);
                add(ends, (text.len() > start).then_some(text.len() as u32))
            }
            // The two are made together.
            _ => false,
        };
        self.levels.push(there.into());
    }

    /// Bytes of its texts.
    pub fn text_bytes(&self) -> usize {
        if let Values::Texts(text, _) = &self.values { text.len() } else { 0 }
    }

    /// Writes the values as the next column of a group and forgets them.
    pub fn write<W: Write + Send>(&mut self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<()> {
        let missing = || ParquetError::General("a column too many".to_owned());
        let mut column = group.next_column()?.ok_or_else(missing)?;
        let levels = Some(self.levels.as_slice());
        match (&mut self.values, column.untyped()) {
            (Values::Flags(list), ColumnWriter::BoolColumnWriter(to)) => {
                to.write_batch(list, levels, None)?;
                list.clear();
            }
            (Values::Numbers(list), ColumnWriter::Int32ColumnWriter(to)) => {
                to.write_batch(list, levels, None)?;
                list.clear();
            }
            (Values::Longs(list), ColumnWriter::Int64ColumnWriter(to)) => {
                to.write_batch(list, levels, None)?;
                list.clear();
            }
            (Values::Texts(text, ends), ColumnWriter::ByteArrayColumnWriter(to)) => {
                to.write_batch(&pieces(std::mem::take(text), ends), levels, None)?;
                ends.clear();
            }
            _ => return Err(ParquetError::General("a column of another type".to_owned())),
        }
        self.levels.clear();
        column.close()
    }
}

fn add<T>(list: &mut Vec<T>, value: Option<T>) -> bool {
    let there = value.is_some();
    list.extend(value);
    there
}

/// The single texts, which share their memory.
fn pieces(text: Text, ends: &[u32]) -> Vec<ByteArray> {
    let all = ByteArray::from(text.into_bytes());
    let mut start = 0;
    let piece = |end: &u32| {
        let (from, end) = (std::mem::replace(&mut start, *end as usize), *end as usize);
        all.slice(from, end - from)
    };
    ends.iter().map(piece).collect()
}

/// What the file says of a column.
pub(super) fn described((name, value): &Column) -> Result<TypePtr> {
    let (physical, logical) = match value {
        Value::Flag(_) => (Physical::BOOLEAN, None),
        Value::Number(bits, _) => (Physical::INT32, Some(LogicalType::integer(*bits, false))),
        Value::Long(_) => (Physical::INT64, None),
        // "Not adjusted to UTC" makes readers show the hours as they are stored, in whatever zone they run: UTC.
        Value::Time(_) => (Physical::INT64, Some(LogicalType::timestamp(false, TimeUnit::NANOS))),
        Value::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let described = Type::primitive_type_builder(name, physical);
    Ok(described.with_repetition(Repetition::OPTIONAL).with_logical_type(logical).build()?.into())
}
