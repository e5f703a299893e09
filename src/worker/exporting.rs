//! Figures and numbers written where the user wants them.

use super::WorkError;
use super::message::{Export, Exported};
use crate::files;
use crate::report::{
    ReportError, charts_png, charts_svg, confusion_heatmap_png, confusion_heatmap_svg, curves_png, curves_svg,
    difference_heatmap_png, difference_heatmap_svg, encode_png, heatmap_png, heatmap_svg, write_confusion_csv,
    write_matrix_csv, write_metrics_csv,
};
use crate::train::run::{RunFolder, replace, write_whole};
use std::path::{Path, PathBuf};

/// What the ending of a file's name asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Png,
    Svg,
    Csv,
    Other,
}

impl Format {
    fn of(path: &Path) -> Self {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("png") => Self::Png,
            Some("svg") => Self::Svg,
            Some("csv") => Self::Csv,
            _ => Self::Other,
        }
    }
}

/// Writes a figure, a table or a part of the run whose folder this is; returns the file's place.
///
/// # Errors
/// When the file cannot be written, or what it shows has no such format.
pub fn write(export: &Export, folder: Option<&RunFolder>) -> Result<PathBuf, WorkError> {
    let path = &export.to;
    let format = Format::of(path);
    match &export.what {
        Exported::Curves(rows) => {
            let csv = |place: &Path| write_metrics_csv(place, rows);
            figure(path, || curves_png(rows), || curves_svg(rows), csv)?;
        }
        Exported::Charts(charts) => match format {
            Format::Png => write_whole(path, &charts_png(charts)?)?,
            Format::Svg => write_whole(path, charts_svg(charts)?.as_bytes())?,
            Format::Csv | Format::Other => return Err(unknown(path, ".png or .svg")),
        },
        Exported::Matrix { classes, matrix, title } => {
            let csv = |place: &Path| write_matrix_csv(place, classes, matrix);
            figure(path, || heatmap_png(classes, matrix, title), || heatmap_svg(classes, matrix, title), csv)?;
        }
        Exported::Difference { classes, matrix, title } => {
            let csv = |place: &Path| write_matrix_csv(place, classes, matrix);
            let png = || difference_heatmap_png(classes, matrix, title);
            figure(path, png, || difference_heatmap_svg(classes, matrix, title), csv)?;
        }
        Exported::Confusion { classes, confusion, title } => {
            let csv = |place: &Path| write_confusion_csv(place, classes, confusion);
            let png = || confusion_heatmap_png(classes, confusion, title);
            figure(path, png, || confusion_heatmap_svg(classes, confusion, title), csv)?;
        }
        Exported::Weights(loss) => copy(folder.map(|folder| folder.weights(loss.name())), path)?,
        Exported::Report => copy(folder.map(|folder| folder.path.join("report.html")), path)?,
        Exported::Picture { width, rgb } if format == Format::Png && *width > 0 => {
            let height = rgb.len() as u32 / (3 * width);
            write_whole(path, &encode_png(rgb, *width, height)?)?;
        }
        Exported::Picture { .. } => return Err(unknown(path, ".png")),
        Exported::Drawing(svg) if format == Format::Svg => write_whole(path, svg.as_bytes())?,
        Exported::Drawing(_) => return Err(unknown(path, ".svg")),
        Exported::Run(place) => write_whole(path, &RunFolder { path: place.clone() }.pack()?)?,
    }
    Ok(path.clone())
}

/// Writes a figure or its numbers, as the file's ending says.
fn figure(
    path: &Path,
    png: impl FnOnce() -> Result<Vec<u8>, ReportError>,
    svg: impl FnOnce() -> Result<String, ReportError>,
    csv: impl FnOnce(&Path) -> Result<(), ReportError>,
) -> Result<(), WorkError> {
    match Format::of(path) {
        Format::Png => write_whole(path, &png()?)?,
        Format::Svg => write_whole(path, svg()?.as_bytes())?,
        Format::Csv => replace::<_, WorkError>(path, |place| Ok(csv(place)?))?,
        Format::Other => return Err(unknown(path, ".png, .svg or .csv")),
    }
    Ok(())
}

/// Copies a file of the run's folder, which has it once it was saved.
fn copy(from: Option<PathBuf>, to: &Path) -> Result<(), WorkError> {
    let from =
        from.ok_or_else(|| WorkError::Words("there is no run: start one, or open one from its folder".to_owned()))?;
    let bytes = files::read(&from).map_err(|error| {
        WorkError::Words(format!("{}: {error}; save the run first: saving writes it", from.display()))
    })?;
    Ok(write_whole(to, &bytes)?)
}

fn unknown(path: &Path, known: &str) -> WorkError {
    WorkError::Words(format!("{}: give the file's name an ending that says the format: {known}", path.display()))
}

#[cfg(test)]
mod tests;
