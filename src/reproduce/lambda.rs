//! Does the weight of the distance term matter (section 4.3)?

use super::accuracy::{label, spread_text, verdict};
use super::claim::{Comparison, Judgement, Metric, Relation, Verdict};
use super::document::Section;
use super::results::Outcome;
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

/// The claim, of each weight.
const CLAIM: Comparison = Comparison {
    says: "XEMD2 is as good with other lambdas as with the automatic one",
    first: "xemd2",
    second: "xemd2",
    metric: Metric::Aem,
    relation: Relation::AsGood,
    said: true,
};

fn measure(results: &Results) -> Result<Section, ReproduceError> {
    let data = results.setup.data_name(Variant::Whole);
    let mut section = Section::new(format!("Lambda: weights of the distance term of XEMD2, on {data}"));
    let mut rows = Vec::new();
    let mut parts = Vec::new();
    for lambda in std::iter::once(None).chain(LAMBDAS.map(Some)) {
        let outcomes = results.ended(method(lambda))?;
        let [aem, aeo] = [Metric::Aem, Metric::Aeo].map(|metric| spread_text(metric, &outcomes));
        let name = lambda.map_or_else(|| automatic(&outcomes), |lambda| lambda.to_string());
        rows.push(vec![label(results, &name, &outcomes), aem, aeo]);
        if let Some(weight) = lambda {
            let found = verdict(results, &CLAIM, [method(lambda), method(None)], String::new(), "")?;
            parts.push((weight, found));
        }
    }
    section.blocks.push(Block::table(&["lambda", "AEM %", "AEO %"], rows));
    section.verdicts.push(together(&parts));
    Ok(section)
}

/// What the automatic weight is called, with what was chosen.
fn automatic(outcomes: &[Outcome]) -> String {
    let chosen = outcomes.iter().map(|outcome| format!("{:.1}", outcome.last().lambda.unwrap_or(0.0)));
    format!("auto ({})", chosen.collect::<Vec<_>>().join(", "))
}

/// One claim, made of all weights.
fn together(parts: &[(f32, Verdict)]) -> Verdict {
    let text = |(lambda, part): &(f32, Verdict)| format!("lambda {lambda}: {} ({})", part.ours, part.judgement.words());
    let judgements: Vec<Judgement> = parts.iter().map(|(_, part)| part.judgement).collect();
    let ours = parts.iter().map(text).collect::<Vec<_>>().join("; ");
    Verdict::open(CLAIM.says, "“not sensitive”", CLAIM.said).found((ours, Judgement::of_all(&judgements)))
}
