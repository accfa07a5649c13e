//! The store: every trial of every sweep and search in one SQLite file, which several processes may use at once.
//!
//! What holds:
//! * a trial is written in one transaction when it has ended, so a process that is killed loses the trials it was at and
//!   nothing else;
//! * a trial that is being run is *claimed* by its process; others wait for it or take over the claims of processes
//!   that are gone;
//! * results are added, never changed: of several results of one key the last one counts;
//! * a store of an older Vernier is read as it is, what it does not know being empty, and gets the columns that it lacks
//!   when something is first written; one of a newer layout is refused;
//! * who only reads writes nothing, not even beside the file, and a file that is no store is left as it is.

mod columns;

pub use columns::{COLUMNS, Column, DONE, FAILED, Kind, Trial};

use jiff::Timestamp;
use run::cache;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params, params_from_iter,
};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tell::Error;

/// Where the store lies when nobody says where.
pub const DEFAULT: &str = "runs/lab.db";

/// The layout of the file, in SQLite's `user_version`. A new column needs no new layout: what reads a row takes a column that
/// is not there for empty, what writes adds it. It goes up when an older Vernier would misunderstand the file; how the one
/// before becomes the new one then stands in [`Store::prepare`].
const LAYOUT: i64 = 2;

/// How long one process waits for another's transaction.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often an empty file is looked at again, and how long is waited between.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// A claim of another machine that was not renewed for so long is void. (Claims of this machine are void when their
/// process is gone.)
const STALE: Duration = Duration::from_secs(120);

/// An open store.
pub struct Store {
    path: PathBuf,
    db: Connection,
    /// The beginning of every question for trials: all of [`COLUMNS`].
    select: String,
    /// Who we are, in claims: `HOST PID START`.
    owner: String,
}

/// What became of asking for a trial.
#[derive(Debug, PartialEq)]
pub enum Claim {
    /// It is ours to run.
    Ours,
    /// Another process is at it.
    Busy,
    /// Another process has done it meanwhile.
    Done(Box<Trial>),
}

/// A sweep or search that was begun.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// Number in this store.
    pub id: i64,
    /// What it does: its points as JSON.
    pub spec: String,
    /// When it was begun, UTC.
    pub created: String,
    /// The `vernier` command line.
    pub command: String,
}

impl Store {
    /// Opens a store; it is made if it is not there.
    ///
    /// # Errors
    /// The file cannot be opened, is no store, or has a newer layout.
    pub fn open(path: &Path) -> Result<Store, Error> {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            cache::create(folder)?;
        }
        let db = Connection::open(path).map_err(|e| fault(path, "open", &e))?;
        let mut store = Store::of(path, db);
        store.prepare()?;
        store.select = store.select()?;
        Ok(store)
    }

    fn of(path: &Path, db: Connection) -> Store {
        Store {
            path: path.into(),
            db,
            select: String::new(),
            owner: owner(),
        }
    }

    /// Opens a store that must be there, to read from it. Nothing is written, not even beside the file; it may lie where
    /// nobody may write.
    ///
    /// # Errors
    /// A file that is not there or is no store, or a store of a newer layout.
    pub fn existing(path: &Path) -> Result<Store, Error> {
        if !path.is_file() {
            return Err(Error::failed(
                format!("there is no store {}", path.display()),
                "`vernier sweep` makes one; --store FILE names another",
            ));
        }
        for _ in 0..TRIES {
            let mut store = Store::reader(path)?;
            if store.is_one()? {
                store.select = store.select()?;
                return Ok(store);
            }
            // Empty: a process may be about to make it.
            std::thread::sleep(PAUSE);
        }
        Err(no_store(path))
    }

    /// A store that is only read from, whatever it is.
    fn reader(path: &Path) -> Result<Store, Error> {
        let failed = |e: rusqlite::Error| fault(path, "open", &e);
        // A log beside the file belongs to a process that writes, or was killed: it is read with the file, under SQLite's
        // locks. Without one the file is whole, and SQLite would make a log only to read it: the file is said not to change.
        let mut log = path.as_os_str().to_os_string();
        log.push("-wal");
        let busy = std::fs::metadata(&log).is_ok_and(|m| m.len() > 0);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = if busy {
            Connection::open_with_flags(path, flags)
        } else {
            let whole = std::path::absolute(path).map_err(|e| Error::file("find", path, &e))?;
            let address = format!("file:{}?immutable=1", escaped(&whole));
            Connection::open_with_flags(address, flags | OpenFlags::SQLITE_OPEN_URI)
        };
        let store = Store::of(path, db.map_err(failed)?);
        store.db.busy_timeout(PATIENCE).map_err(failed)?;
        Ok(store)
    }

    /// Whether the file is a store; it is not when it is empty.
    ///
    /// # Errors
    /// It is something else, or a store of a newer layout.
    fn is_one(&self) -> Result<bool, Error> {
        let failed = |e: rusqlite::Error| fault(&self.path, "open", &e);
        // All of one moment: another process may be making it.
        let moment = self.db.unchecked_transaction().map_err(failed)?;
        let number = |sql: &str| moment.query_row(sql, [], |r| r.get::<_, i64>(0)).map_err(failed);
        let layout = number("PRAGMA user_version")?;
        let all = number("SELECT count(*) FROM sqlite_schema")?;
        let own = number(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('sweeps', 'trials', 'claims')",
        )?;
        match (own, layout) {
            (3, 1..=LAYOUT) => Ok(true),
            (3, _) => Err(Error::failed(
                format!(
                    "the store {} has layout {layout}; this version of Vernier reads layouts up to {LAYOUT}",
                    self.path.display()
                ),
                "use the version of Vernier that made it, or name another file with --store",
            )),
            _ if all > 0 || layout != 0 => Err(no_store(&self.path)),
            _ => Ok(false),
        }
    }

    fn prepare(&self) -> Result<(), Error> {
        let failed = |e: rusqlite::Error| fault(&self.path, "open", &e);
        self.db.busy_timeout(PATIENCE).map_err(failed)?;
        let is_one = self.is_one()?;
        // SQLite does not wait for others who change the mode at the same moment, whatever its patience.
        let start = std::time::Instant::now();
        while let Err(e) = self.db.pragma_update(None, "journal_mode", "WAL") {
            let taken = e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
            if !taken || start.elapsed() > PATIENCE {
                return Err(failed(e));
            }
            std::thread::sleep(PAUSE);
        }
        self.db
            .pragma_update(None, "synchronous", "NORMAL")
            .map_err(failed)?;
        let layout: i64 = self
            .db
            .query_row("PRAGMA user_version", [], |r| r.get(0))
            .map_err(failed)?;
        if is_one && layout == LAYOUT && self.there()?.len() == COLUMNS.len() {
            return Ok(());
        }
        // All or nothing, and one process after the other: the second finds what the first has done.
        let all = Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate).map_err(failed)?;
        let make = "CREATE TABLE IF NOT EXISTS sweeps (id INTEGER PRIMARY KEY, spec TEXT NOT NULL UNIQUE, created TEXT NOT NULL, command TEXT NOT NULL);
             CREATE TABLE IF NOT EXISTS trials (id INTEGER PRIMARY KEY, key TEXT);
             CREATE INDEX IF NOT EXISTS trials_by_key ON trials (key, id);
             CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL, beat INTEGER NOT NULL);";
        all.execute_batch(make).map_err(failed)?;
        let there = self.there()?;
        for column in COLUMNS.iter().filter(|c| !there.contains(&c.name)) {
            let add = format!(
                "ALTER TABLE trials ADD COLUMN {} {}",
                column.name,
                column.kind.sql()
            );
            all.execute(&add, []).map_err(failed)?;
        }
        all.pragma_update(None, "user_version", LAYOUT).map_err(failed)?;
        all.commit().map_err(failed)
    }

    /// The columns of the table of trials that we know.
    fn there(&self) -> Result<Vec<&'static str>, Error> {
        let failed = |e: rusqlite::Error| fault(&self.path, "open", &e);
        let question = self.db.prepare("SELECT name FROM pragma_table_info('trials')");
        let mut question = question.map_err(failed)?;
        let names = question.query_map([], |r| r.get::<_, String>(0));
        let names: Vec<String> = names.and_then(Iterator::collect).map_err(failed)?;
        let known = COLUMNS.iter().map(|c| c.name);
        Ok(known.filter(|n| names.iter().any(|there| there == n)).collect())
    }

    /// What asks for all columns; those that are not there are empty.
    fn select(&self) -> Result<String, Error> {
        let there = self.there()?;
        let names = COLUMNS.iter().map(|c| match there.contains(&c.name) {
            true => c.name,
            false => "NULL",
        });
        Ok(format!(
            "SELECT {} FROM trials",
            names.collect::<Vec<_>>().join(", ")
        ))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The sweep with this specification: the one that is there, else a new one.
    ///
    /// # Errors
    /// Those of the file.
    pub fn sweep(&self, spec: &str, command: &str) -> Result<i64, Error> {
        let failed = |e: rusqlite::Error| fault(&self.path, "write", &e);
        self.db
            .execute(
                "INSERT OR IGNORE INTO sweeps (spec, created, command) VALUES (?1, ?2, ?3)",
                params![spec, now(), command],
            )
            .map_err(failed)?;
        self.db
            .query_row("SELECT id FROM sweeps WHERE spec = ?1", [spec], |r| r.get(0))
            .map_err(failed)
    }

    /// All sweeps, the oldest first.
    ///
    /// # Errors
    /// Those of the file.
    pub fn sweeps(&self) -> Result<Vec<Sweep>, Error> {
        let failed = |e: rusqlite::Error| fault(&self.path, "read", &e);
        let mut statement = self
            .db
            .prepare("SELECT id, spec, created, command FROM sweeps ORDER BY id")
            .map_err(failed)?;
        let rows = statement.query_map([], |r| {
            Ok(Sweep {
                id: r.get(0)?,
                spec: r.get(1)?,
                created: r.get(2)?,
                command: r.get(3)?,
            })
        });
        rows.and_then(Iterator::collect).map_err(failed)
    }

    /// The last result of a key.
    ///
    /// # Errors
    /// Those of the file.
    pub fn trial(&self, key: &str) -> Result<Option<Trial>, Error> {
        let sql = format!("{} WHERE key = ?1 ORDER BY id DESC LIMIT 1", self.select);
        self.db
            .query_row(&sql, [key], from_row)
            .optional()
            .map_err(|e| fault(&self.path, "read", &e))
    }

    /// The last results of all keys, in the order in which they were written.
    ///
    /// # Errors
    /// Those of the file.
    pub fn trials(&self) -> Result<Vec<Trial>, Error> {
        let failed = |e: rusqlite::Error| fault(&self.path, "read", &e);
        let sql = format!(
            "{} WHERE id IN (SELECT max(id) FROM trials GROUP BY key) ORDER BY id",
            self.select
        );
        let mut statement = self.db.prepare(&sql).map_err(failed)?;
        let rows = statement.query_map([], from_row);
        rows.and_then(Iterator::collect).map_err(failed)
    }

    /// Asks for a trial. A result that is there and that `accept` takes is given back instead.
    ///
    /// # Errors
    /// Those of the file.
    pub fn claim(&mut self, key: &str, accept: impl Fn(&Trial) -> bool) -> Result<Claim, Error> {
        if let Some(trial) = self.trial(key)?.filter(&accept) {
            return Ok(Claim::Done(Box::new(trial)));
        }
        let path = self.path.clone();
        let failed = |e: rusqlite::Error| fault(&path, "write", &e);
        let transaction = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let held: Option<(String, i64)> = transaction
            .query_row("SELECT owner, beat FROM claims WHERE key = ?1", [key], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })
            .optional()
            .map_err(failed)?;
        if let Some((owner, beat)) = held
            && alive(&owner, beat)
        {
            return Ok(Claim::Busy);
        }
        transaction
            .execute(
                "INSERT OR REPLACE INTO claims (key, owner, beat) VALUES (?1, ?2, ?3)",
                params![key, self.owner, seconds_now()],
            )
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
        // Between our look and our claim another process may have finished it.
        if let Some(trial) = self.trial(key)?.filter(&accept) {
            self.release(key)?;
            return Ok(Claim::Done(Box::new(trial)));
        }
        Ok(Claim::Ours)
    }

    /// Renews all claims of this process.
    ///
    /// # Errors
    /// Those of the file.
    pub fn beat(&self) -> Result<(), Error> {
        self.db
            .execute(
                "UPDATE claims SET beat = ?2 WHERE owner = ?1",
                params![self.owner, seconds_now()],
            )
            .map(drop)
            .map_err(|e| fault(&self.path, "write", &e))
    }

    /// Gives a claim back without a result.
    ///
    /// # Errors
    /// Those of the file.
    pub fn release(&self, key: &str) -> Result<(), Error> {
        self.db
            .execute(
                "DELETE FROM claims WHERE key = ?1 AND owner = ?2",
                params![key, self.owner],
            )
            .map(drop)
            .map_err(|e| fault(&self.path, "write", &e))
    }

    /// Writes a result and gives its claim back, both or neither.
    ///
    /// # Errors
    /// Those of the file.
    pub fn put(&mut self, trial: &Trial) -> Result<(), Error> {
        let path = self.path.clone();
        let failed = |e: rusqlite::Error| fault(&path, "write", &e);
        let values = values(trial)?;
        let transaction = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let names: Vec<&str> = COLUMNS.iter().map(|c| c.name).collect();
        let marks = vec!["?"; names.len()].join(", ");
        transaction
            .execute(
                &format!("INSERT INTO trials ({}) VALUES ({marks})", names.join(", ")),
                params_from_iter(values),
            )
            .map_err(failed)?;
        transaction
            .execute(
                "DELETE FROM claims WHERE key = ?1 AND owner = ?2",
                params![trial.key, self.owner],
            )
            .map_err(failed)?;
        transaction.commit().map_err(failed)
    }
}

/// A path in a URI.
fn escaped(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes().iter();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    bytes
        .map(|&b| match plain(b) {
            true => char::from(b).to_string(),
            false => format!("%{b:02X}"),
        })
        .collect()
}

fn no_store(path: &Path) -> Error {
    Error::failed(
        format!("{} is a database, but no store of trials", path.display()),
        "name another file; `vernier sweep` makes a store (runs/lab.db, or --store FILE)",
    )
}

/// A trial's fields as a JSON object, in the order of [`COLUMNS`].
pub fn object(trial: &Trial) -> Result<serde_json::Map<String, serde_json::Value>, Error> {
    match serde_json::to_value(trial) {
        Ok(serde_json::Value::Object(map)) => Ok(map),
        _ => Err(Error::failed("a trial cannot be written as JSON", "")),
    }
}

fn values(trial: &Trial) -> Result<Vec<Value>, Error> {
    let object = object(trial)?;
    let value = |column: &Column| match &object[column.name] {
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Number(n) => match (column.kind, n.as_i64()) {
            (Kind::Integer, Some(n)) => Value::Integer(n),
            _ => n.as_f64().map_or(Value::Null, Value::Real),
        },
        _ => Value::Null,
    };
    Ok(COLUMNS.iter().map(value).collect())
}

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Trial> {
    let mut object = serde_json::Map::new();
    for (i, column) in COLUMNS.iter().enumerate() {
        let value: serde_json::Value = match row.get_ref(i)? {
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
            ValueRef::Integer(n) => n.into(),
            ValueRef::Real(x) => x.into(),
            // As the default has it.
            ValueRef::Null | ValueRef::Blob(_) => continue,
        };
        object.insert(column.name.into(), value);
    }
    serde_json::from_value(object.into())
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))
}

fn fault(path: &Path, action: &str, error: &rusqlite::Error) -> Error {
    use rusqlite::ErrorCode as Code;
    let advice = match error.sqlite_error_code() {
        Some(Code::NotADatabase) => "it is no store of trials; name another file with --store",
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => {
            "another process holds it for long; try again when it has ended"
        }
        Some(Code::DiskFull) => "free some space, or name a place on another disk with --store",
        Some(Code::CannotOpen | Code::PermissionDenied | Code::ReadOnly) => {
            "check the permissions, or name another place with --store"
        }
        Some(Code::DatabaseCorrupt) => {
            "the file is damaged: restore a copy, or begin anew with another --store"
        }
        _ => "",
    };
    let reason = match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => text.clone(),
        other => other.to_string(),
    };
    Error::failed(
        format!("cannot {action} the store {}: {reason}", path.display()),
        advice,
    )
}

/// The machine's name.
pub fn host() -> String {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer is as long as said, and one byte stays zero.
    let done = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) };
    let end = buffer.iter().position(|b| *b == 0).unwrap_or(0);
    match done {
        0 => String::from_utf8_lossy(&buffer[..end]).into_owned(),
        _ => "unknown".into(),
    }
}

fn owner() -> String {
    let pid = std::process::id();
    format!("{} {pid} {}", host(), started(pid).unwrap_or(0))
}

/// When a process of this machine was started, in the kernel's ticks; `None` when it is not there.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Field 22, counted from the state, which follows the name in parentheses.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Whether the process that made a claim may still be at it.
fn alive(owner: &str, beat: i64) -> bool {
    let mut words = owner.split(' ');
    let (name, pid, start) = (words.next(), words.next(), words.next());
    if name == Some(&host()) {
        let pid = pid.and_then(|p| p.parse().ok());
        let start = start.and_then(|s| s.parse().ok());
        return pid.and_then(started).is_some_and(|s| Some(s) == start);
    }
    seconds_now() - beat < STALE.as_secs() as i64
}

fn seconds_now() -> i64 {
    Timestamp::now().as_second()
}

/// `2026-11-23 17:53:35`, UTC.
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests;
