//! Tables as CSV.

use crate::Error;

/// Lines of fields as CSV (RFC 4180).
///
/// # Errors
/// None that is expected: it is written into memory.
pub fn csv(records: &[Vec<String>]) -> Result<String, Error> {
    let failed =
        |e: &dyn std::fmt::Display| Error::failed(format!("a table cannot be written as CSV: {e}"), "");
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for record in records {
        writer.write_record(record).map_err(|e| failed(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| failed(&e))?;
    String::from_utf8(bytes).map_err(|e| failed(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let records = [["a", "b"], ["x, \"y\"\nz", ""]].map(|r| r.map(String::from).to_vec());
        assert_eq!(csv(&records).unwrap(), "a,b\r\n\"x, \"\"y\"\"\nz\",\r\n");
    }
}
