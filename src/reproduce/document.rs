//! What studies found, as a page: Markdown with figures beside it, and one HTML file that holds them.

use super::claim::{Judgement, Verdict};
use super::{ReproduceError, Study};
use crate::report::{Block, Figure, escape, page};

/// One study's part of the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Its heading, which says what it was measured on.
    pub title: String,
    /// What was measured.
    pub blocks: Vec<Block>,
    /// What became of the paper's claims.
    pub verdicts: Vec<Verdict>,
}

impl Section {
    /// An empty one under this heading.
    #[must_use]
    pub fn new(title: String) -> Self {
        Self { title, ..Self::default() }
    }

    /// That of a study which could not be measured, with why.
    #[must_use]
    pub fn unsaid(study: &Study, error: &ReproduceError) -> Self {
        let mut section = Self::new(format!("{}: not measured", study.name));
        section.blocks.push(Block::Text(format!("{} cannot be measured again here: {error}.", study.place)));
        section
    }

    /// The section's claims as a table.
    fn claims(&self) -> Option<Block> {
        let row = |verdict: &Verdict| {
            let Verdict { claim, paper, ours, judgement, counted } = verdict;
            let words =
                if *counted { judgement.words().to_owned() } else { format!("{} (not counted)", judgement.words()) };
            vec![claim.clone(), words, ours.clone(), paper.clone()]
        };
        let rows: Vec<_> = self.verdicts.iter().map(row).collect();
        (!rows.is_empty()).then(|| Block::table(&["claim", "verdict", "here", "paper"], rows))
    }
}

/// The whole page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// What it was measured on and how, a paragraph each.
    pub preface: Vec<String>,
    /// The studies.
    pub sections: Vec<Section>,
    /// Settings, name and value.
    pub settings: Vec<(String, String)>,
}

const TITLE: &str = "The paper, measured again";

impl Document {
    /// Every picture.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        blocks.filter_map(|block| if let Block::Figure(figure) = block { Some(figure) } else { None })
    }

    /// The page as Markdown, with figures under `figures/`.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("# {TITLE}\n\n");
        for (heading, blocks) in self.parts() {
            text += &format!("## {heading}\n\n");
            text.extend(blocks.iter().map(Block::markdown));
        }
        text.trim_end().to_owned() + "\n"
    }

    /// The page as one HTML file.
    #[must_use]
    pub fn html(&self) -> String {
        let section = |(heading, blocks): (String, Vec<Block>)| {
            let body: String = blocks.iter().map(Block::html).collect();
            format!("<section>\n<h2>{}</h2>\n{body}</section>\n", escape(&heading))
        };
        page(TITLE, &self.parts().into_iter().map(section).collect::<String>())
    }

    /// Headings with what stands under them.
    fn parts(&self) -> Vec<(String, Vec<Block>)> {
        let mut first: Vec<Block> = self.preface.iter().cloned().map(Block::Text).collect();
        first.push(Block::Text(self.count()));
        let mut parts = vec![("In short".to_owned(), first)];
        for section in &self.sections {
            let claims = section.claims();
            parts.push((section.title.clone(), section.blocks.iter().cloned().chain(claims).collect()));
        }
        let settings = self.settings.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect();
        parts.push(("Settings".to_owned(), vec![Block::table(&["setting", "value"], settings)]));
        parts
    }

    /// How many claims of the paper came out how.
    fn count(&self) -> String {
        let all = || self.sections.iter().flat_map(|section| &section.verdicts);
        let verdicts = || all().filter(|verdict| verdict.counted);
        let of = |judgement| verdicts().filter(|verdict| verdict.judgement == judgement).count();
        format!(
            "Of {} claims of the paper {} hold here, {} do not, and of {} these runs cannot tell. {} more comparisons are not \
             counted: the paper does not claim them, its own numbers say otherwise, or they are true by construction.",
            verdicts().count(),
            of(Judgement::Holds),
            of(Judgement::DoesNot),
            of(Judgement::CannotTell),
            all().count() - verdicts().count()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        let mut section = Section::new("Table <1> | of & more".to_owned());
        section.blocks = vec![
            Block::Text("a < b".to_owned()),
            Block::table(&["loss", "AEM"], vec![vec!["x|e".to_owned(), "50\n.0".to_owned()]]),
            Block::matrix(&["a".to_owned(), "b".to_owned()], &[0.0, 0.5, 0.5, 0.0]),
            Block::figure("one", "what it shows", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_owned()),
        ];
        let verdict = |judgement, counted| Verdict {
            claim: "it is".into(),
            paper: "1".into(),
            ours: "2 & 3".into(),
            judgement,
            counted,
        };
        section.verdicts = vec![
            verdict(Judgement::Holds, true),
            verdict(Judgement::CannotTell, true),
            verdict(Judgement::DoesNot, false),
        ];
        Document {
            preface: vec!["On faces.".into()],
            sections: vec![section],
            settings: vec![("lr".into(), "0.1".into())],
        }
    }

    #[test]
    fn markdown_keeps_its_tables_whole() {
        let text = document().markdown();
        assert!(text.contains("| x\\|e | 50 .0 |"), "{text}");
        assert!(text.contains("| it is | cannot tell | 2 & 3 | 1 |") && text.contains("](figures/one.svg)"), "{text}");
        assert!(
            text.contains("Of 2 claims of the paper 1 hold here, 0 do not, and of 1 these runs cannot tell. 1 more"),
            "{text}"
        );
        assert!(text.contains("| does not hold (not counted) |"), "{text}");
        assert!(text.contains("|  | a | b |\n| --- | --- | --- |\n| a | 0.00 | 0.50 |"), "{text}");
    }

    #[test]
    fn html_is_well_formed_and_escaped() {
        let html = document().html();
        crate::report::tests::assert_well_formed(&html);
        assert!(html.contains("Table &lt;1&gt; | of &amp; more") && html.contains("<svg"), "{html}");
        assert_eq!(document().figures().count(), 1);
    }
}
