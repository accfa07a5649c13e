//! Figures as PNG, for programs that do not read SVG. Text is drawn in fonts that are part of the command, so that a figure
//! looks the same on every machine.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};
use std::sync::{Arc, OnceLock};
use tell::Error;

/// DejaVu Sans, its licence beside it.
const FONTS: [&[u8]; 2] = [
    include_bytes!("font/DejaVuSans-subset.ttf"),
    include_bytes!("font/DejaVuSans-Bold-subset.ttf"),
];

/// Pixels for each unit of a drawing: 300 dots an inch where a unit is 1/96 inch.
const SCALE: f32 = 3.125;

fn fonts() -> Arc<fontdb::Database> {
    static DATABASE: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let make = || {
        let mut database = fontdb::Database::new();
        for font in FONTS {
            database.load_font_data(font.to_vec());
        }
        database.set_sans_serif_family("DejaVu Sans");
        Arc::new(database)
    };
    Arc::clone(DATABASE.get_or_init(make))
}

/// An SVG document as PNG on white.
///
/// # Errors
/// It cannot be drawn; no figure of ours is such.
pub fn png(svg: &str, name: &str) -> Result<Vec<u8>, Error> {
    let failed = |what: &dyn std::fmt::Display| {
        let message = format!("the figure {name} cannot be drawn as PNG: {what}");
        Error::failed(message, "its SVG file is there")
    };
    let options = Options {
        fontdb: fonts(),
        font_family: "sans-serif".into(),
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options).map_err(|e| failed(&e))?;
    let size = tree.size().to_int_size().scale_by(SCALE);
    let pixels = size.and_then(|s| Pixmap::new(s.width(), s.height()));
    let mut pixels = pixels.ok_or_else(|| failed(&"it is too large"))?;
    pixels.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| failed(&e))
}
