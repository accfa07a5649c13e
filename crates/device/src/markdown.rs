//! The reference page of the options, from the table.

use crate::options::{EARLIER_NAMES, OPTIONS, Use};
use std::fmt::Write;

/// The option table as a page of Markdown.
pub fn options_markdown() -> String {
    let mut page = String::from(
        "# Options of a device configuration\n\n\
         A file `gpgpusim.config` holds lines `-option value`; `#` begins a comment; a value in quotation marks may go over\n\
         several lines; of several values for one option the last holds. Names are those of GPGPU-Sim.\n",
    );
    let parts = [
        (Use::Now, "Used by functional simulation"),
        (Use::Later, "Kept for performance simulation"),
        (Use::Never, "Accepted without effect"),
    ];
    for (used, title) in parts {
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "\n## {title}\n\n| option | value | default | meaning |\n|---|---|---|---|\n"
        );
        for option in OPTIONS.iter().filter(|option| option.used == used) {
            let default = if option.default.is_empty() {
                String::new()
            } else {
                format!("`{}`", option.default)
            };
            let allowed = option.kind.allowed();
            let _ = writeln!(
                page,
                "| `{}` | {allowed} | {default} | {} |",
                option.name, option.meaning
            );
        }
    }
    page.push_str("\n## Other names\n\n| in some files | here |\n|---|---|\n");
    for (earlier, today) in EARLIER_NAMES {
        let _ = writeln!(page, "| `{earlier}` | `{today}` |");
    }
    page
}
