//! What a data folder says of the folds or the people of its images: `folds.csv` and `subjects.csv`, a line an image:
//! its path below the folder, and after a comma or a tab the name of its fold or of whom it shows.

use crate::files;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// What the data says of its images beside their classes, by the images' names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouping {
    /// The fold of each image, where the data has folds.
    pub folds: Option<HashMap<String, String>>,
    /// Whom each image shows, where that is known: nobody is on two sides of a split.
    pub subjects: Option<HashMap<String, String>>,
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
    /// What a data folder says.
    ///
    /// # Errors
    /// [`GroupingError::File`] for a file that is there and cannot be read.
    pub fn in_folder(folder: &Path) -> Result<Self, GroupingError> {
        Ok(Self { folds: read(&folder.join(FOLDS))?, subjects: read(&folder.join(SUBJECTS))? })
    }

    /// The fold of each image as a number from 0, where the data has folds.
    ///
    /// # Errors
    /// [`GroupingError::Missing`] for an image without one.
    pub fn fold_numbers(&self, images: &[String]) -> Result<Option<Vec<usize>>, GroupingError> {
        self.folds.as_ref().map(|groups| numbers(groups, images, FOLDS)).transpose()
    }

    /// Whom each image shows as a number from 0, where that is known.
    ///
    /// # Errors
    /// [`GroupingError::Missing`] for an image without a subject.
    pub fn subject_numbers(&self, images: &[String]) -> Result<Option<Vec<usize>>, GroupingError> {
        self.subjects.as_ref().map(|groups| numbers(groups, images, SUBJECTS)).transpose()
    }
}

/// The group of each image as a number: the position of its name among all, in natural order.
fn numbers(
    groups: &HashMap<String, String>,
    images: &[String],
    file: &'static str,
) -> Result<Vec<usize>, GroupingError> {
    let missing = |image: &String| GroupingError::Missing { image: image.clone(), file };
    let named: Result<Vec<&str>, _> =
        images.iter().map(|image| groups.get(image).map(String::as_str).ok_or_else(|| missing(image))).collect();
    let named = named?;
    let mut names: Vec<&str> = named.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    names.sort_by(|a, b| natord::compare(a, b));
    let numbers: HashMap<&str, usize> = names.into_iter().enumerate().map(|(number, name)| (name, number)).collect();
    Ok(named.into_iter().map(|name| numbers[name]).collect())
}

fn read(path: &Path) -> Result<Option<HashMap<String, String>>, GroupingError> {
    let wrong = |why: String| GroupingError::File { path: path.to_owned(), why };
    if !files::exists(path) {
        return Ok(None);
    }
    let text = files::read_text(path).map_err(|error| wrong(error.to_string()))?;
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

    #[test]
    fn folds_and_subjects_are_read_from_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let read = || Grouping::in_folder(folder.path());
        assert_eq!(read().unwrap(), Grouping::default());
        std::fs::write(folder.path().join(SUBJECTS), "0-2/a, b.jpg, Ada\n\n4-6/c.jpg\tBo\n").unwrap();
        let subjects = read().unwrap().subjects.unwrap();
        assert_eq!((subjects["0-2/a, b.jpg"].as_str(), subjects["4-6/c.jpg"].as_str()), ("Ada", "Bo"));
        std::fs::write(folder.path().join(FOLDS), "0-2/a.jpg,fold 10\n0-2/b.jpg,fold 9\n").unwrap();
        let names = ["0-2/a.jpg", "0-2/b.jpg"].map(str::to_owned);
        assert_eq!(read().unwrap().fold_numbers(&names).unwrap().unwrap(), [1, 0]);
        let words = read().unwrap().subject_numbers(&names).unwrap_err().to_string();
        assert!(words.contains("0-2/a.jpg") && words.contains("subjects.csv"), "{words}");
        std::fs::write(folder.path().join(FOLDS), "0-2/a.jpg\n").unwrap();
        let words = read().unwrap_err().to_string();
        assert!(words.contains("folds.csv") && words.contains("line 1"), "{words}");
    }
}
