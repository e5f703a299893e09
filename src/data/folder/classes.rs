//! `classes.txt`: the order of the classes, and a real value for each where they have one.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use thiserror::Error;

use super::error::{FolderError, listed};
use super::walk::is_file;
use crate::data::indices;
use crate::files;

/// Name of the list in a data folder.
pub(super) const FILE_NAME: &str = "classes.txt";
/// Longest list that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What is wrong with `classes.txt`.
#[derive(Debug, Error)]
pub enum ClassListError {
    /// It could not be read as text.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// Far longer than class names are.
    #[error("too long for a list of class folders: one folder name a line is expected")]
    TooLong,
    /// Nothing but blank lines.
    #[error("the list is empty: write one folder name a line, or remove the file")]
    Empty,
    /// A name that came before.
    #[error("line {line}: `{name}` is there twice")]
    Twice {
        /// Line number from 1.
        line: usize,
        /// The name.
        name: String,
    },
    /// What follows the tab or comma is no finite number.
    #[error("line {line}: the value `{value}` is not a number")]
    Value {
        /// Line number from 1.
        line: usize,
        /// What is there.
        value: String,
    },
    /// Values for some classes only.
    #[error("line {line}: either every class has a value after a tab or a comma, or none has")]
    SomeValues {
        /// The first line, from 1, that differs from the first class.
        line: usize,
    },
    /// Names without a folder.
    #[error("there is no class folder for {}: correct or remove the lines", listed(.0))]
    Unknown(Vec<String>),
    /// Folders without a name in the list.
    #[error("the class folders {} are not in the list: add a line for each", listed(.0))]
    Unlisted(Vec<String>),
}

/// The classes of a data folder in their order.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Classes {
    pub names: Vec<String>,
    /// Real value of each class: from the list, else the class index.
    pub values: Vec<f64>,
}

/// The order of the class folders `found` in the data folder `root`: that of its `classes.txt`, else as they come.
pub(super) fn ordered(root: &Path, found: Vec<String>) -> Result<Classes, FolderError> {
    let path = root.join(FILE_NAME);
    if !is_file(&path) {
        let values = indices(found.len());
        return Ok(Classes { names: found, values });
    }
    read(&path)
        .and_then(|text| parse(&text, &found))
        .and_then(|list| check_names(&list.names, &found).map(|()| list))
        .map_err(|source| FolderError::ClassList { path, source })
}

fn read(path: &Path) -> Result<String, ClassListError> {
    if files::len(path).is_some_and(|bytes| bytes > MAX_BYTES) {
        return Err(ClassListError::TooLong);
    }
    Ok(files::read_text(path)?)
}

/// Reads a list of the class folders `found`.
fn parse(text: &str, found: &[String]) -> Result<Classes, ClassListError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut names, mut values, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (line, content) in (1..).zip(text.lines()).filter(|(_, content)| !content.trim().is_empty()) {
        let (name, value) = parse_line(line, content.trim(), found)?;
        if !seen.insert(name.clone()) {
            return Err(ClassListError::Twice { line, name });
        }
        names.push(name);
        values.extend(value);
        if !values.is_empty() && values.len() != names.len() {
            return Err(ClassListError::SomeValues { line });
        }
    }
    if names.is_empty() {
        return Err(ClassListError::Empty);
    }
    if values.is_empty() {
        values = indices(names.len());
    }
    Ok(Classes { names, values })
}

/// A name and its value; what is a folder's whole name is no value, whatever is in it.
fn parse_line(line: usize, content: &str, found: &[String]) -> Result<(String, Option<f64>), ClassListError> {
    let is_folder = |name: &str| found.iter().any(|folder| folder == name);
    let parts = content.rsplit_once('\t').or_else(|| content.rsplit_once(','));
    let Some((name, value)) = parts.filter(|_| !is_folder(content)) else {
        return Ok((content.into(), None));
    };
    let value = value.trim();
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((name.trim().into(), Some(number))),
        _ => Err(ClassListError::Value { line, value: value.into() }),
    }
}

fn check_names(list: &[String], found: &[String]) -> Result<(), ClassListError> {
    let without = |names: &[String], others: &[String]| -> Vec<String> {
        let others: HashSet<_> = others.iter().collect();
        names.iter().filter(|name| !others.contains(name)).cloned().collect()
    };
    let (unknown, unlisted) = (without(list, found), without(found, list));
    if !unknown.is_empty() {
        return Err(ClassListError::Unknown(unknown));
    }
    if !unlisted.is_empty() {
        return Err(ClassListError::Unlisted(unlisted));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        parse(text, &[]).unwrap().names
    }

    fn message(text: &str) -> String {
        parse(text, &[]).unwrap_err().to_string()
    }

    #[test]
    fn names_keep_their_order_whatever_the_line_ends() {
        let expected = ["old cats", "a", "b"];
        assert_eq!(names("old cats\na\nb\n"), expected);
        assert_eq!(names("\u{feff}old cats\r\n\r\na \r\n\tb"), expected);
        assert_eq!(parse("x\ny", &[]).unwrap().values, [0.0, 1.0]);
    }

    #[test]
    fn values_come_after_a_tab_or_a_comma() {
        for list in ["0-2\t1\n25-32\t28.5\n60-\t-1e2\n", "0-2,1\n25-32 , 28.5\r\n60-,-1e2"] {
            let classes = parse(list, &[]).unwrap();
            assert_eq!(classes.names, ["0-2", "25-32", "60-"]);
            assert_eq!(classes.values, [1.0, 28.5, -100.0]);
        }
    }

    #[test]
    fn commas_in_the_names_of_folders_are_no_separators() {
        let found = ["a,b", "c,2", "d"].map(str::to_owned);
        assert_eq!(parse("a,b\nc,2\nd", &found).unwrap().names, found);
        let classes = parse("a,b,1\nc,2\t2\nd,3", &found).unwrap();
        assert_eq!((classes.names.as_slice(), classes.values), (found.as_slice(), vec![1.0, 2.0, 3.0]));
        assert!(parse("a,b\nc,x", &found).unwrap_err().to_string().contains("the value `x` is not a number"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        assert!(message(" \n\n").contains("empty"));
        assert!(message("a\n\nb\na\n").contains("line 4: `a`"));
        assert!(message("a\t1\nb\tmany\n").contains("line 2: the value `many`"));
        assert!(message("a\tNaN\n").contains("`NaN`"));
        assert!(message("a\tinf\n").contains("`inf`"));
        assert!(message("a\t1\nb\n").contains("line 2"));
        assert!(message("a\nb\nc\t3\n").contains("line 3"));
    }

    #[test]
    fn names_and_folders_must_agree() {
        let strings = |names: &[&str]| names.iter().map(|&n| n.to_string()).collect::<Vec<_>>();
        let found = strings(&["a", "b"]);
        assert!(check_names(&strings(&["b", "a"]), &found).is_ok());
        let unknown = check_names(&strings(&["a", "b", "c", "d"]), &found).unwrap_err();
        assert!(unknown.to_string().contains("`c`, `d`"), "{unknown}");
        let unlisted = check_names(&strings(&["b"]), &found).unwrap_err();
        assert!(unlisted.to_string().contains("`a` are not"), "{unlisted}");
    }
}
