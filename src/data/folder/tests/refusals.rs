//! Folders that cannot be loaded, and what is said about them.

use super::*;

#[test]
fn a_class_list_that_does_not_fit_is_refused() {
    let data = Data::two_classes();
    data.bytes("classes.txt", b"a\nb\nc\n");
    assert_says(&data.error(), &["classes.txt", "no class folder for `c`"]);
    data.bytes("classes.txt", b"b\n");
    assert_says(&data.error(), &["classes.txt", "`a`", "not in the list"]);
    data.bytes("classes.txt", b"\xFF\xFE\x00");
    assert_says(&data.error(), &["classes.txt", "cannot be read"]);
    data.bytes("classes.txt", &[b'a'; (1 << 20) + 1]);
    assert_says(&data.error(), &["classes.txt", "too long"]);
}

#[test]
fn a_path_that_is_no_folder_is_refused() {
    let data = Data::two_classes();
    let error = |path| Folder { path, ..data.folder() }.load(&|_, _| {}).unwrap_err();
    assert_says(&error(data.path("gone")), &["gone", "does not exist"]);
    assert_says(&error(data.path("a/0.png")), &["0.png", "not a folder"]);
}

#[test]
fn a_folder_without_two_classes_is_refused() {
    let data = Data::new();
    assert!(matches!(data.error(), FolderError::NoClasses(_)));
    data.image("loose.png", [1; 3]);
    assert_says(&data.error(), &["no class folders", "a folder of its own"]);
    data.image("only/1.png", [1; 3]);
    assert_says(&data.error(), &["single class, `only`"]);
}

#[test]
fn empty_classes_are_named() {
    let data = Data::two_classes();
    fs::create_dir(data.path("none")).unwrap();
    assert_says(&data.error(), &["class `none`", "not be read: 0)"]);
    data.bytes("none/notes.txt", b"words");
    data.bytes("none/1.png", b"words");
    assert_says(&data.error(), &["class `none`", "not be read: 2)"]);
}

#[test]
fn folders_without_any_image_are_refused() {
    let data = Data::new();
    fs::create_dir(data.path("a")).unwrap();
    fs::create_dir(data.path("b")).unwrap();
    assert!(matches!(data.error(), FolderError::NoImages(_)));
    data.bytes("a/1.png", b"");
    data.bytes("b/1.png", b"words");
    assert_says(&data.error(), &["none of the 2 files", "1.png: the file is empty"]);
}

#[test]
fn train_and_test_need_each_other_and_the_same_classes() {
    let data = Data::new();
    data.image("train/x/1.png", [1; 3]);
    data.image("train/y/1.png", [1; 3]);
    assert_says(&data.error(), &["`train` folder but no `test`"]);
    fs::create_dir(data.path("test")).unwrap();
    assert_says(&data.error(), &["test has no class folder for `x`, `y`,"]);
    data.image("test/x/1.png", [1; 3]);
    assert_says(&data.error(), &["test has no class folder for `y`,"]);
    data.image("test/z/1.png", [1; 3]);
    data.image("test/y/1.png", [1; 3]);
    assert_says(&data.error(), &["train has no class folder for `z`", "`test` has"]);
    fs::remove_dir_all(data.path("test/z")).unwrap();
    data.image("train/w/1.png", [1; 3]);
    assert_says(&data.error(), &["test has no class folder for `w`", "`train` has"]);
    for class in ["train/w", "train/y", "test/y"] {
        fs::remove_dir_all(data.path(class)).unwrap();
    }
    assert_says(&data.error(), &["train has a single class, `x`"]);
    fs::remove_dir_all(data.path("train")).unwrap();
    assert_says(&data.error(), &["`test` folder but no `train`"]);
}

#[test]
fn an_empty_class_of_the_test_split_is_named_with_its_folder() {
    let data = Data::new();
    for class in ["train/x", "train/y", "test/x"] {
        data.image(&format!("{class}/1.png"), [1; 3]);
    }
    data.bytes("test/y/1.png", b"words");
    let folder = Path::new("test").join("y");
    assert_says(&data.error(), &["class `y`", folder.to_str().unwrap(), "not be read: 1)"]);
}

#[test]
fn a_class_with_a_single_image_cannot_be_split() {
    let data = Data::two_classes();
    data.image("c/1.png", [1; 3]);
    data.bytes("c/2.png", b"words");
    assert_says(&data.error(), &["class `c` has a single image", "at least 2"]);
}

#[test]
fn parameters_are_checked() {
    let data = Data::two_classes();
    let sideless = Folder { side: 0, ..data.folder() };
    assert!(matches!(sideless.load(&|_, _| {}), Err(FolderError::Side(_))));
    let tested = Folder { test_fraction: 1.0, ..data.folder() };
    assert!(matches!(tested.load(&|_, _| {}), Err(FolderError::Split(_))));
}

#[test]
fn a_folder_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let data = Data::two_classes();
    fs::create_dir(data.path("a/inner")).unwrap();
    let lock = |name: &str, mode| fs::set_permissions(data.path(name), fs::Permissions::from_mode(mode)).unwrap();
    lock("a", 0);
    if fs::read_dir(data.path("a")).is_ok() {
        // Root passes over permissions, so that nothing could be seen here: ask a user who does not.
        run_as_nobody("a_folder_without_permission_is_named");
        return;
    }
    assert_says(&data.error(), &["a cannot be read", "denied"]);
    lock("a", 0o700);
    lock("a/inner", 0);
    lock("b/2.png", 0);
    let loaded = data.load();
    assert_eq!(data.skipped(&loaded), ["a/inner", "b/2.png"]);
    assert!(loaded.skipped.iter().all(|s| s.to_string().contains("denied")));
    let (files, skipped) = image_files(&data.path("a")).unwrap();
    assert_eq!(skipped.iter().map(|s| s.path.clone()).collect::<Vec<_>>(), [data.path("a/inner")]);
    assert!(!files.is_empty());
    lock("a/inner", 0o700);
}

/// Runs a test of this file again as the user nobody. Where that is not possible it says that nothing was checked.
#[cfg(unix)]
fn run_as_nobody(test: &str) {
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65_534;
    let module = module_path!().split_once("::").unwrap().1;
    let run = std::process::Command::new("/proc/self/exe")
        .args(["--exact", &format!("{module}::{test}")])
        .current_dir("/")
        .env_remove("TMPDIR")
        .uid(NOBODY)
        .gid(NOBODY)
        .output();
    match run {
        Ok(run) => {
            let output = String::from_utf8_lossy(&run.stdout);
            assert!(run.status.success() && output.contains("1 passed"), "{output}");
        }
        Err(e) => eprintln!("NOT CHECKED: root passes over permissions, and no other user could be had ({e})"),
    }
}
