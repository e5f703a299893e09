//! What a data folder says of the folds or the people of its images: `folds.csv` and `subjects.csv`, a line an image:
//! its path below the folder, and after a comma or a tab the name of its fold or of whom it shows.

use crate::data::source::Source;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// What the data says of its images beside their classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// Nothing.
    #[default]
    None,
    /// The fold of each image, by the image's name.
    Folds(HashMap<String, String>),
    /// Whom each image shows, by the image's name: nobody is in two folds.
    Subjects(HashMap<String, String>),
}

/// Why the data's own folds or subjects are of no use.
#[derive(Debug, thiserror::Error)]
pub enum GroupingError {
    /// A file that cannot be read.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An image that the file does not name.
    #[error("the image {image} has no line in {file}; every image needs one, by its path below the data folder")]
    Missing {
        /// The image.
        image: String,
        /// folds.csv or subjects.csv.
        file: &'static str,
    },
}

const FOLDS: &str = "folds.csv";
const SUBJECTS: &str = "subjects.csv";

impl Grouping {
    /// What the source's folder says; folds count more than subjects.
    ///
    /// # Errors
    /// [`GroupingError::File`] for a file that is there and cannot be read.
    pub fn of(source: &Source) -> Result<Self, GroupingError> {
        let Source::Folder { path, .. } = source else { return Ok(Self::None) };
        if let Some(folds) = read(&path.join(FOLDS))? {
            return Ok(Self::Folds(folds));
        }
        Ok(read(&path.join(SUBJECTS))?.map_or(Self::None, Self::Subjects))
    }

    /// The group of each image as a number: the position of its name among all, in natural order.
    ///
    /// # Errors
    /// [`GroupingError::Missing`] for an image without a group.
    pub fn numbers(&self, images: &[String]) -> Result<Vec<usize>, GroupingError> {
        let (groups, file) = match self {
            Self::None => return Ok((0..images.len()).collect()),
            Self::Folds(groups) => (groups, FOLDS),
            Self::Subjects(groups) => (groups, SUBJECTS),
        };
        let missing = |image: &String| GroupingError::Missing { image: image.clone(), file };
        let named: Result<Vec<&str>, _> =
            images.iter().map(|image| groups.get(image).map(String::as_str).ok_or_else(|| missing(image))).collect();
        let named = named?;
        let mut names: Vec<&str> = named.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        names.sort_by(|a, b| natord::compare(a, b));
        let numbers: HashMap<&str, usize> =
            names.into_iter().enumerate().map(|(number, name)| (name, number)).collect();
        Ok(named.into_iter().map(|name| numbers[name]).collect())
    }
}

fn read(path: &Path) -> Result<Option<HashMap<String, String>>, GroupingError> {
    let wrong = |why: String| GroupingError::File { path: path.to_owned(), why };
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let mut groups = HashMap::new();
    for (at, line) in text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()) {
        let halves = line.rsplit_once('\t').or_else(|| line.rsplit_once(','));
        let (image, group) = halves.ok_or_else(|| {
            wrong(format!("line {} is no path and a name with a comma or a tab between: `{line}`", at + 1))
        })?;
        groups.insert(image.trim().to_owned(), group.trim().to_owned());
    }
    Ok(Some(groups))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &Path) -> Source {
        Source::Folder { path: path.to_owned(), test_fraction: 0.2, strict: false }
    }

    #[test]
    fn folds_and_subjects_are_read_from_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let source = source(folder.path());
        assert_eq!(Grouping::of(&source).unwrap(), Grouping::None);
        std::fs::write(folder.path().join(SUBJECTS), "0-2/a, b.jpg, Ada\n\n4-6/c.jpg\tBo\n").unwrap();
        let found = Grouping::of(&source).unwrap();
        let Grouping::Subjects(subjects) = &found else { panic!("{found:?}") };
        assert_eq!((subjects["0-2/a, b.jpg"].as_str(), subjects["4-6/c.jpg"].as_str()), ("Ada", "Bo"));
        std::fs::write(folder.path().join(FOLDS), "0-2/a.jpg,fold 10\n0-2/b.jpg,fold 9\n").unwrap();
        let names = ["0-2/a.jpg", "0-2/b.jpg"].map(str::to_owned);
        assert_eq!(Grouping::of(&source).unwrap().numbers(&names).unwrap(), [1, 0]);
        std::fs::write(folder.path().join(FOLDS), "0-2/a.jpg\n").unwrap();
        let words = Grouping::of(&source).unwrap_err().to_string();
        assert!(words.contains("folds.csv") && words.contains("line 1"), "{words}");
        assert_eq!(Grouping::of(&Source::Faces { train: 8, test: 8 }).unwrap(), Grouping::None);
    }
}
