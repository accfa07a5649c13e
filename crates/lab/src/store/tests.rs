//! Tests of the store: what is written is read, claims, and files that are no store.

use super::*;

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("vernier-store-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

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
fn the_last_result_of_a_key_counts() {
    let dir = folder("last");
    let mut store = Store::open(&dir.join("sub/lab.db")).unwrap();
    store.put(&trial("a", 1.0)).unwrap();
    store.put(&trial("b", 2.0)).unwrap();
    store.put(&trial("a", 3.0)).unwrap();
    assert_eq!(store.trial("a").unwrap(), Some(trial("a", 3.0)));
    assert_eq!(store.trial("c").unwrap(), None);
    let all = Store::existing(&dir.join("sub/lab.db"))
        .unwrap()
        .trials()
        .unwrap();
    assert_eq!(all, [trial("b", 2.0), trial("a", 3.0)]);
    let id = store.sweep("[1]", "vernier sweep").unwrap();
    assert_eq!(store.sweep("[1]", "again").unwrap(), id);
    assert_eq!(store.sweeps().unwrap().len(), 1);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn claims_keep_others_out_until_their_process_is_gone() {
    let dir = folder("claims");
    let path = dir.join("lab.db");
    let mut ours = Store::open(&path).unwrap();
    let mut other = Store::open(&path).unwrap();
    assert_eq!(ours.claim("k", Trial::is_done).unwrap(), Claim::Ours);
    assert_eq!(other.claim("k", Trial::is_done).unwrap(), Claim::Busy);
    ours.release("k").unwrap();
    assert_eq!(other.claim("k", Trial::is_done).unwrap(), Claim::Ours);
    other.put(&trial("k", 1.0)).unwrap();
    assert!(matches!(ours.claim("k", Trial::is_done).unwrap(), Claim::Done(_)));
    assert_eq!(ours.claim("k", |_| false).unwrap(), Claim::Ours);
    // A process that is gone, a process number that another process has now, a machine not heard of for long.
    for owner in [
        format!("{} 4194305 7", host()),
        format!("{} {} 7", host(), std::process::id()),
        "elsewhere 1 1".into(),
    ] {
        let stale = "INSERT OR REPLACE INTO claims (key, owner, beat) VALUES ('s', ?1, ?2)";
        ours.db
            .execute(stale, params![owner, seconds_now() - 1000])
            .unwrap();
        assert_eq!(ours.claim("s", Trial::is_done).unwrap(), Claim::Ours, "{owner}");
    }
    let fresh = "INSERT OR REPLACE INTO claims (key, owner, beat) VALUES ('f', 'elsewhere 1 1', ?1)";
    ours.db.execute(fresh, [seconds_now()]).unwrap();
    assert_eq!(ours.claim("f", Trial::is_done).unwrap(), Claim::Busy);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn other_files_are_refused_by_name() {
    let dir = folder("other");
    let path = dir.join("x");
    std::fs::write(&path, "this is not a database, not at all, whatever its length").unwrap();
    let error = Store::open(&path).err().unwrap().to_string();
    assert!(
        error.contains("/x: file is not a database") && error.contains("--store"),
        "{error}"
    );
    let newer = dir.join("newer");
    drop(Store::open(&newer).unwrap());
    Connection::open(&newer)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let error = Store::open(&newer).err().unwrap().to_string();
    assert!(error.contains("has layout 99"), "{error}");
    // Another program's database is left as it is, by who reads and who writes.
    let foreign = dir.join("foreign");
    let db = Connection::open(&foreign).unwrap();
    db.execute_batch("CREATE TABLE trials (a); INSERT INTO trials VALUES (1);")
        .unwrap();
    drop(db);
    let before = std::fs::read(&foreign).unwrap();
    for opened in [Store::open(&foreign), Store::existing(&foreign)] {
        let error = opened.err().unwrap().to_string();
        assert!(error.contains("is a database, but no store of trials"), "{error}");
    }
    assert_eq!(std::fs::read(&foreign).unwrap(), before);
    let missing = Store::existing(&dir.join("none")).err().unwrap().to_string();
    assert!(missing.contains("there is no store"), "{missing}");
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn who_reads_writes_nothing() {
    let dir = folder("read-only?%");
    let path = dir.join("lab.db");
    let mut writer = Store::open(&path).unwrap();
    writer.put(&trial("a", 1.0)).unwrap();
    // What another process is writing is seen.
    assert_eq!(Store::existing(&path).unwrap().trials().unwrap().len(), 1);
    drop(writer);
    let names = || {
        let mut names: Vec<_> = std::fs::read_dir(&dir)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["lab.db"]);
    let bytes = std::fs::read(&path).unwrap();
    let mut reader = Store::existing(&path).unwrap();
    assert_eq!(reader.trials().unwrap(), [trial("a", 1.0)]);
    assert!(reader.put(&trial("b", 2.0)).is_err());
    assert_eq!(names(), ["lab.db"]);
    drop(reader);
    assert_eq!(
        (names(), std::fs::read(&path).unwrap()),
        (vec!["lab.db".into()], bytes)
    );
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn the_manual_lists_every_column() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lab.md");
    let page = std::fs::read_to_string(page).unwrap();
    for column in COLUMNS {
        let row = format!("| `{}` | {} |", column.name, column.about.trim());
        assert!(page.contains(&row), "{row}");
    }
}

/// A store of layout 1, which had no counts of answers: who reads it changes nothing, who writes brings it up to date.
#[test]
fn a_store_of_an_older_layout_goes_on() {
    let dir = folder("older");
    let path = dir.join("lab.db");
    let old = COLUMNS
        .iter()
        .filter(|c| !["correct", "answers"].contains(&c.name));
    let old: Vec<String> = old.map(|c| format!("{} {}", c.name, c.kind.sql())).collect();
    let db = Connection::open(&path).unwrap();
    db.execute_batch(&format!(
        "CREATE TABLE sweeps (id INTEGER PRIMARY KEY, spec TEXT NOT NULL UNIQUE, created TEXT NOT NULL, command TEXT NOT NULL);
         CREATE TABLE trials (id INTEGER PRIMARY KEY, {});
         CREATE TABLE claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL, beat INTEGER NOT NULL);
         INSERT INTO trials (key, sweep, program, point, stages, identity, binary_hash, vernier, command, status, accuracy, seconds, host, finished)
         VALUES ('a', 1, 'mlp', '', '', '', '', '', '', 'done', 97.5, 0.5, '', '');
         PRAGMA user_version = 1;",
        old.join(", ")
    ))
    .unwrap();
    drop(db);
    let before = std::fs::read(&path).unwrap();
    let first = Store::existing(&path).unwrap().trial("a").unwrap().unwrap();
    assert_eq!(
        (first.accuracy, first.correct, first.seconds),
        (Some(97.5), None, 0.5)
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let counted = Trial {
        correct: Some(9_700),
        ..trial("b", 97.0)
    };
    let mut store = Store::open(&path).unwrap();
    store.put(&counted).unwrap();
    assert_eq!(store.trials().unwrap(), [first, counted]);
    drop(store);
    let layout = |db: &Connection| db.query_row("PRAGMA user_version", [], |r| r.get::<_, i64>(0));
    assert_eq!(layout(&Connection::open(&path).unwrap()).unwrap(), LAYOUT);
    std::fs::remove_dir_all(&dir).unwrap();
}

/// Sweeps that begin at once make one store: whoever comes while another makes it finds none, or all of it.
#[test]
fn a_store_can_be_made_by_several_at_once() {
    let dir = folder("at-once");
    for round in 0..40 {
        let path = dir.join(format!("{round}.db"));
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            let opens = || {
                start.wait();
                Store::open(&path).map(|_| ()).map_err(|e| e.to_string())
            };
            let all: Vec<_> = (0..4).map(|_| scope.spawn(opens)).collect();
            for one in all {
                assert_eq!(one.join().unwrap(), Ok(()), "round {round}");
            }
        });
    }
}
