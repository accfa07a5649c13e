//! Every column comes back from each form, and what is not known stays unknown.

use export::{csv, json, parquet};
use lab::store::{COLUMNS, DONE, Trial};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;

fn trial(key: &str, accuracy: f64) -> Trial {
    Trial {
        key: key.into(),
        program: "mlp".into(),
        format: Some("e5m2".into()),
        status: DONE.into(),
        accuracy: Some(accuracy),
        launches: Some(60),
        seconds: 0.5,
        message: Some("a, \"b\"\nc".into()),
        ..Trial::default()
    }
}

#[test]
fn exports_hold_every_column_and_null() {
    let trials = [
        trial("a", 97.5),
        Trial {
            accuracy: None,
            ..trial("b", 0.0)
        },
    ];
    let text = csv(&trials).unwrap();
    assert!(text.starts_with("key,sweep,program,"));
    assert!(text.contains(",\"a, \"\"b\"\"\nc\",97.5,"), "{text}");
    assert!(text.contains(",\"a, \"\"b\"\"\nc\",,,"), "{text}");
    let back: Vec<Trial> = serde_json::from_str(&json(&trials).unwrap()).unwrap();
    assert_eq!(back, trials);

    let bytes = parquet(&trials).unwrap();
    let file = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    assert_eq!(file.metadata().file_metadata().num_rows(), 2);
    let at = |name: &str| COLUMNS.iter().position(|c| c.name == name).unwrap();
    let rows: Vec<_> = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows[0].get_string(at("format")).unwrap(), "e5m2");
    assert_eq!(rows[0].get_double(at("accuracy")).unwrap(), 97.5);
    assert_eq!(rows[1].get_long(at("launches")).unwrap(), 60);
    assert!(rows[1].get_double(at("accuracy")).is_err());
    assert_eq!(parquet(&[]).map(|b| b[..4].to_vec()).unwrap(), b"PAR1");
}
