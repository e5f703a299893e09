//! Calls of the program, and what is said of them.

use std::ffi::OsStr;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The smallest network, 64 faces to train on and 24 to test on, four steps an epoch.
pub const TINY: &str = "--train-images 64 --test-images 24 --size 16 --channels 4,6 --hidden 8 --batch 16 --lr 0.05";

/// A call of the program that is being put together.
pub struct Call(Command);

/// A call with these words as arguments, split at spaces.
pub fn backhoe(words: &str) -> Call {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backhoe"));
    // Whoever runs the tests may have set these; here they only make a panic longer.
    command.env_remove("RUST_BACKTRACE").stdin(Stdio::null());
    // Without a display, `backhoe` alone trains.
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    // Without it some graphics drivers add lines of their own to standard error.
    command.env("XDG_RUNTIME_DIR", std::env::var_os("XDG_RUNTIME_DIR").unwrap_or(std::env::temp_dir().into()));
    Call(command).words(words)
}

impl Call {
    /// More arguments, split at spaces.
    pub fn words(mut self, words: &str) -> Self {
        self.0.args(words.split_whitespace());
        self
    }

    /// One more argument, as it is.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// The folder in which it runs.
    pub fn within(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Where its standard output goes.
    pub fn stdout(mut self, to: impl Into<Stdio>) -> Self {
        self.0.stdout(to);
        self
    }

    /// Begins it, with both outputs in pipes unless said otherwise.
    pub fn begin(mut self) -> Child {
        self.0.stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs it to its end.
    pub fn run(self) -> Ran {
        Ran::new(self.stdout(Stdio::piped()).begin().wait_with_output().unwrap())
    }

    /// The same call under a shell that first does `preparation`.
    #[cfg(unix)]
    pub fn under_shell(self, preparation: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("{preparation}; exec \"$@\"")).arg("sh");
        shell.arg(self.0.get_program()).args(self.0.get_args()).stdin(Stdio::null());
        Self(shell)
    }
}

/// How a call ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; nothing when a signal ended it.
    pub code: Option<i32>,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

impl Ran {
    /// What is known of an output. No call ever panics.
    #[track_caller]
    pub fn new(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ran = Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!ran.stderr.contains("panicked"), "{ran:#?}");
        ran
    }

    /// It ended well.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// It ended with 1 and a single line, in which all these words occur.
    #[track_caller]
    pub fn refused(&self, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{self:#?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:#?}");
        assert!(self.stderr.starts_with("backhoe: "), "{self:#?}");
        self.says(words);
    }

    /// The command line was not understood: it ended with 2, and the first line has these words.
    #[track_caller]
    pub fn misunderstood(&self, words: &[&str]) {
        assert_eq!(self.code, Some(2), "{self:#?}");
        let first = self.stderr.lines().next().unwrap_or_default();
        assert!(first.starts_with("error: ") && words.iter().all(|word| first.contains(word)), "{words:?} {self:#?}");
    }

    /// These words occur on standard error.
    #[track_caller]
    pub fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in {self:#?}");
        }
    }
}

/// Does `test` with every case, and fails in the end with the names of all that failed.
#[track_caller]
pub fn each<N: Display, T>(cases: impl IntoIterator<Item = (N, T)>, test: impl Fn(T)) {
    let fails = |(name, case): (N, T)| catch_unwind(AssertUnwindSafe(|| test(case))).err().map(|_| name.to_string());
    let failed: Vec<String> = cases.into_iter().filter_map(fails).collect();
    assert!(failed.is_empty(), "failed: {failed:#?}");
}

/// Sends a signal, named as `kill` names it.
#[cfg(unix)]
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", child.id())).status().unwrap();
    assert!(sent.success());
}
