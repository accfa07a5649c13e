//! The HTML page that everything is shown on: one file that needs nothing but a browser, in the reader's theme, on paper
//! too. All text is escaped where it is written (`maud`).

use crate::figure::{Figure, STYLE};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The whole page. `about` is a line below the title, `foot` one at the end.
pub fn page(title: &str, about: &Markup, main: &Markup, foot: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(include_str!("page.css"))) (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p.soft { (about) }
                    button #theme type="button" title="light, dark or as the system has it" { "Theme" }
                }
                main { (main) }
                footer.soft { (foot) }
                aside #picked hidden {
                    pre {}
                    button #copy type="button" { "Copy command" }
                    button #close type="button" aria-label="close" { "×" }
                }
                script { (PreEscaped(include_str!("page.js"))) }
            }
        }
    };
    page.into_string() + "\n"
}

/// Figures side by side where there is room.
pub fn figures(figures: &[Figure]) -> Markup {
    html! {
        div.figures {
            @for figure in figures {
                figure id=(figure.name) {
                    h3 { (figure.title) }
                    (figure.svg())
                    figcaption { (figure.caption) }
                }
            }
        }
    }
}

/// A table that can be sorted by a click on a head. Names that begin with `#` are of columns of numbers.
pub fn table(id: Option<&str>, names: &[&str], rows: &Markup) -> Markup {
    html! {
        div.wide {
            table.sortable id=[id] {
                thead {
                    tr {
                        @for name in names {
                            @let class = name.starts_with('#').then_some("n");
                            th scope="col" class=[class] { button type="button" { (name.trim_start_matches('#')) } }
                        }
                    }
                }
                tbody { (rows) }
            }
        }
    }
}
