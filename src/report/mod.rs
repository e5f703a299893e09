//! What a run leaves behind for people: tables, plots, and one HTML page that shows all of it.
//!
//! Everything here reads plain numbers and knows neither device nor trainer.

mod block;
mod curves;
mod figure;
mod heatmap;
mod html;
mod lettering;
mod palette;
mod paper;
mod predictions;
mod records;
mod samples;
mod scale;
mod tables;

use std::path::{Path, PathBuf};

pub use crate::train::EpochRow;
pub use block::{Block, Figure};
pub use curves::{Chart, charts_png, charts_svg, curves_png, curves_svg};
pub use figure::{data_url, encode_png};
pub use heatmap::{
    confusion_heatmap_png, confusion_heatmap_svg, difference_heatmap_png, difference_heatmap_svg, heatmap_png,
    heatmap_svg,
};
pub use html::{LossReport, ReportData, report_html};
pub use html::{died_text, page};
pub use palette::{Rgb, blue_to_red, cividis, hex, ink_on, loss_color, viridis};
pub use paper::{ALXS, Printed, RES};
pub use predictions::{Predicted, deaths, with_deaths};
pub use records::{
    METRICS_HEADER, losses_of, read_confusion_csv, read_matrix_csv, read_metrics_csv, write_confusion_csv,
    write_matrix_csv, write_metrics_csv,
};
pub use samples::{Prediction, Sample, cards};
pub use tables::{
    FinalRow, accuracy_table_text, confusion_table_text, escape, final_rows, final_table_html, final_table_text,
    further_table_html, matrix_table_text,
};

/// Why a table, plot or report cannot be read, drawn or written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is no well-formed CSV of the expected columns.
    #[error("{}: {source}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and in which line.
        source: csv::Error,
    },
    /// A CSV file has other contents than its kind should.
    #[error("{}: {problem}", path.display())]
    Contents {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// An input has the wrong number of entries.
    #[error("{what} has {found} entries where {expected} are needed")]
    Shape {
        /// The input.
        what: String,
        /// How many entries it should have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// A plot cannot be drawn or encoded.
    #[error("the plot cannot be drawn: {0}")]
    Draw(String),
}

/// Checks that an input has as many entries as it should.
fn expect_shape(what: &str, expected: usize, found: usize) -> Result<(), ReportError> {
    if expected == found {
        return Ok(());
    }
    Err(ReportError::Shape { what: what.to_owned(), expected, found })
}

/// An error of the system about a file.
fn io_error(path: &Path) -> impl Fn(std::io::Error) -> ReportError + '_ {
    move |source| ReportError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
pub(crate) mod tests {
    /// Checks that a text is well-formed XML, a document type allowed.
    #[track_caller]
    pub(crate) fn assert_well_formed(text: &str) {
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        if let Err(error) = roxmltree::Document::parse_with_options(text, options) {
            panic!("{error}");
        }
    }
}
