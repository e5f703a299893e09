//! Parts of a page that are written as Markdown and as HTML.

use super::escape;
use super::tables::aligned;

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// A name for its file.
    pub name: String,
    /// What it shows.
    pub caption: String,
    /// The picture.
    pub svg: String,
}

/// A part of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A table: the header, and lines of as many cells.
    Table {
        /// Names of the columns.
        header: Vec<String>,
        /// The lines.
        rows: Vec<Vec<String>>,
    },
    /// A picture.
    Figure(Figure),
    /// Test images with predictions, as HTML of [`cards`](super::cards); Markdown leaves them out.
    Cards(String),
}

/// Letters from which on a table's cell is a sentence, which is broken into lines.
const SENTENCE: usize = 32;

impl Block {
    /// A table under this header.
    #[must_use]
    pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self::Table { header: header.iter().map(|&name| name.to_owned()).collect(), rows }
    }

    /// A C x C matrix under the names of the classes, two decimals an entry.
    #[must_use]
    pub fn matrix(classes: &[String], matrix: &[f64]) -> Self {
        let header = std::iter::once(String::new()).chain(classes.iter().cloned()).collect();
        let row = |(name, row): (&String, &[f64])| {
            std::iter::once(name.clone()).chain(row.iter().map(|value| format!("{value:.2}"))).collect()
        };
        Self::Table { header, rows: classes.iter().zip(matrix.chunks(classes.len().max(1))).map(row).collect() }
    }

    /// A picture with its caption.
    #[must_use]
    pub fn figure(name: &str, caption: &str, svg: String) -> Self {
        Self::Figure(Figure { name: name.to_owned(), caption: caption.to_owned(), svg })
    }

    /// As words for a terminal, which shows no pictures.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => format!("{text}\n"),
            Self::Table { header, rows } => aligned(header.clone(), rows.clone()),
            Self::Figure(_) | Self::Cards(_) => String::new(),
        }
    }

    /// As Markdown, with figures under `figures/`.
    #[must_use]
    pub fn markdown(&self) -> String {
        match self {
            Self::Text(text) => format!("{text}\n\n"),
            Self::Table { header, rows } => {
                let line = |cells: &[String]| {
                    let cells: Vec<String> =
                        cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
                    format!("| {} |\n", cells.join(" | "))
                };
                let rule = format!("|{}\n", " --- |".repeat(header.len()));
                let rows: String = rows.iter().map(|row| line(row)).collect();
                format!("{}{rule}{rows}\n", line(header))
            }
            Self::Cards(_) => String::new(),
            Self::Figure(Figure { name, caption, .. }) => {
                format!("![{caption}](figures/{name}.svg)\n\n*{caption}*\n\n")
            }
        }
    }

    /// As HTML that holds its figures.
    #[must_use]
    pub fn html(&self) -> String {
        match self {
            Self::Text(text) => format!("<p>{}</p>\n", escape(text)),
            Self::Table { header, rows } => {
                let line = |cells: &[String], kind: &str| {
                    let cell = |cell: &String| {
                        let class = if cell.chars().count() >= SENTENCE { " class=\"sentence\"" } else { "" };
                        format!("<{kind}{class}>{}</{kind}>", escape(cell))
                    };
                    format!("<tr>{}</tr>\n", cells.iter().map(cell).collect::<String>())
                };
                let body: String = rows.iter().map(|row| line(row, "td")).collect();
                let head = line(header, "th");
                format!(
                    "<div class=\"wide\"><table class=\"final\">\n<thead>{head}</thead>\n<tbody>{body}</tbody></table></div>\n"
                )
            }
            Self::Cards(html) => format!("<div class=\"samples\">\n{html}</div>\n"),
            Self::Figure(Figure { caption, svg, .. }) => {
                format!("<figure>{svg}\n<figcaption>{}</figcaption></figure>\n", escape(caption))
            }
        }
    }
}
