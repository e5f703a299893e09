//! Tables of numbers: aligned text for a terminal, and HTML. Portable.

use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr;

use super::{EpochRow, losses_of};
use crate::train::metrics::Confusion;

/// What a loss scored in the end: a line of the final table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FinalRow {
    /// Its last epoch.
    pub last: EpochRow,
    /// Mean milliseconds a training step of all losses together, where measured.
    pub ms_per_step: Option<f64>,
}

/// The final table of a run: each loss's last epoch.
///
/// Losses come in the order in which the rows first name them; `ms_per_step` is asked for each.
pub fn final_rows(rows: &[EpochRow], ms_per_step: impl Fn(&str) -> Option<f64>) -> Vec<FinalRow> {
    let last_of = |loss: &String| {
        let last = rows.iter().filter(|row| row.loss == *loss).max_by_key(|row| row.epoch)?;
        Some(FinalRow { last: last.clone(), ms_per_step: ms_per_step(loss) })
    };
    losses_of(rows).iter().filter_map(last_of).collect()
}

/// Which end of a column is the better one.
#[derive(Clone, Copy, PartialEq)]
enum Better {
    Larger,
    Smaller,
    Neither,
}

/// A numeric column of the final table.
struct Column {
    title: &'static str,
    decimals: usize,
    better: Better,
    value: fn(&FinalRow) -> Option<f64>,
}

impl Column {
    const fn new(title: &'static str, decimals: usize, better: Better, value: fn(&FinalRow) -> Option<f64>) -> Self {
        Self { title, decimals, better, value }
    }

    fn text(&self, row: &FinalRow) -> String {
        number((self.value)(row), self.decimals)
    }

    /// Whether no other row is better, as far as the decimals tell; a lone row is not marked.
    fn is_best(&self, row: &FinalRow, rows: &[FinalRow]) -> bool {
        let sign = match self.better {
            Better::Larger => 1.0,
            Better::Smaller => -1.0,
            Better::Neither => return false,
        };
        let unit = 10_f64.powi(self.decimals as i32);
        let rounded = |row: &FinalRow| (self.value)(row).map(|value| sign * (value * unit).round());
        let others = rows.iter().filter_map(rounded);
        rounded(row).is_some_and(|own| rows.len() > 1 && others.fold(own, f64::max) <= own)
    }
}

const COLUMNS: [Column; 8] = [
    Column::new("AEM %", 1, Better::Larger, |row| Some(row.last.aem)),
    Column::new("AEO %", 1, Better::Larger, |row| Some(row.last.aeo)),
    Column::new("MAE", 3, Better::Smaller, |row| Some(row.last.mae)),
    Column::new("Spearman", 4, Better::Larger, |row| row.last.spearman),
    Column::new("SDD", 5, Better::Neither, |row| row.last.sdd),
    Column::new("train AEM %", 1, Better::Neither, |row| Some(row.last.train_aem)),
    Column::new("seconds", 1, Better::Neither, |row| Some(row.last.seconds)),
    // Losses that race are trained by one step.
    Column::new("ms a step (all losses)", 2, Better::Neither, |row| row.ms_per_step),
];

/// What the report shows beside the final table.
const FURTHER: [Column; 5] = [
    Column::new("QWK", 4, Better::Larger, |row| row.last.qwk),
    Column::new("AMAE", 3, Better::Smaller, |row| Some(row.last.amae)),
    Column::new("RPS", 4, Better::Smaller, |row| row.last.rps),
    Column::new("ECE", 4, Better::Smaller, |row| row.last.ece),
    Column::new("top-5 error %", 1, Better::Smaller, |row| row.last.top5_error),
];

/// A number with fixed decimals; a dash for what is absent.
fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.decimals$}"))
}

/// The final table as aligned text: a header, a rule and a line a loss.
pub fn final_table_text(rows: &[FinalRow]) -> String {
    let mut header = vec!["loss".to_owned()];
    header.extend(COLUMNS.iter().map(|column| column.title.to_owned()));
    let lines = rows.iter().map(|row| {
        let mut line = vec![row.last.loss.clone()];
        line.extend(COLUMNS.iter().map(|column| column.text(row)));
        line
    });
    aligned(header, lines.collect())
}

/// The final table as an HTML `table` of class `final`; the best value of a column is in `strong`.
pub fn final_table_html(rows: &[FinalRow]) -> String {
    table_html(rows, &COLUMNS)
}

/// What the final table leaves out, as such a table: kappa, averaged error, and what whole distributions score.
pub fn further_table_html(rows: &[FinalRow]) -> String {
    table_html(rows, &FURTHER)
}

fn table_html(rows: &[FinalRow], columns: &[Column]) -> String {
    let mut html = String::from("<table class=\"final\">\n<thead><tr><th scope=\"col\">loss</th>");
    for column in columns {
        html += &format!("<th scope=\"col\">{}</th>", column.title);
    }
    html += "</tr></thead>\n<tbody>\n";
    for row in rows {
        let color = super::hex(super::loss_color(&row.last.loss));
        html += &format!(
            "<tr><th scope=\"row\"><i class=\"swatch\" style=\"background:{color}\"></i>{}</th>",
            escape(&row.last.loss)
        );
        for column in columns {
            let text = column.text(row);
            html += &if column.is_best(row, rows) {
                format!("<td><strong>{text}</strong></td>")
            } else {
                format!("<td>{text}</td>")
            };
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table>\n"
}

/// A C x C matrix as aligned text with the class names as header and first column, two decimals an entry.
///
/// Entries beyond C x C are left out; a matrix of many classes makes long lines.
pub fn matrix_table_text(classes: &[String], matrix: &[f64]) -> String {
    square("", classes, matrix, |value| format!("{value:.2}"))
}

/// A confusion matrix as aligned text: rows are the truth, columns the prediction.
pub fn confusion_table_text(classes: &[String], confusion: &Confusion) -> String {
    square("truth \\ prediction", classes, confusion.counts(), ToString::to_string)
}

/// Images and accuracy of each class in percent as aligned text; a dash for a class without images.
pub fn accuracy_table_text(classes: &[String], confusion: &Confusion) -> String {
    let accuracies = confusion.class_accuracies();
    let images = confusion.counts().chunks(classes.len().max(1)).map(|row| row.iter().sum::<u64>());
    let rows = classes.iter().zip(images).zip(accuracies);
    let lines = rows.map(|((name, images), accuracy)| {
        vec![name.clone(), images.to_string(), number(accuracy.map(|share| 100.0 * share), 1)]
    });
    aligned(["class", "images", "accuracy %"].map(str::to_owned).to_vec(), lines.collect())
}

fn square<T>(corner: &str, classes: &[String], matrix: &[T], text: impl Fn(&T) -> String) -> String {
    let mut header = vec![corner.to_owned()];
    header.extend(classes.iter().cloned());
    let rows = classes.iter().zip(matrix.chunks(classes.len().max(1)));
    let lines = rows.map(|(name, row)| {
        let mut line = vec![name.clone()];
        line.extend(row.iter().map(&text));
        line
    });
    aligned(header, lines.collect())
}

/// Lines with the first column flush left and the others flush right, two spaces between, under a header and a rule.
pub(super) fn aligned(header: Vec<String>, lines: Vec<Vec<String>>) -> String {
    let mut table = vec![header];
    table.extend(lines);
    for cell in table.iter_mut().flatten() {
        // A name of two lines would break the table.
        *cell = cell.replace(char::is_control, " ");
    }
    let width_of = |column: usize| {
        let cells = table.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table[0].len()).map(width_of).collect();
    let rule = "─".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1));
    let mut text = String::new();
    for (i, line) in table.iter().enumerate() {
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width - cell.width());
            text += &match column {
                0 => format!("{cell}{space}"),
                _ => format!("  {space}{cell}"),
            };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        if i == 0 {
            text += &rule;
            text.push('\n');
        }
    }
    text
}

/// Text with the characters that mean something in HTML and XML replaced, fit for contents and quoted attributes.
///
/// Control characters, which XML cannot hold, become spaces.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(loss: &str, aem: f64, mae: f64) -> FinalRow {
        let last = EpochRow {
            loss: loss.to_owned(),
            aem,
            aeo: 94.25,
            mae,
            spearman: Some(0.93),
            seconds: 100.0,
            train_aem: 70.26,
            rps: Some(2.0 * mae),
            ..EpochRow::default()
        };
        FinalRow { last, ms_per_step: Some(3.456) }
    }

    #[test]
    fn text_table_is_aligned() {
        let rows = [row("xe", 9.5, 0.5), row("emd-linear", 61.55, 0.4567)];
        let expected = "\
loss        AEM %  AEO %    MAE  Spearman  SDD  train AEM %  seconds  ms a step (all losses)
────────────────────────────────────────────────────────────────────────────────────────────
xe            9.5   94.2  0.500    0.9300    –         70.3    100.0                    3.46
emd-linear   61.5   94.2  0.457    0.9300    –         70.3    100.0                    3.46
";
        assert_eq!(final_table_text(&rows), expected);
    }

    #[test]
    fn html_table_marks_the_best_and_escapes_names() {
        let html = final_table_html(&[row("<xe>", 60.04, 0.5), row("emd", 60.01, 0.4)]);
        assert!(html.contains("&lt;xe&gt;") && !html.contains("<xe>"));
        assert_eq!(html.matches("<strong>60.0</strong>").count(), 2, "equal as printed");
        assert!(html.contains("<strong>0.400</strong>") && html.contains("<td>0.500</td>"));
        assert_eq!(html.matches("</td>").count(), 16, "two rows of eight columns");
        assert!(!final_table_html(&[row("xe", 1.0, 1.0)]).contains("<strong>"));
        let further = further_table_html(&[row("xe", 60.0, 0.5), row("emd", 60.0, 0.4)]);
        assert!(further.contains("<strong>0.8000</strong>") && further.contains("<td>1.0000</td>"), "{further}");
    }

    #[test]
    fn final_rows_are_the_last_epochs() {
        let epoch = |epoch: usize, loss: &str, aem: f64| EpochRow {
            epoch,
            loss: loss.to_owned(),
            aem,
            sdd: Some(0.01),
            seconds: 2.5 * epoch as f64,
            train_aem: aem / 2.0,
            ..EpochRow::default()
        };
        let rows = [epoch(1, "xe", 10.0), epoch(1, "emd", 20.0), epoch(3, "xe", 30.0), epoch(2, "xe", 40.0)];
        let found = final_rows(&rows, |loss| (loss == "emd").then_some(7.0));
        assert_eq!(found.len(), 2);
        let last = &found[0].last;
        assert_eq!((last.loss.as_str(), last.aem, last.seconds), ("xe", 30.0, 7.5));
        assert_eq!((found[0].ms_per_step, found[1].ms_per_step), (None, Some(7.0)));
        let last = &found[1].last;
        assert_eq!((last.aem, last.sdd, last.train_aem), (20.0, Some(0.01), 10.0));
    }

    #[test]
    fn matrices_are_aligned_under_their_names() {
        let classes = ["0-2".to_owned(), "子供".to_owned()];
        let expected = ["        0-2  子供", "─────────────────", "0-2    0.00  0.50", "子供  10.25  0.00\n"];
        assert_eq!(matrix_table_text(&classes, &[0.0, 0.5, 10.25, 0.0]), expected.join("\n"));
        let confusion = Confusion::from_counts(2, vec![100, 2, 3, 4]).unwrap();
        let expected = "\
truth \\ prediction  0-2  子供
─────────────────────────────
0-2                 100     2
子供                  3     4
";
        assert_eq!(confusion_table_text(&classes, &confusion), expected);
        let confusion = Confusion::from_counts(2, vec![3, 1, 0, 0]).unwrap();
        let expected = "\
class  images  accuracy %
─────────────────────────
0-2         4        75.0
子供        0           –
";
        assert_eq!(accuracy_table_text(&classes, &confusion), expected);
    }

    #[test]
    fn escaping_leaves_nothing_that_means_something() {
        assert_eq!(escape("<a href=\"x\">&'\n"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39; ");
        assert_eq!(escape("ätsch 子"), "ätsch 子");
    }
}
