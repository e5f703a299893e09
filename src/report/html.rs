//! `report.html`: a whole run on one page that needs nothing but itself, light or dark as the reader's system is.

use super::figure::{FAINT, GRID, INK, PAPER};
use super::{
    EpochRow, ReportError, Sample, cards, confusion_heatmap_svg, curves_svg, escape, expect_shape, final_rows,
    final_table_html, further_table_html, heatmap_svg, hex, losses_of,
};
use crate::train::metrics::Confusion;
use crate::train::seriation::{order_tau, seriate};

/// Above this many classes an order is folded away.
const OPEN_ORDER: usize = 20;

/// Everything a report shows.
#[derive(Debug, Clone, Default)]
pub struct ReportData {
    /// Heading of the page: the name of the run.
    pub name: String,
    /// Name of the data set.
    pub dataset: String,
    /// Class names in their order, C.
    pub classes: Vec<String>,
    /// How many images were trained on.
    pub train_images: usize,
    /// How many images were tested on.
    pub test_images: usize,
    /// Name of the network.
    pub model: String,
    /// What it was trained on.
    pub device: String,
    /// The metrics of every loss and epoch; the final table and the curves are made of them.
    pub rows: Vec<EpochRow>,
    /// What each loss ended with, beside its metrics.
    pub losses: Vec<LossReport>,
    /// Test images with their predictions.
    pub samples: Vec<Sample>,
    /// The run's settings, name and value.
    pub settings: Vec<(String, String)>,
}

/// What one loss ended with.
#[derive(Debug, Clone, Default)]
pub struct LossReport {
    /// Name of the loss, as in the rows.
    pub loss: String,
    /// Mean milliseconds a training step of all losses together, where measured.
    pub ms_per_step: Option<f64>,
    /// The learned ground distance matrix D (equation 13), C x C row-major, where there is one.
    pub ground: Option<Vec<f64>>,
    /// Confusion matrix of the test images.
    pub confusion: Option<Confusion>,
}

/// The report of a run as HTML, figures and images included.
///
/// # Errors
/// [`ReportError::Shape`] where a matrix, distribution or image does not fit the number of classes or its own size;
/// [`ReportError::Draw`] where a figure cannot be drawn.
pub fn report_html(data: &ReportData) -> Result<String, ReportError> {
    check(data)?;
    let mut html = about(data);
    html += &section("Final results", &results(data));
    html += &section("By epoch", &format!("<figure>{}</figure>\n", curves_svg(&data.rows)?));
    html += &section("Learned distances between classes", &grounds(data)?);
    html += &section("Confusion", &confusions(data)?);
    html += &section("Test images and what each loss makes of them", &samples(data)?);
    html += &section("Settings", &settings(data));
    Ok(page(&data.name, &html))
}

/// A whole page under this heading, in this project's style; `body` is HTML.
#[must_use]
pub fn page(name: &str, body: &str) -> String {
    head(name) + body + "</main>\n</body>\n</html>\n"
}

/// Checks every shape, so that no part of the page has to.
fn check(data: &ReportData) -> Result<(), ReportError> {
    let classes = data.classes.len();
    for report in &data.losses {
        if let Some(ground) = &report.ground {
            let what = format!("the distance matrix of {}", report.loss);
            expect_shape(&what, classes * classes, ground.len())?;
        }
        if let Some(confusion) = &report.confusion {
            let what = format!("the confusion matrix of {}", report.loss);
            expect_shape(&what, classes * classes, confusion.counts().len())?;
        }
    }
    data.samples.iter().try_for_each(|sample| sample.check(classes))
}

/// A page's beginning up to its heading.
fn head(name: &str) -> String {
    let name = escape(name);
    let style = style();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>{name}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n<h1>{name}</h1>\n"
    )
}

/// The page's style; the figures' black, greys and white follow the page's.
fn style() -> String {
    let [ink, faint, grid, paper] = [INK, FAINT, GRID, PAPER].map(hex);
    format!(
        ":root{{color-scheme:light dark;--paper:{paper};--ink:{ink};--faint:{faint};--grid:{grid};--card:#F6F8FA}}\n\
         @media (prefers-color-scheme:dark){{:root{{--paper:#14171C;--ink:#E6E9EE;--faint:#9AA4B0;--grid:#2C323B;--card:#1B2027}}}}\n\
         svg rect[fill=\"{paper}\"],svg circle[fill=\"{paper}\"]{{fill:var(--paper)}}\n\
         svg text[fill=\"{ink}\"]{{fill:var(--ink)}}\n\
         svg text[fill=\"{faint}\"]{{fill:var(--faint)}}\n\
         svg [stroke=\"{grid}\"]{{stroke:var(--grid)}}\n\
         {}",
        include_str!("report.css")
    )
}

fn section(title: &str, body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!("<section>\n<h2>{title}</h2>\n{body}</section>\n")
}

/// What the page is about, in three sentences or so.
fn about(data: &ReportData) -> String {
    let names: Vec<String> = losses_of(&data.rows).iter().map(|loss| escape(loss)).collect();
    let (model, dataset, device) = (escape(&data.model), escape(&data.dataset), escape(&data.device));
    format!(
        "<div class=\"about\">\n\
         <p><b>{model}</b> learned to tell the <b>{}</b> classes of <b>{dataset}</b> apart from <b>{}</b> images and was \
         tested on <b>{}</b> others, with these losses: <b>{}</b>. Device: {device}.</p>\n\
         <p>AEM is the share of test images put into exactly their class, AEO into it or one next to it; MAE counts the \
         classes between prediction and truth, AMAE averages that over the classes; QWK is the quadratic weighted kappa; RPS is \
         the squared earth mover’s distance of the predictions, ECE how far confidence and accuracy lie apart; Spearman’s ρ compares the order of the expected classes with that of the \
         true values; SDD is the spread of the distances between classes in feature space.</p>\n\
         <p>The losses are those of Hou, Yu and Samaras, <cite>Squared Earth Mover’s Distance-based Loss for Training \
         Deep Neural Networks</cite> (2016); the self-guided ones learn from the network’s own features how far apart the \
         classes are.</p>\n</div>\n",
        data.classes.len(),
        data.train_images,
        data.test_images,
        names.join(", "),
    )
}

fn results(data: &ReportData) -> String {
    let ms_per_step = |loss: &str| {
        let report = data.losses.iter().find(|report| report.loss == loss);
        report.and_then(|report| report.ms_per_step)
    };
    let rows = final_rows(&data.rows, ms_per_step);
    let (table, further) = (final_table_html(&rows), further_table_html(&rows));
    let died: String = data.losses.iter().filter_map(|report| died(data, report)).collect();
    format!("<div class=\"wide\">\n{table}{further}</div>\n{died}")
}

/// A paragraph on a network that died.
fn died(data: &ReportData, report: &LossReport) -> Option<String> {
    let class = report.confusion.as_ref()?.died_as()?;
    Some(format!("<p class=\"died\">{}</p>\n", escape(&died_text(&report.loss, &data.classes[class]))))
}

/// What is said of a network that takes all test images for one class.
#[must_use]
pub fn died_text(loss: &str, class: &str) -> String {
    format!(
        "The network of {loss} has died: it takes all test images for {class}, which no number above tells. Try a smaller \
         learning rate or momentum."
    )
}

/// The learned matrices with the order recovered from each.
fn grounds(data: &ReportData) -> Result<String, ReportError> {
    let mut html = String::new();
    for report in &data.losses {
        let Some(ground) = &report.ground else {
            continue;
        };
        let title = format!("D learned by {}", report.loss);
        let picture = heatmap_svg(&data.classes, ground, &title)?;
        let caption = recovered_order(&data.classes, ground);
        html += &format!("<figure>{picture}\n<figcaption>{caption}</figcaption></figure>\n");
    }
    Ok(grid("pair", &html))
}

/// The order of the classes that a matrix alone gives away.
fn recovered_order(classes: &[String], ground: &[f64]) -> String {
    let order = seriate(ground, classes.len());
    let name = |&class: &usize| format!("<span>{}</span>", escape(&classes[class]));
    let names: Vec<String> = order.iter().map(name).collect();
    let tau = format!("Kendall’s |τ| = <b>{:.3}</b> with the true order", order_tau(&order));
    let names = names.join(" · ");
    if classes.len() <= OPEN_ORDER {
        return format!("Order recovered from D: {names}<br/>{tau}");
    }
    format!("<details><summary>Order recovered from D: {tau}</summary>{names}</details>")
}

fn confusions(data: &ReportData) -> Result<String, ReportError> {
    let mut html = String::new();
    for report in &data.losses {
        let Some(confusion) = &report.confusion else {
            continue;
        };
        let title = format!("Confusion, {}", report.loss);
        let picture = confusion_heatmap_svg(&data.classes, confusion, &title)?;
        html += &format!("<figure>{picture}</figure>\n");
    }
    Ok(grid("pair", &html))
}

/// Puts things into a grid; nothing into nothing.
fn grid(class: &str, html: &str) -> String {
    if html.is_empty() {
        return String::new();
    }
    format!("<div class=\"{class}\">\n{html}</div>\n")
}

fn samples(data: &ReportData) -> Result<String, ReportError> {
    Ok(grid("samples", &cards(&data.samples, &data.classes)?))
}

fn settings(data: &ReportData) -> String {
    let mut lines = String::new();
    for (name, value) in &data.settings {
        lines += &format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape(name), escape(value));
    }
    if lines.is_empty() {
        return lines;
    }
    format!("<table class=\"settings\">\n{lines}</table>\n")
}

#[cfg(test)]
mod tests {
    use super::super::Prediction;
    use super::super::tests::assert_well_formed;
    use super::*;

    const NASTY: &str = "<script>alert('x')</script> & \"more\"";

    fn epoch(epoch: usize, loss: &str, aem: f64) -> EpochRow {
        EpochRow {
            epoch,
            loss: loss.to_owned(),
            train_loss: 1.5,
            aem,
            aeo: 90.0,
            mae: 0.5,
            spearman: Some(0.8),
            lambda: None,
            sdd: Some(0.02),
            seconds: 10.0 * epoch as f64,
            train_aem: 70.0,
            ..EpochRow::default()
        }
    }

    fn line(classes: usize) -> Vec<f64> {
        let distance = |at: usize| (at / classes).abs_diff(at % classes) as f64 / classes as f64;
        (0..classes * classes).map(distance).collect()
    }

    fn report(classes: usize) -> ReportData {
        let of_loss = |loss: &str| LossReport {
            loss: loss.to_owned(),
            ms_per_step: Some(3.25),
            ground: Some(line(classes)),
            confusion: Some(Confusion::new(classes)),
        };
        let mut probabilities = vec![0.0; classes];
        probabilities[0] = 1.0;
        ReportData {
            name: format!("run {NASTY}"),
            dataset: format!("data {NASTY}"),
            classes: (0..classes).map(|i| format!("{i} {NASTY}")).collect(),
            train_images: 700,
            test_images: 300,
            model: format!("model {NASTY}"),
            device: format!("device {NASTY}"),
            rows: vec![epoch(1, "xe", 12.5), epoch(2, "xe", 62.5), epoch(2, NASTY, 50.0)],
            losses: vec![of_loss("xe"), of_loss(NASTY)],
            samples: vec![Sample {
                name: NASTY.to_owned(),
                side: 2,
                pixels: (0..12).collect(),
                label: classes - 1,
                predictions: vec![
                    ("xe".to_owned(), Prediction::Distribution(probabilities)),
                    (NASTY.to_owned(), Prediction::Output { value: 0.3, class: 0 }),
                ],
            }],
            settings: vec![(NASTY.to_owned(), NASTY.to_owned())],
        }
    }

    #[test]
    fn the_page_is_well_formed_and_escapes_all_text() {
        for classes in [3, 24] {
            let html = report_html(&report(classes)).unwrap();
            assert_well_formed(&html);
            assert!(!html.contains("<script") && !html.contains("alert('x')"));
            assert!(!html.contains("src=\"http") && !html.contains("href=\"http"), "needs nothing but itself");
        }
    }

    #[test]
    fn the_page_agrees_with_its_data() {
        let html = report_html(&report(3)).unwrap();
        for text in ["62.5", "<td>20.0</td>", "<td>3.25</td>", "700", "300", "|τ| = <b>1.000</b>", "2 off"] {
            assert!(html.contains(text), "{text} is missing");
        }
        assert!(!html.contains("<td>12.5</td>"), "the last epoch counts");
        assert_eq!(html.matches("<h2>").count(), 6);
        assert_eq!(html.matches("aria-label=\"Confusion, ").count(), 2);
        assert_eq!(html.matches("aria-label=\"D learned by ").count(), 2);
    }

    #[test]
    fn a_network_that_died_is_said_to_have() {
        let mut data = report(3);
        assert!(!report_html(&data).unwrap().contains("has died"));
        data.losses[1].confusion = Some(Confusion::from_pairs(3, &[0, 1, 2], &[1; 3]).unwrap());
        let html = report_html(&data).unwrap();
        assert_well_formed(&html);
        assert_eq!(html.matches("has died: it takes all test images for 1 &lt;script").count(), 1);
    }

    #[test]
    fn an_empty_run_leaves_its_sections_out() {
        let html = report_html(&ReportData::default()).unwrap();
        assert_well_formed(&html);
        assert_eq!(html.matches("<h2>").count(), 2, "results and curves");
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let refused = |change: fn(&mut ReportData)| {
            let mut data = report(3);
            change(&mut data);
            report_html(&data).unwrap_err().to_string()
        };
        assert!(refused(|data| data.losses[0].ground = Some(vec![0.0; 4])).contains("distance matrix of xe"));
        assert!(refused(|data| data.losses[0].confusion = Some(Confusion::new(2))).contains("confusion matrix of xe"));
        assert!(refused(|data| data.samples[0].side = 3).contains("the image"));
        let short = |data: &mut ReportData| data.samples[0].predictions[0].1 = Prediction::Distribution(vec![]);
        assert!(refused(short).contains("distribution of xe"));
    }
}
