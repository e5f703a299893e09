//! Does the weight of the distance term matter (section 4.3)?

use super::accuracy::{MARGIN, spread_text, verdict};
use super::claim::{Comparison, Metric, Relation, predictions};
use super::document::Section;
use super::trial::{Method, Net, Variant};
use super::{ReproduceError, Results, Study};
use crate::nn::Loss;
use crate::report::Block;

/// The study.
pub const STUDY: Study = Study { name: "lambda", place: "section 4.3", methods, measure };

/// Weights beside the one chosen automatically.
const LAMBDAS: [f32; 4] = [1.0, 3.0, 10.0, 30.0];

fn method(lambda: Option<f32>) -> Method {
    Method { lambda, ..Method::new(Variant::Whole, Net::Default, Loss::Xemd2) }
}

fn methods() -> Vec<Method> {
    std::iter::once(None).chain(LAMBDAS.map(Some)).map(method).collect()
}

fn measure(results: &Results) -> Result<Section, ReproduceError> {
    let data = results.setup.data_name(Variant::Whole);
    let mut section = Section::new(format!("Lambda: weights of the distance term of XEMD2, on {data}"));
    let automatic = results.of(method(None))?;
    let mut rows = Vec::new();
    for lambda in std::iter::once(None).chain(LAMBDAS.map(Some)) {
        let outcomes = results.of(method(lambda))?;
        let chosen: Vec<String> =
            automatic.iter().map(|outcome| format!("{:.1}", outcome.last().lambda.unwrap_or(0.0))).collect();
        let name = lambda.map_or_else(|| format!("auto ({})", chosen.join(", ")), |lambda| lambda.to_string());
        let [aem, aeo] = [Metric::Aem, Metric::Aeo].map(|metric| spread_text(metric, &outcomes));
        rows.push(vec![name, aem, aeo]);
        if let Some(lambda) = lambda {
            let sides = [predictions(&outcomes), predictions(&automatic)];
            let claim = Comparison {
                says: "XEMD2 is as good with another lambda as with the automatic one",
                first: "xemd2",
                second: "xemd2",
                metric: Metric::Aem,
                relation: Relation::NotBelow(MARGIN),
            };
            section.verdicts.push(verdict(
                &claim,
                &sides,
                "“not sensitive”".to_owned(),
                &format!(" (lambda {lambda})"),
            ));
        }
    }
    section.blocks.push(Block::table(&["lambda", "AEM %", "AEO %"], rows));
    Ok(section)
}
